package match

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/exact"
	"github.com/rematch-go/rematch/match/internal/mapped"
	"github.com/rematch-go/rematch/match/internal/mih"
)

// shelf is a snapshot's place in a Matcher. What lies on it is only taken down, as an
// item, when it is hit or changed.
type shelf struct {
	snap  *Snapshot
	base  Ref     // of signal 0
	seq   uint64  // of entry 0
	banks []*bank // by their numbers in the snapshot
	gone  atomic.Bool

	suspect []uint32 // numbers of signals that must match nothing, beside junk; rising

	// Guarded by Matcher.mu:
	changed map[uint32]*item // entries that are not as in the snapshot, by number
	left    int              // banks that are not removed
	cleared int              // banks of which nothing is left in the indices
}

// Load adds the banks of a snapshot: all of them or, on an error, none. It costs about
// what OpenSnapshot does: entries stay in the file, which stays mapped, and are read when
// they are hit. Later changes of the matcher change nothing in the file. When all its banks
// are removed the file is let go of; but of the 4,294,967,295 signals that a Matcher can have
// those of snapshots count for ever: one that is given ten million every day lasts a year.
//
// Errors are those of Add and, where the file turns out to be damaged, a *FormatError; so
// may be those of queries from then on, for there is no answer without what can't be read.
// A Matcher that Open has made loads no other file: that is ErrInvalid, for its log has
// changes of its own file only. Merge makes one file of several.
func (m *Matcher) Load(s *Snapshot) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.journal != nil {
		return fmt.Errorf("%w: a bank file loaded beside the one that Open keeps up to date would not be found again; make one of both with Merge", ErrInvalid)
	}
	sh := &shelf{snap: s, changed: make(map[uint32]*item)}
	for i := range s.banks {
		from := &s.banks[i]
		b, err := newBank(from.Bank, &m.rules)
		if err != nil {
			return err
		}
		if m.banks[b.name] != nil {
			return &EntryError{Bank: b.name, Signal: -1, Reason: "the name is taken; remove the bank first to replace it", Err: ErrDuplicate}
		}
		b.off.Or(offComing)
		b.shelf, b.number = sh, i
		b.entries, b.videos = int(from.bare)+int(from.full), int(from.videos)
		for _, c := range from.counts {
			indexed, aside := m.rules.sorted(c)
			b.indexed[c.kind] += indexed
			b.aside += aside
			if indexed > 0 && b.threshold(c.kind) > m.rules.maxRadius[c.kind] {
				return &EntryError{Bank: b.name, Signal: -1, Reason: fmt.Sprintf("the threshold %d of %s is over the index's maximum of %d; set the bank's threshold or raise Options.MaxRadius", b.threshold(c.kind), c.kind, m.rules.maxRadius[c.kind]),
					Err: &RadiusError{Kind: c.kind, Radius: b.threshold(c.kind), Max: m.rules.maxRadius[c.kind]}}
			}
		}
		sh.banks = append(sh.banks, b)
	}
	if sh.left = len(sh.banks); sh.left == 0 {
		return nil
	}
	if m.used+uint64(s.signals) > math.MaxUint32 {
		return fmt.Errorf("%w: more than %d signals in one Matcher, those of all snapshots that it ever had counted; make a new one", ErrInvalid, uint32(math.MaxUint32))
	}
	if err := sh.sift(&m.rules); err != nil {
		return err
	}
	sh.base, sh.seq = Ref(m.used), m.seq+1
	m.used += uint64(s.signals)
	m.seq += uint64(s.bare) + uint64(s.full)
	m.arrived.Store(m.seq)
	next := *m.view.Load()
	next.shelves = append(slices.Clone(next.shelves), sh)
	m.view.Store(&next) // before anything on it can be hit
	if err := sh.attach(sh.base, func(*snapRun) bool { return true }, m.indexOf, m.digests.made); err != nil {
		return err // it can't be: OpenSnapshot has seen that they fit together, and the refs are new
	}
	for _, b := range sh.banks {
		m.banks[b.name] = b
	}
	m.refresh()
	for _, b := range sh.banks {
		b.off.And(^uint32(offComing))
	}
	return nil
}

