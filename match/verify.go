package match

import (
	"encoding/binary"
	"runtime/debug"
	"slices"
	"sort"

	"github.com/rematch-go/rematch/hash"
)

// Verify reads the whole file and makes sure of everything in it: that all of it agrees
// with its checksums, every entry can be read, IDs are unique, counts are right, and
// the indices find what they should and nothing else. The error is a *FormatError. Of
// ten million hashes it takes some seconds.
func (s *Snapshot) Verify() error { return s.verify(true, nil) }

// verify makes sure of everything but, unless told, the indices. It puts the entries
// into the banks if there are any.
func (s *Snapshot) verify(indices bool, banks []Bank) (err error) {
	defer s.locate(&err)
	if err := s.file.CheckAll(); err != nil {
		return err
	}
	if indices {
		for i := range s.runs {
			if err := s.runs[i].verify(); err != nil {
				return err
			}
		}
	}
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	v := verifier{s: s}
	for i := range s.banks {
		b := &s.banks[i]
		var entries []Entry
		if banks != nil && b.bare+b.full > 0 {
			entries = make([]Entry, 0, b.bare+b.full)
		}
		give := func(e ...Entry) {
			if banks != nil {
				entries = append(entries, e...)
			}
		}
		v.counts, v.videos = make(map[int]signalCount), 0
		for j := range b.sets {
			v.bare(&b.sets[j], give)
		}
		for n := range b.full {
			v.entry(b, b.firstFull+n, indices, give)
		}
		v.ids(b)
		v.description(b)
		if banks != nil {
			banks[i].Entries = entries
		}
	}
	v.rest()
	return nil
}

// verifier makes sure of entries, in their order.
type verifier struct {
	s       *Snapshot
	counts  map[int]signalCount // of a bank
	videos  uint32
	junk    int         // how many signals are
	indexed [256]uint32 // how many signals of the kind were looked up that are not bare
}

// signal counts a signal.
func (v *verifier) signal(number uint32, video bool, q hash.Quality, value hash.Value) {
	c := signalCount{kind: value.Kind(), video: video, quality: q}
	sum, ok := v.counts[c.sort()]
	if !ok {
		sum = c
	}
	sum.n++
	aside := v.s.holdsJunk(value)
	if aside {
		sum.junk++
		v.junk++
	}
	v.counts[c.sort()] = sum
	if aside != v.s.isJunk(number) {
		bad(v.s.sections[1].offset, "JUNK is wrong about signal %d", number)
	}
}

// bare makes sure of bare hashes.
func (v *verifier) bare(set *bareSet, give func(...Entry)) {
	var last hash.Value
	var batch []Entry
	for from := 0; from < set.n; from += entryBatch {
		batch = v.s.bareEntries(batch[:0], set, from, min(from+entryBatch, set.n))
		for i := range batch {
			value := batch[i].Signals[0].Value
			run, place := set.at(from + i)
			if from+i > 0 && last.Compare(value) >= 0 {
				bad(run.hashes.offset, "the hashes do not rise")
			}
			last = value
			v.signal(run.first+uint32(place), false, hash.Unmeasured, value)
		}
		give(batch...)
	}
}

// entry makes sure of an entry that is not bare.
func (v *verifier) entry(b *snapBank, number uint32, indices bool, give func(...Entry)) {
	s := v.s
	at := s.place(number)
	e := s.fullEntry(number)
	if value, isText := bareOf(e.ID); isText {
		if _, twice := s.findBare(b, value); twice {
			bad(at.offset, "its bank has the entry %.80q twice", e.ID)
		}
	}
	if e.IsVideo() {
		v.videos++
	}
	for i := range e.Signals {
		signal := &e.Signals[i]
		v.signal(at.signal+uint32(i), e.IsVideo(), signal.Quality, signal.Value)
		if indices && !v.isIndexed(at.signal+uint32(i), signal.Value) {
			bad(at.offset, "signal %d of the entry is not in the index", i)
		}
	}
	record := s.record(s.ento, entoSize, int64(number-s.bare))
	if binary.LittleEndian.Uint32(record[12:]) != 0 {
		bad(s.ento.offset+entoSize*int64(number-s.bare), "there is something where zeros must be")
	}
	give(e)
}

