package pdq_test

import (
	"fmt"
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/internal/pixel"
	"github.com/rematch-go/rematch/hash/pdq"
)

func distance(t testing.TB, a, b hash.Value) int {
	t.Helper()
	d, ok := a.Distance(b)
	require.True(t, ok)
	return d
}

// TestOrientationsAreTurns holds the directions that hash.Orientation documents: the
// derived hash is that of the turned picture within the reference's own few bits, and
// far from that of every other turn.
func TestOrientationsAreTurns(t *testing.T) {
	for seed, size := range []image.Point{{512, 512}, {480, 360}, {300, 700}, {64, 64}} {
		m := scene(size.X, size.Y, uint64(seed))
		all, q := pdq.Orientations(m)
		require.GreaterOrEqual(t, q, hash.DefaultGate, size)
		for o := range hash.Orientation(hash.Orientations) {
			turned, _ := pdq.Sum(pixel.Orient(m, o))
			for other, v := range all {
				if o == hash.Orientation(other) {
					assert.LessOrEqual(t, distance(t, turned, v), 20, "%v %v", size, o)
				} else {
					assert.Greater(t, distance(t, turned, v), 60, "%v %v is not %v", size, o, hash.Orientation(other))
				}
			}
		}
	}
}

// TestOrientationsOfTurnedMedia holds the same of the reference's own turned
// pictures.
func TestOrientationsOfTurnedMedia(t *testing.T) {
	names := []string{"1-original", "2-rotate-90", "3-rotate-180", "4-rotate-270", "5-flipx", "6-flipy", "7-flip-plus-1", "8-flip-minus-1"}
	all, _ := pdq.Orientations(readImage(t, media(t, "pdq", "pixels", "dih_bridge-1-original.png")))
	for o, name := range names {
		v, _ := pdq.Sum(readImage(t, media(t, "pdq", "pixels", "dih_bridge-"+name+".png")))
		assert.LessOrEqual(t, distance(t, all[o], v), 24, name)
	}
}

// bare hides a picture's type, so that it is read through At.
type bare struct{ image.Image }

func TestPicturesWithoutAHash(t *testing.T) {
	for name, m := range map[string]image.Image{
		"nil":       nil,
		"empty":     image.NewGray(image.Rectangle{}),
		"narrow":    image.NewRGBA(image.Rect(0, 0, 4, 500)),
		"low":       image.NewRGBA(image.Rect(0, 0, 500, 4)),
		"boundless": image.NewUniform(color.White),
		"one line":  bare{window{image.NewUniform(color.White), image.Rect(0, 0, 1<<30, 5)}},
	} {
		v, q := pdq.Sum(m)
		assert.False(t, v.IsValid(), name)
		assert.Zero(t, q, name)
		assert.Zero(t, pdq.Quality(m), name)
		all, q := pdq.Orientations(m)
		assert.Equal(t, [hash.Orientations]hash.Value{}, all, name)
		assert.Zero(t, q, name)
	}
	var h pdq.Hasher
	for _, size := range [][3]int{{24, 5, 5}, {26, 5, 5}, {16, 4, 4}, {0, 0, 0}, {25, -5, -5}, {25, 5, -5}, {0, 1 << 40 >> 20, 1 << 20}} {
		v, q := h.SumLuma(make([]float32, size[0]), size[1], size[2])
		assert.False(t, v.IsValid(), size)
		assert.Zero(t, q, size)
		all, _ := h.OrientationsLuma(make([]float32, size[0]), size[1], size[2])
		assert.Equal(t, [hash.Orientations]hash.Value{}, all, size)
	}
}

type window struct {
	image.Image
	bounds image.Rectangle
}

func (w window) Bounds() image.Rectangle { return w.bounds }

// TestFlat holds that a picture of one colour has quality 0 and, as any picture, a
// valid hash.
func TestFlat(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 300, 200))
	for i := range m.Pix {
		m.Pix[i] = 77
	}
	v, q := pdq.Sum(m)
	assert.True(t, v.IsValid())
	assert.Zero(t, q)
}

// TestHasherKeepsNothing holds that results do not depend on earlier pictures,
// larger or smaller, and that a Hasher does not hold on to a picture's bits.
func TestHasherKeepsNothing(t *testing.T) {
	var h pdq.Hasher
	for _, size := range []image.Point{{700, 500}, {64, 64}, {5, 9}, {129, 640}, {700, 500}, {3, 3}, {65, 64}} {
		m := scene(size.X, size.Y, 5)
		v, q := h.Sum(m)
		want, wantQ := pdq.Sum(m)
		assert.Equal(t, want, v, size)
		assert.Equal(t, wantQ, q, size)
		all, _ := h.Orientations(m)
		wantAll, _ := pdq.Orientations(m)
		assert.Equal(t, wantAll, all, size)
		assert.Equal(t, want, all[hash.Original], size)
	}
}

