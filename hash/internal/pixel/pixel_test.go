package pixel

import (
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
)

func noise(p []uint8, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range p {
		p[i] = uint8(r.UintN(256))
	}
}

// TestLumaOfColours holds the definition: which colours keep a luma of their own,
// and what becomes of transparency and of 16 bits.
func TestLumaOfColours(t *testing.T) {
	for name, c := range map[string]struct {
		colour color.Color
		want   float32
	}{
		"grey is its value":                  {color.Gray{200}, 200},
		"16-bit grey is its high byte":       {color.Gray16{0xc8ff}, 200},
		"YCbCr is its Y":                     {color.YCbCr{90, 255, 0}, 90},
		"NYCbCrA is its Y":                   {color.NYCbCrA{color.YCbCr{90, 255, 0}, 3}, 90},
		"opaque":                             {color.RGBA{10, 20, 30, 255}, Luma(10, 20, 30)},
		"straight, transparent":              {color.NRGBA{10, 20, 30, 0}, Luma(10, 20, 30)},
		"straight 16 bits, transparent":      {color.NRGBA64{0x0aff, 0x14ff, 0x1eff, 0}, Luma(10, 20, 30)},
		"premultiplied, half transparent":    {color.RGBA{64, 32, 0, 128}, Luma(127, 63, 0)},
		"premultiplied, fully transparent":   {color.RGBA{0, 0, 0, 0}, 0},
		"premultiplied 16, half transparent": {color.RGBA64{0x4000, 0x2000, 0, 0x8000}, Luma(127, 63, 0)},
		"CMYK":                               {color.CMYK{255, 0, 0, 0}, Luma(0, 255, 255)},
		"no colour":                          {nil, 0},
	} {
		assert.Equal(t, c.want, lumaOf(c.colour), name)
	}
	assert.Equal(t, float32(255), Luma(255, 255, 255))
}

// bare hides a picture's type, so that it is read through At.
type bare struct{ image.Image }

func pictures(b image.Rectangle) map[string]image.Image {
	all := map[string]image.Image{}
	gray, gray16 := image.NewGray(b), image.NewGray16(b)
	rgba, nrgba := image.NewRGBA(b), image.NewNRGBA(b)
	rgba64, nrgba64 := image.NewRGBA64(b), image.NewNRGBA64(b)
	cmyk, alpha := image.NewCMYK(b), image.NewAlpha(b)
	palette := color.Palette{color.Gray{9}, color.NRGBA{1, 200, 3, 4}, color.White, color.RGBA{10, 20, 30, 40}, color.Transparent}
	paletted := image.NewPaletted(b, palette)
	for i, p := range [][]uint8{gray.Pix, gray16.Pix, rgba.Pix, nrgba.Pix, rgba64.Pix, nrgba64.Pix, cmyk.Pix, alpha.Pix, paletted.Pix} {
		noise(p, uint64(i))
	}
	for i := range paletted.Pix {
		paletted.Pix[i] %= uint8(len(palette))
	}
	all["Gray"], all["Gray16"], all["RGBA"], all["NRGBA"] = gray, gray16, rgba, nrgba
	all["RGBA64"], all["NRGBA64"], all["CMYK"], all["Alpha"], all["Paletted"] = rgba64, nrgba64, cmyk, alpha, paletted
	opaque := image.NewRGBA(b)
	noise(opaque.Pix, 20)
	for i := 3; i < len(opaque.Pix); i += 4 {
		opaque.Pix[i] = 0xff
	}
	all["opaque RGBA"] = opaque
	for ratio := image.YCbCrSubsampleRatio444; ratio <= image.YCbCrSubsampleRatio410; ratio++ {
		m, a := image.NewYCbCr(b, ratio), image.NewNYCbCrA(b, ratio)
		noise(m.Y, 30)
		noise(m.Cb, 31)
		noise(m.Cr, 32)
		noise(a.Y, 33)
		noise(a.Cb, 34)
		noise(a.A, 35)
		all[ratio.String()], all["NYCbCrA "+ratio.String()] = m, a
	}
	return all
}

// TestFastPaths holds every type's rows and copies equal to what At gives, for
// pictures and parts of pictures, and for stretches of rows.
func TestFastPaths(t *testing.T) {
	b := image.Rect(-3, 5, 26, 24)
	for name, m := range pictures(b) {
		sub := m.(interface {
			SubImage(image.Rectangle) image.Image
		}).SubImage(image.Rect(0, 6, 21, 23))
		for _, m := range []image.Image{m, sub} {
			var fast, slow Reader
			fast.Reset(m)
			slow.Reset(bare{m})
			w, h := fast.Size()
			require.Equal(t, m.Bounds().Size(), image.Pt(w, h))
			a, b := make([]float32, w), make([]float32, w)
			for y := range h {
				fast.Row(a, 0, y)
				slow.Row(b, 0, y)
				require.Equal(t, b, a, "%s row %d", name, y)
				fast.Row(b[:w-7], 5, y)
				require.Equal(t, a[5:w-2], b[:w-7], "%s stretch of row %d", name, y)
			}
			require.Equal(t, RGBA(bare{m}), RGBA(m), name)
		}
	}
}

