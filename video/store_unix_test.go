//go:build unix

package video_test

import (
	"context"
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
)

// Nothing that would block or have effects is opened: this test hangs if a fifo is.
func TestStoreSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	fifo, socket := filepath.Join(dir, "fifo"), filepath.Join(dir, "s")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer l.Close()
	for _, path := range []string{fifo, socket, "/dev/zero", "/dev/tty", dir} {
		_, err := video.Store(context.Background(), video.File(path), video.Limits{})
		assert.Error(t, err, path)
		if path != "/dev/tty" { // may be missing
			assert.ErrorIs(t, err, video.ErrNotRegular, path)
		}
	}
}
