package mih

import (
	"cmp"
	"math/bits"
	"runtime/debug"
	"slices"
	"sort"
	"sync/atomic"
)

const (
	// growth is how much larger than all smaller ones together a segment is kept: a
	// larger number makes for fewer segments to search and more merging.
	growth = 4
	// maxTables bounds what is searched one by one while merges lag behind: from
	// there on, writers wait.
	maxTables = 16
	// smallSegment divides merges into small ones, which take milliseconds, and
	// large ones, which take up to seconds and do not hold up the small ones.
	smallSegment = 1 << 17
)

// The two sorts of merges, of which one each goes on at a time.
const (
	small = iota
	large
)

// job is a merge of tables and segments into one segment.
type job struct {
	tables   []*table
	segments []*segment // the smaller ones first
	was      [][]uint32 // the dead bits of all of them, as of when the result was told last
}

// merge starts the merges that are due and do not go on yet. The caller holds mu.
func (x *Index) merge() {
	for size := range x.working {
		if x.working[size] {
			continue
		}
		if j := x.due(size); j != nil {
			x.working[size] = true
			go x.work(size, j)
		}
	}
}

// work merges until nothing is due.
func (x *Index) work(size int, j *job) {
	for j != nil {
		s, damaged := j.build(x.width)
		x.mu.Lock()
		if damaged == nil {
			damaged = x.put(j, s)
		}
		if damaged != nil {
			j.giveUp(damaged)
		}
		j = x.due(size)
		x.working[size] = j != nil
		x.merge() // the other size may have become due
		x.merged.Broadcast()
		x.mu.Unlock()
	}
}

// Wait returns when no merge goes on and none is due. It is for tests and
// measurements: a search needs no waiting.
func (x *Index) Wait() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.working[small] || x.working[large] {
		x.merged.Wait()
	}
}

// giveUp lets go of all but what can't be read. That stays where it is, taken for
// ever: searches report the damage.
func (j *job) giveUp(damaged *segment) {
	for _, s := range j.segments {
		s.taken = s == damaged
	}
}

// due returns the next merge of a size and takes its segments, or nil. The caller
// holds mu.
func (x *Index) due(size int) *job {
	st := x.state.Load()
	j := &job{}
	sum, most := 0, MaxSegment
	if size == small {
		j.tables = st.tables[:len(st.tables)-1] // they are full
		sum, most = len(j.tables)*tableSize, smallSegment
	}
	var free []*segment
	for _, s := range st.segments {
		if !s.taken && s.live() <= most && !s.rests() {
			free = append(free, s)
		}
	}
	slices.SortFunc(free, func(a, b *segment) int { return cmp.Compare(a.live(), b.live()) })
	take := 0
	for i, s := range free {
		if sum+s.live() > most {
			break
		}
		if s.live() <= growth*sum {
			take = i + 1
		}
		sum += s.live()
	}
	j.segments = free[:take]
	if take == 0 && len(j.tables) == 0 {
		i := slices.IndexFunc(free, (*segment).isWorn)
		if i < 0 {
			return nil
		}
		j.segments = free[i : i+1]
	}
	for _, s := range j.segments {
		s.taken = true
	}
	for _, dead := range j.dead() {
		was := make([]uint32, len(dead))
		for i := range dead {
			was[i] = atomic.LoadUint32(&dead[i])
		}
		j.was = append(j.was, was)
	}
	return j
}

// isWorn reports whether so much of s is removed, a quarter, that it is made anew
// without.
func (s *segment) isWorn() bool { return 4*int(s.gone.Load()) > s.count }

// rests reports whether s is left alone because it is large and in a file: there it
// takes no memory.
func (s *segment) rests() bool { return s.origin != nil && s.live() > smallSegment && !s.isWorn() }

// dead returns the dead bits of all that is merged.
func (j *job) dead() (all [][]uint32) {
	for _, t := range j.tables {
		all = append(all, t.dead)
	}
	for _, s := range j.segments {
		all = append(all, s.dead)
	}
	return all
}

