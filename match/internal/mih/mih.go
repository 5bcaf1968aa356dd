// Package mih finds every hash within a Hamming radius, exactly, in a set that
// changes while it is searched: multi-index hashing (Norouzi, Punjani, Fleet, CVPR
// 2012) over slots of 16 bits, with verifiers beside the members of every group.
//
// The set is a few immutable segments, each at least four times as large as all the
// smaller ones together, and a table of the latest hashes that is searched one by
// one. Full tables become segments, and segments larger ones, in the background.
// Readers take one atomic pointer to all of them and never wait; what is removed
// is a bit in its segment until the segment is next merged.
//
// A segment may also lie in a file that is mapped into memory: Pack makes its bytes, Open
// finds them again, Attach puts them into an index at once. In the file is all that
// never changes: hashes, refs, groups, verifiers, numbers. In memory are a bit for every
// ref that says whether it was removed, and one that says whether it is taken.
//
// Nothing in the file is believed before the checksum of its block was compared: a
// search that would have to is an error. Where all checksums are right and the numbers
// still make no sense, because the file is somebody's who wants harm, it is an error too,
// and no more than that; but such a file can also hide hashes. Only Verify, which makes
// all of it anew and compares, tells.
package mih

import (
	"sync"
	"sync/atomic"
)

// Index is a set of hashes of 64 or 256 bits, each under a ref of the caller's
// choice. Make one with New. All methods may be called by many goroutines at once.
type Index struct {
	width int
	state atomic.Pointer[state] // replaced under mu, never changed
	count atomic.Int64

	mu      sync.Mutex // held by writers, and by merges for as long as it takes to put their results in
	refs    []*refPage // which refs are taken, by ref
	working [2]bool    // whether a small and a large merge go on
	merged  sync.Cond  // of mu: one of them came to an end
}

// state is what a query sees.
type state struct {
	tables   []*table   // the last one is added to
	segments []*segment // in no order
}

// refPage has a bit for each of refsPerPage refs.
type refPage [refsPerPage / 64]uint64

const refsPerPage = 1 << 13

// New returns an empty set of hashes of width words of 64 bits: 1 or 4.
func New(width int) *Index {
	if width != 1 && width != 4 {
		panic("mih: a width of neither 1 nor 4 words") // callers have a table of kinds
	}
	x := &Index{width: width}
	x.merged.L = &x.mu
	x.state.Store(&state{tables: []*table{newTable(width, firstTable)}})
	return x
}

// NewStill is New of a set that stays as it is put together, for one that is soon thrown away:
// nothing goes on in the background. Wait must not be called.
func NewStill(width int) *Index {
	x := New(width)
	x.working = [2]bool{true, true}
	return x
}

// Len returns the number of refs.
func (x *Index) Len() int { return int(x.count.Load()) }

// Add puts a hash under ref and reports whether the ref was free. The next search
// finds it.
func (x *Index) Add(ref uint32, words *[4]uint64) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.take(ref) {
		return false
	}
	x.append(words[:x.width], ref)
	x.count.Add(1)
	return true
}

// AddAll adds as many hashes as there are refs, at once: it is faster than Add for
// many. words has width words a hash. If a ref is taken or given twice it adds
// nothing and returns the ref's number.
func (x *Index) AddAll(refs []uint32, words []uint64) (taken int, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, ref := range refs {
		if !x.take(ref) {
			for _, ref := range refs[:i] {
				x.release(ref)
			}
			return i, false
		}
	}
	for len(refs) > tableSize {
		// The lock is let go of while the segment is built: nobody else can have these
		// refs, and readers see the segment when it is whole.
		n := min(len(refs), MaxSegment)
		x.mu.Unlock()
		s := newSegment(sortedList(x.width, words[:n*x.width], refs[:n]))
		x.mu.Lock()
		old := x.state.Load()
		x.state.Store(&state{tables: old.tables, segments: append(old.segments[:len(old.segments):len(old.segments)], s)})
		x.count.Add(int64(n))
		refs, words = refs[n:], words[n*x.width:]
	}
	for i, ref := range refs {
		x.append(words[i*x.width:(i+1)*x.width], ref)
	}
	x.count.Add(int64(len(refs)))
	x.merge()
	return 0, true
}

