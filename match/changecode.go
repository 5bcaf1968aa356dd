package match

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/rematch-go/rematch/hash"
)

// How changes are written in a log, and read and made again; see the format of it.

// The changes of a log.
const (
	bankAdded = iota + 1
	entriesAdded
	entryRemoved
	bankRemoved
	turned
	labelsSet
	thresholdSet
	bankSet
	entrySet
	entriesPut
	entriesRemoved
)

// change is a change of a Matcher as its log has it.
type change struct {
	op      uint8
	bank    Bank // its name, and of one that is added or set the rest
	entries []Entry
	id      string
	on      bool
	labels  []string // or IDs
	kind    hash.Kind
	bits    int
}

// append appends the payload of a record. Names are checked before they come here, but one that
// was cut would make all of the log unreadable.
func (c *change) append(dst []byte) ([]byte, error) {
	long := func(s string) bool { return len(s) > math.MaxUint16 }
	if long(c.bank.Name) || long(c.id) || slices.ContainsFunc(c.labels, long) {
		return dst, &EntryError{Bank: c.bank.Name, Entry: c.id, Signal: -1, Reason: "a name, an ID or a label is longer than 65535", Err: ErrInvalid}
	}
	dst = append(dst, c.op)
	if c.op == bankAdded || c.op == bankSet {
		var err error
		if dst, err = appendBank(dst, &c.bank); err != nil || c.op == bankSet {
			return dst, err
		}
		return c.appendEntries(dst)
	}
	dst = appendString(dst, c.bank.Name)
	switch c.op {
	case entriesAdded, entriesPut:
		return c.appendEntries(dst)
	case entrySet:
		e := &c.entries[0]
		said := !e.Curation.empty()
		dst = append(appendString(dst, e.ID), flag(e.Disabled, 1)|flag(said, 2))
		if dst = appendList(dst, e.Labels); said {
			dst = appendCuration(dst, e.Curation)
		}
	case entriesRemoved:
		dst = appendLongList(dst, c.labels)
	case entryRemoved:
		dst = appendString(dst, c.id)
	case turned:
		dst = append(appendString(dst, c.id), flag(c.on, 1))
	case labelsSet:
		dst = appendList(appendString(dst, c.id), c.labels)
	case thresholdSet:
		dst = binary.LittleEndian.AppendUint16(append(dst, byte(c.kind)), uint16(c.bits))
	}
	return dst, nil
}

func (c *change) appendEntries(dst []byte) ([]byte, error) {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(c.entries)))
	for i := range c.entries {
		e := &c.entries[i]
		if isBareHash(e) {
			v := e.Signals[0].Value
			dst = v.AppendBytes(append(dst, byte(v.Kind())))
			continue
		}
		var err error
		if dst, err = appendEntry(append(dst, 0), c.bank.Name, e); err != nil {
			return dst, err
		}
		if len(dst) > maxRecord {
			break
		}
	}
	if len(dst) > maxRecord {
		return dst, &EntryError{Bank: c.bank.Name, Signal: -1, Reason: fmt.Sprintf("the change takes more than %d bytes; add the entries in parts, or build a bank file of them", maxRecord), Err: ErrInvalid}
	}
	return dst, nil
}

// change reads a payload.
func (d *decoder) change() change {
	c := change{op: d.uint8()}
	switch {
	case c.op == bankAdded:
		c.bank = d.bank()
		c.entries = d.entries()
		return c
	case c.op < bankAdded || c.op > entriesRemoved || d.old && c.op > thresholdSet:
		d.bad = true
		return c
	}
	if c.op == bankSet {
		c.bank = d.bank()
		return c
	}
	c.bank.Name = d.string()
	switch c.op {
	case entriesAdded, entriesPut:
		c.entries = d.entries()
	case entrySet:
		e := Entry{ID: d.string()}
		flags := d.uint8()
		e.Disabled, d.bad = flags&1 != 0, d.bad || flags > 3
		if e.Labels = d.list(); flags&2 != 0 {
			e.Curation = d.curation()
		}
		c.entries = []Entry{e}
	case entriesRemoved:
		c.labels = d.longList()
	case entryRemoved:
		c.id = d.string()
	case turned:
		c.id = d.string()
		on := d.uint8()
		c.on, d.bad = on == 1, d.bad || on > 1
	case labelsSet:
		c.id, c.labels = d.string(), d.list()
	case thresholdSet:
		c.kind, c.bits = hash.Kind(d.uint8()), int(d.uint16())
	}
	return c
}

// appendLongList appends a list of which only the strings are short.
func appendLongList(dst []byte, list []string) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(list)))
	for _, s := range list {
		dst = appendString(dst, s)
	}
	return dst
}

func (d *decoder) longList() (list []string) {
	n := int64(d.uint32())
	if d.bad || n > int64(len(d.b))/2 { // each string takes its length at least
		d.bad = true
		return nil
	}
	for ; n > 0 && !d.bad; n-- {
		list = append(list, d.string())
	}
	return list
}

func (d *decoder) entries() []Entry {
	n := int64(d.uint32())
	if d.bad || n > int64(len(d.b))/(1+8) { // the shortest is a hash of 64 bits
		d.bad = true
		return nil
	}
	entries := make([]Entry, 0, n)
	for ; n > 0 && !d.bad; n-- {
		k := hash.Kind(d.uint8())
		if k == 0 {
			entries = append(entries, d.entry())
			continue
		}
		v, err := hash.FromBytes(k, d.take(k.Bits()/8))
		if err != nil {
			d.bad = true
			break
		}
		entries = append(entries, bareEntry(v))
	}
	return entries
}

// apply makes the change in m.
func (c *change) apply(m *Matcher) error {
	switch c.op {
	case bankAdded:
		c.bank.Entries = c.entries
		return m.Add(c.bank)
	case entriesAdded:
		return m.AddEntries(c.bank.Name, c.entries...)
	case entryRemoved:
		return m.Remove(c.bank.Name, c.id)
	case bankRemoved:
		return m.RemoveBank(c.bank.Name)
	case turned:
		return m.Enable(c.bank.Name, c.id, c.on)
	case labelsSet:
		return m.SetLabels(c.bank.Name, c.id, c.labels...)
	case bankSet:
		return m.Apply(Change{Op: PutBank, Bank: c.bank})
	case entrySet:
		return m.Apply(Change{Op: SetEntry, Bank: c.bank, Entries: c.entries})
	case entriesPut:
		return m.putEntries(c.bank.Name, c.entries)
	case entriesRemoved:
		return m.dropEntries(c.bank.Name, c.labels)
	}
	return m.SetThreshold(c.bank.Name, c.kind, c.bits)
}
