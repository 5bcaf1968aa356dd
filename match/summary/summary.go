// Package summary counts what records of screenings say over a period, for a transparency report:
// by bank, source, kind and type of content; how long it took from sharing to the first match; and
// how often matches were false, as far as people have reviewed them. A Summary is JSON as it is;
// WriteCSV and WriteHTML are for people, a Statement and the Write functions beside them have the
// names that regulators give.
package summary

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/rematch-go/rematch/match/record"
)

// ErrPeriod is the error of a period that ends before it begins, or not on the hour, or after more
// than a hundred years.
var ErrPeriod = errors.New("summary: not a period")

// Summary is what became of the uploads of a period. Durations are seconds.
type Summary struct {
	From time.Time `json:"from"` // inclusive
	To   time.Time `json:"to"`   // exclusive

	// Uploads by what they are counted as; together they are Screened.
	Screened   int64 `json:"screened"`
	Matched    int64 `json:"matched"`
	Suppressed int64 `json:"suppressed"`
	Shadowed   int64 `json:"shadowed"`
	NotJudged  int64 `json:"not_judged"`
	Clean      int64 `json:"clean"`
	// Partly are those of Matched of which not all was looked at.
	Partly  int64    `json:"partly_judged"`
	Reasons []Reason `json:"not_judged_reasons"` // of NotJudged and Partly, the most frequent first

	// Records is how many documents there are of the period's uploads that matched, and Missing how
	// many uploads were counted as matched without: they were removed when their time was over.
	// Of Uncounted there are documents, and no counts any more, so that what is above is too little.
	// All of the following is of the documents that there are.
	Records   int64 `json:"records"`
	Missing   int64 `json:"records_missing"`
	Uncounted int64 `json:"records_uncounted"`
	All       Row   `json:"all"`

	Banks   []Row `json:"banks"`
	Sources []Row `json:"sources"` // who shared the entries that matched
	Kinds   []Row `json:"kinds"`   // of hash
	Content []Row `json:"content"` // image or video

	Step  string `json:"step"` // day or month: of Steps
	Steps []Step `json:"steps"`
	// Sample says what FalseMatches were measured on.
	Sample string `json:"sample"`
}

// Reason is why uploads were not judged, or not all of them.
type Reason struct {
	Reason string `json:"reason"`
	N      int64  `json:"uploads"`
}

// Step is a day or month of the period.
type Step struct {
	From      time.Time `json:"from"`
	Screened  int64     `json:"screened"`
	Matched   int64     `json:"matched"`
	NotJudged int64     `json:"not_judged"`
}

// Row is of the uploads that matched entries of one bank, source, kind or type of content. An
// upload that matched entries of several is in each of their rows, in one of the first three
// columns of each.
type Row struct {
	Name     string `json:"name"`
	Exchange string `json:"exchange,omitempty"` // of a source; empty: ours
	Member   string `json:"member,omitempty"`

	Matched    int64 `json:"matched"`
	Suppressed int64 `json:"suppressed"` // all that matched was suppressed by an allow-list
	Shadowed   int64 `json:"shadowed"`   // nothing matched that is reported

	// Of Matched: Confirmed, if one of the row's matches is, and Overturned, if all are.
	Confirmed  int64 `json:"confirmed"`
	Overturned int64 `json:"overturned"`
	// Automated are those of Confirmed that no person (a reviewer or an authority) has confirmed:
	// what an API key decides is automated, unless it names the reviewer.
	Automated int64 `json:"confirmed_automatically"`

	// FirstMatched is how long it took from sharing an entry to its first match, of the entries
	// that matched for the first time in the period, as far back as records go; nil: of none it is known.
	FirstMatched *Delay `json:"shared_to_first_matched,omitempty"`
	// Decision is how long it took from screening to the first decision of one of the row's matches,
	// of Confirmed and Overturned; nil: there are none.
	Decision *Delay `json:"screened_to_decided,omitempty"`
	// FalseMatches is the share of Overturned of both, as far as people have decided: what was
	// confirmed automatically was not reviewed. nil: nothing was.
	FalseMatches *Rate `json:"false_matches,omitempty"`
}

