package match

import (
	"cmp"
	"slices"
	"time"
)

const (
	// maxAlignments bounds the lines that are tried for one known video: as many
	// pieces of it, in as many orders, are told apart.
	maxAlignments = 64
	// gapTime is the longest stretch of frames that do not agree within a segment:
	// frames in motion or under an overlay are lost now and then. Sparser sampling
	// than one frame in 1.5 s may lose one frame in a row.
	gapTime = 3 * time.Second
	// sameLine is how far two adjoining runs may be apart in the known video's time to be
	// one segment: each is where the frames agree to within a jitter.
	sameLine = 2 * jitter
)

// aligned is one frame of the upload in an alignment.
type aligned struct {
	frame   int32
	entries int32
	place   *place
	// far tells that the frame is beyond the threshold: it agrees because it lies near the
	// known frame where the line puts it.
	far bool
}

// run is a stretch of the upload that agrees with a known video on one line.
type run struct {
	frames  []aligned // rising
	line    line
	class   string // of the looks that agree
	against int    // frames between the first and the last that surely show something else
}

// alignment is how an upload agrees with a known video: runs that do not overlap in the
// upload.
type alignment struct {
	q    *query
	line *timeline
	key  key
	runs []run
	// varied tells that some track has three different signals, as it takes to tell a speed.
	varied bool
	// limited tells that maxAlignments were not enough.
	limited bool
}

// align finds the stretches of the upload that agree with the candidate's known
// video. Again and again it takes the line on which most of the remaining frames agree,
// and cuts what agrees there into runs; a run's stretch of the upload is then used up.
// There is always at least one frame in the result. Of a candidate that no frame within
// the threshold names the work counts on the budget.
func align(q *query, c *candidate, budget *int) *alignment {
	a := &alignment{q: q, key: c.key, line: newTimeline(c.key.it, c.key.kind, q.gate)}
	sweeps := make([]*sweep, len(c.tracks))
	for i, t := range c.tracks {
		sweeps[i] = newSweep(q, a.line, t)
		a.varied = a.varied || t.signals() > 2
	}
	if c.matched == 0 {
		defer func() {
			*budget -= signalWork * len(c.key.it.signals)
			for _, s := range sweeps {
				*budget -= s.work
			}
		}()
	}
	used := make([]bool, len(q.frames))
	prefer := offsetLine(0)
	for round := 0; ; round++ {
		h := a.best(sweeps, used, prefer.known0)
		if h.track == nil {
			break
		}
		if h.members < 2 && len(a.runs) > 0 {
			break // no two frames are left that agree on anything
		}
		if round == maxAlignments {
			a.limited = true
			break
		}
		for _, r := range h.runs {
			// A frame on its own is part of the strongest alignment only: elsewhere it may
			// agree by chance.
			if len(r.frames) < 2 && len(a.runs) > 0 && h.line != prefer {
				continue
			}
			a.runs = append(a.runs, r)
			prefer = h.line
			for f := r.frames[0].frame; f <= r.last(); f++ {
				used[f] = true
			}
		}
		for i := range h.runs {
			for _, f := range h.runs[i].frames {
				used[f.frame] = true // so that every round has fewer frames
			}
		}
		for _, s := range sweeps {
			s.drop(used)
		}
	}
	a.join()
	return a
}

// hypothesis is a line that some of a track's frames agree on, cut into runs, and the
// weight of the heaviest run.
type hypothesis struct {
	track   *track
	line    line
	members int // frames
	runs    []run
	weight  int64
}

// best finds the line of the most weight: at the upload's own speed, unless another
// speed says clearly more.
func (a *alignment) best(sweeps []*sweep, used []bool, prefer time.Duration) hypothesis {
	var best peak
	var from *sweep
	var rest int64
	for _, s := range sweeps {
		if p := s.peak(prefer); p.weight > best.weight {
			best, from = p, s
		}
		rest += s.left
	}
	if from == nil {
		return hypothesis{}
	}
	h := a.refine(from.track, used, best, prefer)
	// What is left and not on that line may be on one of another speed; one or two frames
	// are on some line by chance.
	if a.varied && more(rest, h.weight) {
		var other peak
		from = nil
		for _, s := range sweeps {
			if p := s.slanted(max(other.weight, h.weight)); p.weight > other.weight && more(p.weight, h.weight) {
				other, from = p, s
			}
		}
		if from != nil {
			if o := a.refine(from.track, used, other, prefer); o.line.speed != 1 && more(o.weight, h.weight) {
				return o
			}
		}
	}
	return h
}

// more reports whether a line of one weight says clearly more than one of another: a
// fifth, and half a frame at the least.
func more(weight, than int64) bool { return weight > than+than/5 && weight >= than+edgeUnit/2 }

