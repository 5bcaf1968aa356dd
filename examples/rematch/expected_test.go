package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// projectMedia is the project's own media, made by testdata/generate.
const projectMedia = "../../testdata"

// segmentTolerance is how far the ends of a found segment may be from the cut, in
// milliseconds: the promise of the README.
const segmentTolerance = 1000

// needFFmpeg skips a test where the program is not installed.
func needFFmpeg(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not on PATH")
	}
}

// backends calls test once for each decoder that can be had here.
func backends(t *testing.T, test func(t *testing.T, backend string)) {
	t.Run("ffmpeg", func(t *testing.T) {
		needFFmpeg(t)
		test(t, "ffmpeg")
	})
	t.Run("wasm", func(t *testing.T) {
		switch {
		case !wasmBuiltIn:
			t.Skip("built with -tags nogpl")
		case raceDetector:
			t.Skip("WebAssembly is not run under the race detector: it takes minutes")
		case testing.Short():
			t.Skip("WebAssembly is left out of -short")
		}
		test(t, "wasm")
	})
}

// expectation is a row of expected.csv; a file has a row for each segment.
type expectation struct {
	file, verdict, entry, reason string
	segment                      []float64 // query from, to, known from, to in ms; nil: none
}

func readExpected(t *testing.T) []expectation {
	t.Helper()
	file, err := os.Open(filepath.Join(projectMedia, "expected.csv"))
	require.NoError(t, err)
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	require.Greater(t, len(rows), 20)
	column := func(name string) int {
		i := slices.Index(rows[0], name)
		require.GreaterOrEqual(t, i, 0, "no column %s", name)
		return i
	}
	var all []expectation
	for _, row := range rows[1:] {
		e := expectation{file: row[column("file")], verdict: row[column("verdict")], entry: row[column("entry")], reason: row[column("reason")]}
		for _, name := range []string{"query_from_ms", "query_to_ms", "known_from_ms", "known_to_ms"} {
			if text := row[column(name)]; text != "" {
				ms, err := strconv.ParseFloat(text, 64)
				require.NoError(t, err)
				e.segment = append(e.segment, ms)
			}
		}
		require.Contains(t, []int{0, 4}, len(e.segment), "%s", e.file)
		all = append(all, e)
	}
	return all
}

// TestExpected scans the project's uploads against its known media: every verdict,
// every reason, and every segment within a second, with each decoder.
func TestExpected(t *testing.T) {
	backends(t, func(t *testing.T, backend string) {
		uploads := filepath.Join(projectMedia, "uploads")
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), []string{"scan", "--json", "--backend", backend,
			"--bank", filepath.Join(projectMedia, "known"), uploads}, &stdout, &stderr)
		require.Equal(t, exitMatch, code, "%s", &stderr)
		assert.Empty(t, stderr.String())

		verdicts := make(map[string]verdictLine)
		for lines := bufio.NewScanner(&stdout); lines.Scan(); {
			var v verdictLine
			require.NoError(t, json.Unmarshal(lines.Bytes(), &v), "%s", lines.Text())
			rel, err := filepath.Rel(uploads, v.File)
			require.NoError(t, err)
			assert.NotContains(t, verdicts, rel, "two lines for one file")
			verdicts[filepath.ToSlash(rel)] = v
		}
		files := make(map[string]bool)
		for _, want := range readExpected(t) {
			files[want.file] = true
			got, ok := verdicts[want.file]
			if assert.True(t, ok, "no line for %s", want.file) {
				checkVerdict(t, want, got)
			}
		}
		assert.Len(t, verdicts, len(files), "files that expected.csv does not list")
	})
}

func checkVerdict(t *testing.T, want expectation, got verdictLine) {
	t.Helper()
	assert.Equal(t, want.verdict, got.Verdict, "%s: %+v", want.file, got)
	assert.Equal(t, want.reason, got.Reason, "%s", want.file)
	if want.entry == "" {
		assert.Empty(t, got.Matches, "%s", want.file)
		return
	}
	var found []string
	for _, m := range got.Matches {
		found = append(found, m.Entry)
		if m.Entry != want.entry || m.SuppressedBy != "" {
			continue
		}
		assert.LessOrEqual(t, m.Distance, m.Threshold, "%s", want.file)
		if want.segment == nil {
			return
		}
		near := slices.ContainsFunc(m.Segments, func(s segmentLine) bool {
			for i, ms := range []int64{s.QueryFromMS, s.QueryToMS, s.KnownFromMS, s.KnownToMS} {
				if math.Abs(float64(ms)-want.segment[i]) > segmentTolerance {
					return false
				}
			}
			return true
		})
		assert.True(t, near, "%s: no segment near %v in %+v", want.file, want.segment, m.Segments)
		return
	}
	assert.Fail(t, "entry not matched", "%s: want %s, matched %s", want.file, want.entry, strings.Join(found, ", "))
}
