package match

import (
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
)

// Lineage tells whoever keeps a bank file up to date which file it is and how far it has come.
// Files of a Builder begin one of their own; Open counts in Sequence the changes of its log.
type Lineage struct {
	ID       [16]byte
	Sequence uint64
}

// Lineage returns what the file says of itself.
func (s *Snapshot) Lineage() Lineage { return Lineage{s.lineage.id, s.lineage.sequence} }

// WriteFileAs is WriteFile of a file with a lineage that is given: for what follows a system of
// record and has to find again which changes a file holds.
func (b *Builder) WriteFileAs(path string, l Lineage) error {
	return replaceFile(path, func(w io.Writer) error { return b.write(w, &lineage{l.ID, l.Sequence}) })
}

// Frozen is the banks of a Matcher as they were at one moment. It is a Set, and safe for
// concurrent use. Memory of what the Matcher has changed since then stays as long as it is kept.
type Frozen struct {
	infos  []BankInfo
	copies []bankCopy

	index sync.Once
	items []map[string]*itemCopy // by the number of the copy: what is on no shelf
}

// Freeze returns the banks as they are. It costs by what was changed since a snapshot was
// loaded, not by what is there; changes wait for it, queries do not.
func (m *Matcher) Freeze() *Frozen {
	m.mu.Lock()
	f := &Frozen{infos: m.infos(), copies: m.copies()}
	m.mu.Unlock()
	for i := range f.copies {
		f.copies[i].sort()
	}
	return f
}

// Banks describes the banks, sorted by name.
func (f *Frozen) Banks() []BankInfo { return slices.Clone(f.infos) }

// Entries is as Matcher.Entries.
func (f *Frozen) Entries(bank string) iter.Seq2[Entry, error] { return f.EntriesAfter(bank, "") }

// EntriesAfter is as Matcher.EntriesAfter.
func (f *Frozen) EntriesAfter(bank, id string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		number, err := f.find(bank)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		c := f.copies[number]
		if id != "" {
			now, shelved, err := f.at(number, id)
			if err == nil && now == nil && shelved == nil {
				err = &EntryError{Bank: bank, Entry: id, Signal: -1, Reason: "there is no such entry in the bank", Err: ErrUnknown}
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if now != nil {
				c.after = now.it
			} else {
				c.after = shelved
			}
		}
		c.entries()(yield)
	}
}

// Entry is as Matcher.Entry.
func (f *Frozen) Entry(bank, id string) (Entry, bool, error) {
	number, err := f.find(bank)
	if err != nil {
		return Entry{}, false, err
	}
	now, shelved, err := f.at(number, id)
	switch {
	case err != nil || now == nil && shelved == nil:
		return Entry{}, false, err
	case now != nil:
		return now.entry(), true, nil
	}
	_, e, err := f.copies[number].shelf.snap.entry(shelved.number)
	return e, err == nil, err
}

// WriteFile writes the banks to a bank file of a lineage, which replaces what was at path in one
// step. See Builder.WriteFile.
func (f *Frozen) WriteFile(path string, l Lineage) error {
	var b Builder
	for i := range f.copies {
		c := f.copies[i]
		if err := c.build(&b); err != nil {
			return err
		}
	}
	return b.WriteFileAs(path, l)
}

func (f *Frozen) find(bank string) (int, error) {
	number, found := slices.BinarySearchFunc(f.copies, bank, func(c bankCopy, name string) int { return strings.Compare(c.bank.Name, name) })
	if !found {
		return 0, &EntryError{Bank: bank, Signal: -1, Reason: "there is no such bank; Banks lists them", Err: ErrUnknown}
	}
	return number, nil
}

// at finds an entry of a copy: what was changed of it, or where it lies on the shelf as it came.
func (f *Frozen) at(number int, id string) (now *itemCopy, shelved *item, err error) {
	f.index.Do(func() {
		f.items = make([]map[string]*itemCopy, len(f.copies))
		for i := range f.copies {
			f.items[i] = make(map[string]*itemCopy, len(f.copies[i].items))
			for j := range f.copies[i].items {
				it := &f.copies[i].items[j]
				f.items[i][it.it.id] = it
			}
		}
	})
	if now = f.items[number][id]; now != nil {
		return now, nil, nil
	}
	c := &f.copies[number]
	if c.shelf == nil {
		return nil, nil, nil
	}
	at, there, err := c.shelf.snap.find(c.number, id)
	if err != nil || !there {
		return nil, nil, err
	}
	if changed, ok := c.changed[at]; ok {
		if changed.off&offGone != 0 {
			return nil, nil, nil
		}
		return &changed, nil, nil
	}
	return nil, &item{id: id, shelf: c.shelf, number: at}, nil
}

// Check refuses what no Matcher or bank file takes: a bank without a name, settings that make no
// sense, entries as Entry.Check has it. Whether the index can answer its thresholds, and whether
// two entries have the same ID, is not looked at. Errors are ErrInvalid in an *EntryError.
func (b Bank) Check() error {
	if _, err := appendBank(nil, &b); err != nil {
		return err
	}
	for i := range b.Entries {
		if err := b.Entries[i].Check(b.Name); err != nil {
			return err
		}
	}
	return nil
}

// Check refuses an entry that no bank takes: without an ID or a signal, with values, times or a
// curation that make no sense, or with more than a bank file has room for. The bank is only
// named in the error, which is ErrInvalid in an *EntryError.
func (e Entry) Check(bank string) error {
	if isBareHash(&e) {
		return nil
	}
	if len(e.Signals) == 0 && e.ID != "" {
		return &EntryError{Bank: bank, Entry: e.ID, Signal: -1, Reason: "an entry needs at least one signal", Err: ErrInvalid}
	}
	_, err := appendEntry(nil, bank, &e)
	return err
}
