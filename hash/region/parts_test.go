package region_test

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/hash/region"
)

// best returns the part whose hash is the nearest to the picture's, and how near.
func best(t testing.TB, f *region.Finder, m, known image.Image) (part region.Part, bits int) {
	t.Helper()
	want, _ := pdq.Sum(known)
	bits = 256
	for _, p := range f.Parts(nil, m) {
		v, q := pdq.Sum(region.Crop(m, p.Bounds))
		if d, ok := v.Distance(want); ok && q.Passes(hash.DefaultGate) && d < bits {
			part, bits = p, d
		}
	}
	return part, bits
}

// TestPartsOfOwnPictures holds, for every edit and each of the project's own
// pictures, that the picture is found where it lies, through compression, and named as
// what it is.
func TestPartsOfOwnPictures(t *testing.T) {
	pictures := own(t)
	kinds := map[string][]region.Kind{
		"bars": {region.Border, region.Inner}, "caption": {region.Inner}, "screenshot": {region.Inner},
		"side by side": {region.Panel}, "two by two, gutters": {region.Panel, region.Inner},
	}
	var f region.Finder
	found, tried := 0, 0
	for name, e := range edits {
		r := rand.New(rand.NewPCG(8, uint64(len(name))))
		for i, known := range pictures {
			others := slices.Concat(pictures[i+1:], pictures[:i])
			m, at := e(t, r, known, others)
			m = compressed(t, m, 70)
			part, bits := best(t, &f, m, known)
			tried++
			if bits > 31 {
				t.Logf("%s of picture %d: %d bits, not found", name, i, bits)
				continue
			}
			found++
			what := fmt.Sprintf("%s of picture %d: %v", name, i, part)
			near := 3 + max(at.Dx(), at.Dy())/60
			for _, d := range []int{at.Min.X - part.Bounds.Min.X, at.Min.Y - part.Bounds.Min.Y, at.Max.X - part.Bounds.Max.X, at.Max.Y - part.Bounds.Max.Y} {
				assert.LessOrEqual(t, max(d, -d), near, "%s: %v instead of %v", what, part.Bounds, at)
			}
			if want := kinds[name]; want != nil {
				assert.Contains(t, want, part.Kind, what)
			}
		}
	}
	t.Logf("%d of %d found", found, tried)
	// Some drawn pictures are as rough as their cuts.
	assert.GreaterOrEqual(t, found, tried*3/4)
}

// TestPanels holds how the panels of a sheet are counted.
func TestPanels(t *testing.T) {
	p := own(t)
	dst := filled(2*400+10, 2*300+10, color.Gray{Y: 250})
	for i := range 4 {
		put(dst, scaled(p[i], 400, 300), i%2*410, i/2*310)
	}
	var f region.Finder
	want := map[string]image.Rectangle{}
	for i := range 4 {
		want[fmt.Sprintf("panel:%d/4", i+1)] = image.Rect(0, 0, 400, 300).Add(image.Pt(i%2*410, i/2*310))
	}
	got := map[string]image.Rectangle{}
	for _, q := range f.Parts(nil, dst) {
		if q.Kind == region.Panel {
			got[q.String()] = q.Bounds
			assert.Equal(t, 4, q.Of)
		}
	}
	require.Len(t, got, 4)
	for name, r := range want {
		assert.LessOrEqual(t, distance(r, got[name]), 3, "%s: %v", name, got[name])
	}
}

