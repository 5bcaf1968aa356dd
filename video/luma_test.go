package video_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/video"
)

// busy is a picture with much to hash, and nothing that two of its parts share.
func busy(w, h int) *image.RGBA {
	m := scene(w, h)
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	for range 60 {
		x, y := r.IntN(w), r.IntN(h)
		c := color.RGBA{byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256)), 255}
		for v := y; v < min(h, y+h/7); v++ {
			for u := x; u < min(w, x+w/9); u++ {
				m.SetRGBA(u, v, c)
			}
		}
	}
	return m
}

// bitsApart is the distance of two pictures' hashes.
func bitsApart(t testing.TB, a, b image.Image) int {
	t.Helper()
	va, qa := pdq.Sum(a)
	vb, qb := pdq.Sum(b)
	d, ok := va.Distance(vb)
	require.True(t, ok)
	require.InDelta(t, int(qa), int(qb), 3)
	return d
}

// The hash of the reduced picture, and of any part of it, is that of the full luma, whichever
// way the picture is turned and mirrored; and what there is to see of it, too.
func TestLuma(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	jpg := asJPEG(t, busy(1219, 1087)) // no multiple of 8, so that blocks hang over
	for o := uint16(1); o <= 8; o++ {
		m := open(t, withAPP1(jpg, exif(o)), video.Options{})
		full := one(t, m, video.Request{}).(*image.YCbCr)
		small, ok := one(t, m, video.Request{Luma: true}).(hash.Reduced)
		require.True(t, ok)
		w, h := m.Info().Width, m.Info().Height
		size := small.Bounds().Size()
		require.Equal(t, image.Pt((w+3)/4, (h+3)/4), size)
		assert.LessOrEqual(t, bitsApart(t, full, small), 2, "orientation %d", o)
		assert.Equal(t, small.Gray().Rect, small.Bounds())
		for _, r := range []image.Rectangle{
			{Max: image.Pt(size.X/2, size.Y/2)}, image.Rect(size.X/2, size.Y/2, size.X, size.Y), image.Rect(21, 60, size.X-13, size.Y), image.Rect(50, 10, 150, 120),
		} {
			part := small.(interface {
				SubImage(image.Rectangle) image.Image
			}).SubImage(r)
			require.Equal(t, r, part.Bounds())
			// The same pixels of the full picture. Where its size is no multiple of the scale,
			// the sample that stands for less than 4 pixels is at the stored picture's end.
			left, top := w%4, h%4
			if o == 1 || o == 4 || o == 5 || o == 8 {
				left = 0
			}
			if o == 1 || o == 2 || o == 5 || o == 6 {
				top = 0
			}
			at := func(n, short int) int {
				if short == 0 || n == 0 {
					return 4 * n
				}
				return 4*n - 4 + short
			}
			area := image.Rect(at(r.Min.X, left), at(r.Min.Y, top), at(r.Max.X, left), at(r.Max.Y, top)).Intersect(full.Rect)
			assert.LessOrEqual(t, bitsApart(t, full.SubImage(area), part), 6, "orientation %d, part %v", o, r)
		}
		// What is to be seen is the picture, shrunk.
		shrunk := one(t, m, video.Request{MaxSide: max(size.X, size.Y), Luma: true}).(*image.YCbCr)
		require.Equal(t, size, shrunk.Rect.Size())
		off := 0
		for y := range size.Y {
			for x := range size.X {
				d := int(small.At(x, y).(color.Gray).Y) - int(shrunk.YCbCrAt(x, y).Y)
				off += max(d, -d)
			}
		}
		assert.Less(t, off/(size.X*size.Y), 3, "orientation %d", o)
	}
}

