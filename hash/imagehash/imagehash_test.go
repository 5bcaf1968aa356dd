package imagehash_test

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"runtime"
	"testing"

	"github.com/corona10/goimagehash"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/imagehash"
)

var kinds = []hash.Kind{hash.PHash, hash.DHash, hash.AHash, hash.PHash256, hash.DHash256, hash.AHash256}

// waves draws a picture without symmetry.
func waves(w, h int, phase float64) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			g := 120 + 50*u + 70*math.Sin(phase+9*u+5*v*v) + 30*math.Cos(31*v+7*u*u+phase)
			l := uint8(max(0, min(255, g)))
			m.SetRGBA(x, y, color.RGBA{R: l, G: uint8(min(255, int(l)+30)), B: 255 - l, A: 255})
		}
	}
	return m
}

// direct is what goimagehash itself gives.
func direct(t *testing.T, k hash.Kind, m image.Image) string {
	t.Helper()
	var short *goimagehash.ImageHash
	var long *goimagehash.ExtImageHash
	var err error
	switch k {
	case hash.PHash:
		short, err = goimagehash.PerceptionHash(m)
	case hash.DHash:
		short, err = goimagehash.DifferenceHash(m)
	case hash.AHash:
		short, err = goimagehash.AverageHash(m)
	case hash.PHash256:
		long, err = goimagehash.ExtPerceptionHash(m, 16, 16)
	case hash.DHash256:
		long, err = goimagehash.ExtDifferenceHash(m, 16, 16)
	case hash.AHash256:
		long, err = goimagehash.ExtAverageHash(m, 16, 16)
	}
	require.NoError(t, err)
	words := []uint64{}
	if short != nil {
		words = append(words, short.GetHash())
	} else {
		words = append(words, long.GetHash()...)
	}
	text := ""
	for _, w := range words {
		text += fmt.Sprintf("%016x", w)
	}
	return text
}

// TestIsGoimagehash holds the recipe of every kind: goimagehash's own function on
// RGBA pixels.
func TestIsGoimagehash(t *testing.T) {
	for i, size := range []image.Point{{320, 240}, {64, 64}, {100, 301}, {16, 16}, {9, 8}} {
		m := waves(size.X, size.Y, float64(i))
		for _, k := range kinds {
			v, q, err := imagehash.Sum(k, m)
			require.NoError(t, err)
			assert.Equal(t, k, v.Kind())
			assert.Equal(t, direct(t, k, m), v.Hex(), "%v %v", k, size)
			assert.LessOrEqual(t, q, hash.Quality(100))
		}
	}
}

// TestGolden freezes the recipe: a new version of goimagehash that moves bits would
// be a new kind. Where the compiler fuses multiplication and addition a bit on the
// edge may fall to the other side.
func TestGolden(t *testing.T) {
	slack := 2
	if runtime.GOARCH == "amd64" {
		slack = 0
	}
	m := waves(320, 240, 1)
	for k, digits := range golden {
		want, err := hash.ParseHex(k, digits)
		require.NoError(t, err)
		v, q, err := imagehash.Sum(k, m)
		require.NoError(t, err)
		bits, ok := v.Distance(want)
		require.True(t, ok)
		assert.LessOrEqual(t, bits, slack, "%v is not %v", v, want)
		assert.Equal(t, hash.Quality(100), q, k)
	}
	assert.Len(t, golden, len(kinds))
}

// TestOneHashForEqualColours holds that a picture's type does not matter. Hashed
// directly, goimagehash gives others for YCbCr pictures.
func TestOneHashForEqualColours(t *testing.T) {
	frame := image.NewYCbCr(image.Rect(3, 5, 203, 155), image.YCbCrSubsampleRatio420)
	for i := range frame.Y {
		frame.Y[i] = uint8(128 + 90*math.Sin(float64(i%200)/17+float64(i/200)/11))
	}
	for i := range frame.Cb {
		frame.Cb[i], frame.Cr[i] = uint8(i*7), uint8(255-i*3)
	}
	rgba := image.NewRGBA(image.Rect(0, 0, 200, 150))
	draw.Draw(rgba, rgba.Rect, frame, frame.Rect.Min, draw.Src)
	nrgba, transparent := image.NewNRGBA(rgba.Rect), image.NewNRGBA(rgba.Rect)
	copy(nrgba.Pix, rgba.Pix)
	copy(transparent.Pix, rgba.Pix)
	for i := 3; i < len(transparent.Pix); i += 4 {
		transparent.Pix[i] = uint8(i)
	}
	for _, k := range kinds {
		want, _, err := imagehash.Sum(k, rgba)
		require.NoError(t, err)
		for name, m := range map[string]image.Image{"YCbCr": frame, "NRGBA": nrgba, "transparent NRGBA": transparent} {
			v, _, err := imagehash.Sum(k, m)
			require.NoError(t, err)
			assert.Equal(t, want, v, "%v %s", k, name)
		}
	}
}