// build makes the segment of all that was live when the job was made, or nil when
// nothing was. damaged is the segment that can't be read, if there is one.
func (j *job) build(width int) (merged, damaged *segment) {
	latest := newList(width, len(j.tables)*tableSize)
	for i, t := range j.tables {
		for n, ref := range t.refs[:t.len()] {
			if !deadBit(j.was[i], n) {
				latest.add(t.words[n*width:(n+1)*width], ref)
			}
		}
	}
	all := sortedList(width, latest.words, latest.refs)
	for i, s := range j.segments {
		l, err := s.list(j.was[len(j.tables)+i])
		if err != nil {
			return nil, s
		}
		all = union(all, l)
	}
	if len(all.refs) == 0 {
		return nil, nil
	}
	s := newSegment(all)
	return s, j.bury(s) // so that little of it is left to do under the lock
}

// list returns what of s is not dead by the given bits. err is a *mapped.Damage.
func (s *segment) list(dead []uint32) (l *list, err error) {
	if s.origin != nil {
		defer s.origin.file.Catch(&err, debug.SetPanicOnFault(true))
		s.origin.check(Words, 0, len(s.words))
	}
	l = newList(s.width, s.count)
	for i := range s.n {
		for from, to := s.refsOf(i); from < to; from++ {
			if !deadBit(dead, from) {
				l.add(s.words[i*s.width:(i+1)*s.width], s.base+s.ref(from))
			}
		}
	}
	if s.origin != nil && !l.isSorted() {
		s.origin.damaged(Words, 0, "the hashes do not rise")
	}
	return l, nil
}

// bury marks in s what was removed from its parts since was. damaged is the part that
// can't be read, if there is one.
func (j *job) bury(s *segment) (damaged *segment) {
	for part, dead := range j.dead() {
		for i, was := range j.was[part] {
			now := atomic.LoadUint32(&dead[i])
			for fresh := now &^ was; fresh != 0; fresh &= fresh - 1 {
				p, err := j.pair(part, i<<5+bits.TrailingZeros32(fresh))
				if err != nil {
					return j.segments[part-len(j.tables)]
				}
				if n, found, _ := s.find(p.words[:s.width], p.ref); found { // s is in memory
					setDead(s.dead, n)
					s.gone.Add(1)
				}
			}
			j.was[part][i] = now
		}
	}
	return nil
}

// pair returns the ref with a number in one of the parts, and its hash. err is a
// *mapped.Damage.
func (j *job) pair(part, i int) (p pair, err error) {
	if part < len(j.tables) {
		t := j.tables[part]
		copy(p.words[:], t.words[i*t.width:(i+1)*t.width])
		p.ref = t.refs[i]
		return p, nil
	}
	return j.segments[part-len(j.tables)].pair(i)
}

// pair returns the ref with a number, and its hash. err is a *mapped.Damage.
func (s *segment) pair(i int) (p pair, err error) {
	if s.origin != nil {
		defer s.origin.file.Catch(&err, debug.SetPanicOnFault(true))
	}
	n := i
	if s.starts != nil {
		n = sort.Search(s.n-1, func(n int) bool { return int(s.starts[n+1]) > i })
	}
	if s.origin != nil {
		s.origin.check(Words, n*s.width, s.width)
	}
	copy(p.words[:], s.words[n*s.width:(n+1)*s.width])
	p.ref = s.base + s.ref(i)
	return p, nil
}

// put replaces what was merged by the result, unless one of the parts is damaged:
// that is returned. The caller holds mu.
func (x *Index) put(j *job, s *segment) (damaged *segment) {
	old := x.state.Load()
	st := &state{tables: old.tables[len(j.tables):]} // the oldest come first
	for _, part := range old.segments {
		if !slices.Contains(j.segments, part) {
			st.segments = append(st.segments, part)
		}
	}
	if s != nil {
		if damaged = j.bury(s); damaged != nil {
			return damaged
		}
		st.segments = append(st.segments, s)
	}
	x.state.Store(st)
	return nil
}
