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
	group uint32 // over all slots: groupBits; above them, in a batch, the number of the query
}

// groupBits is how many bits the number of a group over all slots takes.
const groupBits = slotBits + 4

// candidate is a member whose verifier passes. The kernels write it.
type candidate struct {
	run uint32 // its number; then the group of the run
	at  uint32 // in verify; then the number of the hash
}

// asked is a query and how it looks into a segment.
type asked struct {
	values [16]uint16 // the query's slots
	query  [4]uint64
	plan   plan
}

func ask(query *[4]uint64, slots int) asked {
	a := asked{query: *query}
	for i := range slots {
		a.values[i] = slotOf(query[:], i)
	}
	return a
}

// work is what a search needs beside the segment.
type work struct {
	asked
	radius int
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
			r, some := s.verifier(&w.asked, slot, c.distance)
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
func (s *segment) verifier(a *asked, slot, distance int) (r run, some bool) {
	next := (slot + 1) % s.slots
	reach, after := int(a.plan.reach[slot]), int(a.plan.reach[next])
	want := uint32(a.values[next])
	if a.plan.rule == byEnds {
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
	w.touched += s.number(runs, found)
	for _, c := range found {
		if d := s.distance(&w.asked, c, w.radius); d >= 0 {
			s.emit(&w.hits, int(c.at), d, emit)
		}
	}
}

// number makes groups and the numbers of hashes of the runs and places of candidates.
// What it returns means nothing.
func (s *segment) number(runs []run, found []candidate) (touched uint64) {
	// Each step for all of them before the next: so the processor waits for many of
	// the places at once, which are all over the memory.
	for i := range found {
		c := &found[i]
		c.run = runs[c.run].group // from here on
		group := c.run & (1<<groupBits - 1)
		if group>>s.keyBits == 0 {
			continue
		}
		touched += uint64(s.low[int(c.at)-s.n])
		if s.pages > 1 {
			if near := s.nearMark(group, c.at); uint(near) < uint(len(s.marks)) { // in a file it may be anything
				touched += s.marks[near]
			}
		}
	}
	m, last := marker{}, ^uint32(0)
	for i := range found {
		c := &found[i]
		pos, number := c.at, c.at
		if c.run != last { // another query may have a group again, from its start
			m.group, last = ^uint32(0), c.run
		}
		if group := c.run & (1<<groupBits - 1); group>>s.keyBits != 0 { // in slot 0 the number is the position
			if s.origin != nil {
				s.origin.check(Low, int(pos)-s.n, 1)
			}
			number = uint32(s.low[int(pos)-s.n])
			if s.pages > 1 {
				number |= uint32(s.page(&m, group, pos)) << pageBits
			}
		}
		if s.origin != nil {
			s.checkMember(pos, int(number))
		}
		c.at = number
	}
	return touched
}

// distance compares a candidate that has its number with the query. It is negative if
// that is not to be reported: over the radius, or by another slot.
func (s *segment) distance(a *asked, c candidate, radius int) int {
	var differing [4]uint64
	if s.width == 1 {
		differing[0] = s.words[c.at] ^ a.query[0]
	} else {
		h := s.words[4*int(c.at) : 4*int(c.at)+4]
		differing = [4]uint64{h[0] ^ a.query[0], h[1] ^ a.query[1], h[2] ^ a.query[2], h[3] ^ a.query[3]}
	}
	d := bits.OnesCount64(differing[0]) + bits.OnesCount64(differing[1]) + bits.OnesCount64(differing[2]) + bits.OnesCount64(differing[3])
	if d <= radius && a.plan.reports(&differing, int(c.run&(1<<groupBits-1)>>s.keyBits)) {
		return d
	}
	return -1
}

// emit calls emit for the live refs of a hash. hits counts those of a file, removed ones
// too.
func (s *segment) emit(hits *int, i, distance int, emit func(ref uint32, distance int)) {
	from, to := s.refsOf(i)
	if s.origin != nil {
		if *hits += to - from; *hits > s.count {
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
	scan(s.words, s.width, &w.query, w.radius, func(i, distance int) { s.emit(&w.hits, i, distance, emit) })
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
