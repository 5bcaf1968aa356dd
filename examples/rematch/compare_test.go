package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// compare runs "rematch compare" on files of the project's media.
func compare(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"compare"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

func media(parts ...string) string {
	return filepath.Join(append([]string{projectMedia}, parts...)...)
}

// TestCompareVideos: a clip within something longer, and two that have nothing in common.
func TestCompareVideos(t *testing.T) {
	if testing.Short() {
		t.Skip("long; the detector sees the same code in shorter tests")
	}
	needFFmpeg(t) // another decoder makes no difference to what is printed
	upload, known := media("uploads", "videos", "street-within.mkv"), media("known", "street-walk.mp4")
	code, text, stderr := compare(t, "--backend", "ffmpeg", upload, known)
	require.Equal(t, exitMatch, code, stderr)
	assert.Regexp(t, `^MATCH       .*street-within.mkv\n            known/street-walk.mp4\n`, text)
	assert.Regexp(t, `(?m)^              Its 0:0\d\.\d to 0:0\d\.\d is 0:0\d\.\d to 0:0\d\.\d of the known video`, text)
	assert.Regexp(t, `(?m)^     0:06\.0      100 +\d+     0:05\.0 +\d+ #+ *\| aligned$`, text, "a frame of the stretch")
	assert.Regexp(t, `(?m)^     0:00\.0      100 +\d+     0:0\d\.\d +\d+ #{7}\|#+$`, text, "a frame before it")

	code, out, stderr := compare(t, "--json", "--backend", "ffmpeg", "--every", "1s", upload, known)
	require.Equal(t, exitMatch, code, stderr)
	var l comparisonLine
	require.NoError(t, json.Unmarshal([]byte(out), &l))
	assert.Equal(t, "match", l.Verdict)
	require.Len(t, l.Matches, 1)
	require.NotEmpty(t, l.Matches[0].Segments)
	assert.InDelta(t, 1, l.Matches[0].Segments[0].Speed, 0.02)
	assert.Empty(t, l.Weak)
	aligned := 0
	for i, f := range l.Frames {
		assert.InDelta(t, 1000*i, f.TimeMS, 50)
		require.NotNil(t, f.Distance)
		if f.AlignedTimeMS == nil {
			assert.Nil(t, f.Aligned)
			continue
		}
		require.NotNil(t, f.Aligned)
		assert.LessOrEqual(t, *f.Aligned, 31)
		assert.GreaterOrEqual(t, *f.Aligned, *f.Distance, "the nearest of all is nearer")
		aligned++
	}
	assert.GreaterOrEqual(t, aligned, 4)

	code, text, stderr = compare(t, "--backend", "ffmpeg", media("uploads", "clean", "other-walk.mp4"), known)
	assert.Equal(t, exitOK, code, stderr)
	assert.Regexp(t, `^no match    .*other-walk.mp4\n            The nearest frames, .* are \d+ bits apart; up to 31 match`, text)
}

// TestComparePictures needs no decoder.
func TestComparePictures(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	known := media("known", "flowers.jpg")
	code, text, stderr := compare(t, media("uploads", "pictures", "flowers-mirror.jpg"), known)
	assert.Equal(t, exitMatch, code, stderr)
	assert.Contains(t, text, "The upload, mirrored left to right, differs from flowers.jpg")
	code, text, _ = compare(t, media("uploads", "clean", "lake.jpg"), known)
	assert.Equal(t, exitOK, code)
	assert.Contains(t, text, "bits apart; up to 31 match")
	code, text, _ = compare(t, "--json", media("uploads", "broken", "notes.txt"), known)
	assert.Equal(t, exitNotJudged, code)
	assert.Contains(t, text, `"verdict":"not_judged","reason":"unsupported","matches":[],"weak":[],"frames":[]}`)
	code, _, stderr = compare(t, known, media("uploads", "broken", "flat.png"))
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, stderr, "flat.png can't be a known item: ")
	code, _, stderr = compare(t, known)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "accepts 2 arg(s)")
	code, _, _ = compare(t, "--every", "1ms", known, known)
	assert.Equal(t, exitUsage, code)
	code, _, stderr = compare(t, filepath.Join(t.TempDir(), "none.jpg"), known)
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, stderr, "no such file")
}

// TestReportTimeline: the report draws where a known video is within an upload, and
// nothing for a picture.
func TestReportTimeline(t *testing.T) {
	needFFmpeg(t) // another decoder makes no difference to what is printed
	page := func(args ...string) string {
		path := filepath.Join(t.TempDir(), "report.html")
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitMatch, run(t.Context(), append([]string{"scan", "--backend", "ffmpeg", "--page", path}, args...), &stdout, &stderr), "%s", &stderr)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(b)
	}
	withVideo := page("--bank", media("known", "street-walk.mp4"), media("uploads", "videos", "street-within.mkv"))
	assert.Equal(t, 1, strings.Count(withVideo, `<svg class="timeline"`))
	assert.Regexp(t, regexp.MustCompile(`aria-label="Time line: 0:0[34]\.\d to 0:08\.\d of the upload is 0:0[23]\.\d to 0:07\.\d of the known video"`), withVideo)
	assert.Contains(t, withVideo, "svg.timeline .seg {")
	assert.NotContains(t, withVideo, "ZgotmplZ")
	withPicture := page("--bank", media("known", "flowers.jpg"), media("uploads", "pictures", "flowers-logo.jpg"))
	assert.NotContains(t, withPicture, `<svg class="timeline"`)
}
