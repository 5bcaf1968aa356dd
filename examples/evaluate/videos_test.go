package main

import (
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/examples/evaluate/internal/clips"
	"github.com/rematch-go/rematch/match"
)

// needFFmpeg skips a test where the programs are not installed.
func needFFmpeg(t *testing.T) {
	t.Helper()
	for _, name := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name + " is not on PATH")
		}
	}
}

// TestVideos: a few transforms of a clip of testdata, which are found where they should
// be; a second run makes no file again and says the same.
func TestVideos(t *testing.T) {
	needFFmpeg(t)
	if testing.Short() {
		t.Skip("videos are encoded and decoded")
	}
	knownFolder := folder(t, map[string]any{"walk.mp4": "known/street-walk.mp4", "flowers.jpg": "known/flowers.jpg"})
	others := folder(t, map[string]any{"walk.mp4": "uploads/clean/other-walk.mp4", "harbour.mp4": "uploads/clean/other-harbour.mp4"})
	work := t.TempDir()
	table, report := filepath.Join(work, "table.csv"), filepath.Join(work, "report.html")
	args := []string{"videos", knownFolder, "--distractors", others, "--work", work, "--cuts", "2", "--max-seconds", "4", "--max-side", "256",
		"--only", "letterbox,mirror,5 s in something longer,crop 20%", "--csv", table, "--report", report}
	code, text, stderr := evaluate(t, args...)
	require.Equal(t, exitLeftOut, code, stderr)
	assert.Empty(t, stderr, "silent in a pipe")
	assert.Contains(t, text, "1 known videos, 0 unrelated ones in the bank, 2 others, 4 transforms, seed 1\n")
	assert.Contains(t, text, "known flowers.jpg: not a video of a known length\n")
	for _, name := range []string{"letterbox", "mirror", "5 s in something longer"} {
		assert.Regexp(t, `(?m)^`+name+` +1  100\.0 `, text)
	}
	assert.Regexp(t, `(?m)^mirror +1 +100\.0 \(20\.7-100\.0\) +0\.0 .* +0\.0 `, text, "vPDQ does not see mirrored videos")
	assert.Regexp(t, `(?m)^distractors +2 +0 +0 `, text)

	f, err := os.Open(table)
	require.NoError(t, err)
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, 1+4+2)
	for _, r := range records[1:] {
		if r[1] == "5 s in something longer" {
			assert.NotRegexp(t, "^0.00-", r[5], "it begins within the upload")
		}
	}
	page, err := os.ReadFile(report)
	require.NoError(t, err)
	assert.NotRegexp(t, `<script|https?:|url\(|NaN`, string(page))
	assert.Contains(t, string(page), "By known video")
	if strings.Contains(text, "\nmissed\n") {
		assert.Contains(t, string(page), `<svg class="timeline"`)
	}

	posted := func() (all []string) {
		entries, err := os.ReadDir(filepath.Join(work, "posted"))
		require.NoError(t, err)
		for _, e := range entries {
			info, err := e.Info()
			require.NoError(t, err)
			all = append(all, e.Name()+" "+info.ModTime().Format(time.RFC3339Nano))
		}
		return all
	}
	before := posted()
	_, again, _ := evaluate(t, args...)
	assert.Equal(t, before, posted(), "what has been made is not made again")
	found := func(text string) []string {
		var lines []string
		for line := range strings.Lines(text) {
			lines = append(lines, strings.Join(strings.Fields(line[:min(len(line), 100)]), " "))
		}
		return lines
	}
	assert.Equal(t, found(text)[:8], found(again)[:8])

	kept, err := filepath.Glob(filepath.Join(work, "baselines", "*"))
	require.NoError(t, err)
	require.Len(t, kept, 2*(1+4+2), "the other methods' hashes of the known video and of what was posted")
	vector := kept[slices.IndexFunc(kept, func(name string) bool { return filepath.Ext(name) == ".tmk" })]
	require.NoError(t, os.Truncate(vector, 100))
	code, _, stderr = evaluate(t, args...)
	assert.Equal(t, exitFailure, code, "a kept hash that is damaged is not taken for none")
	assert.Contains(t, stderr, filepath.Base(vector))
}

func TestVideosUsage(t *testing.T) {
	needFFmpeg(t)
	known, empty := filepath.Join(testdata, "known"), t.TempDir()
	need := []string{"videos", known, "--distractors", empty, "--work", t.TempDir()}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"videos", known}, exitUsage, `required flag(s) "distractors", "work" not set`},
		{[]string{"videos", "--distractors", known, "--work", empty}, exitUsage, "requires at least 1 arg"},
		{append(need, "--jobs", "0"), exitUsage, "want 1 to 1024"},
		{append(need, "--clips", "-1"), exitUsage, "or 0 for all"},
		{append(need, "--cuts", "-1"), exitUsage, "want 0 or more"},
		{append(need, "--max-side", "1"), exitUsage, "want 64 to 4096"},
		{append(need, "--max-seconds", "1"), exitUsage, "want 2 to 600"},
		{append(need, "--only", "mirrror"), exitUsage, "there is no transform"},
		{append(need, "--csv", filepath.Join(empty, "no", "such.csv")), exitFailure, "can't be written"},
		{[]string{"videos", filepath.Join(empty, "none"), "--distractors", known, "--work", empty}, exitFailure, "no such file"},
		{[]string{"videos", filepath.Join(known, "flowers.jpg"), "--distractors", known, "--work", empty}, exitUsage, "want a folder of videos"},
		{append(need, "--only", "mirror"), exitFailure, "there is no video in " + empty},
		{[]string{"videos", empty, "--distractors", known, "--work", t.TempDir(), "--only", "mirror"}, exitFailure, "there is no video of 2 s or more"},
	} {
		code, _, stderr := evaluate(t, c.args...)
		assert.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		assert.Contains(t, stderr, c.says, "%v", c.args)
	}
	_, list, _ := evaluate(t, "transforms", "--videos")
	assert.Contains(t, list, "\nmiddle third\n")
	assert.Equal(t, len(clips.All()), strings.Count(list, "\n"))
}

// TestEndErrors: a loop's segments go with their own stretch, and a stretch without a
// segment is off by its length.
func TestEndErrors(t *testing.T) {
	second := time.Second
	expected := []clips.Stretch{{QueryFrom: 0, QueryTo: 4 * second, KnownFrom: 0, KnownTo: 4 * second}, {QueryFrom: 4 * second, QueryTo: 8 * second, KnownFrom: 0, KnownTo: 4 * second}}
	first := match.Segment{QueryFrom: second / 2, QueryTo: 4 * second, KnownFrom: second / 2, KnownTo: 4 * second}
	assert.Equal(t, []time.Duration{second / 2, 0, second / 2, 0, 4 * second, 4 * second, 4 * second, 4 * second}, endErrors(expected, []match.Segment{first}))
	second2 := match.Segment{QueryFrom: 3900 * time.Millisecond, QueryTo: 8 * second, KnownFrom: 0, KnownTo: 4 * second}
	all := endErrors(expected, []match.Segment{first, second2})
	assert.Equal(t, 500*time.Millisecond, slices.Max(all))
	assert.Empty(t, endErrors(nil, []match.Segment{first}))
}
