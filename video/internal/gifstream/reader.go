// Package gifstream reads GIF files (GIF89a specification) one picture at a time,
// so that neither the number nor the size of the pictures decides how much memory
// is used: image/gif decodes all of them before it returns.
package gifstream

import (
	"bufio"
	"compress/lzw"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"time"
)

// ErrFormat means that the bytes are not a GIF, or are damaged.
var ErrFormat = errors.New("gifstream: not a valid GIF")

// How a picture is taken away before the next one is drawn.
const (
	DisposalNone       = 1 // it stays; 0, "unspecified", means the same
	DisposalBackground = 2 // its area becomes transparent
	DisposalPrevious   = 3 // what was there before comes back
)

// A shorter delay than minDelay is taken for slowDelay, as all browsers do: such
// files were never meant to be seen that fast.
const (
	minDelay  = 20 * time.Millisecond
	slowDelay = 100 * time.Millisecond
)

// Picture is one picture of the file, which covers a part of the canvas.
type Picture struct {
	// Rect is where it goes, as the file says: it may leave the canvas.
	Rect        image.Rectangle
	Palette     color.Palette // nil after Skip
	Transparent int           // index into Palette that is not drawn; -1: none
	Delay       time.Duration // how long it is shown
	Disposal    byte
	interlaced  bool
	// Pix are Rect.Dx() x Rect.Dy() palette indices from the top; an index beyond the
	// palette is possible. Valid until the next call of Next; nil after Skip.
	Pix []byte
}

// Reader reads the pictures of a GIF. It is not safe for concurrent use.
type Reader struct {
	Width, Height int // of the canvas, at most 65535 each; may be 0

	r       *bufio.Reader
	global  color.Palette
	codes   *lzw.Reader
	pix     []byte
	scratch [768]byte

	// From the graphic control extension, for the next picture.
	control Picture
}

// NewReader reads the header. Its error wraps ErrFormat, io.ErrUnexpectedEOF or
// what r says.
func NewReader(r io.Reader) (*Reader, error) {
	d := &Reader{r: bufio.NewReader(r), codes: new(lzw.Reader)}
	d.resetControl()
	if err := d.fill(13); err != nil {
		return nil, err
	}
	h := d.scratch[:13]
	if v := string(h[:6]); v != "GIF87a" && v != "GIF89a" {
		return nil, fmt.Errorf("%w: no GIF signature", ErrFormat)
	}
	d.Width, d.Height = int(h[6])|int(h[7])<<8, int(h[8])|int(h[9])<<8
	var err error
	d.global, err = d.palette(h[10], d.global)
	return d, err
}

// Next reads the next picture with its pixels. admit is called with its size
// before memory is taken for it, and its error is returned as it is. After the
// last picture the error is io.EOF; io.ErrUnexpectedEOF when the file ends before
// its trailer or within a picture; otherwise it wraps ErrFormat or is what the
// reader says. Nothing can be read after an error.
func (d *Reader) Next(admit func(size image.Point) error) (Picture, error) {
	return d.next(func(p *Picture, local color.Palette) error {
		if err := admit(p.Rect.Size()); err != nil {
			return err
		}
		if p.Palette = local; local == nil {
			p.Palette = d.global
		}
		if p.Palette == nil {
			return fmt.Errorf("%w: a picture without colours", ErrFormat)
		}
		return d.pixels(p)
	})
}

// Skip reads over the next picture; its errors are those of Next, except that it
// does not look at the pixels.
func (d *Reader) Skip() (Picture, error) {
	return d.next(func(*Picture, color.Palette) error {
		if _, err := d.byte(); err != nil { // the code size
			return err
		}
		return d.skipBlocks()
	})
}

func (d *Reader) next(body func(p *Picture, local color.Palette) error) (Picture, error) {
	for {
		kind, err := d.byte()
		if err != nil {
			return Picture{}, err
		}
		switch kind {
		case ',':
			p, local, err := d.descriptor()
			if err == nil {
				err = body(&p, local)
			}
			return p, err
		case '!':
			err = d.extension()
		case ';':
			return Picture{}, io.EOF
		case 0:
			// Stray block terminators occur, and every decoder steps over them.
		default:
			err = fmt.Errorf("%w: unknown block 0x%02x", ErrFormat, kind)
		}
		if err != nil {
			return Picture{}, err
		}
	}
}

