package match

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Op says what a Change does.
type Op string

// The ops of changes, stable tokens.
const (
	PutBank     Op = "put_bank"     // makes a bank, or sets all of one but its entries
	DropBank    Op = "drop_bank"    // removes a bank, if it is there
	PutEntries  Op = "put_entries"  // adds entries to a bank; those that are there are replaced
	DropEntries Op = "drop_entries" // removes entries from a bank, those that are there
	SetEntry    Op = "set_entry"    // sets all of an entry but its signals and duration
)

// Change is a change of banks as a plain value: what a system of record writes down, and what a
// Matcher that follows one is fed with. It says what is so from then on, and not what to do, so
// that a change that comes twice is as one that comes once. It may be kept as JSON.
type Change struct {
	Op   Op
	Bank Bank // of PutBank all but Entries; of the others the Name
	// Entries are those of PutEntries, whole. DropEntries needs their ID, and SetEntry of one
	// entry ID, Labels, Disabled and Curation.
	Entries []Entry
}

// Apply makes a change, all of it or, on an error, nothing. Changes that come again change
// nothing, so that a feed may be read from any point before the one that is sure. An entry
// that is put with the signals it has keeps its place in the indices.
//
// Errors, in an *EntryError, are ErrUnknown for a bank, or an entry of SetEntry, that is not
// there, ErrInvalid, and those of Add. An allow-list stays one, and nothing else becomes one.
// The matcher goes on using the entries' slices.
func (m *Matcher) Apply(c Change) error {
	switch c.Op {
	case PutBank:
		b := c.Bank
		b.Entries = nil
		fresh, err := newBank(b, &m.rules)
		if err != nil {
			return err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if there := m.banks[b.Name]; there != nil {
			return m.setBank(there, &b)
		}
		return m.add(fresh, b)
	case DropBank:
		if err := m.RemoveBank(c.Bank.Name); !errors.Is(err, ErrUnknown) {
			return err
		}
		return nil
	case PutEntries:
		return m.putEntries(c.Bank.Name, c.Entries)
	case DropEntries:
		ids := make([]string, len(c.Entries))
		for i := range c.Entries {
			ids[i] = c.Entries[i].ID
		}
		return m.dropEntries(c.Bank.Name, ids)
	case SetEntry:
		if len(c.Entries) != 1 {
			return fmt.Errorf("%w: a change that sets an entry has %d of them", ErrInvalid, len(c.Entries))
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		it, err := m.item(c.Bank.Name, c.Entries[0].ID)
		if err != nil {
			return err
		}
		return m.setEntry(it, &c.Entries[0])
	}
	return fmt.Errorf("%w: a change has the op %q; there is none such", ErrInvalid, c.Op)
}

// EditBank changes all of a bank but its name, its entries and whether it is an allow-list, in
// one step: edit is given the bank as it is, without entries, and changes it. It is called with
// the Matcher locked for changes and must not use it. Errors, in an *EntryError, are ErrUnknown,
// and ErrInvalid and a *RadiusError for what makes no sense; then nothing is changed.
func (m *Matcher) EditBank(name string, edit func(*Bank)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bank(name)
	if err != nil {
		return err
	}
	next := b.settings()
	next.Labels, next.Suppresses, next.Thresholds = slices.Clone(next.Labels), slices.Clone(next.Suppresses), maps.Clone(next.Thresholds)
	edit(&next)
	next.Entries = nil
	if next.Name != name {
		return &EntryError{Bank: name, Signal: -1, Reason: fmt.Sprintf("it can't be renamed to %q", next.Name), Err: ErrInvalid}
	}
	return m.setBank(b, &next)
}

// EditEntry changes labels, switch and curation of an entry in one step, as EditBank does it.
// edit is given an entry with a Curation that is its own. Whatever else it changes is ErrInvalid.
func (m *Matcher) EditEntry(bankName, id string, edit func(*Entry)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	it, err := m.item(bankName, id)
	if err != nil {
		return err
	}
	now := it.copy()
	e := now.entry()
	e.Labels, e.Curation, e.Signals = slices.Clone(e.Labels), e.Curation.Clone(), cloneSignals(e.Signals)
	edit(&e)
	if e.ID != id || e.Duration != it.duration || !sameSignals(e.Signals, it.signals) {
		return &EntryError{Bank: bankName, Entry: id, Signal: -1, Reason: "its ID, signals and duration can't be changed; put another entry in its place", Err: ErrInvalid}
	}
	return m.setEntry(it, &e)
}

// setBank gives a bank other settings. The caller holds mu.
func (m *Matcher) setBank(b *bank, next *Bank) error {
	if next.Allow != b.allow {
		return &EntryError{Bank: b.name, Signal: -1, Reason: "an allow-list stays one, and nothing else becomes one; make another bank", Err: ErrInvalid}
	}
	state, err := newBankState(next, &m.rules)
	if err != nil {
		return err
	}
	for k := range b.indexed {
		if b.indexed[k] > 0 && state.thresholds[k] > m.rules.maxRadius[k] {
			return &EntryError{Bank: b.name, Signal: -1, Reason: "a kind's own threshold is over the index's maximum; set the bank's",
				Err: &RadiusError{Radius: state.thresholds[k], Max: m.rules.maxRadius[k]}}
		}
	}
	settings := b.settings()
	if was, is := newBankInfo(&settings, 0, 0), newBankInfo(next, 0, 0); sameBank(&was, &is) && maps.Equal(was.Given, is.Given) {
		return nil // it came again
	}
	if err := m.checkRoom(next); err != nil {
		return err
	}
	if err := m.note(change{op: bankSet, bank: *next}); err != nil {
		return err
	}
	b.state.Store(state)
	turn(&b.off, offDisabled, next.Disabled)
	m.refresh()
	return nil
}

// setEntry gives an item another state. The caller holds mu.
func (m *Matcher) setEntry(it *item, e *Entry) error {
	if reason := e.Curation.fault(); reason != "" {
		return &EntryError{Bank: it.bank.name, Entry: it.id, Signal: -1, Reason: reason, Err: ErrInvalid}
	}
	if now := it.copy(); now.says(e) {
		return nil
	}
	state := newItemState(slices.Clone(e.Labels), e.Curation)
	if err := m.checkEntryRoom(it, state); err != nil {
		return err
	}
	if err := m.note(change{op: entrySet, bank: Bank{Name: it.bank.name}, entries: []Entry{*e}}); err != nil {
		return err
	}
	m.become(it, state, e.Disabled)
	return nil
}

// become changes what may change of an item. The caller holds mu.
func (m *Matcher) become(it *item, s *itemState, disabled bool) {
	it.change()
	if it.state.Load().held && !s.held && m.surges != nil {
		m.surges.pardon(it, m.rules.unixNano())
	}
	it.state.Store(s)
	turn(&it.off, offDisabled, disabled)
}

// putEntries adds or replaces entries.
func (m *Matcher) putEntries(bankName string, entries []Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bank(bankName)
	if err != nil {
		return err
	}
	if err := m.insert(b, change{op: entriesPut, bank: Bank{Name: bankName}, entries: entries}); err != nil {
		return err
	}
	m.refresh()
	return nil
}

// dropEntries removes those of the entries that are there.
func (m *Matcher) dropEntries(bankName string, ids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bank(bankName)
	if err != nil {
		return err
	}
	there := make(map[string]*item)
	var order []*item
	for _, id := range ids {
		it, err := m.find(b, id)
		if err != nil {
			return err
		}
		if it != nil && there[id] == nil {
			there[id] = it
			order = append(order, it)
		}
	}
	if len(order) == 0 {
		return nil
	}
	ids = make([]string, len(order)) // what is not there is not written down: nobody has checked it
	for i, it := range order {
		ids[i] = it.id
	}
	if err := m.note(change{op: entriesRemoved, bank: Bank{Name: bankName}, labels: ids}); err != nil {
		return err
	}
	for _, it := range order {
		m.remove(it)
	}
	m.refresh()
	return nil
}
