package webpstream

import (
	"image"
	"image/color"
)

// Canvas shows the pictures of an animation one after the other. Where nothing was drawn, and
// where a picture was disposed of, it is transparent: viewers do not use the background
// colour that a file can name.
type Canvas struct {
	image *image.NRGBA
	undo  image.Rectangle // to be cleared before the next picture
}

// NewCanvas returns a transparent canvas.
func NewCanvas(width, height int) *Canvas {
	return &Canvas{image: image.NewNRGBA(image.Rect(0, 0, width, height))}
}

// Draw shows picture p, whose pixels are m, of the size of p.Rect, and returns the canvas,
// which is valid until the next call. What lies outside of the canvas is left out.
func (c *Canvas) Draw(p Picture, m image.Image) *image.NRGBA {
	for y := c.undo.Min.Y; y < c.undo.Max.Y; y++ {
		at := c.image.PixOffset(c.undo.Min.X, y)
		clear(c.image.Pix[at : at+4*c.undo.Dx()])
	}
	rect := p.Rect.Intersect(c.image.Rect)
	c.undo = image.Rectangle{}
	if p.Dispose {
		c.undo = rect
	}
	from := m.Bounds().Min.Sub(p.Rect.Min)
	for y := rect.Min.Y; y < rect.Max.Y; y++ {
		at := c.image.PixOffset(rect.Min.X, y)
		row := c.image.Pix[at : at+4*rect.Dx()]
		for x := range rect.Dx() {
			s := straight(m, rect.Min.X+x+from.X, y+from.Y)
			d := (*[4]uint8)(row[4*x:])
			switch {
			case !p.Blend, s.A == 0xff:
				*d = [4]uint8{s.R, s.G, s.B, s.A}
			case s.A != 0:
				over(d, s)
			}
		}
	}
	return c.image
}

// Covers reports whether a picture hides all that was there before it.
func (c *Canvas) Covers(p Picture, m image.Image) bool {
	if !c.image.Rect.In(p.Rect) {
		return false
	}
	o, ok := m.(interface{ Opaque() bool })
	return !p.Blend || ok && o.Opaque()
}

// straight is a pixel's colour, not multiplied with its alpha, of the types that WebP
// decoders give.
func straight(m image.Image, x, y int) color.NRGBA {
	switch m := m.(type) {
	case *image.YCbCr:
		v := m.YCbCrAt(x, y)
		r, g, b := color.YCbCrToRGB(v.Y, v.Cb, v.Cr)
		return color.NRGBA{R: r, G: g, B: b, A: 0xff}
	case *image.NYCbCrA:
		v := m.NYCbCrAAt(x, y)
		r, g, b := color.YCbCrToRGB(v.Y, v.Cb, v.Cr)
		return color.NRGBA{R: r, G: g, B: b, A: v.A}
	case *image.NRGBA:
		return m.NRGBAAt(x, y)
	}
	return color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
}

// over lays a colour over another (the specification's blending, rounded).
func over(d *[4]uint8, s color.NRGBA) {
	above := 255 * uint32(s.A)
	below := uint32(d[3]) * (255 - uint32(s.A))
	sum := above + below // 255 x the new alpha
	mix := func(s, d uint8) uint8 { return uint8((uint32(s)*above + uint32(d)*below + sum/2) / sum) }
	*d = [4]uint8{mix(s.R, d[0]), mix(s.G, d[1]), mix(s.B, d[2]), uint8((sum + 127) / 255)}
}