// Everything that is not a plain JPEG still is decoded as ever, and so is all when it is
// asked for.
func TestLumaOfOthers(t *testing.T) {
	m := busy(300, 280)
	for name, c := range map[string]struct {
		file []byte
		o    video.Options
		r    video.Request
	}{
		"exact":         {asJPEG(t, m), video.Options{Exact: true}, video.Request{Luma: true}},
		"a size":        {asJPEG(t, m), video.Options{}, video.Request{Luma: true, MaxSide: 100}},
		"png":           {asPNG(t, m), video.Options{}, video.Request{Luma: true}},
		"bmp":           {asBMP(t, m), video.Options{}, video.Request{Luma: true}},
		"not asked for": {asJPEG(t, m), video.Options{}, video.Request{}},
	} {
		plain := c.r
		plain.Luma = false
		want := one(t, open(t, c.file, video.Options{}), plain)
		got := one(t, open(t, c.file, c.o), c.r)
		assert.Equal(t, want, got, name)
	}
	// Without its end mark it is whole.
	jpg := asJPEG(t, m)
	_, ok := one(t, open(t, jpg[:len(jpg)-2], video.Options{}), video.Request{Luma: true}).(hash.Reduced)
	assert.True(t, ok)
	// Too small to hash is too small at any scale.
	for size, valid := range map[image.Point]bool{{X: 4, Y: 40}: false, {X: 40, Y: 4}: false, {X: 5, Y: 5}: true} {
		got := one(t, open(t, asJPEG(t, scene(size.X, size.Y)), video.Options{}), video.Request{Luma: true})
		v, _ := pdq.Sum(got)
		assert.Equal(t, valid, v.IsValid(), size)
	}
}

// outcome is what is said of a file: that it is judged, or why not.
func outcome(t testing.TB, file []byte, l video.Limits, luma bool) string {
	m, err := video.Open(context.Background(), video.Bytes("x", file), video.Options{Limits: l})
	if err != nil {
		return err.Error()
	}
	_, err = collect(m.Frames(context.Background(), video.Request{Luma: luma}))
	require.NoError(t, m.Close())
	return fmt.Sprint(err)
}

// A file is judged on the short way if and only if it is judged in full, for the same
// reasons: cut anywhere, damaged anywhere, over its budgets, out of time.
func TestLumaRefusals(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	jpg := asJPEG(t, busy(40, 26))
	same := func(file []byte, l video.Limits, what string) {
		t.Helper()
		require.Equal(t, outcome(t, file, l, false), outcome(t, file, l, true), what)
	}
	for n := range jpg {
		same(jpg[:n], video.Limits{}, fmt.Sprintf("%d of %d bytes", n, len(jpg)))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 800 {
		damaged := bytes.Clone(jpg)
		at, bit := r.IntN(len(jpg)), r.IntN(8)
		damaged[at] ^= 1 << bit
		same(damaged, video.Limits{Pixels: 1 << 18}, fmt.Sprintf("bit %d of byte %d", bit, at))
	}
	same(jpg, video.Limits{Pixels: 40*26 - 1}, "over the budget of pixels")
	same(jpg, video.Limits{Pixels: -1, Bytes: -1, Frames: -1, Duration: -1, Work: -1}, "no budget")
	same(jpg, video.Limits{Work: 1}, "no time")
	m := open(t, jpg, video.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := collect(m.Frames(ctx, video.Request{Luma: true}))
	assert.ErrorIs(t, err, context.Canceled)
}

// A progressive file is read for its luma as well, and damage in its colour is not
// overlooked.
func TestLumaOfProgressive(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("internal", "jpegluma", "testdata", "progressive-420.jpg"))
	require.NoError(t, err)
	_, ok := one(t, open(t, file, video.Options{}), video.Request{Luma: true}).(hash.Reduced)
	assert.True(t, ok)

	scan := -1 // the first one of colour alone: one component, not the first
	for i := range len(file) - 8 {
		if bytes.Equal(file[i:i+5], []byte{0xff, 0xda, 0, 8, 1}) && file[i+5] != 1 {
			scan = i
			break
		}
	}
	require.Positive(t, scan)
	for i := scan + 10; i < scan+13; i++ {
		file[i] = 1 // no code of its table
	}
	assert.NotEqual(t, "<nil>", outcome(t, file, video.Limits{}, false))
	assert.Equal(t, outcome(t, file, video.Limits{}, false), outcome(t, file, video.Limits{}, true))
}
