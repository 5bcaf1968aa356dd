package pdq_test

import (
	"fmt"
	"image"
	"testing"

	"github.com/rematch-go/rematch/hash/pdq"
)

// sizes are small, square, screens' and cameras'.
var sizes = []image.Point{{64, 64}, {256, 256}, {512, 512}, {640, 480}, {1024, 768}, {1600, 1004}, {1920, 1080}, {4032, 3024}}

// sources are the picture types that decoders make.
var sources = []struct {
	name string
	make func(*image.RGBA) image.Image
}{
	{"ycbcr", func(p *image.RGBA) image.Image {
		m := image.NewYCbCr(p.Rect, image.YCbCrSubsampleRatio420)
		for i := range m.Y {
			m.Y[i] = p.Pix[4*i]
		}
		return m
	}},
	{"rgba", func(p *image.RGBA) image.Image { return p }},
	{"nrgba", func(p *image.RGBA) image.Image { return (*image.NRGBA)(p) }},
}

func BenchmarkSum(b *testing.B) {
	bench(b, func(h *pdq.Hasher, m image.Image) { h.Sum(m) })
}

func BenchmarkOrientations(b *testing.B) {
	bench(b, func(h *pdq.Hasher, m image.Image) { h.Orientations(m) })
}

func bench(b *testing.B, run func(*pdq.Hasher, image.Image)) {
	for _, size := range sizes {
		p := scene(size.X, size.Y, 1)
		for _, source := range sources {
			m := source.make(p)
			b.Run(fmt.Sprintf("size=%dx%d/from=%s", size.X, size.Y, source.name), func(b *testing.B) {
				var h pdq.Hasher
				b.ReportAllocs()
				b.SetBytes(int64(size.X * size.Y))
				for b.Loop() {
					run(&h, m)
				}
			})
		}
	}
}
