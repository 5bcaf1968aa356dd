package pixel

import (
	"image"

	"github.com/rematch-go/rematch/hash"
)

// Orient returns a copy of m, whose bounds start at the origin, turned and mirrored
// as hash.Orientation describes. An orientation that does not exist gives the
// original.
func Orient(m *image.RGBA, o hash.Orientation) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	dw, dh := w, h
	switch o {
	case hash.Rot90, hash.Rot270, hash.FlipPlus1, hash.FlipMinus1:
		dw, dh = h, w
	}
	dst := image.NewRGBA(image.Rect(0, 0, dw, dh))
	for y := range dh {
		row := dst.Pix[y*dst.Stride:][:4*dw]
		for x := range dw {
			sx, sy := source(o, x, y, w, h)
			i := sy*m.Stride + 4*sx
			copy(row[4*x:4*x+4], m.Pix[i:i+4])
		}
	}
	return dst
}

// source returns where in a picture of w x h pixels the pixel x, y of the oriented
// picture comes from.
func source(o hash.Orientation, x, y, w, h int) (sx, sy int) {
	switch o {
	case hash.Rot90:
		return w - 1 - y, x
	case hash.Rot180:
		return w - 1 - x, h - 1 - y
	case hash.Rot270:
		return y, h - 1 - x
	case hash.FlipX:
		return x, h - 1 - y
	case hash.FlipY:
		return w - 1 - x, y
	case hash.FlipPlus1:
		return y, x
	case hash.FlipMinus1:
		return w - 1 - y, h - 1 - x
	}
	return x, y
}
