package match

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/exact"
	"github.com/rematch-go/rematch/match/internal/mih"
)

// Builder makes a bank file. The zero value is empty and ready. It is not for
// concurrent use.
//
// Banks, hashes and entries are given one after the other; then Write or WriteFile
// makes the file, once, and leaves the builder empty-handed: it can't be used again.
// An error of any method is also that of all later ones, so that no file is made of a
// part of what was meant.
//
// The same banks give the same bytes, and the order of bare hashes does not matter. A
// builder refuses what a Matcher would: invalid hashes, qualities and times, empty
// names, and names and IDs that occur twice. A file has room for strings and lists up
// to 65,535, entries up to 64 MiB, and 4,294,967,295 signals and entries.
//
// A bare hash takes 8 to 32 bytes until the file is made, any other entry about 50
// beside its text and hashes. While it is made that is twice as much, and then about 100
// bytes a hash for one index of up to 16 million after the other.
type Builder struct {
	banks   []*draft
	names   map[string]struct{}
	bare    uint64 // how many bare entries, with those that are given twice
	signals uint64 // of the other entries

	chunks  [][]byte // what ENTR will hold, whole entries in each
	starts  []uint64 // where each chunk starts in ENTR
	size    uint64   // of ENTR
	offsets []offset // of the other entries, in order
	ids     []idMark
	junk    []uint32             // of their signals
	byKind  map[hash.Kind]uint64 // how many of their signals
	scratch []byte

	part   int // how many hashes share an index at most; 0: as many as can
	tidyAt int // how many hashes of a list are taken before a look at what is repeated; 0: tidyHashes

	repeated uint64 // see Repeated

	err error // of the first method that failed
}

// offset is where an entry starts.
type offset struct {
	at     uint64 // in ENTR
	signal uint32 // its first, of those that are not bare
}

// idMark is a record of ENTI.
type idMark struct {
	sum    uint64
	number uint32 // of the entry; in a Builder, of those that are not bare
}

func (m idMark) compare(o idMark) int {
	return cmp.Or(cmp.Compare(m.sum, o.sum), cmp.Compare(m.number, o.number))
}

// draft is a bank that is being built.
type draft struct {
	name        string
	description []byte // what BANK says before the counts
	// hashes are the bare entries that Hash gave, of which equal ones are one entry;
	// strict those that Entry gave, of which none may be equal.
	hashes, strict map[hash.Kind]*hashList
	words          map[hash.Kind][]uint64 // all of them, when the file is made
	lists          []listID               // IDs of other entries that read like those of bare ones
	first          int                    // its first other entry
	full, videos   uint32
	counts         map[int]*signalCount // by sort
}

// listID is an ID that a bare entry could have.
type listID struct {
	id    string
	value hash.Value
}

// fail keeps the first error.
func (b *Builder) fail(err error) error {
	if b.err == nil {
		b.err = err
	}
	return b.err
}

// Bank begins a bank, with its entries, if there are any. What Hash and Entry give is in
// the latest one. Errors are of type *EntryError around ErrInvalid or ErrDuplicate.
func (b *Builder) Bank(bank Bank) error {
	if b.err != nil {
		return b.err
	}
	d := &draft{name: bank.Name, first: len(b.offsets), counts: make(map[int]*signalCount)}
	var err error
	if d.description, err = appendBank(nil, &bank); err != nil {
		return b.fail(err)
	}
	if _, twice := b.names[bank.Name]; twice {
		return b.fail(&EntryError{Bank: bank.Name, Signal: -1, Reason: "two banks have the name", Err: ErrDuplicate})
	}
	if b.names == nil {
		b.names, b.byKind = make(map[string]struct{}), make(map[hash.Kind]uint64)
	}
	b.names[bank.Name] = struct{}{}
	b.banks = append(b.banks, d)
	for i := range bank.Entries {
		if err := b.entry(&bank.Entries[i]); err != nil {
			return err
		}
	}
	return nil
}

// Hash adds an entry that is nothing but a hash of unmeasured quality, with the value's
// text as ID. Lists repeat hashes: one that the bank has as such an entry already
// changes nothing but the count of Repeated, and takes no memory for long. The error is ErrInvalid.
func (b *Builder) Hash(v hash.Value) error {
	if b.err != nil {
		return b.err
	}
	if len(b.banks) == 0 {
		return b.fail(fmt.Errorf("%w: a hash before the first bank", ErrInvalid))
	}
	d := b.banks[len(b.banks)-1]
	if !v.IsValid() {
		return b.fail(&EntryError{Bank: d.name, Signal: -1, Reason: "the hash is the invalid zero value", Err: ErrInvalid})
	}
	return b.add(d, &d.hashes, v, cmp.Or(b.tidyAt, tidyHashes))
}

// Repeated returns how many times Hash was given what the bank had already, counted when the
// file is made; 0 before.
func (b *Builder) Repeated() uint64 { return b.repeated }

