package exact

import (
	"bytes"
	"encoding/binary"
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	"github.com/bits-and-blooms/bloom/v3"

	"github.com/rematch-go/rematch/match/internal/mapped"
)

const (
	// topKeys is how many keys share their top bits on average, or up to twice as many:
	// half a byte a key, and three or four comparisons.
	topKeys = 8
	// maxTopBits keeps the tops of the largest table to 256 MB.
	maxTopBits = 26
)

// Frozen is an immutable table: sorted keys with their refs, in memory or in a file.
type Frozen struct {
	size   int
	n      int
	keys   []byte   // size bytes each, rising
	refs   []uint32 // by key, rising where keys are equal; nil: the ref of a key is its place
	top    uint     // how many of a key's first bits tops goes by
	tops   []uint32 // by these bits: the first key that has them, or more; one more ends the last
	filter *bloom.BloomFilter
	span   uint64 // refs are below

	file *mapped.File // nil: in memory
	at   [NumArrays]Range
}

// topBits returns how many bits the tops of n keys go by.
func topBits(n int) uint {
	bits := uint(0)
	for bits < maxTopBits && n>>bits >= 2*topKeys {
		bits++
	}
	return bits
}

// newFrozen makes a table of a sorted list, whose slices it keeps, and refs of which may
// be nil.
func newFrozen(l *list) *Frozen {
	s := &Frozen{size: l.size, n: len(l.keys) / l.size, keys: l.keys, refs: l.refs, span: 1 << 32}
	s.top = topBits(s.n)
	s.tops = s.makeTops()
	s.filter = filterOf(s.size, s.keys)
	return s
}

func (s *Frozen) makeTops() []uint32 {
	tops := make([]uint32, 1<<s.top+1)
	for i := range s.n {
		tops[s.topOf(s.key(i))+1]++
	}
	for i := 1; i < len(tops); i++ {
		tops[i] += tops[i-1]
	}
	return tops
}

func (s *Frozen) topOf(key []byte) uint32 { return binary.BigEndian.Uint32(key) >> (32 - s.top) }

// key returns key i, unchecked.
func (s *Frozen) key(i int) []byte { return s.keys[i*s.size : (i+1)*s.size] }

// checked returns key i.
func (s *Frozen) checked(i int) []byte {
	if s.file != nil {
		s.file.Check(s.at[Keys].Offset+int64(i)*int64(s.size), int64(s.size))
	}
	return s.key(i)
}

// ref returns the ref of key i.
func (s *Frozen) ref(i int) uint32 {
	if s.refs == nil {
		return uint32(i)
	}
	if s.file == nil {
		return s.refs[i]
	}
	at := s.at[Refs].Offset + 4*int64(i)
	s.file.Check(at, 4)
	ref := s.refs[i]
	if uint64(ref) >= s.span {
		panic(&mapped.Damage{Offset: at, Reason: "a ref makes no sense: it is beyond the last"})
	}
	return ref
}

// seek returns the first place with the key and at least the ref, or where it would
// be, and the end of all keys that have the same top bits.
func (s *Frozen) seek(key []byte, ref uint32) (i, end int) {
	top := s.topOf(key)
	// Within the table, even should somebody write into the file after it was opened.
	from, to := int(min(s.tops[top], uint32(s.n))), int(min(s.tops[top+1], uint32(s.n)))
	end = to
	for from < to {
		mid := int(uint(from+to) / 2)
		c := bytes.Compare(s.checked(mid), key)
		if c < 0 || c == 0 && ref > 0 && s.ref(mid) < ref {
			from = mid + 1
		} else {
			to = mid
		}
	}
	return from, end
}

// bytes returns the memory that s takes.
func (s *Frozen) bytes() int {
	sum := int(unsafe.Sizeof(*s))
	if s.file == nil {
		sum += cap(s.keys) + 4*(cap(s.refs)+cap(s.tops)) + 8*filterWords(s.n)
	}
	return sum
}

// table is a Frozen in a set.
type table struct {
	*Frozen
	base   uint32       // is added to its refs
	dead   []uint32     // a bit for every key that was removed; read and set atomically
	gone   atomic.Int64 // how many are set
	taken  bool         // by a merge; guarded by Index.mu
	broken bool         // a merge has met damage in it; guarded by Index.mu
}

// newTable makes a table of a sorted list, whose slices it keeps.
func newTable(l *list) *table {
	return &table{Frozen: newFrozen(l), dead: make([]uint32, (len(l.refs)+31)/32)}
}

// live returns how many keys are not removed.
func (t *table) live() int { return t.n - int(t.gone.Load()) }

// isWorn reports whether so much of t is removed, a quarter, that it is made anew
// without.
func (t *table) isWorn() bool { return 4*int(t.gone.Load()) > t.n }

// search calls emit for every live ref that has the key.
func (t *table) search(key []byte, emit func(ref uint32)) {
	if !t.filter.Test(key) {
		return
	}
	for i, end := t.seek(key, 0); i < end && bytes.Equal(t.checked(i), key); i++ {
		if !deadBit(t.dead, i) {
			emit(t.base + t.ref(i))
		}
	}
}

// searchFile is search in a file.
func (t *table) searchFile(key []byte, emit func(ref uint32)) (err error) {
	defer t.file.Catch(&err, debug.SetPanicOnFault(true))
	t.search(key, emit)
	return nil
}

// find returns the place of the ref under the key, dead or not.
func (t *table) find(key []byte, ref uint32) (i int, found bool, err error) {
	if ref < t.base || uint64(ref-t.base) >= t.span {
		return 0, false, nil
	}
	if t.file != nil {
		defer t.file.Catch(&err, debug.SetPanicOnFault(true))
	}
	ref -= t.base
	if !t.filter.Test(key) {
		return 0, false, nil
	}
	i, end := t.seek(key, ref)
	return i, i < end && bytes.Equal(t.checked(i), key) && t.ref(i) == ref, nil
}

// entry returns a key and its ref in the set.
func (t *table) entry(i int) (key []byte, ref uint32) {
	return t.checked(i), t.base + t.ref(i)
}

func (t *table) bytes() int { return t.Frozen.bytes() + 4*cap(t.dead) }
