package match

import (
	"cmp"
	"slices"
	"time"
)

// edge is where a sighting begins or ends to agree, on the axis of the known times that
// a line has at the upload's time 0.
type edge struct {
	at     time.Duration
	weight int64 // of a beginning; negative of an end
	frame  int32
}

// sweep is a track made ready for finding the lines that most frames agree on.
type sweep struct {
	q     *query
	line  *timeline
	track *track
	edges []edge // at the speed 1
	step  int    // of the sightings that are searched for other speeds
	left  int64  // the weight of the frames that are not used yet
	// slants bounds the weight of the best line of each other speed from above: it only
	// ever falls, for frames are only ever used up. Negative: not known yet.
	slants  [slants]int64
	scratch []edge
	work    int // that was done, in comparisons of hashes
}

const (
	// slantStep is from one speed that is tried to the next: within half of it a line
	// leaves the true one by 0.3 s, about what a frame in motion agrees over, in 30 s. That
	// is enough to find it; then it is fitted.
	slantStep = 1.02
	slants    = 23 // 1.02^-11 = 0.80 to 1.02^11 = 1.24
	// maxSlanted bounds the places that are searched for other speeds than 1: of longer
	// tracks it is every second sighting, or third, ...
	maxSlanted = 4096
)

// slantSpeeds are the speeds that are tried, 1 in the middle.
var slantSpeeds = func() (speeds [slants]float64) {
	speeds[slants/2] = 1
	for i := slants/2 + 1; i < slants; i++ {
		speeds[i] = float64(speeds[i-1] * slantStep)
		speeds[slants-1-i] = 1 / speeds[i]
	}
	return speeds
}()

// edgeUnit is the weight of a frame that occurs in one place of one entry. A
// frame weighs less by the number of places and entries it occurs in: weights are
// whole numbers, so that sums do not depend on their order.
const edgeUnit = 1 << 20

func weigh(entries int32, places int) int64 {
	return int64(max(1, edgeUnit*commonness(entries)/float64(places)))
}

// What it costs to get a known signal ready, and to sort an edge, in comparisons of two hashes.
const signalWork, sortWork = 4, 16

// wide is how long a place is that says little of the time: a scene that stands nearly
// still. Half of its weight is the nearest signal's in it.
const wide = time.Second

// nearness is by how many bits a place must be further away than the frame's nearest one
// to have half of the weight.
const nearness = 4

func newSweep(q *query, line *timeline, t *track) *sweep {
	s := &sweep{q: q, line: line, track: t}
	for i := range s.slants {
		s.slants[i] = -1
	}
	s.edges = s.fill(nil, 1, 1)
	s.weigh()
	s.step = (len(s.edges)/2 + maxSlanted - 1) / maxSlanted
	return s
}

// fill makes the sorted edges of every step-th sighting at a speed.
func (s *sweep) fill(edges []edge, speed float64, step int) []edge {
	n := 0
	for i := 0; i < len(s.track.sightings); i += step {
		n += len(s.track.sightings[i].places)
	}
	edges = slices.Grow(edges[:0], 2*n)
	for i := 0; i < len(s.track.sightings); i += step {
		si := &s.track.sightings[i]
		lead := s.q.frames[si.frame].Time
		if speed != 1 {
			lead = time.Duration(float64(speed * float64(lead)))
		}
		add := func(from, to time.Duration, w int64) {
			edges = append(edges, edge{from - lead - jitter, w, si.frame}, edge{to - lead + jitter, -w, si.frame})
		}
		all := weigh(si.entries, len(si.places))
		if si.places[0].far {
			all = max(1, all/2)
		}
		nearest := si.places[0].distance
		for j := range si.places {
			nearest = min(nearest, si.places[j].distance)
		}
		for j := range si.places {
			p := &si.places[j]
			w := max(1, all>>((p.distance-nearest)/nearness))
			if from, to := s.line.likely(p.signal); p.to-p.from > wide && p.to-p.from > to-from+2*jitter {
				add(from, to, w-w/2)
				w /= 2
			}
			if w > 0 {
				add(p.from, p.to, w)
			}
		}
	}
	sortEdges(edges)
	s.work += sortWork * len(edges)
	return edges
}

func sortEdges(edges []edge) {
	slices.SortFunc(edges, func(a, b edge) int {
		// At the same time beginnings come first: both ends are inclusive.
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.weight, a.weight), cmp.Compare(a.frame, b.frame))
	})
}

// peak is the stretch of known times at the upload's time 0 that the most weight agrees
// on, at a speed.
type peak struct {
	speed  float64
	lo, hi time.Duration
	weight int64
}

// drop forgets the frames that are used up.
func (s *sweep) drop(used []bool) {
	s.track.sightings = slices.DeleteFunc(s.track.sightings, func(si sighting) bool { return used[si.frame] })
	s.edges = slices.DeleteFunc(s.edges, func(e edge) bool { return used[e.frame] })
	s.weigh()
}

// weigh sums up what is left.
func (s *sweep) weigh() {
	s.left = 0
	for i := range s.edges {
		s.left += max(s.edges[i].weight, 0)
	}
}

// peak finds the best offsets at the speed 1 for the frames that are not used yet. Of
// equals it takes the one nearest to prefer.
func (s *sweep) peak(prefer time.Duration) peak {
	p := highest(s.edges, prefer)
	p.speed = 1
	s.work += len(s.edges)
	return p
}

// highest sweeps over edges.
func highest(edges []edge, prefer time.Duration) peak {
	var best peak
	var sum int64
	open := false // the best stretch waits for its end
	for _, e := range edges {
		if e.weight < 0 && open {
			best.hi, open = e.at, false
		}
		sum += e.weight
		if e.weight > 0 && (sum > best.weight || sum == best.weight && distanceOf(e.at, prefer) < distanceOf(best.lo, prefer)) {
			best, open = peak{lo: e.at, weight: sum}, true
		}
	}
	return best
}

// slanted finds the best line of any speed but 1 for the frames that are not used yet, if
// it has more weight than atLeast; else a peak without weight.
func (s *sweep) slanted(atLeast int64) peak {
	var best peak
	for i, speed := range slantSpeeds {
		floor := max(atLeast, best.weight)
		if speed == 1 || s.slants[i] >= 0 && s.slants[i] <= floor {
			continue
		}
		s.scratch = s.fill(s.scratch, speed, s.step)
		p := highest(s.scratch, 0)
		p.speed, p.weight = speed, p.weight*int64(s.step)
		s.slants[i] = p.weight
		if p.weight > floor {
			best = p
		}
	}
	return best
}

func distanceOf(a, b time.Duration) time.Duration { return max(a-b, b-a) }

// at finds the place of a sighting that holds the known time, or nil.
func (s *sighting) at(known time.Duration) *place {
	if len(s.places) == 1 {
		if p := &s.places[0]; p.from-jitter <= known && known <= p.to+jitter {
			return p
		}
		return nil
	}
	i, _ := slices.BinarySearchFunc(s.places, known, func(p place, k time.Duration) int { return cmp.Compare(p.to+jitter, k) })
	if i < len(s.places) && s.places[i].from-jitter <= known {
		return &s.places[i]
	}
	return nil
}
