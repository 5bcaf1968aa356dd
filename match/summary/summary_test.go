package summary_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/record"
	"github.com/rematch-go/rematch/match/summary"
)

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

const h = time.Hour

type shared struct {
	exchange, member string
	at               time.Duration // after day; 0: not known
}

func known(bank, entry, kind string, from *shared) record.Match {
	m := record.Match{Bank: bank, Entry: entry, Opinion: "none", Evidence: record.Evidence{Kind: kind, QueryHash: "ab", KnownHash: "ab", Distance: 4, Threshold: 31}}
	if from != nil {
		m.Origin = &record.Origin{Exchange: from.exchange, Member: from.member}
		if from.at != 0 {
			m.Origin.SharedAt = day.Add(from.at)
		}
	}
	return m
}

func screened(id string, at time.Duration, class string, matches ...record.Match) *record.Record {
	r := &record.Record{Schema: record.SchemaID, Version: record.Version, ID: id, Upload: record.Upload{ID: "upload " + id, Class: class}, ScreenedAt: day.Add(at), Outcome: record.OutcomeMatch,
		Matches: matches, MatchesTotal: len(matches)}
	if !slices.ContainsFunc(matches, func(m record.Match) bool { return m.SuppressedBy == "" }) {
		r.Outcome = record.OutcomeNoMatch
	}
	return r
}

func decided(r *record.Record, after time.Duration, who, status, bank string) *record.Record {
	r.Decisions = append(r.Decisions, record.Decision{Actor: record.Actor{Type: who, ID: "ann"}, At: r.ScreenedAt.Add(after), Status: status, Bank: bank})
	return r
}

