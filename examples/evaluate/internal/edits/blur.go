package edits

import (
	"image"
	"math"
	"math/rand/v2"
)

func blur(sigma float64) apply {
	return func(_ *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA { return blurred(m, sigma) }
}

// blurred is m under a normal distribution cut at three sigma. Beyond the edges the
// picture goes on with its outermost pixels.
func blurred(m *image.RGBA, sigma float64) *image.RGBA {
	radius := int(math.Ceil(3 * sigma))
	kernel := make([]uint32, 2*radius+1) // sums to about 1 << 16
	sum := 0.0
	for i := range kernel {
		sum += math.Exp(-float64((i-radius)*(i-radius)) / (2 * sigma * sigma))
	}
	for i := range kernel {
		kernel[i] = uint32(math.Exp(-float64((i-radius)*(i-radius))/(2*sigma*sigma))/sum*(1<<16) + 0.5)
	}
	return blurRows(blurRows(m, kernel), kernel)
}

// blurRows blurs along x and returns the transposed picture.
func blurRows(m *image.RGBA, kernel []uint32) *image.RGBA {
	w, h, radius := m.Rect.Dx(), m.Rect.Dy(), len(kernel)/2
	out := image.NewRGBA(image.Rect(0, 0, h, w))
	row := make([]uint8, 4*(w+2*radius))
	for y := range h {
		copy(row[4*radius:], m.Pix[y*m.Stride:][:4*w])
		for i := range radius {
			copy(row[4*i:][:4], m.Pix[y*m.Stride:][:4])
			copy(row[4*(w+radius+i):][:4], m.Pix[y*m.Stride+4*(w-1):][:4])
		}
		for x := range w {
			var r, g, b uint32 = 1 << 15, 1 << 15, 1 << 15
			for i, k := range kernel {
				p := row[4*(x+i):][:4]
				r, g, b = r+k*uint32(p[0]), g+k*uint32(p[1]), b+k*uint32(p[2])
			}
			p := out.Pix[x*out.Stride+4*y:][:4]
			p[0], p[1], p[2], p[3] = uint8(min(255, r>>16)), uint8(min(255, g>>16)), uint8(min(255, b>>16)), 255
		}
	}
	return out
}
