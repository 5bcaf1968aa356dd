package pixel

import (
	"image"
	"image/color"
	"image/draw"
)

// RGBA returns an opaque copy of m at the origin, with the colours that the
// package comment defines: pictures of equal colours give equal bytes, whatever their
// types. It uses four bytes a pixel; m must have pixels, and few enough of them for
// an int to count the bytes.
func RGBA(m image.Image) *image.RGBA {
	b := m.Bounds()
	dst := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	if o, ok := m.(interface{ Opaque() bool }); ok && o.Opaque() {
		draw.Draw(dst, dst.Bounds(), m, b.Min, draw.Src)
		return dst
	}
	for y := range b.Dy() {
		row := dst.Pix[y*dst.Stride:][:4*b.Dx()]
		for x := range b.Dx() {
			var s color.NRGBA
			switch m := m.(type) {
			case *image.NRGBA: // spares an allocation a pixel
				s = m.NRGBAAt(b.Min.X+x, b.Min.Y+y)
			case *image.RGBA:
				s = unmultiplied(m.RGBAAt(b.Min.X+x, b.Min.Y+y))
			default:
				s = straightOf(m.At(b.Min.X+x, b.Min.Y+y))
			}
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = s.R, s.G, s.B, 0xff
		}
	}
	return dst
}

func unmultiplied(c color.RGBA) color.NRGBA {
	if c.A == 0xff {
		return color.NRGBA(c)
	}
	r, g, b := straight(word(c.R), word(c.G), word(c.B), word(c.A))
	return color.NRGBA{R: r, G: g, B: b, A: c.A}
}

// straightOf is the colour that transparency is dropped from.
func straightOf(c color.Color) color.NRGBA {
	switch c := c.(type) {
	case nil: // an index outside of its palette
		return color.NRGBA{}
	// The conversions of these two go through premultiplied colours and lose bits.
	case color.NYCbCrA:
		r, g, b := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
		return color.NRGBA{R: r, G: g, B: b, A: c.A}
	case color.NRGBA64:
		return color.NRGBA{R: uint8(c.R >> 8), G: uint8(c.G >> 8), B: uint8(c.B >> 8), A: uint8(c.A >> 8)}
	default:
		return color.NRGBAModel.Convert(c).(color.NRGBA)
	}
}
