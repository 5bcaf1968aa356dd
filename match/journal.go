package match

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rematch-go/rematch/match/internal/mapped"
)

// The log of changes, byte by byte. It lies beside a bank file, has its name with
// ".log" after it, and holds what was changed since the file was written. Numbers, strings
// and lists are as in the bank file.
//
//	log    = "rmlog\r\n\x00"  version uint16 = 2  zero uint16  id [16]byte  sequence uint64  crc uint32  record...
//	record = length uint32  sequence uint64  crc uint32  payload [length]byte  crc uint32
//
// id is the bank file's, and so was the header's sequence number when the log was begun.
// All crc are CRC-32C of what stands before them in the header or the record; the first
// one of a record tells a record that was not written whole from one whose length was
// changed. Sequence numbers rise by one, from the header's on. Records up to the bank
// file's own sequence number are in it already: a new file was written, and the end came
// before the log was cut. A bank file before the header's number, or after the last
// record's, is not the one that the log was written beside.
//
// A payload is the number of a change, a uint8, and then:
//
//	1 bank added      description (as in BANK), entries
//	2 entries added   bank string, entries
//	3 entry removed   bank string, entry string
//	4 bank removed    bank string
//	5 turned on, off  bank string, entry string (empty: the bank), on uint8
//	6 labels set      bank string, entry string (empty: the bank), labels list
//	7 threshold set   bank string, kind uint8, bits uint16
//	8 bank set        description
//	9 entry set       bank string, entry string, flags uint8 (as in ENTR), labels list, curation
//	                  (if there is one)
//	10 entries put    bank string, entries
//	11 entries gone   bank string, count uint32, entry strings
//
//	entries = count uint32, then for each: kind uint8 and the value's bytes of a bare
//	entry, or 0 and the entry as in ENTR
//
// Version 1 has changes 1 to 7, as version 2 of the bank file writes banks and entries. It is
// read, and written anew in version 2 before anything is added to it.
//
// A record is written in one piece and synced before the change is acknowledged. So an
// end in the middle of the last record is a change that nobody was told of, and is cut
// off. Anything else that is wrong is a *FormatError.
const (
	logMagic   = "rmlog\r\n\x00"
	logVersion = 2
	logHeader  = len(logMagic) + 2 + 2 + 16 + 8 + 4
	recordHead = 4 + 8 + 4
	recordTail = 4
	// maxRecord bounds a single change: 1 GiB.
	maxRecord = 1 << 30

	logSection = "log" // in a FormatError
)

// journal is the log of a Matcher that Open has opened. It is guarded by Matcher.mu.
type journal struct {
	path    string      // of the bank file
	file    os.FileInfo // of the bank file that should be there; guarded by saving
	log     *os.File
	end     int64    // of the last record in it
	lock    *os.File // nil: it is closed
	lineage lineage  // its sequence is that of the last record
	buf     []byte
	err     error // why nothing more can be written
}

// logOf returns the path of the log of a bank file.
func logOf(path string) string { return path + ".log" }

// note writes a change that is about to be made to the log, if there is one. The change
// must be made if it returns no error. The caller holds mu.
func (m *Matcher) note(c change) error {
	j := m.journal
	if j == nil {
		return nil
	}
	return j.write(&c)
}

// checkRoom refuses settings of a bank that Save could never write, though the log has room
// for them. The caller holds mu.
func (m *Matcher) checkRoom(b *Bank) (err error) {
	if m.journal != nil {
		_, err = appendBank(nil, b)
	}
	return err
}

// checkEntryRoom is checkRoom for a state of an item.
func (m *Matcher) checkEntryRoom(it *item, s *itemState) (err error) {
	if m.journal != nil {
		c := itemCopy{it: it, state: s}
		e := c.entry()
		_, err = appendEntry(nil, it.bank.name, &e)
	}
	return err
}

func (j *journal) write(c *change) error {
	if j.err != nil {
		return j.err
	}
	record := append(j.buf[:0], make([]byte, recordHead)...)
	record, err := c.append(record)
	j.buf = record[:0]
	if cap(j.buf) > 1<<20 {
		j.buf = nil
	}
	if err != nil {
		return err
	}
	length := len(record) - recordHead
	if length > maxRecord {
		return &EntryError{Bank: c.bank.Name, Signal: -1, Reason: fmt.Sprintf("the change takes %d bytes; a log has room for %d", length, maxRecord), Err: ErrInvalid}
	}
	record = sealRecord(record, j.lineage.sequence+1)
	if err := j.intact(); err != nil {
		return j.broken(err)
	}
	if _, err := j.log.Write(record); err != nil {
		return j.broken(err)
	}
	if err := j.log.Sync(); err != nil {
		return j.broken(err)
	}
	j.lineage.sequence++
	j.end += int64(len(record))
	return nil
}

