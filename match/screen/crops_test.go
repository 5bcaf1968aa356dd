package screen_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/hash/region"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

func enrollImage(t testing.TB, id string, m image.Image, o screen.Options, kinds ...hash.Kind) match.Entry {
	t.Helper()
	e, err := screen.EnrollImage(id, m, kinds, o)
	require.NoError(t, err)
	return e
}

// kept is the part of a picture that is left when it is cut to s of its size; x and y,
// 0 to 1, say where: 0.5 around the middle.
func kept(m *image.Gray, s, x, y float64) image.Image {
	return part(m, x*(1-s), y*(1-s), s, s)
}

func part(m *image.Gray, x, y, w, h float64) image.Image {
	fw, fh := float64(m.Rect.Dx()), float64(m.Rect.Dy())
	return m.SubImage(image.Rect(int(x*fw+.5), int(y*fh+.5), int((x+w)*fw+.5), int((y+h)*fh+.5)))
}

func cropsOf(e match.Entry) (tokens []string) {
	for _, s := range e.Signals {
		if n := len(s.Transform); n > 0 && strings.HasPrefix(s.Transform[n-1], "crop:") {
			tokens = append(tokens, s.Transform[n-1])
		}
	}
	return tokens
}

func TestCroppedCopies(t *testing.T) {
	known := scene(1, 0, 640, 480)
	entries := []match.Entry{enrollImage(t, "one", known, screen.Options{}), enrollImage(t, "other", scene(2, 0, 640, 480), screen.Options{})}
	s := screen.New(matcher(t, match.Bank{Name: "known", Entries: entries}), screen.Options{})
	without := screen.New(matcher(t, match.Bank{Name: "known", Entries: []match.Entry{enrollImage(t, "one", known, screen.Options{Crops: -1})}}), screen.Options{})
	for _, c := range []struct {
		name      string
		upload    image.Image
		token     string
		transform []string
	}{
		{"20 % around the middle", kept(known, .8, .5, .5), "crop:10,10,80,80", nil},
		{"30 % off the right", part(known, 0, 0, .7, 1), "", nil},
		{"the left upper corner", kept(known, .8, 0, 0), "crop:0,0,80,80", nil},
		{"and mirrored", changed(kept(known, .8, 0, 0), 512, 384, func(x, y int) (int, int) { return 511 - x, y }), "crop:0,0,80,80", []string{"flipy"}},
		{"and turned", changed(kept(known, .8, 0, 0), 384, 512, func(x, y int) (int, int) { return y, 383 - x }), "crop:0,0,80,80", []string{"rot90"}},
		{"and letterboxed", changed(kept(known, .8, 0, 0), 512, 504, func(x, y int) (int, int) { return x, y - 60 }), "crop:0,0,80,80", []string{"border"}},
	} {
		v, err := s.ScreenImage(c.upload)
		require.NoError(t, err)
		require.Len(t, v.Matches, 1, c.name)
		assert.Equal(t, "one", v.Matches[0].Entry.ID)
		e := v.Matches[0].Evidence
		require.Len(t, e.KnownTransform, 1, c.name)
		_, ok := screen.ParseCrop(e.KnownTransform[0])
		assert.True(t, ok, e.KnownTransform)
		if c.token != "" {
			assert.Equal(t, c.token, e.KnownTransform[0], c.name)
		}
		assert.Equal(t, c.transform, e.Transform, c.name)

		v, err = without.ScreenImage(c.upload)
		require.NoError(t, err)
		assert.Equal(t, screen.NoMatch, v.Outcome, "without crops it would have been found: the case shows nothing: %s", c.name)
	}
	v, err := s.ScreenImage(kept(scene(3, 0, 640, 480), .9, .5, .5))
	require.NoError(t, err)
	assert.Equal(t, screen.NoMatch, v.Outcome)
	v, err = s.ScreenImage(known)
	require.NoError(t, err)
	require.Len(t, v.Matches, 1)
	assert.Empty(t, v.Matches[0].Evidence.KnownTransform, "the whole is nearest to the whole")
}

