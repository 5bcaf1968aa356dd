package region_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/hash/region"
)

// scene draws a bright picture with structure at every scale.
func scene(w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			g := 140 + 40*u + 50*math.Sin(9*u+14*v*v) + 25*math.Cos(41*v+13*u*u)
			if math.Hypot(u-0.6, v-0.35) < 0.2 {
				g = 300 - g
			}
			m.Pix[y*m.Stride+x] = uint8(max(45, min(255, g)))
		}
	}
	return m
}

// boxed puts a picture into a canvas of one luma, with noise of the given amplitude.
func boxed(m *image.Gray, w, h int, at image.Point, level uint8, noise int) *image.Gray {
	r := rand.New(rand.NewPCG(1, 2))
	dst := image.NewGray(image.Rect(0, 0, w, h))
	for i := range dst.Pix {
		dst.Pix[i] = uint8(max(0, int(level)+r.IntN(2*noise+1)-noise))
	}
	for y := range m.Rect.Dy() {
		copy(dst.Pix[(at.Y+y)*dst.Stride+at.X:], m.Pix[y*m.Stride:][:m.Rect.Dx()])
	}
	return dst
}

// compressed sends a picture through JPEG.
func compressed(t testing.TB, m image.Image, quality int) image.Image {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}))
	out, err := jpeg.Decode(&b)
	require.NoError(t, err)
	return out
}

// TestBoxes holds that every kind of box is found within two pixels, through
// compression and noise, at both levels of video black, white and two greys, and that the inner picture
// has the hash of the picture without a box.
func TestBoxes(t *testing.T) {
	known := scene(400, 300)
	var h pdq.Hasher
	want, _ := h.Sum(known)
	for name, c := range map[string]struct {
		w, h  int
		at    image.Point
		worst int // JPEG quality
	}{
		"letterbox":    {400, 377, image.Pt(0, 39), 10},
		"pillarbox":    {533, 300, image.Pt(66, 0), 10},
		"window box":   {480, 380, image.Pt(41, 37), 10},
		"below only":   {400, 360, image.Pt(0, 0), 10},
		"right only":   {451, 300, image.Pt(0, 0), 10},
		"two blocks":   {432, 300, image.Pt(16, 0), 10},
		"in one block": {414, 300, image.Pt(7, 0), 50}, // echoes of the edge fill all of it
		"mostly black": {1000, 800, image.Pt(333, 222), 10},
	} {
		truth := known.Rect.Add(c.at)
		for _, level := range []uint8{0, 16, 60, 128, 249} {
			for _, noise := range []int{0, 6} {
				clean := boxed(known, c.w, c.h, c.at, level, noise)
				for _, quality := range []int{0, 50, 10} {
					m := image.Image(clean)
					if quality > 0 {
						if quality < c.worst {
							continue
						}
						m = compressed(t, clean, quality)
					}
					what := fmt.Sprintf("%s, level %d, noise %d, quality %d", name, level, noise, quality)
					inner, found := region.WithinBorder(m)
					require.True(t, found, what)
					assert.InDelta(t, truth.Min.X, inner.Min.X, 2, what)
					assert.InDelta(t, truth.Min.Y, inner.Min.Y, 2, what)
					assert.InDelta(t, truth.Max.X, inner.Max.X, 2, what)
					assert.InDelta(t, truth.Max.Y, inner.Max.Y, 2, what)

					v, _ := h.Sum(region.Crop(m, inner))
					after, ok := want.Distance(v)
					require.True(t, ok)
					assert.LessOrEqual(t, after, 18, what)
				}
			}
		}
	}
}

func TestNoBorder(t *testing.T) {
	black := image.NewGray(image.Rect(0, 0, 300, 200))
	for name, m := range map[string]image.Image{
		"a picture":             scene(300, 200),
		"black":                 black,
		"black, noisy":          boxed(image.NewGray(image.Rectangle{}), 300, 200, image.Point{}, 6, 6),
		"one line":              boxed(scene(300, 199), 300, 200, image.Pt(0, 1), 0, 0),
		"thinner than 1.5 %":    boxed(scene(1000, 972), 1000, 1000, image.Pt(0, 14), 0, 0),
		"grey":                  boxed(image.NewGray(image.Rectangle{}), 300, 200, image.Point{}, 128, 6),
		"a light at noon":       boxed(scene(3, 3), 300, 200, image.Pt(50, 50), 200, 0),
		"not uniform":           boxed(scene(200, 200), 300, 200, image.Pt(50, 0), 30, 29),
		"too little inside":     boxed(scene(70, 200), 300, 200, image.Pt(50, 0), 0, 0),
		"too little inside, v.": boxed(scene(300, 48), 300, 200, image.Pt(0, 50), 0, 0),
		"a light in the night":  boxed(scene(3, 3), 300, 200, image.Pt(50, 50), 0, 0),
		"tiny":                  image.NewGray(image.Rect(0, 0, 4, 4)),
		"empty":                 image.NewGray(image.Rectangle{}),
		"boundless":             image.NewUniform(color.Black),
	} {
		inner, found := region.WithinBorder(m)
		assert.False(t, found, name)
		assert.Equal(t, m.Bounds(), inner, name)
	}
	inner, found := region.WithinBorder(nil)
	assert.False(t, found)
	assert.Zero(t, inner)
}

