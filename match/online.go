package match

import "github.com/rematch-go/rematch/hash"

// confirmedWorth is what a frame beyond the threshold counts for beside one within it.
const confirmedWorth = 0.5

func (f *aligned) worth() float64 {
	if f.far {
		return confirmedWorth
	}
	return 1
}

// onLine is what the runs on one line come to.
type onLine struct {
	line     line
	frames   []lined // that agree, by one part of the picture
	distinct float64 // of them, those beyond the threshold at their worth
	agree    int     // frames that do, by whatever part
	against  int     // frames that surely do not
}

// lined is a frame on its line.
type lined struct {
	aligned
	class    string
	distinct bool // from all before it
}

// bestLine returns the line on which the most distinct frames agree: a second frame on
// another line bears out nothing, nor does one beyond frames that show something else.
func (a *alignment) bestLine(budget *int) onLine {
	var best onLine
	done := make([]bool, len(a.runs))
	for i := range a.runs {
		if done[i] {
			continue
		}
		o := onLine{line: a.runs[i].line}
		for j, last := i, i; j < len(a.runs); j++ {
			r := &a.runs[j]
			if done[j] || r.line != a.runs[i].line {
				continue
			}
			if j > i && a.refuted(&a.runs[last], r, budget) {
				break
			}
			done[j], last = true, j
			o.against += r.against
			for n := range r.frames {
				o.frames = append(o.frames, lined{aligned: r.frames[n], class: r.class})
			}
		}
		o.agree = len(o.frames)
		if a.byOnePart(&o, budget); o.distinct > best.distinct {
			best = o
		}
	}
	return best
}

// byOnePart judges a line by the part of the picture in which the most distinct frames
// agree: two parts of one picture are no two pictures.
func (a *alignment) byOnePart(o *onLine, budget *int) {
	var has [hash.Halves]bool
	has[hash.Whole] = true
	for i := range o.frames {
		has[a.line.half[o.frames[i].place.signal]] = true
	}
	all, best := o.frames, onLine{}
	for h, ok := range has {
		if !ok {
			continue
		}
		part := onLine{frames: all}
		if has != [hash.Halves]bool{hash.Whole: true} {
			part.frames = a.ofHalf(all, hash.Half(h), o.line, budget)
		}
		part.count(a)
		if h == 0 || part.distinct > best.distinct {
			best = part
		}
	}
	o.frames, o.distinct = best.frames, best.distinct
}

// ofHalf returns those of the frames on a line that agree by a part of the picture.
func (a *alignment) ofHalf(all []lined, h hash.Half, l line, budget *int) []lined {
	var of []lined
	for _, f := range all {
		if a.line.half[f.place.signal] != h {
			known := l.at(a.q.frames[f.frame].Time)
			p := a.nearest(f.frame, known, f.class, budget)[h]
			if p.distance < 0 {
				continue
			}
			m, ok := a.agreesThere(f.frame, &p, known, budget)
			if !ok {
				continue
			}
			m.entries = f.entries
			f.aligned = m
		}
		of = append(of, f)
	}
	return of
}

// count tells the distinct frames from the others, and sums them up. Distinct is what
// differs on both sides: the noise of a picture that stands is nothing new.
func (o *onLine) count(a *alignment) {
	count, known := newDistinct(a.key.kind), newDistinct(a.key.kind)
	for _, far := range []bool{false, true} {
		for n := range o.frames {
			f := &o.frames[n]
			if f.far != far {
				continue
			}
			if f.distinct = known.add(a.key.it.signals[f.place.signal].Value) && count.add(a.q.value(f.frame, f.place)); f.distinct {
				o.distinct += f.worth()
			}
		}
	}
}
