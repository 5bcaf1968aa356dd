package mih

import (
	"cmp"
	"math/bits"
	"slices"
	"sync/atomic"
	"unsafe"
)

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
	// maxSegment bounds what a merge needs, to some 3 GB, and keeps positions in all
	// slots together within 32 bits. Larger sets are several segments.
	maxSegment = 1 << 24
)

// segment is an immutable set of hashes, in rising order, with a group of members
// for every value of every slot. Only its dead bits change.
//
// A member costs, beside its hash and ref, per slot: 2 bytes of the following slot's
// bits (the verifier, by which 499 of 500 random candidates are turned away without
// looking at anything else), 2 bytes of its number and up to 2 bits of marks for the
// rest of that. Slot 0 needs no numbers: hashes are in its order.
type segment struct {
	width   int      // words a hash: 1 or 4
	slots   int      // 4*width
	n       int      // distinct hashes
	words   []uint64 // width a hash, rising
	refs    []uint32 // by hash, then rising
	starts  []uint32 // hash i has refs[starts[i]:starts[i+1]]; nil if every hash has one
	keyBits uint     // the top bits of a slot that choose the group
	pages   int      // of 1<<pageBits hashes

	bounds []uint32 // by slot, then key: where the group starts in verify; one more ends the last
	verify []uint16 // by slot, then key, then number: the bits of the slot after this one
	low    []uint16 // the same without slot 0: the member's number in its page
	marks  []uint64 // by slot without 0, then key: for each page a 1 for every member in it and then a 0; nil if pages is 1

	dead  []uint32     // a bit for every ref that was removed; read and set atomically
	gone  atomic.Int64 // how many are set
	taken bool         // by a merge; guarded by Index.mu
}

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

