package pdq_test

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash/pdq"
)

func someParts(b image.Rectangle) []image.Rectangle {
	w, h := b.Dx(), b.Dy()
	parts := []image.Rectangle{
		image.Rect(0, 0, w, h), image.Rect(w/20, h/20, w-w/20, h-h/20), image.Rect(0, 0, w*4/5, h*4/5),
		image.Rect(w/5, h/5, w, h), image.Rect(w/10, 0, w, h), image.Rect(w*3/10, h*3/10, w*7/10, h*7/10),
	}
	for i := range parts {
		parts[i] = parts[i].Add(b.Min)
	}
	return parts
}

// Where luma is bytes and nothing is shrunk, a part is the sub-picture to the bit.
func TestPartsAreSums(t *testing.T) {
	var h pdq.Hasher
	full := scene(700, 500, 1)
	ycc := image.NewYCbCr(image.Rect(-7, 3, 693, 503), image.YCbCrSubsampleRatio420)
	gray := image.NewGray(ycc.Rect)
	for y := range 500 {
		for x := range 700 {
			v := full.RGBAAt(x, y).R
			gray.Pix[gray.PixOffset(x-7, y+3)], ycc.Y[ycc.YOffset(x-7, y+3)] = v, v
		}
	}
	for name, m := range map[string]interface {
		image.Image
		SubImage(image.Rectangle) image.Image
	}{"gray": gray, "ycbcr": ycc} {
		parts := someParts(m.Bounds())
		got := h.Parts(m, parts)
		require.Len(t, got, len(parts))
		for i, part := range parts {
			value, quality := pdq.Sum(m.SubImage(part))
			assert.Equal(t, pdq.Part{Value: value, Quality: quality}, got[i], "%s, %v", name, part)
		}
	}
}

func TestPartsOfOtherPictures(t *testing.T) {
	var h pdq.Hasher
	for _, c := range []struct {
		w, h, within int
	}{
		{300, 400, 6},    // colours: rounded
		{1024, 512, 6},   // the largest that is not shrunk
		{1025, 700, 24},  // by two, the least sharp
		{2060, 1040, 16}, // by three
		{2047, 60, 6},    // too thin to shrink
	} {
		m := scene(c.w, c.h, 2)
		parts := someParts(m.Bounds())
		for i, part := range h.Parts(m, parts) {
			value, quality := pdq.Sum(m.SubImage(parts[i]))
			d, ok := value.Distance(part.Value)
			require.True(t, ok)
			assert.LessOrEqual(t, d, c.within, "%dx%d %v", c.w, c.h, parts[i])
			assert.InDelta(t, int(quality), int(part.Quality), 3, "%dx%d %v", c.w, c.h, parts[i])
		}
	}
}

func TestPartsThatHaveNoHash(t *testing.T) {
	var h pdq.Hasher
	m := scene(100, 80, 3)
	got := h.Parts(m, []image.Rectangle{{}, image.Rect(10, 10, 14, 60), image.Rect(90, 10, 140, 60), image.Rect(200, 0, 300, 80), image.Rect(-50, -50, 100, 80)})
	assert.Equal(t, []bool{false, false, true, false, true}, valid(got))
	whole, _ := h.Sum(m)
	d, _ := got[4].Value.Distance(whole)
	assert.LessOrEqual(t, d, 4, "only what is in the picture counts")

	assert.Empty(t, h.Parts(m, nil))
	for _, m := range []image.Image{nil, image.NewGray(image.Rect(0, 0, 4, 100)), image.NewGray(image.Rect(0, 0, 5, 5000)), image.NewUniform(image.Black.C)} {
		assert.Equal(t, []bool{false}, valid(h.Parts(m, []image.Rectangle{image.Rect(0, 0, 4, 4)})))
	}
}

func valid(parts []pdq.Part) []bool {
	all := make([]bool, len(parts))
	for i, p := range parts {
		all[i] = p.Value.IsValid()
	}
	return all
}