// attach puts those of the snapshot's indices that are taken into others, with signal 0 at base.
func (sh *shelf) attach(base Ref, take func(*snapRun) bool, indexOf func(hash.Kind) (*MIH, error), digests func(hash.Kind) *exact.Index) error {
	runs := sh.snap.runs
	for len(runs) > 0 {
		r := &runs[0]
		first := uint32(base) + r.first
		// The parts of an index whose refs are mixed are put in together.
		n := 1
		for n < len(runs) && runs[n].bank == r.bank && runs[n].kind == r.kind && runs[n].first == r.first {
			n++
		}
		var perceptual []*mih.Frozen
		var tables []*exact.Frozen
		for i := range runs[:n] {
			if part := &runs[i]; take(part) {
				perceptual, tables = append(perceptual, part.mih), append(tables, part.exact)
			}
		}
		runs = runs[n:]
		if len(tables) == 0 {
			continue
		}
		if r.kind.IsDigest() {
			if err := digests(r.kind).Attach(first, tables...); err != nil {
				return err
			}
			continue
		}
		x, err := indexOf(r.kind)
		if err != nil {
			return err
		}
		if err := x.set.Attach(first, perceptual...); err != nil {
			return err
		}
	}
	return nil
}

// clear takes what a removed bank has on its shelf out of the indices, so that queries
// don't come by it any more, and with the last bank the shelf goes. What can't be read
// stays: queries report it if they come by.
func (m *Matcher) clear(b *bank, last bool) {
	sh, snap := b.shelf, b.shelf.snap
	all := true
	unindex := func(signal uint32, v hash.Value, err error) {
		if err != nil {
			all = false
			return
		}
		m.unindex(sh.base+Ref(signal), v)
	}
	mixed := !last // whether there may be hashes of the bank in an index that has those of others too
	for i := range snap.runs {
		switch r := &snap.runs[i]; {
		case r.bank < 0:
			if last && !m.detach(sh, r) {
				mixed = true
			}
		case r.bank == b.number && !m.detach(sh, r):
			for place := range r.n {
				signal := r.first + uint32(place)
				v, err := snap.bareValue(signal)
				unindex(signal, v, err)
			}
		}
	}
	from := snap.banks[b.number]
	if !mixed {
		from.full = 0
	}
	for n := range from.full {
		signal, _, err := snap.signalsOf(from.firstFull + n)
		var e Entry
		if err == nil {
			_, e, err = snap.entry(from.firstFull + n)
		}
		if err != nil {
			all = false
		}
		for i := range e.Signals {
			unindex(signal+uint32(i), e.Signals[i].Value, nil)
		}
	}
	if !all {
		return
	}
	m.mu.Lock()
	if sh.cleared++; sh.cleared < len(sh.banks) {
		m.mu.Unlock()
		return
	}
	next := *m.view.Load()
	next.shelves = slices.DeleteFunc(slices.Clone(next.shelves), func(o *shelf) bool { return o == sh })
	m.view.Store(&next)
	m.mu.Unlock()
	sh.gone.Store(true)
	m.slots.wipe(sh.base, snap.signals)
}

// detach takes an index of bare hashes out whole, and reports whether it could.
func (m *Matcher) detach(sh *shelf, r *snapRun) bool {
	base := uint32(sh.base) + r.first
	if r.kind.IsDigest() {
		return m.digests.made(r.kind).Detach(base, r.exact)
	}
	x := m.view.Load().indices[r.kind]
	return x == nil || len(x.set.Detach(base, r.mih)) == 0
}

// sorted tells how many signals of a sort can match, and how many are set aside.
func (r *rules) sorted(c signalCount) (indexed, aside int) {
	switch {
	case c.quality.Passes(r.gate):
		return int(c.n - c.junk), int(c.junk)
	case c.video:
		return 0, 0
	}
	return 0, int(c.n)
}

// shelfOf returns the shelf that a ref is on, or nil.
func (v *view) shelfOf(ref Ref) *shelf {
	for _, sh := range v.shelves {
		if ref >= sh.base && uint64(ref-sh.base) < uint64(sh.snap.signals) {
			return sh
		}
	}
	return nil
}

// located makes damage that a search met in a file an error that names the section.
func (m *Matcher) located(err error) error {
	var d *mapped.Damage
	if !errors.As(err, &d) {
		return err
	}
	for _, sh := range m.view.Load().shelves {
		if sh.snap.file == d.File {
			return sh.snap.formatError(d)
		}
	}
	return refused("index", d.Offset, ErrDamaged, "%s; it is of a file whose banks were removed", d.Reason)
}

