package jpegluma

import (
	"bytes"
	"encoding/binary"
)

const (
	// window is how many bytes of a scan lie unstuffed at a time.
	window = 32 << 10
	// margin is more than any step between two calls of check takes: a block has at
	// most 64 codes of 16 bits with 15 bits each after them, 248 bytes, and peeking
	// reads 8 further.
	margin = 512
)

// bits reads the entropy-coded bits of one segment: what lies between a scan's
// header or a restart marker and the next marker. Its bytes are copied into a window
// without their stuffing, so that the hot loops load eight at a time and test
// nothing; the end is seen in check, which is to be called before every block. Behind
// it lie zeros.
//
// acc holds the next bits from its top down. The first n of them count; what follows
// them is what will be loaded there again.
type bits struct {
	acc uint64
	n   uint // 0 to 63
	pos int  // in buf: the next byte to load
	buf [window + margin]byte

	end   int // of the segment's bytes in buf
	limit int // check has nothing to do while pos is at most this
	done  bool

	raw  []byte // the file
	next int    // in raw: the next byte to unstuff; when done, the marker
}

// begin starts a segment at raw[at].
func (b *bits) begin(raw []byte, at int) {
	b.raw, b.next = raw, at
	b.acc, b.n, b.pos, b.end = 0, 0, 0, 0
	b.done = false
	b.unstuff()
}

// unstuff fills the window and sets limit.
func (b *bits) unstuff() {
	for b.end < window && !b.done {
		from := b.raw[b.next:min(len(b.raw), b.next+window-b.end)]
		i := bytes.IndexByte(from, 0xff)
		if i < 0 {
			b.end += copy(b.buf[b.end:], from)
			b.next += len(from)
			b.done = b.next == len(b.raw)
			continue
		}
		b.end += copy(b.buf[b.end:], from[:i])
		b.next += i
		if b.next+1 >= len(b.raw) || b.raw[b.next+1] != 0 {
			b.done = true
			continue
		}
		b.buf[b.end] = 0xff
		b.end++
		b.next += 2
	}
	clear(b.buf[b.end : b.end+margin])
	b.limit = b.end
	if !b.done {
		b.limit -= margin
	}
}

// check makes sure that a block's worth of bits can be read, zeros behind the
// segment's end included. It tells whether only bits of the segment have been used.
func (b *bits) check() bool {
	if b.pos <= b.limit {
		return true
	}
	return b.more()
}

func (b *bits) more() bool {
	if b.done {
		return 8*b.pos-int(b.n) <= 8*b.end
	}
	copy(b.buf[:], b.buf[b.pos:b.end])
	b.end -= b.pos
	b.pos = 0
	b.unstuff()
	return b.pos <= b.limit || b.more()
}

// skipSegment moves to the segment's end and returns where the marker lies in the
// file; len(raw) when there is none.
func (b *bits) skipSegment() int {
	if !b.done {
		b.next = segmentEnd(b.raw, b.next)
		b.done = true
	}
	return b.next
}

// segmentEnd is the first 0xff from raw[at] on that no zero follows, or len(raw).
func segmentEnd(raw []byte, at int) int {
	for {
		i := bytes.IndexByte(raw[at:], 0xff)
		if i < 0 {
			return len(raw)
		}
		at += i
		if at+1 >= len(raw) || raw[at+1] != 0 {
			return at
		}
		at += 2
	}
}

// fill makes n at least 56.
func (b *bits) fill() {
	b.acc |= binary.BigEndian.Uint64(b.buf[b.pos:]) >> (b.n & 63)
	b.pos += int((63 - b.n) >> 3)
	b.n |= 56
}

// take returns the next count bits, 1 to 32.
func (b *bits) take(count uint) uint32 {
	if b.n < count {
		b.fill()
	}
	v := uint32(b.acc >> ((64 - count) & 63))
	b.drop(count)
	return v
}

// drop passes over count bits, at most n.
func (b *bits) drop(count uint) {
	b.acc <<= count & 63
	b.n -= count
}

// extend gives the signed value that size bits stand for (T.81, F.2.2.1, EXTEND).
func extend(v uint32, size uint) int32 {
	if size == 0 || v>>(size-1) != 0 {
		return int32(v)
	}
	return int32(v) - int32(1)<<size + 1
}
