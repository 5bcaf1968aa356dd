package match

import (
	"cmp"
	"slices"
	"time"
)

const (
	// maxAlignments bounds the offsets that are tried for one known video: as many
	// pieces of it, in as many orders, are told apart.
	maxAlignments = 64
	// gapTime is the longest stretch of frames that do not agree within a segment:
	// frames in motion or under an overlay are lost now and then. Sparser sampling
	// than one frame in 1.5 s may lose one frame in a row.
	gapTime = 3 * time.Second
	// sameOffset is how far the offsets of two adjoining segments may differ to be
	// one: rounding of times, and the drift of a slightly changed speed.
	sameOffset = 250 * time.Millisecond
	// sharpSignal is how long a known signal may stand to tell the offset by itself:
	// the usual sampling step.
	sharpSignal = 500 * time.Millisecond
)

// aligned is one frame of the upload in an alignment.
type aligned struct {
	frame   int32
	entries int32
	place   *place
	offset  time.Duration // known time minus the upload's
}

// run is a stretch of the upload that agrees with a known video at one offset.
type run struct {
	frames []aligned // rising
	// offset is the known time minus the upload's; offsetTo is that at the end, which
	// differs where runs were joined.
	offset, offsetTo time.Duration
}

// alignment is how an upload agrees with a known video: runs, the heaviest
// first, that do not overlap in the upload.
type alignment struct {
	q      *query
	key    key
	runs   []run
	frames []aligned // of all runs
	// limited tells that maxAlignments were not enough.
	limited bool
}

// edge is where a sighting begins or ends to agree, on the axis of offsets.
type edge struct {
	at       time.Duration
	weight   int64 // of a beginning; negative of an end
	sighting int32
}

// sweep is a track made ready for finding the offset that most frames agree on.
type sweep struct {
	track *track
	edges []edge
}

// edgeUnit is the weight of a frame that occurs in one place of one entry. A
// frame weighs less by the number of places and entries it occurs in: weights are
// whole numbers, so that sums do not depend on their order.
const edgeUnit = 1 << 20

func newSweep(t *track) *sweep {
	n := 0
	for i := range t.sightings {
		n += len(t.sightings[i].places)
	}
	s := &sweep{track: t, edges: make([]edge, 0, 2*n)}
	for i := range t.sightings {
		si := &t.sightings[i]
		w := int64(max(1, edgeUnit*commonness(si.entries)/float64(len(si.places))))
		for _, p := range si.places {
			s.edges = append(s.edges, edge{p.lo - jitter, w, int32(i)}, edge{p.hi + jitter, -w, int32(i)})
		}
	}
	slices.SortFunc(s.edges, func(a, b edge) int {
		// At the same offset beginnings come first: both ends are inclusive.
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.weight, a.weight), cmp.Compare(a.sighting, b.sighting))
	})
	return s
}

// peak is the stretch of offsets that the most weight agrees on.
type peak struct {
	lo, hi time.Duration
	weight int64
}

// peak finds the best offsets for the frames that are not used yet. Of equals it
// takes the one nearest to prefer.
func (s *sweep) peak(used []bool, prefer time.Duration) peak {
	var best peak
	var sum int64
	open := false       // the best stretch waits for its end
	kept := s.edges[:0] // a frame that is used once stays so: the next round has fewer edges
	for _, e := range s.edges {
		if used[s.track.sightings[e.sighting].frame] {
			continue
		}
		kept = append(kept, e)
		if e.weight < 0 && open {
			best.hi, open = e.at, false
		}
		sum += e.weight
		if e.weight > 0 && (sum > best.weight || sum == best.weight && distanceOf(e.at, prefer) < distanceOf(best.lo, prefer)) {
			best, open = peak{lo: e.at, weight: sum}, true
		}
	}
	s.edges = kept
	return best
}

func distanceOf(a, b time.Duration) time.Duration { return max(a-b, b-a) }

// at finds the place of a sighting that holds the offset, or nil.
func (s *sighting) at(offset time.Duration) *place {
	i, _ := slices.BinarySearchFunc(s.places, offset, func(p place, o time.Duration) int { return cmp.Compare(p.hi+jitter, o) })
	if i < len(s.places) && s.places[i].lo-jitter <= offset {
		return &s.places[i]
	}
	return nil
}

// align finds the stretches of the upload that agree with the candidate's known
// video. Again and again it takes the offset on which most of the remaining frames
// agree, and cuts what agrees there into runs; a run's stretch of the upload is
// then used up. There is always at least one frame in the result.
func align(q *query, c *candidate) *alignment {
	a := &alignment{q: q, key: c.key}
	sweeps := make([]*sweep, len(c.tracks))
	for i, t := range c.tracks {
		sweeps[i] = newSweep(t)
	}
	used := make([]bool, len(q.frames))
	prefer := time.Duration(0)
	for round := 0; ; round++ {
		var best peak
		var from *sweep
		for _, s := range sweeps {
			if p := s.peak(used, prefer); p.weight > best.weight {
				best, from = p, s
			}
		}
		if from == nil {
			break
		}
		offset := a.offset(from.track, used, best, prefer)
		members, runs := a.cut(from.track, used, offset)
		if len(members) < 2 && len(a.runs) > 0 {
			break // no two frames are left that agree on anything
		}
		if round == maxAlignments {
			a.limited = true
			break
		}
		kept := false
		for _, r := range runs {
			// A frame on its own is part of the strongest alignment only: elsewhere it may
			// agree by chance.
			if len(r.frames) < 2 && len(a.runs) > 0 && offset != prefer {
				continue
			}
			a.runs = append(a.runs, r)
			kept = true
			for f := r.frames[0].frame; f <= r.frames[len(r.frames)-1].frame; f++ {
				used[f] = true
			}
		}
		if kept {
			prefer = offset
		}
		for _, m := range members {
			used[m.frame] = true // so that every round has fewer frames
		}
	}
	a.join()
	for _, r := range a.runs {
		a.frames = append(a.frames, r.frames...)
	}
	return a
}