// append adds to the last table, and a table after it when that is full. The caller
// holds mu.
func (x *Index) append(words []uint64, ref uint32) {
	s := x.state.Load()
	last := s.tables[len(s.tables)-1]
	for last.isFull() && len(s.tables) >= maxTables {
		x.merge()
		x.merged.Wait() // lets go of mu
		s = x.state.Load()
		last = s.tables[len(s.tables)-1]
	}
	if last.isFull() {
		next := &state{segments: s.segments}
		if room := len(last.refs); room < tableSize {
			last = last.grown(2 * room)
			next.tables = append(next.tables, s.tables[:len(s.tables)-1]...)
		} else {
			last = newTable(x.width, tableSize)
			next.tables = append(next.tables, s.tables...)
		}
		next.tables = append(next.tables, last)
		last.add(words, ref)
		x.state.Store(next)
		x.merge()
		return
	}
	last.add(words, ref)
}

// Remove takes the hash under ref out and reports whether it was there. The next
// search does not find it. The error is a *mapped.Damage: it can't be told whether
// it is there, nothing was removed.
func (x *Index) Remove(ref uint32, words *[4]uint64) (removed bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.isTaken(ref) {
		return false, nil
	}
	h := words[:x.width]
	st := x.state.Load()
	for _, s := range st.segments {
		i, found, damage := s.find(h, ref)
		if damage != nil {
			err = damage // unless it is found elsewhere
		}
		if found && !s.isDead(i) {
			setDead(s.dead, i)
			s.gone.Add(1)
			x.release(ref)
			x.count.Add(-1)
			if s.isWorn() {
				x.merge()
			}
			return true, nil
		}
	}
	for _, t := range st.tables {
		if i, found := t.find(h, ref); found {
			setDead(t.dead, i)
			t.gone.Add(1)
			x.release(ref)
			x.count.Add(-1)
			return true, nil
		}
	}
	return false, err
}

func (x *Index) isTaken(ref uint32) bool {
	p := int(ref / refsPerPage)
	return p < len(x.refs) && x.refs[p] != nil && x.refs[p][ref%refsPerPage/64]>>(ref%64)&1 != 0
}

// take marks a ref and reports whether it was free.
func (x *Index) take(ref uint32) bool {
	if x.isTaken(ref) {
		return false
	}
	p := int(ref / refsPerPage)
	x.growRefs(p)
	if x.refs[p] == nil {
		x.refs[p] = new(refPage)
	}
	x.refs[p][ref%refsPerPage/64] |= 1 << (ref % 64)
	return true
}

// growRefs makes sure that there is room for a page.
func (x *Index) growRefs(page int) {
	if page >= len(x.refs) {
		x.refs = append(x.refs, make([]*refPage, page+1-len(x.refs))...)
	}
}

func (x *Index) release(ref uint32) { x.refs[ref/refsPerPage][ref%refsPerPage/64] &^= 1 << (ref % 64) }

// Search calls emit for every ref whose hash lies within radius bits of the query,
// once, in no order. It sees all that was added and removed before it began. It does
// not allocate. radius is at least 0.
//
// The error is a *mapped.Damage, the first that was met: then there may be hits that
// were not found.
func (x *Index) Search(query *[4]uint64, radius int, emit func(ref uint32, distance int)) error {
	return x.SearchStats(query, radius, nil, emit)
}

// Stats counts what a search had to look at.
type Stats struct {
	Groups     int // looked up, the empty ones not counted
	Candidates int // hashes compared, those in tables not counted
}

func (s *Stats) count(groups, candidates int) {
	if s != nil {
		s.Groups += groups
		s.Candidates += candidates
	}
}

// SearchStats is Search, and adds to stats, which may be nil.
func (x *Index) SearchStats(query *[4]uint64, radius int, stats *Stats, emit func(ref uint32, distance int)) (err error) {
	w := work{asked: ask(query, 4*x.width), radius: radius, stats: stats}
	st := x.state.Load()
	for _, t := range st.tables {
		t.search(&w, emit)
	}
	for _, s := range st.segments {
		if s.origin == nil {
			s.search(&w, emit)
		} else if damage := s.searchFile(&w, emit); err == nil {
			err = damage // the others are searched all the same: a hit is a hit
		}
	}
	return err
}

// Bytes returns the memory that the set takes, what merges are building and what
// is in files not counted.
func (x *Index) Bytes() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	st := x.state.Load()
	sum := 8 * cap(x.refs)
	for _, p := range x.refs {
		if p != nil {
			sum += refsPerPage / 8
		}
	}
	for _, t := range st.tables {
		sum += t.bytes()
	}
	for _, s := range st.segments {
		sum += s.bytes()
	}
	return sum
}
