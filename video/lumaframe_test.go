package video

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
)

// upscaled repeats every pixel n times each way.
func upscaled(m *image.Gray, n int) *image.Gray {
	d := image.NewGray(image.Rect(0, 0, m.Rect.Dx()*n, m.Rect.Dy()*n))
	for y := range d.Rect.Dy() {
		for x := range d.Rect.Dx() {
			d.Pix[y*d.Stride+x] = m.GrayAt(m.Rect.Min.X+x/n, m.Rect.Min.Y+y/n).Y
		}
	}
	return d
}

// A frame of luma, and any part of it, is hashed as the larger picture that it says.
func TestLumaFrames(t *testing.T) {
	for _, size := range [][2]int{{144, 81}, {97, 160}} {
		m := image.NewGray(image.Rect(0, 0, size[0], size[1]))
		for i := range m.Pix {
			x, y := i%m.Stride, i/m.Stride
			m.Pix[i] = uint8((x*x/7 + y*y/5 + x*y/11) * 3)
		}
		colour := image.NewYCbCr(m.Rect, image.YCbCrSubsampleRatio420)
		copy(colour.Y, m.Pix)
		drawn := image.NewRGBA(m.Rect)
		for i := range m.Pix {
			drawn.Set(i%m.Stride, i/m.Stride, m.GrayAt(i%m.Stride, i/m.Stride))
		}
		var buffer *image.Gray
		for _, picture := range []image.Image{m, colour, drawn} {
			f := lumaFrame(picture, &buffer)
			assert.Equal(t, m.Rect, f.Bounds())
			for _, part := range []image.Rectangle{m.Rect, image.Rect(9, 13, 81, 77)} {
				want, wantQuality := pdq.Sum(upscaled(m.SubImage(part).(*image.Gray), frameScale))
				got, quality := pdq.Sum(f.SubImage(part))
				d, ok := hash.Value.Distance(want, got)
				assert.True(t, ok)
				assert.LessOrEqual(t, d, 2)
				assert.InDelta(t, float64(wantQuality), float64(quality), 1)
			}
		}
	}
}
