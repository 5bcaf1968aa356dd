package mih

import (
	"runtime/debug"
	"sync"
)

const (
	// maxBatch is how many queries are searched together. What they share is pages and
	// cache lines, of which a thousand leave little to save.
	maxBatch = 1 << 10
	// batchRuns is how many runs of a batch are kept for putting them in order: those of
	// a thousand queries in one slot, at a reach of 1.
	batchRuns = 17 << 10
	// pageMembers is how many verifiers a page of memory has.
	pageMembers = 1 << 11
)

// batch is what searching many queries at once needs: 900 KiB.
type batch struct {
	asked   []batched
	runs    []run // of one slot, in the order of the queries
	sorted  []run // the same by pages
	pages   []uint32
	found   [maxCandidates]candidate
	hits    []batchHit
	touched uint64
}

// batched is one query of a batch.
type batched struct {
	asked
	total int  // cost of the plan
	left  int  // candidates that it may still have
	hits  int  // in a file
	alone bool // searched by itself, after the others
}

// batchHit is a hash that a query has found.
type batchHit struct {
	query, number uint32
	distance      int32
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// SearchAll is Search for many queries: it calls emit with the number of a query and
// what that has found, in no order. It costs less than as many calls of Search, as the
// groups of all of them are looked at slot by slot and in the order that they lie in.
func (x *Index) SearchAll(queries [][4]uint64, radius int, emit func(query int, ref uint32, distance int)) (err error) {
	st := x.state.Load()
	b := batches.Get().(*batch)
	defer batches.Put(b)
	for first := 0; first < len(queries); first += maxBatch {
		part := queries[first:min(first+maxBatch, len(queries))]
		for _, t := range st.tables {
			for i := range part {
				w := work{asked: asked{query: part[i]}, radius: radius}
				t.search(&w, func(ref uint32, distance int) { emit(first+i, ref, distance) })
			}
		}
		for _, s := range st.segments {
			if damage := s.searchAll(b, part, radius, func(query int, ref uint32, distance int) { emit(first+query, ref, distance) }); err == nil {
				err = damage
			}
		}
	}
	return err
}

// searchAll is search for up to maxBatch queries. err is a *mapped.Damage.
func (s *segment) searchAll(b *batch, queries [][4]uint64, radius int, emit func(query int, ref uint32, distance int)) (err error) {
	if s.origin != nil {
		defer s.origin.file.Catch(&err, debug.SetPanicOnFault(true))
	}
	b.runs, b.hits = b.runs[:0], b.hits[:0]
	b.plan(s, queries, radius)
	for slot := range s.slots {
		for i := range b.asked {
			if !b.asked[i].alone {
				b.gather(s, i, slot, radius)
			}
		}
		b.look(s, slot, radius)
	}
	for _, h := range b.hits {
		if q := &b.asked[h.query]; !q.alone {
			s.emit(&q.hits, int(h.number), int(h.distance), func(ref uint32, distance int) { emit(int(h.query), ref, distance) })
		}
	}
	// What has many candidates is searched by a better rule, which another's does not fit.
	for i := range b.asked {
		if b.asked[i].alone {
			w := work{asked: b.asked[i].asked, radius: radius}
			s.search(&w, func(ref uint32, distance int) { emit(i, ref, distance) })
		}
	}
	return nil
}

// plan makes the plans of all queries, slot by slot: the bounds of one slot stay in the
// cache.
func (b *batch) plan(s *segment, queries [][4]uint64, radius int) {
	b.asked = b.asked[:0]
	for i := range queries {
		q := batched{asked: ask(&queries[i], s.slots), left: max(4*maxCandidates, s.n>>10)}
		q.plan = s.evenPlan(&q.values, radius)
		q.alone = q.plan.rule == scanned
		b.asked = append(b.asked, q)
	}
	for slot := range s.slots {
		for i := range b.asked {
			if q := &b.asked[i]; !q.alone {
				q.total += s.cost(&q.values, slot, int(q.plan.reach[slot]))
			}
		}
	}
	for i := range b.asked {
		q := &b.asked[i]
		s.settle(&q.plan, &q.values, radius, q.total)
		q.alone = q.plan.rule == scanned
	}
}

// gather puts the groups of one query in one slot into runs.
func (b *batch) gather(s *segment, number, slot, radius int) {
	q := &b.asked[number]
	base := s.group(&q.values, slot)
	for distance := 0; distance <= int(q.plan.reach[slot]); distance++ {
		r, some := s.verifier(&q.asked, slot, distance)
		if !some {
			return
		}
		for _, m := range neighbours[distance][:choose(s.keyBits, distance)] {
			g := base ^ int(m)
			at, to := s.bounds[g], s.bounds[g+1]
			if at == to {
				continue
			}
			if s.origin != nil {
				s.checkRun(uint32(g), at, to)
			}
			if len(b.runs) == batchRuns {
				b.look(s, slot, radius)
			}
			r.at, r.n, r.group = at, to-at, uint32(number)<<groupBits|uint32(g)
			b.runs = append(b.runs, r)
		}
	}
}

// look compares the verifiers of all runs, and the hashes of what passes.
func (b *batch) look(s *segment, slot, radius int) {
	runs := b.inOrder(s, slot)
	for len(runs) > 0 {
		whole, found := filter(s.verify, runs, &b.found)
		some := b.found[:0]
		for _, c := range b.found[:found] {
			q := &b.asked[runs[c.run].group>>groupBits]
			if q.left--; q.left < 0 {
				q.alone = true
			}
			if !q.alone {
				some = append(some, c)
			}
		}
		b.touched += s.number(runs, some)
		for _, c := range some {
			query := c.run >> groupBits
			if d := s.distance(&b.asked[query].asked, c, radius); d >= 0 {
				b.hits = append(b.hits, batchHit{query, c.at, int32(d)})
			}
		}
		runs = runs[whole:]
	}
	b.runs = b.runs[:0]
}

// inOrder returns the runs of a slot by the page of memory that they start in.
func (b *batch) inOrder(s *segment, slot int) []run {
	first := uint32(slot * s.n)
	pages := s.n/pageMembers + 1
	b.pages = append(b.pages[:0], make([]uint32, pages+1)...)
	for i := range b.runs {
		b.pages[(b.runs[i].at-first)/pageMembers+1]++
	}
	for i := range pages {
		b.pages[i+1] += b.pages[i]
	}
	if cap(b.sorted) < len(b.runs) {
		b.sorted = make([]run, batchRuns)
	}
	b.sorted = b.sorted[:len(b.runs)]
	for i := range b.runs {
		at := &b.pages[(b.runs[i].at-first)/pageMembers]
		b.sorted[*at] = b.runs[i]
		*at++
	}
	return b.sorted
}
