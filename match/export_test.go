package match

import (
	"io"
	"time"
	"weak"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/mapped"
	"github.com/rematch-go/rematch/match/internal/mih"
)

// Candidates returns how many hashes a search compares in whole.
func (x *MIH) Candidates(q hash.Value, radius int) int {
	var stats mih.Stats
	words := q.Words()
	_ = x.set.SearchStats(&words, radius, &stats, func(uint32, int) {}) // nothing of it is in a file
	return stats.Candidates
}

// Wait returns when nothing goes on in the background.
func (x *MIH) Wait() { x.set.Wait() }

// SetPart makes a builder put at most n hashes into one index.
func (b *Builder) SetPart(n int) { b.part = n }

// SetTidyAt sets after how many hashes a list drops what is repeated.
func (b *Builder) SetTidyAt(n int) { b.tidyAt = n }

// ListLen returns how many hashes of a kind the latest bank holds now.
func (b *Builder) ListLen(k hash.Kind) int { return b.banks[len(b.banks)-1].hashes[k].n }

// OpenBytes opens a bank file in memory.
func OpenBytes(data []byte) (*Snapshot, error) { return openSnapshot(mapped.Hold(data)) }

// Signals returns how many signals there are.
func (s *Snapshot) Signals() uint32 { return s.signals }

// EntryOf returns the entry of a signal and its number in it.
func (s *Snapshot) EntryOf(signal uint32) (uint32, int, error) { return s.entryOf(signal) }

// Numbered returns the entry with a number and its bank.
func (s *Snapshot) Numbered(entry uint32) (int, Entry, error) { return s.entry(entry) }

// Find returns the number of an entry.
func (s *Snapshot) Find(bank int, id string) (uint32, bool, error) { return s.find(bank, id) }

// JunkSignals returns the numbers of signals that are junk.
func (s *Snapshot) JunkSignals() ([]uint32, error) { return s.junkSignals() }

// Kept returns how many of the refs on all shelves have an item in memory.
func (m *Matcher) Kept() (n int) {
	for _, sh := range m.view.Load().shelves {
		for i := range sh.snap.signals {
			if m.slots.load(sh.base+Ref(i)) != nil {
				n++
			}
		}
	}
	return n
}

// Holds reports whether a ref's slot holds a signal's item, and whether that item has the ref.
func (m *Matcher) Holds(ref Ref) (held, has bool) {
	it := m.slots.load(ref)
	return it != nil, it != nil && ref-it.first < Ref(len(it.signals))
}

// Slots are those of a Matcher on their own.
type Slots = slots

// Clear empties the slot of a ref, and Wipe a page of them.
func (s *slots) Clear(ref Ref) { s.at(ref).Store(nil) }
func (s *slots) Wipe()         { s.wipe(0, 1<<slotBits) }

// SetFewHashes sets how many hashes of a bank are asked about one by one, and returns what sets it back.
func SetFewHashes(n int) (restore func()) {
	was := fewHashes
	fewHashes = n
	return func() { fewHashes = was }
}

// Settled looks something up while nothing is replaced.
func (u *Upload) Settled(do func() error) error { return u.settled(do) }

// SetMostAgain sets how often a verdict compares frames anew, and returns what sets it back.
func SetMostAgain(n int) (restore func()) {
	was := mostAgain
	mostAgain = n
	return func() { mostAgain = was }
}

// SetUsed makes a new matcher one that has given out n numbers of signals.
func (m *Matcher) SetUsed(n uint64) { m.used = n }

// Shelves returns how many there are.
func (m *Matcher) Shelves() int { return len(m.view.Load().shelves) }

// Mapped returns a function that tells whether the file is still in memory.
func (s *Snapshot) Mapped() func() bool {
	file := weak.Make(s.file)
	return func() bool { return file.Value() != nil }
}

// Locked does something while a change goes on that takes long.
func (m *Matcher) Locked(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	do()
}

// Runs returns how many indices there are.
func (s *Snapshot) Runs() int { return len(s.runs) }

// Indexed returns how many signals the indices have, live or not, by kind.
func (m *Matcher) Indexed() int {
	n := m.digests.Len()
	for _, x := range m.view.Load().indices {
		n += x.Len()
	}
	return n
}

// SnapshotInParts makes the file in memory, with at most n hashes in one index.
func (b *Builder) SnapshotInParts(n int) (*Snapshot, error) {
	b.part = n
	return b.Snapshot()
}

// Wait returns when nothing goes on in the background.
func (d *Digests) Wait() {
	for i := range d.sets {
		if x := d.sets[i].Load(); x != nil {
			x.Wait()
		}
	}
}

// WriteLineage writes the file as a later state of a lineage.
func (b *Builder) WriteLineage(w io.Writer, id [16]byte, sequence uint64) error {
	return b.write(w, &lineage{id, sequence})
}

// Tallies returns of how many items the matches are counted.
func (m *Matcher) Tallies() int { return len(m.surges.tallies) }

// Around returns the signals of an entry that a timeline has around a time.
func Around(e Entry, from, to time.Duration) (signals []int32) {
	it := &item{signals: e.Signals, duration: e.Duration}
	newTimeline(it, hash.PDQ, hash.DefaultGate).around(from, to, func(n int32) { signals = append(signals, n) })
	return signals
}
