package screen_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash/tmk"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// The shared clips, decoded and hashed by us, against the hashes and scores of the
// reference with ffmpeg 5.1.
func TestTMKOfReferenceVideos(t *testing.T) {
	if testing.Short() {
		t.Skip("decodes every frame of 14 videos")
	}
	scores := media(t, "tmk-pairwise.txt")
	o := screen.Options{Video: video.Options{Backend: native(t)}}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(scores), "tmk", "*.tmk"))
	require.NoError(t, err)
	require.Len(t, names, 14)
	ours, theirs := make(map[string]*tmk.Vector), make(map[string]*tmk.Vector)
	equal := 0
	for _, path := range names {
		name := filepath.Base(path)
		golden, err := os.ReadFile(path)
		require.NoError(t, err)
		theirs[name], err = tmk.Read(bytes.NewReader(golden))
		require.NoError(t, err)
		v, err := screen.TMK(context.Background(), video.File(media(t, strings.TrimSuffix(name, ".tmk")+".mp4")), o)
		require.NoError(t, err)
		ours[name] = v
		assert.Equal(t, theirs[name].Frames, v.Frames, name)
		var file bytes.Buffer
		_, err = v.WriteTo(&file)
		require.NoError(t, err)
		if bytes.Equal(golden, file.Bytes()) {
			equal++
		}
	}
	f, err := os.Open(scores)
	require.NoError(t, err)
	defer f.Close()
	pairs, worst := 0, [4]float64{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		var level1, level2 float64
		var a, b string
		_, err := fmt.Sscan(lines.Text(), &level1, &level2, &a, &b)
		require.NoError(t, err)
		for i, off := range [4]float64{
			tmk.Level1(ours[a], ours[b]) - level1, tmk.Level2(ours[a], ours[b]) - level2,
			tmk.Level1(ours[a], theirs[b]) - level1, tmk.Level2(ours[a], theirs[b]) - level2,
		} {
			worst[i] = max(worst[i], math.Abs(off))
		}
		pairs++
	}
	assert.Equal(t, 105, pairs)
	for _, w := range worst {
		assert.Less(t, w, 0.005)
	}
	t.Logf("%d of %d hashes are the reference's to the byte; over %d pairs level 1 is within %.1e of the reference, level 2 within %.1e; against its own hashes %.1e and %.1e",
		equal, len(names), pairs, worst[0], worst[1], worst[2], worst[3])
}

func TestTMKOfAnimations(t *testing.T) {
	g := stripes()
	var b bytes.Buffer
	require.NoError(t, gif.EncodeAll(&b, g))
	v, err := screen.TMK(context.Background(), video.Bytes("a.gif", b.Bytes()), screen.Options{})
	require.NoError(t, err)
	assert.InDelta(t, 30, v.Frames, 2, "two seconds")
	assert.InDelta(t, 1, tmk.Level2(v, v), 1e-6)

	_, err = screen.TMK(context.Background(), video.Bytes("a.png", pngOf(t, g.Image[0])), screen.Options{})
	assert.ErrorIs(t, err, video.ErrUnsupported)
	_, err = screen.TMK(context.Background(), video.Bytes("cut.gif", b.Bytes()[:b.Len()/2]), screen.Options{})
	assert.ErrorIs(t, err, video.ErrTruncated)
	_, err = screen.TMK(context.Background(), video.Bytes("none", nil), screen.Options{})
	assert.ErrorIs(t, err, video.ErrEmpty)
}

// stripes is an animation of two seconds, ten frames a second.
func stripes() *gif.GIF {
	g := &gif.GIF{}
	for n := range 20 {
		m := image.NewPaletted(image.Rect(0, 0, 80, 50), color.Palette{color.Black, color.White, color.RGBA{200, 30, 30, 255}})
		for i := range m.Pix {
			m.Pix[i] = uint8((i/7 + i/80*n) % 3)
		}
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, 10)
	}
	return g
}