// TestBands holds that a picture in the middle of a blurred copy of itself is the first part but
// for a border, also where one of its sides does not show, being as dark as what is beyond, and where the
// picture has a line across itself.
func TestBands(t *testing.T) {
	var f region.Finder
	for i, known := range own(t) {
		w, h := known.Bounds().Dx(), known.Bounds().Dy()
		m := scaled(known, w, h)
		for y := range h {
			for x := range w {
				c := m.RGBAAt(x, y)
				left := min(255, 255*(h-1-y)/(h/2)) // the lower half goes dark
				if y/2 == h/6 {
					left = 255 - left/2
				}
				for _, v := range []*uint8{&c.R, &c.G, &c.B} {
					*v = uint8(int(*v) * left / 255)
				}
				m.SetRGBA(x, y, c)
			}
		}
		dst := scaled(scaled(m, 12, 12), w, h*8/5)
		at := put(dst, m, 0, (dst.Rect.Dy()-h)/2)
		for _, upright := range []bool{false, true} {
			shown, want := image.Image(dst), at
			if upright {
				turned := image.NewRGBA(image.Rect(0, 0, dst.Rect.Dy(), dst.Rect.Dx()))
				for y := range dst.Rect.Dy() {
					for x := range dst.Rect.Dx() {
						turned.SetRGBA(y, x, dst.RGBAAt(x, y))
					}
				}
				shown, want = turned, image.Rect(at.Min.Y, at.Min.X, at.Max.Y, at.Max.X)
			}
			parts := slices.DeleteFunc(f.Parts(nil, compressed(t, shown, 75)), func(p region.Part) bool { return p.Kind == region.Border })
			require.NotEmpty(t, parts, "picture %d, upright %t", i, upright)
			assert.LessOrEqual(t, distance(want, parts[0].Bounds), 3, "picture %d, upright %t: %v %v instead of %v", i, upright, parts[0], parts[0].Bounds, want)
		}
	}
}

// TestStrip holds that a strip across the middle is not taken for a picture that was fitted: other
// parts come before it.
func TestStrip(t *testing.T) {
	var f region.Finder
	pictures := own(t)
	for i, known := range pictures {
		w, h := known.Bounds().Dx(), known.Bounds().Dy()
		dst, strip := scaled(known, w, h), scaled(pictures[(i+1)%len(pictures)], w, h*15/100)
		at := put(dst, strip, 0, (h-strip.Rect.Dy())/2)
		parts := f.Parts(nil, compressed(t, dst, 75))
		require.NotEmpty(t, parts, "picture %d", i)
		assert.Greater(t, distance(at, parts[0].Bounds), 20, "picture %d: %v", i, parts[0])
	}
}

// distance is how far two rectangles' sides are apart at the most.
func distance(a, b image.Rectangle) int {
	d := 0
	for _, v := range []int{a.Min.X - b.Min.X, a.Min.Y - b.Min.Y, a.Max.X - b.Max.X, a.Max.Y - b.Max.Y} {
		d = max(d, v, -v)
	}
	return d
}

// TestNothingToFind holds that pages of text, slides, gradients, noise and flat pictures
// have no parts but what lies within their margins, and that those are called flat.
func TestNothingToFind(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	page := filled(700, 900, color.White)
	write(t, r, page, image.Rect(70, 80, 630, 820), 18, color.Black)
	slide := filled(960, 540, color.Gray{Y: 235})
	write(t, r, slide, image.Rect(60, 40, 900, 120), 50, color.Gray{Y: 30})
	write(t, r, slide, image.Rect(90, 180, 800, 500), 28, color.Gray{Y: 30})
	line := filled(640, 360, color.Black)
	write(t, r, line, image.Rect(150, 290, 500, 320), 22, color.White)
	logo := filled(500, 500, color.White)
	for y := range 200 {
		for x := range 200 {
			if (x-100)*(x-100)+(y-100)*(y-100) < 90*90 {
				logo.SetRGBA(150+x, 150+y, color.RGBA{R: 200, A: 255})
			}
		}
	}
	noise, gradient := image.NewGray(image.Rect(0, 0, 500, 400)), image.NewGray(image.Rect(0, 0, 500, 400))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(r.IntN(256))
		gradient.Pix[i] = uint8((i/500 + i%500) * 255 / 900)
	}
	var f region.Finder
	for name, m := range map[string]image.Image{
		"page": page, "slide": slide, "line": line, "logo": logo, "noise": noise, "gradient": gradient,
		"flat": filled(600, 600, color.Gray{Y: 77}), "tiny": filled(47, 500, color.Black),
		"nothing": image.NewGray(image.Rectangle{}), "boundless": image.NewUniform(color.Black), "nil": nil,
	} {
		for _, p := range f.Parts(nil, m) {
			assert.Equal(t, region.Border, p.Kind, "%s: %v", name, p)
			assert.True(t, p.Flat, "%s: %v", name, p)
		}
	}
}

