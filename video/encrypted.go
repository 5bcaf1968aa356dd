package video

import (
	"encoding/binary"
	"io"
	"math/bits"
)

// isEncrypted reports whether a file says that it is encrypted, where a decoder would show noise
// or call it damaged: protected MP4 tracks (ISO/IEC 14496-12, 8.12; Common Encryption uses them), encrypted tracks of
// Matroska (RFC 9559, ContentEncryption), ZIP archives by their first member, PDF by its trailer.
func isEncrypted(r io.ReaderAt, size int64, format string) bool {
	switch format {
	case "mp4", "mov", "3gp":
		return findBox(r, 0, size, protected)
	case "matroska", "webm":
		return findElement(r, 0, size, encryption)
	case "zip":
		var h [30]byte
		n, _ := r.ReadAt(h[:], 0)
		return n == len(h) && string(h[:4]) == "PK\x03\x04" && h[6]&1 != 0
	case "pdf":
		_, at := lastIndex(r, size, 64<<10, "/Encrypt")
		return at >= 0
	}
	return false
}

// protected is the way to a protected sample entry of pictures. An stsd has 8 bytes in front of its
// entries.
var protected = []string{"moov", "trak", "mdia", "minf", "stbl", "stsd", "encv"}

// findBox reports whether there are boxes within each other by these names, between two places.
func findBox(r io.ReaderAt, at, end int64, names []string) bool {
	var b [16]byte
	for range maxBlocks {
		n, _ := r.ReadAt(b[:], at)
		clear(b[n:])
		if n < 8 || at+8 > end {
			return false
		}
		head, length := int64(8), int64(binary.BigEndian.Uint32(b[:]))
		switch length {
		case 0:
			length = end - at
		case 1:
			head, length = 16, int64(min(binary.BigEndian.Uint64(b[8:]), 1<<62))
		}
		if length < head {
			return false
		}
		if string(b[4:8]) == names[0] {
			if len(names) == 1 {
				return true
			}
			inner := at + head
			if names[0] == "stsd" {
				inner += 8
			}
			if findBox(r, inner, min(at+length, end), names[1:]) {
				return true
			}
		}
		at += length
	}
	return false
}

// encryption is the way to what says that a track is encrypted.
var encryption = []string{"\x18\x53\x80\x67", "\x16\x54\xae\x6b", "\xae", "\x6d\x80", "\x62\x40", "\x50\x35"}

// findElement is findBox for elements of Matroska.
func findElement(r io.ReaderAt, at, end int64, ids []string) bool {
	var b [16]byte
	for range maxBlocks {
		n, _ := r.ReadAt(b[:], at)
		clear(b[n:])
		id := bits.LeadingZeros8(b[0]) + 1
		if n < 2 || at >= end || id > 4 {
			return false
		}
		length, width, known := ebmlSize(b[id:])
		inner := at + int64(id+width)
		if !known {
			if width == 0 || string(b[:id]) != ids[0] {
				return false // a cluster of a stream: all that is looked for comes before
			}
			length = end - inner
		}
		if string(b[:id]) == ids[0] && (len(ids) == 1 || findElement(r, inner, min(inner+length, end), ids[1:])) {
			return true
		}
		at = inner + length
	}
	return false
}
