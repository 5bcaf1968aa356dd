package match

import (
	"fmt"
	"iter"
	"runtime/debug"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/exact"
	"github.com/rematch-go/rematch/match/internal/mapped"
	"github.com/rematch-go/rematch/match/internal/mih"
)

// Snapshot is a bank file that is open: mapped into memory where the system can, read
// where not. Of ten million hashes it reads some megabytes when it is opened, and of
// the rest what is asked for, when it is asked for. No answer comes from a part of the
// file that was not compared with its checksum before; what does not agree, or makes no
// sense, is a *FormatError of the method that met it.
//
// A snapshot stays what it was when another file takes its place, as WriteFile does it.
// There is nothing to close. All methods are safe for concurrent use.
type Snapshot struct {
	file     *mapped.File
	size     int64
	lineage  lineage
	old      bool // of version 2
	sections []section

	banks    []snapBank
	numbers  map[string]int // of banks, by name
	runs     []snapRun      // in the directory's order
	bareRuns int            // how many of them, the first ones, are of bare hashes
	bare     uint32         // bare entries, which are the first of all entries and of all signals
	full     uint32         // other entries
	signals  uint32         // of all entries

	entr, ento, enti, junk extent
}

// section is what the directory says of a section.
type section struct {
	tag  string
	bank uint32
	kind hash.Kind
	part int
	extent
}

// extent is a part of a file.
type extent struct{ offset, length int64 }

// snapBank is a bank of a snapshot.
type snapBank struct {
	Bank                    // without entries
	bare      uint32        // how many bare entries
	firstBare uint32        // number of the first of them
	full      uint32        // how many other entries
	firstFull uint32        // number of the first of them
	videos    uint32        // how many of the others are videos
	counts    []signalCount // of all its signals, by sort
	sets      []bareSet     // its bare hashes, by kind
}

// bareSet is the bare hashes of one kind in a bank: hash i in rising order is in run
// i%len(runs) at place i/len(runs).
type bareSet struct {
	kind hash.Kind
	n    int
	runs []snapRun
}

// snapRun is an index in a snapshot: of a part of the bare hashes of one kind in a bank,
// or of the signals of one kind of all entries that are not bare.
type snapRun struct {
	bank   int // number of the bank; -1: not of bare hashes
	kind   hash.Kind
	part   int
	first  uint32        // number of the signal that has ref 0; ref i is signal first+i
	n      int           // hashes
	count  int           // refs
	hashes extent        // the hashes, rising
	refs   extent        // nothing if the ref of a hash is its place
	starts extent        // of the refs of each hash, and their end; nothing if each has one
	mih    *mih.Frozen   // of perceptual kinds, whose hashes are distinct
	exact  *exact.Frozen // of digests, which stand once for each ref
}

// OpenSnapshot opens a bank file. What was changed since it was written, and is in a log
// beside it, it does not see: see Open. A file that is not one, is of another version, or is
// cut short is a *FormatError, and so is one whose parts do not fit together; see
// Verify for the rest.
func OpenSnapshot(path string) (*Snapshot, error) {
	f, err := mapped.Map(path)
	if err != nil {
		return nil, fmt.Errorf("match: opening a bank file: %w", err)
	}
	return openSnapshot(f)
}

func openSnapshot(f *mapped.File) (*Snapshot, error) {
	s := &Snapshot{file: f, size: int64(len(f.Bytes()))}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
}

// Len returns the number of entries of all banks.
func (s *Snapshot) Len() int { return int(s.entries()) }

// Size returns the length of the file in bytes.
func (s *Snapshot) Size() int64 { return s.size }

// Banks describes the banks, in the order of the file, as a Matcher with the default
// options would. It reads nothing.
func (s *Snapshot) Banks() []BankInfo {
	infos := make([]BankInfo, 0, len(s.banks))
	for i := range s.banks {
		infos = append(infos, s.banks[i].info(hash.DefaultGate))
	}
	return infos
}

