package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash/tmk"
	"github.com/rematch-go/rematch/hash/vpdq"
)

// TestExport: what is written is read again, and is known content to a scan for the
// video itself.
func TestExport(t *testing.T) {
	clip := filepath.Join(projectMedia, "known", "harbour-pan.mp4") // 12 s
	backends(t, func(t *testing.T, backend string) {
		export := func(args ...string) []byte {
			t.Helper()
			var stdout, stderr bytes.Buffer
			require.Equal(t, exitOK, run(t.Context(), append(append([]string{"export", "--backend", backend}, args...), clip), &stdout, &stderr), "%s", &stderr)
			assert.Empty(t, stderr.String())
			return stdout.Bytes()
		}
		text, err := vpdq.Read(bytes.NewReader(export()), vpdq.Options{})
		require.NoError(t, err)
		require.Len(t, text, 12, "a frame a second")
		assert.Equal(t, 25, text[1].Frame)
		if backend != "ffmpeg" {
			return // six times the work for nothing new
		}

		dir := t.TempDir()
		list := filepath.Join(dir, "clip.json")
		assert.Empty(t, export("--format", "vpdq-json", "--sample", "every=2s", "-o", list))
		file, err := os.Open(list)
		require.NoError(t, err)
		defer file.Close()
		compact, err := vpdq.Read(file, vpdq.Options{})
		require.NoError(t, err)
		require.Len(t, compact, 6)
		assert.Equal(t, text[4].Value, compact[2].Value)

		v, err := tmk.Read(bytes.NewReader(export("--format", "tmk")))
		require.NoError(t, err)
		assert.InDelta(t, 12*tmk.FrameRate, v.Frames, 3)

		var stdout, stderr bytes.Buffer
		bank := filepath.Join(dir, "others.bank")
		require.Equal(t, exitOK, run(t.Context(), []string{"bank", "build", "-o", bank, list}, &stdout, &stderr), "%s", &stderr)
		report := filepath.Join(dir, "report.html")
		assert.Equal(t, exitMatch, run(t.Context(), []string{"scan", "--page", report, "--bank", list, clip}, &stdout, &stderr), "%s", &stderr)
		page, err := os.ReadFile(report)
		require.NoError(t, err)
		assert.Contains(t, string(page), "clip.json")
		left, err := filepath.Glob(filepath.Join(dir, ".*"))
		require.NoError(t, err)
		assert.Empty(t, left, "no temporary file is left")
	})
}