func TestCropsOption(t *testing.T) {
	m := scene(1, 0, 320, 240)
	all := cropsOf(enrollImage(t, "x", m, screen.Options{Crops: screen.MaxCrops}))
	assert.Equal(t, all, cropsOf(enrollImage(t, "x", m, screen.Options{Crops: screen.MaxCrops + 1})))
	assert.Equal(t, cropsOf(enrollImage(t, "x", m, screen.Options{Crops: screen.DefaultCrops})), cropsOf(enrollImage(t, "x", m, screen.Options{})))
	assert.Empty(t, cropsOf(enrollImage(t, "x", m, screen.Options{Crops: -1})))
	for _, n := range []int{1, 10, 100, screen.DefaultCrops} {
		some := cropsOf(enrollImage(t, "x", m, screen.Options{Crops: n}))
		assert.LessOrEqual(t, len(some), n)
		assert.GreaterOrEqual(t, len(some), n*9/10, "few of a detailed picture's crops are near to one another")
		assert.Equal(t, all[:len(some)], some, "the first of a fixed order")
	}
	seen := make(map[string]bool)
	for _, token := range all {
		assert.False(t, seen[token], token)
		seen[token] = true
		_, ok := screen.ParseCrop(token)
		assert.True(t, ok, token)
	}
}

// A quarter under a logo in whatever corner leaves two halves, one of which tells.
func TestLargeLogos(t *testing.T) {
	var known reel
	covered := make([]reel, 4)
	for n := range 40 {
		m := scene(2, float64(n)/20, 240, 180)
		known = append(known, m)
		for _, corner := range []int{1, 2} {
			c := image.NewGray(m.Bounds())
			copy(c.Pix, m.Pix)
			logo := image.Rect(0, 0, 120, 90).Add(image.Pt(7+106*(corner%2), 5+80*(corner/2)))
			draw.Draw(c, logo, image.NewUniform(color.Gray{Y: 230}), image.Point{}, draw.Src)
			draw.Draw(c, logo.Inset(30), image.NewUniform(color.Gray{Y: 20}), image.Point{}, draw.Src)
			covered[corner] = append(covered[corner], c)
		}
	}
	e := enroll(t, "x", clip(""), known.options())
	bank := match.Bank{Name: "known", Entries: []match.Entry{e}}
	for _, corner := range []int{1, 2} {
		v, err := screen.New(matcher(t, bank), covered[corner].options()).Screen(context.Background(), video.Bytes("x", clip("")))
		require.NoError(t, err)
		require.Len(t, v.Matches, 1, "corner %d: %+v", corner, v.Weak)
		found := v.Matches[0].Evidence
		require.Len(t, found.Transform, 1)
		half, ok := hash.ParseHalf(found.Transform[0])
		assert.True(t, ok)
		assert.Contains(t, [][]hash.Half{{hash.Bottom, hash.Right}, {hash.Bottom, hash.Left}, {hash.Top, hash.Right}, {hash.Top, hash.Left}}[corner], half)
		assert.Equal(t, found.Transform, found.KnownTransform)
	}
	o := known.options()
	o.Crops = -1
	bank.Entries[0] = enroll(t, "x", clip(""), o)
	v, err := screen.New(matcher(t, bank), covered[1].options()).Screen(context.Background(), video.Bytes("x", clip("")))
	require.NoError(t, err)
	assert.Equal(t, screen.NoMatch, v.Outcome, "by the whole it would have been found: the case shows nothing")
}

