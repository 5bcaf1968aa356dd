package match

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// Matcher compares uploads with banks. Make one with New, or with Open from a bank file
// that it keeps up to date.
//
// It is safe for concurrent use. Queries take no lock and do not wait for changes; with
// Options.Surge they take a short one to count, and one that sets an entry aside is a change. A change is seen whole by every query that
// begins after it; one that goes on meanwhile may see it in part, or for some of its looks or
// frames only. But of an entry that is replaced (PutEntries) it sees the old one or the new one: where
// entries are replaced again and again in the course of one look-up, it and they wait for each
// other, no longer than either takes. A change never rebuilds anything: it costs by what is changed, not by what is
// there.
type Matcher struct {
	rules   rules
	view    atomic.Pointer[view] // never changed, only replaced under mu
	slots   slots                // written under mu, but read without
	digests Digests
	surges  *surges       // nil: nothing is counted
	arrived atomic.Uint64 // seq, for queries

	replacing sync.RWMutex  // held for the moment in which entries replace others; taken within mu, which is never taken within it
	replaced  atomic.Uint64 // how often they did, times two; odd in that moment

	saving sync.Mutex // held by Save and Close
	mu     sync.Mutex // guards all below, and what of banks and items says so
	banks  map[string]*bank
	free   map[int][]Ref // runs of slots that removed entries left, by length
	used   uint64        // slots that were ever given out
	seq    uint64

	journal *journal // of what Open has opened, else nil
}

// view is what a query has to know of all banks together.
type view struct {
	indices map[hash.Kind]*MIH // of perceptual kinds that were ever present
	shelves []*shelf           // of all snapshots of which something is left
	seeds   byKind             // the largest distance at which a video's frame is looked at; at least radius
	radius  byKind             // the largest threshold of any bank that is on and has signals of the kind; -1 if there is none
	kinds   []hash.Kind        // of signals that can match, also in banks that are off
	known   bool               // some of them are in a bank that is on and no allow-list
	percent bool               // some bank that is on is rolled out to a percentage of uploads
}

