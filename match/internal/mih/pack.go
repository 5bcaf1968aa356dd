package mih

import "github.com/rematch-go/rematch/match/internal/mapped"

// The arrays of a segment in a file, in the order of Packed and Open. All numbers are
// little-endian.
const (
	Words  = iota // uint64: the distinct hashes, most significant word first, rising
	Refs          // uint32: by hash, then rising; none if the ref of each is its place
	Starts        // uint32: where each hash's refs start, and the end; none if each has one
	Bounds        // uint32: where each group starts in Verify, and the end
	Verify        // uint16: the verifiers of all groups, and 16 zeros
	Low           // uint16: the numbers of the members of all groups but those of the first slot, without their pages
	Marks         // uint64: their pages, as bits; none up to 65,536 hashes

	NumArrays
)

// sizes are those of an element of each array, in bytes.
var sizes = [NumArrays]int64{8, 4, 4, 4, 2, 2, 8}

// Packed is a segment as it goes into a file.
type Packed struct {
	N      int // distinct hashes
	Count  int // refs
	Arrays [NumArrays][]byte
}

// Pack makes a segment of hashes of width words each (1 or 4), in any order, hash i
// under refs[i]. Without refs (nil) equal hashes count once, and the ref of each is its
// place among them, by rising value.
//
// There may be at most MaxSegment hashes. What is the same gives the same bytes. words
// and refs must not be changed while the result is in use: it may keep them. It takes
// about 110 bytes a hash of 256 bits, and 10 more on the way.
func Pack(width int, words []uint64, refs []uint32) *Packed {
	if width != 1 && width != 4 || len(words)%width != 0 || len(words)/width > MaxSegment || refs != nil && len(refs) != len(words)/width {
		panic("mih: hashes to pack are not what they must be") // callers count them
	}
	l := &list{width: width, words: words, refs: refs}
	if !l.rises() {
		l = sortedList(width, words, refs)
	}
	a := newArrays(l)
	return a.packed()
}

func (a *arrays) packed() *Packed {
	p := &Packed{N: a.n, Count: a.count}
	p.Arrays[Words] = mapped.Bytes(a.words)
	p.Arrays[Refs] = mapped.Bytes(a.refs)
	p.Arrays[Starts] = mapped.Bytes(a.starts)
	p.Arrays[Bounds] = mapped.Bytes(a.bounds)
	p.Arrays[Verify] = mapped.Bytes(a.verify)
	p.Arrays[Low] = mapped.Bytes(a.low)
	p.Arrays[Marks] = mapped.Bytes(a.marks)
	return p
}

// rises reports whether every hash is larger than the one before.
func (l *list) rises() bool {
	for i := 1; i < len(l.words)/l.width; i++ {
		if compare(l.hash(i-1), l.hash(i)) >= 0 {
			return false
		}
	}
	return true
}
