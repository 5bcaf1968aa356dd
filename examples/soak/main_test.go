package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

const testdata = "../../testdata"

// knownBank writes a bank file of one known picture.
func knownBank(t *testing.T) string {
	t.Helper()
	entry, err := screen.Enroll(t.Context(), video.File(testdata+"/known/harbour.jpg"), []hash.Kind{hash.PDQ, hash.SHA256}, screen.Options{})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "known.bank")
	require.NoError(t, match.WriteFile(path, match.Bank{Name: "known", Entries: []match.Entry{entry}}))
	return path
}

// Uploads of every sort, good, broken and faulty, each with an outcome, and nothing left.
func TestSoak(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // restores what the program sets
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--bank", knownBank(t), "--for", "6s", "--work", "10m", "--workers", "3", "--faults", "all", "--json", testdata + "/uploads"}, &stdout, &stderr)
	var r report
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &r), stderr.String())
	require.Empty(t, r.Failures)
	assert.Equal(t, terminal.ExitOK, code)
	assert.Positive(t, r.Uploads)
	assert.Positive(t, r.P99)
	sum := 0
	for _, n := range r.Outcomes {
		sum += n
	}
	assert.Equal(t, r.Uploads, sum)
	assert.NotContains(t, r.Outcomes, "unclassified")
	for fault := range r.Faults {
		assert.Contains(t, allFaults, fault)
	}

	stdout.Reset()
	folder := t.TempDir() // files are drawn by lot: each of these matches
	known, err := os.ReadFile(testdata + "/known/harbour.jpg")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "again.jpg"), known, 0o600))
	code = run(t.Context(), []string{"--bank", knownBank(t), "--for", "1s", "--rate", "5", folder}, &stdout, &stderr)
	assert.Equal(t, terminal.ExitOK, code, stdout.String())
	assert.Contains(t, stdout.String(), "left: 0 goroutines, 0 processes, 0 temporary files\n")
	assert.Contains(t, stdout.String(), "  match\n")
}

// Each file once, and those that take too long are told.
func TestSoakOnce(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--bank", knownBank(t), "--once", "--json", testdata + "/known"}, &stdout, &stderr)
	var r report
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &r), stderr.String())
	files, err := list([]string{testdata + "/known"})
	require.NoError(t, err)
	assert.Equal(t, terminal.ExitOK, code)
	assert.Equal(t, len(files), r.Uploads)
	assert.GreaterOrEqual(t, r.Longest, r.P50)

	l := &load{settings: settings{work: time.Second}, outcomes: map[string]int{}, struck: map[string]int{}}
	l.note("in time", "", time.Second, "match", nil)
	l.note("with pauses", "slow", time.Minute, "match", nil)
	assert.Empty(t, l.failures)
	l.note("late", "", 2*time.Second, "match", nil)
	require.Len(t, l.failures, 1)
	assert.Contains(t, l.failures[0], "late: took 2s")
}

// A run that leaks or has an error that nothing explains fails.
func TestSoakFails(t *testing.T) {
	l := &load{settings: settings{once: true, workers: 1, maxMemory: 1}, files: []string{"no such file"}, temporary: t.TempDir()}
	matcher, err := match.New(match.Options{})
	require.NoError(t, err)
	l.screener = screen.New(matcher, screen.Options{})
	require.NoError(t, os.WriteFile(filepath.Join(l.temporary, "left"), nil, 0o600))
	r := l.run(t.Context(), io.Discard)
	assert.Positive(t, r.Outcomes["unclassified"])
	all := strings.Join(r.Failures, "\n")
	assert.Contains(t, all, "no such file")
	assert.Contains(t, all, "1 temporary files leaked")
	if r.MemoryMiB > 0 {
		assert.Contains(t, all, "--max-memory is 1")
	}
	var out bytes.Buffer
	require.NoError(t, r.print(&out, false))
	assert.Contains(t, out.String(), "FAILED: 1 temporary files leaked\n")
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"--bank", "b"}, {"--bank", "b", "--for", "-1s", "d"}, {"--bank", "b", "--workers", "0", "d"},
		{"--bank", "b", "--faults", "flood", "d"}, {"--unknown"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, terminal.ExitUsage, run(t.Context(), args, &stdout, &stderr), args)
		assert.Empty(t, stdout.String())
		assert.NotEmpty(t, stderr.String())
	}
	var stdout, stderr bytes.Buffer
	assert.Equal(t, terminal.ExitFailure, run(t.Context(), []string{"--bank", "missing", t.TempDir()}, &stdout, &stderr), "an empty folder")
	assert.Equal(t, terminal.ExitFailure, run(t.Context(), []string{"--bank", "missing", testdata + "/known"}, &stdout, &stderr))
	assert.Equal(t, terminal.ExitOK, run(t.Context(), []string{"--help"}, &stdout, &stderr))
}

func TestFaultyReaders(t *testing.T) {
	l := &load{}
	path := filepath.Join(t.TempDir(), "f")
	content := bytes.Repeat([]byte("0123456789"), 20_000)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	r := rand.New(rand.NewPCG(1, 2))
	for _, fault := range []string{"", "slow", "cut"} {
		in, closer, err := l.input(path, fault, r, func() {})
		require.NoError(t, err)
		s, err := video.Store(t.Context(), in, video.Limits{})
		if fault == "cut" {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		} else {
			require.NoError(t, err)
			got, err := io.ReadAll(s.Reader())
			require.NoError(t, err)
			assert.True(t, slices.Equal(content, got), fault)
			require.NoError(t, s.Close())
		}
		closer()
	}
	_, _, err := l.input("no such file", "slow", r, nil)
	assert.True(t, errors.Is(err, os.ErrNotExist))
}
