package edits

import (
	"image"
	"image/color"
	"math/rand/v2"
)

// maxCanvas bounds the longer side of pictures that grow: no platform keeps more.
const maxCanvas = 1280

// fill is what a bar or a border is made of.
type fill struct {
	name  string
	color func(*rand.Rand) color.RGBA
	sigma float64 // of the noise on it
}

var fills = []fill{
	{"black", func(*rand.Rand) color.RGBA { return color.RGBA{0, 0, 0, 255} }, 0},
	{"white", func(*rand.Rand) color.RGBA { return color.RGBA{255, 255, 255, 255} }, 0},
	{"grey", func(r *rand.Rand) color.RGBA { v := uint8(60 + r.IntN(140)); return color.RGBA{v, v, v, 255} }, 0},
	{"colour", anyColour, 0},
	{"noisy", func(r *rand.Rand) color.RGBA { v := uint8(16 + r.IntN(60)); return color.RGBA{v, v, v, 255} }, 6},
}

func anyColour(r *rand.Rand) color.RGBA {
	return color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
}

// between draws from [low, high).
func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

// bars puts one above and one below the picture, or one at either side of it.
func bars(f fill, sides bool) apply {
	return func(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
		share := between(r, 0.08, 0.30)
		x, y := 0, scaleInt(m.Rect.Dy(), share)
		if sides {
			x, y = scaleInt(m.Rect.Dx(), share), 0
		}
		return framed(r, m, x, y, f)
	}
}

// padding is a border all round, of any of the fills.
func padding(percent float64) apply {
	return func(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
		f := fills[r.IntN(len(fills))]
		return framed(r, m, scaleInt(m.Rect.Dx(), percent/100), scaleInt(m.Rect.Dy(), percent/100), f)
	}
}

func framed(r *rand.Rand, m *image.RGBA, x, y int, f fill) *image.RGBA {
	out := canvas(m.Rect.Dx()+2*x, m.Rect.Dy()+2*y, f.color(r))
	if f.sigma > 0 {
		addNoise(r, out, f.sigma)
	}
	put(out, m, x, y)
	return fit(out, maxCanvas, maxCanvas)
}

// blurredFill is how phones and stations fit a picture to a screen of another shape:
// in front of a large, blurred, often darkened copy of itself.
func blurredFill(portrait bool) apply {
	return func(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
		w, h := m.Rect.Dx(), m.Rect.Dy()
		if portrait {
			h = max(w*16/9, h*5/4)
		} else {
			w = max(h*16/9, w*5/4)
		}
		ground := cover(fit(m, 160, 160), max(8, w/8), max(8, h/8))
		ground = scaled(blurred(ground, between(r, 2, 5)), w, h)
		light := between(r, 0.5, 1)
		out := curve(func(v float64) float64 { return v * light })(r, ground, nil)
		put(out, m, (w-m.Rect.Dx())/2, (h-m.Rect.Dy())/2)
		return fit(out, maxCanvas, maxCanvas)
	}
}