// sealRecord fills in the head of a record whose payload stands behind it, and appends the tail.
func sealRecord(record []byte, sequence uint64) []byte {
	binary.LittleEndian.PutUint32(record, uint32(len(record)-recordHead))
	binary.LittleEndian.PutUint64(record[4:], sequence)
	binary.LittleEndian.PutUint32(record[recordHead-4:], crc32.Checksum(record[:recordHead-4], mapped.Castagnoli))
	return binary.LittleEndian.AppendUint32(record, crc32.Checksum(record, mapped.Castagnoli))
}

// intact makes sure that the log is still the one that would be found again, with what was
// written and nothing else: one that was deleted would take changes that are lost.
func (j *journal) intact() error {
	ours, err := j.log.Stat()
	if err != nil {
		return err
	}
	found, err := os.Stat(logOf(j.path))
	switch {
	case err != nil:
		return err
	case !os.SameFile(ours, found):
		return errors.New("another file has taken its place")
	case ours.Size() != j.end:
		return fmt.Errorf("somebody else has written to it: it has %d bytes, not %d", ours.Size(), j.end)
	}
	return nil
}

// broken ends the log: what it holds from here on is not known.
func (j *journal) broken(err error) error {
	j.err = fmt.Errorf("%w: %s: %w; nothing can be changed until Save has begun another one", ErrClosed, logOf(j.path), err)
	return j.err
}

// Open returns a Matcher of the banks in a bank file and the log of changes beside it. From
// then on each change is in the log, and synced, before it is acknowledged: whatever ends
// the process, Open finds every acknowledged change again. A change that could not be
// written is ErrClosed, and so are all after it until a Save: it was not made, but may be
// found when the file is opened again.
//
// One process at a time may have a bank file open so; the error of a second one is
// ErrInUse, where the system has locks that end with a process. The file stays mapped; see
// Load. Save writes a new file and cuts the log, which grows until then; Close ends the
// writing. What else reads the bank file, such as OpenSnapshot, sees nothing of the log.
//
// Errors are those of OpenSnapshot and Load, and a *FormatError for a log that is
// damaged or another file's. A last record that was not written whole was never
// acknowledged and is cut off. A log that Options of a larger MaxRadius have made may have
// changes that can't be made again under others: a *RadiusError.
func Open(path string, o Options) (m *Matcher, err error) {
	if m, err = New(o); err != nil {
		return nil, err
	}
	j := &journal{}
	if j.path, err = filepath.Abs(path); err != nil { // it must stay the same when the process goes elsewhere
		return nil, fmt.Errorf("match: opening %s: %w", path, err)
	}
	if j.lock, err = lockFile(path + ".lock"); err != nil {
		return nil, fmt.Errorf("match: opening %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = j.close()
		}
	}()
	j.sweep()
	if j.file, err = identity(j.path); err != nil {
		return nil, fmt.Errorf("match: opening a bank file: %w", err)
	}
	s, err := OpenSnapshot(j.path)
	if err != nil {
		return nil, err
	}
	if err := m.Load(s); err != nil {
		return nil, err
	}
	j.lineage = s.lineage
	if err := j.replay(m); err != nil {
		return nil, err
	}
	m.journal = j
	return m, nil
}

// sweep removes what a process that was ended left of files it had not finished.
func (j *journal) sweep() {
	dir := filepath.Dir(j.path)
	files, _ := os.ReadDir(dir)
	for _, path := range []string{j.path, logOf(j.path)} {
		pattern := temporaryName(path)
		star := strings.LastIndexByte(pattern, '*')
		for _, f := range files {
			number, begins := strings.CutPrefix(f.Name(), pattern[:star])
			number, ends := strings.CutSuffix(number, pattern[star+1:])
			// Nothing but digits, or it is of another file whose name begins as this one's.
			if begins && ends && number != "" && strings.Trim(number, "0123456789") == "" {
				_ = os.Remove(filepath.Join(dir, f.Name()))
			}
		}
	}
}

// replay opens the log, or begins one, and makes its changes.
func (j *journal) replay(m *Matcher) error {
	name := logOf(j.path)
	log, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, os.ErrNotExist) {
		return j.begin(j.lineage.sequence, nil)
	}
	if err != nil {
		return fmt.Errorf("match: opening a log of changes: %w", err)
	}
	j.log = log
	info, err := log.Stat()
	if err != nil {
		return fmt.Errorf("match: opening a log of changes: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("match: opening a log of changes: %q is not a regular file", name)
	}
	r := logReader{r: io.NewSectionReader(log, 0, info.Size()), size: info.Size()}
	if err := r.header(j.lineage.id); err != nil {
		return err
	}
	var anew []byte // the records of an old log, as they are written today
	began := r.sequence
	saved := j.lineage.sequence
	if r.sequence > saved {
		return r.fail("changes %d to %d are missing: the bank file is older than its log", saved+1, r.sequence)
	}
	for {
		sequence, c, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if r.old {
			record, err := c.append(make([]byte, recordHead))
			if err != nil {
				return r.refused(sequence, err)
			}
			anew = append(anew, sealRecord(record, sequence)...)
		}
		if sequence <= saved {
			continue
		}
		if err := c.apply(m); err != nil {
			return r.refused(sequence, err)
		}
		j.lineage.sequence = sequence
	}
	if r.sequence < saved {
		return r.fail("it ends with change %d, before the bank file's %d: it is older than the bank file", r.sequence, saved)
	}
	if r.old {
		return j.begin(began, anew)
	}
	if r.at < info.Size() {
		if err := errors.Join(log.Truncate(r.at), log.Sync()); err != nil {
			return fmt.Errorf("match: cutting off an unfinished change: %w", err)
		}
	}
	j.end = r.at
	return nil
}