func TestHasherDoesNotAllocate(t *testing.T) {
	for _, size := range []image.Point{{64, 64}, {200, 150}, {512, 512}, {640, 480}} {
		b := image.Rectangle{Max: size}
		gray, ycbcr, rgba := image.NewGray(b), image.NewYCbCr(b, image.YCbCrSubsampleRatio420), scene(size.X, size.Y, 9)
		nrgba := (*image.NRGBA)(rgba)
		luma := make([]float32, size.X*size.Y)
		for kernel, h := range kernels() {
			for name, sum := range map[string]func(){
				"Gray":             func() { h.Sum(gray) },
				"YCbCr":            func() { h.Sum(ycbcr) },
				"RGBA":             func() { h.Sum(rgba) },
				"NRGBA":            func() { h.Sum(nrgba) },
				"Quality":          func() { h.Quality(rgba) },
				"SumLuma":          func() { h.SumLuma(luma, size.X, size.Y) },
				"Orientations":     func() { h.Orientations(rgba) },
				"OrientationsLuma": func() { h.OrientationsLuma(luma, size.X, size.Y) },
			} {
				assert.Zero(t, testing.AllocsPerRun(2, sum), "%s %v %s", name, size, kernel)
			}
		}
	}
}

// TestLumaOfAnyValue holds that planes are hashed alike where the fast filter takes
// their values and where one value that changes nothing bars it.
func TestLumaOfAnyValue(t *testing.T) {
	for _, size := range []image.Point{{300, 200}, {512, 400}} {
		m := scene(size.X, size.Y, 8)
		luma := make([]float32, size.X*size.Y)
		for i := range luma {
			luma[i] = pixel.Luma(m.Pix[4*i], m.Pix[4*i+1], m.Pix[4*i+2])
		}
		var h pdq.Hasher
		want, q := h.Sum(m)
		fast, fastQ := h.SumLuma(luma, size.X, size.Y)
		assert.Equal(t, want, fast)
		assert.Equal(t, q, fastQ)
		// So little that every sum with it is rounded back.
		for x := range 3 {
			luma[size.X*100+x] = 0
		}
		fast, fastQ = h.SumLuma(luma, size.X, size.Y)
		luma[size.X*100] = 0x1p-140
		slow, slowQ := h.SumLuma(luma, size.X, size.Y)
		assert.Equal(t, fast, slow)
		assert.Equal(t, fastQ, slowQ)
	}
}

// TestLumaIsY holds that a decoded JPEG or video frame is hashed by its Y alone.
func TestLumaIsY(t *testing.T) {
	b := image.Rect(0, 0, 160, 120)
	gray := image.NewGray(b)
	fill(gray.Pix, 4)
	want, q := pdq.Sum(gray)
	for ratio := image.YCbCrSubsampleRatio444; ratio <= image.YCbCrSubsampleRatio410; ratio++ {
		m := image.NewYCbCr(b, ratio)
		copy(m.Y, gray.Pix)
		fill(m.Cb, 5)
		fill(m.Cr, 6)
		v, got := pdq.Sum(m)
		assert.Equal(t, want, v, ratio)
		assert.Equal(t, q, got, ratio)
	}
}

// TestUnusualPictures holds what the package comment says of palettes, transparency,
// 16 bits and CMYK.
func TestUnusualPictures(t *testing.T) {
	b := image.Rect(0, 0, 150, 140)
	photo := scene(150, 140, 7)
	bits, plain := image.NewPaletted(b, color.Palette{color.Black, color.White}), image.NewRGBA(b)
	invisible, deep, ink, opaque := image.NewNRGBA(b), image.NewRGBA64(b), image.NewCMYK(b), image.NewRGBA(b)
	for y := range 140 {
		for x := range 150 {
			c := photo.RGBAAt(x, y)
			if c.R > 128 {
				bits.SetColorIndex(x, y, 1)
			}
			plain.Set(x, y, bits.At(x, y))
			invisible.SetNRGBA(x, y, color.NRGBA{c.R, c.G, c.B, 0})
			deep.SetRGBA64(x, y, color.RGBA64{uint16(c.R)<<8 | 0xfe, uint16(c.G)<<8 | 1, uint16(c.B) << 8, 0xffff})
			ink.SetCMYK(x, y, color.CMYK{c.R, c.G, c.B, 30})
			opaque.Set(x, y, ink.At(x, y))
		}
	}
	for name, pair := range map[string][2]image.Image{
		"1 bit":                      {plain, bits},
		"transparent, straight":      {photo, invisible},
		"16 bits":                    {photo, deep},
		"CMYK":                       {opaque, ink},
		"transparent, premultiplied": {image.NewGray(b), image.NewRGBA(b)},
	} {
		want, wantQ := pdq.Sum(pair[0])
		got, q := pdq.Sum(pair[1])
		assert.Equal(t, want, got, name)
		assert.Equal(t, wantQ, q, name)
		assert.True(t, got.IsValid(), name)
	}
	assert.Zero(t, pdq.Quality(image.NewRGBA(b)))
}

