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
	SetAside   int            `json:"set_aside"`  // hashes that match nothing: of blank pictures, of empty files, of too low a quality
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

func (a *app) printBank(file string, b match.BankInfo) error {
	l := bankLine{
		File: file, Bank: b.Name, Labels: append([]string{}, b.Labels...), Entries: b.Entries, Videos: b.Videos,
		Kinds: make(map[string]int), Thresholds: make(map[string]int), SetAside: b.Quarantined, Disabled: b.Disabled, Allow: b.Allow,
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
	if b.Quarantined > 0 {
		fmt.Fprintf(&text, "  %s set aside: of blank pictures or empty files, or of too low a quality\n", count(b.Quarantined, "hash", "hashes"))
	}
	_, err := fmt.Fprint(a.stdout, text.String())
	return err
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