// begin puts a new log, with the given records after a sequence number, in the place of the
// one that is there. If it can't the old one stays, and is as good: what of it is in the
// bank file by now is passed over when it is read.
func (j *journal) begin(sequence uint64, records []byte) error {
	h := append(make([]byte, 0, logHeader+len(records)), logMagic...)
	h = binary.LittleEndian.AppendUint16(h, logVersion)
	h = append(h, 0, 0)
	h = append(h, j.lineage.id[:]...)
	h = binary.LittleEndian.AppendUint64(h, sequence)
	h = binary.LittleEndian.AppendUint32(h, crc32.Checksum(h, mapped.Castagnoli))
	h = append(h, records...)
	var old os.FileInfo
	if j.log != nil {
		old, _ = j.log.Stat()
		_ = j.log.Close() // all of it is synced, and Windows replaces no file that is open
		j.log = nil
	}
	name := logOf(j.path)
	failed := replaceFile(name, func(w io.Writer) error {
		_, err := w.Write(h)
		return err
	})
	log, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return j.broken(errors.Join(failed, err))
	}
	j.log = log
	if failed == nil {
		j.end, j.err = int64(len(h)), nil
		return nil
	}
	if found, err := log.Stat(); err != nil || !os.SameFile(old, found) {
		return j.broken(failed)
	}
	return fmt.Errorf("match: beginning a log of changes: %w", failed)
}

// identity returns what tells a file from all others. Windows would look at os.Stat's only
// when they are compared.
func identity(path string) (os.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	return f.Stat()
}

// ours refuses to write over a bank file that somebody else has put in the place of the one
// that was opened: what is in it, and not here, would be lost.
func (j *journal) ours() error {
	found, err := os.Stat(j.path)
	if err == nil && j.file != nil && !os.SameFile(j.file, found) {
		return fmt.Errorf("match: saving: another file was put in the place of %s since it was opened; move it away and save again, or close and open it", j.path)
	}
	return nil // also where there is none any more
}

// Save writes a bank file of all banks as they are now in the place of the one that Open
// has opened, and cuts the log. Queries go on meanwhile, and so do changes but for moments
// at the beginning and the end; those go into the log. Whatever ends it, the old file with
// the whole log, or the new one, is there. A file that somebody else has put there since is
// not written over: that is an error. Where the log could not be written Save begins
// another one, and changes are taken again. The Matcher goes on with the file that it has
// mapped; open it anew to give memory back that changes have taken.
func (m *Matcher) Save() error {
	m.saving.Lock()
	defer m.saving.Unlock()
	m.mu.Lock()
	j := m.journal
	if j == nil || j.lock == nil {
		m.mu.Unlock()
		if j == nil {
			return fmt.Errorf("%w: the Matcher was not made by Open", ErrClosed)
		}
		return ErrClosed
	}
	copies, at, end := m.copies(), j.lineage, j.end
	m.mu.Unlock()
	var b Builder
	for _, c := range copies {
		if err := c.build(&b); err != nil {
			return err
		}
	}
	err := replaceFile(j.path, func(w io.Writer) error {
		if err := b.write(w, &at); err != nil {
			return err
		}
		return j.ours() // as late as can be: it took a while to write
	})
	if err == nil {
		j.file, err = identity(j.path)
	}
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := make([]byte, j.end-end)
	if len(rest) > 0 {
		if _, err := j.log.ReadAt(rest, end); err != nil {
			return fmt.Errorf("match: saving: reading %s: %w", logOf(j.path), err)
		}
	}
	return j.begin(at.sequence, rest)
}

// Close ends the writing of a Matcher that Open has made: changes are refused from then on
// with ErrClosed, and another process may open the file. Queries go on. It is nothing for
// other Matchers.
func (m *Matcher) Close() error {
	m.saving.Lock()
	defer m.saving.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.journal
	if j == nil || j.lock == nil {
		return nil
	}
	j.err = ErrClosed
	return j.close()
}

func (j *journal) close() error {
	var err error
	if j.log != nil {
		err = j.log.Close()
	}
	if j.lock != nil {
		err = errors.Join(err, j.lock.Close()) // which lets go of the lock
		j.lock = nil
	}
	return err
}
