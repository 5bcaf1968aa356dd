// Package webpstream reads animated WebP files (WebP container specification, RFC 9649)
// one picture at a time, and shows the pictures on their canvas. It walks the container; what is
// in a picture's bitstream is left to a decoder of still WebP files.
package webpstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"time"
)

// ErrFormat means that the bytes are not an animated WebP, or are damaged.
var ErrFormat = errors.New("webpstream: not a valid animated WebP")

// A duration up to quickDelay is taken for slowDelay, as browsers do: such files were never
// meant to be seen that fast.
const (
	quickDelay = 10 * time.Millisecond
	slowDelay  = 100 * time.Millisecond
)

// maxOthers bounds the chunks that are no pictures. Real files have a handful.
const maxOthers = 4096

// Picture is one picture of the file, which covers a part of the canvas.
type Picture struct {
	// Rect is where it goes, as the file says: it may leave the canvas.
	Rect  image.Rectangle
	Delay time.Duration // how long it is shown
	// Blend is to lay it over what is there; otherwise it takes its place, transparency
	// and all.
	Blend bool
	// Dispose is to make its area transparent before the next one is drawn.
	Dispose bool

	r           io.ReaderAt
	alpha, data chunk // of the bitstream; alpha.size is 0 without one
}

// chunk is one of the container's: its content, of size bytes at at.
type chunk struct {
	id       [4]byte
	at, size int64
}

// header is the length of a chunk's identifier and size.
const header = 8

// padded is the length of the whole chunk in the file.
func (c chunk) padded() int64 { return header + c.size + c.size%2 }

// Reader reads the pictures of an animated WebP. It is not safe for concurrent use.
type Reader struct {
	Width, Height int // of the canvas, 1 to 2^24 each

	r         io.ReaderAt
	at        int64 // where the next chunk begins
	end, size int64 // of the container as it says, and of the file
	others    int
}

// NewReader reads the header of a file of size bytes. Its error wraps ErrFormat,
// io.ErrUnexpectedEOF or what r says.
func NewReader(r io.ReaderAt, size int64) (*Reader, error) {
	d := &Reader{r: r, size: size}
	var b [12 + header + 10]byte
	if err := d.fill(b[:], 0); err != nil {
		return nil, err
	}
	if string(b[:4]) != "RIFF" || string(b[8:16]) != "WEBPVP8X" {
		return nil, fmt.Errorf("%w: no extended header", ErrFormat)
	}
	length := int64(binary.LittleEndian.Uint32(b[16:]))
	if length < 10 {
		return nil, fmt.Errorf("%w: a header of %d bytes", ErrFormat, length)
	}
	d.end = header + int64(binary.LittleEndian.Uint32(b[4:]))
	d.at = 12 + header + length + length%2
	d.Width, d.Height = 1+uint24(b[24:]), 1+uint24(b[27:])
	return d, nil
}

// Next reads the next picture's header and finds its bitstream. After the last picture the
// error is io.EOF; io.ErrUnexpectedEOF when the file ends before its container does;
// otherwise it wraps ErrFormat or is what the reader says. Nothing can be read after an
// error.
//
// What lies behind the container's end is no part of it. A picture outside of the
// frames is an error: viewers disagree about such files.
func (d *Reader) Next() (Picture, error) {
	for {
		c, err := d.chunk(d.at, d.end)
		if err != nil {
			return Picture{}, err
		}
		d.at += c.padded()
		switch string(c.id[:]) {
		case "ANMF":
			return d.picture(c)
		case "ALPH", "VP8 ", "VP8L":
			return Picture{}, fmt.Errorf("%w: a picture outside of the animation", ErrFormat)
		}
		if d.others++; d.others > maxOthers {
			return Picture{}, fmt.Errorf("%w: thousands of chunks that are no pictures", ErrFormat)
		}
	}
}

// chunk reads the header of the chunk at at, within a part of the file that ends at end.
// At its end the error is io.EOF.
func (d *Reader) chunk(at, end int64) (c chunk, err error) {
	if at >= end {
		return c, io.EOF
	}
	var b [header]byte
	if at+header > end {
		return c, fmt.Errorf("%w: %d bytes that are no chunk", ErrFormat, end-at)
	}
	if err := d.fill(b[:], at); err != nil {
		return c, err
	}
	c = chunk{[4]byte(b[:4]), at + header, int64(binary.LittleEndian.Uint32(b[4:]))}
	switch {
	case c.at+c.size > end:
		return c, fmt.Errorf("%w: a chunk that is longer than what it is in", ErrFormat)
	case c.at+c.size > d.size:
		return c, io.ErrUnexpectedEOF
	}
	return c, nil
}

// picture reads a frame's header and looks for its bitstream. What follows that is not
// shown by anybody.
func (d *Reader) picture(frame chunk) (Picture, error) {
	var b [16]byte
	if frame.size < int64(len(b)) {
		return Picture{}, fmt.Errorf("%w: a frame of %d bytes", ErrFormat, frame.size)
	}
	if err := d.fill(b[:], frame.at); err != nil {
		return Picture{}, err
	}
	x, y := 2*uint24(b[0:]), 2*uint24(b[3:])
	p := Picture{
		Rect:  image.Rect(x, y, x+1+uint24(b[6:]), y+1+uint24(b[9:])),
		Delay: time.Duration(uint24(b[12:])) * time.Millisecond,
		Blend: b[15]&2 == 0, Dispose: b[15]&1 != 0,
		r: d.r,
	}
	if p.Delay <= quickDelay {
		p.Delay = slowDelay
	}
	at, end := frame.at+int64(len(b)), frame.at+frame.size
	for range maxOthers {
		c, err := d.chunk(at, end)
		if err == io.EOF {
			break
		}
		if err != nil {
			return Picture{}, err
		}
		switch string(c.id[:]) {
		case "ALPH":
			if p.alpha.size == 0 {
				p.alpha = c
			}
		case "VP8 ":
			p.data = c
			return p, nil
		case "VP8L":
			if p.alpha.size > 0 {
				return Picture{}, fmt.Errorf("%w: a lossless picture with its transparency apart", ErrFormat)
			}
			p.data = c
			return p, nil
		}
		at += c.padded()
	}
	return Picture{}, fmt.Errorf("%w: a frame without a picture", ErrFormat)
}

// Still returns the picture as a WebP file of its own, whose extended header holds the
// bitstream to the frame's size.
func (p *Picture) Still() io.Reader {
	b := make([]byte, 12+header+10)
	copy(b[8:], "WEBPVP8X")
	b[16] = 10
	parts := []io.Reader{bytes.NewReader(b)}
	length := int64(len(b)) - header
	for _, c := range []chunk{p.alpha, p.data} {
		if c.size == 0 {
			continue
		}
		if c == p.alpha {
			b[20] = 1 << 4 // there is transparency apart
		}
		parts = append(parts, io.NewSectionReader(p.r, c.at-header, header+c.size))
		if c.size%2 == 1 {
			parts = append(parts, bytes.NewReader([]byte{0}))
		}
		length += c.padded()
	}
	copy(b, "RIFF")
	binary.LittleEndian.PutUint32(b[4:], uint32(length))
	put24(b[24:], p.Rect.Dx()-1)
	put24(b[27:], p.Rect.Dy()-1)
	return io.MultiReader(parts...)
}

// fill reads all of b from at on.
func (d *Reader) fill(b []byte, at int64) error {
	n, err := d.r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func put24(b []byte, v int) { b[0], b[1], b[2] = byte(v), byte(v>>8), byte(v>>16) }
