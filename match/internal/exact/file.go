package exact

import (
	"bytes"
	"fmt"
	"runtime/debug"

	"github.com/rematch-go/rematch/match/internal/mapped"
)

// The arrays of a table in a file. All numbers are little-endian.
const (
	Keys   = iota // the keys, sorted, one after the other
	Refs          // a uint32 for each key, rising where keys are equal; absent if the ref of a key is its place
	Tops          // uint32: for every value of the top bits of a key the place of the first key that has these or more, and the number of keys
	Filter        // uint64: the words of the Bloom filter
	NumArrays
)

// MaxTable is how many keys a table may have.
const MaxTable = 1 << 30

// Packed is a table as it goes into a file.
type Packed struct {
	Size   int // bytes a key
	N      int // keys
	Arrays [NumArrays][]byte
}

// Pack makes a table of keys of size bytes, which stand one after the other, each under
// the ref with the same number; the refs must differ. Without refs, keys are made
// distinct, and the ref of a key is its place in their order. At most MaxTable keys.
//
// Keys and refs are sorted in place and become part of what is returned.
//
// The number of top bits and the size of the filter follow from the number of keys, and
// so does what bloom.From makes of it: a filter of as many bits as its words have, which
// are 14.378 a key, rounded up, but at least one word, and 10 hashes, by the library's
// murmur hash of the key's bytes. Nothing about them is in the file.
func Pack(size int, keys []byte, refs []uint32) *Packed {
	checkSize(size)
	if len(keys)%size != 0 || refs != nil && len(refs) != len(keys)/size {
		panic(fmt.Sprintf("exact: %d refs for %d bytes of keys of %d", len(refs), len(keys), size))
	}
	l := &list{size: size, keys: keys, refs: refs}
	l.sort()
	if refs == nil {
		l.distinct()
	}
	s := newFrozen(l)
	return &Packed{Size: size, N: s.n, Arrays: [NumArrays][]byte{
		Keys:   s.keys,
		Refs:   mapped.Bytes(s.refs),
		Tops:   mapped.Bytes(s.tops),
		Filter: mapped.Bytes(s.filter.BitSet().Words()),
	}}
}

// Range is where an array lies in a file, in bytes. An array of no length is absent.
type Range struct {
	Offset, Length int64
}

// Open opens a table of keys of size bytes in a file whose checksums are set. Its refs
// are below span, which is as many as there are keys if they are their places, and
// need not be more if span is 0.
//
// Nothing in the file is believed. Open checks all lengths against each other, reads the
// tops and the filter, and reads keys and refs when they are first used. The error is a
// *mapped.Damage. The arrays should start at a multiple of 8 bytes: otherwise they are
// copied.
func Open(size int, span uint32, f *mapped.File, at [NumArrays]Range) (s *Frozen, err error) {
	checkSize(size)
	defer f.Catch(&err, debug.SetPanicOnFault(true))
	var arrays [NumArrays][]byte
	for i, r := range at {
		if all := int64(len(f.Bytes())); r.Offset < 0 || r.Length < 0 || r.Offset > all || r.Length > all-r.Offset {
			return nil, &mapped.Damage{Offset: max(0, r.Offset), Reason: "an array of digests lies outside the file"}
		}
		arrays[i] = f.Bytes()[r.Offset : r.Offset+r.Length : r.Offset+r.Length]
	}
	wrong := func(array int, what string) (*Frozen, error) {
		return nil, &mapped.Damage{Offset: at[array].Offset, Reason: what}
	}
	n := at[Keys].Length / int64(size)
	if at[Keys].Length%int64(size) != 0 || n > MaxTable {
		return wrong(Keys, fmt.Sprintf("%d bytes are no whole number of digests, or too many", at[Keys].Length))
	}
	s = &Frozen{size: size, n: int(n), keys: arrays[Keys], span: uint64(span), file: f, at: at}
	s.top = topBits(s.n)
	if at[Refs].Length != 0 && at[Refs].Length != 4*n {
		return wrong(Refs, fmt.Sprintf("%d bytes for the refs of %d digests", at[Refs].Length, n))
	}
	if at[Tops].Length != 4*(1<<s.top+1) {
		return wrong(Tops, fmt.Sprintf("%d bytes for the top bits of %d digests", at[Tops].Length, n))
	}
	if at[Filter].Length != 8*int64(filterWords(s.n)) {
		return wrong(Filter, fmt.Sprintf("%d bytes for the filter of %d digests", at[Filter].Length, n))
	}
	if span == 0 {
		s.span = uint64(n)
	}
	if s.span < uint64(n) || n > 0 && at[Refs].Length == 0 && s.span != uint64(n) {
		return wrong(Keys, fmt.Sprintf("%d digests for %d refs", n, s.span))
	}
	f.Check(at[Tops].Offset, at[Tops].Length)
	f.Check(at[Filter].Offset, at[Filter].Length)
	s.refs = mapped.View[uint32](arrays[Refs])
	s.tops = mapped.View[uint32](arrays[Tops])
	s.filter = newFilter(mapped.View[uint64](arrays[Filter]))
	if s.tops[0] != 0 || s.tops[len(s.tops)-1] != uint32(n) {
		return wrong(Tops, "the top bits of digests make no sense: they are not those of all")
	}
	for i := range len(s.tops) - 1 {
		if s.tops[i] > s.tops[i+1] {
			return nil, &mapped.Damage{Offset: at[Tops].Offset + 4*int64(i), Reason: "the top bits of digests make no sense: they fall"}
		}
	}
	return s, nil
}

