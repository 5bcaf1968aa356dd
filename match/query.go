package match

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// query is an upload's frames in order, with what is needed of them as a whole.
type query struct {
	frames  []QueryFrame // by time; For is never 0 but for a lone frame
	number  []int32      // of each frame given, its place in frames
	given   []int32      // of each of frames, which of those given it is
	entries []int32      // by frame: how many entries it agrees with
	pass    []bool       // by frame: some look passes the gate
	judged  int          // how many pass
	best    hash.Quality // the best quality of any look, for the error
	gate    hash.Quality
	step    time.Duration // the usual distance of two frames
	length  time.Duration // from the first frame to the end of the last
}

// newQuery puts frames in order. crowds are theirs.
func newQuery(frames []QueryFrame, crowds []crowd, gate hash.Quality) *query {
	n := len(frames)
	q := &query{frames: make([]QueryFrame, n), number: make([]int32, n), entries: make([]int32, n), pass: make([]bool, n), gate: gate}
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	q.given = order
	slices.SortStableFunc(order, func(a, b int32) int { return compareFrames(&frames[a], &frames[b]) })
	for i, from := range order {
		q.frames[i], q.number[from], q.entries[i] = frames[from], int32(i), crowds[from].known
	}
	steps := make([]time.Duration, 0, n)
	for i := range q.frames {
		f := &q.frames[i]
		for j := range f.Looks {
			l := &f.Looks[j]
			if l.Value.Kind().IsDigest() {
				continue
			}
			if l.Quality.Passes(gate) {
				q.pass[i] = true
			} else {
				q.best = max(q.best, l.Quality)
			}
		}
		if q.pass[i] {
			q.judged++
		}
		if i > 0 {
			steps = append(steps, f.Time-q.frames[i-1].Time)
		}
	}
	if len(steps) > 0 {
		slices.Sort(steps)
		q.step = steps[len(steps)/2]
	}
	for i := range q.frames {
		f, until := &q.frames[i], q.step
		if i+1 < len(q.frames) {
			until = q.frames[i+1].Time - f.Time
		}
		if f.For == 0 || i+1 < len(q.frames) && f.For > until { // one that was looked at later stands for the rest
			f.For = until
		}
	}
	if n > 0 {
		q.length = q.frames[n-1].Time + q.frames[n-1].For - q.frames[0].Time
	}
	return q
}

// blankFrom returns the time from which on no frame passes the gate up to one that does.
func (q *query) blankFrom(frame int) time.Duration {
	for frame > 0 && !q.pass[frame-1] {
		frame--
	}
	return q.frames[frame].Time
}

// blankTo returns the time up to which no frame passes the gate after one that does.
func (q *query) blankTo(frame int) time.Duration {
	for frame+1 < len(q.frames) && !q.pass[frame+1] {
		frame++
	}
	return q.frames[frame].Time + q.frames[frame].For
}

// middle returns the time in the middle between two frames, but none that the first stands for, or 0
// if one between them passes the gate.
func (q *query) middle(last, first int) time.Duration {
	if last >= first || slices.Contains(q.pass[last+1:first], true) {
		return 0
	}
	return max(q.frames[last].Time+q.frames[last].For, (q.frames[last].Time+q.frames[first].Time)/2)
}

// maxTime is far beyond any media and far enough below the limits of a Duration
// that sums and differences of times cannot overflow.
const maxTime = 100_000 * time.Hour

// maxLooks bounds the looks at one frame, far above what any screen takes.
const maxLooks = 4096

// compareFrames puts frames in order.
func compareFrames(a, b *QueryFrame) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Number, b.Number))
}

// check refuses what no upload can have.
func (f *QueryFrame) check(gate hash.Quality) error {
	if f.Time < 0 || f.Time > maxTime || f.For < 0 || f.For > maxTime {
		return fmt.Errorf("%w: frame %d at %v for %v; want times from 0 to %v", ErrInvalid, f.Number, f.Time, f.For, maxTime)
	}
	if len(f.Looks) > maxLooks {
		return fmt.Errorf("%w: frame %d has %d looks; want at most %d", ErrInvalid, f.Number, len(f.Looks), maxLooks)
	}
	for j := range f.Looks {
		l := &f.Looks[j]
		if !l.Quality.Passes(gate) {
			continue
		}
		if !l.Value.IsValid() {
			return fmt.Errorf("%w: frame %d, look %d has no hash; leave it out or tell its quality", ErrInvalid, f.Number, j)
		}
		if l.Limit < 0 {
			return fmt.Errorf("%w: frame %d, look %d has the limit %d; want 0 or more bits", ErrInvalid, f.Number, j, l.Limit)
		}
	}
	return nil
}

// judges reports whether a look takes part.
func (q *query) judges(l *Look) bool { return l.judged(q.gate) }

func (l *Look) judged(gate hash.Quality) bool {
	return l.Quality.Passes(gate) && !l.Value.Kind().IsDigest()
}

// look returns the look by which a frame agreed, and value its hash.
func (q *query) look(frame int32, p *place) *Look { return &q.frames[frame].Looks[p.look] }

func (q *query) value(frame int32, p *place) hash.Value { return q.look(frame, p).Value }

// match describes a pair of a frame and a known signal.
func (q *query) match(k key, frame int32, p *place) Match {
	f := &q.frames[frame]
	l, s := &f.Looks[p.look], &k.it.signals[p.signal]
	return Match{Entry: k.it.public(), Action: k.it.bank.state.Load().action, Evidence: Evidence{
		Kind: k.kind, Distance: int(p.distance), Threshold: l.thresholdOf(k.it.bank, int(p.distance)), Quality: l.Quality,
		Transform: slices.Clone(l.Transform), KnownTransform: slices.Clone(s.Transform),
		Query: l.Value, Known: s.Value, QueryTime: f.Time, KnownTime: s.From,
	}}
}

// distinct counts the distinct judged frames of a kind, up to enough.
func (q *query) distinct(k hash.Kind, enough int) int {
	count := newDistinct(k)
	for i := range q.frames {
		for j := range q.frames[i].Looks {
			if l := &q.frames[i].Looks[j]; l.Value.Kind() == k && q.judges(l) && halfOf(l.Transform) == hash.Whole {
				count.add(l.Value)
				break // the first look stands for the frame
			}
		}
		if count.n >= enough {
			break
		}
	}
	return count.n
}

// distinct counts hashes that differ from all counted before by more than a 32nd
// of their bits: 8 of PDQ's 256, which is what re-encoding moves in a picture
// that stands still and what references are pruned by.
type distinct struct {
	n      int
	within int
	seen   [][4]uint64 // the latest distinctMemory counted ones
}

// distinctMemory bounds the comparisons: a picture that comes back after so many
// others may be counted again.
const distinctMemory = 64

func newDistinct(k hash.Kind) *distinct { return &distinct{within: k.Bits() / 32} }

func (d *distinct) add(v hash.Value) bool {
	w := v.Words()
	for i := range d.seen {
		s := &d.seen[i]
		if bits.OnesCount64(w[0]^s[0])+bits.OnesCount64(w[1]^s[1])+bits.OnesCount64(w[2]^s[2])+bits.OnesCount64(w[3]^s[3]) <= d.within {
			return false
		}
	}
	if len(d.seen) < distinctMemory {
		d.seen = append(d.seen, w)
	} else {
		d.seen[d.n%distinctMemory] = w
	}
	d.n++
	return true
}