// TestOrientations holds each equal to the hash of the turned picture, made here
// pixel by pixel.
func TestOrientations(t *testing.T) {
	const w, h = 90, 60
	m := waves(w, h, 2)
	turned := map[hash.Orientation]func(x, y int) (int, int){ // from a pixel of m to where it goes
		hash.Rot90:      func(x, y int) (int, int) { return y, w - 1 - x },
		hash.Rot180:     func(x, y int) (int, int) { return w - 1 - x, h - 1 - y },
		hash.Rot270:     func(x, y int) (int, int) { return h - 1 - y, x },
		hash.FlipX:      func(x, y int) (int, int) { return x, h - 1 - y },
		hash.FlipY:      func(x, y int) (int, int) { return w - 1 - x, y },
		hash.FlipPlus1:  func(x, y int) (int, int) { return y, x },
		hash.FlipMinus1: func(x, y int) (int, int) { return h - 1 - y, w - 1 - x },
	}
	for _, k := range kinds {
		all, q, err := imagehash.Orientations(k, m)
		require.NoError(t, err)
		want, wantQ, err := imagehash.Sum(k, m)
		require.NoError(t, err)
		assert.Equal(t, want, all[hash.Original])
		assert.Equal(t, wantQ, q)
		for o, to := range turned {
			x, y := to(w-1, h-1)
			x0, y0 := to(0, 0)
			dst := image.NewRGBA(image.Rect(0, 0, max(x, x0)+1, max(y, y0)+1))
			for y := range h {
				for x := range w {
					dx, dy := to(x, y)
					dst.SetRGBA(dx, dy, m.RGBAAt(x, y))
				}
			}
			assert.Equal(t, direct(t, k, dst), all[o].Hex(), "%v %v", k, o)
		}
	}
}

func TestErrors(t *testing.T) {
	m := waves(20, 20, 0)
	for _, k := range []hash.Kind{0, hash.PDQ, hash.MD5, 200} {
		_, _, err := imagehash.Sum(k, m)
		var kindErr *imagehash.KindError
		require.ErrorAs(t, err, &kindErr)
		assert.Equal(t, k, kindErr.Kind)
		_, _, err = imagehash.Orientations(k, m)
		require.ErrorAs(t, err, &kindErr)
	}
	for name, m := range map[string]image.Image{
		"nil":       nil,
		"empty":     image.NewRGBA(image.Rectangle{}),
		"no height": image.NewYCbCr(image.Rect(0, 0, 9, 0), image.YCbCrSubsampleRatio420),
		"boundless": image.NewUniform(color.White),
	} {
		for _, k := range kinds {
			v, q, err := imagehash.Sum(k, m)
			require.ErrorIs(t, err, imagehash.ErrSize, name)
			assert.False(t, v.IsValid())
			assert.Zero(t, q)
			all, _, err := imagehash.Orientations(k, m)
			require.ErrorIs(t, err, imagehash.ErrSize, name)
			assert.Equal(t, [hash.Orientations]hash.Value{}, all)
		}
	}
}

// TestOddPictures holds that tiny, thin and flat pictures have a hash of quality 0:
// defined, and not to be judged.
func TestOddPictures(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {1, 400}, {400, 1}, {2, 3}, {4, 4}, {3000, 2}, {300, 300}} {
		flat := image.NewGray(image.Rectangle{Max: size})
		for i := range flat.Pix {
			flat.Pix[i] = 180
		}
		for _, k := range kinds {
			v, q, err := imagehash.Sum(k, flat)
			require.NoError(t, err, "%v %v", k, size)
			assert.True(t, v.IsValid(), "%v %v", k, size)
			assert.Zero(t, q, "%v %v", k, size)
		}
	}
}

// FuzzSum holds that no size and no content of a picture makes goimagehash panic, and
// that the result is that of any other call.
func FuzzSum(f *testing.F) {
	f.Add(uint8(1), uint8(1), uint8(0), []byte{1})
	f.Add(uint8(8), uint8(9), uint8(1), []byte{1, 2, 3, 250})
	f.Add(uint8(64), uint8(64), uint8(3), []byte{0, 255})
	f.Fuzz(func(t *testing.T, w, h, kind uint8, pattern []byte) {
		k := kinds[int(kind)%len(kinds)]
		m := image.NewNRGBA(image.Rect(0, 0, int(w), int(h)))
		for i := range m.Pix {
			if len(pattern) > 0 {
				m.Pix[i] = pattern[i%len(pattern)]
			}
		}
		v, q, err := imagehash.Sum(k, m)
		if w == 0 || h == 0 {
			require.ErrorIs(t, err, imagehash.ErrSize)
			return
		}
		require.NoError(t, err)
		require.Equal(t, k, v.Kind())
		require.LessOrEqual(t, q, hash.Quality(100))
		again, _, err := imagehash.Sum(k, m)
		require.NoError(t, err)
		require.Equal(t, v, again)
	})
}

func BenchmarkSum(b *testing.B) {
	m := waves(512, 512, 1)
	for _, k := range kinds {
		b.Run(fmt.Sprintf("kind=%v/size=512x512", k), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := imagehash.Sum(k, m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func ExampleSum() {
	m := waves(320, 240, 1) // any image.Image
	v, quality, err := imagehash.Sum(hash.DHash, m)
	if err != nil {
		fmt.Println(err)
		return
	}
	b := v.AppendBytes(nil)
	fmt.Println(v.Kind(), binary.BigEndian.Uint64(b) == v.Words()[0], quality.Passes(hash.DefaultGate))
	// Output: dhash true true
}

// golden holds what goimagehash v1.1.0 gives for waves(320, 240, 1).
var golden = map[hash.Kind]string{
	hash.PHash:    "9fb5e01ab40ef115",
	hash.DHash:    "1c1c1c3c3871e3c7",
	hash.AHash:    "c7c78e8e1c1c3973",
	hash.PHash256: "9f6ab555e0401afbb4500eb7f16e154d510a1557e555cad2f492ca94f726ca55",
	hash.DHash256: "83f883f003f803f807e007e007f00fe00f811f813f817f037c0ffc1ff81ff03f",
	hash.AHash256: "e07ee07ef07fe07ec0fce0fec0fe80fc83f083f003f007e10f830f071f077e0f",
}