// descriptor reads an image descriptor and its own palette, nil if it has none.
func (d *Reader) descriptor() (Picture, color.Palette, error) {
	p := d.control
	d.resetControl()
	if err := d.fill(9); err != nil {
		return p, nil, err
	}
	h := d.scratch[:9]
	x, y := int(h[0])|int(h[1])<<8, int(h[2])|int(h[3])<<8
	w, ht := int(h[4])|int(h[5])<<8, int(h[6])|int(h[7])<<8
	p.Rect = image.Rect(x, y, x+w, y+ht)
	flags := h[8]
	local, err := d.palette(flags, nil)
	p.interlaced = flags&0x40 != 0
	return p, local, err
}

// palette reads the colour table that flags announce, or returns none.
func (d *Reader) palette(flags byte, none color.Palette) (color.Palette, error) {
	if flags&0x80 == 0 {
		return none, nil
	}
	n := 1 << (1 + flags&7)
	if err := d.fill(3 * n); err != nil {
		return nil, err
	}
	p := make(color.Palette, n)
	for i := range p {
		p[i] = color.RGBA{d.scratch[3*i], d.scratch[3*i+1], d.scratch[3*i+2], 255}
	}
	return p, nil
}

// extension reads a graphic control extension and steps over any other.
func (d *Reader) extension() error {
	label, err := d.byte()
	if err != nil {
		return err
	}
	if label != 0xf9 {
		return d.skipBlocks()
	}
	size, err := d.byte()
	if err != nil {
		return err
	}
	if size < 4 {
		return fmt.Errorf("%w: graphic control of %d bytes", ErrFormat, size)
	}
	if err := d.fill(int(size)); err != nil {
		return err
	}
	d.resetControl()
	flags := d.scratch[0]
	d.control.Disposal = flags >> 2 & 7
	d.control.Delay = time.Duration(int(d.scratch[1])|int(d.scratch[2])<<8) * 10 * time.Millisecond
	if d.control.Delay < minDelay {
		d.control.Delay = slowDelay
	}
	if flags&1 != 0 {
		d.control.Transparent = int(d.scratch[3])
	}
	return d.skipBlocks()
}

func (d *Reader) resetControl() { d.control = Picture{Transparent: -1, Delay: slowDelay} }

// pixels decompresses the picture that follows.
func (d *Reader) pixels(p *Picture) error {
	litWidth, err := d.byte()
	if err != nil {
		return err
	}
	if litWidth < 2 || litWidth > 8 {
		return fmt.Errorf("%w: code size %d", ErrFormat, litWidth)
	}
	w, h := p.Rect.Dx(), p.Rect.Dy()
	if cap(d.pix) < w*h {
		d.pix = make([]byte, w*h)
	}
	p.Pix = d.pix[:w*h]
	blocks := &blockReader{r: d.r}
	d.codes.Reset(blocks, lzw.LSB, int(litWidth))
	if err := readRows(d.codes, p); err != nil {
		if blocks.err != nil {
			return blocks.err
		}
		return fmt.Errorf("%w: picture data: %v", ErrFormat, err)
	}
	// What follows the last pixel (an end code, or junk) does not matter.
	return blocks.drain()
}

// readRows fills the picture's rows, which an interlaced picture has in four
// passes (GIF89a appendix E).
func readRows(r io.Reader, p *Picture) error {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	if !p.interlaced {
		_, err := io.ReadFull(r, p.Pix)
		return err
	}
	for _, pass := range [4]struct{ first, step int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		for y := pass.first; y < h; y += pass.step {
			if _, err := io.ReadFull(r, p.Pix[y*w:(y+1)*w]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Reader) skipBlocks() error { return (&blockReader{r: d.r}).drain() }

// fill reads n bytes into scratch, at most its size.
func (d *Reader) fill(n int) error {
	_, err := io.ReadFull(d.r, d.scratch[:n])
	return unexpected(err)
}

func (d *Reader) byte() (byte, error) {
	b, err := d.r.ReadByte()
	return b, unexpected(err)
}

// unexpected: a GIF ends with its trailer, never with the file.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
