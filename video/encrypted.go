package video

import (
	"encoding/binary"
	"io"
	"math/bits"
)

// isEncrypted reports whether a file says that its pictures are encrypted, where a decoder would
// show noise or call it damaged: protected MP4 tracks (ISO/IEC 14496-12, 8.12; Common Encryption
// uses them), encrypted tracks of Matroska (RFC 9559, ContentEncryption), ZIP archives by their
// first member, PDF by its trailer. A file with a track of pictures that is not encrypted is not.
func isEncrypted(r io.ReaderAt, size int64, format string) bool {
	left := maxBlocks
	switch format {
	case "mp4", "mov", "3gp":
		return lockedMP4(r, size, &left)
	case "matroska", "webm":
		return lockedMatroska(r, size, &left)
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

// lockedMP4 looks at the tracks of the first moov: decoders take no other.
func lockedMP4(r io.ReaderAt, size int64, left *int) bool {
	locked, open := false, false
	boxes(r, 0, size, left, func(name string, at, end int64) bool {
		if name != "moov" {
			return true
		}
		boxes(r, at, end, left, func(name string, at, end int64) bool {
			if name == "trak" {
				switch pictures, protected := track(r, at, end, left, 0); {
				case protected:
					locked = true
				case pictures:
					open = true
				}
			}
			return true
		})
		return false
	})
	return locked && !open
}

// track tells whether a track of an MP4 has pictures, and whether they are protected. depth is
// how many of the boxes mdia, minf and stbl it is within.
func track(r io.ReaderAt, at, end int64, left *int, depth int) (pictures, protected bool) {
	boxes(r, at, end, left, func(name string, at, end int64) bool {
		switch name {
		case "mdia", "minf", "stbl":
			if depth < 3 {
				p, e := track(r, at, end, left, depth+1)
				pictures, protected = pictures || p, protected || e
			}
		case "hdlr":
			var h [12]byte
			n, _ := r.ReadAt(h[:min(end-at, 12)], at)
			pictures = pictures || n == len(h) && string(h[8:]) == "vide"
		case "stsd": // 8 bytes stand in front of its entries
			boxes(r, at+8, end, left, func(name string, _, _ int64) bool {
				protected = protected || name == "encv"
				return true
			})
		}
		return true
	})
	return pictures, protected
}

// boxes visits the boxes between two places, with what is in them, until visit has enough or
// no more are left.
func boxes(r io.ReaderAt, at, end int64, left *int, visit func(name string, at, end int64) bool) {
	var b [16]byte
	for ; *left > 0; *left-- {
		n, _ := r.ReadAt(b[:], at)
		clear(b[n:])
		if n < 8 || at+8 > end {
			return
		}
		head, length := int64(8), int64(binary.BigEndian.Uint32(b[:]))
		switch length {
		case 0:
			length = end - at
		case 1:
			head, length = 16, int64(min(binary.BigEndian.Uint64(b[8:]), 1<<62))
		}
		if length < head || !visit(string(b[4:8]), at+head, max(at+head, min(at+length, end))) {
			return
		}
		at += length
	}
}

// The elements of Matroska on the way to what says that a track is encrypted.
const (
	mkvSegment, mkvTracks, mkvTrack            = "\x18\x53\x80\x67", "\x16\x54\xae\x6b", "\xae"
	mkvTrackType                               = "\x83"
	mkvEncodings, mkvEncoding, mkvEncryptionID = "\x6d\x80", "\x62\x40", "\x50\x35"
)

func lockedMatroska(r io.ReaderAt, size int64, left *int) bool {
	locked, open := false, false
	elements(r, 0, size, left, mkvSegment, func(id string, at, end int64) {
		elements(r, at, end, left, mkvTracks, func(id string, at, end int64) {
			elements(r, at, end, left, mkvTrack, func(id string, at, end int64) {
				pictures, protected := false, false
				elements(r, at, end, left, "", func(id string, at, end int64) {
					switch id {
					case mkvTrackType:
						var kind [1]byte
						_, _ = r.ReadAt(kind[:], end-1)
						pictures = kind[0] == 1
					case mkvEncodings:
						elements(r, at, end, left, mkvEncoding, func(id string, at, end int64) {
							elements(r, at, end, left, mkvEncryptionID, func(string, int64, int64) { protected = true })
						})
					}
				})
				locked, open = locked || pictures && protected, open || pictures && !protected
			})
		})
	})
	return locked && !open
}

// elements visits the elements by an ID between two places, or all if it is empty, with what is in
// them. It ends at one of unknown length by another ID: a cluster of a stream, before which all
// that is looked for has come.
func elements(r io.ReaderAt, at, end int64, left *int, want string, visit func(id string, at, end int64)) {
	var b [16]byte
	for ; *left > 0; *left-- {
		n, _ := r.ReadAt(b[:], at)
		clear(b[n:])
		size := bits.LeadingZeros8(b[0]) + 1
		if n < 2 || at >= end || size > 4 {
			return
		}
		id := string(b[:size])
		length, width, known := ebmlSize(b[size:])
		inner := at + int64(size+width)
		if !known {
			if width == 0 || id != want {
				return
			}
			length = end - inner
		}
		if (want == "" || id == want) && inner <= end {
			visit(id, inner, min(inner+length, end))
		}
		at = inner + length
	}
}
