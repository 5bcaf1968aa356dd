package video

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// sniffLen is how much of a file's start Sniff is given: enough for five packets
// of an MPEG transport stream and the head of any container.
const sniffLen = 4096

// Sniff tells what a file is from its first bytes, at best 4096 of them. format
// is Info.Format; demuxer is ffmpeg's name of the one demuxer that may read a
// Video and empty otherwise. Class is 0 for what is not decoded; format can then
// still name it ("heic", "playlist"). It is Still for every GIF, because only
// the blocks that follow tell how many pictures there are, and Animation for an
// animated WebP.
//
// Only binary signatures at the very start count: no text is ever taken for
// media, and neither is media behind something else.
func Sniff(header []byte) (format, demuxer string, class Class) {
	for _, s := range signatures {
		if len(header) >= s.at+len(s.magic) && string(header[s.at:s.at+len(s.magic)]) == s.magic &&
			(s.check == nil || s.check(header)) {
			return s.format, s.demuxer, s.class
		}
	}
	if f, d, c := sniffISO(header); f != "" {
		return f, d, c
	}
	if isTransportStream(header) {
		return "mpegts", "mpegts", Video
	}
	return "", "", 0
}

// signature is a fixed sequence of bytes at a fixed place, and what else must hold.
type signature struct {
	at      int
	magic   string
	check   func(header []byte) bool
	format  string
	demuxer string
	class   Class
}

// The signatures, the first that fits wins. Sources: the formats' specifications
// and the probe functions of ffmpeg 5.1 (libavformat), which are laxer.
var signatures = []signature{
	{magic: "\xff\xd8\xff", format: "jpeg", class: Still},
	{magic: "\x89PNG\r\n\x1a\n", format: "png", class: Still},
	{magic: "GIF87a", format: "gif", class: Still},
	{magic: "GIF89a", format: "gif", class: Still},
	{magic: "RIFF", check: isAnimatedWebP, format: "webp", class: Animation},
	{magic: "RIFF", check: riffOf("WEBP"), format: "webp", class: Still},
	{magic: "RIFF", check: riffOf("AVI "), format: "avi", demuxer: "avi", class: Video},
	{magic: "BM", check: isBMP, format: "bmp", class: Still},
	{magic: "II*\x00", format: "tiff", class: Still},
	{magic: "MM\x00*", format: "tiff", class: Still},
	{magic: "\x1aE\xdf\xa3", check: isWebM, format: "webm", demuxer: "matroska", class: Video},
	{magic: "\x1aE\xdf\xa3", check: isMatroska, format: "matroska", demuxer: "matroska", class: Video},
	{magic: "\x00\x00\x01\xba", check: isPack, format: "mpeg", demuxer: "mpeg", class: Video},
	{magic: "\x00\x00\x01\xb3", format: "mpegvideo", demuxer: "mpegvideo", class: Video},
	{magic: "FLV\x01", format: "flv", demuxer: "flv", class: Video},
	{magic: "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", format: "asf", demuxer: "asf", class: Video},
	{magic: "OggS\x00", format: "ogg", demuxer: "ogg", class: Video},
	{magic: "\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02", format: "mxf", demuxer: "mxf", class: Video},
	{magic: "\x1f\x07\x00", check: isDV, format: "dv", demuxer: "dv", class: Video},
	{magic: "DKIF\x00\x00", format: "ivf", demuxer: "ivf", class: Video},
	{magic: "PK\x03\x04", format: "zip"},
	{magic: "PK\x05\x06", format: "zip"}, // an empty one
	{magic: "%PDF-", format: "pdf"},
	{magic: "#EXTM3U", format: "playlist"},
	{magic: "ffconcat", format: "playlist"},
}

func riffOf(form string) func([]byte) bool {
	return func(h []byte) bool { return len(h) >= 12 && string(h[8:12]) == form }
}

// isAnimatedWebP looks at the animation bit of the extended header (WebP
// container specification, VP8X).
func isAnimatedWebP(h []byte) bool {
	return len(h) >= 21 && string(h[8:16]) == "WEBPVP8X" && h[20]&0x02 != 0
}

// isBMP asks for one of the known header sizes beside the two letters, which
// begin many texts.
func isBMP(h []byte) bool {
	return len(h) >= 18 &&
		slices.Contains([]uint32{12, 40, 52, 56, 64, 108, 124}, binary.LittleEndian.Uint32(h[14:18]))
}

func isWebM(h []byte) bool { return bytes.Contains(h[:min(len(h), 256)], []byte("webm")) }

// isMatroska asks for the document type: EBML has other uses.
func isMatroska(h []byte) bool { return bytes.Contains(h[:min(len(h), 256)], []byte("matroska")) }

// isPack tells a pack header of MPEG-1 (0010xxxx) or MPEG-2 (01xxxxxx).
func isPack(h []byte) bool {
	return len(h) >= 5 && (h[4]&0xf0 == 0x20 || h[4]&0xc0 == 0x40)
}

// isDV tells the header block of a DIF sequence (IEC 61834-2): 525 or 625 lines,
// followed by a subcode block 80 bytes on.
func isDV(h []byte) bool {
	return len(h) >= 83 && h[3]&0x7f == 0x3f && h[80]&0xe0 == 0x20 && h[81]&0xf0 == 0x00
}

// isTransportStream looks for the sync byte of five packets in a row, three in a
// short file: packets of 188 bytes, 192 with a time stamp in front (Blu-ray,
// AVCHD), or 204 with a checksum behind.
func isTransportStream(h []byte) bool {
	if isText(h) {
		return false
	}
	for _, p := range []struct{ size, sync int }{{188, 0}, {192, 4}, {204, 0}} {
		seen := 0
		for i := p.sync; i < len(h) && seen < 5 && h[i] == 0x47; i += p.size {
			seen++
		}
		if seen == 5 || seen >= 3 && p.sync+seen*p.size >= len(h) {
			return true
		}
	}
	return false
}

// isText reports whether the first 512 bytes are printable ASCII and white space.
func isText(h []byte) bool {
	for _, b := range h[:min(len(h), 512)] {
		if (b < ' ' && b != '\n' && b != '\r' && b != '\t') || b > '~' {
			return false
		}
	}
	return true
}