// Delay is a distribution of times.
type Delay struct {
	N      int     `json:"n"`
	Median float64 `json:"median_s"` // of an even number the mean of the two in the middle
	P95    float64 `json:"p95_s"`    // the least that 95 % are not above
}

// Rate is a share with its interval of 95 %, by Wilson's score: exact enough for few and for rare.
// It is right as far as what was reviewed was like the rest.
type Rate struct {
	Reviewed   int64   `json:"reviewed"`
	Of         int64   `json:"of"` // matched uploads
	Overturned int64   `json:"overturned"`
	Rate       float64 `json:"rate"` // 0 to 1
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
}

// sample is Summary.Sample.
const sample = "every upload that matched in the period and that a person has decided of by now, whatever made them look at it; not a random sample, unless the reviewers drew one"

// Sources that are no exchange.
const ours = "own entries"

// Types of content, in the words of the DSA's database.
const (
	Image = "CONTENT_TYPE_IMAGE"
	Video = "CONTENT_TYPE_VIDEO"
)

// contentType of an upload: what moves is a video. Empty: it was not recognised.
func contentType(class string) string {
	switch class {
	case "still":
		return Image
	case "animation", "video":
		return Video
	}
	return ""
}

// Build counts the uploads of a period of whole hours, From inclusive and To exclusive. counts are
// those of its hours, as store.View.RecordCounts has them; records those that were screened in
// it, in the order of time, with what was decided up to now; and first tells when an entry matched
// first of all, as FirstMatch does: it is called while records are read. Others than of the
// period are left out. Errors are ErrPeriod and those of records and first. The same gives the
// same. Memory grows with the entries that matched, and by some bytes a row with each upload that
// was decided of.
func Build(from, to time.Time, counts []record.Count, records iter.Seq2[*record.Record, error], first func(bank, entry string) (time.Time, error)) (*Summary, error) {
	from, to = from.UTC(), to.UTC()
	switch {
	case from.IsZero() || to.IsZero() || !from.Before(to):
		return nil, fmt.Errorf("%w: from %s to %s", ErrPeriod, from.Format(time.RFC3339), to.Format(time.RFC3339))
	case to.After(from.AddDate(100, 0, 0)):
		return nil, fmt.Errorf("%w: from %s to %s; want a hundred years at most", ErrPeriod, from.Format(time.RFC3339), to.Format(time.RFC3339))
	case !from.Equal(from.Truncate(time.Hour)) || !to.Equal(to.Truncate(time.Hour)):
		return nil, fmt.Errorf("%w: from %s to %s; want whole hours, for uploads are counted by them", ErrPeriod, from.Format(time.RFC3339Nano), to.Format(time.RFC3339Nano))
	}
	b := builder{Summary: Summary{From: from, To: to, Sample: sample}, first: first, seen: make(map[[2]string]bool), hours: make(map[int64]int64)}
	b.count(counts)
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		if r.ScreenedAt.Before(from) || !r.ScreenedAt.Before(to) {
			continue
		}
		if err := b.add(r); err != nil {
			return nil, err
		}
	}
	s := b.Summary
	for _, n := range b.hours {
		s.Missing += max(0, n)
		s.Uncounted += max(0, -n)
	}
	s.All = b.all.done()
	s.Banks, s.Sources, s.Kinds, s.Content = b.banks.done(), b.sources.done(), b.kinds.done(), b.content.done()
	return &s, nil
}

type builder struct {
	Summary
	first                          func(bank, entry string) (time.Time, error)
	seen                           map[[2]string]bool // entries that matched
	hours                          map[int64]int64    // uploads that were counted as matched, but for those with a record
	all                            row
	banks, sources, kinds, content rows
}

