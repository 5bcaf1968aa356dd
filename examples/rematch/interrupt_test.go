//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestInterrupt presses Ctrl-C while a long video is decoded: the program ends at
// once with code 1, and leaves neither a decoder nor a file behind.
func TestInterrupt(t *testing.T) {
	backends(t, func(t *testing.T, backend string) {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(sig.String(), func(t *testing.T) { interrupt(t, backend, sig) })
		}
	})
}

func interrupt(t *testing.T, backend string, sig syscall.Signal) {
	folder := t.TempDir()
	long := filepath.Join(folder, "long.mp4")
	repeatVideo(t, long)
	temp := filepath.Join(folder, "temp")
	require.NoError(t, os.Mkdir(temp, 0o755))

	c := exec.Command("rematch", "hash", "--sample", "all", "--backend", backend, long)
	c.Env = append(os.Environ(), "TMPDIR="+temp)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	lines := bufio.NewScanner(stdout)
	require.True(t, lines.Scan(), "no first line: %s", &stderr)
	go func() { // keep reading, as a pipe would
		for lines.Scan() {
		}
	}()

	begin := time.Now()
	require.NoError(t, c.Process.Signal(sig))
	err = c.Wait()
	assert.Less(t, time.Since(begin), 2*time.Second)
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, exitFailure, exit.ExitCode(), "%s", &stderr)
	assert.Equal(t, "rematch: interrupted\n", stderr.String())
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Empty(t, left, "temporary files are left")
	assert.Empty(t, processesNaming(folder), "processes are left")
}

// repeatVideo writes one of the known videos many times over: minutes of work for
// the decoder, none for the test.
func repeatVideo(t *testing.T, path string) {
	t.Helper()
	needFFmpeg(t)
	known, err := filepath.Glob(filepath.Join(projectMedia, "known", "*.mp4"))
	require.NoError(t, err)
	require.NotEmpty(t, known)
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "300", "-i", known[0], "-an", "-c", "copy", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// processesNaming lists the processes that have text in their command lines. It
// knows how on Linux only, and finds none elsewhere.
func processesNaming(text string) (found []string) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		b, err := os.ReadFile(file)
		if err == nil && bytes.Contains(b, []byte(text)) && !strings.HasPrefix(file, fmt.Sprintf("/proc/%d/", os.Getpid())) {
			found = append(found, string(bytes.ReplaceAll(b, []byte{0}, []byte(" "))))
		}
	}
	return found
}

// TestBrokenOutput fills the disk, so to speak: a result that could not be written
// is a failure and not a verdict.
func TestBrokenOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("this system has no /dev/full")
	}
	require.NoError(t, err)
	defer full.Close()
	picture := filepath.Join(t.TempDir(), "x.png")
	require.NoError(t, os.WriteFile(picture, encodePNG(t, scene(1, 100, 100)), 0o644))
	for _, args := range [][]string{{"hash", picture}, {"scan", "--bank", picture, picture}} {
		var stderr bytes.Buffer
		assert.Equal(t, exitFailure, run(t.Context(), args, full, &stderr))
		assert.Contains(t, stderr.String(), "no space left")
	}
}
