package mih

import (
	"math/bits"
	"runtime/debug"
)

// A query's working memory: on the stack of the search.
const (
	maxRuns       = 512
	maxCandidates = 512
)

// run is a group to compare verifiers in, or what is left of it. The kernels read
// it: its layout is theirs.
type run struct {
	at    uint32 // in verify
	n     uint32
	want  uint32 // the verifier of the query: 16 bits
	limit int32  // the largest distance of verifiers that may pass: 0 to 16
	group uint32 // over all slots
}

// candidate is a member whose verifier passes. The kernels write it.
type candidate struct {
	run uint32 // its number; then its group
	at  uint32 // in verify; then the number of the hash
}

// work is what a search needs beside the segment.
type work struct {
	values [16]uint16 // the query's slots
	query  [4]uint64
	radius int
	plan   plan
	runs   [maxRuns]run
	found  [maxCandidates]candidate
	stats  *Stats
	hits   int // in a file so far, removed ones too

	touched uint64 // so that what is read only to have it in the cache is read
}

// searchFile is search in a file.
func (s *segment) searchFile(w *work, emit func(ref uint32, distance int)) (err error) {
	defer s.origin.file.Catch(&err, debug.SetPanicOnFault(true))
	w.hits = 0
	s.search(w, emit)
	return nil
}

// search calls emit for every live ref within the radius.
func (s *segment) search(w *work, emit func(ref uint32, distance int)) {
	w.plan = s.planFor(&w.values, w.radius)
	if w.plan.rule == scanned {
		s.scan(w, emit)
		return
	}
	c := cursor{left: s.slots}
	n := s.nextRuns(w, &c)
	if c.left == 0 {
		if whole, found := filter(s.verify, w.runs[:n], &w.found); whole == n {
			w.stats.count(n, found)
			s.check(w, w.runs[:n], w.found[:found], emit)
			return
		}
	}
	// There are many candidates: more than there ever are by chance in sets of less
	// than some ten million.
	if w.plan.rule = s.cheapest(w); w.plan.rule == scanned {
		s.scan(w, emit)
		return
	}
	for c = (cursor{left: s.slots}); c.left > 0; {
		n := s.nextRuns(w, &c)
		for done := 0; done < n; {
			whole, found := filter(s.verify, w.runs[done:n], &w.found)
			w.stats.count(whole, found)
			s.check(w, w.runs[done:n], w.found[:found], emit)
			done += whole
		}
	}
}

// cursor is a place in the walk through all groups of a plan.
type cursor struct {
	left     int // slots to go, the last slot first
	distance int
	mask     int
}

// nextRuns fills runs with what comes after the cursor, and returns how many. At the
// end no slots are left.
func (s *segment) nextRuns(w *work, c *cursor) int {
	n := 0
	shift := slotBits - s.keyBits
	for ; c.left > 0; c.left-- {
		slot := c.left - 1
		reach := int(w.plan.reach[slot])
		base := slot<<s.keyBits | int(w.values[slot]>>shift)
		for ; c.distance <= reach; c.distance++ {
			r, some := s.verifier(w, slot, c.distance)
			if !some {
				break
			}
			masks := neighbours[c.distance][:choose(s.keyBits, c.distance)]
			for ; c.mask < len(masks); c.mask++ {
				g := base ^ int(masks[c.mask])
				at, to := s.bounds[g], s.bounds[g+1]
				if at == to {
					continue
				}
				if n == maxRuns {
					return n
				}
				if s.origin != nil {
					s.checkRun(uint32(g), at, to)
				}
				r.at, r.n, r.group = at, to-at, uint32(g)
				w.runs[n] = r
				n++
			}
			c.mask = 0
		}
		c.distance = 0
	}
	return n
}

