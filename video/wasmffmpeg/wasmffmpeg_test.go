package wasmffmpeg

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/ffmpeg"
	"github.com/rematch-go/rematch/video/internal/ffargs"
	"github.com/rematch-go/rematch/video/internal/ffargs/fftest"
)

// shared is the Backend of all tests: it is compiled once, into the cache of the
// user who runs them.
var shared struct {
	sync.Once
	*Backend
	err error
}

func backend(t *testing.T) *Backend {
	t.Helper()
	if raceEnabled {
		t.Skip("WebAssembly is not run under the race detector, which makes it a hundred times as slow; run go test without -race")
	}
	shared.Do(func() {
		shared.Backend, shared.err = New(context.Background(), Options{Progress: func(s string) { fmt.Println(s) }})
	})
	require.NoError(t, shared.err)
	return shared.Backend
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if shared.Backend != nil {
			if err := shared.Close(); err != nil {
				fmt.Println(err)
				code = 1
			}
		}
		os.Exit(code)
	}))
}

func TestContract(t *testing.T) {
	fftest.Run(t, backend(t))
	goleak.VerifyNone(t)
}

// TestSameFramesAsNative: the pictures, times and keys are those of the native
// backend.
func TestSameFramesAsNative(t *testing.T) {
	fftest.Program(t)
	native, err := ffmpeg.New(ffmpeg.Options{})
	require.NoError(t, err)
	fftest.Equal(t, native, backend(t))
}

// generate lets the sandboxed ffmpeg make a video itself, so that this needs no
// other.
func generate(t *testing.T, b *Backend) video.Container {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.mkv")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	p, err := b.start(context.Background(), path, ffargs.Command{
		Input:  map[string]string{"f": "lavfi", "nostdin": "", "loglevel": "error"},
		File:   "testsrc2=s=160x120:r=25:d=3",
		Output: map[string]string{"f": "matroska", "c:v": "libx264", "preset": "veryfast", "g": "25", "pix_fmt": "yuv420p", "sc_threshold": "0"},
	})
	require.NoError(t, err)
	go func() { _, _ = io.Copy(io.Discard, p.Stderr) }()
	made, err := io.ReadAll(p.Stdout)
	require.NoError(t, err)
	require.NoError(t, p.Wait())
	require.NoError(t, os.WriteFile(path, made, 0o600))
	return video.Container{Path: path, Demuxer: "matroska", Format: "matroska", Limits: video.Limits{}.Defaults()}
}

func TestWithoutNative(t *testing.T) {
	b := backend(t)
	assert.Equal(t, "wasmffmpeg", b.Name())
	c := generate(t, b)
	info, err := b.Probe(context.Background(), c)
	require.NoError(t, err)
	assert.Equal(t, "h264", info.Codec)
	shots, err := fftest.Collect(b, c, info, video.Request{})
	require.NoError(t, err)
	require.Len(t, shots, 75)
	for n, s := range shots {
		assert.Equal(t, n, s.Number)
		assert.Equal(t, time.Duration(n)*40*time.Millisecond, s.Time)
		assert.Equal(t, n%25 == 0, s.Key)
	}

	// Playlists: in the sandbox there is nothing to be led to.
	for _, text := range []string{"ffconcat version 1.0\nfile '" + c.Path + "'\n", "#EXTM3U\n#EXTINF:3,\n" + c.Path + "\n#EXT-X-ENDLIST\n"} {
		trick := c
		trick.Demuxer = "mov"
		trick.Path = filepath.Join(t.TempDir(), "x.mp4")
		require.NoError(t, os.WriteFile(trick.Path, []byte(text), 0o600))
		_, err := b.Probe(context.Background(), trick)
		assert.ErrorIs(t, err, video.ErrCorrupt)
		shots, err := fftest.Collect(b, trick, info, video.Request{})
		assert.ErrorIs(t, err, video.ErrCorrupt)
		assert.Empty(t, shots)
	}
}

// TestSandbox: the guest reads no file but its own, and writes none.
func TestSandbox(t *testing.T) {
	b := backend(t)
	c := generate(t, b)
	for _, name := range []string{"/etc/hosts", c.Path, "/../etc/hosts", "/input/../../etc/hosts"} {
		p, err := b.start(context.Background(), c.Path, ffargs.Command{Probe: true, Input: map[string]string{"f": "matroska"}, File: "file:" + name})
		require.NoError(t, err)
		go func() { _, _ = io.Copy(io.Discard, p.Stdout) }()
		log, err := io.ReadAll(p.Stderr)
		require.NoError(t, err)
		assert.Error(t, p.Wait())
		assert.Regexp(t, "No such file|not permitted|Permission|capab", string(log), name)
	}
}

func TestOptions(t *testing.T) {
	for _, memory := range []int64{-1, 1, 1 << 40} {
		_, err := New(context.Background(), Options{Memory: memory})
		assert.ErrorContains(t, err, "Options.Memory")
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := New(context.Background(), Options{CacheDir: filepath.Join(file, "cache")})
	assert.ErrorContains(t, err, "CacheDir")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = New(ctx, Options{})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestClose(t *testing.T) {
	first := backend(t) // fills the cache
	c := generate(t, first)
	b, err := New(context.Background(), Options{Memory: 64 << 20})
	require.NoError(t, err)
	info, err := b.Probe(context.Background(), c)
	require.NoError(t, err)

	n := 0
	var last error
	for _, err := range b.Frames(context.Background(), c, info, video.Request{}) {
		if n++; n == 2 {
			require.NoError(t, b.Close(), "while a call runs")
		}
		last = err
	}
	assert.ErrorIs(t, last, ErrClosed)
	_, err = b.Probe(context.Background(), c)
	assert.ErrorIs(t, err, ErrClosed)
	require.NoError(t, b.Close())
}

// TestReferenceMedia: every reference video decodes, and gives the frames of the
// native backend where there is one.
func TestReferenceMedia(t *testing.T) {
	fftest.Media(t)
	b := backend(t)
	fftest.RunMedia(t, b)
	fftest.RunCounts(t, b, "doorknob-hd-no-bar.mp4")
	if native, err := ffmpeg.New(ffmpeg.Options{}); err == nil {
		fftest.EqualMedia(t, native, b)
	}
}

// TestStop: a guest that neither reads nor writes is ended too. This one waits for
// a frame that never comes.
func TestStop(t *testing.T) {
	b := backend(t)
	path := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p, err := b.start(ctx, path, ffargs.Command{
		Input:  map[string]string{"f": "lavfi", "nostdin": "", "nostats": "", "loglevel": "error"},
		File:   "color=s=16x16",
		Output: map[string]string{"f": "rawvideo", "vf": "select=0"},
	})
	require.NoError(t, err)
	go func() { _, _ = io.Copy(io.Discard, p.Stderr) }()
	time.AfterFunc(300*time.Millisecond, cancel)
	out, _ := io.ReadAll(p.Stdout) // closed under the reader, or by a guest that has ended before
	assert.Empty(t, out)
	began := time.Now()
	assert.Error(t, p.Wait())
	assert.Less(t, time.Since(began), stopWait/2)
}
