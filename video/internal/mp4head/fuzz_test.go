package mp4head

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// head returns a file's boxes without what its media box holds, as that is not read.
func head(t testing.TB, path string) []byte {
	t.Helper()
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	var out []byte
	for len(file) >= 8 {
		n := int(binary.BigEndian.Uint32(file))
		require.True(t, n >= 8 && n <= len(file))
		if string(file[4:8]) != "mdat" {
			out = append(out, file[:n]...)
		}
		file = file[n:]
	}
	return out
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("../../../testdata/uploads/videos/*.mp4")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, path := range files[:2] {
		f.Add(head(f, path))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, ok := Read(bytes.NewReader(data), int64(len(data)))
		if ok {
			assert.Positive(t, h.Streams)
			assert.Positive(t, h.Width)
			assert.Positive(t, h.Height)
			assert.GreaterOrEqual(t, h.Duration, time.Duration(0))
			assert.NotEmpty(t, h.Codec)
		}
	})
}

// A file that ends early, wherever it does, is not plain.
func TestReadCutFiles(t *testing.T) {
	files, err := filepath.Glob("../../../testdata/uploads/videos/*.mp4")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	whole := head(t, files[0])
	_, ok := Read(bytes.NewReader(whole), int64(len(whole)))
	assert.True(t, ok)
	for n := range whole {
		if _, ok := Read(bytes.NewReader(whole[:n]), int64(n)); ok {
			// What follows the index may be missing altogether.
			assert.Equal(t, 0, bytes.Count(whole[n:], []byte("moov")))
		}
	}
}
