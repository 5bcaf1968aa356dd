package match

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/rematch-go/rematch/match/internal/mapped"
)

// logReader reads the records of a log.
type logReader struct {
	r        *io.SectionReader
	size     int64
	at       int64  // where the next record starts
	start    int64  // where the record that was read last starts
	sequence uint64 // of the record that was read last, before the first one the header's
	records  int
	old      bool // of version 1
	buf      []byte
}

func (r *logReader) fail(format string, args ...any) error {
	return &FormatError{Section: logSection, Number: r.records, Offset: r.start, Reason: fmt.Sprintf(format, args...), Err: ErrDamaged}
}

// refused is the error of a change that can't be made again.
func (r *logReader) refused(sequence uint64, err error) error {
	var radius *RadiusError
	var format *FormatError
	if errors.As(err, &radius) || errors.As(err, &format) { // of the options, or of the bank file
		return fmt.Errorf("match: making change %d of the log again: %w", sequence, err)
	}
	return r.fail("change %d can't be made again: %v", sequence, err)
}

func (r *logReader) header(id [16]byte) error {
	fail := func(err error, reason string) error {
		return &FormatError{Section: logSection, Number: -1, Reason: reason, Err: err}
	}
	h := make([]byte, logHeader)
	if _, err := r.r.ReadAt(h, 0); errors.Is(err, io.EOF) {
		return fail(ErrDamaged, "it ends within its header")
	} else if err != nil {
		return fmt.Errorf("match: reading a log of changes: %w", err)
	}
	d := decoder{b: h}
	magic, version, zero := string(d.take(len(logMagic))), d.uint16(), d.uint16()
	other := string(d.take(len(id))) != string(id[:])
	r.sequence = d.uint64()
	switch {
	case magic != logMagic:
		return fail(ErrNotBankFile, "it does not begin like a log of changes")
	case d.uint32() != crc32.Checksum(h[:logHeader-4], mapped.Castagnoli):
		return fail(ErrDamaged, "the checksum of the header does not agree")
	case version > logVersion:
		return fail(ErrNewerFile, fmt.Sprintf("version %d; this program reads %d", version, logVersion))
	case version < 1 || zero != 0:
		return fail(ErrDamaged, "there is no such version")
	case other:
		return fail(ErrDamaged, "it is the log of another bank file; if this one took the other's place, move the log away")
	}
	r.at, r.old = int64(logHeader), version == 1
	return nil
}

// next returns the next change, or io.EOF where the log ends, or breaks off in a record
// that was never written whole.
func (r *logReader) next() (sequence uint64, c change, err error) {
	r.start = r.at
	var head [recordHead]byte
	if r.size-r.at < recordHead {
		return 0, c, io.EOF
	}
	if _, err := r.r.ReadAt(head[:], r.at); err != nil {
		return 0, c, fmt.Errorf("match: reading a log of changes: %w", err)
	}
	length := int64(binary.LittleEndian.Uint32(head[:]))
	sequence = binary.LittleEndian.Uint64(head[4:])
	switch {
	case binary.LittleEndian.Uint32(head[recordHead-4:]) != crc32.Checksum(head[:recordHead-4], mapped.Castagnoli):
		return 0, c, r.fail("the checksum of the record's head does not agree")
	case length > maxRecord:
		return 0, c, r.fail("the record claims %d bytes", length)
	case sequence != r.sequence+1:
		return 0, c, r.fail("change %d follows change %d", sequence, r.sequence)
	}
	whole := recordHead + length + recordTail
	if whole > r.size-r.at {
		return 0, c, io.EOF
	}
	if int64(cap(r.buf)) < whole {
		r.buf = make([]byte, whole)
	}
	b := r.buf[:whole]
	if _, err := r.r.ReadAt(b, r.at); err != nil {
		return 0, c, fmt.Errorf("match: reading a log of changes: %w", err)
	}
	if binary.LittleEndian.Uint32(b[whole-recordTail:]) != crc32.Checksum(b[:whole-recordTail], mapped.Castagnoli) {
		return 0, c, r.fail("the checksum of the record does not agree")
	}
	d := decoder{b: b[recordHead : whole-recordTail], old: r.old}
	if c = d.change(); !d.end() {
		return 0, c, r.fail("the change makes no sense")
	}
	r.at += whole
	r.records++
	r.sequence = sequence
	return sequence, c, nil
}
