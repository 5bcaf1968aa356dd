package screen_test

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// sheet draws pictures on a canvas of one luma, each with its corner at a point.
func sheet(w, h int, level uint8, at []image.Point, pictures ...image.Image) *image.Gray {
	dst := image.NewGray(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Rect, image.NewUniform(color.Gray{Y: level}), image.Point{}, draw.Src)
	for i, p := range pictures {
		draw.Draw(dst, p.Bounds().Add(at[i]), p, p.Bounds().Min, draw.Src)
	}
	return dst
}

// scribbled is a canvas with rows of short strokes, as text.
func scribbled(w, h int, paper, ink uint8, seed uint64) *image.Gray {
	dst := sheet(w, h, paper, nil)
	r := rand.New(rand.NewPCG(seed, 1))
	for y := 12; y+20 < h; y += 26 {
		for x := 14; x < w-20-r.IntN(w/3); x += 5 + r.IntN(9) {
			draw.Draw(dst, image.Rect(x, y+r.IntN(6), x+3, y+8+r.IntN(8)), image.NewUniform(color.Gray{Y: ink}), image.Point{}, draw.Src)
		}
	}
	return dst
}

// The parts of a picture are judged, each under the name of what it is.
func TestPartsOfPictures(t *testing.T) {
	known := scene(1, 0, 320, 240)
	a, b, c := scene(5, 0, 320, 240), scene(6, 0, 320, 240), scene(7, 0, 320, 240)
	mirrored := changed(known, 320, 240, func(x, y int) (int, int) { return 319 - x, y })
	corners := []image.Point{{}, {X: 320}, {Y: 240}, {X: 320, Y: 240}}
	apart := []image.Point{{X: 8, Y: 8}, {X: 336, Y: 8}, {X: 8, Y: 256}, {X: 336, Y: 256}}
	s := screen.New(matcher(t, match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "one.png", pngOf(t, known), screen.Options{})}}), screen.Options{})
	for _, c := range []struct {
		name      string
		m         image.Image
		transform string
	}{
		{"grey bars", sheet(320, 330, 120, []image.Point{{Y: 50}}, known), "border"},
		{"white frame", sheet(400, 300, 255, []image.Point{{X: 30, Y: 40}}, known), "border"},
		{"white frame, mirrored", sheet(400, 300, 255, []image.Point{{X: 30, Y: 40}}, mirrored), "border flipy"},
		{"caption", sheet(320, 340, 0, []image.Point{{}, {Y: 100}}, scribbled(320, 100, 250, 10, 1), known), "inner"},
		{"screenshot", sheet(320, 560, 0, []image.Point{{}, {Y: 100}, {Y: 340}}, scribbled(320, 100, 30, 240, 2), known, scribbled(320, 220, 30, 240, 3)), "inner"},
		{"in a picture", sheet(640, 480, 0, []image.Point{{}, {X: 190, Y: 77}}, scene(8, 0, 640, 480), known), "inner"},
		{"two by two", sheet(640, 480, 0, corners, a, b, known, c), "panel:3/4"},
		{"two by two, mirrored", sheet(640, 480, 0, corners, b, mirrored, c, a), "panel:2/4 flipy"},
		{"two by two, apart", sheet(664, 504, 255, apart, known, a, b, c), "panel:1/4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := s.Screen(context.Background(), video.Bytes(c.name, jpegOf(t, c.m, 75)))
			require.NoError(t, err)
			require.Equal(t, screen.Match, v.Outcome)
			require.Len(t, v.Matches, 1)
			e := v.Matches[0].Evidence
			assert.Equal(t, c.transform, strings.Join(e.Transform, " "))
			assert.LessOrEqual(t, e.Distance, e.Threshold)
			assert.Equal(t, 31, e.Threshold)

			w, err := s.ScreenImage(c.m)
			require.NoError(t, err)
			require.Equal(t, screen.Match, w.Outcome)
			assert.Equal(t, c.transform, strings.Join(w.Matches[0].Evidence.Transform, " "))
		})
	}
}

