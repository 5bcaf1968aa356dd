// Package mapped shows a file that lies in memory, or is mapped into it, in blocks
// none of which is believed before its checksum was compared.
//
// Whoever reads a File calls Check first, with what is about to be read, within a
// function that defers Catch: a block that is not what it should be is a panic of type
// *Damage on the way, and an error at the end of it. So the way itself, which is taken
// hundreds of times a query, has nothing to pass on.
package mapped

import (
	"fmt"
	"hash/crc32"
	"math/bits"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"unsafe"
)

// BlockSize is how many bytes share a checksum. Checking one takes some microseconds,
// and ten million hashes are 16,000 of them.
const BlockSize = 1 << blockShift

const blockShift = 16

// Castagnoli is the polynomial of all checksums.
var Castagnoli = crc32.MakeTable(crc32.Castagnoli)

// File is a file's bytes. Its methods may be called by many goroutines at once, but for
// Expect. A mapped file stays mapped for as long as the File is reachable: who keeps
// slices of Bytes keeps the File too, and calls runtime.KeepAlive on it after the last
// use of them.
type File struct {
	data []byte
	sums []uint32        // of each block
	seen []atomic.Uint64 // a bit for each block that agreed with its sum
}

// Damage is the error of bytes that are not what they should be.
type Damage struct {
	Offset int64 // in bytes from the start of the file
	Reason string
	File   *File // that it was met in; Catch sets it
}

func (d *Damage) Error() string { return fmt.Sprintf("byte %d: %s", d.Offset, d.Reason) }

// Map maps a regular file. Where the system has no mapping it is read.
func Map(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%q is not a regular file", path)
	case info.Size() == 0:
		return Hold(nil), nil
	case int64(int(info.Size())) != info.Size():
		return nil, fmt.Errorf("%q has %d bytes; this processor can't address as many", path, info.Size())
	}
	data, unmap, err := mapFile(f, int(info.Size()))
	if err != nil {
		return nil, fmt.Errorf("mapping %q: %w", path, err)
	}
	m := Hold(data)
	if unmap != nil {
		runtime.AddCleanup(m, unmap, data)
	}
	return m, nil
}

// Hold returns a File of bytes in memory, which must not be changed any more.
func Hold(data []byte) *File { return &File{data: data} }

// Bytes returns all bytes, unchecked.
func (f *File) Bytes() []byte { return f.data }

// Expect sets the checksums, one for every BlockSize bytes from the start; the last
// block may be shorter. Nothing beyond the last one passes Check. It must be called
// once, before the first Check.
func (f *File) Expect(sums []uint32, covered int64) error {
	if covered < 0 || covered > int64(len(f.data)) || int64(len(sums)) != (covered+BlockSize-1)>>blockShift {
		return fmt.Errorf("mapped: %d checksums for %d of %d bytes", len(sums), covered, len(f.data))
	}
	f.data = f.data[:covered:covered]
	f.sums, f.seen = sums, make([]atomic.Uint64, (len(sums)+63)/64)
	return nil
}

// Sums returns the checksums of data, block by block.
func Sums(data []byte) []uint32 {
	sums := make([]uint32, 0, (len(data)+BlockSize-1)>>blockShift)
	for len(data) > 0 {
		n := min(len(data), BlockSize)
		sums = append(sums, crc32.Checksum(data[:n], Castagnoli))
		data = data[n:]
	}
	return sums
}

// Check panics with a *Damage unless the n bytes from an offset are what they should
// be. It compares each block once.
func (f *File) Check(offset, n int64) {
	if n <= 0 {
		return
	}
	for b, last := offset>>blockShift, (offset+n-1)>>blockShift; b <= last; b++ {
		if f.seen[b>>6].Load()>>(b&63)&1 == 0 {
			f.compare(b)
		}
	}
}

// compare checks one block. That two goroutines do so at once is no harm.
func (f *File) compare(b int64) {
	from := b << blockShift
	if crc32.Checksum(f.data[from:min(from+BlockSize, int64(len(f.data)))], Castagnoli) != f.sums[b] {
		panic(&Damage{Offset: from, Reason: "the checksum does not agree"})
	}
	f.seen[b>>6].Or(1 << (b & 63))
}

// CheckAll compares every block that was not compared yet, and returns a *Damage for
// the first that does not agree.
func (f *File) CheckAll() (err error) {
	defer f.Catch(&err, debug.SetPanicOnFault(true))
	f.Check(0, int64(len(f.data)))
	return nil
}

// Checked returns how many blocks were compared, and how many there are.
func (f *File) Checked() (done, all int) {
	for i := range f.seen {
		done += bits.OnesCount64(f.seen[i].Load())
	}
	return done, len(f.sums)
}

// Catch makes a panic with a *Damage, and a fault in reading the mapping (when
// somebody has cut the file short under it), the error. It is for
//
//	defer f.Catch(&err, debug.SetPanicOnFault(true))
//
// and sets that back.
func (f *File) Catch(err *error, was bool) {
	debug.SetPanicOnFault(was)
	r := recover()
	if r == nil {
		runtime.KeepAlive(f)
		return
	}
	if d, ok := r.(*Damage); ok {
		d.File = f
		*err = d
		return
	}
	if fault, ok := r.(interface{ Addr() uintptr }); ok && len(f.data) > 0 {
		if at := fault.Addr() - uintptr(unsafe.Pointer(unsafe.SliceData(f.data))); at < uintptr(len(f.data)) {
			*err = &Damage{Offset: int64(at), Reason: "it can't be read any more; the file was changed in place", File: f}
			return
		}
	}
	panic(r)
}