// A video's frames have three crops, of which a cropped copy matches.
func TestCropsOfVideos(t *testing.T) {
	var known, cropped reel
	for n := range 60 {
		m := scene(2, float64(n)/20, 240, 180)
		known = append(known, m)
		cropped = append(cropped, region.Crop(m, image.Rect(12, 9, 228, 171)))
	}
	e := enroll(t, "x", clip(""), known.options())
	assert.Subset(t, []string{"crop:5,5,90,90", "crop:2,2,96,96", "crop:10,10,80,80"}, cropsOf(e))
	assert.LessOrEqual(t, len(e.Signals), 6*20+20, "so many a second at the most")
	s := screen.New(matcher(t, match.Bank{Name: "known", Entries: []match.Entry{e}}), cropped.options())
	v, err := s.Screen(context.Background(), video.Bytes("x", clip("")))
	require.NoError(t, err)
	assert.Equal(t, screen.Match, v.Outcome)
	o := known.options()
	o.Crops = -1
	assert.Empty(t, cropsOf(enroll(t, "x", clip(""), o)))
}

// Crops are for PDQ, and only of pictures that are known by the whole.
func TestWhatHasNoCrops(t *testing.T) {
	m := scene(1, 0, 160, 120)
	e := enrollImage(t, "x", m, screen.Options{}, hash.PHash)
	assert.Len(t, e.Signals, 1)
	both := enrollImage(t, "x", m, screen.Options{Crops: 5}, hash.PHash, hash.PDQ)
	for _, s := range both.Signals {
		assert.True(t, s.Value.Kind() == hash.PDQ || s.Transform == nil)
	}

	// Faint but for the middle, of which a crop shows enough. (A border would be uniform.)
	faint := image.NewGray(image.Rect(0, 0, 400, 400))
	for i := range faint.Pix {
		faint.Pix[i] = uint8(60 + (i/400+i%400)/10)
	}
	busy := scene(1, 0, 160, 160)
	for y := range 160 {
		for x := range 160 {
			faint.Pix[(y+120)*faint.Stride+x+120] = 90 + busy.Pix[y*busy.Stride+x]/6
		}
	}
	_, whole := pdq.Sum(faint)
	_, middle := pdq.Sum(kept(faint, .4, .5, .5))
	require.Less(t, whole, hash.DefaultGate)
	require.GreaterOrEqual(t, middle, hash.DefaultGate)
	_, err := screen.EnrollImage("x", faint, nil, screen.Options{})
	assert.ErrorIs(t, err, match.ErrLowQuality)
}

// Of a picture that repeats itself or shows little, near-equal crops are kept once
// and poor ones not at all.
func TestCropsArePruned(t *testing.T) {
	e := enrollImage(t, "x", scene(4, 0, 320, 240), screen.Options{})
	for i, s := range e.Signals {
		assert.True(t, s.Quality.Passes(hash.DefaultGate))
		for _, o := range e.Signals[:i] {
			d, ok := s.Value.Distance(o.Value)
			require.True(t, ok)
			assert.Greater(t, d, 8, "%v and %v", s.Transform, o.Transform)
		}
	}
}

// Within a border, and of the whole as well: what looks like a border may be a dark
// edge of the scene.
func TestCropsWithinABorder(t *testing.T) {
	known := scene(1, 0, 320, 240)
	boxed := changed(known, 320, 400, func(x, y int) (int, int) { return x, y - 80 })
	s := screen.New(matcher(t, match.Bank{Name: "known", Entries: []match.Entry{enrollImage(t, "one", boxed, screen.Options{})}}), screen.Options{})
	v, err := s.ScreenImage(kept(known, .8, 0, 0))
	require.NoError(t, err)
	require.Len(t, v.Matches, 1)
	assert.Equal(t, []string{"border", "crop:0,0,80,80"}, v.Matches[0].Evidence.KnownTransform)
	v, err = s.ScreenImage(border10(boxed))
	require.NoError(t, err)
	require.Len(t, v.Matches, 1)
}

