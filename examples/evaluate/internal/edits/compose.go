package edits

import (
	"image"
	"math/rand/v2"
)

// collage sets the picture, uncut, at one of four places of a grid, and other
// pictures, cut to the same shape, at the three others.
func collage(gutters bool) apply {
	return func(r *rand.Rand, m *image.RGBA, others []*image.RGBA) *image.RGBA {
		cell := into(m, maxCanvas/2, maxCanvas/2)
		w, h := cell.Rect.Dx(), cell.Rect.Dy()
		gutter := 0
		if gutters {
			gutter = scaleInt(min(w, h), between(r, 0.01, 0.06))
		}
		out := canvas(2*w+3*gutter, 2*h+3*gutter, fills[r.IntN(4)].color(r))
		place := r.IntN(4)
		for i, next := 0, 0; i < 4; i++ {
			panel := cell
			if i != place {
				panel = cover(others[next], w, h)
				next++
			}
			put(out, panel, gutter+i%2*(w+gutter), gutter+i/2*(h+gutter))
		}
		return fit(out, maxCanvas, maxCanvas)
	}
}

// pictureInPicture lays the picture over another one, anywhere.
func pictureInPicture(percent float64) apply {
	return func(r *rand.Rand, m *image.RGBA, others []*image.RGBA) *image.RGBA {
		out := clone(others[0])
		w, h := out.Rect.Dx(), out.Rect.Dy()
		inner := into(m, scaleInt(w, percent/100), scaleInt(h, percent/100))
		put(out, inner, r.IntN(w-inner.Rect.Dx()+1), r.IntN(h-inner.Rect.Dy()+1))
		return out
	}
}