// TestSpecks holds that a border with a few bright pixels is one, and that one with
// a caption in it is not cut through the caption.
func TestSpecks(t *testing.T) {
	m := boxed(scene(400, 300), 400, 400, image.Pt(0, 50), 0, 0)
	for i := range 12 {
		m.SetGray(31*i, 4*i, color.Gray{250})
	}
	inner, found := region.WithinBorder(m)
	assert.True(t, found)
	assert.Equal(t, image.Rect(0, 50, 400, 350), inner)

	for y := 365; y < 380; y++ {
		for x := 100; x < 300; x += 2 {
			m.SetGray(x, y, color.Gray{250})
		}
	}
	inner, found = region.WithinBorder(m)
	assert.True(t, found)
	assert.Equal(t, image.Rect(0, 50, 400, 380), inner, "the caption stays")
}

// TestNight holds that a dark sky above a scene costs at most the sky.
func TestNight(t *testing.T) {
	m := scene(400, 300)
	r := rand.New(rand.NewPCG(5, 5))
	for y := range 120 {
		for x := range 400 {
			m.Pix[y*m.Stride+x] = uint8(4 + y/4 + r.IntN(9))
		}
	}
	inner, _ := region.WithinBorder(m)
	assert.Equal(t, m.Rect.Max, inner.Max)
	assert.Zero(t, inner.Min.X)
	assert.LessOrEqual(t, inner.Min.Y, 120)
}

// bare hides a picture's type.
type bare struct{ image.Image }

// TestPartOfAPicture holds that the border is found in the picture's own
// coordinates, and that a crop is the same pixels.
func TestPartOfAPicture(t *testing.T) {
	m := boxed(scene(200, 160), 300, 200, image.Pt(50, 20), 0, 0)
	part := m.SubImage(image.Rect(20, 5, 290, 195))
	for _, m := range []image.Image{part, bare{part}} {
		inner, found := region.WithinBorder(m)
		assert.True(t, found)
		assert.Equal(t, image.Rect(50, 20, 250, 180), inner)
		crop := region.Crop(m, inner)
		assert.Equal(t, inner, crop.Bounds())
		for _, p := range []image.Point{{50, 20}, {249, 179}, {111, 77}} {
			assert.Equal(t, m.At(p.X, p.Y), crop.At(p.X, p.Y))
		}
		want, _ := pdq.Sum(scene(200, 160))
		got, _ := pdq.Sum(crop)
		assert.Equal(t, want, got)
	}
	assert.IsType(t, &image.Gray{}, region.Crop(part, image.Rect(30, 30, 90, 90)), "the fast path stays")
	assert.Equal(t, image.Rect(280, 180, 290, 195), region.Crop(bare{part}, image.Rect(280, 180, 900, 900)).Bounds())
}

// FuzzFind holds the laws: the inner picture lies within the picture, keeps a
// quarter of each side and is smaller exactly if a border was found; the type of the
// picture does not matter; and the mirrored picture has the mirrored border.
func FuzzWithinBorder(f *testing.F) {
	f.Add(uint8(90), uint8(70), uint8(10), uint8(0), uint8(3), uint8(10), uint8(0))
	f.Add(uint8(40), uint8(200), uint8(0), uint8(30), uint8(0), uint8(25), uint8(16))
	f.Add(uint8(255), uint8(255), uint8(100), uint8(100), uint8(90), uint8(0), uint8(31))
	f.Fuzz(func(t *testing.T, w, h, left, top, right, bottom, level uint8) {
		width, height := int(w), int(h)
		m := boxed(scene(width, height), width+int(left)+int(right), height+int(top)+int(bottom), image.Pt(int(left), int(top)), level, int(level)%9)
		inner, found := region.WithinBorder(m)
		require.True(t, inner.In(m.Rect) || m.Rect.Empty())
		require.Equal(t, found, inner != m.Rect)
		require.GreaterOrEqual(t, 4*inner.Dx(), m.Rect.Dx())
		require.GreaterOrEqual(t, 4*inner.Dy(), m.Rect.Dy())

		slow, _ := region.WithinBorder(bare{m})
		require.Equal(t, inner, slow)

		turned := image.NewGray(m.Rect)
		for i, v := range m.Pix {
			turned.Pix[len(m.Pix)-1-i] = v
		}
		mirrored, _ := region.WithinBorder(turned)
		require.Equal(t, image.Rect(m.Rect.Dx()-inner.Max.X, m.Rect.Dy()-inner.Max.Y, m.Rect.Dx()-inner.Min.X, m.Rect.Dy()-inner.Min.Y), mirrored)
	})
}

func BenchmarkWithinBorder(b *testing.B) {
	for name, m := range map[string]image.Image{
		"border=no":    scene(512, 512),
		"border=yes":   boxed(scene(400, 400), 512, 512, image.Pt(56, 56), 0, 0),
		"border=black": image.NewGray(image.Rect(0, 0, 512, 512)),
	} {
		b.Run(name+"/size=512x512", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				region.WithinBorder(m)
			}
		})
	}
}

func ExampleWithinBorder() {
	picture := scene(400, 300)
	known, _ := pdq.Sum(picture)

	// The upload is the same picture with black bars above and below.
	upload := boxed(picture, 400, 400, image.Pt(0, 50), 0, 0)
	as, _ := pdq.Sum(upload)
	bits, _ := as.Distance(known)
	fmt.Println(bits <= hash.PDQ.Threshold())

	if inner, found := region.WithinBorder(upload); found {
		v, _ := pdq.Sum(region.Crop(upload, inner))
		bits, _ = v.Distance(known)
		fmt.Println(inner, bits)
	}
	// Output:
	// false
	// (0,50)-(400,350) 0
}