// border10 cuts a tenth of the width off the left.
func border10(m image.Image) image.Image {
	b := m.Bounds()
	return changed(m, b.Dx()*9/10, b.Dy(), func(x, y int) (int, int) { return x + b.Dx()/10, y })
}

func BenchmarkEnrollImage(b *testing.B) {
	m := image.NewYCbCr(image.Rect(0, 0, 1152, 864), image.YCbCrSubsampleRatio420)
	copy(m.Y, clouds(1, 1152, 864).Pix)
	for _, n := range []int{-1, 25, screen.DefaultCrops} {
		b.Run(fmt.Sprintf("size=1152x864/crops=%d", max(n, 0)), func(b *testing.B) {
			for b.Loop() {
				enrollImage(b, "x", m, screen.Options{Crops: n})
			}
		})
	}
}

func TestParseCrop(t *testing.T) {
	r, ok := screen.ParseCrop("crop:5,10,90,80")
	assert.True(t, ok)
	assert.Equal(t, image.Rect(5, 10, 95, 90), r)
	for _, bad := range []string{
		"", "crop", "crop:", "border", "crop:5,10,90", "crop:5,10,90,80,1", "crop:5,10,90,80 ", "crop: 5,10,90,80", "crop:05,10,90,80", "crop:+5,10,90,80",
		"crop:0,0,100,100", "crop:5,5,0,90", "crop:5,5,-5,90", "crop:20,0,90,100", "crop:-1,0,90,100", "crop:0,0,300,100", "crop:0,0,1e1,10",
	} {
		_, ok := screen.ParseCrop(bad)
		assert.False(t, ok, bad)
	}
}

// clouds draws a picture of noise at many scales, nearer to a photograph than waves are.
func clouds(seed uint64, w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(seed, 0))
	sum := make([]float64, w*h)
	for cells, weight := 3, 60.; cells <= 96; cells, weight = cells*2, weight*.62 {
		grid := make([]float64, (cells+1)*(cells+1))
		for i := range grid {
			grid[i] = r.Float64() - .5
		}
		for y := range h {
			v := float64(y) * float64(cells) / float64(h)
			row, fy := int(v), v-float64(int(v))
			for x := range w {
				u := float64(x) * float64(cells) / float64(w)
				col, fx := int(u), u-float64(int(u))
				g := grid[row*(cells+1)+col:]
				top, low := g[0]*(1-fx)+g[1]*fx, g[cells+1]*(1-fx)+g[cells+2]*fx
				sum[y*w+x] += 2 * weight * (top*(1-fy) + low*fy)
			}
		}
	}
	for i, s := range sum {
		m.Pix[i] = uint8(min(max(128+s, 0), 255))
	}
	return m
}

// What the table reaches on pictures that it was not chosen on.
func TestCropCoverage(t *testing.T) {
	const pictures, copies = 6, 25
	var known []*image.Gray
	var entries []match.Entry
	for i := range pictures {
		m := clouds(uint64(i), 360, 270)
		known = append(known, m)
		entries = append(entries, enrollImage(t, fmt.Sprint(i), m, screen.Options{}))
	}
	s := screen.New(matcher(t, match.Bank{Name: "known", Entries: entries}), screen.Options{})
	r := rand.New(rand.NewPCG(1, 1))
	share := func(s float64) func() (float64, float64, float64) {
		return func() (float64, float64, float64) { return s, .5, .5 }
	}
	anywhere := func(s float64) func() (float64, float64, float64) {
		return func() (float64, float64, float64) { return s, r.Float64(), r.Float64() }
	}
	for _, c := range []struct {
		name  string
		part  func() (s, x, y float64)
		floor float64
	}{
		{"middle, 5 %", share(.95), .95},
		{"middle, 10 %", share(.9), .95},
		{"middle, 20 %", share(.8), .95},
		{"middle, 30 %", share(.7), .95},
		{"middle, 2 to 30 %", func() (float64, float64, float64) { return .7 + .28*r.Float64(), .5, .5 }, .85},
		{"anywhere, 5 %", anywhere(.95), .9},
		{"anywhere, 10 %", anywhere(.9), .8},
		{"anywhere, 20 %", anywhere(.8), .5},
	} {
		found := 0
		for i, m := range known {
			for range copies {
				share, x, y := c.part()
				v, err := s.ScreenImage(kept(m, share, x, y))
				require.NoError(t, err)
				for _, match := range v.Matches {
					assert.Equal(t, fmt.Sprint(i), match.Entry.ID)
				}
				if v.Outcome == screen.Match {
					found++
				}
			}
		}
		recall := float64(found) / (pictures * copies)
		t.Logf("%-20s %3.0f %%", c.name, 100*recall)
		assert.GreaterOrEqual(t, recall, c.floor, c.name)
	}
}

