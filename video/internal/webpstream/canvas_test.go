package webpstream

import (
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Blending is held to the specification's formula in real numbers, for every pair of
// alphas.
func TestOver(t *testing.T) {
	for sa := 1; sa < 255; sa++ {
		for da := range 256 {
			d := [4]uint8{10, 200, 255, uint8(da)}
			s := color.NRGBA{R: 255, G: 100, B: 0, A: uint8(sa)}
			got := d
			over(&got, s)
			above, below := float64(sa)/255, float64(da)/255*(1-float64(sa)/255)
			for i, c := range []uint8{s.R, s.G, s.B} {
				want := (float64(c)*above + float64(d[i])*below) / (above + below)
				require.InDelta(t, want, float64(got[i]), 0.501, "%d over %d", sa, da)
			}
			require.InDelta(t, 255*(above+below), float64(got[3]), 0.501, "%d over %d", sa, da)
		}
	}
}

// Pictures may begin anywhere, have any bounds and leave the canvas on any side; what was
// disposed of is gone when the next one is drawn, and not before.
func TestDraw(t *testing.T) {
	m := image.NewNRGBA(image.Rect(7, 5, 11, 8))
	for i := range m.Pix {
		m.Pix[i] = uint8(i) | 1
	}
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	c := NewCanvas(6, 4)
	p := Picture{Rect: image.Rect(3, 2, 7, 5), Dispose: true}
	shown := c.Draw(p, m)
	for y := range 4 {
		for x := range 6 {
			want := color.NRGBA{}
			if x >= 3 && y >= 2 {
				want = m.NRGBAAt(7+x-3, 5+y-2)
			}
			assert.Equal(t, want, shown.NRGBAAt(x, y), "%d,%d", x, y)
		}
	}
	assert.False(t, c.Covers(p, m))
	far := Picture{Rect: image.Rect(60, 60, 64, 63)}
	shown = c.Draw(far, m)
	assert.Equal(t, make([]uint8, 6*4*4), shown.Pix)

	all := image.NewNRGBA(image.Rect(0, 0, 6, 4))
	p = Picture{Rect: all.Rect, Blend: true}
	assert.False(t, c.Covers(p, all), "transparent")
	p.Blend = false
	assert.True(t, c.Covers(p, all))
	p.Blend = true
	assert.True(t, c.Covers(p, image.NewYCbCr(all.Rect, image.YCbCrSubsampleRatio420)))
}
