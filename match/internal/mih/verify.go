package mih

import "runtime/debug"

// Verify reads everything and makes sure of all that searches rely on: the checksums,
// that hashes and refs are in order, and that what finds them is just what Pack makes
// of them. A segment that passes answers as it would in memory. Ten million hashes take
// some seconds and 12 bytes each.
func (s *Frozen) Verify() (err error) {
	o := s.origin
	defer o.file.Catch(&err, debug.SetPanicOnFault(true))
	s.checkOrder()
	s.checkRefs()
	s.checkStarts()
	for i, n := range [NumArrays]int{Bounds: len(s.bounds), Verify: len(s.verify), Low: len(s.low), Marks: len(s.marks)} {
		o.check(i, 0, n)
	}
	w := s.newWorkshop()
	want := &slotArrays{bounds: make([]uint32, 1<<s.keyBits), verify: make([]uint16, s.n), low: make([]uint16, s.n)}
	for i := range s.slots {
		s.checkSlot(w, i, want)
	}
	same(o, Bounds, s.slots<<s.keyBits, s.bounds[s.slots<<s.keyBits:], []uint32{uint32(s.slots * s.n)})
	same(o, Verify, s.slots*s.n, s.verify[s.slots*s.n:], make([]uint16, padding))
	return nil
}

// checkSlot compares a slot's part of the arrays with what it should be. want is room
// for that.
func (a *arrays) checkSlot(w *workshop, number int, want *slotArrays) {
	want.number = number
	var first, end int // of the marks, in bits
	if number > 0 && a.pages > 1 {
		first, end = (number-1)*a.slotMarks(), number*a.slotMarks()
		want.word = first >> 6
		want.marks = append(want.marks[:0], make([]uint64, (end+63)>>6-want.word)...)
	}
	a.fill(w, want)
	got := a.slot(number)
	same(a.origin, Bounds, number<<a.keyBits, got.bounds, want.bounds)
	same(a.origin, Verify, number*a.n, got.verify, want.verify)
	if number == 0 {
		return
	}
	same(a.origin, Low, (number-1)*a.n, got.low, want.low)
	for i, marks := range want.marks {
		// The first and the last word may have marks of other slots; behind the last
		// slot's are zeros.
		bits, at := ^uint64(0), want.word+i
		if at == first>>6 {
			bits <<= first & 63
		}
		if at == end>>6 && number < a.slots-1 {
			bits &= 1<<(end&63) - 1
		}
		if a.marks[at]&bits != marks {
			a.origin.damaged(Marks, at, reasonOther)
		}
	}
}

const reasonOther = "the index is not that of its hashes"

// same makes sure that a part of an array, from an element on, is what it should be.
func same[T comparable](o *origin, array, at int, got, want []T) {
	for i := range want {
		if got[i] != want[i] {
			o.damaged(array, at+i, reasonOther)
		}
	}
}

// checkOrder makes sure of the hashes and refs: each hash is larger than the one
// before, and so are the refs of one hash.
func (a *arrays) checkOrder() {
	a.origin.check(Words, 0, len(a.words))
	a.origin.check(Refs, 0, len(a.refs))
	w := a.width
	for i := 1; i < a.n; i++ {
		if compare(a.words[(i-1)*w:i*w], a.words[i*w:(i+1)*w]) >= 0 {
			a.origin.damaged(Words, i*w, "the hashes do not rise")
		}
	}
	if a.starts == nil {
		return
	}
	for i := range a.n {
		from, to := a.refsOf(i)
		for from++; from < to; from++ {
			if a.refs[from-1] >= a.refs[from] {
				a.origin.damaged(Refs, from, "the refs of a hash do not rise")
			}
		}
	}
}

// checkRefs makes sure that no ref is given twice.
func (a *arrays) checkRefs() {
	if a.refs == nil {
		return
	}
	seen := make([]uint64, (uint64(a.origin.limit)+63)/64)
	for i := range a.refs {
		ref := a.ref(i)
		if seen[ref/64]>>(ref%64)&1 != 0 {
			a.origin.damaged(Refs, i, "a ref is given twice")
		}
		seen[ref/64] |= 1 << (ref % 64)
	}
}
