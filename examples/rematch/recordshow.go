package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/match/record"
	"github.com/rematch-go/rematch/match/store"
)

// printRecord prints a record: its document on a line, or for people a line, and all of it.
func (a *app) printRecord(r *record.Record, all bool) error {
	if a.json {
		doc, err := r.Encode()
		if err == nil {
			_, err = fmt.Fprintf(a.stdout, "%s\n", doc)
		}
		return err
	}
	status := r.Status()
	if status == "" && r.Class() == record.Matched {
		status = "not decided"
	}
	text := fmt.Sprintf("%s  %s  %-10s %s", display(r.ID), r.ScreenedAt.Format(time.DateTime), r.Class(), display(r.Upload.ID))
	if r.Reason != "" {
		text += ": " + reasonWords(r.Reason)
	}
	if status != "" {
		text += " (" + status + ")"
	}
	text += "\n"
	if all {
		text += recordWords(r)
	}
	_, err := io.WriteString(a.stdout, text)
	return err
}

// recordWords is all that matters of a record to a reviewer.
func recordWords(r *record.Record) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	u := &r.Upload
	if u.Class != "" {
		length := ""
		if u.DurationMS > 0 {
			length = ", " + clock(time.Duration(u.DurationMS)*time.Millisecond)
		}
		say("%s, %s, %d x %d%s, %d bytes", u.Class, terminal.OneLine(u.Format), u.Width, u.Height, length, u.Bytes)
	}
	for _, kind := range []string{"md5", "sha1", "sha256"} {
		if d := u.Digests[kind]; d != "" {
			say("%s %s", kind, d)
		}
	}
	for _, f := range u.Flags {
		say("flag: %s", f)
	}
	say("by %s %s, decoder %s", r.Tool.Name, terminal.OneLine(r.Tool.Version), terminal.OneLine(r.Tool.Decoder))
	for _, m := range append(append([]record.Match{}, r.Matches...), r.Shadow...) {
		how := ""
		switch {
		case m.SuppressedBy != "":
			how = ", suppressed by " + terminal.OneLine(m.SuppressedBy)
		case m.ShadowedBy != "":
			how = ", not reported (" + m.ShadowedBy + ")"
		}
		if s := r.StatusOf(&m); s != "" {
			how += ", " + s
		}
		say("%s: %s, %d of up to %d bits differ, opinion %s%s", display(m.Bank+"/"+m.Entry), m.Evidence.Kind, m.Evidence.Distance, m.Evidence.Threshold, m.Opinion, how)
		if o := m.Origin; o != nil {
			from := strings.Trim(o.Exchange+"/"+o.Member+"/"+o.ID, "/")
			if !o.SharedAt.IsZero() {
				from += ", shared " + o.SharedAt.Format(time.DateTime)
			}
			if o.Severity != "" {
				from += ", severity " + o.Severity
			}
			say("  from %s", terminal.OneLine(from))
		}
		for _, s := range m.Evidence.Segments {
			ms := func(n int64) string { return clock(time.Duration(n) * time.Millisecond) }
			say("  its %s to %s is %s to %s of the known video", ms(s.QueryFromMS), ms(s.QueryToMS), ms(s.KnownFromMS), ms(s.KnownToMS))
		}
	}
	for _, d := range r.Decisions {
		of := ""
		if d.Bank != "" {
			of = " of " + display(strings.TrimSuffix(d.Bank+"/"+d.Entry, "/"))
		}
		note := ""
		if d.Note != "" {
			note = ": " + terminal.OneLine(d.Note)
		}
		say("%s %s%s, by %s %s%s", d.At.Format(time.DateTime), d.Status, of, d.Actor.Type, display(d.Actor.ID), note)
	}
	if !r.PreserveUntil.IsZero() {
		say("to be preserved until %s", r.PreserveUntil.Format(time.DateTime))
	}
	return b.String()
}

// purgedLine is the line of "rematch record purge".
type purgedLine struct {
	Removed   map[record.Class]int `json:"removed"` // of those that nobody had decided of
	Reviewed  int                  `json:"removed_reviewed"`
	Counts    int                  `json:"removed_counts"`
	Preserved int                  `json:"preserved"` // that are over their time and held
	Position  string               `json:"position"`
}

func (a *app) printPurged(p *store.Purged) error {
	if a.json {
		return printJSON(a.stdout, purgedLine{p.Records, p.Reviewed, p.Counts, p.Preserved, p.At.String()})
	}
	text := count(p.Total(), "record", "records") + " removed"
	var of []string
	for _, c := range record.Classes() {
		if n := p.Records[c]; n > 0 {
			of = append(of, fmt.Sprintf("%d %s", n, c))
		}
	}
	if p.Reviewed > 0 {
		of = append(of, fmt.Sprintf("%d reviewed", p.Reviewed))
	}
	if len(of) > 0 {
		text += " (" + strings.Join(of, ", ") + ")"
	}
	text += fmt.Sprintf(", %s of counts; %s to be preserved\n", count(p.Counts, "line", "lines"), count(p.Preserved, "other is", "others are"))
	_, err := io.WriteString(a.stdout, text)
	return err
}
