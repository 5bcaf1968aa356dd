package mih

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/rematch-go/rematch/match/internal/mapped"
)

// Range is where an array lies in a file, in bytes. One of no length is not there.
type Range struct{ Offset, Length int64 }

// Frozen is a segment in a file that Pack made. Attach puts it into any number of
// indices. All methods may be called by many goroutines at once, and return a
// *mapped.Damage where the file is not what it should be.
//
// In the file are all arrays; in memory is nothing of them. A block of the file is
// compared with its checksum before anything of it is first read.
type Frozen struct{ arrays }

// origin is where arrays in a file come from. Its methods panic with a
// *mapped.Damage.
type origin struct {
	file  *mapped.File
	at    [NumArrays]int64
	limit uint32 // what refs are below
}

// check makes sure of n elements of an array, from one on.
func (o *origin) check(array, from, n int) {
	o.file.Check(o.at[array]+int64(from)*sizes[array], int64(n)*sizes[array])
}

// damaged says that an element of an array can't be right.
func (o *origin) damaged(array, element int, reason string) {
	panic(o.damage(array, element, reason))
}

func (o *origin) damage(array, element int, reason string) *mapped.Damage {
	return &mapped.Damage{Offset: o.at[array] + int64(element)*sizes[array], Reason: reason}
}

// Open returns the segment of hashes of width words each (1 or 4) whose arrays lie in
// f, each at a multiple of 8 bytes. f must have been told its checksums. Refs in the
// file are below limit; if there are none, limit does not matter.
//
// It reads what is small, the bounds of groups and the starts of refs: of ten million
// hashes 4 MB and, where hashes share refs, 40 MB.
func Open(f *mapped.File, width int, limit uint32, at [NumArrays]Range) (s *Frozen, err error) {
	if width != 1 && width != 4 {
		return nil, fmt.Errorf("mih: hashes of %d words; want 1 or 4", width)
	}
	defer f.Catch(&err, debug.SetPanicOnFault(true))
	o := &origin{file: f, limit: limit}
	var length [NumArrays]int
	for i, r := range at {
		o.at[i] = r.Offset
		switch {
		case r.Length < 0 || r.Length > int64(len(f.Bytes())) || r.Offset < 0 || r.Offset > int64(len(f.Bytes()))-r.Length:
			return nil, o.damage(i, 0, "an array of the index lies outside of the file")
		case r.Offset%8 != 0 || r.Length%sizes[i] != 0:
			return nil, o.damage(i, 0, "an array of the index does not lie on a multiple of what its numbers take")
		case r.Length/sizes[i] > 16*MaxSegment+padding:
			return nil, o.damage(i, 0, "an array of the index is too long")
		}
		length[i] = int(r.Length / sizes[i])
	}
	n := length[Words] / width
	count := n
	if length[Refs] > 0 {
		count = length[Refs]
	} else {
		o.limit = uint32(n)
	}
	if n > MaxSegment || count > MaxSegment {
		return nil, o.damage(Words, 0, "too many hashes for one part of an index")
	}
	if int64(count) > int64(o.limit) {
		return nil, o.damage(Refs, 0, "more refs than there are")
	}
	a := arrays{shape: shapeOf(width, n, count), origin: o}
	want := [NumArrays]int{Words: n * width, Refs: length[Refs], Bounds: a.boundsLen(), Verify: a.verifyLen(), Low: a.lowLen(), Marks: a.marksLen()}
	if count != n {
		want[Starts] = n + 1
	}
	for i := range want {
		if length[i] != want[i] {
			return nil, o.damage(i, 0, fmt.Sprintf("an array of the index of %d hashes has %d elements; want %d", n, length[i], want[i]))
		}
	}
	bytes := func(i int) []byte { return f.Bytes()[at[i].Offset:][:at[i].Length] }
	a.words = mapped.View[uint64](bytes(Words))
	a.refs = mapped.View[uint32](bytes(Refs))
	a.starts = mapped.View[uint32](bytes(Starts))
	a.bounds = mapped.View[uint32](bytes(Bounds))
	a.verify = mapped.View[uint16](bytes(Verify))
	a.low = mapped.View[uint16](bytes(Low))
	a.marks = mapped.View[uint64](bytes(Marks))
	a.checkBounds()
	a.checkStarts()
	return &Frozen{a}, nil
}

// checkBounds makes sure that the bounds of groups rise, slot by slot.
func (a *arrays) checkBounds() {
	a.origin.check(Bounds, 0, len(a.bounds))
	last := uint32(0)
	for i, at := range a.bounds {
		if at < last || i&(1<<a.keyBits-1) == 0 && int(at) != i>>a.keyBits*a.n {
			a.origin.damaged(Bounds, i, "the bounds of groups make no sense")
		}
		last = at
	}
}

// checkStarts makes sure that every hash has refs.
func (a *arrays) checkStarts() {
	if a.starts == nil {
		return
	}
	a.origin.check(Starts, 0, len(a.starts))
	if a.starts[0] != 0 || int(a.starts[a.n]) != a.count {
		a.origin.damaged(Starts, 0, "the starts of refs make no sense")
	}
	for i := range a.n {
		if a.starts[i] >= a.starts[i+1] {
			a.origin.damaged(Starts, i, "the starts of refs make no sense")
		}
	}
}

