package main

import (
	"fmt"
	"strings"

	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// bankLine describes a bank: a line of "rematch bank show", and what "rematch bank
// build" ends with.
type bankLine struct {
	File       string         `json:"file"`
	Bank       string         `json:"bank"`
	Labels     []string       `json:"labels"`
	Entries    int            `json:"entries"`
	Videos     int            `json:"videos"`
	Kinds      map[string]int `json:"kinds"`      // hashes that can match, by kind
	SetAside   int            `json:"set_aside"`  // hashes that match nothing
	Causes     map[string]int `json:"causes"`     // of setting them aside: blank, empty_file, not_a_hash, plain_picture, common, low_quality
	Repeated   uint64         `json:"repeated"`   // of "bank build": hashes in the lists that were there already
	Thresholds map[string]int `json:"thresholds"` // bits, inclusive, of every kind in the bank
	Disabled   bool           `json:"disabled"`
	Allow      bool           `json:"allow"`
}

// entryLine describes an entry of a bank, with --entries.
type entryLine struct {
	Bank       string         `json:"bank"`
	Entry      string         `json:"entry"`
	Labels     []string       `json:"labels"`
	Kinds      map[string]int `json:"kinds"`
	DurationMS int64          `json:"duration_ms"` // 0: not a video
	Disabled   bool           `json:"disabled"`
}

func (a *app) printBank(file string, b match.BankInfo, causes map[match.Cause]int, repeated uint64) error {
	l := bankLine{
		File: file, Bank: b.Name, Labels: append([]string{}, b.Labels...), Entries: b.Entries, Videos: b.Videos,
		Kinds: make(map[string]int), Thresholds: make(map[string]int), SetAside: b.Quarantined, Causes: make(map[string]int), Repeated: repeated, Disabled: b.Disabled, Allow: b.Allow,
	}
	for cause, n := range causes {
		l.Causes[string(cause)] = n
	}
	for k, n := range b.Signals {
		l.Kinds[k.String()], l.Thresholds[k.String()] = n, b.Thresholds[k]
	}
	if a.json {
		return printJSON(a.stdout, l)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: bank %s, %s", display(file), display(b.Name), count(l.Entries, "entry", "entries"))
	if l.Videos > 0 {
		fmt.Fprintf(&text, " (%s)", count(l.Videos, "video", "videos"))
	}
	if b.Allow {
		text.WriteString(", an allow-list")
	}
	if b.Disabled {
		text.WriteString(", disabled")
	}
	text.WriteByte('\n')
	if len(b.Labels) > 0 {
		fmt.Fprintf(&text, "  labels: %s\n", terminal.OneLine(strings.Join(b.Labels, ", ")))
	}
	for _, k := range hash.Kinds() { // not the map's order
		if n := b.Signals[k]; n > 0 {
			fmt.Fprintf(&text, "  %-9s %s, up to %d of %d bits match\n", k, count(n, "hash", "hashes"), l.Thresholds[k.String()], k.Bits())
		}
	}
	for _, c := range causeWords {
		if n := causes[c.cause]; n > 0 {
			fmt.Fprintf(&text, "  %s set aside: %s\n", count(n, "hash", "hashes"), c.words)
		}
	}
	if repeated > 0 {
		fmt.Fprintf(&text, "  %d of the hashes given were there already\n", repeated)
	}
	_, err := fmt.Fprint(a.stdout, text.String())
	return err
}

// causeWords say why hashes are set aside, in the order that they are shown.
var causeWords = []struct {
	cause match.Cause
	words string
}{
	{match.CauseBlank, "of blank pictures, or no hashes at all"},
	{match.CauseEmptyFile, "of empty files"},
	{match.CauseNotAHash, "no picture has such a hash"},
	{match.CausePlain, "of pictures that show nothing in particular"},
	{match.CauseCommon, "they would match too many harmless uploads"},
	{match.CauseLowQuality, "of too low a quality"},
	{match.CauseIndex, "the index has refused them"},
}

// causes counts by bank why hashes are set aside.
func causes(m *match.Matcher) (map[string]map[match.Cause]int, error) {
	all := make(map[string]map[match.Cause]int)
	aside, err := m.Quarantined()
	for _, q := range aside {
		if all[q.Bank] == nil {
			all[q.Bank] = make(map[match.Cause]int)
		}
		all[q.Bank][q.Cause]++
	}
	return all, err
}

func (a *app) printEntry(bank string, e match.Entry) error {
	counts := kindCounts(e)
	if a.json {
		l := entryLine{Bank: bank, Entry: e.ID, Labels: append([]string{}, e.Labels...), Kinds: make(map[string]int),
			DurationMS: milliseconds(e.Duration), Disabled: e.Disabled}
		for k, n := range counts {
			l.Kinds[k.String()] = n
		}
		return printJSON(a.stdout, l)
	}
	var parts []string
	if e.IsVideo() {
		parts = append(parts, "video of "+clock(e.Duration))
	}
	for _, k := range hash.Kinds() {
		if n := counts[k]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	if e.Disabled {
		parts = append(parts, "disabled")
	}
	_, err := fmt.Fprintf(a.stdout, "  %s%s: %s\n", display(e.ID), labelWords(e.Labels), strings.Join(parts, ", "))
	return err
}

// asideLine describes a hash that is set aside, with --aside.
type asideLine struct {
	Bank   string      `json:"bank"`
	Entry  string      `json:"entry"`
	Signal int         `json:"signal"` // its number in the entry, from 0
	Hash   string      `json:"hash"`
	Cause  match.Cause `json:"cause"`
	Reason string      `json:"reason"` // for people
}

func (a *app) printAside(q match.Quarantined) error {
	if a.json {
		return printJSON(a.stdout, asideLine{q.Bank, q.Entry, q.Signal, q.Value.String(), q.Cause, q.Reason})
	}
	_, err := fmt.Fprintf(a.stdout, "  set aside (%s): %s: %s\n", q.Cause, display(q.Bank+"/"+q.Entry), q.Reason)
	return err
}
