package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"

	"github.com/rematch-go/rematch/examples/evaluate/internal/edits"
)

//go:embed report.html.tmpl
var reportText string

var reportTemplate = template.Must(template.New("report").Parse(reportText))

const (
	thumbSide    = 180 // pixels of the longer side
	thumbQuality = 70  // of the JPEG, 1 to 100
	maxWrong     = 24  // false matches that are shown
)

// reportView is what the template shows.
type reportView struct {
	*result
	Seed     uint64
	Posted   int
	CPU      string // empty: not to be shown
	Methods  []methodView
	Panels   []panel
	Lines    []lineView
	Sums     []lineView
	Examples []exampleView // one for each transform
	Missed   []exampleView
	False    []exampleView
	More     int // false matches that are not shown
}

type methodView struct {
	Class, Title       string
	Symbol             string
	Recall, PerMillion string
	Wrong              int
}

type lineView struct {
	Label   string
	Cells   []cellView
	Wrong   int
	Refused int
	CPU     string
}

type cellView struct {
	Percent, Interval string
	Best              bool
}

// exampleView is a posted picture beside a known one.
type exampleView struct {
	Label         string
	Posted, Known template.URL // data: URLs
	PostedName    string
	KnownName     string
	Words         string
	Good          bool

	query query
	entry int
}

// report writes the HTML file, in one step.
func (e *evaluation) report(ctx context.Context, r *result, path string, cpu bool) (err error) {
	v := reportView{result: r, Seed: e.seed, Panels: r.chart()}
	all := r.Families[len(r.Families)-1]
	for i, m := range r.Methods {
		v.Methods = append(v.Methods, methodView{m.Name, m.title(), symbols[m.Name], trimmed(all.Recall[i].percent(), 1), trimmed(m.PerMillion, 2), m.Wrong})
	}
	for _, l := range r.Rows {
		v.Lines = append(v.Lines, newLineView(l.Edit.String(), l, cpu))
		v.Posted += l.Queries
	}
	for _, l := range r.Families {
		v.Sums = append(v.Sums, newLineView(l.Edit.Family, l, cpu))
	}
	if cpu {
		v.CPU = fmt.Sprintf("%.2f", milliseconds(r.screening))
	}
	e.choose(r, &v)
	if err := e.draw(ctx, &v); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".evaluate-report-*")
	if err != nil {
		return fmt.Errorf("the report can't be written: %w", err)
	}
	err = errors.Join(reportTemplate.Execute(f, v), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the report was not written: %w", err), os.Remove(f.Name()))
	}
	return nil
}

func newLineView(label string, l line, cpu bool) lineView {
	v := lineView{Label: label, Wrong: l.Wrong, Refused: l.Refused}
	best := 0
	for _, s := range l.Recall {
		best = max(best, s.Hits)
	}
	for _, s := range l.Recall {
		low, high := s.wilson()
		v.Cells = append(v.Cells, cellView{trimmed(s.percent(), 1), trimmed(low, 1) + "\u2013" + trimmed(high, 1), s.Hits == best && best > 0})
	}
	if cpu {
		v.CPU = fmt.Sprintf("%.2f", milliseconds(l.CPU))
	}
	return v
}

// choose picks the examples: for each transform one copy, another picture each time,
// and one more that the library missed; and the first false matches.
func (e *evaluation) choose(r *result, v *reportView) {
	add := func(list *[]exampleView, q query, entry int, words string, good bool) {
		*list = append(*list, exampleView{Label: r.Rows[q.row].Edit.String(), Words: words, Good: good, query: q, entry: entry,
			PostedName: e.queryName(q), KnownName: e.known[entry].Name})
	}
	for row := range r.Rows {
		shown := (7*row + 3) % r.Known // 7: neighbouring transforms show different pictures
		q := query{row: row, known: shown, distractor: -1}
		add(&v.Examples, q, shown, r.foundWords(q), r.found[q])
		for k := range r.Known {
			miss := query{row: row, known: (k + 11*row) % r.Known, distractor: -1}
			if miss.known != shown && !r.found[miss] {
				add(&v.Missed, miss, miss.known, r.foundWords(miss), false)
				break
			}
		}
	}
	for i, w := range r.Wrong {
		if i == maxWrong {
			v.More = len(r.Wrong) - i
			break
		}
		add(&v.False, w.query, w.entry, fmt.Sprintf("%d bits%s", w.distance, lookWords(w.look)), false)
	}
}

func (r *result) foundWords(q query) string {
	switch library, plain := r.found[q], r.plain[q]; {
	case library && plain:
		return "found, by plain PDQ too"
	case library:
		return "found, not by plain PDQ"
	case plain:
		return "missed, plain PDQ finds it"
	}
	return "missed"
}

// draw fills in the thumbnails.
func (e *evaluation) draw(ctx context.Context, v *reportView) error {
	var all []*exampleView
	for _, list := range [][]exampleView{v.Examples, v.Missed, v.False} {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	bar := newProgress(e.stderr, "drawing the report", len(all))
	defer bar.close()
	return pool(ctx, e.workers, len(all), func(ctx context.Context, _, i int) error {
		defer bar.step(1)
		x := all[i]
		knownPicture, err := e.known[x.entry].shrunk(ctx, e.maxSide)
		if err != nil {
			return err
		}
		s, m := e.known[x.entry].source, knownPicture
		switch q := x.query; {
		case q.distractor >= 0:
			s = e.distractors[q.distractor]
			m, err = s.shrunk(ctx, e.maxSide)
		case q.known != x.entry:
			s = e.known[q.known].source
			m, err = s.shrunk(ctx, e.maxSide)
		}
		if err != nil {
			return err
		}
		var file bytes.Buffer
		if err := e.post(&file, e.edits[x.query.row], s, m, x.query.distractor); err != nil {
			return err
		}
		posted, _, err := image.Decode(&file)
		if err != nil {
			return err
		}
		if x.Posted, err = thumbnail(edits.Packed(posted)); err != nil {
			return err
		}
		x.Known, err = thumbnail(knownPicture)
		return err
	})
}

// thumbnail is a picture as part of the page.
func thumbnail(m *image.RGBA) (template.URL, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, edits.Fit(m, thumbSide), &jpeg.Options{Quality: thumbQuality}); err != nil {
		return "", err
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), nil
}
