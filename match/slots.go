package match

import "sync/atomic"

// slots maps refs to items. It takes no lock: a ref's ten lowest bits are its place in
// a page, the next ten the page's in a chapter, the rest the chapter's.
type slots [1 << 12]atomic.Pointer[slotChapter]

type (
	slotChapter [1 << slotBits]atomic.Pointer[slotPage]
	slotPage    [1 << slotBits]atomic.Pointer[item]
)

const slotBits = 10

// load returns the item that a ref stands for, or nil.
func (s *slots) load(ref Ref) *item {
	c := s[ref>>(2*slotBits)].Load()
	if c == nil {
		return nil
	}
	p := c[ref>>slotBits%(1<<slotBits)].Load()
	if p == nil {
		return nil
	}
	return p[ref%(1<<slotBits)].Load()
}

// at returns where the item of a ref is kept.
func (s *slots) at(ref Ref) *atomic.Pointer[item] {
	c := made(&s[ref>>(2*slotBits)])
	p := made(&c[ref>>slotBits%(1<<slotBits)])
	return &p[ref%(1<<slotBits)]
}

// made returns what a pointer points to, and gives it something if need be.
func made[T any](p *atomic.Pointer[T]) *T {
	for {
		if v := p.Load(); v != nil {
			return v
		}
		// Somebody else may be first, and what he has made be wiped at once.
		if v := new(T); p.CompareAndSwap(nil, v) {
			return v
		}
	}
}

// wipe makes n refs, from first, stand for nothing, and gives their memory back. The other
// refs of a page keep what they stand for.
func (s *slots) wipe(first Ref, n uint32) {
	const page = 1 << slotBits
	for at, end := uint64(first), uint64(first)+uint64(n); at < end; {
		next := min(at&^(page-1)+page, end)
		if c := s[at>>(2*slotBits)].Load(); c != nil {
			if slot := &c[at>>slotBits%(1<<slotBits)]; next-at == page {
				slot.Store(nil)
			} else if p := slot.Load(); p != nil {
				for i := at; i < next; i++ {
					p[i%page].Store(nil)
				}
			}
		}
		at = next
	}
}

// store makes n refs, from first, stand for an item, or for nothing.
func (s *slots) store(first Ref, n int, it *item) {
	for i := range n {
		s.at(first + Ref(i)).Store(it)
	}
}