// merged returns the union of two sorted lists.
func merged(a, b *list) *list {
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
// bits, each of which is then small enough to sort in the cache.
func sortedList(width int, words []uint64, refs []uint32) *list {
	out := newList(width, len(refs))
	out.words, out.refs = out.words[:len(words)], out.refs[:len(refs)]
	ends := make([]uint32, 1<<slotBits+1)
	for i := range refs {
		ends[words[i*width]>>48+1]++
	}
	for i := 1; i < len(ends); i++ {
		ends[i] += ends[i-1]
	}
	for i, ref := range refs {
		end := &ends[words[i*width]>>48]
		copy(out.hash(int(*end)), words[i*width:(i+1)*width])
		out.refs[*end] = ref
		*end++
	}
	var part []pair
	from := 0
	for _, to := range ends[:1<<slotBits] {
		part = part[:0]
		for i := from; i < int(to); i++ {
			p := pair{ref: out.refs[i]}
			copy(p.words[:], out.hash(i))
			part = append(part, p)
		}
		slices.SortFunc(part, func(a, b pair) int {
			return cmp.Or(compare(a.words[:], b.words[:]), cmp.Compare(a.ref, b.ref))
		})
		for i := range part {
			copy(out.hash(from+i), part[i].words[:])
			out.refs[from+i] = part[i].ref
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

// slotOf returns a slot's bits.
func slotOf(words []uint64, slot int) uint16 {
	return uint16(words[slot/4] >> (48 - 16*(slot%4)))
}

// newSegment builds the segment of a sorted list, whose slices it may keep.
func newSegment(l *list) *segment {
	s := &segment{width: l.width, slots: 4 * l.width, words: l.words, refs: l.refs, dead: make([]uint32, (len(l.refs)+31)/32)}
	s.fold()
	for s.keyBits = minKeyBits; s.keyBits < slotBits && s.n>>s.keyBits > groupTarget; s.keyBits++ {
	}
	s.pages = (s.n + 1<<pageBits - 1) >> pageBits
	groups := 1 << s.keyBits
	s.bounds = advise(make([]uint32, s.slots*groups+1))
	s.verify = advise(make([]uint16, s.slots*s.n+padding))
	s.low = advise(make([]uint16, (s.slots-1)*s.n))
	if s.pages > 1 {
		s.marks = advise(make([]uint64, ((s.slots-1)*(s.n+groups*s.pages)+63)/64))
	}
	parts, at := advise(make([]member, s.n)), make([]uint32, groups)
	for slot := range s.slots {
		s.fillSlot(slot, parts, at)
	}
	s.bounds[s.slots*groups] = uint32(s.slots * s.n)
	return s
}

// fold makes one hash of equal ones.
func (s *segment) fold() {
	w := s.width
	s.n = len(s.refs)
	first := 1
	for first < s.n && compare(s.words[(first-1)*w:first*w], s.words[first*w:(first+1)*w]) != 0 {
		first++
	}
	if first >= s.n {
		return
	}
	s.starts = make([]uint32, first, s.n+1)
	for i := range s.starts {
		s.starts[i] = uint32(i)
	}
	kept := first
	for i := first; i < len(s.refs); i++ {
		h := s.words[i*w : (i+1)*w]
		if compare(s.words[(kept-1)*w:kept*w], h) != 0 {
			copy(s.words[kept*w:], h)
			kept++
			s.starts = append(s.starts, uint32(i))
		}
	}
	s.starts = slices.Clone(append(s.starts, uint32(len(s.refs))))
	s.words, s.n = slices.Clone(s.words[:kept*w]), kept
}

// member is a hash as one slot sees it.
type member struct {
	number      uint32
	key, verify uint16
}

// fillSlot sorts the members of one slot by key, keeping their order: first by the
// top half of the key, so that each part then lies within the cache. parts and at
// are room for as many members as there are and a number for every key.
func (s *segment) fillSlot(slot int, parts []member, at []uint32) {
	shift := slotBits - s.keyBits
	half := s.keyBits / 2
	next := (slot + 1) % s.slots
	clear(at)
	for i := 0; i < len(s.words); i += s.width {
		at[slotOf(s.words[i:], slot)>>shift]++
	}
	bounds := s.bounds[slot<<s.keyBits : (slot+1)<<s.keyBits]
	sum := uint32(0)
	for k, n := range at {
		bounds[k] = uint32(slot*s.n) + sum
		at[k] = sum
		sum += n
	}
	var ends [1 << (slotBits / 2)]uint32
	for i := range 1 << half {
		ends[i] = at[i<<(s.keyBits-half)]
	}
	for i := range s.n {
		h := s.words[i*s.width:]
		key := slotOf(h, slot) >> shift
		end := &ends[key>>(s.keyBits-half)]
		parts[*end] = member{uint32(i), key, slotOf(h, next)}
		*end++
	}
	verify := s.verify[slot*s.n : (slot+1)*s.n]
	if slot == 0 {
		for i := range parts {
			verify[i] = parts[i].verify
		}
		return
	}
	low := s.low[(slot-1)*s.n : slot*s.n]
	for _, m := range parts {
		p := at[m.key]
		at[m.key]++
		verify[p] = m.verify
		low[p] = uint16(m.number)
		if s.pages > 1 {
			start := bounds[m.key]
			in := int(p) - (int(start) - slot*s.n)
			bit := s.firstMark(slot, int(m.key), start) + in + int(m.number>>pageBits)
			s.marks[bit>>6] |= 1 << (bit & 63)
		}
	}
}

// firstMark returns where the marks of a group start, in bits.
func (s *segment) firstMark(slot, key int, start uint32) int {
	return int(start) - s.n + ((slot-1)<<s.keyBits+key)*s.pages
}

// refsOf returns the range of refs of hash i.
func (s *segment) refsOf(i int) (from, to int) {
	if s.starts == nil {
		return i, i + 1
	}
	return int(s.starts[i]), int(s.starts[i+1])
}

// isDead reports whether ref number i was removed.
func (s *segment) isDead(i int) bool { return deadBit(s.dead, i) }

func deadBit(dead []uint32, i int) bool {
	return atomic.LoadUint32(&dead[i>>5])>>(i&31)&1 != 0
}

// setDead marks ref number i removed. Only one goroutine at a time may.
func setDead(dead []uint32, i int) { atomic.OrUint32(&dead[i>>5], 1<<(i&31)) }

// find returns the number of the ref under the hash, dead or not.
func (s *segment) find(words []uint64, ref uint32) (int, bool) {
	key := int(slotOf(words, 0) >> (slotBits - s.keyBits))
	from, to := int(s.bounds[key]), int(s.bounds[key+1])
	w := s.width
	for from < to {
		mid := (from + to) / 2
		switch c := compare(s.words[mid*w:(mid+1)*w], words); {
		case c < 0:
			from = mid + 1
		case c > 0:
			to = mid
		default:
			first, end := s.refsOf(mid)
			at, found := slices.BinarySearch(s.refs[first:end], ref)
			return first + at, found
		}
	}
	return 0, false
}

// live returns how many refs are not removed.
func (s *segment) live() int { return len(s.refs) - int(s.gone.Load()) }

// bytes returns the memory that s takes.
func (s *segment) bytes() int {
	return int(unsafe.Sizeof(*s)) + 8*(cap(s.words)+cap(s.marks)) + 4*(cap(s.refs)+cap(s.starts)+cap(s.bounds)+cap(s.dead)) + 2*(cap(s.verify)+cap(s.low))
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
		m.word, m.seen = m.bit>>6, 0
		m.left = s.marks[m.word] &^ (1<<(m.bit&63) - 1)
	}
	j := int(pos - m.start)
	for {
		c := bits.OnesCount64(m.left)
		if m.seen+c > j {
			break
		}
		m.seen += c
		m.word++
		m.left = s.marks[m.word]
	}
	return m.word<<6 + selectBit(m.left, j-m.seen) - m.bit - j
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
