package mih

import (
	"cmp"
	"slices"
)

// pair is a hash under a ref.
type pair struct {
	words [4]uint64
	ref   uint32
}

// list is a list of hashes with their refs, sorted by both.
type list struct {
	width int
	words []uint64
	refs  []uint32
}

func (l *list) hash(i int) []uint64 { return l.words[i*l.width : (i+1)*l.width] }

func (l *list) add(w []uint64, ref uint32) {
	l.words = append(l.words, w...)
	l.refs = append(l.refs, ref)
}

func newList(width, room int) *list {
	return &list{width: width, words: advise(make([]uint64, room*width))[:0], refs: advise(make([]uint32, room))[:0]}
}

// isSorted reports whether l is in order.
func (l *list) isSorted() bool {
	for i := 1; i < len(l.refs); i++ {
		if cmp.Or(compare(l.hash(i-1), l.hash(i)), cmp.Compare(l.refs[i-1], l.refs[i])) > 0 {
			return false
		}
	}
	return true
}

// union returns the union of two sorted lists.
func union(a, b *list) *list {
	out := newList(a.width, len(a.refs)+len(b.refs))
	i, j := 0, 0
	for i < len(a.refs) && j < len(b.refs) {
		if c := compare(a.hash(i), b.hash(j)); c < 0 || c == 0 && a.refs[i] < b.refs[j] {
			out.add(a.hash(i), a.refs[i])
			i++
		} else {
			out.add(b.hash(j), b.refs[j])
			j++
		}
	}
	out.words = append(append(out.words, a.words[i*a.width:]...), b.words[j*b.width:]...)
	out.refs = append(append(out.refs, a.refs[i:]...), b.refs[j:]...)
	return out
}

// sortedList returns the pairs in order: brought into 65,536 parts by their top
// bits, each of which is then small enough to sort in the cache. refs may be nil.
func sortedList(width int, words []uint64, refs []uint32) *list {
	out := &list{width: width, words: advise(make([]uint64, len(words)))}
	if refs != nil {
		out.refs = advise(make([]uint32, len(refs)))
	}
	n := len(words) / width
	ends := make([]uint32, 1<<slotBits+1)
	for i := range n {
		ends[words[i*width]>>48+1]++
	}
	for i := 1; i < len(ends); i++ {
		ends[i] += ends[i-1]
	}
	for i := range n {
		end := &ends[words[i*width]>>48]
		copy(out.hash(int(*end)), words[i*width:(i+1)*width])
		if refs != nil {
			out.refs[*end] = refs[i]
		}
		*end++
	}
	var part []pair
	from := 0
	for _, to := range ends[:1<<slotBits] {
		part = part[:0]
		for i := from; i < int(to); i++ {
			var p pair
			if copy(p.words[:], out.hash(i)); refs != nil {
				p.ref = out.refs[i]
			}
			part = append(part, p)
		}
		slices.SortFunc(part, func(a, b pair) int {
			return cmp.Or(compare(a.words[:], b.words[:]), cmp.Compare(a.ref, b.ref))
		})
		for i := range part {
			if copy(out.hash(from+i), part[i].words[:]); refs != nil {
				out.refs[from+i] = part[i].ref
			}
		}
		from = int(to)
	}
	return out
}

func compare(a, b []uint64) int {
	for i := range a {
		if a[i] != b[i] {
			return cmp.Compare(a[i], b[i])
		}
	}
	return 0
}