// checkRun makes sure of a group's verifiers. That the group lies in its slot was
// seen when the file was opened, but somebody may have written into the file since.
func (a *arrays) checkRun(group, at, to uint32) {
	slot := group >> a.keyBits
	first := slot * uint32(a.n)
	if at < first || to < at || to > first+uint32(a.n) {
		a.origin.damaged(Bounds, int(group), "the bounds of groups make no sense any more")
	}
	a.origin.check(Verify, int(at), int(to-at))
}

// checkMember makes sure of a hash's number and of the hash.
func (a *arrays) checkMember(pos uint32, number int) {
	if uint(number) >= uint(a.n) {
		a.origin.damaged(Low, int(pos)-a.n, "a hash of this number makes no sense")
	}
	a.origin.check(Words, number*a.width, a.width)
}

// Len returns the number of distinct hashes.
func (s *Frozen) Len() int { return s.n }

// Count returns the number of refs.
func (s *Frozen) Count() int { return s.count }

// AppendWords appends the words of the hashes from a place on to another, not
// inclusive, in rising order. The places must be within 0 and Len.
func (s *Frozen) AppendWords(dst []uint64, from, to int) (all []uint64, err error) {
	defer s.origin.file.Catch(&err, debug.SetPanicOnFault(true))
	all = dst
	s.origin.check(Words, from*s.width, (to-from)*s.width)
	return append(dst, s.words[from*s.width:to*s.width]...), nil
}

// Find returns the place of a hash.
func (s *Frozen) Find(words *[4]uint64) (place int, ok bool, err error) {
	defer s.origin.file.Catch(&err, debug.SetPanicOnFault(true))
	place, ok = s.locate(words[:s.width])
	return place, ok, nil
}

// Attach adds all hashes of segments in files at once, without reading them. The refs
// in a file are from 0 to below a limit (see Open), which must be the same for all of
// the segments; here they are those from base on, all of which must be free and
// are taken. A segment without hashes adds and takes nothing.
//
// What is removed is marked in memory. Small segments are read later, when they are
// merged with others; large ones, over 131,072 hashes, only when a quarter of them is
// removed. A damaged segment is never merged: searches report it.
func (x *Index) Attach(base uint32, segments ...*Frozen) error {
	var fresh []*segment
	count, limit := 0, uint32(0)
	for _, s := range segments {
		switch {
		case s.n == 0:
			continue
		case s.width != x.width:
			return fmt.Errorf("mih: hashes of %d words for an index of %d", s.width, x.width)
		case len(fresh) > 0 && s.origin.limit != limit:
			return errors.New("mih: segments with different limits of refs")
		}
		limit = s.origin.limit
		count += s.count
		fresh = append(fresh, &segment{arrays: s.arrays, base: base, dead: make([]uint32, (s.count+31)/32)})
	}
	if len(fresh) == 0 {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.takeRange(base, limit) {
		return fmt.Errorf("mih: not all of the %d refs from %d on are free", limit, base)
	}
	old := x.state.Load()
	x.state.Store(&state{tables: old.tables, segments: append(old.segments[:len(old.segments):len(old.segments)], fresh...)})
	x.count.Add(int64(count))
	x.merge()
	return nil
}

// Detach takes out at once what Attach has put in from base on, and returns the segments
// for which it can't: those that are merged with others by now, or being so. What is left
// of their hashes is still found; Remove takes them out one by one. The refs stay taken.
func (x *Index) Detach(base uint32, segments ...*Frozen) (left []*Frozen) {
	x.mu.Lock()
	defer x.mu.Unlock()
	old := x.state.Load()
	next := &state{tables: old.tables, segments: slices.Clone(old.segments)}
	for _, s := range segments {
		i := slices.IndexFunc(next.segments, func(o *segment) bool { return o.origin == s.origin && o.base == base })
		switch {
		case s.n == 0:
		case i < 0 || next.segments[i].taken:
			left = append(left, s)
		default:
			x.count.Add(int64(-next.segments[i].live()))
			next.segments = slices.Delete(next.segments, i, i+1)
		}
	}
	x.state.Store(next)
	return left
}

// takeRange marks n refs from one on, or none if one of them is not free. n is
// positive.
func (x *Index) takeRange(from, n uint32) bool {
	if from+(n-1) < from {
		return false
	}
	// One word of a page after the other: mask has the bits that are of the range.
	each := func(f func(page, word int, mask uint64) bool) bool {
		first, last := uint64(from), uint64(from)+uint64(n)-1
		for at := first &^ 63; at <= last; at += 64 {
			mask := ^uint64(0)
			if at < first {
				mask &= ^uint64(0) << (first - at)
			}
			if last-at < 63 {
				mask &= 1<<(last-at+1) - 1
			}
			if !f(int(at/refsPerPage), int(at%refsPerPage/64), mask) {
				return false
			}
		}
		return true
	}
	if !each(func(page, word int, mask uint64) bool {
		return page >= len(x.refs) || x.refs[page] == nil || x.refs[page][word]&mask == 0
	}) {
		return false
	}
	x.growRefs(int((uint64(from) + uint64(n) - 1) / refsPerPage))
	return each(func(page, word int, mask uint64) bool {
		if x.refs[page] == nil {
			x.refs[page] = new(refPage)
		}
		x.refs[page][word] |= mask
		return true
	})
}
