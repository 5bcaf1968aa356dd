package exact

// refSet is a set of refs, in pages that are there when something of them is.
type refSet struct {
	pages []*refPage
}

// refPage has a bit for each of refsPerPage refs.
type refPage [refsPerPage / 64]uint64

const refsPerPage = 1 << 13

func (s *refSet) has(ref uint32) bool {
	p := int(ref / refsPerPage)
	return p < len(s.pages) && s.pages[p] != nil && s.pages[p][ref%refsPerPage/64]>>(ref%64)&1 != 0
}

// page returns the page of ref, made if need be.
func (s *refSet) page(ref uint32) *refPage {
	p := int(ref / refsPerPage)
	if p >= len(s.pages) {
		s.pages = append(s.pages, make([]*refPage, p+1-len(s.pages))...)
	}
	if s.pages[p] == nil {
		s.pages[p] = new(refPage)
	}
	return s.pages[p]
}

// take puts ref in and reports whether it was not there.
func (s *refSet) take(ref uint32) bool {
	word, bit := &s.page(ref)[ref%refsPerPage/64], uint64(1)<<(ref%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}

// takeRun puts n refs from first on in, all or, if one is there, none. They end at
// 1<<32 at the latest.
func (s *refSet) takeRun(first uint32, n uint64) bool {
	to := uint64(first) + n
	for at := uint64(first); at < to; {
		p := int(at / refsPerPage)
		if p < len(s.pages) && s.pages[p] != nil && s.pages[p][at%refsPerPage/64]&runMask(at, to) != 0 {
			return false
		}
		at = at&^63 + 64
	}
	for at := uint64(first); at < to; at = at&^63 + 64 {
		s.page(uint32(at))[at%refsPerPage/64] |= runMask(at, to)
	}
	return true
}

// runMask has a one for every number of at's word from at on and below to.
func runMask(at, to uint64) uint64 {
	mask := ^uint64(0) << (at & 63)
	if over := at&^63 + 64; over > to {
		mask &= ^uint64(0) >> (over - to)
	}
	return mask
}

func (s *refSet) release(ref uint32) {
	s.pages[ref/refsPerPage][ref%refsPerPage/64] &^= 1 << (ref % 64)
}

func (s *refSet) bytes() int {
	sum := 8 * cap(s.pages)
	for _, p := range s.pages {
		if p != nil {
			sum += refsPerPage / 8
		}
	}
	return sum
}
