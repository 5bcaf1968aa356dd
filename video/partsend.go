package video

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
	"slices"
)

// maxBlocks bounds the walk through the blocks of a file's media.
const maxBlocks = 1 << 20

// mediumEnd returns where a medium that begins at start ends: at size where its format or its
// damage does not tell. complete is false if it has more blocks than are left to be walked through.
func mediumEnd(r io.ReaderAt, start, size int64, format string, left *int) (end int64, complete bool) {
	switch format {
	case "jpeg":
		return jpegEnd(r, start, size), true
	case "png":
		return walk(r, start+8, size, left, pngChunk)
	case "gif":
		return gifEnd(r, start, size), true
	case "webp", "avi":
		return walk(r, start, size, left, riffChunk(start, format))
	case "mp4", "mov", "3gp", "heic", "avif", "cr3":
		return walk(r, start, size, left, isoBox(start, size))
	case "matroska", "webm":
		return walk(r, start, size, left, ebmlElement(start))
	case "bmp":
		return bmpEnd(r, start, size), true
	}
	return size, true
}

// step tells by the first 16 bytes of a block, zeros behind the end of the file, where the
// next one begins. last ends the walk there; a next of -1 means that there is no block at all.
type step func(at int64, b []byte) (next int64, last bool)

// walk goes from block to block.
func walk(r io.ReaderAt, at, size int64, left *int, next step) (end int64, complete bool) {
	var window [4 << 10]byte // of the file from base on: a block can be as small as two bytes
	base, have := at, 0
	for ; *left > 0; *left-- {
		if at+16 > base+int64(have) {
			base = at
			have, _ = r.ReadAt(window[:min(int64(len(window)), size-at)], at)
		}
		var b [16]byte
		if copy(b[:], window[at-base:have]) < 8 {
			return size, true
		}
		to, last := next(at, b[:])
		switch {
		case to < 0:
			return at, true
		case to <= at || to > size: // broken off, or of no known end
			return size, true
		case last || to == size:
			return to, true
		}
		at = to
	}
	return size, false
}

// pngChunk steps over a chunk: length, type, data, checksum.
func pngChunk(at int64, b []byte) (next int64, last bool) {
	return at + 12 + int64(binary.BigEndian.Uint32(b)), string(b[4:8]) == "IEND"
}

// riffChunk steps over a RIFF chunk; an AVI of more than one gigabyte has several.
func riffChunk(start int64, format string) step {
	return func(at int64, b []byte) (next int64, last bool) {
		if string(b[:4]) != "RIFF" || at > start && string(b[8:12]) != "AVIX" {
			return -1, true
		}
		n := int64(binary.LittleEndian.Uint32(b[4:]))
		return at + 8 + n + n&1, format == "webp"
	}
}

// isoBoxes are those that may be the last one of a file that breaks off.
var isoBoxes = []string{"ftyp", "moov", "mdat", "moof", "free", "skip", "wide", "mfra", "meta", "sidx", "styp", "uuid", "emsg"}

// isoBox steps over a box of an MP4. The file ends before what is no box, or another file type.
func isoBox(start, size int64) step {
	return func(at int64, b []byte) (next int64, last bool) {
		n := int64(binary.BigEndian.Uint32(b))
		for _, c := range b[4:8] {
			if c < ' ' || c > '~' && c != 0xa9 {
				return -1, true
			}
		}
		if at > start {
			if f, _, _ := Sniff(b); f != "" && (string(b[4:8]) == "ftyp" || f != "mov") {
				return -1, true
			}
		}
		switch n {
		case 0:
			return 0, true // to the end
		case 1:
			n = int64(min(binary.BigEndian.Uint64(b[8:]), 1<<62))
		}
		if n < 8 || at+n > size && !slices.Contains(isoBoxes, string(b[4:8])) {
			return -1, true
		}
		return at + n, false
	}
}

// ebmlElement steps over an element at the top: the header, the segment, and what may stand
// between and behind them.
func ebmlElement(start int64) step {
	return func(at int64, b []byte) (next int64, last bool) {
		id := bits.LeadingZeros8(b[0]) + 1
		if id > 4 || at > start && string(b[:4]) == "\x1aE\xdf\xa3" {
			return -1, true
		}
		switch string(b[:id]) {
		case "\x1aE\xdf\xa3", "\x18\x53\x80\x67", "\xec", "\xbf": // header, segment, void, checksum
		default:
			return -1, true
		}
		n, width, known := ebmlSize(b[id:])
		if !known {
			return 0, true
		}
		return at + int64(id+width) + n, false
	}
}

