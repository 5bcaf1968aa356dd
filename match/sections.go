package match

import (
	"bytes"
	"fmt"
	"math"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/exact"
	"github.com/rematch-go/rematch/match/internal/mih"
)

// sectionReader takes the sections in their order.
type sectionReader struct {
	left []section
	end  int64 // of the last one
}

// here is where the section that comes next starts.
func (r *sectionReader) here() int64 {
	if len(r.left) == 0 {
		return r.end
	}
	return r.left[0].offset
}

func (h *section) is(tag string) bool {
	return h.tag == tag && h.bank == wholeFile && h.kind == 0 && h.part == 0
}

// first takes a section of the whole file, which must come next.
func (r *sectionReader) first(tag string) extent {
	if len(r.left) == 0 || !r.left[0].is(tag) {
		bad(r.here(), "%s must come here", tag)
	}
	at := r.left[0].extent
	r.left = r.left[1:]
	return at
}

// last takes a section of the whole file that is the last one. Without it the length
// is 0.
func (r *sectionReader) last(tag string) extent {
	end := len(r.left) - 1
	if end < 0 || !r.left[end].is(tag) {
		return extent{}
	}
	at := r.left[end].extent
	r.left = r.left[:end]
	return at
}

// array takes a section with a tag of the same run as h. Without it the length is 0.
func (r *sectionReader) array(tag string, h *section) extent {
	if len(r.left) == 0 || r.left[0].tag != tag || r.left[0].bank != h.bank || r.left[0].kind != h.kind || r.left[0].part != h.part {
		return extent{}
	}
	at := r.left[0].extent
	r.left = r.left[1:]
	return at
}

// readSections reads what is small, and holds the rest against it.
func (s *Snapshot) readSections() error {
	r := &sectionReader{left: s.sections, end: headerSize}
	if n := len(s.sections); n > 0 {
		r.end = s.sections[n-1].offset + s.sections[n-1].length
	}
	if err := s.readKinds(r.first(tagKinds)); err != nil {
		return err
	}
	s.readBanks(r.first(tagBanks))
	s.readEntries(r)
	if err := s.readRuns(r); err != nil {
		return err
	}
	if len(r.left) > 0 {
		bad(r.here(), "no such section may come here")
	}
	return nil
}

// readKinds compares the file's kinds with ours: all of them must be here, and mean the
// same.
func (s *Snapshot) readKinds(at extent) error {
	b := s.bytes(at)
	if bytes.Equal(b, appendKinds(nil)) {
		return nil
	}
	d := &decoder{b: b}
	for n := d.uint8(); n > 0; n-- {
		k := hash.Kind(d.uint8())
		bits, name, recipe := int(d.uint16()), d.string(), d.string()
		if d.bad {
			break
		}
		if !k.IsValid() || k.Bits() != bits || k.String() != name || recipes[k] != recipe {
			return &FormatError{Section: tagKinds, Number: 0, Offset: at.offset, Err: ErrNewerFile,
				Reason: fmt.Sprintf("kind %d %.40q of %d bits, made as %.80q, is not known here", uint8(k), name, bits, recipe)}
		}
	}
	bad(at.offset, "the kinds are not those of this version")
	return nil
}

// readBanks reads what BANK says.
func (s *Snapshot) readBanks(at extent) {
	d := &decoder{b: s.bytes(at), old: s.old}
	s.numbers = make(map[string]int)
	bare, full := uint64(0), uint64(0)
	for n := d.uint32(); n > 0 && !d.bad; n-- {
		here := at.offset + at.length - int64(len(d.b))
		b := d.bank()
		k := snapBank{Bank: b,
			firstBare: uint32(bare), bare: d.uint32(), firstFull: uint32(full), full: d.uint32(), videos: d.uint32(), counts: d.counts()}
		_, twice := s.numbers[k.Name]
		bare, full = bare+uint64(k.bare), full+uint64(k.full)
		if d.bad || twice || k.videos > k.full || bare+full > math.MaxUint32 {
			bad(here, "the description of a bank makes no sense")
		}
		s.numbers[k.Name] = len(s.banks)
		s.banks = append(s.banks, k)
	}
	if !d.end() {
		bad(at.offset, "the descriptions of banks do not end as they should")
	}
	s.bare, s.full = uint32(bare), uint32(full)
	for i := range s.banks {
		s.banks[i].firstFull += s.bare
	}
}

