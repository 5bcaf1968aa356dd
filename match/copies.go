package match

import (
	"cmp"
	"iter"
	"slices"

	"github.com/rematch-go/rematch/hash"
)

// bankCopy is a bank as it was at a moment.
type bankCopy struct {
	bank    Bank // without entries
	shelf   *shelf
	number  int                 // of the bank on the shelf
	changed map[uint32]itemCopy // what is not as on the shelf, by the entry's number
	items   []itemCopy          // what is on no shelf
	after   *item               // after which its entries are given; nil: all of them
}

// itemCopy is an item as it was at a moment.
type itemCopy struct {
	it    *item
	state *itemState
	off   uint32
}

func (it *item) copy() itemCopy { return itemCopy{it, it.state.Load(), it.off.Load()} }

func (c *itemCopy) entry() Entry {
	return Entry{ID: c.it.id, Labels: c.state.labels, Signals: c.it.signals, Duration: c.it.duration, Disabled: c.off&offDisabled != 0, Curation: c.state.curation}
}

// says reports whether labels, switch and curation are those of e.
func (c *itemCopy) says(e *Entry) bool {
	return c.off&offDisabled != 0 == e.Disabled && slices.Equal(c.state.labels, e.Labels) && c.state.curation.Equal(e.Curation)
}

// copy returns the bank as it is. The caller holds Matcher.mu, and so nothing is done here
// that can be done later.
func (b *bank) copy() bankCopy {
	c := bankCopy{bank: b.settings(), items: make([]itemCopy, 0, len(b.items))}
	for _, it := range b.items { // sorted by sort
		c.items = append(c.items, it.copy())
	}
	c.shelve(b)
	return c
}

// shelve adds what is on a shelf.
func (c *bankCopy) shelve(b *bank) {
	if b.shelf == nil {
		return
	}
	c.shelf, c.number, c.changed = b.shelf, b.number, make(map[uint32]itemCopy)
	for number, it := range b.shelf.changed {
		if it.bank == b {
			c.changed[number] = it.copy()
		}
	}
}

// sort puts items into the order they came.
func (c *bankCopy) sort() {
	slices.SortFunc(c.items, func(x, y itemCopy) int { return cmp.Compare(x.it.seq, y.it.seq) })
}

func compareCopies(x, y bankCopy) int { return cmp.Compare(x.bank.Name, y.bank.Name) }

// copies returns all banks as they are, in the order of their names. The caller holds mu.
func (m *Matcher) copies() []bankCopy {
	all := make([]bankCopy, 0, len(m.banks))
	for _, b := range m.banks { // sorted at once
		all = append(all, b.copy())
	}
	slices.SortFunc(all, compareCopies)
	return all
}

// numbers are the numbers of the bank's entries on its shelf: the bare ones, then the
// others.
func (c *bankCopy) numbers(yield func(number uint32, bare bool) bool) {
	if c.shelf == nil {
		return
	}
	from := &c.shelf.snap.banks[c.number]
	for n := range from.bare {
		if !yield(from.firstBare+n, true) {
			return
		}
	}
	for n := range from.full {
		if !yield(from.firstFull+n, false) {
			return
		}
	}
}

// entries returns the bank's entries: those on its shelf, then the others, each in the
// order they came.
func (c *bankCopy) entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		c.sort()
		for number := range c.numbers {
			if c.after != nil && (c.after.shelf == nil || number <= c.after.number) {
				continue
			}
			var e Entry
			if now, changed := c.changed[number]; !changed {
				var err error
				if _, e, err = c.shelf.snap.entry(number); err != nil {
					yield(Entry{}, err)
					return
				}
			} else if now.off&offGone != 0 {
				continue
			} else {
				e = now.entry()
			}
			if !yield(e, nil) {
				return
			}
		}
		for i := range c.items {
			if c.after != nil && c.after.shelf == nil && c.items[i].it.seq <= c.after.seq {
				continue
			}
			if !yield(c.items[i].entry(), nil) {
				return
			}
		}
	}
}

// build adds the bank to a builder.
func (c *bankCopy) build(b *Builder) error {
	if err := b.Bank(c.bank); err != nil {
		return err
	}
	c.sort()
	for number, bare := range c.numbers {
		now, changed := c.changed[number]
		var err error
		switch {
		case changed && now.off&offGone != 0:
		case changed:
			err = b.Entry(now.entry())
		case bare:
			var v hash.Value
			if v, err = c.shelf.snap.bareValue(number); err == nil {
				err = b.Hash(v)
			}
		default:
			var e Entry
			if _, e, err = c.shelf.snap.entry(number); err == nil {
				err = b.Entry(e)
			}
		}
		if err != nil {
			return err
		}
	}
	for i := range c.items {
		if err := b.Entry(c.items[i].entry()); err != nil {
			return err
		}
	}
	return nil
}

// Entries returns the entries of a bank as they are when the iteration begins, those of a
// snapshot first, each in the order they came. Their slices are the matcher's: do not
// change them. Errors, which end it, are ErrUnknown in an *EntryError and, where a loaded
// snapshot turns out to be damaged, a *FormatError.
func (m *Matcher) Entries(bankName string) iter.Seq2[Entry, error] {
	return m.EntriesAfter(bankName, "")
}

// EntriesAfter is Entries from the one after an entry on: for pages. With an empty id it is
// Entries; where the entry is not there any more, or never was, the error is ErrUnknown.
func (m *Matcher) EntriesAfter(bankName, id string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		m.mu.Lock()
		b, err := m.bank(bankName)
		var after *item
		if err == nil && id != "" {
			after, err = m.item(bankName, id)
		}
		if err != nil {
			m.mu.Unlock()
			yield(Entry{}, err)
			return
		}
		c := b.copy()
		c.after = after
		m.mu.Unlock()
		c.entries()(yield)
	}
}

// Entry returns an entry of a bank; ok is false if it is not there. Errors are those of
// Entries.
func (m *Matcher) Entry(bankName, id string) (e Entry, ok bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bank(bankName)
	if err != nil {
		return Entry{}, false, err
	}
	it := b.items[id]
	if it == nil && b.shelf != nil {
		number, there, err := b.shelf.snap.find(b.number, id)
		if err != nil || !there {
			return Entry{}, false, err
		}
		if it = b.shelf.changed[number]; it == nil {
			_, e, err := b.shelf.snap.entry(number)
			return e, err == nil, err
		}
	}
	if it == nil || it.off.Load()&offGone != 0 {
		return Entry{}, false, nil
	}
	c := it.copy()
	return c.entry(), true, nil
}
