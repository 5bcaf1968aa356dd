package edits

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"
	"image/jpeg"
	_ "image/png"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scene draws a picture with edges and slopes in every colour.
func scene(seed uint64, w, h int) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	var waves [9][3]float64
	for i := range waves {
		waves[i] = [3]float64{r.NormFloat64() * 9, r.NormFloat64() * 9, r.Float64() * 6}
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			var c [3]float64
			for i, v := range waves {
				s := math.Sin(v[0]*float64(x)/float64(w) + v[1]*float64(y)/float64(h) + v[2])
				c[i%3] += 60 * math.Copysign(math.Sqrt(math.Abs(s)), s)
			}
			m.SetRGBA(x, y, color.RGBA{toByte(128 + c[0]), toByte(128 + c[1]), toByte(128 + c[2]), 255})
		}
	}
	return m
}

func steady() *rand.Rand { return rand.New(rand.NewPCG(7, 11)) }

// find returns the one edit of a name and strength.
func find(t *testing.T, name string) Edit {
	t.Helper()
	i := slices.IndexFunc(All(), func(e Edit) bool { return e.String() == name })
	require.GreaterOrEqual(t, i, 0, name)
	return All()[i]
}

func someOthers() []*image.RGBA {
	return []*image.RGBA{scene(2, 120, 90), scene(3, 90, 120), scene(4, 200, 50)}
}

// Every edit gives the same file for the same seed, leaves its sources as they are and
// makes a picture that can be read. Odd and tiny sizes included.
func TestEveryEdit(t *testing.T) {
	others := someOthers()
	seen := make(map[string]bool)
	for _, e := range All() {
		t.Run(e.String(), func(t *testing.T) {
			assert.False(t, seen[e.String()], "two edits of one name")
			seen[e.String()] = true
			assert.NotEmpty(t, e.Family)
			for i, size := range []image.Point{{101, 70}, {5, 40}, {16, 5}} {
				m := scene(1, size.X, size.Y)
				before, othersBefore := bytes.Clone(m.Pix), bytes.Clone(others[0].Pix)
				var first, second bytes.Buffer
				require.NoError(t, e.Post(&first, steady(), m, others))
				if i == 0 {
					require.NoError(t, e.Post(&second, steady(), m, others))
					assert.Equal(t, first.Bytes(), second.Bytes(), "the same seed")
				}
				assert.Equal(t, before, m.Pix, "the source was changed")
				assert.Equal(t, othersBefore, others[0].Pix, "another picture was changed")
				out, format, err := image.Decode(&first)
				require.NoError(t, err)
				want := "jpeg"
				if e.Name == "png" || e.Name == "gif" {
					want = e.Name
				}
				assert.Equal(t, want, format)
				assert.LessOrEqual(t, max(out.Bounds().Dx(), out.Bounds().Dy()), max(maxCanvas, 2*max(size.X, size.Y)))
			}
		})
	}
	assert.GreaterOrEqual(t, len(seen), 90)
}

// What is drawn differs from picture to picture.
func TestSeedsDiffer(t *testing.T) {
	for _, name := range []string{"letterbox black", "padding 10%", "caption both", "text 8%", "logo 16%", "screenshot browser", "crop off-centre 20%",
		"collage of 4 gutters", "picture in picture 50%", "blurred fill portrait", "meme band", "letterbox colour", "screenshot phone feed"} {
		e, m := find(t, name), scene(1, 150, 100)
		files := make(map[string]bool)
		for seed := range uint64(4) {
			var b bytes.Buffer
			require.NoError(t, e.Post(&b, rand.New(rand.NewPCG(seed, 5)), m, someOthers()))
			files[b.String()] = true
		}
		assert.Greater(t, len(files), 1, name)
	}
}