// count adds what is counted by the hour.
func (b *builder) count(counts []record.Count) {
	reasons := make(map[string]int64)
	step := func(t time.Time) time.Time { return t.Truncate(24 * time.Hour) }
	next := func(t time.Time) time.Time { return t.Add(24 * time.Hour) }
	b.Step = "day"
	if b.To.Sub(b.From) > 62*24*time.Hour {
		b.Step = "month"
		step = func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC) }
		next = func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }
	}
	for t := step(b.From); t.Before(b.To); t = next(t) {
		b.Steps = append(b.Steps, Step{From: t})
	}
	for _, c := range counts {
		if c.Hour.Before(b.From) || !c.Hour.Before(b.To) {
			continue
		}
		i, _ := slices.BinarySearchFunc(b.Steps, step(c.Hour.UTC()), func(s Step, t time.Time) int { return s.From.Compare(t) })
		b.Screened += c.N
		b.Steps[i].Screened += c.N
		switch c.Class {
		case record.Matched:
			b.Matched += c.N
			b.hours[c.Hour.Unix()] += c.N
			b.Steps[i].Matched += c.N
			if c.Reason != "" {
				b.Partly += c.N
			}
		case record.Suppressed:
			b.Suppressed += c.N
		case record.Shadowed:
			b.Shadowed += c.N
		case record.NotJudged:
			b.NotJudged += c.N
			b.Steps[i].NotJudged += c.N
		default:
			b.Clean += c.N
		}
		if c.Reason != "" {
			reasons[c.Reason] += c.N
		}
	}
	b.Reasons = []Reason{}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		b.Reasons = append(b.Reasons, Reason{reason, reasons[reason]})
	}
	slices.SortStableFunc(b.Reasons, func(x, y Reason) int { return cmp.Compare(y.N, x.N) })
}

// add counts a record in the rows of all that it matched.
func (b *builder) add(r *record.Record) error {
	if r.Class() == record.Matched {
		b.Records++
		b.hours[r.ScreenedAt.Truncate(time.Hour).Unix()]--
	}
	touched := make(map[*row]*tally)
	touch := func(m *record.Match) []*row {
		of := []*row{&b.all, b.banks.row(Row{Name: m.Bank}), b.sources.row(source(m)), b.kinds.row(Row{Name: m.Evidence.Kind})}
		if c := contentType(r.Upload.Class); c != "" {
			of = append(of, b.content.row(Row{Name: c}))
		}
		for _, row := range of {
			if touched[row] == nil {
				touched[row] = new(tally)
			}
		}
		return of
	}
	for i := range r.Matches {
		m := &r.Matches[i]
		of := touch(m)
		if m.SuppressedBy != "" {
			for _, row := range of {
				touched[row].suppressed = true
			}
			continue
		}
		for _, row := range of {
			touched[row].stand(r, m)
		}
		if err := b.firstMatch(r, m, of); err != nil {
			return err
		}
	}
	for i := range r.Shadow {
		touch(&r.Shadow[i])
	}
	for row, t := range touched { // in any order: they are counted each for itself
		row.add(r, t)
	}
	return nil
}

// firstMatch notes how long it took from sharing an entry to its first match, if this is it.
func (b *builder) firstMatch(r *record.Record, m *record.Match, of []*row) error {
	key := [2]string{m.Bank, m.Entry}
	if b.seen[key] {
		return nil
	}
	b.seen[key] = true
	if m.Origin == nil || m.Origin.SharedAt.IsZero() {
		return nil
	}
	at, err := b.first(m.Bank, m.Entry)
	if err != nil || !at.IsZero() && at.Before(r.ScreenedAt) {
		return err
	}
	delay := max(0, r.ScreenedAt.Sub(m.Origin.SharedAt))
	for _, row := range of {
		row.delays = append(row.delays, delay)
	}
	return nil
}

// source is who shared an entry.
func source(m *record.Match) Row {
	if m.Origin == nil || m.Origin.Exchange == "" {
		return Row{Name: ours}
	}
	s := Row{Name: m.Origin.Exchange, Exchange: m.Origin.Exchange, Member: m.Origin.Member}
	if s.Member != "" {
		s.Name += "/" + s.Member
	}
	return s
}
