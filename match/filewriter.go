package match

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	stdhash "hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/mapped"
)

// lineage is what a bank file is to its log of changes.
type lineage struct {
	id       [16]byte
	sequence uint64
}

// fileWriter writes a bank file section by section, without going back.
type fileWriter struct {
	w         *bufio.Writer
	err       error // the first one of w; later writes do nothing
	at        int64
	crc       uint32 // of the block that at lies in, so far
	sums      []byte
	all       stdhash.Hash
	directory []byte
	sections  uint32
}

// newFileWriter writes the header.
func newFileWriter(w io.Writer) *fileWriter {
	f := &fileWriter{w: bufio.NewWriterSize(w, 1<<16), all: sha256.New()}
	h := append(make([]byte, 0, headerSize), fileMagic...)
	h = binary.LittleEndian.AppendUint16(h, fileVersion)
	h = binary.LittleEndian.AppendUint16(h, fileBlock)
	h = h[:headerSize-4]
	f.write(binary.LittleEndian.AppendUint32(h, crc32.Checksum(h, mapped.Castagnoli)))
	return f
}

func (f *fileWriter) put(p []byte) {
	if f.err == nil {
		_, f.err = f.w.Write(p)
	}
	f.at += int64(len(p))
}

// write writes what the sums cover.
func (f *fileWriter) write(p []byte) {
	f.all.Write(p)
	for len(p) > 0 {
		part := p[:min(int64(len(p)), mapped.BlockSize-f.at%mapped.BlockSize)]
		f.crc = crc32.Update(f.crc, mapped.Castagnoli, part)
		if f.put(part); f.at%mapped.BlockSize == 0 {
			f.sum()
		}
		p = p[len(part):]
	}
}

// sum ends a block.
func (f *fileWriter) sum() {
	f.sums = binary.LittleEndian.AppendUint32(f.sums, f.crc)
	f.crc = 0
}

var zeros [fileAlign]byte

// align writes the zeros before the next section.
func (f *fileWriter) align() { f.write(zeros[:alignUp(f.at)-f.at]) }

// section writes a section of the given pieces, unless it were empty.
func (f *fileWriter) section(tag string, bank uint32, kind hash.Kind, part int, pieces ...[]byte) {
	length := 0
	for _, p := range pieces {
		length += len(p)
	}
	if length == 0 {
		return
	}
	f.align()
	f.directory = append(f.directory, tag...)
	f.directory = binary.LittleEndian.AppendUint32(f.directory, bank)
	f.directory = append(f.directory, byte(kind), 0)
	f.directory = binary.LittleEndian.AppendUint16(f.directory, uint16(part))
	f.directory = binary.LittleEndian.AppendUint32(f.directory, 0)
	f.directory = binary.LittleEndian.AppendUint64(f.directory, uint64(f.at))
	f.directory = binary.LittleEndian.AppendUint64(f.directory, uint64(length))
	f.sections++
	for _, p := range pieces {
		f.write(p)
	}
}

// finish writes the end of the file. With no lineage given the file begins its own.
func (f *fileWriter) finish(l *lineage) error {
	f.align()
	if f.at%mapped.BlockSize != 0 {
		f.sum()
	}
	if l == nil {
		l = new(lineage)
		copy(l.id[:], f.all.Sum(nil))
	}
	sums := f.at
	crc := crc32.New(mapped.Castagnoli)
	for _, p := range [][]byte{f.sums, zeros[:alignUp(int64(len(f.sums)))-int64(len(f.sums))], f.directory} {
		crc.Write(p)
		f.put(p)
	}
	end := binary.LittleEndian.AppendUint64(make([]byte, 0, footerSize), uint64(sums))
	end = binary.LittleEndian.AppendUint64(end, uint64(f.at-int64(len(f.directory))))
	end = binary.LittleEndian.AppendUint32(end, f.sections)
	end = binary.LittleEndian.AppendUint32(end, crc.Sum32())
	end = append(end, l.id[:]...)
	end = binary.LittleEndian.AppendUint64(end, l.sequence)
	end = binary.LittleEndian.AppendUint64(end, uint64(f.at)+footerSize)
	end = append(end, fileEnd...)
	f.put(binary.LittleEndian.AppendUint32(end, crc32.Checksum(end, mapped.Castagnoli)))
	if f.err == nil {
		f.err = f.w.Flush()
	}
	if f.err != nil {
		return fmt.Errorf("match: writing a bank file: %w", f.err)
	}
	return nil
}

// temporaryName is the pattern of the names of files that are to replace one.
func temporaryName(path string) string { return "." + filepath.Base(path) + ".*.tmp" }

// replaceFile writes a file that replaces what was at path in one step: it is written
// beside it, synced and renamed, and on any error nothing is left of it and the old
// file stays. Only the owner may read it.
func replaceFile(path string, write func(w io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, temporaryName(path)) // mode 0600
	if err != nil {
		return fmt.Errorf("match: writing a bank file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close() // a second time, if it was Close that failed
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
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
