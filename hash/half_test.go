package hash_test

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rematch-go/rematch/hash"
)

func TestHalves(t *testing.T) {
	b := image.Rect(10, 20, 210, 120)
	want := map[hash.Half]image.Rectangle{
		hash.Whole: b, hash.Top: image.Rect(10, 20, 210, 66), hash.Bottom: image.Rect(10, 74, 210, 120),
		hash.Left: image.Rect(10, 20, 102, 120), hash.Right: image.Rect(118, 20, 210, 120),
	}
	assert.Len(t, want, hash.Halves)
	for h, r := range want {
		assert.Equal(t, r, h.Of(b), h)
		parsed, ok := hash.ParseHalf(h.String())
		assert.Equal(t, h != hash.Whole, ok, h)
		assert.Equal(t, h, parsed)
	}
	for _, token := range []string{"", "Top", "border", "half(7)", hash.Half(7).String()} {
		_, ok := hash.ParseHalf(token)
		assert.False(t, ok, token)
	}
	for h := range hash.Half(hash.Halves) {
		assert.True(t, h.Of(image.Rectangle{}).Empty(), "no picture has no half")
	}
}