// New returns a Matcher of the given banks. The errors are ErrInvalid for
// options and those of Add.
func New(o Options, banks ...Bank) (*Matcher, error) {
	r, err := o.rules()
	if err != nil {
		return nil, err
	}
	m := &Matcher{rules: r, banks: make(map[string]*bank), free: make(map[int][]Ref)}
	if o.Surge.Heard != nil {
		m.surges = newSurges(r.surge, r.unixNano())
	}
	m.view.Store(&view{})
	m.refresh()
	for _, b := range banks {
		if err := m.Add(b); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Add adds a bank with its entries: all of it or, on an error, nothing. Errors
// are of type *EntryError around ErrDuplicate (a name or ID that is taken),
// ErrInvalid, or a *RadiusError (a threshold that the index could not answer in
// full).
//
// The matcher goes on using the slices of b's entries; do not change them.
func (m *Matcher) Add(b Bank) error {
	fresh, err := newBank(b, &m.rules)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.banks[b.Name] != nil {
		return &EntryError{Bank: b.Name, Signal: -1, Reason: "the name is taken; remove the bank first to replace it", Err: ErrDuplicate}
	}
	return m.add(fresh, b)
}

// add adds a bank whose name is free. The caller holds mu.
func (m *Matcher) add(fresh *bank, b Bank) error {
	fresh.off.Or(offComing)
	if err := m.insert(fresh, change{op: bankAdded, bank: b, entries: b.Entries}); err != nil {
		return err
	}
	m.banks[b.Name] = fresh
	m.refresh()
	fresh.off.And(^uint32(offComing))
	return nil
}

// AddEntries adds entries to a bank that is there: all of them or, on an error,
// none. Errors are those of Add, and ErrUnknown for the bank. The matcher goes on
// using the entries' slices.
func (m *Matcher) AddEntries(bankName string, entries ...Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bank(bankName)
	if err != nil {
		return err
	}
	if err := m.insert(b, change{op: entriesAdded, bank: Bank{Name: bankName}, entries: entries}); err != nil {
		return err
	}
	m.refresh()
	return nil
}

// Remove takes an entry out of a bank. Errors are ErrUnknown in an *EntryError.
func (m *Matcher) Remove(bankName, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	it, err := m.item(bankName, id)
	if err != nil {
		return err
	}
	if err := m.note(change{op: entryRemoved, bank: Bank{Name: bankName}, id: id}); err != nil {
		return err
	}
	m.remove(it)
	m.refresh()
	return nil
}

// remove takes an item out of its bank. The caller holds mu and refreshes the view.
func (m *Matcher) remove(it *item) {
	b := it.bank
	m.drop(it)
	b.count(it, -1)
	if b.items[it.id] == it {
		delete(b.items, it.id)
	}
	b.unquarantine(it.id)
}

// RemoveBank takes a bank out with all its entries. The error is ErrUnknown in an
// *EntryError.
func (m *Matcher) RemoveBank(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bank(name)
	if err != nil {
		return err
	}
	if err := m.note(change{op: bankRemoved, bank: Bank{Name: name}}); err != nil {
		return err
	}
	b.off.Or(offGone)            // from here on it matches nothing
	for _, it := range b.items { // in any order: nothing of it is left to be seen
		m.drop(it)
	}
	if m.surges != nil {
		m.surges.dropBank(b)
	}
	delete(m.banks, name)
	m.refresh()
	if b.shelf != nil {
		b.shelf.left--
		go m.clear(b, b.shelf.left == 0) // there may be millions
	}
	return nil
}

// Enable lets an entry match or not, and with an empty id the whole bank. What is
// disabled is kept. An entry matches when it and its bank are enabled, and no date says
// otherwise; enabling one ends its Curation.DisabledUntil. Errors are ErrUnknown in an
// *EntryError.
func (m *Matcher) Enable(bankName, id string, on bool) error {
	noted := change{op: turned, bank: Bank{Name: bankName}, id: id, on: on}
	m.mu.Lock()
	defer m.mu.Unlock()
	if id == "" {
		b, err := m.bank(bankName)
		if err != nil {
			return err
		}
		if err := m.note(noted); err != nil {
			return err
		}
		turn(&b.off, offDisabled, !on)
		m.refresh()
		return nil
	}
	it, err := m.item(bankName, id)
	if err != nil {
		return err
	}
	if err := m.note(noted); err != nil {
		return err
	}
	it.change()
	if s := it.state.Load(); on && s.curation != nil && !s.curation.DisabledUntil.IsZero() {
		c := s.curation.Clone()
		c.DisabledUntil = time.Time{}
		it.state.Store(newItemState(s.labels, c))
	}
	turn(&it.off, offDisabled, !on)
	return nil
}

// SetLabels replaces the labels of an entry, and with an empty id those of the whole
// bank. Errors, in an *EntryError, are ErrUnknown and, in a Matcher that Open has made,
// ErrInvalid for more than a bank file has room for.
func (m *Matcher) SetLabels(bankName, id string, labels ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	labels = slices.Clone(labels)
	noted := change{op: labelsSet, bank: Bank{Name: bankName}, id: id, labels: labels}
	if id == "" {
		b, err := m.bank(bankName)
		if err != nil {
			return err
		}
		next := b.settings()
		next.Labels = labels
		if err := m.checkRoom(&next); err != nil {
			return err
		}
		if err := m.note(noted); err != nil {
			return err
		}
		state := *b.state.Load()
		state.labels = labels
		b.state.Store(&state)
		return nil
	}
	it, err := m.item(bankName, id)
	if err != nil {
		return err
	}
	if err := m.checkEntryRoom(it, newItemState(labels, it.state.Load().curation)); err != nil {
		return err
	}
	if err := m.note(noted); err != nil {
		return err
	}
	it.change()
	it.state.Store(newItemState(labels, it.state.Load().curation))
	return nil
}

// SetThreshold changes the largest distance, in bits and inclusive, at which a bank's
// signals of a kind match. Errors, in an *EntryError, are ErrUnknown for the bank,
// ErrInvalid for what is no threshold of the kind, and a *RadiusError for one that the
// index can't answer in full.
func (m *Matcher) SetThreshold(bankName string, k hash.Kind, bits int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bank(bankName)
	if err != nil {
		return err
	}
	if err := checkThreshold(bankName, k, bits, &m.rules); err != nil {
		return err
	}
	if err := m.note(change{op: thresholdSet, bank: Bank{Name: bankName}, kind: k, bits: bits}); err != nil {
		return err
	}
	next := *b.state.Load()
	next.thresholds[k] = bits
	next.given = maps.Clone(next.given)
	if next.given == nil {
		next.given = make(map[hash.Kind]int)
	}
	next.given[k] = bits
	b.state.Store(&next)
	m.refresh()
	return nil
}

// Kinds returns the kinds of the signals that can match, in the order of their
// numbers: what an upload has to be hashed with. Disabled banks and entries count,
// for they can be enabled at any time. It never waits for a change.
func (m *Matcher) Kinds() []hash.Kind { return slices.Clone(m.view.Load().kinds) }

// HasKnown reports whether there is anything to compare with: an enabled bank, shadowed or
// not, that is no allow-list and has a signal that can match, were it not for what is said of
// its entry. Where there is not, that nothing matches
// says nothing. It never waits for a change.
func (m *Matcher) HasKnown() bool { return m.view.Load().known }

// Quarantined lists the signals that are kept but match nothing, sorted by bank,
// then in the order they came: hashes of blank and plain pictures, digests of the empty file,
// what matches too many of Options.Clean, and pictures of too low a quality. Options.Release has
// some of them match all the same. A program that loads other people's lists should show it. Where snapshots are loaded and have some, it may read all
// their entries; the error is then a *FormatError for what can't be read.
func (m *Matcher) Quarantined() ([]Quarantined, error) {
	m.mu.Lock()
	var copies []bankCopy
	ours := make(map[string][]Quarantined)
	for _, b := range m.banks { // sorted at once
		c := bankCopy{bank: Bank{Name: b.name}}
		if b.aside > 0 {
			c.shelve(b)
		}
		copies = append(copies, c)
		ours[b.name] = slices.Clone(b.quarantined)
	}
	m.mu.Unlock()
	slices.SortFunc(copies, compareCopies)
	var all []Quarantined
	for i := range copies {
		shelved, err := copies[i].quarantined(&m.rules)
		if err != nil {
			return nil, err
		}
		all = append(append(all, shelved...), ours[copies[i].bank.Name]...)
	}
	return all, nil
}

// bank finds a bank by name. The caller holds mu.
func (m *Matcher) bank(name string) (*bank, error) {
	if b := m.banks[name]; b != nil {
		return b, nil
	}
	return nil, &EntryError{Bank: name, Signal: -1, Reason: "there is no such bank; Banks lists them", Err: ErrUnknown}
}

// item finds an entry. The caller holds mu.
func (m *Matcher) item(bankName, id string) (*item, error) {
	b, err := m.bank(bankName)
	if err != nil {
		return nil, err
	}
	it, err := m.find(b, id)
	if it == nil && err == nil {
		err = &EntryError{Bank: bankName, Entry: id, Signal: -1, Reason: "there is no such entry in the bank", Err: ErrUnknown}
	}
	return it, err
}

// find returns the entry of a bank that has an ID, or nil. The caller holds mu.
func (m *Matcher) find(b *bank, id string) (*item, error) {
	if it := b.items[id]; it != nil {
		return it, nil
	}
	it, err := m.shelved(b, id)
	if it == nil || err != nil || it.off.Load()&offGone != 0 {
		return nil, err
	}
	return it, nil
}

// insert adds the entries of a change to b, all or none, and puts them in the place of those
// that are there if the change says so. The caller holds mu.
func (m *Matcher) insert(b *bank, c change) error {
	entries := c.entries
	signals := 0
	items := make([]*item, 0, len(entries)) // each on its own: it goes when it is removed
	var old, kept []*item                   // that are replaced, and that get another state
	var states []*Entry                     // of kept
	undo := func(err error) error {
		for _, it := range items {
			delete(b.items, it.id)
		}
		for _, it := range old {
			if it.shelf == nil {
				b.items[it.id] = it
			}
		}
		return err
	}
	same := make(map[*item]struct{}) // that are there with these signals
	for i := range entries {
		e := &entries[i]
		there, err := m.find(b, e.ID)
		replace := there != nil && c.op == entriesPut && there.off.Load()&offComing == 0
		if err == nil {
			err = b.check(e, there != nil && !replace, &m.rules)
		}
		if err != nil {
			return undo(err)
		}
		if replace && there.duration == e.Duration && sameSignals(there.signals, e.Signals) {
			if _, twice := same[there]; twice {
				return undo(&EntryError{Bank: b.name, Entry: e.ID, Signal: -1, Reason: "the ID is there twice", Err: ErrDuplicate})
			}
			same[there] = struct{}{}
			if now := there.copy(); !now.says(e) {
				kept, states = append(kept, there), append(states, e)
			}
			continue
		}
		if replace {
			old = append(old, there)
		}
		m.seq++
		it := &item{bank: b, id: e.ID, signals: e.Signals, duration: e.Duration, seq: m.seq}
		it.state.Store(newItemState(e.Labels, e.Curation))
		it.off.Store(offComing)
		turn(&it.off, offDisabled, e.Disabled)
		b.items[e.ID] = it
		items = append(items, it)
		signals += len(e.Signals)
	}
	if m.used+uint64(signals) > math.MaxUint32 {
		return undo(fmt.Errorf("%w: more than %d signals in one Matcher", ErrInvalid, uint32(math.MaxUint32)))
	}
	if c.op == entriesPut && len(items)+len(kept) == 0 {
		return nil // it came again
	}
	if err := m.note(c); err != nil {
		return undo(err)
	}
	for i, it := range kept {
		m.become(it, newItemState(states[i].Labels, states[i].Curation), states[i].Disabled)
	}
	for _, it := range old {
		b.unquarantine(it.id)
	}
	var fresh [256]batch // by kind
	for _, it := range items {
		b.count(it, 1)
		m.reserve(it)
		for n := range it.signals {
			if s := &it.signals[n]; m.indexable(it, n) {
				x := &fresh[s.Value.Kind()]
				x.refs, x.values = append(x.refs, it.first+Ref(n)), append(x.values, s.Value)
			}
		}
	}
	for k := range fresh {
		if x := &fresh[k]; len(x.refs) > 0 {
			m.index(b, hash.Kind(k), x)
		}
	}
	m.arrived.Store(m.seq)
	if len(old) > 0 {
		m.refresh() // as long as both are there, queries look for both
	}
	m.swap(old, items)
	for _, it := range old {
		m.drop(it)
		b.count(it, -1)
	}
	return nil
}

// swap makes items that are complete match, and those that they replace no more: in one step
// for what is looked up by settled. The caller holds mu.
func (m *Matcher) swap(old, fresh []*item) {
	if len(old) > 0 {
		m.replacing.Lock()
		defer m.replacing.Unlock()
		m.replaced.Add(1)
		defer m.replaced.Add(1)
	}
	for _, it := range fresh {
		it.off.And(^uint32(offComing))
	}
	for _, it := range old {
		it.off.Or(offGone | offReplaced)
	}
}

// settled looks banks up so that no entry is missed, or met twice, because another one comes in
// its place meanwhile: do may look for it before the new one is there, and find the old one when
// it is gone. So it is done again if entries were replaced beside it, which is seldom, and at
// last they wait for it. do must not take mu.
func (u *Upload) settled(do func() error) error {
	m := u.m
	for range 3 {
		if before := m.replaced.Load(); before%2 == 0 {
			if err := do(); err != nil || m.replaced.Load() == before {
				return err
			}
		}
	}
	u.clock() // which is the caller's, and may use the Matcher
	m.replacing.RLock()
	defer m.replacing.RUnlock()
	return do()
}

// refresh makes the view anew if the banks have changed what a query has to know of
// them. The caller holds mu.
func (m *Matcher) refresh() {
	old := m.view.Load()
	next := view{indices: old.indices, shelves: old.shelves}
	for _, b := range m.banks { // in any order: one is enough
		r := &b.state.Load().rollOut
		next.percent = next.percent || b.off.Load()&^offComing == 0 && !r.Shadow && !r.all()
	}
	for _, k := range hash.Kinds() {
		next.radius[k], next.seeds[k] = -1, -1
		present := false
		for _, b := range m.banks { // in any order: of all of them the same comes out
			if b.indexed[k] <= 0 {
				continue
			}
			present = true
			if b.off.Load()&^offComing == 0 {
				next.radius[k] = max(next.radius[k], b.threshold(k))
				if b.videos > 0 && !b.allow {
					next.seeds[k] = max(next.seeds[k], seedWithin(k, b.threshold(k)))
				}
				next.known = next.known || !b.allow
			}
		}
		next.seeds[k] = max(next.seeds[k], next.radius[k])
		if present {
			next.kinds = append(next.kinds, k)
		}
	}
	if next.radius != old.radius || next.seeds != old.seeds || next.known != old.known || next.percent != old.percent || !slices.Equal(next.kinds, old.kinds) {
		m.view.Store(&next)
	}
}

// indexOf returns the index of a perceptual kind, and makes it if need be. The caller
// holds mu.
func (m *Matcher) indexOf(k hash.Kind) (*MIH, error) {
	old := m.view.Load()
	if x := old.indices[k]; x != nil {
		return x, nil
	}
	x, err := NewMIH(k, m.rules.maxRadius[k])
	if err != nil {
		return nil, err
	}
	next := *old
	next.indices = maps.Clone(old.indices)
	if next.indices == nil {
		next.indices = make(map[hash.Kind]*MIH)
	}
	next.indices[k] = x
	m.view.Store(&next)
	return x, nil
}

// batch is signals of one kind to index.
type batch struct {
	refs   []Ref
	values []hash.Value
}

// indexable reports whether a signal is to be found, and sets it aside with the
// reason if not. The caller holds mu and has checked the entry.
func (m *Matcher) indexable(it *item, n int) bool {
	s := &it.signals[n]
	cause, reason := m.rules.aside(s, it.isVideo())
	if cause != "" {
		it.bank.quarantine(it, n, cause, reason)
	}
	if cause == "" && s.Quality.Passes(m.rules.gate) {
		return true
	}
	it.silent = append(it.silent, int32(n))
	return false
}

// index makes signals of one bank findable. The caller holds mu.
func (m *Matcher) index(b *bank, k hash.Kind, x *batch) {
	add := func() error {
		if k.IsDigest() {
			return m.digests.AddAll(x.refs, x.values)
		}
		index, err := m.indexOf(k)
		if err != nil {
			return err
		}
		return index.AddAll(x.refs, x.values)
	}
	if err := add(); err != nil {
		// Cannot happen for checked entries in fresh slots; if it ever did, it would be
		// seen and not silently missing.
		for _, ref := range x.refs {
			it := m.slots.load(ref)
			b.quarantine(it, int(ref-it.first), CauseIndex, err.Error())
		}
		return
	}
	b.indexed[k] += len(x.refs)
}

// drop makes an item unfindable and frees its slots. The caller holds mu
// and takes the item out of its bank.
func (m *Matcher) drop(it *item) {
	if m.surges != nil {
		defer m.surges.drop(it) // once it is seen to be gone
	}
	if it.shelf != nil {
		m.dropShelved(it)
		return
	}
	it.off.Or(offGone)
	for n := range it.signals {
		v, ref := it.signals[n].Value, it.first+Ref(n)
		if m.unindex(ref, v) {
			it.bank.indexed[v.Kind()]--
		}
		m.slots.at(ref).Store(nil)
	}
	m.free[len(it.signals)] = append(m.free[len(it.signals)], it.first)
}

// reserve finds a run of slots for the item's signals and puts it there. From then on a query
// that holds a hit of what had the slots before may come by it.
func (m *Matcher) reserve(it *item) {
	n := len(it.signals)
	if runs := m.free[n]; len(runs) > 0 {
		it.first = runs[len(runs)-1]
		m.free[n] = runs[:len(runs)-1]
	} else {
		it.first = Ref(m.used) // insert has seen that there is room
		m.used += uint64(n)
	}
	m.slots.store(it.first, n, it)
}