// Count returns the number of keys.
func (s *Frozen) Count() int { return s.n }

// Span returns the number that all refs are below.
func (s *Frozen) Span() uint32 { return uint32(s.span) }

// Key returns key i in rising order, from 0 to Count()-1. It is valid as long as s is
// reachable, and must not be changed. The error is a *mapped.Damage.
func (s *Frozen) Key(i int) (key []byte, err error) {
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	return s.checked(i), nil
}

// Ref returns the ref of key i. The error is a *mapped.Damage.
func (s *Frozen) Ref(i int) (ref uint32, err error) {
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	return s.ref(i), nil
}

// Find returns the first place of a key; ok is false if it has none. The error is a
// *mapped.Damage.
func (s *Frozen) Find(key []byte) (i int, ok bool, err error) {
	if len(key) != s.size {
		return 0, false, nil
	}
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	if !s.filter.Test(key) {
		return 0, false, nil
	}
	i, end := s.seek(key, 0)
	if i < end && bytes.Equal(s.checked(i), key) {
		return i, true, nil
	}
	return 0, false, nil
}

// Verify reads all of the table, and makes anew from keys and refs what else there is:
// that they are in order, refs differ and are below Span, and nothing that is there can
// be missed. It takes some microseconds a key, and the memory of another filter. The
// error is a *mapped.Damage.
func (s *Frozen) Verify() (err error) {
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	return s.verify()
}

func (s *Frozen) verify() error {
	var seen refSet
	for i := range s.n {
		key, ref := s.checked(i), s.ref(i)
		if i > 0 {
			c := bytes.Compare(s.key(i-1), key)
			if c > 0 || c == 0 && (s.refs == nil || s.ref(i-1) >= ref) {
				return &mapped.Damage{Offset: s.at[Keys].Offset + int64(i)*int64(s.size), Reason: "a digest is not where it belongs in the order"}
			}
		}
		if s.refs != nil && !seen.take(ref) {
			return &mapped.Damage{Offset: s.at[Refs].Offset + 4*int64(i), Reason: "two digests have the same ref"}
		}
	}
	for i, place := range s.makeTops() {
		if s.tops[i] != place {
			return &mapped.Damage{Offset: s.at[Tops].Offset + 4*int64(i), Reason: "the top bits of digests are not where the digests are"}
		}
	}
	stored := s.filter.BitSet().Words()
	for i, word := range filterOf(s.size, s.keys).BitSet().Words() {
		if stored[i] != word {
			return &mapped.Damage{Offset: s.at[Filter].Offset + 8*int64(i), Reason: "the filter is not that of the digests"}
		}
	}
	return nil
}
