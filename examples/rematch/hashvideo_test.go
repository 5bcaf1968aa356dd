package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hashLines runs "rematch hash --json" and returns its lines.
func hashLines(t *testing.T, args ...string) []hashLine {
	t.Helper()
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), append([]string{"hash", "--json"}, args...), &stdout, &stderr), "%s", &stderr)
	var lines []hashLine
	for d := json.NewDecoder(&stdout); d.More(); {
		var l hashLine
		require.NoError(t, d.Decode(&l))
		lines = append(lines, l)
	}
	return lines
}

// TestHashVideo: a line a frame with number and time, in the order of time.
func TestHashVideo(t *testing.T) {
	clip := filepath.Join(projectMedia, "known", "harbour-pan.mp4") // 12 s
	backends(t, func(t *testing.T, backend string) {
		lines := hashLines(t, "--backend", backend, "--kind", "md5,pdq", clip)
		require.Len(t, lines, 1+12, "the file's digest, and a frame a second")
		assert.Equal(t, "md5", lines[0].Kind)
		assert.Nil(t, lines[0].Frame)
		for i, l := range lines[1:] {
			assert.Equal(t, "pdq", l.Kind)
			require.NotNil(t, l.Frame)
			require.NotNil(t, l.TimeMS)
			assert.InDelta(t, 1000*i, *l.TimeMS, 50, "the first frame at or after each second")
			assert.GreaterOrEqual(t, *l.TimeMS, int64(1000*i))
		}
		keys := hashLines(t, "--backend", backend, "--sample", "key", clip)
		require.NotEmpty(t, keys)
		assert.Equal(t, 0, *keys[0].Frame)
		if backend != "ffmpeg" {
			return // six times the work for nothing new
		}
		all := hashLines(t, "--backend", backend, "--sample", "all", clip)
		assert.Greater(t, len(all), 12*20)
		for i, l := range all {
			require.Equal(t, i, *l.Frame)
		}
	})
}

// TestHashAnimation: an animated GIF has frames like a video, and needs no decoder.
func TestHashAnimation(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	lines := hashLines(t, "--sample", "all", "--backend", "auto", filepath.Join(projectMedia, "uploads", "videos", "places-part.gif"))
	require.Greater(t, len(lines), 8)
	last := int64(-1)
	for i, l := range lines {
		require.NotNil(t, l.Frame)
		assert.Equal(t, i, *l.Frame)
		assert.Greater(t, *l.TimeMS, last)
		last = *l.TimeMS
	}
}

// TestNoDecoder: without ffmpeg on PATH a video is not judged when it is an upload,
// and an error that says what to do when it is known content.
func TestNoDecoder(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	clip := filepath.Join(projectMedia, "known", "harbour-pan.mp4")
	picture := filepath.Join(projectMedia, "known", "harbour.jpg")
	var stdout, stderr bytes.Buffer
	assert.Equal(t, exitNotJudged, run(t.Context(), []string{"scan", "--json", "--backend", "ffmpeg", "--bank", picture, clip}, &stdout, &stderr))
	assert.Contains(t, stdout.String(), `"verdict":"not_judged","reason":"decoder_missing","matches":[]`)
	assert.Empty(t, stderr.String())

	stdout.Reset()
	assert.Equal(t, exitFailure, run(t.Context(), []string{"scan", "--backend", "ffmpeg", "--bank", clip, picture}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "put ffmpeg and ffprobe on PATH")
	assert.Empty(t, stdout.String())

	stderr.Reset()
	code := run(t.Context(), []string{"hash", "--backend", "wasm", picture}, &stdout, &stderr)
	if wasmBuiltIn {
		assert.Equal(t, exitOK, code, "a picture needs none")
	} else {
		assert.Equal(t, exitUsage, code)
		assert.Contains(t, stderr.String(), "nogpl")
	}
}