// add adds a bare hash to a list.
func (b *Builder) add(d *draft, lists *map[hash.Kind]*hashList, v hash.Value, tidyAt int) error {
	l := (*lists)[v.Kind()]
	if l == nil {
		if *lists == nil {
			*lists = make(map[hash.Kind]*hashList)
		}
		l = newHashList(v.Kind(), tidyAt)
		(*lists)[v.Kind()] = l
	}
	l.add(v)
	b.bare++
	return b.room(d)
}

// room refuses more than there are numbers for.
func (b *Builder) room(d *draft) error {
	if b.bare+max(b.signals, uint64(len(b.offsets))) > math.MaxUint32 {
		return b.fail(&EntryError{Bank: d.name, Signal: -1, Reason: fmt.Sprintf("more than %d signals or entries", uint32(math.MaxUint32)), Err: ErrInvalid})
	}
	return nil
}

// Entry adds an entry. Nothing of it is kept. Errors are of type *EntryError around
// ErrInvalid; an ID that occurs twice is found when the file is made, with ErrDuplicate.
// Entry.Bank is not looked at.
func (b *Builder) Entry(e Entry) error { return b.entry(&e) }

func (b *Builder) entry(e *Entry) error {
	if b.err != nil {
		return b.err
	}
	if len(b.banks) == 0 {
		return b.fail(fmt.Errorf("%w: an entry before the first bank", ErrInvalid))
	}
	d := b.banks[len(b.banks)-1]
	if isBareHash(e) {
		return b.add(d, &d.strict, e.Signals[0].Value, 0)
	}
	var err error
	if b.scratch, err = appendEntry(b.scratch[:0], d.name, e); err != nil {
		return b.fail(err)
	}
	last := len(b.chunks) - 1
	if last < 0 || len(b.chunks[last])+len(b.scratch) > cap(b.chunks[last]) {
		b.chunks = append(b.chunks, make([]byte, 0, max(len(b.scratch), 4096<<min(len(b.chunks), 8))))
		b.starts = append(b.starts, b.size)
		last++
	}
	b.chunks[last] = append(b.chunks[last], b.scratch...)
	b.ids = append(b.ids, idMark{idSum(e.ID), uint32(len(b.offsets))})
	b.offsets = append(b.offsets, offset{b.size, uint32(b.signals)})
	b.size += uint64(len(b.scratch))
	if v, ok := bareOf(e.ID); ok {
		d.lists = append(d.lists, listID{e.ID, v})
	}
	d.full++
	if e.IsVideo() {
		d.videos++
	}
	for i := range e.Signals {
		s := &e.Signals[i]
		c := signalCount{kind: s.Value.Kind(), video: e.IsVideo(), quality: s.Quality, n: 1}
		if isJunk(s.Value) {
			c.junk = 1
			b.junk = append(b.junk, uint32(b.signals)+uint32(i))
		}
		d.count(c)
		b.byKind[s.Value.Kind()]++
	}
	b.signals += uint64(len(e.Signals))
	return b.room(d)
}

// count adds to the counts.
func (d *draft) count(c signalCount) {
	sort := c.sort()
	sum := d.counts[sort]
	if sum == nil {
		fresh := c // so that c itself needs no memory
		d.counts[sort] = &fresh
		return
	}
	sum.n += c.n
	sum.junk += c.junk
}

// partSize is how many hashes of a kind share an index.
func (b *Builder) partSize(k hash.Kind) int {
	switch {
	case b.part > 0:
		return b.part
	case k.IsDigest():
		return exact.MaxTable
	}
	return mih.MaxSegment
}

func (d *draft) twice(id string) error {
	return &EntryError{Bank: d.name, Entry: id, Signal: -1, Reason: "two entries have the ID", Err: ErrDuplicate}
}

// checkIDs sorts the marks of a bank's IDs and refuses IDs that occur twice.
func (b *Builder) checkIDs(d *draft) error {
	marks := b.ids[d.first : d.first+int(d.full)]
	slices.SortFunc(marks, idMark.compare)
	for i := range marks {
		// IDs of equal sums stand together, and are next to never more than one.
		for j := i - 1; j >= 0 && marks[j].sum == marks[i].sum; j-- {
			if id := b.id(marks[i].number); id == b.id(marks[j].number) {
				return d.twice(id)
			}
		}
	}
	for _, l := range d.lists {
		w := l.value.Words()
		width := wordsOf(l.value.Kind())
		words := d.words[l.value.Kind()]
		_, found := searchWords(len(words)/width, w[:width], func(i int) (h [4]uint64) {
			copy(h[:], words[i*width:(i+1)*width])
			return h
		})
		if found {
			return d.twice(l.id)
		}
	}
	return nil
}

// id returns the ID of an entry that is not bare.
func (b *Builder) id(number uint32) string {
	at := b.offsets[number].at
	c := sort.Search(len(b.starts), func(i int) bool { return b.starts[i] > at }) - 1
	d := decoder{b: b.chunks[c][at-b.starts[c]:]}
	return d.string()
}
