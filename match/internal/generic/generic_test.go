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

func TestPlainPicturesAreKnown(t *testing.T) {
	v, q := pdq.Sum(picture(512, 512, func(x, y int) uint8 {
		if r := (2*x-511)*(2*x-511) + (2*y-511)*(2*y-511); r < 358*358 && r > 276*276 {
			return 255
		}
		return 0
	}))
	require.True(t, q.Passes(hash.DefaultGate), "so an upload of it is judged")
	assert.Equal(t, "a ring", generic.Plain(v.Words()))

	for _, k := range []hash.Kind{hash.PHash, hash.DHash, hash.AHash, hash.DHash256, hash.AHash256} {
		v, _, err := imagehash.Sum(k, picture(300, 200, func(x, y int) uint8 { return 128 }))
		require.NoError(t, err)
		require.NotNil(t, generic.Within(v), k)
		assert.Equal(t, "a flat picture", generic.Within(v).Name)
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
