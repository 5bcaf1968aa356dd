package match

import (
	"cmp"
	"slices"
	"time"
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
// Where the known video itself begins or ends between the two, that is the likeliest.
func (a *alignment) segment(i int) Segment {
	q, r, end := a.q, &a.runs[i], a.line.end
	first, last := int(r.frames[0].frame), int(r.last())
	firstAt, lastAt := q.frames[first].Time, q.frames[last].Time
	s := Segment{QueryFrom: firstAt, QueryTo: lastAt + q.frames[last].For}
	// A jitter's worth may put the frames themselves out of the known video.
	firstKnown := min(max(r.line.at(firstAt), 0), end)
	lastKnown := min(max(r.lineTo.at(lastAt), firstKnown), end)
	ahead := stretched(firstKnown, 1/r.line.speed) // the upload's time in which the known video begins
	left := stretched(end-lastKnown, 1/r.lineTo.speed)

	switch {
	case first == 0:
		s.QueryFrom = max(firstAt-min(ahead, q.step), 0)
	case q.pass[first-1]:
		before := firstAt - q.frames[first-1].Time
		if i > 0 && int(a.runs[i-1].last()) == first-1 || ahead >= before {
			before /= 2
		}
		s.QueryFrom -= min(before, ahead)
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
		s.QueryTo = lastAt + min(after, left)
	}
	s.KnownFrom = max(firstKnown-stretched(firstAt-s.QueryFrom, r.line.speed), 0)
	s.KnownTo = min(lastKnown+stretched(s.QueryTo-lastAt, r.lineTo.speed), end)
	switch {
	case r.line.speed == r.lineTo.speed:
		s.Speed = r.line.speed
	case s.QueryTo > s.QueryFrom:
		s.Speed = float64(s.KnownTo-s.KnownFrom) / float64(s.QueryTo-s.QueryFrom)
	default:
		s.Speed = r.line.speed
	}

	count, far := newDistinct(a.key.kind), 0
	sum := 0
	for n := range r.frames {
		f := &r.frames[n]
		if count.add(q.value(f.frame, f.place)) {
			s.Frames++
			sum += int(f.place.distance)
			if f.far {
				far++
			}
		}
	}
	s.Confirmed = far
	s.MeanDistance = float64(sum) / float64(s.Frames)
	return s
}

// stretched returns a time at another speed, and at the speed 1 exactly itself.
func stretched(t time.Duration, speed float64) time.Duration {
	if speed == 1 {
		return t
	}
	return time.Duration(float64(float64(t) * speed))
}