// verifier returns what verifiers of a slot's members at a distance are compared
// with; some is false if none could pass. Where the keys are shorter than the slots
// the members' distance is at least that.
func (s *segment) verifier(w *work, slot, distance int) (r run, some bool) {
	next := (slot + 1) % s.slots
	reach, after := int(w.plan.reach[slot]), int(w.plan.reach[next])
	want := uint32(w.values[next])
	if w.plan.rule == byEnds {
		if slot == s.slots-1 {
			return run{want: want, limit: slotBits}, true
		}
		// What is over a distance is below another from the opposite.
		return run{want: want ^ 0xffff, limit: int32(slotBits - 1 - after)}, true
	}
	limit := reach + after + 1 - distance
	return run{want: want, limit: int32(min(limit, slotBits))}, limit >= 0
}

// check compares the hashes of candidates.
func (s *segment) check(w *work, runs []run, found []candidate, emit func(ref uint32, distance int)) {
	// Each step for all of them before the next: so the processor waits for many of
	// the places at once, which are all over the memory.
	var touched uint64
	for i := range found {
		c := &found[i]
		c.run = runs[c.run].group // from here on
		if c.run>>s.keyBits == 0 {
			continue
		}
		touched += uint64(s.low[int(c.at)-s.n])
		if s.pages > 1 {
			if near := s.nearMark(c.run, c.at); uint(near) < uint(len(s.marks)) { // in a file it may be anything
				touched += s.marks[near]
			}
		}
	}
	w.touched += touched
	m := marker{group: ^uint32(0)}
	for i := range found {
		c := &found[i]
		pos, number := c.at, c.at
		if c.run>>s.keyBits != 0 { // in slot 0 the number is the position
			if s.origin != nil {
				s.origin.check(Low, int(pos)-s.n, 1)
			}
			number = uint32(s.low[int(pos)-s.n])
			if s.pages > 1 {
				number |= uint32(s.page(&m, c.run, pos)) << pageBits
			}
		}
		if s.origin != nil {
			s.checkMember(pos, int(number))
		}
		c.at = number
	}
	var differing [4]uint64
	for _, c := range found {
		if s.width == 1 {
			differing[0] = s.words[c.at] ^ w.query[0]
		} else {
			h := s.words[4*int(c.at) : 4*int(c.at)+4]
			differing = [4]uint64{h[0] ^ w.query[0], h[1] ^ w.query[1], h[2] ^ w.query[2], h[3] ^ w.query[3]}
		}
		d := bits.OnesCount64(differing[0]) + bits.OnesCount64(differing[1]) + bits.OnesCount64(differing[2]) + bits.OnesCount64(differing[3])
		if d <= w.radius && w.plan.reports(&differing, int(c.run>>s.keyBits)) {
			s.emit(w, int(c.at), d, emit)
		}
	}
}

func (s *segment) emit(w *work, i, distance int, emit func(ref uint32, distance int)) {
	from, to := s.refsOf(i)
	if s.origin != nil {
		if w.hits += to - from; w.hits > s.count {
			s.origin.damaged(Low, 0, "a hash is in a group more than once")
		}
	}
	for ; from < to; from++ {
		if !s.isDead(from) {
			emit(s.base+s.ref(from), distance)
		}
	}
}

// scan compares every hash.
func (s *segment) scan(w *work, emit func(ref uint32, distance int)) {
	w.stats.count(0, s.n)
	if s.origin != nil {
		s.origin.check(Words, 0, len(s.words))
	}
	scan(s.words, s.width, &w.query, w.radius, func(i, distance int) { s.emit(w, i, distance, emit) })
}

// scan calls found for every hash within the radius.
func scan(words []uint64, width int, query *[4]uint64, radius int, found func(i, distance int)) {
	if width == 1 {
		for i, w := range words {
			if d := bits.OnesCount64(w ^ query[0]); d <= radius {
				found(i, d)
			}
		}
		return
	}
	for i := 0; i+4 <= len(words); i += 4 {
		h := words[i : i+4 : i+4]
		// Half of the bits decide nearly every comparison.
		d := bits.OnesCount64(h[0]^query[0]) + bits.OnesCount64(h[1]^query[1])
		if d > radius {
			continue
		}
		d += bits.OnesCount64(h[2]^query[2]) + bits.OnesCount64(h[3]^query[3])
		if d <= radius {
			found(i/4, d)
		}
	}
}
