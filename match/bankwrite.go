package match

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/mapped"
)

// WriteFile makes the file and puts it in the place of what was at path in one step: it
// is written beside it, synced and renamed, and on any error nothing is left of it and
// the old file stays. Only the owner may read it (mode 0600).
func (b *Builder) WriteFile(path string) error { return replaceFile(path, b.Write) }

// Snapshot makes the file in memory and opens it.
func (b *Builder) Snapshot() (*Snapshot, error) {
	var file bytes.Buffer
	if err := b.Write(&file); err != nil {
		return nil, err
	}
	return openSnapshot(mapped.Hold(file.Bytes()))
}

// Write writes the file to w.
func (b *Builder) Write(w io.Writer) error { return b.write(w, nil) }

// bareRun is a part of the bare hashes of one kind in one bank.
type bareRun struct {
	bank  uint32
	kind  hash.Kind
	part  int
	parts int
}

// prepare puts everything in order and counts it.
func (b *Builder) prepare() (runs []bareRun, bare uint32, junks []uint32, err error) {
	for number, d := range b.banks {
		d.words = make(map[hash.Kind][]uint64)
		for _, k := range hash.Kinds() {
			var words []uint64
			width := wordsOf(k)
			if l := d.strict[k]; l != nil {
				words = l.sorted()
				if i := repeatedWords(words, width); i >= 0 {
					return nil, 0, nil, d.twice(valueOf(k, words[i*width:(i+1)*width]).String())
				}
			}
			if l := d.hashes[k]; l != nil {
				given, before := l.given, len(words)/width
				words = united(words, dropRepeated(l.sorted(), width), width)
				b.repeated += uint64(given - (len(words)/width - before))
			}
			if len(words) == 0 {
				continue
			}
			d.words[k] = words
			n := len(words) / width
			parts := stripes(n, b.partSize(k))
			for part := range parts {
				runs = append(runs, bareRun{bank: uint32(number), kind: k, part: part, parts: parts})
			}
			fresh := len(junks)
			for i := range n {
				if !isJunk(valueOf(k, words[i*width:(i+1)*width])) {
					continue
				}
				at := i / parts
				for part := range i % parts {
					at += stripeLen(n, parts, part)
				}
				junks = append(junks, bare+uint32(at))
			}
			slices.Sort(junks[fresh:])
			d.count(signalCount{kind: k, quality: hash.Unmeasured, n: uint32(n), junk: uint32(len(junks) - fresh)})
			bare += uint32(n)
		}
		d.hashes, d.strict = nil, nil
		if err := b.checkIDs(d); err != nil {
			return nil, 0, nil, err
		}
	}
	for _, j := range b.junk {
		junks = append(junks, bare+j)
	}
	return runs, bare, junks, nil
}

// write writes the file as a later state of the lineage, if one is given.
func (b *Builder) write(w io.Writer, l *lineage) error {
	if b.err != nil {
		return b.err
	}
	runs, bare, junks, err := b.prepare()
	if err != nil {
		return b.fail(err)
	}
	b.err = fmt.Errorf("%w: the builder has made its file", ErrInvalid)
	f := newFileWriter(w)
	f.section(tagKinds, wholeFile, 0, 0, appendKinds(nil))
	f.section(tagBanks, wholeFile, 0, 0, b.description())
	for _, r := range runs {
		d := b.banks[r.bank]
		width := wordsOf(r.kind)
		f.hashes(r.bank, r.kind, r.part, stripe(d.words[r.kind], width, r.parts, r.part), nil)
		if r.part == r.parts-1 {
			delete(d.words, r.kind)
		}
		if f.err != nil {
			break
		}
	}
	b.writeSignals(f)
	f.section(tagEntries, wholeFile, 0, 0, b.chunks...)
	f.section(tagOffsets, wholeFile, 0, 0, b.entriesOffsets(bare))
	f.section(tagIDs, wholeFile, 0, 0, b.entriesIDs(bare))
	raw := make([]byte, 0, 4*len(junks))
	for _, j := range junks {
		raw = binary.LittleEndian.AppendUint32(raw, j)
	}
	f.section(tagJunk, wholeFile, 0, 0, raw)
	*b = Builder{err: b.err, repeated: b.repeated} // the memory goes
	return f.finish(l)
}

