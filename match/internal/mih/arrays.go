package mih

import "slices"

const (
	// slotBits is the width of a slot. At 16 bits a radius of 31 in 256 bits leaves
	// every slot a radius of 1: 17 groups a slot, each a short stretch of memory.
	slotBits = 16
	// pageBits: the low bits of a member's number are kept as they are, the page above
	// them as a mark of one to two bits.
	pageBits = 16
	// groupTarget is how many members a group has on average in a small segment: one
	// cache line of verifiers.
	groupTarget = 32
	// minKeyBits keeps the groups of a tiny segment from being the whole of it.
	minKeyBits = 6
	// padding is what kernels may read behind the last verifier.
	padding = 16
	// MaxSegment bounds the refs of a segment, and so what a merge needs, to some 3 GB,
	// and keeps positions in all slots together within 32 bits. Larger sets are several
	// segments.
	MaxSegment = 1 << 24
)

// arrays is a set of hashes in rising order, with a group of members for every value
// of every slot.
//
// A member costs, beside its hash and ref, per slot: 2 bytes of the following slot's
// bits (the verifier, by which 499 of 500 random candidates are turned away without
// looking at anything else), 2 bytes of its number and up to 2 bits of marks for the
// rest of that. Slot 0 needs no numbers: hashes are in its order.
type arrays struct {
	shape
	origin *origin  // nil: they are in memory
	words  []uint64 // width a hash, rising
	refs   []uint32 // by hash, then rising; nil in a file: the ref is the place
	starts []uint32 // hash i has refs[starts[i]:starts[i+1]]; nil if every hash has one

	bounds []uint32 // by slot, then key: where the group starts in verify; one more ends the last
	verify []uint16 // by slot, then key, then number: the bits of the slot after this one; padding behind
	low    []uint16 // the same without slot 0 and padding: the member's number in its page
	marks  []uint64 // by slot without 0, then key: for each page a 1 for every member in it and then a 0; nil if pages is 1
}

// shape is what the lengths of the arrays follow from.
type shape struct {
	width   int  // words a hash: 1 or 4
	slots   int  // 4*width
	n       int  // distinct hashes
	count   int  // refs
	keyBits uint // the top bits of a slot that choose the group
	pages   int  // of 1<<pageBits hashes
}

func shapeOf(width, n, count int) shape {
	s := shape{width: width, slots: 4 * width, n: n, count: count, pages: (n + 1<<pageBits - 1) >> pageBits}
	for s.keyBits = minKeyBits; s.keyBits < slotBits && n>>s.keyBits > groupTarget; s.keyBits++ {
	}
	return s
}

// The lengths of the arrays.
func (s *shape) boundsLen() int { return s.slots<<s.keyBits + 1 }
func (s *shape) verifyLen() int { return s.slots*s.n + padding }
func (s *shape) lowLen() int    { return (s.slots - 1) * s.n }
func (s *shape) marksLen() int {
	if s.pages <= 1 {
		return 0
	}
	return ((s.slots-1)*s.slotMarks() + 63) / 64
}

// slotMarks returns how many marks a slot has.
func (s *shape) slotMarks() int { return s.n + s.pages<<s.keyBits }

// slotOf returns a slot's bits.
func slotOf(words []uint64, slot int) uint16 {
	return uint16(words[slot/4] >> (48 - 16*(slot%4)))
}

// newArrays builds the arrays of a sorted list, whose slices it may keep. Without
// refs, equal hashes count once.
func newArrays(l *list) arrays {
	a := fold(l)
	a.index()
	return a
}

// index builds what finds the hashes.
func (a *arrays) index() {
	a.bounds = advise(make([]uint32, a.boundsLen()))
	a.verify = advise(make([]uint16, a.verifyLen()))
	a.low = advise(make([]uint16, a.lowLen()))
	if n := a.marksLen(); n > 0 {
		a.marks = advise(make([]uint64, n))
	}
	w := a.newWorkshop()
	for i := range a.slots {
		a.fill(w, a.slot(i))
	}
	a.bounds[a.slots<<a.keyBits] = uint32(a.slots * a.n)
}

// fold makes one hash of equal ones, and the shape for what is left.
func fold(l *list) arrays {
	w, n := l.width, len(l.words)/l.width
	first := 1
	for first < n && compare(l.hash(first-1), l.hash(first)) != 0 {
		first++
	}
	a := arrays{words: l.words, refs: l.refs}
	if first >= n {
		a.shape = shapeOf(w, n, n)
		return a
	}
	var starts []uint32
	if l.refs != nil {
		starts = make([]uint32, first, n+1)
		for i := range starts {
			starts[i] = uint32(i)
		}
	}
	kept := first
	for i := first; i < n; i++ {
		if compare(l.hash(kept-1), l.hash(i)) == 0 {
			continue
		}
		copy(l.hash(kept), l.hash(i))
		kept++
		if l.refs != nil {
			starts = append(starts, uint32(i))
		}
	}
	a.words = slices.Clone(l.words[:kept*w])
	a.shape = shapeOf(w, kept, kept)
	if l.refs != nil {
		a.starts, a.count = slices.Clone(append(starts, uint32(n))), n
	}
	return a
}

