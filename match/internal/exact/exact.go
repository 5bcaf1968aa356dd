// Package exact finds equal keys in a set that changes while it is searched. Keys are
// digests of 16, 20 or 32 bytes, each under a ref of the caller's choice.
//
// The set is a few immutable tables, each at least four times as large as all the
// smaller ones together, or in a file, and a delta of the latest keys. A table is
// sorted keys, behind a Bloom filter that turns 999 of 1000 foreign keys away without a
// look at them. Full deltas become tables, and tables larger ones, in the background.
// Readers take one atomic pointer to all of them and never wait; what is removed is a
// bit beside its table until that is next merged.
//
// Nobody can make a look-up slow by a choice of keys: tables are searched by halves,
// and the delta's hash has a secret.
package exact

import (
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// Index is a set of keys of one size, each under a ref. Several refs may have the same
// key. Make one with New. All methods may be called by many goroutines at once. A key of
// another size than New was told is a mistake of the caller's, and panics.
type Index struct {
	size  int
	seed  maphash.Seed
	state atomic.Pointer[state] // replaced under mu, never changed
	count atomic.Int64

	mu      sync.Mutex // held by writers, and by merges for as long as it takes to put their results in
	refs    refSet     // that are taken
	working [2]bool    // whether a small and a large merge go on
	merged  sync.Cond  // of mu: one of them came to an end
}

// state is what a query sees.
type state struct {
	deltas []*delta // the last one is added to
	tables []*table // in no order
}

// New returns an empty set of keys of size bytes: 16, 20 or 32.
func New(size int) *Index {
	checkSize(size)
	x := &Index{size: size, seed: maphash.MakeSeed()}
	x.merged.L = &x.mu
	x.state.Store(&state{deltas: []*delta{newDelta(size, firstDelta)}})
	return x
}

// NewStill is New of a set that stays as it is put together, for one that is soon thrown away:
// nothing goes on in the background. Wait must not be called.
func NewStill(size int) *Index {
	x := New(size)
	x.working = [2]bool{true, true}
	return x
}

// checkSize panics for what no digest has: callers have a table of kinds.
func checkSize(size int) {
	if size != 16 && size != 20 && size != 32 {
		panic(fmt.Sprintf("exact: keys of %d bytes", size))
	}
}

func (x *Index) check(key []byte, n int) {
	if len(key) != n*x.size {
		panic(fmt.Sprintf("exact: %d bytes for %d keys of %d", len(key), n, x.size))
	}
}

// Len returns the number of refs.
func (x *Index) Len() int { return int(x.count.Load()) }

// Add puts a key under ref and reports whether the ref was free. The next search finds
// it.
func (x *Index) Add(ref uint32, key []byte) bool {
	x.check(key, 1)
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.refs.take(ref) {
		return false
	}
	x.append(key, ref)
	x.count.Add(1)
	return true
}

// AddAll adds as many keys as there are refs, one after the other in keys: it is faster
// than Add for many. If a ref is taken or given twice it adds nothing and returns the
// ref's number. The slices are not kept.
func (x *Index) AddAll(refs []uint32, keys []byte) (taken int, ok bool) {
	x.check(keys, len(refs))
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, ref := range refs {
		if !x.refs.take(ref) {
			for _, ref := range refs[:i] {
				x.refs.release(ref)
			}
			return i, false
		}
	}
	for len(refs) > deltaSize {
		// The lock is let go of while the table is built: nobody else can have these refs,
		// and readers see the table when it is whole.
		n := min(len(refs), maxMerge)
		x.mu.Unlock()
		l := newList(x.size, n)
		l.keys, l.refs = append(l.keys, keys[:n*x.size]...), append(l.refs, refs[:n]...)
		l.sort()
		t := newTable(l)
		x.mu.Lock()
		old := x.state.Load()
		x.state.Store(&state{deltas: old.deltas, tables: append(old.tables[:len(old.tables):len(old.tables)], t)})
		x.count.Add(int64(n))
		refs, keys = refs[n:], keys[n*x.size:]
	}
	for i, ref := range refs {
		x.append(keys[i*x.size:(i+1)*x.size], ref)
	}
	x.count.Add(int64(len(refs)))
	x.merge()
	return 0, true
}

// append adds to the last delta, and a delta after it when that is full. The caller
// holds mu.
func (x *Index) append(key []byte, ref uint32) {
	h := maphash.Bytes(x.seed, key)
	s := x.state.Load()
	last := s.deltas[len(s.deltas)-1]
	for last.isFull() && len(s.deltas) >= maxDeltas {
		x.merge()
		x.merged.Wait() // lets go of mu
		s = x.state.Load()
		last = s.deltas[len(s.deltas)-1]
	}
	if !last.isFull() {
		last.add(h, key, ref)
		return
	}
	next := &state{tables: s.tables}
	if room := len(last.refs); room < deltaSize {
		last = last.grown(x.seed, min(4*room, deltaSize))
		next.deltas = append(next.deltas, s.deltas[:len(s.deltas)-1]...)
	} else {
		last = newDelta(x.size, deltaSize)
		next.deltas = append(next.deltas, s.deltas...)
	}
	next.deltas = append(next.deltas, last)
	last.add(h, key, ref)
	x.state.Store(next)
	x.merge()
}

// Attach adds tables that lie in a file, at once: their ref i becomes base+i. All refs
// from base on, as many as the Span of each, which must be the same, must be free, and are
// taken, those too that there is no key for. It reads nothing of the file; a table may be
// attached to several sets.
func (x *Index) Attach(base uint32, tables ...*Frozen) error {
	span := uint64(0)
	for i, s := range tables {
		switch {
		case s.size != x.size:
			return fmt.Errorf("exact: a table of keys of %d bytes in a set of keys of %d", s.size, x.size)
		case i > 0 && s.span != span:
			return fmt.Errorf("exact: tables with refs up to %d and %d", span, s.span)
		case uint64(base)+s.span > math.MaxUint32+1:
			return fmt.Errorf("exact: %d refs from %d on are more than there are", s.span, base)
		}
		span = s.span
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.refs.takeRun(base, span) {
		return fmt.Errorf("exact: not all of the %d refs from %d on are free", span, base)
	}
	old := x.state.Load()
	next := &state{deltas: old.deltas, tables: slices.Clone(old.tables)}
	for _, s := range tables {
		if s.n > 0 {
			next.tables = append(next.tables, &table{Frozen: s, base: base, dead: make([]uint32, (s.n+31)/32)})
			x.count.Add(int64(s.n))
		}
	}
	x.state.Store(next)
	x.merge()
	return nil
}

// Detach takes out at once a table that Attach has put in, and reports whether it could:
// not if it is merged with others by now, or being so. What is left of its keys is still
// found then; Remove takes them out one by one. The refs stay taken.
func (x *Index) Detach(base uint32, s *Frozen) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	old := x.state.Load()
	i := slices.IndexFunc(old.tables, func(t *table) bool { return t.Frozen == s && t.base == base })
	if i < 0 || old.tables[i].taken {
		return s.n == 0
	}
	x.count.Add(int64(-old.tables[i].live()))
	x.state.Store(&state{deltas: old.deltas, tables: slices.Delete(slices.Clone(old.tables), i, i+1)})
	return true
}

// Remove takes the key under ref out and reports whether it was there. The next search
// does not find it. In a part of a file that is damaged nothing is found: searches for
// the key go on to report the damage.
func (x *Index) Remove(ref uint32, key []byte) bool {
	x.check(key, 1)
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.refs.has(ref) {
		return false
	}
	st := x.state.Load()
	// The delta comes last: there a key of very many refs is a long chain.
	for _, t := range st.tables {
		if i, found, err := t.find(key, ref); err == nil && found && !deadBit(t.dead, i) {
			setDead(t.dead, i)
			t.gone.Add(1)
			x.refs.release(ref)
			x.count.Add(-1)
			if t.isWorn() {
				x.merge()
			}
			return true
		}
	}
	h := maphash.Bytes(x.seed, key)
	for _, d := range st.deltas {
		if i, found := d.find(h, key, ref); found {
			setDead(d.dead, i)
			d.gone.Add(1)
			x.refs.release(ref)
			x.count.Add(-1)
			return true
		}
	}
	return false
}

// Search calls emit for every ref that has the key, once, in no order. It sees all that
// was added and removed before it began. It does not allocate.
//
// The error is a *mapped.Damage: the key may stand in a part of a file that is not what
// it should be. What was found elsewhere was emitted.
func (x *Index) Search(key []byte, emit func(ref uint32)) error {
	x.check(key, 1)
	st := x.state.Load()
	if len(st.deltas) > 1 || st.deltas[0].len() > 0 {
		h := maphash.Bytes(x.seed, key)
		for _, d := range st.deltas {
			d.search(h, key, emit)
		}
	}
	var damage error
	for _, t := range st.tables {
		if t.file == nil {
			t.search(key, emit)
		} else if err := t.searchFile(key, emit); err != nil && damage == nil {
			damage = err
		}
	}
	return damage
}

// Bytes returns the memory that the set takes, without what merges are building and
// what lies in files.
func (x *Index) Bytes() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	st := x.state.Load()
	sum := x.refs.bytes()
	for _, d := range st.deltas {
		sum += d.bytes()
	}
	for _, t := range st.tables {
		sum += t.bytes()
	}
	return sum
}