// readEntries finds the sections of the entries that are not bare.
func (s *Snapshot) readEntries(r *sectionReader) {
	s.junk = r.last(tagJunk)
	s.signals = s.bare
	if s.junk.length%4 != 0 {
		bad(s.junk.offset, "the length is no multiple of 4")
	}
	if s.full > 0 {
		s.enti, s.ento, s.entr = r.last(tagIDs), r.last(tagOffsets), r.last(tagEntries)
		n := int64(s.full)
		if s.entr.length == 0 || s.ento.length != (n+1)*entoSize || s.enti.length != n*entiSize {
			bad(r.end, "the sections of %d entries are not all there, or of another length", n)
		}
		first, last := decoder{b: s.record(s.ento, entoSize, 0)}, decoder{b: s.record(s.ento, entoSize, n)}
		if first.uint64() != 0 || first.uint32() != s.bare || last.uint64() != uint64(s.entr.length) {
			bad(s.ento.offset, "the entries do not start and end where they should")
		}
		if s.signals = last.uint32(); s.signals < s.bare {
			bad(s.ento.offset, "the numbers of signals make no sense")
		}
	}
	if s.junk.length/4 > int64(s.signals) {
		bad(s.junk.offset, "more signals than there are")
	}
}

// Sections of the arrays of packages mih and exact.
var (
	mihTags = [mih.NumArrays]string{mih.Words: "HASH", mih.Refs: "HREF", mih.Starts: "HSTA", mih.Bounds: "HBND",
		mih.Verify: "HVER", mih.Low: "HLOW", mih.Marks: "HMRK"}
	exactTags = [exact.NumArrays]string{exact.Keys: "DIGS", exact.Refs: "DREF", exact.Tops: "DTOP", exact.Filter: "DBLM"}
)

// hashes writes the index of hashes of one kind, with refs unless they are bare.
func (f *fileWriter) hashes(bank uint32, k hash.Kind, part int, words []uint64, refs []uint32) {
	if !k.IsDigest() {
		p := mih.Pack(k.Bits()/64, words, refs)
		for i, tag := range mihTags {
			f.section(tag, bank, k, part, p.Arrays[i])
		}
		return
	}
	width, size := wordsOf(k), k.Bits()/8
	keys := make([]byte, 0, len(words)/width*size)
	for i := 0; i < len(words); i += width {
		keys = valueOf(k, words[i:i+width]).AppendBytes(keys)
	}
	p := exact.Pack(size, keys, refs)
	for i, tag := range exactTags {
		f.section(tag, bank, k, part, p.Arrays[i])
	}
}

// readRuns opens the indices, and holds what they have against what the banks say.
func (s *Snapshot) readRuns(r *sectionReader) error {
	number := uint32(0) // of the next bare hash
	others := uint64(0) // signals in the indices of all banks
	var sums [256]uint64
	for len(r.left) > 0 {
		h := r.left[0]
		run := snapRun{bank: -1, kind: h.kind, part: h.part, first: s.bare}
		if h.bank != wholeFile {
			run.bank, run.first = int(h.bank), number
		}
		if !h.kind.IsValid() || h.bank != wholeFile && h.bank >= uint32(len(s.banks)) || !s.follows(&run) {
			bad(h.offset, "no such section may come here")
		}
		if err := s.openRun(r, &h, &run); err != nil {
			return err
		}
		sums[h.kind] += uint64(run.count)
		if run.bank < 0 {
			others += uint64(run.count)
		} else if uint64(number)+uint64(run.n) > uint64(s.bare) {
			bad(h.offset, "more hashes than the banks say they have")
		} else {
			number += uint32(run.n)
		}
		if s.runs = append(s.runs, run); run.bank >= 0 {
			s.bareRuns = len(s.runs)
		}
	}
	if number != s.bare || others != uint64(s.signals-s.bare) {
		bad(r.end, "fewer hashes than the banks say they have")
	}
	s.readSets()
	for i := range s.banks {
		for _, c := range s.banks[i].counts {
			sums[c.kind] -= uint64(c.n) // it may go below 0 and come back
		}
	}
	if sums != [256]uint64{} {
		bad(s.sections[1].offset, "the counts of signals are not those of the indices")
	}
	return nil
}

