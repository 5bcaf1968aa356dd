package match

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"slices"
	"sort"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/mapped"
)

// words returns a hash of a run. The place must be below run.n.
func (s *Snapshot) words(run *snapRun, place int) (w [4]uint64) {
	if run.kind.IsDigest() {
		return s.value(run, place).Words()
	}
	size := run.hashes.length / int64(run.n)
	b := s.record(run.hashes, size, int64(place))
	for i := range len(b) / 8 {
		w[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return w
}

// value returns a hash of a run. The place must be below run.n.
func (s *Snapshot) value(run *snapRun, place int) hash.Value {
	if run.kind.IsDigest() {
		size := int64(run.kind.Bits() / 8)
		v, _ := hash.FromBytes(run.kind, s.record(run.hashes, size, int64(place))) // the length is the kind's own
		return v
	}
	w := s.words(run, place)
	return valueOf(run.kind, w[:run.kind.Bits()/64])
}

// at returns where hash i of a set is.
func (set *bareSet) at(i int) (run *snapRun, place int) {
	return &set.runs[i%len(set.runs)], i / len(set.runs)
}

// bareEntries decodes bare entries from one to another of a set. They share two
// allocations: one for the signals and one for the text of all IDs.
func (s *Snapshot) bareEntries(dst []Entry, set *bareSet, from, to int) []Entry {
	name := set.kind.String() + ":"
	idSize := len(name) + set.kind.Bits()/4
	text := make([]byte, 0, (to-from)*idSize)
	signals := make([]Signal, 0, to-from)
	var raw [32]byte
	for i := from; i < to; i++ {
		v := s.value(set.at(i))
		text = hex.AppendEncode(append(text, name...), v.AppendBytes(raw[:0]))
		signals = append(signals, Signal{Value: v, Quality: hash.Unmeasured})
	}
	ids := string(text)
	for i := range signals {
		dst = append(dst, Entry{ID: ids[i*idSize : (i+1)*idSize], Signals: signals[i : i+1 : i+1]})
	}
	return dst
}

// entryPlace is where an entry that is not bare lies.
type entryPlace struct {
	extent        // in the file
	signal uint32 // its first
	count  uint32 // how many
}

// place returns where the entry with a number lies, which must not be that of a bare
// one.
func (s *Snapshot) place(number uint32) entryPlace {
	b := s.bytes(extent{s.ento.offset + entoSize*int64(number-s.bare), 2 * entoSize})
	at, end := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[entoSize:])
	signal, after := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[entoSize+8:])
	if at > end || end > uint64(s.entr.length) || end-at > maxEntry || signal < s.bare || signal > after || after > s.signals {
		bad(s.ento.offset+entoSize*int64(number-s.bare), "the place of an entry makes no sense")
	}
	return entryPlace{extent{s.entr.offset + int64(at), int64(end - at)}, signal, after - signal}
}

// fullEntry decodes an entry that is not bare.
func (s *Snapshot) fullEntry(number uint32) Entry {
	p := s.place(number)
	d := decoder{b: s.bytes(p.extent), old: s.old}
	e := d.entry()
	if !d.end() || uint32(len(e.Signals)) != p.count {
		bad(p.offset, "the entry makes no sense")
	}
	return e
}

// id returns the ID of an entry that is not bare.
func (s *Snapshot) id(number uint32) string {
	p := s.place(number)
	d := decoder{b: s.bytes(p.extent)}
	id := d.string()
	if d.bad {
		bad(p.offset, "the entry makes no sense")
	}
	return id
}

// bankOf returns the bank of an entry that is not bare.
func (s *Snapshot) bankOf(number uint32) int {
	return sort.Search(len(s.banks), func(i int) bool { return s.banks[i].firstFull > number }) - 1
}

// bareRun returns the run that a bare hash is in.
func (s *Snapshot) bareRun(number uint32) *snapRun {
	i := sort.Search(s.bareRuns, func(i int) bool { return s.runs[i].first > number }) - 1
	return &s.runs[i]
}

// entries returns how many entries there are.
func (s *Snapshot) entries() uint32 { return s.bare + s.full }

// entryOf returns which entry a signal is of, and the signal's number in the entry.
func (s *Snapshot) entryOf(signal uint32) (entry uint32, index int, err error) {
	if signal < s.bare {
		return signal, 0, nil
	}
	defer s.locate(&err)
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	if signal >= s.signals {
		bad(s.ento.offset, "signal %d of %d", signal, s.signals)
	}
	i := sort.Search(int(s.full), func(i int) bool {
		return binary.LittleEndian.Uint32(s.record(s.ento, entoSize, int64(i))[8:]) > signal
	}) - 1
	if i < 0 {
		bad(s.ento.offset, "the numbers of signals make no sense")
	}
	p := s.place(s.bare + uint32(i))
	if signal < p.signal || signal-p.signal >= p.count {
		bad(s.ento.offset+entoSize*int64(i), "the numbers of signals make no sense")
	}
	return s.bare + uint32(i), int(signal - p.signal), nil
}

