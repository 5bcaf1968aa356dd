package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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
	Suppresses []string       `json:"suppresses"` // of an allow-list; empty: all banks
	Action     string         `json:"action"`
	Policy     policyLine     `json:"policy"`
	Shadow     bool           `json:"shadow"`           // nothing is reported
	Percent    float64        `json:"roll_out_percent"` // of the uploads for which it is, unless shadow
}

// policyLine says what becomes of matches: report, shadow or ignore.
type policyLine struct {
	None        string `json:"none"`
	Positive    string `json:"positive"`
	Seed        string `json:"seed"`
	Negative    string `json:"negative"`
	Disputed    string `json:"disputed"`
	Quarantined string `json:"quarantined"`
}

func newPolicyLine(p match.Policy) policyLine {
	p = p.Resolved()
	return policyLine{p.None.String(), p.Positive.String(), p.Seed.String(), p.Negative.String(), p.Disputed.String(), p.Quarantined.String()}
}

// entryLine describes an entry of a bank. What is not set is null or empty.
type entryLine struct {
	Bank       string         `json:"bank"`
	Entry      string         `json:"entry"`
	Labels     []string       `json:"labels"`
	Kinds      map[string]int `json:"kinds"`
	DurationMS int64          `json:"duration_ms"` // 0: not a video
	Disabled   bool           `json:"disabled"`

	State         string          `json:"state"`   // disabled, expired, or what becomes of its matches: report, shadow, ignore
	Opinion       match.Stance    `json:"opinion"` // what all say together: none, positive, seed, negative, disputed
	DisabledUntil *time.Time      `json:"disabled_until"`
	Expires       *time.Time      `json:"expires"`
	Note          string          `json:"note"`
	Decision      *decisionLine   `json:"decision"`
	Opinions      []opinionLine   `json:"opinions"`
	Quarantine    *quarantineLine `json:"quarantine"`
	Origin        *originLine     `json:"origin"`
}

// decisionLine is ours: positive is confirmed, negative deconfirmed.
type decisionLine struct {
	Says match.Stance `json:"says"`
	By   string       `json:"by"`
	At   *time.Time   `json:"at"`
	Note string       `json:"note"`
}

type opinionLine struct {
	By   string       `json:"by"`
	Ours bool         `json:"ours"`
	Says match.Stance `json:"says"`
	At   *time.Time   `json:"at"`
	Tags []string     `json:"tags"`
}

type quarantineLine struct {
	Since   time.Time `json:"since"`
	Count   int       `json:"count"`   // uploads that it matched by then
	Usual   float64   `json:"usual"`   // in the same time before
	Uploads int       `json:"uploads"` // in all
}

type originLine struct {
	Exchange string     `json:"exchange"`
	Member   string     `json:"member"`
	ID       string     `json:"id"`
	Fetched  *time.Time `json:"fetched"`
	Severity string     `json:"severity"`
	Tags     []string   `json:"tags"`
}

func newEntryLine(bank string, p match.Policy, e match.Entry) entryLine {
	when := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return new(t.UTC())
	}
	c := e.Curation.Clone()
	l := entryLine{Bank: bank, Entry: e.ID, Labels: append([]string{}, e.Labels...), Kinds: kindNames(kindCounts(e)), DurationMS: milliseconds(e.Duration), Disabled: e.Disabled,
		State: e.State(p, time.Now()), Opinion: c.Stance(), DisabledUntil: when(c.DisabledUntil), Expires: when(c.Expires), Note: c.Note, Opinions: []opinionLine{}}
	if d := c.Decision; d.Stance != match.NoOpinion {
		l.Decision = &decisionLine{d.Stance, d.By, when(d.At), d.Note}
	}
	for _, o := range c.Opinions {
		l.Opinions = append(l.Opinions, opinionLine{o.By, o.Ours, o.Says, when(o.At), append([]string{}, o.Tags...)})
	}
	if q := c.Quarantine; !q.Since.IsZero() {
		l.Quarantine = &quarantineLine{q.Since.UTC(), q.Count, hundredths(q.Usual), q.Uploads}
	}
	if o := c.Origin; o.Exchange+o.Member+o.ID+o.Severity != "" || len(o.Tags) > 0 || !o.Fetched.IsZero() {
		l.Origin = &originLine{o.Exchange, o.Member, o.ID, when(o.Fetched), o.Severity, append([]string{}, o.Tags...)}
	}
	return l
}

