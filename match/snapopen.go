package match

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime/debug"
	"slices"
	"sort"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/mapped"
)

// locate makes damage at an offset an error that names the section.
func (s *Snapshot) locate(err *error) {
	var d *mapped.Damage
	if errors.As(*err, &d) {
		*err = s.formatError(d)
	}
}

func (s *Snapshot) formatError(d *mapped.Damage) *FormatError {
	e := &FormatError{Section: "header", Number: -1, Offset: d.Offset, Reason: d.Reason, Err: ErrDamaged}
	if i := sort.Search(len(s.sections), func(i int) bool { return s.sections[i].offset > d.Offset }) - 1; i >= 0 {
		e.Section, e.Number = s.sections[i].tag, i
	}
	return e
}

// refused says what is wrong with a part of the file that is no section.
func refused(part string, offset int64, err error, format string, args ...any) *FormatError {
	return &FormatError{Section: part, Number: -1, Offset: offset, Reason: fmt.Sprintf(format, args...), Err: err}
}

// checkHeader refuses what does not begin like a bank file of this version.
func checkHeader(h []byte) error {
	if !bytes.HasPrefix(h, []byte(fileMagic)) {
		return refused("header", 0, ErrNotBankFile, "it does not begin like one")
	}
	sealed := func(n int) bool {
		return len(h) >= n && crc32.Checksum(h[:n-4], mapped.Castagnoli) == binary.LittleEndian.Uint32(h[n-4:])
	}
	const oldHeader = 16 // of version 1
	version := uint16(0)
	if len(h) >= oldHeader {
		version = binary.LittleEndian.Uint16(h[len(fileMagic):])
	}
	switch {
	case version == 1 && sealed(oldHeader):
		return refused("header", 0, ErrOlderFile, "version 1; this program reads %d", fileVersion)
	case len(h) < headerSize:
		return refused("header", int64(len(h)), ErrDamaged, "the file ends too early")
	case !sealed(headerSize):
		return refused("header", 0, ErrDamaged, "the checksum does not agree")
	case version > fileVersion:
		return refused("header", 0, ErrNewerFile, "version %d; this program reads %d", version, fileVersion)
	case version != fileVersion && version != oldVersion || binary.LittleEndian.Uint16(h[len(fileMagic)+2:]) != fileBlock || !allZeros(h[len(fileMagic)+4:headerSize-4]):
		return refused("header", 0, ErrDamaged, "there is no such version")
	}
	return nil
}

func allZeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func (s *Snapshot) open() (err error) {
	defer s.locate(&err)
	defer s.file.Catch(&err, debug.SetPanicOnFault(true))
	data := s.file.Bytes()
	if err := checkHeader(data[:min(headerSize, len(data))]); err != nil {
		return err
	}
	sums, covered, err := s.tail(data)
	if err != nil {
		return err
	}
	if err := s.file.Expect(sums, covered); err != nil {
		return refused("sums", covered, ErrDamaged, "%v", err)
	}
	s.file.Check(0, headerSize)
	s.old = binary.LittleEndian.Uint16(data[len(fileMagic):]) == oldVersion
	return s.readSections()
}

// tail reads the footer and what it points to. covered is how many bytes have sums.
func (s *Snapshot) tail(data []byte) (sums []uint32, covered int64, err error) {
	end := s.size - footerSize
	fail := func(part string, offset int64, format string, args ...any) ([]uint32, int64, error) {
		return nil, 0, refused(part, offset, ErrDamaged, format, args...)
	}
	if end < headerSize {
		return fail("footer", s.size, "the file ends too early")
	}
	foot := data[end:]
	d := decoder{b: foot}
	sumsAt, directoryAt, count, crc := d.uint64(), d.uint64(), d.uint32(), d.uint32()
	copy(s.lineage.id[:], d.take(len(s.lineage.id)))
	s.lineage.sequence = d.uint64()
	length, mark := d.uint64(), string(d.take(len(fileEnd)))
	switch {
	case mark != fileEnd || d.uint32() != crc32.Checksum(foot[:footerSize-4], mapped.Castagnoli):
		return fail("footer", end, "the file does not end as it should: it is cut short, or something follows")
	case length != uint64(s.size):
		return fail("footer", end, "the file has %d bytes; it was made with %d", s.size, length)
	case sumsAt < headerSize || sumsAt > uint64(end) || sumsAt%fileAlign != 0:
		return fail("footer", end, "the place of the sums makes no sense")
	}
	covered = int64(sumsAt)
	blocks := (covered + mapped.BlockSize - 1) / mapped.BlockSize
	switch {
	case directoryAt != uint64(alignUp(covered+4*blocks)):
		return fail("footer", end, "the place of the directory makes no sense")
	case directoryAt > uint64(end) || uint64(end)-directoryAt != uint64(count)*recordSize:
		return fail("footer", end, "the number of sections makes no sense")
	case crc32.Checksum(data[covered:end], mapped.Castagnoli) != crc:
		return fail("sums", covered, "the checksum of sums and directory does not agree")
	case !allZeros(data[covered+4*blocks : directoryAt]):
		return fail("sums", covered, "there is something behind them")
	}
	// A copy: it stays true when somebody writes into the file.
	sums = slices.Clone(mapped.View[uint32](data[covered : covered+4*blocks]))
	return sums, covered, s.directory(data, int64(directoryAt), covered)
}

// directory reads where the sections are: one after the other, with nothing between
// them but what aligns them.
func (s *Snapshot) directory(data []byte, at, covered int64) error {
	next := int64(headerSize)
	for d := (decoder{b: data[at : s.size-footerSize]}); len(d.b) > 0; at += recordSize {
		tag := printable(d.take(4))
		bank, kind, zero8, part, zero32 := d.uint32(), d.uint8(), d.uint8(), d.uint16(), d.uint32()
		offset, length := d.uint64(), d.uint64()
		fail := func(reason string) error {
			return refused("directory", at, ErrDamaged, "section %d, %s: %s", len(s.sections), tag, reason)
		}
		if zero8 != 0 || zero32 != 0 {
			return fail("there is something where zeros must be")
		}
		if offset != uint64(next) || length == 0 || length > uint64(covered-next) {
			return fail("its place makes no sense")
		}
		end := next + int64(length)
		s.sections = append(s.sections, section{tag: tag, bank: bank, kind: hash.Kind(kind), part: int(part), extent: extent{next, int64(length)}})
		if next = alignUp(end); next > covered || !allZeros(data[end:next]) {
			return fail("there is something behind it")
		}
	}
	if next != covered {
		return refused("directory", at, ErrDamaged, "there is something behind the last section")
	}
	return nil
}

// printable keeps a stranger's tag from doing anything to a terminal.
func printable(tag []byte) string {
	for _, c := range tag {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("%x", tag)
		}
	}
	return string(tag)
}

// bytes returns a part of the file, checked.
func (s *Snapshot) bytes(at extent) []byte {
	s.file.Check(at.offset, at.length)
	return s.file.Bytes()[at.offset : at.offset+at.length]
}

// record returns a record of a section of records of one size. The number must be
// below their number.
func (s *Snapshot) record(of extent, size, number int64) []byte {
	return s.bytes(extent{of.offset + size*number, size})
}