func all(records ...*record.Record) iter.Seq2[*record.Record, error] {
	return func(yield func(*record.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// fixture is two days whose figures were worked out by hand.
func fixture(t *testing.T) *summary.Summary {
	m, n := func(at time.Duration) *shared { return &shared{"gifct", "m", at} }, &shared{"ncmec", "", 0}
	gone := known("terror", "e5", "pdq", m(1*h))
	gone.SuppressedBy = "news/x"
	shadow := screened("u6", 5*h, "still")
	s := known("own", "e6", "pdq", nil)
	s.ShadowedBy = "rollout"
	shadow.Shadow, shadow.ShadowTotal = []record.Match{s}, 1
	records := []*record.Record{
		screened("before", -1, "still", known("terror", "e0", "pdq", m(-2*h))),
		decided(screened("u1", 1*h, "still", known("terror", "e1", "pdq", m(-1*h))), 10*time.Minute, "reviewer", record.Confirmed, ""),
		decided(screened("u2", 2*h, "video", known("terror", "e1", "pdq", m(-1*h)), known("own", "e2", "md5", nil)), 30*time.Minute, "reviewer", record.Overturned, ""),
		decided(screened("u3", 3*h, "still", known("terror", "e3", "pdq", m(-24*h))), 0, "system", record.Confirmed, ""),
		screened("u5", 4*h, "animation", gone),
		shadow,
		// Of two banks one was right.
		decided(decided(screened("u8", 6*h, "", known("terror", "e1", "pdq", m(-1*h)), known("csam", "e8", "pdq", n)), 1*h, "reviewer", record.Overturned, "csam"), 2*h, "authority", record.Confirmed, "terror"),
		screened("u4", 24*h, "video", known("terror", "e4", "pdq", m(1*h))),
		screened("u7", 27*h, "still", known("terror", "e7", "pdq", m(24*h)), known("terror", "e9", "pdq", n)),
		screened("after", 48*h, "still", known("terror", "e10", "pdq", m(1*h))),
	}
	counts := []record.Count{
		{Hour: day.Add(-h), Class: record.Matched, N: 1}, {Hour: day, Class: record.Clean, N: 1000}, {Hour: day.Add(h), Class: record.Matched, N: 1},
		{Hour: day.Add(2 * h), Class: record.Matched, Reason: "truncated", N: 1}, {Hour: day.Add(3 * h), Class: record.Matched, N: 2}, {Hour: day.Add(4 * h), Class: record.Suppressed, N: 1},
		{Hour: day.Add(6 * h), Class: record.Matched, N: 1}, {Hour: day.Add(24 * h), Class: record.Matched, N: 1},
		{Hour: day.Add(5 * h), Class: record.Shadowed, N: 1}, {Hour: day.Add(24 * h), Class: record.NotJudged, Reason: "corrupt", N: 7}, {Hour: day.Add(24 * h), Class: record.NotJudged, Reason: "encrypted", N: 9},
		{Hour: day.Add(27 * h), Class: record.NotJudged, Reason: "corrupt", N: 4}, {Hour: day.Add(27 * h), Class: record.Matched, N: 1}, {Hour: day.Add(48 * h), Class: record.Clean, N: 5},
	}
	first := func(bank, entry string) (time.Time, error) {
		switch bank + entry {
		case "terrore1":
			return day.Add(h), nil
		case "terrore3":
			return day.Add(-10 * h), nil // it matched before the period
		}
		return time.Time{}, nil
	}
	got, err := summary.Build(day, day.Add(48*h), counts, all(records...), first)
	require.NoError(t, err)
	return got
}

func TestFigures(t *testing.T) {
	s := fixture(t)
	assert.Equal(t, []int64{1029, 7, 1, 1, 20, 1000, 1, 6, 1}, []int64{s.Screened, s.Matched, s.Suppressed, s.Shadowed, s.NotJudged, s.Clean, s.Partly, s.Records, s.Missing})
	assert.Equal(t, []summary.Reason{{"corrupt", 11}, {"encrypted", 9}, {"truncated", 1}}, s.Reasons)
	assert.Equal(t, "day", s.Step)
	assert.Equal(t, []summary.Step{{day, 1007, 5, 0}, {day.Add(24 * h), 22, 2, 20}}, s.Steps)

	// terror: u1 and u3 confirmed, u8 too; u2 overturned; u4 and u7 open. e1 took 2 h, e4 23 h, e7 3 h;
	// e3 was not the first time, and of e9 it is not known when it was shared.
	terror := summary.Row{Name: "terror", Matched: 6, Suppressed: 1, Confirmed: 3, Overturned: 1, Automated: 1,
		FirstMatched: &summary.Delay{N: 3, Median: (3 * h).Seconds(), P95: (23 * h).Seconds()},
		Decision:     &summary.Delay{N: 4, Median: (20 * time.Minute).Seconds(), P95: (2 * h).Seconds()}, // of u8 its match was decided last
		// Nobody reviewed u3. Wilson: 1 of 3, z = 1.96: (0.333333 + 0.640243) / 2.280486 -+ 1.959964 / 2.280486 * sqrt(0.074074 + 0.106707)
		FalseMatches: &summary.Rate{Reviewed: 3, Of: 6, Overturned: 1, Rate: 0.333333, Low: 0.061492, High: 0.792340}}
	require.Len(t, s.Banks, 3)
	assert.Equal(t, terror, s.Banks[0])
	assert.Equal(t, summary.Row{Name: "csam", Matched: 1, Overturned: 1, Decision: &summary.Delay{N: 1, Median: 3600, P95: 3600},
		FalseMatches: &summary.Rate{Reviewed: 1, Of: 1, Overturned: 1, Rate: 1, Low: 0.206549, High: 1}}, s.Banks[1])
	assert.Equal(t, "own", s.Banks[2].Name)
	assert.Equal(t, []int64{1, 1, 0, 1}, []int64{s.Banks[2].Matched, s.Banks[2].Overturned, s.Banks[2].Confirmed, s.Banks[2].Shadowed})

	var names []string
	for _, r := range s.Sources {
		names = append(names, r.Name+"|"+r.Exchange+"|"+r.Member)
	}
	assert.Equal(t, []string{"gifct/m|gifct|m", "ncmec|ncmec|", "own entries||"}, names)
	assert.Equal(t, terror.FirstMatched, s.Sources[0].FirstMatched)
	assert.Nil(t, s.Sources[1].FirstMatched)
	assert.Equal(t, []int64{2, 1, 0}, []int64{s.Sources[1].Matched, s.Sources[1].Overturned, s.Sources[1].Confirmed})

	require.Len(t, s.Kinds, 2)
	assert.Equal(t, []string{"pdq", "md5"}, []string{s.Kinds[0].Name, s.Kinds[1].Name})
	assert.Equal(t, []int64{6, 3, 1}, []int64{s.Kinds[0].Matched, s.Kinds[0].Confirmed, s.Kinds[0].Overturned})
	require.Len(t, s.Content, 2)
	assert.Equal(t, []string{summary.Image, summary.Video}, []string{s.Content[0].Name, s.Content[1].Name})
	assert.Equal(t, []int64{3, 1, 2, 1}, []int64{s.Content[0].Matched, s.Content[0].Shadowed, s.Content[1].Matched, s.Content[1].Suppressed})

	// All: of u8 one match is confirmed, and so the upload is.
	assert.Equal(t, []int64{6, 3, 1, 1, 1}, []int64{s.All.Matched, s.All.Confirmed, s.All.Overturned, s.All.Suppressed, s.All.Shadowed})
	assert.Equal(t, terror.FirstMatched, s.All.FirstMatched)
	assert.Equal(t, terror.FalseMatches, s.All.FalseMatches)
	assert.Equal(t, &summary.Delay{N: 4, Median: (20 * time.Minute).Seconds(), P95: h.Seconds()}, s.All.Decision)
	assert.Contains(t, s.Sample, "not a random sample")
}

// Automatic decisions are no review, whatever they say and however many there are; a person's counts
// also where a program says the same again, and not where it says the opposite.
func TestReviews(t *testing.T) {
	var records []*record.Record
	add := func(n int, who ...string) {
		for range n {
			r := screened("r", h, "still", known("b", "e", "pdq", nil))
			for i := 0; i < len(who); i += 2 {
				r = decided(r, h, who[i], who[i+1], "")
			}
			records = append(records, r)
		}
	}
	add(900, "system", record.Confirmed)
	add(70, "api_key", record.Confirmed)
	add(5, "system", record.Overturned)
	add(1, "reviewer", record.Overturned, "system", record.Confirmed)
	add(3, "reviewer", record.Confirmed, "system", record.Confirmed)
	add(4, "system", record.Confirmed, "authority", record.Overturned)
	add(2, "reviewer", record.Overturned)
	s, err := summary.Build(day, day.Add(24*h), nil, all(records...), nil)
	require.NoError(t, err)
	assert.Equal(t, []int64{974, 11, 971}, []int64{s.All.Confirmed, s.All.Overturned, s.All.Automated})
	f := s.All.FalseMatches
	assert.Equal(t, []int64{9, 985, 6}, []int64{f.Reviewed, f.Of, f.Overturned})
	assert.InDelta(t, 6.0/9, f.Rate, 1e-6)
	for i, want := range map[int]string{0: summary.AutomatedFully, 900: summary.AutomatedFully, 975: summary.AutomatedFully, 976: summary.AutomatedPartially} {
		x, ok := summary.NewStatement(records[i])
		require.True(t, ok)
		assert.Equal(t, want, x.AutomatedDecision)
	}
}

// Documents without counts and counts without documents are told of, each by its hour.
func TestMissing(t *testing.T) {
	match := func(at time.Duration) *record.Record { return screened("r", at, "still", known("b", "e", "pdq", nil)) }
	s, err := summary.Build(day, day.Add(24*h), []record.Count{{Hour: day, Class: record.Matched, N: 3}, {Hour: day.Add(h), Class: record.Matched, N: 1}, {Hour: day.Add(h), Class: record.Matched, Reason: "corrupt", N: 1}},
		all(match(0), match(h), match(2*h-1), match(2*h), match(3*h)), nil)
	require.NoError(t, err)
	assert.Equal(t, []int64{5, 5, 2, 2}, []int64{s.Matched, s.Records, s.Missing, s.Uncounted})
	var b bytes.Buffer
	require.NoError(t, s.WriteHTML(&b))
	assert.Contains(t, b.String(), "2 uploads that matched are not counted above any more")
}

// The distribution of 1, 2, ... n seconds, and Wilson's interval as textbooks have it.
func TestDelays(t *testing.T) {
	for _, c := range []struct {
		n           int
		median, p95 float64
	}{{1, 1, 1}, {2, 1.5, 2}, {3, 2, 3}, {19, 10, 19}, {20, 10.5, 19}, {21, 11, 20}, {40, 20.5, 38}, {100, 50.5, 95}} {
		var records []*record.Record
		for i := range c.n {
			r := screened("r", h, "still", known("b", strings.Repeat("x", i+1), "pdq", &shared{"e", "m", h - time.Duration(c.n-i)*time.Second}))
			records = append(records, r)
		}
		s, err := summary.Build(day, day.Add(24*h), nil, all(records...), func(string, string) (time.Time, error) { return day.Add(h), nil })
		require.NoError(t, err)
		assert.Equal(t, &summary.Delay{N: c.n, Median: c.median, P95: c.p95}, s.All.FirstMatched)
	}
	// A clock that went wrong: no time passed.
	s, err := summary.Build(day, day.Add(24*h), nil, all(decided(screened("r", h, "still", known("b", "e", "pdq", &shared{"e", "m", 2 * h})), -h, "reviewer", record.Confirmed, "")),
		func(string, string) (time.Time, error) { return time.Time{}, nil })
	require.NoError(t, err)
	assert.Equal(t, []summary.Delay{{N: 1}, {N: 1}}, []summary.Delay{*s.All.FirstMatched, *s.All.Decision})
	for _, c := range []struct {
		no, n     int
		low, high float64
	}{{0, 10, 0, 0.277533}, {5, 10, 0.236593, 0.763407}, {10, 10, 0.722467, 1}, {1, 1000, 0.000177, 0.005642}, {0, 1, 0, 0.793451}} {
		var records []*record.Record
		for i := range c.n {
			status := record.Confirmed
			if i < c.no {
				status = record.Overturned
			}
			records = append(records, decided(screened("r", h, "still", known("b", "e", "pdq", nil)), 0, "reviewer", status, ""))
		}
		s, err := summary.Build(day, day.Add(24*h), nil, all(records...), nil)
		require.NoError(t, err)
		assert.InDelta(t, c.low, s.All.FalseMatches.Low, 1.5e-6)
		assert.InDelta(t, c.high, s.All.FalseMatches.High, 1.5e-6)
	}
}

func TestPeriods(t *testing.T) {
	for _, c := range [][2]time.Time{{day, day}, {day.Add(h), day}, {day.Add(1), day.Add(h)}, {day, day.Add(h + 1)}, {{}, day}, {day, {}}, {day, day.AddDate(100, 0, 1)}} {
		_, err := summary.Build(c[0], c[1], nil, all(), nil)
		assert.ErrorIs(t, err, summary.ErrPeriod)
	}
	s, err := summary.Build(day, day.AddDate(1, 0, 0), []record.Count{{Hour: day.AddDate(0, 11, 20), Class: record.Clean, N: 3}}, all(), nil)
	require.NoError(t, err)
	assert.Equal(t, "month", s.Step)
	assert.Len(t, s.Steps, 12)
	assert.Equal(t, int64(3), s.Steps[11].Screened)

	for days, step := range map[int]string{62: "day", 63: "month"} {
		s, err := summary.Build(day, day.AddDate(0, 0, days), nil, all(), nil)
		require.NoError(t, err)
		assert.Equal(t, step, s.Step)
	}

	// Nothing at all is a summary too, in every form.
	s, err = summary.Build(day, day.Add(24*h), nil, all(), nil)
	require.NoError(t, err)
	doc, err := json.Marshal(s)
	require.NoError(t, err)
	assert.NotContains(t, string(doc), "null")
	for _, write := range []func(io.Writer) error{s.WriteCSV, s.WriteDSA, s.WriteTCO, s.WriteHTML} {
		var b bytes.Buffer
		require.NoError(t, write(&b))
		assert.NotContains(t, b.String(), "NaN")
	}
	var b bytes.Buffer
	require.NoError(t, s.WriteHTML(&b))
	assert.Contains(t, b.String(), "No upload was screened in this period.")

	bad := errors.New("x")
	_, err = summary.Build(day, day.Add(h), nil, func(yield func(*record.Record, error) bool) { yield(nil, bad) }, nil)
	assert.ErrorIs(t, err, bad)
	_, err = summary.Build(day, day.Add(2*h), nil, all(screened("r", h, "", known("b", "e", "pdq", &shared{"x", "", 1}))), func(string, string) (time.Time, error) { return day, bad })
	assert.ErrorIs(t, err, bad)
}

// hostile names are in every place that a name can be in.
var hostile = []string{`</title><script>alert(1)</script>`, `" onload="alert(1)`, `'><img src=x onerror=alert(1)>`, `=HYPERLINK("http://x","y")`, "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "|cmd", "%1", "x;=1+1", "x;  @SUM(A1)", "x\t+1", "x\n-1", "\x00=1", "\u00a0=1", "a\u202eb\x00c", "{{.}}", "]]>", "&lt;b&gt;"}

func hostileSummary(t *testing.T) *summary.Summary {
	var records []*record.Record
	for i, name := range hostile {
		records = append(records, decided(screened("r", time.Duration(i)*time.Minute, "still", known(name, name, "pdq", &shared{name, name, -h})), h, "reviewer", record.Confirmed, ""))
	}
	s, err := summary.Build(day, day.Add(24*h), []record.Count{{Hour: day, Class: record.Matched, N: int64(len(hostile))}, {Hour: day, Class: record.NotJudged, Reason: hostile[0], N: 1}}, all(records...),
		func(string, string) (time.Time, error) { return time.Time{}, nil })
	require.NoError(t, err)
	return s
}

// The page has the elements and attributes that it should have, whatever names there are, and
// needs nothing from elsewhere.
func TestHTML(t *testing.T) {
	elements := strings.Fields("html head meta title style body main h1 h2 p strong ul li b div table caption thead tbody tr th td figure figcaption span svg g text rect line circle")
	attributes := strings.Fields("lang charset name content http-equiv class scope viewBox role aria-label x y dx dy x1 x2 y1 y2 cx cy r width height transform text-anchor")
	for _, s := range []*summary.Summary{fixture(t), hostileSummary(t)} {
		var b bytes.Buffer
		require.NoError(t, s.WriteHTML(&b))
		page := b.String()
		d := xml.NewDecoder(strings.NewReader(page))
		d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
		figures, tables := 0, 0
		text := ""
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			switch x := token.(type) {
			case xml.StartElement:
				require.Contains(t, elements, x.Name.Local)
				for _, a := range x.Attr {
					require.Contains(t, attributes, a.Name.Local)
				}
				switch x.Name.Local {
				case "svg":
					figures++
				case "table":
					tables++
				}
			case xml.CharData:
				text += string(x)
			}
		}
		assert.Greater(t, figures, 5)
		assert.Equal(t, strings.Count(page, "<h2>")-1, tables, "every section but the last words has its figures in a table")
		for _, foreign := range []string{"<script", "@import", "url("} {
			assert.False(t, strings.Contains(page, foreign), foreign)
		}
		for _, r := range s.Banks {
			if !strings.ContainsAny(r.Name, "\x00\t\n\u00a0\u202e") {
				assert.True(t, strings.Contains(text, r.Name), r.Name)
			}
		}
		assert.False(t, strings.ContainsAny(page, "\x00\u202e"))
	}
}

// No cell is a formula to a spreadsheet, and every line has as many as the head.
func TestCSV(t *testing.T) {
	for _, s := range []*summary.Summary{fixture(t), hostileSummary(t)} {
		for _, write := range []func(io.Writer) error{s.WriteCSV, s.WriteDSA, s.WriteTCO} {
			var b bytes.Buffer
			require.NoError(t, write(&b))
			lines, err := csv.NewReader(&b).ReadAll() // it refuses lines of other lengths
			require.NoError(t, err)
			for _, line := range lines {
				for _, cell := range line {
					for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";\t\r\n", r) }) {
						if c := strings.TrimLeft(part, " \"\x00\u00a0"); c != "" {
							assert.NotContains(t, "=+-@\t\r|%", c[:1], cell)
						}
					}
				}
			}
		}
	}
	var b bytes.Buffer
	require.NoError(t, fixture(t).WriteCSV(&b))
	lines := strings.Split(b.String(), "\n")
	assert.Equal(t, "all,,,,2026-03-01T00:00:00Z,2026-03-03T00:00:00Z,1029,7,3,1,1,1,1,20,1,3,10800,82800,4,1200,3600,3,0.333333,0.061492,0.79234,1,0", lines[1])
	assert.Equal(t, "not_judged_reason,corrupt,,,2026-03-01T00:00:00Z,2026-03-03T00:00:00Z,,,,,,,,11,,,,,,,,,,,,,", lines[2])
	assert.Equal(t, "bank,terror,,,2026-03-01T00:00:00Z,2026-03-03T00:00:00Z,,6,3,1,1,1,0,,,3,10800,82800,4,1200,7200,3,0.333333,0.061492,0.79234,,", lines[5])
}