func TestRGBAIsOpaqueAtTheOrigin(t *testing.T) {
	m := image.NewNRGBA(image.Rect(7, 7, 9, 8))
	m.SetNRGBA(7, 7, color.NRGBA{1, 2, 3, 0})
	m.SetNRGBA(8, 7, color.NRGBA{4, 5, 6, 77})
	got := RGBA(m)
	assert.Equal(t, image.Rect(0, 0, 2, 1), got.Rect)
	assert.Equal(t, []uint8{1, 2, 3, 255, 4, 5, 6, 255}, got.Pix)
}

// TestBrokenPalette holds that an index without a colour is black and not a panic.
func TestBrokenPalette(t *testing.T) {
	m := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.White})
	m.Pix[1] = 200
	var r Reader
	r.Reset(m)
	row := make([]float32, 2)
	r.Row(row, 0, 0)
	assert.Equal(t, []float32{255, 0}, row)
}

// TestOrient shows every orientation on six pixels.
func TestOrient(t *testing.T) {
	draw := func(rows ...string) *image.RGBA {
		m := image.NewRGBA(image.Rect(0, 0, len(rows[0]), len(rows)))
		for y, row := range rows {
			for x := range row {
				m.SetRGBA(x, y, color.RGBA{row[x], 1, 2, 255})
			}
		}
		return m
	}
	m := draw("abc", "def")
	for o, want := range [hash.Orientations]*image.RGBA{
		hash.Original:   m,
		hash.Rot90:      draw("cf", "be", "ad"),
		hash.Rot180:     draw("fed", "cba"),
		hash.Rot270:     draw("da", "eb", "fc"),
		hash.FlipX:      draw("def", "abc"),
		hash.FlipY:      draw("cba", "fed"),
		hash.FlipPlus1:  draw("ad", "be", "cf"),
		hash.FlipMinus1: draw("fc", "eb", "da"),
	} {
		assert.Equal(t, want, Orient(m, hash.Orientation(o)), hash.Orientation(o))
	}
	assert.Equal(t, m, Orient(m, 99))
}

// reduced is a hash.Reduced, of which only the pixels matter here.
type reduced struct {
	image.Image
	small *image.Gray
}

func (r reduced) Gray() *image.Gray                  { return r.small }
func (reduced) PDQSamples(dst *[64][64]float32) bool { return false }

// TestReduced holds that the pixels of a reduced picture are those it shows.
func TestReduced(t *testing.T) {
	small := image.NewGray(image.Rect(3, 4, 10, 9))
	noise(small.Pix, 1)
	var r Reader
	r.Reset(reduced{image.NewRGBA(image.Rect(0, 0, 99, 99)), small})
	w, h := r.Size()
	require.Equal(t, image.Pt(7, 5), image.Pt(w, h))
	for y := range h {
		require.Equal(t, small.Pix[y*small.Stride:][:w], r.Bytes(y))
	}
}

// TestLumaKernels holds both kernels equal to Luma for every red and green with some
// blues, at lengths around whole vectors, and where one pixel alone is transparent.
func TestLumaKernels(t *testing.T) {
	for _, fast := range []bool{false, vectors} {
		const n = 256 * 256
		pix, got := make([]uint8, 4*n), make([]float32, n)
		for _, blue := range []int{0, 1, 85, 254, 255} {
			for i := range n {
				pix[4*i], pix[4*i+1], pix[4*i+2], pix[4*i+3] = uint8(i), uint8(i>>8), uint8(blue+i/7), 255
			}
			require.True(t, fromRGB(got, pix, fast))
			for i := range n {
				require.Equal(t, Luma(pix[4*i], pix[4*i+1], pix[4*i+2]), got[i])
			}
		}
		for length := range 40 {
			for at := range length {
				part, out := append([]uint8(nil), pix[404:404+4*length]...), make([]float32, length)
				part[4*at+3] = uint8(7 * length)
				require.False(t, fromRGB(out, part, fast))
				fromRGBA(out, part, fast)
				for i := range out {
					require.Equal(t, lumaOf(color.RGBA{part[4*i], part[4*i+1], part[4*i+2], part[4*i+3]}), out[i])
				}
			}
		}
	}
}