// A harmless picture or programme beside what is known does not hide it; what lies in
// it, it does.
func TestAllowedParts(t *testing.T) {
	known, fine := scene(1, 0, 320, 240), scene(5, 0, 320, 240)
	bank := func(name string, allow bool, m image.Image) match.Bank {
		return match.Bank{Name: name, Allow: allow, Entries: []match.Entry{enroll(t, name, pngOf(t, m), screen.Options{})}}
	}
	s := screen.New(matcher(t, bank("known", false, known), bank("fine", true, fine)), screen.Options{})
	corners := []image.Point{{}, {X: 320}, {Y: 240}, {X: 320, Y: 240}}
	v, err := s.ScreenImage(sheet(640, 480, 0, corners, scene(6, 0, 320, 240), fine, known, scene(7, 0, 320, 240)))
	require.NoError(t, err)
	require.Equal(t, screen.Match, v.Outcome)
	assert.Empty(t, v.Matches[0].SuppressedBy)

	both := screen.New(matcher(t, bank("known", false, known), bank("fine", true, known)), screen.Options{})
	v, err = both.ScreenImage(sheet(640, 480, 0, corners, scene(6, 0, 320, 240), fine, known, scene(7, 0, 320, 240)))
	require.NoError(t, err)
	require.Equal(t, screen.NoMatch, v.Outcome)
	require.Len(t, v.Matches, 1)
	assert.Equal(t, "fine/fine", v.Matches[0].SuppressedBy)

	var clipped, programme, upload reel
	for n := range 60 {
		k, p := scene(2, float64(n)/10, 240, 180), scene(9, float64(n)/10, 240, 180)
		clipped, programme = append(clipped, k), append(programme, p)
		upload = append(upload, sheet(480, 180, 0, []image.Point{{}, {X: 240}}, k, p))
	}
	videos := matcher(t, match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "reel", clip(""), clipped.options())}},
		match.Bank{Name: "fine", Allow: true, Entries: []match.Entry{enroll(t, "programme", clip(""), programme.options())}})
	v, err = screen.New(videos, upload.options()).Screen(context.Background(), video.Bytes("x", clip("")))
	require.NoError(t, err)
	require.Equal(t, screen.Match, v.Outcome)
}

// What is nearly of one luma within a border must be nearer than a photograph.
func TestLimitOfFlatParts(t *testing.T) {
	page := scribbled(400, 400, 255, 0, 4)
	s := screen.New(matcher(t, match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "page", pngOf(t, page), screen.Options{}, hash.PDQ, hash.DHash256)}}), screen.Options{})
	v, err := s.ScreenImage(sheet(500, 460, 70, []image.Point{{X: 50, Y: 30}}, page))
	require.NoError(t, err)
	require.Equal(t, screen.Match, v.Outcome)
	require.Len(t, v.Matches, 2)
	for _, m := range v.Matches {
		assert.Equal(t, []string{"border"}, m.Evidence.Transform, m.Evidence.Kind)
		assert.Equal(t, 15, m.Evidence.Threshold, m.Evidence.Kind)
		assert.LessOrEqual(t, m.Evidence.Distance, 15, m.Evidence.Kind)
	}
	v, err = s.ScreenImage(sheet(500, 460, 70, []image.Point{{X: 50, Y: 30}}, scribbled(400, 400, 255, 0, 5)))
	require.NoError(t, err)
	assert.Equal(t, screen.NoMatch, v.Outcome, "another page")
}

// A video of which one frame is looked at is judged as the picture it is.
func TestPartsOfOneFrame(t *testing.T) {
	page, known := scribbled(400, 400, 255, 0, 4), scene(1, 0, 320, 240)
	bank := match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "page", pngOf(t, page), screen.Options{}), enroll(t, "scene", pngOf(t, known), screen.Options{})}}
	judged := func(m image.Image) screen.Verdict {
		r := reel{m}
		v, err := screen.New(matcher(t, bank), r.options()).Screen(context.Background(), video.Bytes("x", clip("")))
		require.NoError(t, err)
		require.Equal(t, 1, v.Frames)
		return v
	}
	v := judged(sheet(500, 460, 70, []image.Point{{X: 50, Y: 30}}, page))
	require.Equal(t, screen.Match, v.Outcome)
	assert.Equal(t, 15, v.Matches[0].Evidence.Threshold)
	for place := range 9 {
		var corners []image.Point
		var panels []image.Image
		for i := range 9 {
			corners, panels = append(corners, image.Pt(i%3*320, i/3*240)), append(panels, scene(20+i, 0, 320, 240))
		}
		panels[place] = known
		assert.Equal(t, screen.Match, judged(sheet(960, 720, 0, corners, panels...)).Outcome, "panel %d", place)
	}
}

// Frames of a video are looked at for parts, too: copies held upright on a blurred
// background, or filmed from a telephone's screen.
func TestPartsOfVideos(t *testing.T) {
	var known, upload reel
	for n := range 60 {
		m := scene(2, float64(n)/10, 240, 180)
		known = append(known, m)
		upload = append(upload, sheet(240, 420, 0, []image.Point{{}, {Y: 110}, {Y: 290}}, scribbled(240, 110, 240, 20, 7), m, scribbled(240, 130, 240, 20, 8)))
	}
	bank := match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "reel", clip(""), known.options())}}
	v, err := screen.New(matcher(t, bank), upload.options()).Screen(context.Background(), video.Bytes("x", clip("")))
	require.NoError(t, err)
	require.Equal(t, screen.Match, v.Outcome)
	e := v.Matches[0].Evidence
	assert.Equal(t, []string{"inner"}, e.Transform)
	require.NotEmpty(t, e.Segments)
	assert.InDelta(t, 6, (e.Segments[0].QueryTo - e.Segments[0].QueryFrom).Seconds(), 1.1)
}
