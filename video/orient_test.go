package video

import (
	"fmt"
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// turned is the definition of EXIF 2.32, tag 0x0112: where the pixel shown at
// (x, y) is stored in a picture of w x h.
func turned(o orientation, x, y, w, h int) (int, int) {
	switch o {
	case flipX:
		return w - 1 - x, y
	case rotate180:
		return w - 1 - x, h - 1 - y
	case flipY:
		return x, h - 1 - y
	case transpose:
		return y, x
	case rotate90:
		return y, h - 1 - x
	case transverse:
		return w - 1 - y, h - 1 - x
	case rotate270:
		return w - 1 - y, x
	}
	return x, y
}

// pictures are one of every type, at an origin that is not (0, 0), with every byte
// different from its neighbours.
func pictures(w, h int) map[string]image.Image {
	r := image.Rect(4, 8, 4+w, 8+h)
	noise := func(p []byte) {
		for i := range p {
			p[i] = byte(i*7 + i/5*13)
		}
	}
	ms := map[string]image.Image{}
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		m := image.NewYCbCr(r, ratio)
		noise(m.Y)
		noise(m.Cb)
		noise(m.Cr)
		ms[ratio.String()] = m
	}
	alpha := image.NewNYCbCrA(r, image.YCbCrSubsampleRatio420)
	noise(alpha.Y)
	noise(alpha.Cb)
	noise(alpha.Cr)
	noise(alpha.A)
	ms["NYCbCrA"] = alpha
	palette := make(color.Palette, 256)
	for i := range palette {
		palette[i] = color.RGBA{byte(i), byte(255 - i), byte(i * 3), 255}
	}
	ms["Paletted"] = &image.Paletted{Rect: r, Palette: palette, Pix: make([]byte, w*h), Stride: w}
	ms["Gray"], ms["Gray16"], ms["CMYK"] = image.NewGray(r), image.NewGray16(r), image.NewCMYK(r)
	ms["RGBA"], ms["RGBA64"] = image.NewRGBA(r), image.NewRGBA64(r)
	ms["NRGBA"], ms["NRGBA64"] = image.NewNRGBA(r), image.NewNRGBA64(r)
	for _, m := range ms {
		switch m := m.(type) {
		case *image.Paletted:
			noise(m.Pix)
		case *image.Gray:
			noise(m.Pix)
		case *image.Gray16:
			noise(m.Pix)
		case *image.CMYK:
			noise(m.Pix)
		case *image.RGBA:
			noise(m.Pix)
		case *image.RGBA64:
			noise(m.Pix)
		case *image.NRGBA:
			noise(m.Pix)
		case *image.NRGBA64:
			noise(m.Pix)
		}
	}
	return ms
}

func TestOrientationOfEveryPictureType(t *testing.T) {
	for _, size := range [][2]int{{8, 4}, {7, 5}, {1, 6}, {5, 1}, {6, 9}, {67, 65}} {
		w, h := size[0], size[1]
		for name, m := range pictures(w, h) {
			for o := upright; o <= rotate270; o++ {
				t.Run(fmt.Sprintf("%s/%dx%d/%d", name, w, h, o), func(t *testing.T) {
					got := o.apply(m)
					assert.IsType(t, m, got)
					wantW, wantH := o.size(w, h)
					b := got.Bounds()
					require.Equal(t, image.Pt(wantW, wantH), b.Size())
					for y := range wantH {
						for x := range wantW {
							sx, sy := turned(o, x, y, w, h)
							if m.At(m.Bounds().Min.X+sx, m.Bounds().Min.Y+sy) != got.At(b.Min.X+x, b.Min.Y+y) {
								require.FailNow(t, "another pixel", "(%d, %d)", x, y)
							}
						}
					}
				})
			}
		}
	}
}

func TestOrientationOfAnUnknownType(t *testing.T) {
	m := image.NewAlpha(image.Rect(1, 1, 4, 3))
	m.Pix[0] = 255
	got := rotate90.apply(m)
	require.Equal(t, image.Pt(2, 3), got.Bounds().Size())
	assert.Equal(t, color.NRGBA{255, 255, 255, 255}, got.At(1, 0))
}

// Where no colour sample has to be split, the planes stay subsampled.
func TestOrientationKeepsSubsampling(t *testing.T) {
	m := image.NewYCbCr(image.Rect(0, 0, 8, 6), image.YCbCrSubsampleRatio422)
	assert.Equal(t, image.YCbCrSubsampleRatio440, rotate90.apply(m).(*image.YCbCr).SubsampleRatio)
	assert.Equal(t, image.YCbCrSubsampleRatio422, rotate180.apply(m).(*image.YCbCr).SubsampleRatio)
	odd := image.NewYCbCr(image.Rect(0, 0, 7, 6), image.YCbCrSubsampleRatio420)
	assert.Equal(t, image.YCbCrSubsampleRatio444, flipX.apply(odd).(*image.YCbCr).SubsampleRatio)
	assert.Equal(t, image.YCbCrSubsampleRatio420, flipY.apply(odd).(*image.YCbCr).SubsampleRatio)
}
