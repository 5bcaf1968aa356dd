package main

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"os"
	"path/filepath"

	"github.com/rematch-go/rematch/examples/internal/timeline"
	"github.com/rematch-go/rematch/match"
)

//go:embed videos.html.tmpl
var videosText string

var videosTemplate = template.Must(template.New("videos").Parse(videosText))

// maxDrawn is how many time lines the report has of either kind.
const maxDrawn = 300

// videosView is what the template shows.
type videosView struct {
	CSS                      template.CSS
	Known, Hosts, Fillers    int
	Posted                   int
	Seed                     uint64
	Recall, Interval         string
	Wrong                    int
	BankKiB, EnrolCPU, Cost  string
	Hashes                   string
	Baselines                bool
	MethodNames              []string
	Transforms, Clips, Other []videoLineView
	Missed, False            []timelineView
	MoreMissed, MoreFalse    int
	Omitted                  []leftOut
}

type videoLineView struct {
	Name, Median, Most, Cost string
	Copies, Wrong, Refused   int
	Posted                   int
	Cells                    []cellView
	Falsely                  []int
}

// timelineView is a miss or a false match.
type timelineView struct {
	Label, Source, Words string
	Drawing              template.HTML
}

// report writes the HTML file, in one step.
func (r *videoResult) report(path string) error {
	v := videosView{CSS: timeline.CSS, Known: len(r.known), Hosts: len(r.hosts), Fillers: len(r.fillers), Posted: len(r.Judged), Seed: r.seed,
		Baselines: !r.noBaselines, MethodNames: videoMethodNames[:], Omitted: r.Omitted}
	for _, set := range []struct {
		dst   *[]videoLineView
		lines []videoLine
	}{{&v.Transforms, r.byTransform()}, {&v.Clips, r.byClip()}, {&v.Other, r.unrelated()}} {
		for i := range set.lines {
			*set.dst = append(*set.dst, newVideoLineView(&set.lines[i], v.Baselines))
		}
	}
	all := videoLine{}
	for i := range r.Judged {
		j := &r.Judged[i]
		all.add(j)
		r.draw(j, &v)
	}
	low, high := all.Found.wilson()
	v.Recall, v.Interval = trimmed(all.Found.percent(), 1), trimmed(low, 1)+"\u2013"+trimmed(high, 1)
	v.Wrong, v.Cost = all.Wrong, fmt.Sprintf("%.3f", all.cost())
	length := r.knownLength()
	v.Hashes = fmt.Sprintf("%.0f", float64(r.hashes())/length.Minutes())
	v.BankKiB, v.EnrolCPU = fmt.Sprintf("%.0f", float64(r.bankBytes)/1024/length.Minutes()), fmt.Sprintf("%.3f", r.enrolCPU.Seconds()/length.Seconds())

	f, err := os.CreateTemp(filepath.Dir(path), ".evaluate-report-*")
	if err != nil {
		return fmt.Errorf("the report can't be written: %w", err)
	}
	err = errors.Join(videosTemplate.Execute(f, v), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the report was not written: %w", err), os.Remove(f.Name()))
	}
	return nil
}

func newVideoLineView(l *videoLine, baselines bool) videoLineView {
	v := videoLineView{Name: l.Name, Copies: l.Found.Of, Posted: l.Posted, Wrong: l.Wrong, Refused: l.Refused, Cost: fmt.Sprintf("%.3f", l.cost()), Median: "\u2013", Most: "\u2013"}
	if median, ok := l.quantile(0.5); ok {
		most, _ := l.quantile(0.95)
		v.Median, v.Most = fmt.Sprintf("%.2f", median), fmt.Sprintf("%.2f", most)
	}
	shares := []share{l.Found}
	if baselines {
		shares = append(shares, l.Methods[:]...)
		v.Falsely = l.Falsely[:]
	}
	best := 0
	for _, s := range shares {
		best = max(best, s.Hits)
	}
	for _, s := range shares {
		if s.Of == 0 {
			continue
		}
		low, high := s.wilson()
		v.Cells = append(v.Cells, cellView{trimmed(s.percent(), 1), trimmed(low, 1) + "\u2013" + trimmed(high, 1), s.Hits == best && best > 0})
	}
	return v
}

// draw adds the time lines of a posted file that was missed or matched wrongly.
func (r *videoResult) draw(j *judged, v *videosView) {
	if j.known >= 0 && j.found == nil {
		if len(v.Missed) == maxDrawn {
			v.MoreMissed++
		} else {
			line := timeline.Line{Query: j.length, Known: r.known[j.known].Length, Weak: true}
			for _, e := range j.job.Expect {
				line.Expected = append(line.Expected, timeline.Stretch(e))
			}
			if j.weak != nil {
				line.Found = stretches(j.weak.Evidence.Segments)
			}
			v.Missed = append(v.Missed, timelineView{r.label(j), j.source, r.why(j), line.SVG()})
		}
	}
	words := r.wrongWords(j)
	for i, m := range j.wrong {
		if len(v.False) == maxDrawn {
			v.MoreFalse++
			continue
		}
		line := timeline.Line{Query: j.length, Known: m.Entry.Duration, Found: stretches(m.Evidence.Segments)}
		v.False = append(v.False, timelineView{r.label(j), j.source, words[i], line.SVG()})
	}
}

func stretches(segments []match.Segment) []timeline.Stretch {
	all := make([]timeline.Stretch, len(segments))
	for i, s := range segments {
		all[i] = timeline.Stretch{QueryFrom: s.QueryFrom, QueryTo: s.QueryTo, KnownFrom: s.KnownFrom, KnownTo: s.KnownTo}
	}
	return all
}
