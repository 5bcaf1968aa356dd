// Package mp4head reads what a decoder is told about an ordinary MP4 or QuickTime file
// from its index, without starting a program for it.
//
// It reads plain files only, as cameras, phones and encoders write them. Of anything
// that it does not know it says so, and ffprobe is asked: two readers that differ in the
// corners of the format would be worse than a slow one. What it tells is what ffprobe
// tells of the same file.
package mp4head

import (
	"encoding/binary"
	"io"
	"math"
	"math/bits"
	"time"
)

// Header is what an index tells of the first video stream.
type Header struct {
	Codec         string // as ffmpeg names it
	Width, Height int    // as stored
	QuarterTurn   bool   // it is shown turned by 90 or 270 degrees
	Duration      time.Duration
	ShownFrom     time.Duration // of the stored media, where an edit list says that showing it begins
	LeftOut       time.Duration // of the stored media, by an edit list
	FrameRate     float64       // average, a second
	Streams       int           // of video
	KeyFrames     int           // samples that decode alone
	Jumps         int           // key frames that are followed by a jump, see jumps
}

const (
	maxIndex = 32 << 20 // bytes; the index of four hours at 60 frames a second has 20 MB
	maxBoxes = 1 << 10  // at the top of a file
	maxTraks = 64
)

// codecs are the sample entries whose codec is known by their name alone.
var codecs = map[string]string{
	"avc1": "h264", "avc3": "h264", "hvc1": "hevc", "hev1": "hevc", "vp08": "vp8", "vp09": "vp9", "av01": "av1",
}

// Read reads the index of a file of the given size. ok is false when the file is not
// of the plain kind, damaged, or can't be read.
func Read(r io.ReaderAt, size int64) (h Header, ok bool) {
	index, ok := index(r, size)
	if !ok {
		return Header{}, false
	}
	traks := 0
	timescale := uint32(0)
	ok = index.each(func(kind string, b box) bool {
		switch kind {
		case "mvhd":
			v, rest, ok := b.version()
			at := 8
			if v == 1 {
				at = 16
			}
			if !ok || len(rest) < at+4 {
				return false
			}
			timescale = rest.u32(at)
			matrix := at + 4 + 4 + 16
			if v == 1 {
				matrix += 4
			}
			return isUpright(rest, matrix)
		case "trak":
			traks++
			return traks <= maxTraks && timescale > 0 && h.trak(b, timescale)
		case "mvex", "cmov", "rmra":
			return false // fragments, compressed and referring files
		}
		return true
	})
	return h, ok && h.Streams > 0
}

// index finds the box moov at the top of a file.
func index(r io.ReaderAt, size int64) (box, bool) {
	var found box
	at := int64(0)
	for range maxBoxes {
		if at == size && found != nil {
			return found, true
		}
		var head [16]byte
		if size-at < 8 {
			return nil, false
		}
		n, _ := r.ReadAt(head[:], at) // an end of file is seen by the number
		if n < 8 {
			return nil, false
		}
		kind, length, skip := string(head[4:8]), int64(binary.BigEndian.Uint32(head[:])), int64(8)
		switch length {
		case 0:
			length = size - at
		case 1:
			if n < 16 || head[8]&0x80 != 0 {
				return nil, false
			}
			length, skip = int64(binary.BigEndian.Uint64(head[8:])), 16
		}
		if length < skip || length > size-at {
			return nil, false // also a file that was cut: ffprobe says what is left
		}
		switch kind {
		case "moov":
			if found != nil || length-skip > maxIndex {
				return nil, false
			}
			found = make(box, length-skip)
			if _, err := r.ReadAt(found, at+skip); err != nil {
				return nil, false
			}
		case "moof", "sidx", "styp":
			return nil, false // pieces of a stream
		}
		at += length
	}
	return nil, false
}

// trak reads a track. It is false for what is not plain.
func (h *Header) trak(trak box, movie uint32) bool {
	var tkhd, edits box
	var m media
	ok := trak.each(func(kind string, b box) bool {
		switch kind {
		case "tkhd":
			tkhd = b
		case "edts":
			return b.each(func(kind string, b box) bool {
				if kind == "elst" {
					edits = b
				}
				return true
			})
		case "mdia":
			return b.each(m.box)
		case "tref":
			return false // chapters and the like: tracks that ffmpeg treats apart
		}
		return true
	})
	if !ok || m.handler == "" {
		return false
	}
	if m.handler != "vide" {
		return m.handler == "soun" // texts and timecodes may make chapters and cover pictures
	}
	if h.Streams++; h.Streams > 1 {
		return true
	}
	return h.video(tkhd, edits, &m, movie)
}

// video fills in the header of the first video track.
func (h *Header) video(tkhd, edits box, m *media, movie uint32) bool {
	v, rest, ok := tkhd.version()
	if !ok {
		return false
	}
	at := 36
	if v == 1 {
		at = 48
	}
	turn, ok := turned(rest, at)
	if !ok {
		return false
	}
	var known bool
	if h.Codec, known = codecs[m.codec]; !known || m.width == 0 || m.height == 0 || m.scale == 0 || m.samples == 0 || uint64(m.samples) != uint64(m.sizes) || m.total == 0 {
		return false
	}
	length := scale(m.total, m.scale)
	if edits != nil {
		start, edited, ok := edits.edits(movie)
		if !ok {
			return false
		}
		h.ShownFrom = min(scale(start, m.scale), length)
		h.LeftOut = max(h.ShownFrom, length-edited)
		length = min(length, edited)
	}
	h.Width, h.Height, h.QuarterTurn, h.Duration = m.width, m.height, turn, length
	h.FrameRate = float64(m.samples) * float64(m.scale) / float64(m.total)
	h.KeyFrames = m.samples
	if m.keys >= 0 {
		h.KeyFrames = min(m.keys, m.samples)
		h.Jumps = m.jumps(m.width * m.height)
	}
	return true
}

