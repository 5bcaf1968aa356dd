package match

import (
	"cmp"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// segments describes the runs, longest first.
func (a *alignment) segments() []Segment {
	segments := make([]Segment, 0, len(a.runs))
	for i := range a.runs {
		segments = append(segments, a.segment(i))
	}
	slices.SortStableFunc(segments, func(x, y Segment) int {
		return cmp.Or(cmp.Compare(y.QueryTo-y.QueryFrom, x.QueryTo-x.QueryFrom), cmp.Compare(x.QueryFrom, y.QueryFrom))
	})
	return segments
}

// segment gives a run its times. The true edges lie between an agreeing frame and its
// neighbour that does not agree: half-way is off by no more than half a sampling step.
// Where the known video itself begins or ends between the two, that is the likeliest. And
// where neither shows enough to be judged, black or a fade from it, both are taken to go on: up to
// the middle, if another run begins behind it.
func (a *alignment) segment(i int) Segment {
	q, r, end := a.q, &a.runs[i], a.line.end
	first, last := int(r.frames[0].frame), int(r.last())
	firstAt, lastAt := q.frames[first].Time, q.frames[last].Time
	s := Segment{QueryFrom: firstAt, QueryTo: lastAt + q.frames[last].For}
	// A jitter's worth may put the frames themselves out of the known video: then the line
	// is off by that.
	l := r.line
	l.known0 -= max(l.at(lastAt)-end, 0)
	l.known0 -= min(l.at(firstAt), 0)
	firstKnown := min(l.at(firstAt), end)
	lastKnown := min(max(l.at(lastAt), firstKnown), end)
	ahead := stretched(firstKnown, 1/l.speed) // the upload's time in which the known video begins
	left := stretched(end-lastKnown, 1/l.speed)

	switch {
	case first == 0:
		s.QueryFrom = max(firstAt-min(ahead, q.step), 0)
	case q.pass[first-1]:
		before := firstAt - q.frames[first-1].Time
		if i > 0 && int(a.runs[i-1].last()) == first-1 || ahead >= before {
			before /= 2
		}
		s.QueryFrom -= min(before, ahead)
	default:
		from := q.blankFrom(first)
		if i > 0 {
			from = max(from, q.middle(int(a.runs[i-1].last()), first))
		}
		s.QueryFrom -= min(firstAt-from, stretched(firstKnown-a.line.blankFrom(firstKnown, q.step), 1/l.speed))
	}
	switch after := s.QueryTo - lastAt; {
	case last+1 == len(q.frames):
		s.QueryTo = lastAt + min(after, left)
	case q.pass[last+1]:
		after = q.frames[last+1].Time - lastAt
		if i+1 < len(a.runs) && int(a.runs[i+1].frames[0].frame) == last+1 || left >= after {
			after /= 2
		}
		s.QueryTo = lastAt + min(after, left)
	default:
		to := q.blankTo(last)
		if i+1 < len(a.runs) {
			if middle := q.middle(last, int(a.runs[i+1].frames[0].frame)); middle > 0 {
				to = min(to, middle)
			}
		}
		s.QueryTo = lastAt + min(max(after, min(to-lastAt, stretched(a.line.blankTo(lastKnown, q.step)-lastKnown, 1/l.speed))), left)
	}
	s.KnownFrom = max(firstKnown-stretched(firstAt-s.QueryFrom, l.speed), 0)
	s.KnownTo = min(lastKnown+stretched(s.QueryTo-lastAt, l.speed), end)
	s.Speed = l.speed

	// Those of the part of the picture that says most.
	var told [hash.Halves]struct{ far, sum int }
	count := newDistincts(a.key.kind)
	most := hash.Whole
	for n := range r.frames {
		f := &r.frames[n]
		h := a.line.half[f.place.signal]
		if count[h].add(q.value(f.frame, f.place)) {
			told[h].sum += int(f.place.distance)
			if f.far {
				told[h].far++
			}
		}
	}
	for h := range told {
		if 2*count[h].n-told[h].far > 2*count[most].n-told[most].far {
			most = hash.Half(h)
		}
	}
	s.Frames, s.Confirmed = count[most].n, told[most].far
	s.MeanDistance = float64(told[most].sum) / float64(s.Frames)
	return s
}

// stretched returns a time at another speed, and at the speed 1 exactly itself.
func stretched(t time.Duration, speed float64) time.Duration {
	if speed == 1 {
		return t
	}
	return time.Duration(float64(float64(t) * speed))
}

// closer returns where in the upload more frames could bear the runs out: as far around
// them as the usual distance of two frames or the longest gap within a segment, and no
// further than the known video goes. Nothing, unless more frames are what is missing.
func (a *alignment) closer(missing []string) []Span {
	for _, m := range missing {
		if m != "frames" && m != "duration" && m != "scene" {
			return nil
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var all []span
	reach := a.gap()
	for i := range a.runs {
		r := &a.runs[i]
		first, last := a.q.frames[r.frames[0].frame].Time, a.q.frames[r.last()].Time
		// The first and the last frame's places tell how far the known video may go.
		from := max(first-reach, first-stretched(r.frames[0].place.to+jitter, 1/minSpeed), 0)
		to := min(last+reach, last+stretched(max(a.line.end-r.frames[len(r.frames)-1].place.from, 0)+jitter, 1/minSpeed))
		all = append(all, span{from, to})
	}
	return spans(all)
}