func TestSizes(t *testing.T) {
	for name, want := range map[string]image.Point{
		"none": {200, 100}, "resize x0.1": {20, 10}, "resize x2": {400, 200}, "aspect x0.8": {160, 100}, "aspect x1.5": {300, 100},
		"turn left": {100, 200}, "turn right": {100, 200}, "turn half": {200, 100}, "rotate 10 deg": {200, 100},
		"crop centre 20%": {160, 80}, "crop corner 50%": {100, 50}, "crop off-centre 5%": {190, 95},
		"padding 20%": {280, 140}, "blurred fill portrait": {200, 355}, "blurred fill landscape": {250, 100}, "picture in picture 70%": {120, 90},
		"collage of 4 tight": {1280, 640},
	} {
		var b bytes.Buffer
		require.NoError(t, find(t, name).Post(&b, steady(), scene(1, 200, 100), someOthers()))
		c, _, err := image.DecodeConfig(&b)
		require.NoError(t, err)
		assert.Equal(t, want, image.Pt(c.Width, c.Height), name)
	}
}

func TestTurns(t *testing.T) {
	m := scene(1, 7, 4)
	equal := func(want, got *image.RGBA) {
		t.Helper()
		assert.Equal(t, want.Rect, got.Rect)
		assert.Equal(t, want.Pix, got.Pix)
	}
	equal(m, mirror(nil, mirror(nil, m, nil), nil))
	equal(m, flip(nil, flip(nil, m, nil), nil))
	equal(m, turnRight(nil, turnLeft(nil, m, nil), nil))
	equal(halfTurn(nil, m, nil), turnLeft(nil, turnLeft(nil, m, nil), nil))
	equal(halfTurn(nil, m, nil), flip(nil, mirror(nil, m, nil), nil))
	assert.Equal(t, m.RGBAAt(6, 0), turnLeft(nil, m, nil).RGBAAt(0, 0), "the right edge becomes the top")
	assert.Equal(t, m.RGBAAt(0, 3), turnRight(nil, m, nil).RGBAAt(0, 0), "the left edge becomes the top")
	assert.Equal(t, m.RGBAAt(6, 0), mirror(nil, m, nil).RGBAAt(0, 0))
}

// The picture stands untouched within its border, and the border is of its fill.
func TestBorders(t *testing.T) {
	m := scene(1, 60, 40)
	for _, sides := range []bool{false, true} {
		for _, f := range fills {
			out := bars(f, sides)(steady(), m, nil)
			extra := out.Rect.Size().Sub(m.Rect.Size())
			if sides {
				assert.Zero(t, extra.Y)
			} else {
				assert.Zero(t, extra.X)
			}
			assert.Positive(t, extra.X+extra.Y)
			inner := part(out, m.Rect.Add(extra.Div(2)))
			assert.Equal(t, m.Pix, inner.Pix, f.name)
			corners := map[color.RGBA]bool{out.RGBAAt(0, 0): true, out.RGBAAt(out.Rect.Dx()-1, out.Rect.Dy()-1): true, out.RGBAAt(1, 1): true}
			assert.Equal(t, f.sigma > 0, len(corners) > 1, f.name)
		}
	}
}

func TestCollageShowsThePicture(t *testing.T) {
	m := scene(1, 320, 200)
	for _, gutters := range []bool{false, true} {
		places := make(map[image.Point]bool)
		for seed := range uint64(4) {
			out := collage(gutters)(rand.New(rand.NewPCG(seed, 9)), m, someOthers())
			half := image.Pt(out.Rect.Dx()/2, out.Rect.Dy()/2)
			var near []image.Point
			for _, corner := range []image.Point{{0, 0}, {half.X, 0}, {0, half.Y}, {half.X, half.Y}} {
				quarter := scaled(part(out, image.Rectangle{corner, corner.Add(half)}), 32, 20)
				if difference(quarter, scaled(m, 32, 20)) < 40 { // gutters shift it a little
					near = append(near, corner)
				}
			}
			require.Len(t, near, 1, "gutters %v, seed %d", gutters, seed)
			places[near[0]] = true
		}
		assert.Greater(t, len(places), 1)
	}
}

