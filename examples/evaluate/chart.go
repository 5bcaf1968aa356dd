package main

import "fmt"

// The chart's measures, in its own units.
const (
	chartWidth  = 560
	chartLabels = 170 // where the plot starts: transforms' names are left of it
	chartRight  = 545 // 100 %
	chartHead   = 22  // above the first row
	chartRow    = 24
)

// panel is the chart of one family: a row for each transform, a mark for each method.
type panel struct {
	Family        string
	Width, Height int
	Head, Left    int
	Ticks         []tick
	Rows          []chartLine
}

type tick struct {
	X     float64
	Label string
}

type chartLine struct {
	Y         float64
	Label     string
	Low, High float64 // the library's interval
	Whisker   float64 // where it is drawn
	Marks     []mark  // the library last, on top
}

// mark is one method's recall.
type mark struct {
	Class string  // the method's name
	Path  string  // of the symbol, about its own centre
	X, Y  float64 // the centre
	Words string
}

// symbols tell the methods apart without colour, and where they fall together: plain
// PDQ is a ring about the library's dot, dHash a square about pHash's triangle, a
// little lower.
var symbols = map[string]string{
	"rematch": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
	"pdq":     "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z",
	"phash":   "M0 -3L3 2.5L-3 2.5z",
	"dhash":   "M-4.5 -4.5h9v9h-9z",
}

// lower is how far below the row's middle, in the chart's units, a method is drawn.
var lower = map[string]float64{"rematch": -3, "pdq": -3, "phash": 5, "dhash": 5}

func chartX(percent float64) float64 {
	return chartLabels + (chartRight-chartLabels)*percent/100
}

// chart draws a panel for each family.
func (r *result) chart() []panel {
	var all []panel
	for _, l := range r.Rows {
		if n := len(all); n == 0 || all[n-1].Family != l.Edit.Family {
			p := panel{Family: l.Edit.Family, Width: chartWidth, Head: chartHead, Left: chartLabels}
			for v := 0; v <= 100; v += 20 {
				p.Ticks = append(p.Ticks, tick{chartX(float64(v)), fmt.Sprintf("%d%%", v)})
			}
			all = append(all, p)
		}
		p := &all[len(all)-1]
		row := chartLine{Y: chartHead + chartRow*(float64(len(p.Rows))+0.5), Label: l.Edit.String()}
		low, high := l.Recall[0].wilson()
		row.Low, row.High, row.Whisker = chartX(low), chartX(high), row.Y+lower["rematch"]
		for i := len(l.Recall) - 1; i >= 0; i-- {
			m := r.Methods[i]
			row.Marks = append(row.Marks, mark{Class: m.Name, Path: symbols[m.Name], X: chartX(l.Recall[i].percent()), Y: row.Y + lower[m.Name],
				Words: fmt.Sprintf("%s: %s finds %s%%", l.Edit, m.title(), trimmed(l.Recall[i].percent(), 1))})
		}
		p.Rows = append(p.Rows, row)
		p.Height = chartHead + chartRow*len(p.Rows) + 6
	}
	return all
}