// signalsOf returns the number of an entry's first signal, and how many it has.
func (s *Snapshot) signalsOf(number uint32) (first, n uint32, err error) {
	if number < s.bare {
		return number, 1, nil
	}
	defer s.locate(&err)
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	p := s.place(number)
	return p.signal, p.count, nil
}

// contradicts is the error of what is said elsewhere in the file than of an entry.
func (s *Snapshot) contradicts(number uint32, reason string) error {
	return s.formatError(&mapped.Damage{Offset: s.entr.offset, Reason: fmt.Sprintf("entry %d: %s", number, reason)})
}

// bareValue returns the hash of a bare entry.
func (s *Snapshot) bareValue(number uint32) (v hash.Value, err error) {
	defer s.locate(&err)
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	run := s.bareRun(number)
	return s.value(run, int(number-run.first)), nil
}

// entry decodes the entry with a number, and says in which bank it is. Its Bank is
// empty.
func (s *Snapshot) entry(number uint32) (bank int, e Entry, err error) {
	defer s.locate(&err)
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	if number >= s.entries() {
		bad(s.sections[1].offset, "entry %d of %d", number, s.entries())
	}
	if number < s.bare {
		run := s.bareRun(number)
		return run.bank, bareEntry(s.value(run, int(number-run.first))), nil
	}
	return s.bankOf(number), s.fullEntry(number), nil
}

// idSum is what ENTI has of an ID.
func idSum(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:])
}

// find returns the number of the entry that has an ID in a bank.
func (s *Snapshot) find(bank int, id string) (number uint32, ok bool, err error) {
	defer s.locate(&err)
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	b := &s.banks[bank]
	if v, isText := bareOf(id); isText {
		if number, ok = s.findBare(b, v); ok {
			return number, true, nil
		}
	}
	if b.full == 0 {
		return 0, false, nil
	}
	want := idSum(id)
	from := int64(b.firstFull - s.bare)
	at := func(i int) (sum uint64, number uint32) {
		r := s.record(s.enti, entiSize, from+int64(i))
		return binary.LittleEndian.Uint64(r), binary.LittleEndian.Uint32(r[8:])
	}
	for i := sort.Search(int(b.full), func(i int) bool { sum, _ := at(i); return sum >= want }); i < int(b.full); i++ {
		sum, number := at(i)
		if sum != want {
			break
		}
		if number < b.firstFull || number-b.firstFull >= b.full {
			bad(s.enti.offset+entiSize*(from+int64(i)), "the number of an entry makes no sense")
		}
		switch other := s.id(number); {
		case other == id:
			return number, true, nil
		case idSum(other) != want: // or else a file could make every look-up a long one
			bad(s.enti.offset+entiSize*(from+int64(i)), "the sum of an ID does not agree")
		}
	}
	return 0, false, nil
}

// findBare returns the number of the bare entry of a value.
func (s *Snapshot) findBare(b *snapBank, v hash.Value) (number uint32, ok bool) {
	for i := range b.sets {
		set := &b.sets[i]
		if set.kind != v.Kind() {
			continue
		}
		w := v.Words()
		at, found := searchWords(set.n, w[:wordsOf(set.kind)], func(i int) [4]uint64 { return s.words(set.at(i)) })
		if found {
			run, place := set.at(at)
			return run.first + uint32(place), true
		}
	}
	return 0, false
}

// junkAt returns a number of JUNK.
func (s *Snapshot) junkAt(i int) uint32 {
	return binary.LittleEndian.Uint32(s.record(s.junk, 4, int64(i)))
}

// isJunk reports whether JUNK has a signal. It panics like all that reads the file
// without an error.
func (s *Snapshot) isJunk(signal uint32) bool {
	n := int(s.junk.length / 4)
	i := sort.Search(n, func(i int) bool { return s.junkAt(i) >= signal })
	return i < n && s.junkAt(i) == signal
}

// holdsJunk reports whether v is junk by the rule that the file was written by. That of version 2
// knew of what is blank or empty only: its indices, counts and JUNK go by it until it is written anew.
func (s *Snapshot) holdsJunk(v hash.Value) bool {
	cause, _ := junk(v)
	return cause != "" && !(s.old && cause != CauseBlank && cause != CauseEmptyFile)
}

// junkSignals returns the numbers of all junk, rising.
func (s *Snapshot) junkSignals() (numbers []uint32, err error) {
	defer s.locate(&err)
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	numbers = slices.Clone(mapped.View[uint32](s.bytes(s.junk)))
	for i, n := range numbers {
		if n >= s.signals || i > 0 && n <= numbers[i-1] {
			bad(s.junk.offset+4*int64(i), "the numbers of junk make no sense")
		}
	}
	return numbers, nil
}