// TestPhotographs holds the shares of photographs found in each edit, on 30 of the
// shared ones, and what a clean one costs: few have any part.
func TestPhotographs(t *testing.T) {
	root := os.Getenv("REMATCH_MEDIA")
	if root == "" {
		t.Skip("REMATCH_MEDIA is not set: no photographs to look at")
	}
	paths, err := filepath.Glob(filepath.Join(root, "photos", "*"))
	require.NoError(t, err)
	require.Greater(t, len(paths), 200)
	var photos []image.Image
	for i := 3; i < len(paths) && len(photos) < 30; i += 7 {
		if m := shrunk(decoded(t, paths[i]), 620); quality(m) >= 80 {
			photos = append(photos, m)
		}
	}
	require.Len(t, photos, 30)
	var f region.Finder
	for name, floor := range map[string]int{
		"bars": 95, "caption": 90, "screenshot": 90, "blurred copy": 85, "two by two": 75, "two by two, gutters": 80,
		"side by side": 80, "three by three": 75, "picture in picture": 75, "large one in picture": 85,
	} {
		r := rand.New(rand.NewPCG(11, uint64(len(name))))
		found := 0
		for i, known := range photos {
			others := make([]image.Image, 8)
			for k := range others {
				others[k] = photos[(i+1+r.IntN(len(photos)-1))%len(photos)]
			}
			m, _ := edits[name](t, r, known, others)
			if _, bits := best(t, &f, compressed(t, m, 60+r.IntN(26)), known); bits <= 31 {
				found++
			}
		}
		t.Logf("%s: %d of %d", name, found, len(photos))
		assert.GreaterOrEqual(t, 100*found, floor*len(photos), name)
	}
	pixels, clean := 0, 0
	for _, m := range photos {
		parts := f.Parts(nil, m)
		if len(parts) == 0 {
			clean++
		}
		for _, p := range parts {
			pixels += p.Bounds.Dx() * p.Bounds.Dy() * 100 / (m.Bounds().Dx() * m.Bounds().Dy())
		}
	}
	t.Logf("%d of %d clean photographs have no part; %d %% more pixels to hash on average", clean, len(photos), pixels/len(photos))
	assert.LessOrEqual(t, pixels/len(photos), 60)
}

func quality(m image.Image) hash.Quality { return pdq.Quality(m) }

// TestPartsDoNotAllocate holds it for the types that decoders give.
func TestPartsDoNotAllocate(t *testing.T) {
	p := own(t)
	sheet := filled(800, 600, color.White)
	for i := range 4 {
		put(sheet, scaled(p[i], 390, 290), i%2*410, i/2*310)
	}
	var f region.Finder
	parts := make([]region.Part, 0, 20)
	for _, m := range []image.Image{sheet, compressed(t, sheet, 80), scene(500, 400)} {
		f.Parts(parts, m)
		assert.Zero(t, testing.AllocsPerRun(10, func() { f.Parts(parts, m) }), "%T", m)
	}
}

