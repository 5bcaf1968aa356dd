package pdq

import (
	"image"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The bits of a hash are the features above their median, and features are those of
// the definition.
func TestFeatures(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for _, size := range []image.Point{{X: 64, Y: 64}, {X: 100, Y: 81}} {
		m := image.NewRGBA(image.Rectangle{Max: size})
		luma := make([]float32, 0, size.X*size.Y)
		for i := range m.Pix {
			m.Pix[i] = uint8(r.IntN(256))
		}
		for i := 0; i < len(m.Pix); i += 4 {
			m.Pix[i+3] = 255
			luma = append(luma, 0.299*float32(m.Pix[i])+0.587*float32(m.Pix[i+1])+0.114*float32(m.Pix[i+2]))
		}
		_, want := oracle(luma, size.X, size.Y)
		for kernel, h := range map[string]*Hasher{"this processor's": {}, "Go": {dct: transform{portable: true}}} {
			var got [256]float32
			require.True(t, h.Features(&got, m), kernel)
			for i, x := range got {
				assert.InDelta(t, want[i/16][i%16], x, 0.02, "%s %d", kernel, i)
			}
			var frequencies square
			for i := range frequencies {
				frequencies[i] = [order]float32(got[i*order:])
			}
			v, _ := h.Sum(m)
			bits := bitsOf(&frequencies)
			assert.Equal(t, v, bits.value())
			assert.False(t, h.Features(&got, image.NewGray(image.Rect(0, 0, 4, 64))), "too small")
			assert.False(t, h.Features(&got, nil))
		}
	}
}
