package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"path"

	"golang.org/x/image/bmp"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/tiff"
)

// picture encodes m by the ending of name; quality is JPEG's or WebP's. what says
// in words how the pixels came about.
func (s *studio) picture(name string, m image.Image, quality int, what string) error {
	if path.Ext(name) == ".webp" { // Go has no encoder for it
		b := m.Bounds()
		raw := func(w io.Writer) error { _, err := w.Write(opaque(m).Pix); return err }
		return s.ffmpeg(name, raw, what+", as raw RGBA on standard input", "-f", "rawvideo", "-pix_fmt", "rgba", "-s", fmt.Sprintf("%dx%d", b.Dx(), b.Dy()), "-i", "-",
			"-frames:v", "1", "-c:v", "libwebp", "-quality", fmt.Sprint(quality))
	}
	data, how, err := encode(path.Ext(name), m, quality)
	if err != nil {
		return fmt.Errorf("generate: %s: %w", name, err)
	}
	return s.write(name, data, what+"; "+how)
}

// encode returns a picture file and the call that made it.
func encode(ext string, m image.Image, quality int) (data []byte, how string, err error) {
	var out bytes.Buffer
	switch ext {
	case ".png":
		how, err = "image/png, best compression", (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, m)
	case ".jpg":
		how, err = fmt.Sprintf("image/jpeg, quality %d", quality), jpeg.Encode(&out, m, &jpeg.Options{Quality: quality})
	case ".gif":
		p := image.NewPaletted(m.Bounds(), palette.Plan9)
		draw.FloydSteinberg.Draw(p, p.Bounds(), m, m.Bounds().Min)
		how, err = "image/gif, Plan 9 palette, Floyd-Steinberg", gif.Encode(&out, p, nil)
	case ".bmp":
		how, err = "golang.org/x/image/bmp", bmp.Encode(&out, m)
	case ".tiff":
		how, err = "golang.org/x/image/tiff, deflate", tiff.Encode(&out, m, &tiff.Options{Compression: tiff.Deflate, Predictor: true})
	default:
		err = fmt.Errorf("no encoder for %q", ext)
	}
	return out.Bytes(), how, err
}

// withOrientation puts an EXIF segment with the given orientation (1..8) into a
// JPEG, right after its first marker (EXIF 2.32, 4.5.4 and 4.6.4).
func withOrientation(jpg []byte, orientation uint16) []byte {
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x01")            // big endian, one field in the first directory
	tiff = binary.BigEndian.AppendUint16(tiff, 0x0112)              // Orientation
	tiff = binary.BigEndian.AppendUint16(tiff, 3)                   // SHORT
	tiff = binary.BigEndian.AppendUint32(tiff, 1)                   // one value
	tiff = binary.BigEndian.AppendUint16(tiff, orientation)         //
	tiff = append(tiff, 0, 0, 0, 0, 0, 0)                           // padding of the value, no next directory
	out := append([]byte{}, jpg[:2]...)                             // SOI
	out = append(out, 0xff, 0xe1)                                   // APP1
	out = binary.BigEndian.AppendUint16(out, uint16(2+6+len(tiff))) // its length
	out = append(append(append(out, "Exif\x00\x00"...), tiff...), jpg[2:]...)
	return out
}

// turnedOnPlay makes an mp4 whose picture lies a quarter turn anticlockwise play
// upright: it writes the matrix of the video track's header, tkhd version 0
// (ISO/IEC 14496-12, 8.3.2), as a telephone held upright does.
func turnedOnPlay(mp4 []byte) error {
	const matrixAt = 4 + 40 // from the box's type
	i := bytes.Index(mp4, []byte("tkhd\x00"))
	if i < 0 || len(mp4) < i+matrixAt+44 {
		return errors.New("generate: no track header in the mp4")
	}
	height := binary.BigEndian.Uint32(mp4[i+matrixAt+36+4:]) // 16.16
	for k, v := range [9]uint32{0, 1 << 16, 0, 0xffff0000, 0, 0, height, 0, 1 << 30} {
		binary.BigEndian.PutUint32(mp4[i+matrixAt+4*k:], v)
	}
	return nil
}

