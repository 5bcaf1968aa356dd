package edits

import (
	"image"
	"math"
	"math/rand/v2"
)

// curve maps every component through one table.
func curve(f func(v float64) float64) apply {
	var table [256]uint8
	for v := range table {
		table[v] = toByte(f(float64(v)))
	}
	return perPixel(func(_, _ int, p []uint8) {
		p[0], p[1], p[2] = table[p[0]], table[p[1]], table[p[2]]
	})
}

// perPixel changes a copy pixel by pixel; p is red, green, blue.
func perPixel(f func(x, y int, p []uint8)) apply {
	return func(_ *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
		out := clone(m)
		w := out.Rect.Dx()
		for i := 0; i < len(out.Pix); i += 4 {
			f(i/4%w, i/4/w, out.Pix[i:i+3:i+3])
		}
		return out
	}
}

func gamma(g float64) apply {
	return curve(func(v float64) float64 { return 255 * math.Pow(v/255, g) })
}

func contrast(factor float64) apply {
	return curve(func(v float64) float64 { return 128 + (v-128)*factor })
}

func brightness(steps float64) apply {
	return curve(func(v float64) float64 { return v + steps })
}

// saturation moves every colour from its grey (0) over itself (1) outwards.
func saturation(factor float64) apply {
	return perPixel(func(_, _ int, p []uint8) {
		grey := luma(p)
		for c := range p {
			p[c] = toByte(grey + (float64(p[c])-grey)*factor)
		}
	})
}

// sepia tints the grey picture with the brown of old prints.
var sepia = perPixel(func(_, _ int, p []uint8) {
	grey := luma(p)
	p[0], p[1], p[2] = toByte(grey*1.07+18), toByte(grey*0.97+4), toByte(grey*0.79-6)
})

// vignette darkens the corners by the given percentage, the edges by half of it and
// the centre not at all.
func vignette(percent float64) apply {
	return func(r *rand.Rand, m *image.RGBA, others []*image.RGBA) *image.RGBA {
		w, h := float64(m.Rect.Dx()), float64(m.Rect.Dy())
		return perPixel(func(x, y int, p []uint8) {
			dx, dy := 2*float64(x)/w-1, 2*float64(y)/h-1
			light := 1 - percent/100*(dx*dx+dy*dy)/2
			for c := range p {
				p[c] = toByte(float64(p[c]) * light)
			}
		})(r, m, others)
	}
}

// noise adds normal noise to each component on its own.
func noise(sigma float64) apply {
	return func(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
		out := clone(m)
		addNoise(r, out, sigma)
		return out
	}
}

func addNoise(r *rand.Rand, m *image.RGBA, sigma float64) {
	b := m.Rect
	for y := b.Min.Y; y < b.Max.Y; y++ {
		row := m.Pix[m.PixOffset(b.Min.X, y):][:4*b.Dx()]
		for i := 0; i < len(row); i += 4 {
			for c := range 3 {
				row[i+c] = toByte(float64(row[i+c]) + sigma*r.NormFloat64())
			}
		}
	}
}

func luma(p []uint8) float64 {
	return 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])
}

func toByte(v float64) uint8 { return uint8(max(0, min(255, v)) + 0.5) }