// ids makes sure of what ENTI has of a bank: as many records as there are entries, all
// of them of different entries, each with the sum of its entry's ID.
func (v *verifier) ids(b *snapBank) {
	s := v.s
	var last idMark
	var equal []string // IDs with the same sum
	for i := range b.full {
		at := int64(b.firstFull-s.bare) + int64(i)
		d := decoder{b: s.record(s.enti, entiSize, at)}
		m := idMark{d.uint64(), d.uint32()}
		if d.uint32() != 0 || m.number < b.firstFull || m.number-b.firstFull >= b.full || i > 0 && m.compare(last) <= 0 {
			bad(s.enti.offset+entiSize*at, "the records of IDs make no sense")
		}
		id := s.id(m.number)
		if idSum(id) != m.sum {
			bad(s.enti.offset+entiSize*at, "the sum of an ID does not agree")
		}
		if m.sum != last.sum {
			equal = equal[:0]
		}
		if slices.Contains(equal, id) {
			bad(s.place(m.number).offset, "its bank has the entry %.80q twice", id)
		}
		equal, last = append(equal, id), m
	}
}

// description makes sure of what BANK has of a bank.
func (v *verifier) description(b *snapBank) {
	counts := make([]signalCount, 0, len(v.counts))
	for _, c := range v.counts {
		counts = append(counts, c)
	}
	slices.SortFunc(counts, compareCounts)
	if v.videos != b.videos || !slices.Equal(counts, b.counts) {
		bad(v.s.sections[1].offset, "bank %.80q has not the signals it says", b.Name)
	}
}

// rest makes sure of what is not of one bank.
func (v *verifier) rest() {
	s := v.s
	n := int(s.junk.length / 4)
	for i := range n {
		if i > 0 && s.junkAt(i-1) >= s.junkAt(i) {
			bad(s.junk.offset+4*int64(i), "the numbers of junk do not rise")
		}
	}
	if n != v.junk {
		bad(s.junk.offset, "%d signals are junk; it has %d", v.junk, n)
	}
	if s.full == 0 {
		return
	}
	last := s.record(s.ento, entoSize, int64(s.full))
	if binary.LittleEndian.Uint32(last[12:]) != 0 {
		bad(s.ento.offset+entoSize*int64(s.full), "there is something where zeros must be")
	}
}

// isIndexed reports whether the next signal of its kind is in the index that it should
// be in. An index has as many signals as there are, so it has no others if all are
// in it.
func (v *verifier) isIndexed(signal uint32, value hash.Value) bool {
	s, k := v.s, value.Kind()
	n := v.indexed[k]
	v.indexed[k]++
	for i := s.bareRuns; i < len(s.runs); i++ {
		run := &s.runs[i]
		if run.kind != k {
			continue
		}
		if n >= uint32(run.count) {
			n -= uint32(run.count)
			continue
		}
		return s.isIn(run, value, signal-run.first)
	}
	return false
}

// isIn reports whether a run has a hash under a ref. A run of several refs for a hash
// has them in rising order.
func (s *Snapshot) isIn(run *snapRun, value hash.Value, ref uint32) bool {
	words := value.Words()
	refAt := func(i int) uint32 { return binary.LittleEndian.Uint32(s.record(run.refs, 4, int64(i))) }
	if run.exact != nil {
		i := sort.Search(run.n, func(i int) bool {
			c := s.value(run, i).Compare(value)
			return c > 0 || c == 0 && refAt(i) >= ref
		})
		return i < run.n && s.value(run, i) == value && refAt(i) == ref
	}
	place, found := searchWords(run.n, words[:wordsOf(run.kind)], func(i int) [4]uint64 { return s.words(run, i) })
	if !found {
		return false
	}
	from, to := place, place+1
	if run.starts.length > 0 {
		startAt := func(i int) int {
			return int(binary.LittleEndian.Uint32(s.record(run.starts, 4, int64(i))))
		}
		from, to = startAt(place), startAt(place+1)
	}
	if from > to || to > run.count {
		bad(run.starts.offset, "the starts of refs make no sense")
	}
	i := from + sort.Search(to-from, func(i int) bool { return refAt(from+i) >= ref })
	return i < to && refAt(i) == ref
}

// verify makes sure of an index, but not of what is in it.
func (run *snapRun) verify() error {
	if run.exact != nil {
		return run.exact.Verify()
	}
	return run.mih.Verify()
}
