package match

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	stdhash "hash"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// WriteFile writes banks to a file that replaces what was at path in one step: it
// is written beside it, synced and renamed, and on any error nothing is left of it
// and the old file stays. Only the owner may read it (mode 0600). See Write.
func WriteFile(path string, banks ...Bank) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return fmt.Errorf("match: writing a bank file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close() // a second time, if it was Close that failed
			_ = os.Remove(f.Name())
		}
	}()
	if err := Write(f, banks...); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("match: writing a bank file: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("match: writing a bank file: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("match: writing a bank file: %w", err)
	}
	// The file is complete; syncing the folder only makes the rename outlast a power
	// cut, and not every system can.
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}

// Write writes banks in the format of bank files. The same banks give the same
// bytes. It refuses what Read would not give back: invalid hashes, empty names,
// names and IDs that occur twice, strings and lists over 65,535, an entry over 64 MiB.
// Entry.Bank is not written.
func Write(w io.Writer, banks ...Bank) error {
	bw := &bankWriter{w: bufio.NewWriterSize(w, 64<<10), sum: sha256.New()}
	bw.header()
	bw.kinds()
	names := make(map[string]struct{}, len(banks))
	for i := range banks {
		b := &banks[i]
		if _, twice := names[b.Name]; twice {
			return &EntryError{Bank: b.Name, Signal: -1, Reason: "two banks have the name", Err: ErrDuplicate}
		}
		names[b.Name] = struct{}{}
		if err := bw.bank(b); err != nil {
			return err
		}
	}
	bw.done(len(banks))
	if bw.err == nil {
		bw.err = bw.w.Flush()
	}
	if bw.err != nil {
		return fmt.Errorf("match: writing a bank file: %w", bw.err)
	}
	return nil
}

type bankWriter struct {
	w       *bufio.Writer
	sum     stdhash.Hash
	err     error // the first one of w; later writes do nothing
	number  uint32
	entries uint64
	buf     []byte // payload of the section that is being filled
	entry   []byte // one encoded entry
}

func (w *bankWriter) write(p []byte) {
	if w.err == nil {
		_, w.err = w.w.Write(p)
		w.sum.Write(p)
	}
}

func (w *bankWriter) header() {
	h := append(make([]byte, 0, headerSize), fileMagic...)
	h = binary.LittleEndian.AppendUint16(h, fileVersion)
	h = binary.LittleEndian.AppendUint16(h, 0)
	w.write(binary.LittleEndian.AppendUint32(h, crc32.Checksum(h, castagnoli)))
}

// section writes buf as the payload of a section and empties it.
func (w *bankWriter) section(tag string) {
	head := append(make([]byte, 0, sectionHead), tag...)
	head = binary.LittleEndian.AppendUint32(head, w.number)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(w.buf)))
	crc := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, w.buf)
	w.write(head)
	w.write(w.buf)
	w.write(binary.LittleEndian.AppendUint32(nil, crc))
	w.number++
	w.buf = w.buf[:0]
}

func (w *bankWriter) kinds() {
	w.buf = appendKinds(w.buf)
	w.section(tagKinds)
}

// appendKinds appends the payload of the KIND section.
func appendKinds(dst []byte) []byte {
	kinds := hash.Kinds()
	dst = append(dst, byte(len(kinds)))
	for _, k := range kinds {
		dst = append(dst, byte(k))
		dst = binary.LittleEndian.AppendUint16(dst, uint16(k.Bits()))
		dst = appendString(dst, k.String())
		dst = appendString(dst, recipes[k])
	}
	return dst
}

func (w *bankWriter) done(banks int) {
	sum := w.sum.Sum(nil)
	w.buf = binary.LittleEndian.AppendUint64(w.buf, uint64(banks))
	w.buf = binary.LittleEndian.AppendUint64(w.buf, w.entries)
	w.buf = append(w.buf, sum...)
	w.section(tagDone)
}

func (w *bankWriter) bank(b *Bank) error {
	var err error
	if w.buf, err = appendBank(w.buf, b); err != nil {
		return err
	}
	w.section(tagBank)
	if id, twice := repeated(b.Entries); twice {
		return &EntryError{Bank: b.Name, Entry: id, Signal: -1, Reason: "two entries have the ID", Err: ErrDuplicate}
	}
	for i := 0; i < len(b.Entries) && w.err == nil; {
		if isBareHash(&b.Entries[i]) {
			i = w.hashes(b, i)
		} else if i, err = w.full(b, i); err != nil {
			return err
		}
	}
	w.entries += uint64(len(b.Entries))
	return nil
}

// hashes writes one HASH section that begins with entry i, and returns the first
// entry that is not in it.
func (w *bankWriter) hashes(b *Bank, i int) int {
	kind := b.Entries[i].Signals[0].Value.Kind()
	w.buf = append(w.buf, byte(kind), 0, 0, 0, 0)
	count := uint32(0)
	for ; i < len(b.Entries) && count < hashesPerSection(kind); i++ {
		e := &b.Entries[i]
		if !isBareHash(e) || e.Signals[0].Value.Kind() != kind {
			break
		}
		w.buf = e.Signals[0].Value.AppendBytes(w.buf)
		count++
	}
	binary.LittleEndian.PutUint32(w.buf[1:], count)
	w.section(tagHashes)
	return i
}

