package pdq_test

import (
	"fmt"
	"image"
	"testing"

	"github.com/rematch-go/rematch/hash/pdq"
)

func BenchmarkSum(b *testing.B) {
	for _, size := range []image.Point{{64, 64}, {512, 512}, {1920, 1080}} {
		b.Run(fmt.Sprintf("size=%dx%d", size.X, size.Y), func(b *testing.B) {
			m := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
			fill(m.Y, 1)
			var h pdq.Hasher
			b.ReportAllocs()
			b.SetBytes(int64(size.X * size.Y))
			for b.Loop() {
				h.Sum(m)
			}
		})
	}
}

func BenchmarkSumRGBA(b *testing.B) {
	m := image.NewRGBA(image.Rect(0, 0, 512, 512))
	fill(m.Pix, 1)
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 0xff
	}
	var h pdq.Hasher
	b.Run("size=512x512", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(512 * 512)
		for b.Loop() {
			h.Sum(m)
		}
	})
}

func BenchmarkOrientations(b *testing.B) {
	m := image.NewGray(image.Rect(0, 0, 512, 512))
	fill(m.Pix, 1)
	var h pdq.Hasher
	b.Run("size=512x512", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(512 * 512)
		for b.Loop() {
			h.Orientations(m)
		}
	})
}