// follows reports whether a run may come after the latest one.
func (s *Snapshot) follows(run *snapRun) bool {
	if len(s.runs) == 0 {
		return run.part == 0
	}
	last := &s.runs[len(s.runs)-1]
	if run.bank == last.bank && run.kind == last.kind {
		return run.part == last.part+1
	}
	after := run.kind > last.kind
	if run.bank != last.bank {
		after = last.bank >= 0 && (run.bank > last.bank || run.bank < 0)
	}
	return after && run.part == 0
}

// openRun opens an index, whose first section is h.
func (s *Snapshot) openRun(r *sectionReader, h *section, run *snapRun) (err error) {
	tags := mihTags[:]
	if run.kind.IsDigest() {
		tags = exactTags[:]
	}
	at := make([]extent, len(tags))
	for i, tag := range tags {
		at[i] = r.array(tag, h)
	}
	run.hashes, run.refs = at[0], at[1]
	if isBare, hasRefs := run.bank >= 0, run.refs.length > 0; run.hashes.length == 0 || isBare == hasRefs {
		bad(h.offset, "no such section may come here")
	}
	limit := s.signals - s.bare // of refs; bare ones are below their number
	if run.kind.IsDigest() {
		var arrays [exact.NumArrays]exact.Range
		for i, a := range at {
			arrays[i] = exact.Range{Offset: a.offset, Length: a.length}
		}
		if run.bank >= 0 {
			limit = 0
		}
		if run.exact, err = exact.Open(run.kind.Bits()/8, limit, s.file, arrays); err != nil {
			return err
		}
		run.n, run.count = run.exact.Count(), run.exact.Count()
		return nil
	}
	var arrays [mih.NumArrays]mih.Range
	for i, a := range at {
		arrays[i] = mih.Range{Offset: a.offset, Length: a.length}
	}
	if run.mih, err = mih.Open(s.file, run.kind.Bits()/64, limit, arrays); err != nil {
		return err
	}
	run.n, run.count = run.mih.Len(), run.mih.Count()
	run.starts = at[mih.Starts]
	return nil
}

// readSets finds the bare hashes of each bank among the runs.
func (s *Snapshot) readSets() {
	for i := 0; i < s.bareRuns; {
		first := &s.runs[i]
		b := &s.banks[first.bank]
		set := bareSet{kind: first.kind}
		from := i
		for i < s.bareRuns && s.runs[i].bank == first.bank && s.runs[i].kind == first.kind {
			set.n += s.runs[i].n
			i++
		}
		set.runs = s.runs[from:i:i]
		for part := range set.runs {
			if set.runs[part].n != stripeLen(set.n, len(set.runs), part) {
				bad(set.runs[part].hashes.offset, "the parts of the hashes are not as long as they should be")
			}
		}
		b.sets = append(b.sets, set)
	}
	for i := range s.banks {
		sum := uint64(0)
		for _, set := range s.banks[i].sets {
			sum += uint64(set.n)
		}
		if sum != uint64(s.banks[i].bare) {
			bad(s.sections[1].offset, "a bank has not as many hashes as it says")
		}
	}
}
