package match

import (
	"cmp"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
)

const (
	// sharpSignal is how long a known signal may stand to tell the time by itself: the
	// usual sampling step.
	sharpSignal = 500 * time.Millisecond
	// A list of frames sampled at a constant step, as vPDQ's of one frame a second, tells
	// the picture at the beginning of each interval only. It is known by steps that are
	// all alike and of this length.
	minListStep, maxListStep = 400 * time.Millisecond, 2 * time.Second
)

// timeline is a known video's signals of one kind in the order of their times.
type timeline struct {
	it   *item
	kind hash.Kind
	gate hash.Quality
	end  time.Duration
	// sampled tells that the signals are frames sampled at a constant step: what lies
	// between them is not known.
	sampled bool
	order   []int32       // signals by From; nil: as they are
	longest time.Duration // the longest interval
	judged  []int32       // the signals that judges says yes to
}

func newTimeline(it *item, k hash.Kind, gate hash.Quality) *timeline {
	t := &timeline{it: it, kind: k, gate: gate, end: it.end(), sampled: sampledList(it, k)}
	for i := range it.signals {
		if t.judges(int32(i)) {
			t.judged = append(t.judged, int32(i))
		}
		t.longest = max(t.longest, it.signals[i].To-it.signals[i].From)
		if i > 0 && it.signals[i].From < it.signals[i-1].From && t.order == nil {
			t.order = make([]int32, len(it.signals))
		}
	}
	if t.order != nil {
		for i := range t.order {
			t.order[i] = int32(i)
		}
		slices.SortStableFunc(t.order, func(a, b int32) int { return cmp.Compare(it.signals[a].From, it.signals[b].From) })
	}
	return t
}

// sampledList reports whether a known video's signals of a kind are frames at a constant
// step. The last one's interval, which ends with the video, may be any.
func sampledList(it *item, k hash.Kind) bool {
	n, alike := 0, 0
	step := time.Duration(0)
	for i := len(it.signals) / 2; i < len(it.signals) && step == 0; i++ {
		if s := &it.signals[i]; s.Value.Kind() == k {
			step = s.To - s.From
		}
	}
	if step < minListStep || step > maxListStep {
		return false
	}
	for i := range it.signals {
		if s := &it.signals[i]; s.Value.Kind() == k {
			n++
			if distanceOf(s.To-s.From, step) <= step/10 {
				alike++
			}
		}
	}
	return n >= 3 && 10*(alike+1) >= 9*n
}

func (t *timeline) number(i int) int32 {
	if t.order == nil {
		return int32(i)
	}
	return t.order[i]
}

// span returns the known times at which a signal's picture is to be expected.
func (t *timeline) span(signal int32) (from, to time.Duration) {
	return expected(t.it, signal, t.sampled)
}

// likely returns the known times at which a frame whose nearest signal this is lies.
func (t *timeline) likely(signal int32) (from, to time.Duration) {
	if t.sampled {
		d := t.dot(0, signal)
		return d.known - d.sigma, d.known + d.sigma
	}
	return t.span(signal)
}

// expected returns the known times at which a signal's picture is to be expected: where
// the signals are sampled, also half a step before it.
func expected(it *item, signal int32, sampled bool) (from, to time.Duration) {
	s := &it.signals[signal]
	if sampled {
		return s.From - (s.To-s.From)/2, s.To
	}
	return s.From, s.To
}

// sharp reports whether a signal tells the time by itself: its hash is of the frame at
// From.
func (t *timeline) sharp(signal int32) bool {
	s := &t.it.signals[signal]
	return t.sampled || s.To-s.From <= sharpSignal
}

// dot returns what a frame at t that agrees with a signal says of a line.
func (t *timeline) dot(at time.Duration, signal int32) dot {
	s := &t.it.signals[signal]
	d := dot{t: at, known: s.From, sigma: leastSigma}
	switch width := s.To - s.From; {
	case t.sampled:
		d.sigma = max(leastSigma, width*3/10)
	case width <= sharpSignal:
		d.sigma = max(leastSigma, width*3/10)
	default:
		d.known, d.sigma = s.From+width/2, width*3/10 // a uniform distribution's standard deviation is the width by the root of 12
	}
	return d
}

// around visits the judgeable signals whose spans meet the known times from..to.
func (t *timeline) around(from, to time.Duration, visit func(signal int32)) {
	reach := t.longest
	i, _ := slices.BinarySearchFunc(t.it.signals, from-reach, func(s Signal, at time.Duration) int { return cmp.Compare(s.From, at) })
	if t.order != nil {
		i, _ = slices.BinarySearchFunc(t.order, from-reach, func(n int32, at time.Duration) int { return cmp.Compare(t.it.signals[n].From, at) })
	}
	for ; i < len(t.it.signals); i++ {
		n := t.number(i)
		lo, hi := t.span(n)
		if lo > to {
			return
		}
		if hi >= from && t.judges(n) {
			visit(n)
		}
	}
}

func (t *timeline) judges(signal int32) bool {
	s := &t.it.signals[signal]
	return s.Value.Kind() == t.kind && s.Quality.Passes(t.gate)
}
