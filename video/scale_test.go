package video

import (
	"image"
	"image/color"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// meanOf is the slow oracle of shrink: the area-weighted mean of a plane under one
// pixel of the result, in exact fractions, rounded half up.
func meanOf(at func(x, y int) uint8, x, y, dw, dh, sw, sh int) uint8 {
	overlap := func(d, dn, s, sn int) int64 { // of [d, d+1)/dn and [s, s+1)/sn, in units of 1/(dn*sn)
		lo, hi := max(d*sn, s*dn), min((d+1)*sn, (s+1)*dn)
		return int64(max(0, hi-lo))
	}
	sum := new(big.Rat)
	for sy := range sh {
		for sx := range sw {
			weight := overlap(x, dw, sx, sw) * overlap(y, dh, sy, sh)
			sum.Add(sum, big.NewRat(weight*int64(at(sx, sy)), int64(sw)*int64(sh)))
		}
	}
	sum.Add(sum, big.NewRat(1, 2))
	return uint8(new(big.Int).Quo(sum.Num(), sum.Denom()).Int64())
}

func TestFitIsTheMeanOfTheArea(t *testing.T) {
	for _, c := range []struct{ w, h, side, wantW, wantH int }{
		{10, 6, 5, 5, 3}, {7, 11, 4, 3, 4}, {13, 2, 6, 6, 1}, {9, 9, 8, 8, 8}, {200, 1, 3, 3, 1},
	} {
		m := pictures(c.w, c.h)
		gray := m["Gray"].(*image.Gray)
		got := fit(gray, c.side).(*image.Gray)
		require.Equal(t, image.Pt(c.wantW, c.wantH), got.Rect.Size())
		yuv := m["YCbCrSubsampleRatio420"].(*image.YCbCr)
		luma := fit(yuv, c.side).(*image.YCbCr)
		nrgba := m["NRGBA"].(*image.NRGBA)
		colour := fit(nrgba, c.side).(*image.NRGBA)
		for y := range c.wantH {
			for x := range c.wantW {
				require.Equal(t, meanOf(func(x, y int) uint8 { return gray.GrayAt(4+x, 8+y).Y }, x, y, c.wantW, c.wantH, c.w, c.h), got.GrayAt(x, y).Y)
				require.Equal(t, meanOf(func(x, y int) uint8 { return yuv.YCbCrAt(4+x, 8+y).Y }, x, y, c.wantW, c.wantH, c.w, c.h), luma.YCbCrAt(x, y).Y)
				require.Equal(t, meanOf(func(x, y int) uint8 { return nrgba.NRGBAAt(4+x, 8+y).B }, x, y, c.wantW, c.wantH, c.w, c.h), colour.NRGBAAt(x, y).B)
			}
		}
	}
}

func TestExactSize(t *testing.T) {
	for _, size := range []image.Point{{X: 64, Y: 64}, {X: 3, Y: 29}} {
		for name, m := range pictures(31, 17) {
			got := scaled(m, Request{Size: size})
			require.Equal(t, image.Rectangle{Max: size}, got.Bounds(), name)
		}
		m := pictures(31, 17)["NRGBA"].(*image.NRGBA)
		got := scaled(m, Request{Size: size}).(*image.NRGBA)
		for y := range size.Y {
			for x := range size.X {
				require.Equal(t, meanOf(func(x, y int) uint8 { return m.NRGBAAt(4+x, 8+y).G }, x, y, size.X, size.Y, 31, 17), got.NRGBAAt(x, y).G)
			}
		}
	}
	for _, r := range []Request{
		{Size: image.Pt(0, 64)}, {Size: image.Pt(-1, -1)}, {Size: image.Pt(64, 4097)}, {Size: image.Pt(64, 64), MaxSide: 64},
	} {
		assert.Error(t, r.validate(), "%v", r)
	}
	assert.NoError(t, Request{Size: image.Pt(4096, 1)}.validate())
}

func TestFitOfEveryPictureType(t *testing.T) {
	for name, m := range pictures(31, 17) {
		assert.Equal(t, image.Pt(10, 5), fit(m, 10).Bounds().Size(), name)
		assert.Same(t, m, fit(m, 31), name)
		assert.Same(t, m, fit(m, 0), name)
	}
	// One colour stays that colour.
	grey := color.RGBA{120, 120, 120, 255}
	deep := image.NewRGBA64(image.Rect(0, 0, 9, 9))
	for i := range 81 {
		deep.Set(i%9, i/9, grey)
	}
	flat := image.NewPaletted(deep.Rect, color.Palette{grey})
	for _, m := range []image.Image{deep, flat} {
		assert.Equal(t, grey, color.RGBAModel.Convert(fit(m, 4).At(3, 3)))
	}
}

func TestStretchIsStudioRange(t *testing.T) {
	for _, c := range []struct {
		v, steps, zero int
		want           byte
	}{
		{0, 219, 0, 0}, {219, 219, 0, 255}, {-16, 219, 0, 0}, {239, 219, 0, 255}, {110, 219, 0, 128},
		{0, 224, 128, 128}, {112, 224, 128, 255}, {-112, 224, 128, 1}, {-128, 224, 128, 0}, {1, 224, 128, 129}, {-1, 224, 128, 127},
	} {
		assert.Equal(t, c.want, stretch(c.v, c.steps, c.zero), "%+v", c)
	}
}

func TestPicker(t *testing.T) {
	s := func(p *picker, times ...int64) (picked []int64) {
		for _, ms := range times {
			if p.pick(msec(ms)) {
				picked = append(picked, ms)
			}
		}
		return picked
	}
	assert.Equal(t, []int64{0, 40, 80}, s(Sampling{}.picker(), 0, 40, 80))
	assert.Equal(t, []int64{0, 40, 80}, s(Sampling{Keys: true}.picker(), 0, 40, 80))
	assert.Equal(t, []int64{0, 110, 200, 510}, s(Sampling{Every: msec(100)}.picker(), 0, 40, 80, 110, 150, 200, 250, 510, 550))
	assert.Equal(t, []int64{70, 200}, s(Sampling{Every: msec(100)}.picker(), 70, 90, 200), "a late start counts for 0")
	p := Sampling{At: []time.Duration{msec(50), msec(60), msec(200)}}.picker()
	assert.False(t, p.done())
	assert.Equal(t, []int64{80, 240}, s(p, 0, 40, 80, 120, 160, 240, 280))
	assert.True(t, p.done())
}

func msec(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
