package ffmpeg

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rematch-go/rematch/video/internal/ffargs/fftest"
)

func TestMain(m *testing.M) {
	if beParent() {
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		cleanUp()
		os.Exit(code)
	}))
}

func backend(t *testing.T) *Backend {
	t.Helper()
	fftest.Program(t)
	b, err := New(Options{})
	require.NoError(t, err)
	return b
}

func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("long; the detector sees the same code in shorter tests")
	}
	b := backend(t)
	assert.Equal(t, "ffmpeg", b.Name())
	assert.NotEmpty(t, b.Version())
	fftest.Run(t, b)
	goleak.VerifyNone(t)
	assert.Empty(t, children(t), "processes left behind")
}

// children lists the processes whose parent we are, the dead among them too.
func children(t *testing.T) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		return nil
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	require.NotEmpty(t, stats)
	var found []string
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended meanwhile
		}
		_, rest, _ := strings.Cut(string(stat), ") ") // "pid (name) state parent ..."
		if f := strings.Fields(rest); len(f) > 1 && f[1] == fmt.Sprint(os.Getpid()) {
			found = append(found, string(stat))
		}
	}
	return found
}

func TestNewSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := New(Options{})
	assert.ErrorIs(t, err, ErrNotInstalled)
	assert.ErrorContains(t, err, "install")
	_, err = New(Options{Threads: -1})
	assert.Error(t, err)
}

func TestVersion(t *testing.T) {
	for line, old := range map[string]bool{
		"ffmpeg version 5.1.9-0+deb12u1 Copyright": false,
		"ffmpeg version 4.4.2-0ubuntu0.22.04.1 C":  true,
		"ffmpeg version 5.0 Copyright":             true,
		"ffmpeg version n7.1 Copyright":            false,
		"ffmpeg version N-109542-gd8b2a0c Copyr":   false,
		"ffmpeg version 2024-01-01-git-aa Copy":    false,
	} {
		got, err := parseVersion([]byte(line + "\n"))
		require.NoError(t, err)
		assert.Equal(t, old, got.oldSync, line)
		assert.Equal(t, strings.Fields(line)[2], got.name)
	}
	_, err := parseVersion([]byte("hello"))
	assert.Error(t, err)
}

func TestReferenceMedia(t *testing.T) {
	fftest.Media(t)
	b := backend(t)
	fftest.RunMedia(t, b)
	fftest.RunCounts(t, b, "chair-19-sd-bar.mp4", "doorknob-hd-no-bar.mp4", "test-padded-dimensions.mp4")
}
