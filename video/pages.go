package video

import (
	"encoding/binary"
	"io"
)

// A still file can hold more than the one picture that its decoder gives: to judge
// the first and say "no match" would be to not look at the others. morePictures
// finds such files, which are refused. What it can't make sense of is the decoder's
// business.

// morePictures says what else is in a still, or nothing.
func morePictures(r io.ReaderAt, format string) string {
	switch format {
	case "png":
		if isAnimatedPNG(r) {
			return "an animated PNG; only PNG stills are decoded"
		}
	case "tiff":
		if hasPages(r) {
			return "a TIFF of several pages; only the first would be seen: give each page as a file"
		}
	}
	return ""
}

// maxChunks bounds the walk to a PNG's pixels. Real files have a few dozen chunks
// before them.
const maxChunks = 4096

// isAnimatedPNG looks for the animation control chunk, which stands before the
// first pixels (PNG specification, third edition, 11.3.6.1). An animation of one frame
// is a still if that frame is the picture that decoders give, which its frame control
// chunk before the pixels tells. A file that hides its pixels behind thousands of
// chunks counts as animated.
func isAnimatedPNG(r io.ReaderAt) bool {
	var b [12]byte
	at, single := int64(8), false
	for range maxChunks {
		if n, _ := r.ReadAt(b[:], at); n < len(b) {
			return false
		}
		switch string(b[4:8]) {
		case "acTL":
			if single = binary.BigEndian.Uint32(b[8:]) == 1; !single {
				return true
			}
		case "fcTL":
			return false // of one frame, which is the picture
		case "IDAT":
			return single
		}
		at += 12 + int64(binary.BigEndian.Uint32(b[:])) // length, type, data, checksum
	}
	return true
}

// maxDirectories bounds the walk through a TIFF's pictures: thumbnails and masks.
const maxDirectories = 16

// hasPages reports whether a TIFF has a second picture that is neither a smaller
// copy nor a mask (TIFF 6.0, NewSubfileType). One with more directories than
// anybody makes counts as having one.
func hasPages(r io.ReaderAt) bool {
	var b [8]byte
	if _, err := r.ReadAt(b[:], 0); err != nil {
		return false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	next := int64(order.Uint32(b[4:]))
	for n := range maxDirectories {
		if next == 0 {
			return false
		}
		if _, err := r.ReadAt(b[:2], next); err != nil {
			return false
		}
		count := int64(order.Uint16(b[:]))
		if n > 0 && !isCopyOrMask(r, order, next+2, count) {
			return true
		}
		if _, err := r.ReadAt(b[:4], next+2+12*count); err != nil {
			return false
		}
		next = int64(order.Uint32(b[:]))
	}
	return true
}

// isCopyOrMask reads NewSubfileType (254) of a directory: bit 0 is a copy of
// reduced resolution, bit 2 a mask.
func isCopyOrMask(r io.ReaderAt, order binary.ByteOrder, at, count int64) bool {
	var e [12]byte // tag, type, count, value
	for i := range count {
		if _, err := r.ReadAt(e[:], at+12*i); err != nil {
			return false
		}
		if order.Uint16(e[:]) == 254 {
			return order.Uint32(e[8:])&5 != 0
		}
	}
	return false
}
