package region_test

import (
	"bytes"
	"context"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/hash/region"
)

// frames decodes one frame of each second of a clip of the reference media.
func frames(t *testing.T, name string, w, h int) []*image.Gray {
	t.Helper()
	root := os.Getenv("REMATCH_MEDIA")
	if root == "" {
		t.Skip("REMATCH_MEDIA is not set: no clips to look at")
	}
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not on PATH: the clips can't be decoded here")
	}
	path, err := filepath.Abs(filepath.Join(root, "video", name))
	require.NoError(t, err)
	require.FileExists(t, path)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, ffmpeg, "-nostdin", "-v", "error", "-i", "file:"+path,
		"-vf", "select='not(mod(n,30))',format=gray", "-vsync", "0", "-f", "rawvideo", "pipe:1")
	cmd.Stderr = &stderr
	raw, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	require.NotEmpty(t, raw)
	require.Zero(t, len(raw)%(w*h), "whole frames of %d x %d", w, h)
	var all []*image.Gray
	for pix := range slices.Chunk(raw, w*h) {
		all = append(all, &image.Gray{Pix: pix, Stride: w, Rect: image.Rect(0, 0, w, h)})
	}
	return all
}

// TestClips holds that the bars of the real letterboxed clips are found, and that
// what is within them hashes like the clip that never had any.
func TestClips(t *testing.T) {
	plain := frames(t, "pattern-hd-no-bar.mp4", 720, 1280)
	barred := frames(t, "pattern-sd-grey-bar.mp4", 480, 720)
	require.Len(t, barred, len(plain))
	var before, after []int
	for i, m := range barred {
		_, found := region.WithinBorder(plain[i])
		assert.False(t, found, i)
		inner, found := region.WithinBorder(m)
		assert.True(t, found, i)
		assert.Equal(t, image.Rect(32, 0, 448, 720), inner, i)

		want, _ := pdq.Sum(plain[i])
		as, _ := pdq.Sum(m)
		within, _ := pdq.Sum(region.Crop(m, inner))
		b, _ := want.Distance(as)
		a, _ := want.Distance(within)
		before, after = append(before, b), append(after, a)
	}
	t.Logf("bits before %v, after %v", before, after)
	assert.Greater(t, slices.Min(before), 60)
	assert.LessOrEqual(t, slices.Max(after), 18)

	for _, m := range frames(t, "chair-orig-22-sd-bar.mp4", 480, 720) {
		inner, found := region.WithinBorder(m)
		assert.True(t, found)
		assert.Equal(t, image.Rect(32, 0, 448, 720), inner)
	}
	for _, m := range frames(t, "doorknob-hd-no-bar.mp4", 1280, 720) {
		_, found := region.WithinBorder(m)
		assert.False(t, found)
	}
}