// takeDown returns the item of a ref on the shelf, always the same one if it is kept. Kept
// is what was kept before or is changed.
func (m *Matcher) takeDown(sh *shelf, ref Ref, keep bool) (*item, error) {
	if it := m.slots.load(ref); it != nil {
		return it, nil
	}
	number, index, err := sh.snap.entryOf(uint32(ref - sh.base))
	if err != nil {
		return nil, err
	}
	first := ref - Ref(index)
	it := m.slots.load(first)
	if it == nil {
		if it, err = sh.item(number, first); err != nil || !keep {
			return it, err
		}
		if slot := m.slots.at(first); !slot.CompareAndSwap(nil, it) {
			if other := slot.Load(); other != nil { // else the shelf went meanwhile
				it = other // another query was faster
			}
		}
	}
	if keep {
		m.slots.at(ref).Store(it)
		if sh.gone.Load() { // it went meanwhile
			m.slots.wipe(first, uint32(index)+1)
		}
	}
	return it, nil
}

// item makes the item of an entry whose first signal has the given ref.
func (sh *shelf) item(number uint32, first Ref) (*item, error) {
	bankNumber, e, err := sh.snap.entry(number)
	if err != nil {
		return nil, err
	}
	it := &item{bank: sh.banks[bankNumber], id: e.ID, signals: e.Signals, duration: e.Duration, seq: sh.seq + uint64(number), first: first, shelf: sh, number: number}
	it.state.Store(newItemState(e.Labels, e.Curation))
	turn(&it.off, offDisabled, e.Disabled)
	return it, nil
}

// shelved finds an entry of a bank on a shelf, removed or not; nil if there is none. The
// caller holds mu.
func (m *Matcher) shelved(b *bank, id string) (*item, error) {
	if b.shelf == nil {
		return nil, nil
	}
	number, ok, err := b.shelf.snap.find(b.number, id)
	if err != nil || !ok {
		return nil, err
	}
	if it := b.shelf.changed[number]; it != nil {
		return it, nil
	}
	first, n, err := b.shelf.snap.signalsOf(number)
	if err != nil {
		return nil, err
	}
	if n == 0 { // no ref is its own, and no query comes by it
		return b.shelf.item(number, b.shelf.base+Ref(first))
	}
	it, err := m.takeDown(b.shelf, b.shelf.base+Ref(first), true)
	if err == nil && it.number != number {
		return nil, b.shelf.snap.contradicts(number, "another entry has the same signals")
	}
	return it, err
}

// change notes that the item is not as it is on its shelf, if it is on one. The caller
// holds Matcher.mu.
func (it *item) change() {
	if it.shelf != nil {
		it.shelf.changed[it.number] = it
	}
}

// dropShelved makes an item on a shelf unfindable. Its refs are never another's. The
// caller holds mu.
func (m *Matcher) dropShelved(it *item) {
	it.off.Or(offGone)
	it.change()
	b := it.bank
	for n := range it.signals {
		s := &it.signals[n]
		switch {
		case it.matchable(&m.rules, n):
			b.indexed[s.Value.Kind()]--
		case s.Quality.Passes(m.rules.gate) || !it.isVideo():
			b.aside--
		}
		m.unindex(it.first+Ref(n), s.Value)
	}
}

// quarantined lists what of the bank's entries on its shelf is set aside.
func (c *bankCopy) quarantined(r *rules) ([]Quarantined, error) {
	if c.shelf == nil {
		return nil, nil
	}
	snap, from := c.shelf.snap, &c.shelf.snap.banks[c.number]
	var all []Quarantined
	list := func(number uint32) error {
		if now, changed := c.changed[number]; changed && now.off&offGone != 0 {
			return nil
		}
		_, e, err := snap.entry(number)
		if err != nil {
			return err
		}
		first, _, err := snap.signalsOf(number)
		if err != nil {
			return err
		}
		for n := range e.Signals {
			if cause, reason := r.aside(&e.Signals[n], e.IsVideo()); cause != "" && !c.shelf.matchable(r, first+uint32(n), &e.Signals[n]) {
				all = append(all, Quarantined{Bank: c.bank.Name, Entry: e.ID, Signal: n, Value: e.Signals[n].Value, Cause: cause, Reason: reason})
			}
		}
		return nil
	}
	// Of bare hashes only junk can be, which the snapshot knows, and what was found when it was loaded.
	aside, err := snap.junkSignals()
	if err != nil {
		return nil, err
	}
	aside = append(aside, c.shelf.suspect...)
	slices.Sort(aside)
	for _, signal := range aside {
		if signal-from.firstBare < from.bare {
			if err := list(signal); err != nil {
				return nil, err
			}
		}
	}
	for n := range from.full {
		if err := list(from.firstFull + n); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// unindex takes a signal out of its index and reports whether it was there.
func (m *Matcher) unindex(ref Ref, v hash.Value) bool {
	if v.Kind().IsDigest() {
		return m.digests.Remove(ref, v)
	}
	x := m.view.Load().indices[v.Kind()]
	return x != nil && x.Remove(ref, v)
}