// Real photographs, every copy a JPEG of quality 75 to 85 and every other one shrunk. Only
// those are taken whose file's hash is odd: the table was chosen on others.
func TestCropsOfPhotographs(t *testing.T) {
	media(t, "video-info.csv")
	files, err := filepath.Glob(filepath.Join(os.Getenv("REMATCH_MEDIA"), "photos", "*.jpg"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var known []*image.Gray
	var entries []match.Entry
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		if sum := sha256.Sum256(data); sum[0]%2 == 0 {
			continue
		}
		m, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err, file)
		entry, err := screen.EnrollImage(fmt.Sprint(len(known)), m, nil, screen.Options{})
		if err != nil {
			require.ErrorIs(t, err, match.ErrLowQuality, file)
			continue
		}
		gray := image.NewGray(image.Rectangle{Max: m.Bounds().Size()})
		draw.Draw(gray, gray.Rect, m, m.Bounds().Min, draw.Src)
		known, entries = append(known, gray), append(entries, entry)
	}
	require.GreaterOrEqual(t, len(known), 30)
	s := screen.New(matcher(t, match.Bank{Name: "known", Entries: entries}), screen.Options{})
	r := rand.New(rand.NewPCG(3, 3))
	for _, c := range []struct {
		share    float64
		anywhere bool
		floor    float64
	}{{.95, false, .9}, {.9, false, .85}, {.8, false, .9}, {.7, false, .85}, {.95, true, .9}, {.9, true, .8}, {.8, true, .5}} {
		found := 0
		for i, m := range known {
			x, y := .5, .5
			if c.anywhere {
				x, y = r.Float64(), r.Float64()
			}
			upload := kept(m, c.share, x, y)
			if i%2 == 1 {
				upload = halved(upload)
			}
			upload, err := jpeg.Decode(bytes.NewReader(jpegOf(t, upload, 75+r.IntN(11))))
			require.NoError(t, err)
			v, err := s.ScreenImage(upload)
			require.NoError(t, err)
			for _, m := range v.Matches {
				assert.Equal(t, fmt.Sprint(i), m.Entry.ID)
			}
			if v.Outcome == screen.Match {
				found++
			}
		}
		recall := float64(found) / float64(len(known))
		t.Logf("%2.0f %% cut, anywhere %-5v %5.1f %%", 100-100*c.share, c.anywhere, 100*recall)
		assert.GreaterOrEqual(t, recall, c.floor, "%v", c)
	}
}

// halved shrinks a picture to half its width and height.
func halved(m image.Image) image.Image {
	b := m.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx()/2, b.Dy()/2))
	at := func(x, y int) int { return int(m.(*image.Gray).GrayAt(b.Min.X+x, b.Min.Y+y).Y) }
	for y := range b.Dy() / 2 {
		for x := range b.Dx() / 2 {
			out.Pix[y*out.Stride+x] = uint8((at(2*x, 2*y) + at(2*x+1, 2*y) + at(2*x, 2*y+1) + at(2*x+1, 2*y+1) + 2) / 4)
		}
	}
	return out
}
