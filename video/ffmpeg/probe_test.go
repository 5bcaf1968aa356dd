package ffmpeg

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/internal/ffargs"
)

// What is read of an MP4 file without ffprobe is what ffprobe says.
func TestProbeIsWhatFFprobeSays(t *testing.T) {
	if testing.Short() {
		t.Skip("long; the detector sees the same code in shorter tests")
	}
	b := backend(t)
	files, err := filepath.Glob("../../testdata/*/*.mp4")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	more, err := filepath.Glob("../../testdata/uploads/*/*.mp4")
	require.NoError(t, err)
	files = append(files, more...)
	if dir := os.Getenv("REMATCH_MEDIA"); dir != "" {
		for _, pattern := range []string{"video/*.mp4", "clips/*.mp4", "clips/*.mov"} {
			more, err := filepath.Glob(filepath.Join(dir, pattern))
			require.NoError(t, err)
			require.NotEmpty(t, more)
			files = append(files, more...)
		}
	}
	read := 0
	for n, name := range files {
		path, err := filepath.Abs(name)
		require.NoError(t, err)
		c := video.Container{Path: path, Demuxer: "mov", Format: "mp4", Limits: video.Limits{}.Defaults(), StoredPixels: n%2 == 1}
		want, wantErr := ffargs.Ask(context.Background(), b.starter(c), c, b.settings(c))
		got, err := b.Probe(context.Background(), c)
		if wantErr != nil {
			assert.Error(t, err, name)
			continue
		}
		require.NoError(t, err, name)
		if got.KeyFrames > 0 {
			read++
		}
		got.KeyFrames, got.Jumps, got.ShownFrom, got.LeftOut = 0, 0, 0, 0
		assert.InDelta(t, want.FrameRate, got.FrameRate, 1e-4, name)
		assert.InDelta(t, want.Duration.Seconds(), got.Duration.Seconds(), 1e-3, name)
		got.FrameRate, got.Duration = want.FrameRate, want.Duration
		assert.Equal(t, want, got, name)
	}
	assert.Greater(t, read, len(files)/2, "most are read without ffprobe")
}