// media is what a track's box mdia holds.
type media struct {
	handler       string
	codec         string
	scale         uint32 // ticks a second
	width, height int
	sizes         uint32 // how many samples the table of their sizes has: what is decoded
	samples, keys int    // keys is -1 where all samples are
	total         uint64 // ticks

	each, sync box // the tables of samples' sizes and of key frames' numbers, behind their heads; nil: none
}

func (m *media) box(kind string, b box) bool {
	switch kind {
	case "mdhd":
		v, rest, ok := b.version()
		at := 8
		if v == 1 {
			at = 16
		}
		if !ok || len(rest) < at+4 {
			return false
		}
		m.scale = rest.u32(at)
	case "hdlr":
		if len(b) < 12 {
			return false
		}
		m.handler = string(b[8:12])
	case "minf":
		m.keys = -1
		return b.each(func(kind string, b box) bool {
			return kind != "stbl" || b.each(m.table)
		})
	}
	return true
}

// table reads what matters of the tables of samples.
func (m *media) table(kind string, b box) bool {
	if m.handler != "vide" {
		return true
	}
	switch kind {
	case "stsd":
		// Version and flags, the number of entries, then the first: its size and name,
		// and a picture's width and height 24 bytes into it. Several are several codecs.
		if len(b) < 8+8+28 || b.u32(4) != 1 {
			return false
		}
		m.codec = string(b[12:16])
		m.width, m.height = int(b.u16(40)), int(b.u16(42))
	case "stts":
		n, ok := b.count(8)
		if !ok {
			return false
		}
		for i := range n {
			samples, ticks := b.u32(8+8*i), b.u32(8+8*i+4)
			if ticks > math.MaxInt32 || samples > math.MaxInt32-uint32(m.samples) {
				return false
			}
			m.samples += int(samples)
			m.total += uint64(samples) * uint64(ticks)
		}
	case "stsz", "stz2":
		if len(b) < 12 || m.sizes > 0 { // a second table is none of a plain file
			return false
		}
		m.sizes, m.each = b.u32(8), nil
		if kind == "stsz" && b.u32(4) == 0 && uint64(len(b)-12) >= 4*uint64(m.sizes) {
			m.each = b[12:]
		}
	case "stss":
		n, ok := b.count(4)
		if !ok {
			return false
		}
		m.keys = n
		m.sync = b[8:]
	}
	return true
}

// edits returns where an edit list of one stretch of the media, played at its own speed,
// begins, in the media's ticks, and the length that it gives; a delay may come before it.
func (b box) edits(movie uint32) (start uint64, length time.Duration, ok bool) {
	v, rest, ok := b.version()
	size := 12
	if v == 1 {
		size = 20
	}
	if !ok || len(rest) < 4 {
		return 0, 0, false
	}
	n := int(rest.u32(0))
	rest = rest[4:]
	if n < 1 || n > 2 || len(rest) < n*size {
		return 0, 0, false
	}
	for i := range n {
		e := rest[i*size:]
		length, start, rate := uint64(e.u32(0)), int64(int32(e.u32(4))), e.u32(8)
		if v == 1 {
			length, start, rate = e.u64(0), int64(e.u64(8)), e.u32(16)
		}
		switch {
		case rate != 1<<16 || length > math.MaxInt64/2:
			return 0, 0, false
		case i+1 < n && start != -1, i+1 == n && start < 0:
			return 0, 0, false
		case i+1 == n && length == 0:
			return uint64(start), math.MaxInt64, true // to the end of the media
		case i+1 == n:
			return uint64(start), scale(length, movie), true
		}
	}
	return 0, 0, false
}

// scale returns ticks as a duration, rounded to the nanosecond.
func scale(ticks uint64, perSecond uint32) time.Duration {
	hi, lo := bits.Mul64(ticks, uint64(time.Second))
	lo, carry := bits.Add64(lo, uint64(perSecond)/2, 0)
	if hi += carry; hi >= uint64(perSecond) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(perSecond))
	return time.Duration(min(q, math.MaxInt64))
}

// turned reads a display matrix: upright, upside down, or a quarter turn. Others are
// not plain.
func turned(b box, at int) (quarter, ok bool) {
	if len(b) < at+36 {
		return false, false
	}
	const one = 1 << 16
	a, c, d, e := int32(b.u32(at)), int32(b.u32(at+4)), int32(b.u32(at+12)), int32(b.u32(at+16))
	if b.u32(at+8) != 0 || b.u32(at+20) != 0 || b.u32(at+32) != 1<<30 {
		return false, false
	}
	unit := func(v int32) bool { return v == one || v == -one }
	switch {
	case c == 0 && d == 0 && unit(a) && unit(e):
		return false, true
	case a == 0 && e == 0 && unit(c) && unit(d):
		return true, true
	}
	return false, false
}

func isUpright(b box, at int) bool {
	quarter, ok := turned(b, at)
	return ok && !quarter && b.u32(at) == 1<<16 && b.u32(at+16) == 1<<16
}
