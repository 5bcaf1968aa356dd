package pdq_test

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
)

// fill writes noise that depends on the seed alone.
func fill(p []uint8, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range p {
		p[i] = uint8(r.UintN(256))
	}
}

// scene draws a picture with structure at every scale and no symmetry: a slope, a
// disc, stripes that narrow, and a little noise.
func scene(w, h int, seed uint64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	cx, cy := 0.2+0.6*r.Float64(), 0.2+0.6*r.Float64()
	phase, pitch := 6*r.Float64(), 5+20*r.Float64()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := (float64(x)+0.5)/float64(w), (float64(y)+0.5)/float64(h)
			g := 60 + 60*u + 40*v + 40*math.Sin(phase+pitch*(u+0.5*v)*(1+v)) + 25*math.Cos(37*v*v+11*u)
			if math.Hypot(u-cx, v-cy) < 0.17 {
				g = 250 - g
			}
			g += 12 * (r.Float64() - 0.5)
			l := uint8(max(0, min(255, g)))
			m.SetRGBA(x, y, color.RGBA{R: l, G: uint8(min(255, int(l)+20)), B: 255 - l, A: 0xff})
		}
	}
	return m
}