// difference is the mean over pixels and colours.
func difference(a, b *image.RGBA) float64 {
	sum := 0
	for i := range a.Pix {
		sum += max(int(a.Pix[i])-int(b.Pix[i]), int(b.Pix[i])-int(a.Pix[i]))
	}
	return float64(sum) / float64(len(a.Pix)) * 4 / 3
}

func TestTone(t *testing.T) {
	m := scene(1, 64, 48)
	assert.Equal(t, m.Pix, gamma(1)(nil, m, nil).Pix)
	assert.Equal(t, m.Pix, contrast(1)(nil, m, nil).Pix)
	assert.InDelta(t, 0, difference(m, saturation(1)(nil, m, nil)), 0.01)
	for i, g := 0, saturation(0)(nil, m, nil); i < len(g.Pix); i += 4 {
		require.True(t, g.Pix[i] == g.Pix[i+1] && g.Pix[i] == g.Pix[i+2])
	}
	flat := canvas(40, 30, color.RGBA{90, 100, 200, 255})
	assert.InDelta(t, 0, difference(flat, blurred(flat, 4)), 1, "blur keeps what is flat")
	assert.InDelta(t, 8*math.Sqrt(2/math.Pi), difference(flat, noise(8)(steady(), flat, nil)), 0.5, "the mean of |x| under a normal distribution")
	dark := vignette(90)(nil, canvas(101, 101, color.White), nil)
	assert.InDelta(t, 255, int(dark.RGBAAt(50, 50).R), 1)
	assert.InDelta(t, 255*0.1, int(dark.RGBAAt(0, 0).R), 3)
}

// The planes that are handed to the encoder give what it makes of the picture itself.
func TestSubsampled(t *testing.T) {
	m := scene(1, 61, 43)
	var ours, theirs bytes.Buffer
	require.NoError(t, asJPEG(&ours, m, 90))
	require.NoError(t, jpeg.Encode(&theirs, m, &jpeg.Options{Quality: 90}))
	a, err := jpeg.Decode(&ours)
	require.NoError(t, err)
	b, err := jpeg.Decode(&theirs)
	require.NoError(t, err)
	assert.Less(t, difference(Packed(a), Packed(b)), 1.0)
}

func TestDithered(t *testing.T) {
	m := scene(1, 64, 48)
	d := dithered(m)
	assert.LessOrEqual(t, len(d.Palette), 256)
	assert.Less(t, difference(scaled(m, 8, 6), scaled(Packed(d), 8, 6)), 6.0, "from afar it looks the same")
}

func TestPacked(t *testing.T) {
	m := image.NewNRGBA(image.Rect(3, 5, 13, 9))
	m.SetNRGBA(3, 5, color.NRGBA{200, 0, 0, 255})
	p := Packed(m)
	assert.Equal(t, image.Rect(0, 0, 10, 4), p.Rect)
	assert.Equal(t, color.RGBA{200, 0, 0, 255}, p.RGBAAt(0, 0))
	assert.Equal(t, color.RGBA{255, 255, 255, 255}, p.RGBAAt(9, 3), "transparent parts lie on white")
	assert.Equal(t, image.Pt(50, 25), Fit(scene(1, 200, 100), 50).Rect.Size())
	assert.Equal(t, image.Pt(40, 20), Fit(scene(1, 40, 20), 50).Rect.Size())
}

func TestTooFewOthers(t *testing.T) {
	err := find(t, "collage of 4 tight").Post(new(bytes.Buffer), steady(), scene(1, 20, 20), someOthers()[:2])
	assert.EqualError(t, err, "edits: collage of 4 tight shows 3 other pictures, got 2")
}

func BenchmarkPost(b *testing.B) {
	m, others := scene(1, 1024, 768), someOthers()
	for _, e := range All() {
		b.Run(fmt.Sprintf("edit=%s", e), func(b *testing.B) {
			var file bytes.Buffer
			for b.Loop() {
				file.Reset()
				if err := e.Post(&file, steady(), m, others); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