// info describes a bank whose signals are judged from a quality on.
func (b *snapBank) info(gate hash.Quality) BankInfo {
	info := newBankInfo(&b.Bank, int(b.bare)+int(b.full), int(b.videos))
	for _, c := range b.counts {
		if !c.quality.Passes(gate) {
			if !c.video { // of whose frames some are always dark or empty
				info.Quarantined += int(c.n)
			}
			continue
		}
		info.Quarantined += int(c.junk)
		if n := int(c.n - c.junk); n > 0 {
			info.Signals[c.kind] += n
		}
	}
	for k := range info.Signals {
		info.Thresholds[k] = k.Threshold()
		if bits, given := b.Thresholds[k]; given {
			info.Thresholds[k] = bits
		}
	}
	return info
}

// unknownBank is the error of a bank that is not there.
func unknownBank(name string) error {
	return &EntryError{Bank: name, Signal: -1, Reason: "there is no such bank in the file; Banks lists them", Err: ErrUnknown}
}

// entryBatch is how many bare entries are decoded at once.
const entryBatch = 512

// Entries gives the entries of a bank: bare hashes, by kind and rising value, then all
// others in the order they were given. Each is decoded when its turn comes, and the
// caller's own. An error, ErrUnknown for the bank or a *FormatError, is the last thing
// the sequence gives; the bank is then not complete.
func (s *Snapshot) Entries(bank string) iter.Seq2[Entry, error] { return s.EntriesAfter(bank, "") }

// EntriesAfter is Entries from the one after an entry on: for pages. With an empty id it is
// Entries; the error of an entry that is not there is ErrUnknown.
func (s *Snapshot) EntriesAfter(bank, id string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		number, ok := s.numbers[bank]
		if !ok {
			yield(Entry{}, unknownBank(bank))
			return
		}
		b := &s.banks[number]
		first, err := s.after(number, id)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		var batch []Entry
		for i := first.set; i < len(b.sets); i++ {
			from := 0
			if i == first.set {
				from = first.bare
			}
			for ; from < b.sets[i].n; from += entryBatch {
				var err error
				if batch, err = s.bareBatch(batch[:0], &b.sets[i], from); err != nil {
					yield(Entry{}, err)
					return
				}
				for _, e := range batch {
					if !yield(e, nil) {
						return
					}
				}
			}
		}
		for i := first.full; i < b.full; i++ {
			_, e, err := s.entry(b.firstFull + i)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// listPlace is a place in the list of a bank's entries: in its sets, and then among the others.
type listPlace struct {
	set, bare int
	full      uint32
}

// after returns the place after an entry; of an empty ID the first one.
func (s *Snapshot) after(bank int, id string) (p listPlace, err error) {
	if id == "" {
		return p, nil
	}
	defer s.locate(&err)
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	b := &s.banks[bank]
	number, ok, err := s.find(bank, id)
	switch {
	case err != nil:
		return p, err
	case !ok:
		return p, &EntryError{Bank: b.Name, Entry: id, Signal: -1, Reason: "there is no such entry in the bank", Err: ErrUnknown}
	case number >= s.bare:
		return listPlace{set: len(b.sets), full: number - b.firstFull + 1}, nil
	}
	v, _ := bareOf(id) // it is one: it was found as such
	w := v.Words()
	for b.sets[p.set].kind != v.Kind() {
		p.set++
	}
	set := &b.sets[p.set]
	p.bare, _ = searchWords(set.n, w[:wordsOf(set.kind)], func(i int) [4]uint64 { return s.words(set.at(i)) })
	p.bare++
	return p, nil
}

// bareBatch decodes the bare entries of a set from one on.
func (s *Snapshot) bareBatch(dst []Entry, set *bareSet, from int) (batch []Entry, err error) {
	defer s.locate(&err)
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	return s.bareEntries(dst, set, from, min(from+entryBatch, set.n)), nil
}

// Entry returns the entry of a bank that has an ID, and whether there is one. Errors
// are ErrUnknown for the bank, or a *FormatError.
func (s *Snapshot) Entry(bank, id string) (Entry, bool, error) {
	number, ok := s.numbers[bank]
	if !ok {
		return Entry{}, false, unknownBank(bank)
	}
	n, ok, err := s.find(number, id)
	if err != nil || !ok {
		return Entry{}, false, err
	}
	_, e, err := s.entry(n)
	return e, err == nil, err
}
