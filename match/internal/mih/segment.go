package mih

import (
	"cmp"
	"math/bits"
	"runtime/debug"
	"sort"
	"sync/atomic"
	"unsafe"
)

// segment is an immutable set of hashes with what finds them. Only its dead bits,
// which are always in memory, change.
//
// Its arrays are either in memory, made here and right, or those of a Frozen: then
// they are views of a file, and every number is checked before it is believed.
// Whatever reads them says so by going through a function that catches what the
// checks throw.
type segment struct {
	arrays
	base uint32 // added to refs in a file

	dead  []uint32     // a bit for every ref that was removed; read and set atomically
	gone  atomic.Int64 // how many are set
	taken bool         // by a merge, or never to be merged again; guarded by Index.mu
}

// newSegment builds the segment of a sorted list, whose slices it may keep.
func newSegment(l *list) *segment {
	a := newArrays(l)
	return &segment{arrays: a, dead: make([]uint32, (a.count+31)/32)}
}

// isDead reports whether ref number i was removed.
func (s *segment) isDead(i int) bool { return deadBit(s.dead, i) }

func deadBit(dead []uint32, i int) bool {
	return atomic.LoadUint32(&dead[i>>5])>>(i&31)&1 != 0
}

// setDead marks ref number i removed. Only one goroutine at a time may.
func setDead(dead []uint32, i int) { atomic.OrUint32(&dead[i>>5], 1<<(i&31)) }

// find returns the number of the ref under the hash, dead or not. err is a
// *mapped.Damage.
func (s *segment) find(words []uint64, ref uint32) (number int, found bool, err error) {
	if s.origin != nil {
		if ref-s.base >= s.origin.limit {
			return 0, false, nil // and no read, which might fail
		}
		defer s.origin.file.Catch(&err, debug.SetPanicOnFault(true))
	}
	i, found := s.locate(words)
	if !found {
		return 0, false, nil
	}
	from, to := s.refsOf(i)
	at, found := sort.Find(to-from, func(i int) int { return cmp.Compare(ref-s.base, s.ref(from+i)) })
	return from + at, found, nil
}

// live returns how many refs are not removed.
func (s *segment) live() int { return s.count - int(s.gone.Load()) }

// bytes returns the memory that s takes.
func (s *segment) bytes() int {
	sum := int(unsafe.Sizeof(*s)) + 4*cap(s.dead)
	if s.origin != nil {
		return sum
	}
	return sum + 8*(cap(s.words)+cap(s.marks)) + 4*(cap(s.refs)+cap(s.starts)+cap(s.bounds)) + 2*(cap(s.verify)+cap(s.low))
}

// nearMark returns a word of marks that is about where page will look.
func (s *segment) nearMark(group, pos uint32) int {
	start, slot := s.bounds[group], int(group>>s.keyBits)
	j := int(pos - start)
	return (s.firstMark(slot, int(group)-slot<<s.keyBits, start) + j + min(j, s.pages-1)) >> 6
}

// marker is a place in the marks of a group.
type marker struct {
	group uint32
	start uint32 // of the group, in verify
	bit   int    // where its marks start
	word  int    // being looked at
	end   int    // the last word there may be
	seen  int    // ones of the group before that word
	left  uint64 // the word, without what is before the group
}

// page returns the page of the member at a position of verify. m remembers where
// the last one was, so that a group is walked through once.
func (s *segment) page(m *marker, group, pos uint32) int {
	if m.group != group {
		slot := int(group >> s.keyBits)
		m.group, m.start = group, s.bounds[group]
		m.bit = s.firstMark(slot, int(group)-slot<<s.keyBits, m.start)
		m.word, m.end, m.seen = m.bit>>6, len(s.marks)-1, 0
		if s.origin != nil {
			s.checkMarks(m)
		}
		m.left = s.marks[m.word] &^ (1<<(m.bit&63) - 1)
	}
	j := int(pos - m.start)
	for {
		c := bits.OnesCount64(m.left)
		if m.seen+c > j {
			break
		}
		m.seen += c
		if m.word == m.end {
			s.origin.damaged(Marks, m.word, "the marks of a group have no end") // only in a file
		}
		m.word++
		m.left = s.marks[m.word]
	}
	page := m.word<<6 + selectBit(m.left, j-m.seen) - m.bit - j
	if page >= s.pages {
		s.origin.damaged(Marks, m.word, "the marks of a group have no end")
	}
	return page
}

// checkMarks makes sure of all the marks of a group, and sets their end.
func (s *segment) checkMarks(m *marker) {
	size := s.bounds[m.group+1] - m.start // was checked with the group's verifiers
	m.end = (m.bit + int(size) + s.pages - 1) >> 6
	if m.word < 0 || m.end < m.word || m.end >= len(s.marks) {
		s.origin.damaged(Bounds, int(m.group), "the bounds of groups make no sense any more")
	}
	s.origin.check(Marks, m.word, m.end-m.word+1)
}

// selectBit returns the place of the nth one of w, from 0. w has more than n.
func selectBit(w uint64, n int) int {
	at := 0
	for half := 32; half >= 8; half /= 2 {
		if c := bits.OnesCount64(w & (1<<half - 1)); n >= c {
			n -= c
			w >>= half
			at += half
		}
	}
	for ; n > 0; n-- {
		w &= w - 1
	}
	return at + bits.TrailingZeros64(w)
}
