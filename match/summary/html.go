package summary

import (
	"bufio"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

//go:embed summary.html.tmpl
var pageText string

var page = template.Must(template.New("summary").Funcs(template.FuncMap{
	"name": shown, "short": short, "number": number, "percent": percent, "took": took, "day": func(t time.Time) string { return t.Format("2 January 2006") }, "reviewed": reviewed,
}).Parse(pageText))

// chartRows is how many rows a chart shows; tables have all.
const chartRows = 12

// WriteHTML writes the summary as one page that needs nothing else: no scripts, nothing from
// elsewhere, charts as SVG and the same figures in tables beside them. Names are escaped; what is
// not for eyes in them is replaced.
func (s *Summary) WriteHTML(w io.Writer) error {
	v := view{Summary: s, Days: s.days()}
	for _, g := range []struct {
		title, about string
		rows         []Row
	}{
		{"By bank", "The lists of known content that uploads matched. An upload that matched several is in each.", s.Banks},
		{"By source", "Who shared the entries that uploads matched.", s.Sources},
		{"By kind of hash", "What was compared: perceptual hashes find copies that look alike, digests find the same file.", s.Kinds},
		{"By type of content", "What the uploads were.", s.Content},
	} {
		v.Groups = append(v.Groups, newGroup(g.title, g.about, g.rows))
	}
	most := int64(1)
	for _, r := range s.Reasons {
		most = max(most, r.N)
	}
	for i, r := range s.Reasons {
		if i < chartRows {
			v.Reasons = append(v.Reasons, bar{Name: r.Reason, Y: 26 * i, Value: r.N, Width: scale(r.N, most)})
		}
	}
	b := bufio.NewWriter(w)
	if err := page.Execute(b, v); err != nil {
		return err
	}
	return b.Flush()
}

// view is what the template shows.
type view struct {
	*Summary
	Days    []series
	Reasons []bar
	Groups  []group
}

// ReasonsHeight is that of the chart of reasons.
func (v view) ReasonsHeight() int { return 26*len(v.Reasons) + 4 }

// series is one row of columns over time, with a scale of its own.
type series struct {
	Title   string
	Most    int64
	Columns []column
}

type column struct {
	Label string
	X, Y  string
	W, H  string
	Value int64
}

// Charts are drawn in a field of these units.
const (
	chartWidth  = 640
	nameWidth   = 190
	barWidth    = 340
	columnsHigh = 70
)

// days are the columns over time.
func (s *Summary) days() []series {
	all := []series{{Title: "Screened"}, {Title: "Matched"}, {Title: "Not judged"}}
	of := func(x Step) [3]int64 { return [3]int64{x.Screened, x.Matched, x.NotJudged} }
	for _, x := range s.Steps {
		for i, n := range of(x) {
			all[i].Most = max(all[i].Most, n)
		}
	}
	layout := "2 Jan 2006"
	if s.Step == "month" {
		layout = "Jan 2006"
	}
	each := float64(chartWidth) / float64(max(1, len(s.Steps)))
	for n, x := range s.Steps {
		for i, value := range of(x) {
			high := columnsHigh * float64(value) / float64(max(1, all[i].Most))
			all[i].Columns = append(all[i].Columns, column{Label: x.From.Format(layout), Value: value, X: unit(each * float64(n)), W: unit(max(1, each-2)),
				Y: unit(columnsHigh - high), H: unit(high)})
		}
	}
	return all
}

// bar is a line of a chart of bars.
type bar struct {
	Name  string
	Y     int
	Value int64
	Width string // of Value
	// Of rows: the parts of Value that were confirmed, overturned and not decided.
	Confirmed, Overturned, Open    int64
	WConfirmed, XOverturned, WOver string
	XOpen, WOpen, XEnd             string
}

// interval is a line of the chart of false matches.
type interval struct {
	Name         string
	Y            int
	X, Low, High string
	Rate         *Rate
}

// lag is a line of the chart of delays.
type lag struct {
	Name        string
	Y           int
	Median, P95 string
	Delay       *Delay
}

// group is a section of the page: rows with their charts.
type group struct {
	Title, About string
	Rows         []Row
	Bars         []bar
	Rates        []interval
	MostRate     string
	Delays       []lag
	More         int // rows that the chart leaves out
}

// Height is that of a chart of n lines, with room below.
func (g group) Height(n, room int) int { return 26*n + room }

func newGroup(title, about string, rows []Row) group {
	g := group{Title: title, About: about, Rows: rows, More: max(0, len(rows)-chartRows)}
	rows = rows[:min(len(rows), chartRows)]
	most, rate, late := int64(1), 0.0, 0.0
	for i := range rows {
		most = max(most, rows[i].Matched)
		if f := rows[i].FalseMatches; f != nil {
			rate = max(rate, f.High)
		}
		if d := rows[i].FirstMatched; d != nil {
			late = max(late, d.P95)
		}
	}
	g.MostRate = percent(rate)
	of := func(x, whole float64) float64 { return barWidth * x / max(whole, 1e-9) }
	for i := range rows {
		r := &rows[i]
		name := r.Name
		b := bar{Name: name, Y: 26 * i, Value: r.Matched, Width: scale(r.Matched, most), Confirmed: r.Confirmed, Overturned: r.Overturned, Open: r.Matched - r.Confirmed - r.Overturned}
		c, o, u := of(float64(r.Confirmed), float64(most)), of(float64(r.Overturned), float64(most)), of(float64(b.Open), float64(most))
		b.WConfirmed, b.XOverturned, b.WOver, b.XOpen, b.WOpen, b.XEnd = unit(c), unit(nameWidth+c), unit(o), unit(nameWidth+c+o), unit(u), unit(nameWidth+c+o+u+8)
		g.Bars = append(g.Bars, b)
		if f := r.FalseMatches; f != nil {
			g.Rates = append(g.Rates, interval{Name: name, Y: 26 * len(g.Rates), Rate: f, X: unit(nameWidth + of(f.Rate, rate)), Low: unit(nameWidth + of(f.Low, rate)), High: unit(nameWidth + of(f.High, rate))})
		}
		if d := r.FirstMatched; d != nil {
			g.Delays = append(g.Delays, lag{Name: name, Y: 26 * len(g.Delays), Delay: d, Median: unit(of(d.Median, late)), P95: unit(nameWidth + of(d.P95, late))})
		}
	}
	return g
}

// unit prints a coordinate.
func unit(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64) }

func scale(n, most int64) string { return unit(barWidth * float64(n) / float64(most)) }

// shown is a name for eyes: what has no shape, or changes the order of what follows it, is replaced.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// short is a name that fits beside a bar.
func short(s string) string {
	r := []rune(shown(s))
	if len(r) > 23 {
		return string(r[:22]) + "…"
	}
	return string(r)
}

// number prints with the thousands apart.
func number(n any) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

func percent(x float64) string { return strconv.FormatFloat(math.Round(x*1e4)/1e2, 'f', -1, 64) + " %" }

// took prints seconds in the two largest units.
func took(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	units := []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.of && i < len(units)-1 {
			continue
		}
		text := fmt.Sprintf("%d %s", d/u.of, u.name)
		if i < len(units)-1 {
			if rest := d % u.of / units[i+1].of; rest > 0 {
				text += fmt.Sprintf(" %d %s", rest, units[i+1].name)
			}
		}
		return text
	}
	return ""
}

// reviewed says a rate in words.
func reviewed(r *Rate) string {
	if r == nil {
		return "nothing was reviewed"
	}
	return fmt.Sprintf("%s of %s reviewed, %s to %s", percent(r.Rate), number(r.Reviewed), percent(r.Low), percent(r.High))
}
