package generic_test

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/imagehash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/match/internal/generic"
)

// picture draws a grey picture.
func picture(w, h int, at func(x, y int) uint8) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Pix[y*m.Stride+x] = at(x, y)
		}
	}
	return m
}

func nearest(t *testing.T, v hash.Value) (distance, radius int) {
	t.Helper()
	all, radius := generic.Of(v.Kind())
	distance = v.Kind().Bits()
	for _, p := range all {
		d, ok := v.Distance(p.Value)
		require.True(t, ok)
		distance = min(distance, d)
	}
	return distance, radius
}

func TestOfKnowsPlainPictures(t *testing.T) {
	slant := picture(512, 512, func(x, y int) uint8 {
		if x+y/2 > 384 {
			return 255
		}
		return 0
	})
	v, q := pdq.Sum(slant)
	require.True(t, q.Passes(hash.DefaultGate), "so an upload of it is judged")
	d, radius := nearest(t, v)
	assert.LessOrEqual(t, d, radius)

	for _, k := range []hash.Kind{hash.PHash, hash.DHash, hash.AHash, hash.DHash256, hash.AHash256} {
		v, _, err := imagehash.Sum(k, picture(300, 200, func(x, y int) uint8 { return 128 }))
		require.NoError(t, err)
		d, radius := nearest(t, v)
		assert.LessOrEqual(t, d, radius, k)
	}
	all, _ := generic.Of(hash.MD5)
	assert.Empty(t, all)
}

func TestOfHasEachHashOnce(t *testing.T) {
	for _, k := range hash.Kinds() {
		all, _ := generic.Of(k)
		seen := make(map[hash.Value]bool)
		for _, p := range all {
			assert.Equal(t, k, p.Value.Kind())
			assert.NotEmpty(t, p.Name)
			assert.False(t, seen[p.Value], "%s twice", p.Value)
			seen[p.Value] = true
		}
	}
}

func TestSeparable(t *testing.T) {
	corner := picture(1280, 720, func(x, y int) uint8 {
		if x > 400 && y > 300 {
			return 200
		}
		return 20
	})
	v, q := pdq.Sum(corner)
	require.True(t, q.Passes(hash.DefaultGate))
	assert.True(t, generic.Separable(v.Words()))

	// The limit is inclusive.
	exact := [4]uint64{0x3c5a_c3a5_3c5a_3c5a, 0xc3a5_c3a5_3c5a_c3a5, 0x3c5a_3c5a_3c5a_c3a5, 0xc3a5_3c5a_c3a5_3c5a}
	for row := range 11 {
		assert.True(t, generic.Separable(exact), "%d bits off", row)
		exact[row/4] ^= 1 << (48 - 16*(row%4) + row)
	}
	assert.False(t, generic.Separable(exact), "11 bits off")
}
