package match

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/rematch-go/rematch/hash"
)

const (
	// usualStep is how far apart the frames of an upload usually are.
	usualStep = 500 * time.Millisecond
	// sharpSignal is how long a known signal may stand to tell the time by itself.
	sharpSignal = usualStep
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
	order   []int32              // signals by the beginning of their spans
	ends    []time.Duration      // a tree, its root at 1, of the latest ends of the spans in that order
	half    []hash.Half          // by signal: the part of the picture that it is of
	judged  [hash.Halves][]int32 // the signals that judges says yes to, by that part
}

// maxAround bounds the signals that are around a time: dense references have a dozen.
const maxAround = 256

func newTimeline(it *item, k hash.Kind, gate hash.Quality) *timeline {
	t := &timeline{it: it, kind: k, gate: gate, end: it.end(), sampled: sampledList(it, k)}
	t.half, t.order = make([]hash.Half, len(it.signals)), make([]int32, len(it.signals))
	for i := range it.signals {
		n := int32(i)
		t.order[i], t.half[i] = n, halfOf(it.signals[i].Transform)
		if t.judges(n) {
			t.judged[t.half[i]] = append(t.judged[t.half[i]], n)
		}
	}
	byBeginning := func(a, b int32) int {
		from, _ := t.span(a)
		other, _ := t.span(b)
		return cmp.Compare(from, other)
	}
	if !slices.IsSortedFunc(t.order, byBeginning) {
		slices.SortStableFunc(t.order, byBeginning)
	}
	leaves := 1
	for leaves < len(t.order) {
		leaves *= 2
	}
	t.ends = make([]time.Duration, 2*leaves)
	for i := range t.ends {
		t.ends[i] = -1
	}
	for i, n := range t.order {
		_, t.ends[leaves+i] = t.span(n)
	}
	for i := leaves - 1; i > 0; i-- {
		t.ends[i] = max(t.ends[2*i], t.ends[2*i+1])
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

// blankFrom returns the time from which on the known video has nothing to be judged by up to
// another, give or take a step: that time itself if it has.
func (t *timeline) blankFrom(known, step time.Duration) time.Duration {
	from := time.Duration(0)
	for n := range t.it.signals {
		if begins, ends := t.span(int32(n)); t.judges(int32(n)) && begins < known-step {
			from = max(from, ends)
		}
	}
	if from > known-step {
		return known
	}
	return from
}

// blankTo returns the time up to which the known video has nothing to be judged by after
// another, give or take a step: that time itself if it has.
func (t *timeline) blankTo(known, step time.Duration) time.Duration {
	to := t.end
	for n := range t.it.signals {
		switch begins, ends := t.span(int32(n)); {
		case !t.judges(int32(n)) || ends <= known+step:
		case begins <= known+step:
			return known
		default:
			to = min(to, begins)
		}
	}
	return to
}

// around visits the judgeable signals whose spans meet the known times from..to, in the
// order of their beginnings and at most maxAround of them. It costs a few steps a signal,
// however long the spans of others are.
func (t *timeline) around(from, to time.Duration, visit func(signal int32)) {
	n := sort.Search(len(t.order), func(i int) bool {
		begins, _ := t.span(t.order[i])
		return begins > to
	})
	left := maxAround
	t.meeting(1, 0, len(t.ends)/2, n, from, &left, visit)
}

// meeting visits the first n signals of a node of the tree, which is of size signals from
// first on, that end at from or later.
func (t *timeline) meeting(node, first, size, n int, from time.Duration, left *int, visit func(signal int32)) {
	if first >= n || t.ends[node] < from || *left == 0 {
		return
	}
	if size == 1 {
		*left--
		if t.judges(t.order[first]) {
			visit(t.order[first])
		}
		return
	}
	t.meeting(2*node, first, size/2, n, from, left, visit)
	t.meeting(2*node+1, first+size/2, size/2, n, from, left, visit)
}

func (t *timeline) judges(signal int32) bool {
	s := &t.it.signals[signal]
	return s.Value.Kind() == t.kind && s.Quality.Passes(t.gate)
}
