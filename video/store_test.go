package video_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
)

// tempDir makes temporary files of this test visible, and holds it to leave none.
func tempDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, dir)
	}
	t.Cleanup(func() { assert.Empty(t, list(t, dir), "temporary files are left") })
	return dir
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	return files
}

func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>13 ^ i)
	}
	return b
}

func TestStore(t *testing.T) {
	for _, n := range []int{0, 1, 100_000, 4 << 20, 4<<20 + 1} {
		dir := tempDir(t)
		b := content(n)
		path := filepath.Join(t.TempDir(), "upload")
		require.NoError(t, os.WriteFile(path, b, 0o600))
		for name, in := range map[string]video.Input{
			"file":     video.File(path),
			"bytes":    video.Bytes("b", b),
			"reader":   video.Reader("r", bytes.NewReader(b)),
			"one byte": video.Reader("r", iotest.OneByteReader(bytes.NewReader(b[:min(n, 5000)]))),
			"data+EOF": video.Reader("r", iotest.DataErrReader(bytes.NewReader(b))),
		} {
			want := b
			if name == "one byte" {
				want = b[:min(n, 5000)]
			}
			s, err := video.Store(context.Background(), in, video.Limits{Bytes: int64(n)})
			if n == 0 {
				s, err = video.Store(context.Background(), in, video.Limits{})
			}
			require.NoError(t, err, name)
			assert.Equal(t, int64(len(want)), s.Size(), name)
			assert.Equal(t, in.Name(), s.Name())
			for range 2 {
				got, err := io.ReadAll(s.Reader())
				require.NoError(t, err)
				assert.True(t, bytes.Equal(want, got), name)
			}
			again, err := video.Store(context.Background(), s.Input(), video.Limits{})
			require.NoError(t, err)
			assert.Same(t, s, again)
			for _, f := range list(t, dir) {
				info, err := os.Stat(f)
				require.NoError(t, err)
				if runtime.GOOS != "windows" {
					assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
				}
			}
			require.NoError(t, s.Close())
			require.NoError(t, s.Close())
			assert.Empty(t, list(t, dir), name)
		}
	}
}

func TestStoreBudget(t *testing.T) {
	tempDir(t)
	path := filepath.Join(t.TempDir(), "upload")
	require.NoError(t, os.WriteFile(path, content(5<<20), 0o600))
	for _, in := range []video.Input{
		video.File(path), video.Bytes("b", content(5<<20)), video.Reader("r", bytes.NewReader(content(5<<20))),
	} {
		_, err := video.Store(context.Background(), in, video.Limits{Bytes: 5<<20 - 1})
		var limit *video.LimitError
		require.ErrorAs(t, err, &limit)
		assert.Equal(t, "bytes", limit.Limit)
		assert.EqualValues(t, 5<<20-1, limit.Max)
		reason, ok := video.Reason(err)
		assert.True(t, ok)
		assert.Equal(t, "over_budget_bytes", reason)
	}
	// An endless reader is left at the first byte too many.
	r := &counter{r: endless{}}
	_, err := video.Store(context.Background(), video.Reader("endless", r), video.Limits{Bytes: 6 << 20})
	require.Error(t, err)
	assert.EqualValues(t, 6<<20+1, r.n)

	s, err := video.Store(context.Background(), video.Bytes("b", content(10)), video.Limits{})
	require.NoError(t, err)
	_, err = video.Open(context.Background(), s.Input(), video.Options{Limits: video.Limits{Bytes: 9}})
	reason, _ := video.Reason(err)
	assert.Equal(t, "over_budget_bytes", reason)
	require.NoError(t, s.Close())
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

func TestStoreFailures(t *testing.T) {
	tempDir(t)
	broken := errors.New("the line is dead")
	for name, c := range map[string]struct {
		in  video.Input
		err error
	}{
		"folder":       {video.File(t.TempDir()), video.ErrNotRegular},
		"missing":      {video.File(filepath.Join(t.TempDir(), "missing")), os.ErrNotExist},
		"broken early": {video.Reader("r", iotest.ErrReader(broken)), broken},
		"broken late":  {video.Reader("r", io.MultiReader(bytes.NewReader(content(5<<20)), iotest.ErrReader(broken))), broken},
		"silent":       {video.Reader("r", silent{}), io.ErrNoProgress},
		"nil reader":   {video.Reader("r", nil), nil},
		"zero":         {video.Input{}, nil},
	} {
		_, err := video.Store(context.Background(), c.in, video.Limits{})
		var e *video.Error
		require.ErrorAs(t, err, &e, name)
		assert.Equal(t, c.in.Name(), e.Name)
		if c.err != nil {
			assert.ErrorIs(t, err, c.err, name)
		}
		_, judged := video.Reason(err)
		assert.False(t, judged, "%s is operational", name)
		_, err = video.Open(context.Background(), c.in, video.Options{})
		require.Error(t, err, name)
	}
}

// A reader that blocks holds nobody up, and what was read is removed.
func TestStoreCancelled(t *testing.T) {
	dir := tempDir(t)
	client, server := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = server.Write(content(5 << 20))
		cancel()
	}()
	start := time.Now()
	_, err := video.Store(ctx, video.Reader("slow", client), video.Limits{})
	require.ErrorIs(t, err, context.Canceled)
	_, judged := video.Reason(err)
	assert.False(t, judged)
	assert.Less(t, time.Since(start), 30*time.Second)
	require.NoError(t, client.Close()) // ends the last Read
	require.NoError(t, server.Close())
	require.Eventually(t, func() bool { return len(list(t, dir)) == 0 }, 10*time.Second, 5*time.Millisecond)

	_, err = video.Store(ctx, video.Bytes("b", content(1)), video.Limits{})
	require.ErrorIs(t, err, context.Canceled)
}