// ebmlSize reads a size (RFC 8794); one whose bits are all set is not known.
func ebmlSize(b []byte) (n int64, width int, known bool) {
	width = bits.LeadingZeros8(b[0]) + 1
	if width > 8 || width > len(b) {
		return 0, 0, false
	}
	n = int64(b[0]) & (1<<(8-width) - 1)
	for _, c := range b[1:width] {
		n = n<<8 | int64(c)
	}
	return n, width, n != 1<<(7*width)-1 // below 1<<56
}

// jpegEnd reads over the segments and the coded data of a JPEG to its end mark.
func jpegEnd(r io.ReaderAt, start, size int64) int64 {
	in := bufio.NewReaderSize(io.NewSectionReader(r, start+2, size-start-2), 64<<10)
	at := start + 2
	coded := false // in coded data, where only some marks mean anything
	for {
		// To the next 0xff.
		b, err := in.ReadSlice(0xff)
		at += int64(len(b))
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return size
		}
		mark := byte(0xff)
		for mark == 0xff {
			if mark, err = in.ReadByte(); err != nil {
				return size
			}
			at++
		}
		switch {
		case mark == 0xd9:
			return at
		case mark == 0, mark == 1, mark >= 0xd0 && mark <= 0xd8:
			continue
		case coded && (mark < 0xc0 || mark == 0xff):
			continue
		}
		var length [2]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return size
		}
		n := int(binary.BigEndian.Uint16(length[:]))
		if n < 2 {
			return size
		}
		if _, err := in.Discard(n - 2); err != nil {
			return size
		}
		at += int64(n)
		coded = mark == 0xda
	}
}

// gifEnd reads over the blocks of a GIF to its trailer.
func gifEnd(r io.ReaderAt, start, size int64) int64 {
	in := bufio.NewReaderSize(io.NewSectionReader(r, start, size-start), 64<<10)
	at := start
	skip := func(n int) bool {
		d, err := in.Discard(n)
		at += int64(d)
		return err == nil
	}
	table := func(flags byte) int {
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (flags&7 + 1)
	}
	h, err := in.Peek(13)
	if err != nil || !skip(13+table(h[10])) {
		return size
	}
	for {
		b, err := in.ReadByte()
		if err != nil {
			return size
		}
		at++
		switch b {
		case 0x3b:
			return at
		case 0x21: // an extension
			if !skip(1) {
				return size
			}
		case 0x2c: // a picture
			h, err := in.Peek(9)
			if err != nil || !skip(9+table(h[8])+1) {
				return size
			}
		default:
			return size
		}
		for n := byte(1); n != 0; { // sub-blocks
			if n, err = in.ReadByte(); err != nil || !skip(int(n)) {
				return size
			}
			at++
		}
	}
}

// bmpEnd reckons the end of uncompressed pixels. What the file says of its size is not believed.
func bmpEnd(r io.ReaderAt, start, size int64) int64 {
	var h [54]byte
	if _, err := r.ReadAt(h[:], start); err != nil || binary.LittleEndian.Uint32(h[14:]) < 40 {
		return size
	}
	le := binary.LittleEndian
	width, height := int64(int32(le.Uint32(h[18:]))), int64(int32(le.Uint32(h[22:])))
	if compression := le.Uint32(h[30:]); width <= 0 || compression != 0 && compression != 3 {
		return size
	}
	if height < 0 {
		height = -height
	}
	row := (width*int64(le.Uint16(h[28:])) + 31) / 32 * 4
	if row > 1<<31 {
		return size
	}
	return min(size, start+int64(le.Uint32(h[10:]))+row*height)
}

// lastIndex returns the last n bytes of a file and where a mark stands in them for the last time, or -1.
func lastIndex(r io.ReaderAt, size int64, n int64, mark string) (b []byte, at int) {
	b = make([]byte, min(n, size))
	read, _ := r.ReadAt(b, size-int64(len(b)))
	b = b[:read]
	return b, bytes.LastIndex(b, []byte(mark))
}