// opaque copies a picture into RGBA pixels whose bounds start at 0, 0.
func opaque(m image.Image) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, m.Bounds().Dx(), m.Bounds().Dy()))
	draw.Draw(out, out.Bounds(), m, m.Bounds().Min, draw.Src)
	return out
}

// resized scales a picture to the given width with a Catmull-Rom kernel.
func resized(m image.Image, width int) *image.RGBA {
	b := m.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, width, (b.Dy()*width+b.Dx()/2)/b.Dx()))
	xdraw.CatmullRom.Scale(out, out.Bounds(), m, b, draw.Src, nil)
	return out
}

// mirrored swaps left and right.
func mirrored(m *image.RGBA) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			out.SetRGBA(w-1-x, y, m.RGBAAt(x, y))
		}
	}
	return out
}

// turned rotates a picture by a quarter, anticlockwise.
func turned(m *image.RGBA) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, h, w))
	for y := range h {
		for x := range w {
			out.SetRGBA(y, w-1-x, m.RGBAAt(x, y))
		}
	}
	return out
}

// toned changes contrast and brightness: v becomes (v - 1/2) * contrast + 1/2 + lift.
func toned(m *image.RGBA, contrast, lift float64) *image.RGBA {
	c := onto(opaque(m))
	tone := func(v float64) float64 { return (v-0.5)*contrast + 0.5 + lift }
	c.cover(0, c.h, func(x, y float64) rgb {
		v := c.at(x, y)
		return rgb{tone(v.r), tone(v.g), tone(v.b)}
	})
	return c.img
}

// grey drops the colours.
func grey(m *image.RGBA) *image.Gray {
	out := image.NewGray(m.Bounds())
	draw.Draw(out, out.Bounds(), m, image.Point{}, draw.Src)
	return out
}

// stamped puts the logo into a corner (0 top left, 1 top right, 2 bottom right, 3
// bottom left), wide parts of the picture's width.
func stamped(m *image.RGBA, logo image.Image, corner int, wide float64) *image.RGBA {
	out := opaque(m)
	w, h := out.Rect.Dx(), out.Rect.Dy()
	small := resized(logo, int(float64(w)*wide))
	gap := w / 40
	at := image.Pt(gap, gap)
	if corner == 1 || corner == 2 {
		at.X = w - gap - small.Rect.Dx()
	}
	if corner >= 2 {
		at.Y = h - gap - small.Rect.Dy()
	}
	draw.Draw(out, small.Rect.Add(at), small, image.Point{}, draw.Over)
	return out
}

// framed puts bars around a picture: side and top pixels wide, of a level 0..255
// that wavers by noise levels.
func framed(m *image.RGBA, side, top int, level, waver float64) *image.RGBA {
	w, h := m.Rect.Dx()+2*side, m.Rect.Dy()+2*top
	c := newCanvas(w, h)
	c.cover(0, c.h, func(x, y float64) rgb {
		v := (level + waver*(lattice(77, int(x), int(y))-0.5)) / 255
		return rgb{v, v, v}
	})
	draw.Draw(c.img, m.Rect.Add(image.Pt(side, top)), m, image.Point{}, draw.Src)
	return c.img
}

// channelLogo is the stamp of an invented channel, on a transparent ground.
func channelLogo() *image.RGBA {
	c := newCanvas(240, 96)
	c.fill(ellipse(48, 48, 44, 44, 0), plain(hex(0xe02f2f)), 0.92)
	c.fill([]pt{{36, 26}, {36, 70}, {72, 48}}, plain(hex(0xffffff)), 1)
	c.fill(box(98, 20, 138, 56), plain(hex(0x111111)), 0.75)
	c.textIn("CLIP 24", 98, 20, 138, 56, hex(0xffffff))
	return c.img
}