// FuzzFastPaths holds that a picture has one hash, whatever its size, type, stride
// and place, from 5x5 to 4000x3 and back: by its fast path, as a part of a larger one, through
// At, and by either kernel.
func FuzzFastPaths(f *testing.F) {
	for kind := range uint8(10) {
		f.Add(kind, uint16(20+7*kind), uint16(90-5*kind), uint8(3), uint8(2), uint64(kind))
		f.Add(kind, uint16(512), uint16(130), uint8(kind), uint8(kind), uint64(kind))
	}
	f.Add(uint8(0), uint16(4000), uint16(3), uint8(0), uint8(0), uint64(0))
	f.Add(uint8(2), uint16(6), uint16(4000), uint8(1), uint8(1), uint64(0))
	f.Fuzz(func(t *testing.T, kind uint8, width, height uint16, left, top uint8, seed uint64) {
		w, h := int(width)%4097, int(height)%4097
		if w*h > 1<<17 {
			h = 1 << 17 / w
		}
		b := image.Rect(-3, 5, w+int(left)%16, h+7+int(top)%16)
		part := image.Rect(0, 0, w, h).Add(b.Min).Add(image.Pt(int(left)%3, int(top)%2))
		m := picture(int(kind), b, seed)
		sub, ok := m.(interface {
			SubImage(image.Rectangle) image.Image
		})
		require.True(t, ok)
		fast, slow := sub.SubImage(part), image.Image(bare{window{m, part.Intersect(b)}})
		want, wantQ := pdq.Sum(slow)
		got, q := pdq.Sum(fast)
		require.Equal(t, want, got)
		require.Equal(t, wantQ, q)
		require.LessOrEqual(t, q, hash.Quality(100))
		require.Equal(t, q, pdq.Quality(fast))

		var portable pdq.Hasher
		portable.Portable()
		got, q = portable.Sum(fast)
		require.Equal(t, want, got)
		require.Equal(t, wantQ, q)

		all, q := pdq.Orientations(fast)
		require.Equal(t, wantQ, q)
		require.Equal(t, want, all[hash.Original])
		require.Equal(t, part.Dx() >= 5 && part.Dy() >= 5, got.IsValid())
	})
}

// picture makes a picture of noise of one of the types of package image.
func picture(kind int, b image.Rectangle, seed uint64) image.Image {
	switch kind % 10 {
	case 0:
		m := image.NewGray(b)
		fill(m.Pix, seed)
		return m
	case 1:
		m := image.NewGray16(b)
		fill(m.Pix, seed)
		return m
	case 2:
		m := image.NewRGBA(b)
		fill(m.Pix, seed)
		return m
	case 3:
		m := image.NewNRGBA(b)
		fill(m.Pix, seed)
		return m
	case 4:
		m := image.NewRGBA64(b)
		fill(m.Pix, seed)
		return m
	case 5:
		m := image.NewNRGBA64(b)
		fill(m.Pix, seed)
		return m
	case 6:
		m := image.NewCMYK(b)
		fill(m.Pix, seed)
		return m
	case 7:
		palette := color.Palette{color.Gray{9}, color.NRGBA{1, 200, 3, 4}, color.White, color.RGBA{10, 20, 30, 40}, color.Transparent}
		m := image.NewPaletted(b, palette)
		fill(m.Pix, seed)
		for i := range m.Pix {
			m.Pix[i] %= uint8(len(palette))
		}
		return m
	case 8:
		m := image.NewNYCbCrA(b, image.YCbCrSubsampleRatio(seed%6))
		fill(m.Y, seed)
		fill(m.A, seed+1)
		return m
	default:
		m := image.NewYCbCr(b, image.YCbCrSubsampleRatio(seed%6))
		fill(m.Y, seed)
		fill(m.Cb, seed+1)
		return m
	}
}

func ExampleSum() {
	m := scene(640, 480, 1) // any image.Image
	v, quality := pdq.Sum(m)
	fmt.Println(v.Kind(), len(v.Hex()), quality.Passes(hash.DefaultGate))

	half, _ := pdq.Sum(scene(320, 240, 1))
	bits, _ := v.Distance(half)
	fmt.Println(bits <= hash.PDQ.Threshold())
	// Output:
	// pdq 64 true
	// true
}

func ExampleOrientations() {
	known, _ := pdq.Sum(scene(640, 480, 1))

	// The upload is mirrored. One of its orientations is the known picture.
	upload := pixel.Orient(scene(640, 480, 1), hash.FlipY)
	all, _ := pdq.Orientations(upload)
	for o, v := range all {
		if bits, _ := v.Distance(known); bits <= hash.PDQ.Threshold() {
			fmt.Println(hash.Orientation(o))
		}
	}
	// Output: flipy
}