func hashesPerSection(k hash.Kind) uint32 { return uint32((sectionSize - 5) / (k.Bits() / 8)) }

// full writes one ENTR section that begins with entry i, and returns the first
// entry that is not in it.
func (w *bankWriter) full(b *Bank, i int) (int, error) {
	w.buf = append(w.buf, 0, 0, 0, 0)
	count := uint32(0)
	for ; i < len(b.Entries); i++ {
		e := &b.Entries[i]
		if isBareHash(e) {
			break
		}
		var err error
		if w.entry, err = appendEntry(w.entry[:0], b, e); err != nil {
			return i, err
		}
		if count > 0 && len(w.buf)+len(w.entry) > sectionSize {
			break
		}
		if len(w.buf)+len(w.entry) > maxSection {
			return i, &EntryError{Bank: b.Name, Entry: e.ID, Signal: -1, Reason: fmt.Sprintf("the entry takes %d bytes; a bank file has room for %d", len(w.entry), maxSection), Err: ErrInvalid}
		}
		w.buf = append(w.buf, w.entry...)
		count++
	}
	binary.LittleEndian.PutUint32(w.buf, count)
	w.section(tagEntries)
	return i, nil
}

func appendBank(dst []byte, b *Bank) ([]byte, error) {
	fail := func(reason string) ([]byte, error) {
		return nil, &EntryError{Bank: b.Name, Signal: -1, Reason: reason, Err: ErrInvalid}
	}
	switch {
	case b.Name == "":
		return fail("a bank needs a name")
	case len(b.Name) > math.MaxUint16 || !listFits(b.Labels):
		return fail("the name, a label or the list of labels is longer than 65535")
	}
	dst = appendString(dst, b.Name)
	dst = append(dst, flag(b.Disabled, 1)|flag(b.Allow, 2))
	dst = appendList(dst, b.Labels)
	dst = append(dst, byte(len(b.Thresholds)))
	known := 0
	for _, k := range hash.Kinds() {
		if bits, ok := b.Thresholds[k]; ok {
			if bits < 0 || bits > k.Bits() {
				return fail(fmt.Sprintf("threshold %d for %s; want 0 to %d bits", bits, k, k.Bits()))
			}
			known++
			dst = binary.LittleEndian.AppendUint16(append(dst, byte(k)), uint16(bits))
		}
	}
	if known != len(b.Thresholds) {
		return fail("a threshold for a kind that does not exist")
	}
	return binary.LittleEndian.AppendUint64(dst, uint64(len(b.Entries))), nil
}

func appendEntry(dst []byte, b *Bank, e *Entry) ([]byte, error) {
	fail := func(signal int, reason string) ([]byte, error) {
		return dst, &EntryError{Bank: b.Name, Entry: e.ID, Signal: signal, Reason: reason, Err: ErrInvalid}
	}
	switch {
	case e.ID == "":
		return fail(-1, "an entry needs an ID")
	case len(e.ID) > math.MaxUint16 || !listFits(e.Labels):
		return fail(-1, "the ID, a label or the list of labels is longer than 65535")
	case e.Duration < 0:
		return fail(-1, "the duration is negative")
	case uint64(len(e.Signals)) > math.MaxUint32:
		return fail(-1, "too many signals")
	}
	dst = appendString(dst, e.ID)
	dst = append(dst, flag(e.Disabled, 1))
	dst = appendList(dst, e.Labels)
	dst = appendTime(dst, e.Duration)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(e.Signals)))
	for i := range e.Signals {
		s := &e.Signals[i]
		switch {
		case !s.Value.IsValid():
			return fail(i, "the hash is the invalid zero value")
		case s.From < 0 || s.To < 0:
			return fail(i, "a time is negative")
		case !listFits(s.Transform):
			return fail(i, "a token or the list of the transform is longer than 65535")
		}
		dst = append(dst, byte(s.Value.Kind()), byte(s.Quality))
		dst = appendList(dst, s.Transform)
		dst = appendTime(appendTime(dst, s.From), s.To)
		dst = s.Value.AppendBytes(dst)
	}
	return dst, nil
}

func flag(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}

func appendTime(dst []byte, d time.Duration) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(d))
}

func appendString(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint16(dst, uint16(len(s))), s...)
}

func appendList(dst []byte, list []string) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(list)))
	for _, s := range list {
		dst = appendString(dst, s)
	}
	return dst
}

// listFits reports whether the list and each string in it can be written.
func listFits(list []string) bool {
	for _, s := range list {
		if len(s) > math.MaxUint16 {
			return false
		}
	}
	return len(list) <= math.MaxUint16
}