// offset chooses one offset within a peak: the median of what the short known
// signals say, where there are any; else the preferred one if the peak has it;
// else the middle.
func (a *alignment) offset(t *track, used []bool, p peak, prefer time.Duration) time.Duration {
	middle := p.lo + (p.hi-p.lo)/2
	var said []time.Duration
	for i := range t.sightings {
		s := &t.sightings[i]
		if used[s.frame] {
			continue
		}
		at := s.at(middle)
		if at == nil {
			continue
		}
		known := &a.key.it.signals[at.signal]
		if known.To-known.From <= sharpSignal {
			said = append(said, known.From-a.q.frames[s.frame].Time) // its hash is of the frame at From
		}
	}
	switch {
	case len(said) > 0:
		slices.Sort(said)
		return min(max(said[len(said)/2], p.lo), p.hi)
	case p.lo <= prefer && prefer <= p.hi:
		return prefer
	}
	return middle
}

// cut collects the unused frames that agree at an offset, and cuts them into runs.
func (a *alignment) cut(t *track, used []bool, offset time.Duration) (members []aligned, runs []run) {
	elsewhere := 0 // frames since the last member that agree with the video, but not here
	for i := range t.sightings {
		s := &t.sightings[i]
		var p *place
		if !used[s.frame] {
			p = s.at(offset)
		}
		if p == nil {
			elsewhere++
			continue
		}
		m := aligned{s.frame, s.entries, p, offset}
		members = append(members, m)
		if n := len(runs); n > 0 && elsewhere < 2 && a.near(runs[n-1].last(), s.frame) && !slices.Contains(used[runs[n-1].last():s.frame], true) {
			runs[n-1].frames = append(runs[n-1].frames, m)
		} else {
			runs = append(runs, run{frames: []aligned{m}, offset: offset, offsetTo: offset})
		}
		elsewhere = 0
	}
	return members, runs
}

func (r *run) last() int32 { return r.frames[len(r.frames)-1].frame }

// near reports whether two agreeing frames belong to one segment: what lies
// between them and does not agree is short, or was not judged.
func (a *alignment) near(from, to int32) bool {
	var lost time.Duration
	for i := from + 1; i < to; i++ {
		if a.q.pass[i] {
			lost += a.q.frames[i].For
		}
	}
	f := &a.q.frames[from]
	between := a.q.frames[to].Time - f.Time - f.For
	return lost <= max(gapTime, 2*a.q.step) && between <= max(2*gapTime, 2*a.q.step)
}

// join puts adjoining runs of nearly the same offset together.
func (a *alignment) join() {
	slices.SortFunc(a.runs, func(x, y run) int { return cmp.Compare(x.frames[0].frame, y.frames[0].frame) })
	out := a.runs[:0]
	for _, r := range a.runs {
		if n := len(out); n > 0 && distanceOf(out[n-1].offsetTo, r.offset) <= sameOffset && a.near(out[n-1].last(), r.frames[0].frame) {
			out[n-1].frames = append(out[n-1].frames, r.frames...)
			out[n-1].offsetTo = r.offsetTo
			continue
		}
		out = append(out, r)
	}
	a.runs = out
}

// segments describes the runs, longest first, with a known video of the given
// length.
func (a *alignment) segments(known time.Duration) []Segment {
	segments := make([]Segment, 0, len(a.runs))
	for i := range a.runs {
		segments = append(segments, a.segment(&a.runs[i], known))
	}
	slices.SortStableFunc(segments, func(x, y Segment) int {
		return cmp.Or(cmp.Compare(y.QueryTo-y.QueryFrom, x.QueryTo-x.QueryFrom), cmp.Compare(x.QueryFrom, y.QueryFrom))
	})
	return segments
}

// segment gives a run its times. The true edges lie between an agreeing frame
// and its neighbour that does not agree: half-way is off by no more than half a
// sampling step.
func (a *alignment) segment(r *run, known time.Duration) Segment {
	q := a.q
	first, last := int(r.frames[0].frame), int(r.last())
	s := Segment{QueryFrom: q.frames[first].Time, QueryTo: q.frames[last].Time + q.frames[last].For}
	if first > 0 && q.pass[first-1] {
		s.QueryFrom -= (s.QueryFrom - q.frames[first-1].Time) / 2
	}
	if last+1 < len(q.frames) && q.pass[last+1] {
		s.QueryTo = q.frames[last].Time + (q.frames[last+1].Time-q.frames[last].Time)/2
	}
	// A jitter's worth of offset may put the frames themselves out of the known video.
	firstKnown := min(max(q.frames[first].Time+r.offset, 0), known)
	lastKnown := min(max(q.frames[last].Time+r.offsetTo, firstKnown), known)
	s.KnownFrom = firstKnown - (q.frames[first].Time - s.QueryFrom)
	s.KnownTo = lastKnown + (s.QueryTo - q.frames[last].Time)
	if s.KnownFrom < 0 { // the known video begins after the neighbour's half
		s.QueryFrom, s.KnownFrom = s.QueryFrom-s.KnownFrom, 0
	}
	if over := s.KnownTo - known; over > 0 {
		s.QueryTo, s.KnownTo = s.QueryTo-over, known
	}

	count := newDistinct(a.key.kind)
	sum := 0
	for i := range r.frames {
		f := &r.frames[i]
		if count.add(q.value(f.frame, f.place)) {
			s.Frames++
			sum += int(f.place.distance)
		}
	}
	s.MeanDistance = float64(sum) / float64(s.Frames)
	return s
}