// slotArrays are one slot's part of the arrays.
type slotArrays struct {
	number      int
	bounds      []uint32
	verify, low []uint16
	marks       []uint64
	word        int // of all marks that is marks[0]
}

// slot returns the part of a slot.
func (a *arrays) slot(number int) *slotArrays {
	s := &slotArrays{number: number, bounds: a.bounds[number<<a.keyBits : (number+1)<<a.keyBits], verify: a.verify[number*a.n : (number+1)*a.n]}
	if number > 0 {
		s.low, s.marks = a.low[(number-1)*a.n:number*a.n], a.marks
	}
	return s
}

// member is a hash as one slot sees it.
type member struct {
	number      uint32
	key, verify uint16
}

// workshop is what filling a slot needs.
type workshop struct {
	parts []member // as many as there are hashes
	at    []uint32 // by key
}

func (s *shape) newWorkshop() *workshop {
	return &workshop{parts: advise(make([]member, s.n)), at: make([]uint32, 1<<s.keyBits)}
}

const reasonChanging = "somebody writes into the hashes"

// fill sorts the members of one slot by key, keeping their order: first by the top
// half of the key, so that each part then lies within the cache. The marks must be
// zeros.
//
// If somebody writes into the file meanwhile, it panics as the checks do.
func (a *arrays) fill(w *workshop, s *slotArrays) {
	shift := slotBits - a.keyBits
	half := a.keyBits / 2
	next := (s.number + 1) % a.slots
	at := w.at
	clear(at)
	for i := 0; i < len(a.words); i += a.width {
		at[slotOf(a.words[i:], s.number)>>shift]++
	}
	sum := uint32(0)
	for k, n := range at {
		s.bounds[k] = uint32(s.number*a.n) + sum
		at[k] = sum
		sum += n
	}
	var ends [1 << (slotBits / 2)]uint32
	for i := range 1 << half {
		ends[i] = at[i<<(a.keyBits-half)]
	}
	for i := range a.n {
		h := a.words[i*a.width:]
		key := slotOf(h, s.number) >> shift
		end := &ends[key>>(a.keyBits-half)]
		if uint(*end) >= uint(len(w.parts)) {
			a.origin.damaged(Words, i*a.width, reasonChanging)
		}
		w.parts[*end] = member{uint32(i), key, slotOf(h, next)}
		*end++
	}
	if s.number == 0 {
		for i := range w.parts {
			s.verify[i] = w.parts[i].verify
		}
		return
	}
	for _, m := range w.parts {
		p := at[m.key]
		at[m.key]++
		if uint(p) >= uint(len(s.verify)) {
			a.origin.damaged(Words, int(m.number)*a.width, reasonChanging)
		}
		s.verify[p] = m.verify
		s.low[p] = uint16(m.number)
		if a.pages > 1 {
			start := s.bounds[m.key]
			in := int(p) - (int(start) - s.number*a.n)
			bit := a.firstMark(s.number, int(m.key), start) + in + int(m.number>>pageBits)
			word := bit>>6 - s.word
			if uint(word) >= uint(len(s.marks)) {
				a.origin.damaged(Words, int(m.number)*a.width, reasonChanging)
			}
			s.marks[word] |= 1 << (bit & 63)
		}
	}
}

// firstMark returns where the marks of a group start, in bits.
func (s *shape) firstMark(slot, key int, start uint32) int {
	return int(start) - s.n + ((slot-1)<<s.keyBits+key)*s.pages
}

// refsOf returns the range of refs of hash i.
func (a *arrays) refsOf(i int) (from, to int) {
	if a.starts == nil {
		return i, i + 1
	}
	at, end := a.starts[i], a.starts[i+1]
	if a.origin != nil && (at > end || end > uint32(a.count)) {
		a.origin.damaged(Starts, i, "the starts of refs make no sense any more")
	}
	return int(at), int(end)
}

// ref returns a ref, without the base, by its number.
func (a *arrays) ref(i int) uint32 {
	if a.origin == nil {
		return a.refs[i]
	}
	return a.refInFile(i)
}

func (a *arrays) refInFile(i int) uint32 {
	if a.refs == nil {
		return uint32(i)
	}
	a.origin.check(Refs, i, 1)
	ref := a.refs[i]
	if ref >= a.origin.limit {
		a.origin.damaged(Refs, i, "a ref makes no sense")
	}
	return ref
}

// locate returns the number of a hash.
func (a *arrays) locate(words []uint64) (number int, ok bool) {
	key := slotOf(words, 0) >> (slotBits - a.keyBits)
	at, end := a.bounds[key], a.bounds[key+1]
	if a.origin != nil && (at > end || end > uint32(a.n)) {
		a.origin.damaged(Bounds, int(key), "the bounds of groups make no sense any more")
	}
	from, to := int(at), int(end)
	w := a.width
	for from < to {
		mid := (from + to) / 2
		if a.origin != nil {
			a.origin.check(Words, mid*w, w)
		}
		switch c := compare(a.words[mid*w:(mid+1)*w], words); {
		case c < 0:
			from = mid + 1
		case c > 0:
			to = mid
		default:
			return mid, true
		}
	}
	return 0, false
}
