package video

import (
	"encoding/binary"
	"strings"
)

// sniffISO tells the family of QuickTime and MP4 (ISO/IEC 14496-12), which begins
// with a box: four bytes of size, four letters. Modern files begin with ftyp and
// its brand; old QuickTime and some cameras begin with any of the others.
func sniffISO(h []byte) (format, demuxer string, class Class) {
	if len(h) < 8 || isText(h) {
		return "", "", 0
	}
	size := binary.BigEndian.Uint32(h)
	switch string(h[4:8]) {
	case "ftyp":
		if size >= 16 && len(h) >= 12 {
			return isoBrand(string(h[8:12]))
		}
	case "moov", "mdat", "free", "skip", "wide", "pnot":
		// 0: to the end of the file; 1: the size follows in 64 bits.
		if size <= 1 || size >= 8 {
			return "mov", "mov", Video
		}
	}
	return "", "", 0
}

// isoBrand sorts major brands: still pictures that only share the box structure
// are named, not decoded.
func isoBrand(brand string) (format, demuxer string, class Class) {
	switch brand {
	case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1":
		return "heic", "", 0
	case "avif", "avis":
		return "avif", "", 0
	case "crx ":
		return "cr3", "", 0
	case "qt  ":
		return "mov", "mov", Video
	}
	if strings.HasPrefix(brand, "3g") {
		return "3gp", "mov", Video
	}
	return "mp4", "mov", Video
}