// description makes what BANK says.
func (b *Builder) description() []byte {
	dst := binary.LittleEndian.AppendUint32(nil, uint32(len(b.banks)))
	for _, d := range b.banks {
		bare := 0
		for k, words := range d.words {
			bare += len(words) / wordsOf(k)
		}
		dst = append(dst, d.description...)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(bare))
		dst = binary.LittleEndian.AppendUint32(dst, d.full)
		dst = binary.LittleEndian.AppendUint32(dst, d.videos)
		counts := make([]signalCount, 0, len(d.counts))
		for _, c := range d.counts {
			counts = append(counts, *c)
		}
		slices.SortFunc(counts, compareCounts)
		dst = appendCounts(dst, counts)
	}
	return dst
}

// writeSignals writes the index of all signals that are not those of bare entries.
func (b *Builder) writeSignals(f *fileWriter) {
	for _, k := range hash.Kinds() {
		left := b.byKind[k]
		if left == 0 || f.err != nil {
			continue
		}
		width, size := wordsOf(k), uint64(b.partSize(k))
		part, number := 0, uint32(0)
		room := min(left, size)
		words, refs := make([]uint64, 0, room*uint64(width)), make([]uint32, 0, room)
		signal := func(v hash.Value) {
			if v.Kind() == k {
				w := v.Words()
				words, refs = append(words, w[:width]...), append(refs, number)
				left--
				if uint64(len(refs)) == size || left == 0 {
					f.hashes(wholeFile, k, part, words, refs)
					part++
					words, refs = words[:0], refs[:0]
				}
			}
			number++
		}
		for _, c := range b.chunks {
			for d := (decoder{b: c}); len(d.b) > 0 && !d.bad; {
				d.signals(signal)
			}
		}
	}
}

func (b *Builder) entriesOffsets(bare uint32) []byte {
	if len(b.offsets) == 0 {
		return nil
	}
	dst := make([]byte, 0, (len(b.offsets)+1)*entoSize)
	for _, o := range append(b.offsets, offset{b.size, uint32(b.signals)}) {
		dst = binary.LittleEndian.AppendUint64(dst, o.at)
		dst = binary.LittleEndian.AppendUint32(dst, bare+o.signal)
		dst = binary.LittleEndian.AppendUint32(dst, 0)
	}
	return dst
}

func (b *Builder) entriesIDs(bare uint32) []byte {
	dst := make([]byte, 0, len(b.ids)*entiSize)
	for _, m := range b.ids {
		dst = binary.LittleEndian.AppendUint64(dst, m.sum)
		dst = binary.LittleEndian.AppendUint32(dst, bare+m.number)
		dst = binary.LittleEndian.AppendUint32(dst, 0)
	}
	return dst
}

// Write writes banks in the format of bank files, as a Builder does: with the same
// errors, and the same bytes for the same banks.
func Write(w io.Writer, banks ...Bank) error {
	b, err := builderOf(banks)
	if err != nil {
		return err
	}
	return b.Write(w)
}

// WriteFile writes banks to a file that replaces what was at path in one step. See
// Builder.WriteFile.
func WriteFile(path string, banks ...Bank) error {
	b, err := builderOf(banks)
	if err != nil {
		return err
	}
	return b.WriteFile(path)
}

func builderOf(banks []Bank) (*Builder, error) {
	b := &Builder{}
	for _, bank := range banks {
		if err := b.Bank(bank); err != nil {
			return nil, err
		}
	}
	return b, nil
}
