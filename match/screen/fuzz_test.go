package screen_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// FuzzScreen goes the whole way from bytes to a verdict: whatever the bytes are, there is
// one, and "not judged" says why.
func FuzzScreen(f *testing.F) {
	known := scene(1, 0, 96, 64)
	var still, moving bytes.Buffer
	require.NoError(f, png.Encode(&still, known))
	require.NoError(f, gif.EncodeAll(&moving, animation(96, 64)))
	entry, err := screen.EnrollImage("known", known, []hash.Kind{hash.PDQ, hash.PHash}, screen.Options{Crops: 3})
	require.NoError(f, err)
	film, err := screen.Enroll(f.Context(), video.Bytes("film", moving.Bytes()), nil, screen.Options{})
	require.NoError(f, err)
	m, err := match.New(match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{entry, film}})
	require.NoError(f, err)
	limits := video.Limits{Bytes: 64 << 10, Pixels: 16 << 10, Frames: 50, Duration: time.Minute, Work: 10 * time.Second}
	screener := screen.New(m, screen.Options{Video: video.Options{Limits: limits}})
	for _, c := range []struct {
		bytes []byte
		want  screen.Outcome
	}{
		{nil, screen.NotJudged}, {still.Bytes(), screen.Match}, {moving.Bytes(), screen.Match}, {still.Bytes()[:still.Len()/2], screen.NotJudged},
		{clip("mov"), screen.NotJudged}, {[]byte("#EXTM3U\n/etc/passwd\n"), screen.NotJudged},
	} {
		v, err := screener.Screen(f.Context(), video.Bytes("seed", c.bytes))
		require.NoError(f, err)
		require.Equal(f, c.want, v.Outcome)
		f.Add(c.bytes)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := screener.Screen(t.Context(), video.Bytes("fuzz", b))
		require.NoError(t, err, "bytes alone never make an operational error")
		stands := slices.ContainsFunc(v.Matches, func(m match.Match) bool { return m.SuppressedBy == "" })
		switch v.Outcome {
		case screen.Match:
			require.True(t, stands)
		case screen.NoMatch:
			require.False(t, stands)
			require.Empty(t, v.Reason)
		case screen.NotJudged:
			require.False(t, stands)
			require.NotEmpty(t, v.Reason)
			require.Error(t, v.Err)
		default:
			t.Fatalf("the outcome %v is none", v.Outcome)
		}
		require.LessOrEqual(t, v.Frames, limits.Frames)
		for _, match := range v.Matches {
			if len(match.Evidence.Segments) == 0 { // of a video frames beyond it can bear each other out
				require.LessOrEqual(t, match.Evidence.Distance, match.Evidence.Threshold)
			}
		}
	})
}

// animation is a GIF of one scene that moves.
func animation(w, h int) *gif.GIF {
	g := &gif.GIF{}
	for i := range 6 {
		g.Image = append(g.Image, paletted(scene(2, float64(i)*0.7, w, h)))
		g.Delay = append(g.Delay, 50)
	}
	return g
}

// paletted returns a picture in grey as a GIF has it.
func paletted(m *image.Gray) *image.Paletted {
	palette := make(color.Palette, 256)
	for i := range palette {
		palette[i] = color.Gray{Y: uint8(i)}
	}
	return &image.Paletted{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect, Palette: palette}
}
