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
	all      []lined // frames that agree, by whatever part of the picture
	frames   []lined // those that do by one part of it
	distinct float64 // of them, those beyond the threshold at their worth
	against  int     // frames that surely do not
	scene    bool    // see alignment.isScene
}

// lined is a frame on its line.
type lined struct {
	aligned
	class    string
	distinct bool // from all before it
}

// judge returns the line that says most, and how many distinct frames it takes: need, and
// one more at another speed, for two are on some line by chance. far tells that no frame
// is within the threshold.
func (a *alignment) judge(need int, far bool, budget *int) (onLine, int) {
	b := a.bestLine(budget)
	if b.line.speed != 1 {
		need++
	}
	b.scene = a.isScene(&b, need, far, budget)
	if b.distinct >= float64(need) && !b.scene {
		return b, need
	}
	// Perhaps a part of the picture says more than the one in which the most frames agree.
	for h := range hash.Half(hash.Halves) {
		if len(a.line.judged[h]) > 0 {
			if p := a.byPart(&b, h, budget); p.distinct >= float64(need) && !a.isScene(&p, need, far, budget) {
				p.scene = false
				return p, need
			}
		}
	}
	return b, need
}

// missing returns what of a line is too little where so many distinct frames are needed.
func (o *onLine) missing(need int) (missing []string) {
	if o.distinct < float64(need) {
		missing = append(missing, "frames")
	}
	if o.against > len(o.all) {
		missing = append(missing, "refuted")
	}
	if o.scene {
		missing = append(missing, "scene")
	}
	return missing
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
				o.all = append(o.all, lined{aligned: r.frames[n], class: r.class})
			}
		}
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
	for i := range o.all {
		has[a.line.half[o.all[i].place.signal]] = true
	}
	var best onLine
	for h, ok := range has {
		if !ok && h > 0 {
			continue
		}
		if p := a.byPart(o, hash.Half(h), budget); h == 0 || p.distinct > best.distinct {
			best = p
		}
	}
	*o = best
}

// byPart is what a line comes to by a part of the picture alone.
func (a *alignment) byPart(o *onLine, h hash.Half, budget *int) onLine {
	p := *o
	p.frames, p.distinct = a.ofHalf(o.all, h, o.line, budget), 0
	p.count(a)
	return p
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
