package pdq_test

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
)

// reduced is a hash.Reduced of prepared samples.
type reduced struct {
	*image.Gray16 // of another type than what is to be seen
	small         *image.Gray
	samples       *[64][64]float32 // nil: none
}

func (r reduced) Gray() *image.Gray { return r.small }

func (r reduced) PDQSamples(dst *[64][64]float32) bool {
	if r.samples == nil {
		return false
	}
	*dst = *r.samples
	return true
}

// TestReduced holds that a reduced picture is hashed by its own samples, in every
// orientation, and not by its pixels: a picture of 64 x 64 pixels is its own samples.
func TestReduced(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 64, 64))
	fill(m.Pix, 3)
	var samples [64][64]float32
	for i, v := range m.Pix {
		samples[i/64][i%64] = float32(v)
	}
	r := reduced{image.NewGray16(image.Rect(0, 0, 9, 9)), image.NewGray(image.Rect(0, 0, 9, 9)), &samples}
	want, quality := pdq.Orientations(m)
	all, q := pdq.Orientations(r)
	assert.Equal(t, want, all)
	assert.Equal(t, quality, q)
	v, q := pdq.Sum(r)
	assert.Equal(t, want[hash.Original], v)
	assert.Equal(t, quality, q)
	assert.Equal(t, quality, pdq.Quality(r))

	r.samples = nil
	v, q = pdq.Sum(r)
	assert.False(t, v.IsValid())
	assert.Zero(t, q)
}