// FuzzParts holds the laws: parts lie within the picture and keep what they promise of
// size and number; a Finder's past, the picture's type and whether it is a part of a larger
// one do not matter.
func FuzzParts(f *testing.F) {
	f.Add(uint16(300), uint16(200), uint64(1), uint8(3))
	f.Add(uint16(5), uint16(5), uint64(2), uint8(0))
	f.Add(uint16(4000), uint16(3), uint64(3), uint8(2))
	f.Add(uint16(2500), uint16(90), uint64(4), uint8(9))
	f.Add(uint16(48), uint16(700), uint64(5), uint8(20))
	f.Add(uint16(900), uint16(900), uint64(6), uint8(12))
	var used region.Finder
	f.Fuzz(func(t *testing.T, w, h uint16, seed uint64, boxes uint8) {
		r := rand.New(rand.NewPCG(seed, 0))
		bounds := image.Rect(0, 0, int(w)%4001, int(h)%3001)
		if bounds.Dx()*bounds.Dy() > 1<<20 {
			bounds.Max.Y = 1 << 20 / bounds.Dx()
		}
		bounds = bounds.Add(image.Pt(r.IntN(9), r.IntN(9)))
		larger := image.NewGray(bounds.Inset(-r.IntN(5)))
		for i := range larger.Pix {
			larger.Pix[i] = uint8(i >> 3 * (i % larger.Stride))
		}
		for range boxes % 32 {
			x, y := r.IntN(bounds.Dx()+1), r.IntN(bounds.Dy()+1)
			box := image.Rect(x, y, r.IntN(bounds.Dx()+1), r.IntN(bounds.Dy()+1)).Add(bounds.Min)
			level, grain := r.IntN(256), 1+r.IntN(60)
			for y := box.Min.Y; y < box.Max.Y; y++ {
				for x := box.Min.X; x < box.Max.X; x++ {
					larger.SetGray(x, y, color.Gray{Y: uint8(min(max(level+r.IntN(grain)-grain/2, 0), 255))})
				}
			}
		}
		m := larger.SubImage(bounds)
		parts := used.Parts(nil, m)
		require.LessOrEqual(t, len(parts), 17)
		area, numbers := 0, map[int]bool{}
		for i, p := range parts {
			require.True(t, p.Bounds.In(m.Bounds()), "%v of %v", p.Bounds, m.Bounds())
			require.NotEqual(t, "invalid", p.String())
			require.Equal(t, p.Kind == region.Panel, p.Of > 0)
			if p.Kind == region.Border {
				require.Zero(t, i)
				continue
			}
			require.GreaterOrEqual(t, min(p.Bounds.Dx(), p.Bounds.Dy()), 48)
			area += p.Bounds.Dx() * p.Bounds.Dy()
			if p.Of > 0 {
				require.False(t, numbers[p.Number])
				require.LessOrEqual(t, p.Number, p.Of)
				numbers[p.Number] = true
			}
		}
		require.LessOrEqual(t, area, 4*m.Bounds().Dx()*m.Bounds().Dy())

		alone := image.NewGray(m.Bounds())
		draw.Draw(alone, alone.Rect, m, alone.Rect.Min, draw.Src)
		var fresh region.Finder
		require.Equal(t, parts, fresh.Parts(nil, alone))
		require.Equal(t, parts, fresh.Parts(nil, bare{m}))
	})
}

func BenchmarkParts(b *testing.B) {
	for _, c := range []struct {
		name string
		size image.Point
	}{{"clean", image.Pt(512, 512)}, {"clean", image.Pt(1600, 1004)}, {"sheet", image.Pt(1600, 1004)}} {
		b.Run(fmt.Sprintf("picture=%s/size=%dx%d", c.name, c.size.X, c.size.Y), func(b *testing.B) {
			p := own(b)
			dst := scaled(p[0], c.size.X, c.size.Y)
			if c.name == "sheet" {
				for i := range 4 {
					put(dst, scaled(p[i], c.size.X/2, c.size.Y/2), i%2*c.size.X/2, i/2*c.size.Y/2)
				}
			}
			m := compressed(b, dst, 85)
			var f region.Finder
			parts := f.Parts(nil, m)
			b.ReportAllocs()
			for b.Loop() {
				parts = f.Parts(parts[:0], m)
			}
			b.ReportMetric(float64(len(parts)), "parts")
		})
	}
}