func (a *app) printBank(file string, b match.BankInfo, causes map[match.Cause]int, repeated uint64) error {
	l := bankLine{
		File: file, Bank: b.Name, Labels: append([]string{}, b.Labels...), Entries: b.Entries, Videos: b.Videos,
		Kinds: make(map[string]int), Thresholds: make(map[string]int), SetAside: b.Quarantined, Causes: make(map[string]int), Repeated: repeated, Disabled: b.Disabled, Allow: b.Allow,
		Suppresses: append([]string{}, b.Suppresses...), Action: b.Action, Policy: newPolicyLine(b.Policy), Shadow: b.RollOut.Shadow, Percent: 100,
	}
	if b.RollOut.Percent > 0 {
		l.Percent = b.RollOut.Percent
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
	if len(b.Suppresses) > 0 {
		fmt.Fprintf(&text, " for %s", terminal.OneLine(joinAnd(b.Suppresses)))
	}
	switch {
	case b.RollOut.Shadow:
		text.WriteString(", in shadow")
	case l.Percent < 100:
		fmt.Fprintf(&text, ", for %v %% of uploads", l.Percent)
	}
	if b.Disabled {
		text.WriteString(", disabled")
	}
	text.WriteByte('\n')
	if len(b.Labels) > 0 {
		fmt.Fprintf(&text, "  labels: %s\n", terminal.OneLine(strings.Join(b.Labels, ", ")))
	}
	if b.Action != "" {
		fmt.Fprintf(&text, "  action: %s\n", terminal.OneLine(b.Action))
	}
	if words := policyWords(b.Policy); words != "" {
		fmt.Fprintf(&text, "  policy: %s\n", words)
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

// policyWords says what of a policy is not the default.
func policyWords(p match.Policy) string {
	var words []string
	was := match.Policy{}.Resolved()
	p = p.Resolved()
	now, before := policyFields(&p), policyFields(&was)
	for _, what := range slices.Sorted(maps.Keys(now)) {
		if *now[what] != *before[what] {
			words = append(words, what+" "+now[what].String())
		}
	}
	return strings.Join(words, ", ")
}

// printEntry shows an entry of a bank with a policy.
func (a *app) printEntry(bank string, p match.Policy, e match.Entry) error {
	if a.json {
		return printJSON(a.stdout, newEntryLine(bank, p, e))
	}
	counts := kindCounts(e)
	var parts []string
	if e.IsVideo() {
		parts = append(parts, "video of "+clock(e.Duration))
	}
	for _, k := range hash.Kinds() {
		if n := counts[k]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	if state := e.State(p, time.Now()); state != match.Report.String() {
		parts = append(parts, state)
	}
	if s := e.Curation.Stance(); s != match.NoOpinion {
		parts = append(parts, s.String())
	}
	text := fmt.Sprintf("  %s%s: %s\n", display(e.ID), labelWords(e.Labels), strings.Join(parts, ", "))
	for _, line := range entryDetails(e) {
		text += "    " + line + "\n"
	}
	_, err := fmt.Fprint(a.stdout, text)
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

// entryDetails says what is said of an entry, for people, a line each.
func entryDetails(e match.Entry) []string {
	c := e.Curation.Clone()
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	day := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	if !c.DisabledUntil.IsZero() {
		say("disabled until %s", day(c.DisabledUntil))
	}
	if !c.Expires.IsZero() {
		say("expires %s", day(c.Expires))
	}
	if q := c.Quarantine; !q.Since.IsZero() {
		say("in quarantine since %s: it matched %d of %d uploads, against %.1f before", day(q.Since), q.Count, q.Uploads, q.Usual)
	}
	if d := c.Decision; d.Stance != match.NoOpinion {
		word := map[match.Stance]string{match.Positive: "confirmed", match.Negative: "deconfirmed"}[d.Stance]
		say("%s%s", word, by(d.By)+note(d.Note))
	}
	for _, o := range c.Opinions {
		whose := "theirs"
		if o.Ours {
			whose = "ours"
		}
		say("opinion (%s): %s%s%s", whose, o.Says, by(o.By), labelWords(o.Tags))
	}
	if o := c.Origin; o.Exchange+o.Member+o.ID+o.Severity != "" || len(o.Tags) > 0 {
		say("from %s", strings.Join(strings.Fields(strings.Join([]string{o.Exchange, o.Member, o.ID, o.Severity}, " ")), " ")+labelWords(o.Tags))
	}
	if c.Note != "" {
		say("note: %s", c.Note)
	}
	for i := range lines {
		lines[i] = terminal.OneLine(lines[i])
	}
	return lines
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}

func note(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}