// refine finds the line of a peak: of the frames that agree there those nearest together
// are a run, a line is fitted to them, and the run grows along it as far as it goes. Where
// that tells no speed other than 1, the line is the peak's own offset. The weight is that
// of the heaviest run.
func (a *alignment) refine(t *track, used []bool, p peak, prefer time.Duration) hypothesis {
	l := line{known0: p.lo + (p.hi-p.lo)/2, speed: p.speed}
	if p.speed == 1 {
		l = a.offset(t, p, prefer)
	}
	h, r := a.cut(t, used, l)
	fitted := false
	for a.varied && len(r.frames) >= 3 {
		l, sure := fit(a.dots(r))
		if !sure {
			break
		}
		next, longer := a.cut(t, used, l)
		if next.weight < h.weight {
			break
		}
		last := fitted && next.weight == h.weight
		if h, r, fitted = next, longer, true; last {
			break
		}
	}
	if p.speed != 1 && !fitted { // the frames do not bear it out
		return hypothesis{}
	}
	return h
}

func (r *run) weight() int64 {
	var sum int64
	for i := range r.frames {
		w := weigh(r.frames[i].entries, 1)
		if r.frames[i].far {
			w /= 2
		}
		sum += w
	}
	return sum
}

// dots are what the frames of a run say of its line.
func (a *alignment) dots(r *run) []dot {
	dots := make([]dot, 0, len(r.frames))
	for i := range r.frames {
		dots = append(dots, a.line.dot(a.q.frames[r.frames[i].frame].Time, r.frames[i].place.signal))
	}
	return dots
}

// offset chooses one offset within a peak: the median of what the sharp known
// signals say, where there are any; else the preferred one if the peak has it;
// else the middle.
func (a *alignment) offset(t *track, p peak, prefer time.Duration) line {
	middle := p.lo + (p.hi-p.lo)/2
	var said []time.Duration
	for i := range t.sightings {
		s := &t.sightings[i]
		at := s.at(a.q.frames[s.frame].Time + middle)
		if at != nil && a.line.sharp(at.signal) {
			said = append(said, a.key.it.signals[at.signal].From-a.q.frames[s.frame].Time) // its hash is of the frame at From
		}
	}
	switch {
	case len(said) > 0:
		slices.Sort(said)
		middle = min(max(said[len(said)/2], p.lo), p.hi)
	case p.lo <= prefer && prefer <= p.hi:
		middle = prefer
	}
	return offsetLine(middle)
}

// cut collects the unused frames that agree on a line, and cuts them into runs. It returns
// the heaviest one too.
func (a *alignment) cut(t *track, used []bool, l line) (h hypothesis, heaviest *run) {
	h = hypothesis{track: t, line: l}
	elsewhere := 0 // frames since the last member that agree with the video, but not here
	for i := range t.sightings {
		s := &t.sightings[i]
		p := s.at(l.at(a.q.frames[s.frame].Time))
		if p == nil {
			elsewhere++
			continue
		}
		h.members++
		m := aligned{frame: s.frame, entries: s.entries, place: p, far: p.far}
		if n := len(h.runs); n > 0 && elsewhere < 2 && a.near(h.runs[n-1].last(), s.frame) && !slices.Contains(used[h.runs[n-1].last():s.frame], true) {
			h.runs[n-1].frames = append(h.runs[n-1].frames, m)
		} else {
			h.runs = append(h.runs, run{frames: []aligned{m}, line: l, class: t.class})
		}
		elsewhere = 0
	}
	for i := range h.runs {
		if w := h.runs[i].weight(); w > h.weight {
			h.weight, heaviest = w, &h.runs[i]
		}
	}
	return h, heaviest
}

func (r *run) last() int32 { return r.frames[len(r.frames)-1].frame }

// near reports whether two agreeing frames belong to one segment: what lies
// between them and does not agree is short, or was not judged.
func (a *alignment) near(from, to int32) bool {
	var lost time.Duration
	for i := from + 1; i < to; i++ {
		if a.q.pass[i] {
			if lost += a.q.frames[i].For; lost > a.gap() {
				return false
			}
		}
	}
	return a.reaches(from, to)
}

// reaches reports whether the time between two frames, whatever lies there, is that of one
// segment.
func (a *alignment) reaches(from, to int32) bool {
	f := &a.q.frames[from]
	return a.q.frames[to].Time-f.Time-f.For <= max(2*gapTime, 2*a.q.step)
}

func (a *alignment) gap() time.Duration { return max(gapTime, 2*a.q.step) }

// join puts adjoining runs together that lie on nearly the same line, which is then the
// heavier one's.
func (a *alignment) join() {
	slices.SortFunc(a.runs, func(x, y run) int { return cmp.Compare(x.frames[0].frame, y.frames[0].frame) })
	out := a.runs[:0]
	for _, r := range a.runs {
		if n := len(out); n > 0 && a.near(out[n-1].last(), r.frames[0].frame) {
			p := &out[n-1]
			heavy, light := p, &r
			if r.weight() > p.weight() {
				heavy, light = &r, p
			}
			from, to := a.q.frames[light.frames[0].frame].Time, a.q.frames[light.last()].Time
			if distanceOf(heavy.line.at(from), light.line.at(from)) <= sameLine && distanceOf(heavy.line.at(to), light.line.at(to)) <= sameLine {
				p.line, p.class = heavy.line, heavy.class
				p.frames = append(p.frames, r.frames...)
				p.against += r.against
				continue
			}
		}
		out = append(out, r)
	}
	a.runs = out
}
