package pdq_test

import (
	"encoding/csv"
	"image"
	_ "image/png"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
)

// media returns a path in the folder of reference media, and skips the test where
// there is none. With the folder, a file that is missing is a failure.
func media(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("REMATCH_MEDIA")
	if root == "" {
		t.Skip("REMATCH_MEDIA is not set: no reference media to compare with")
	}
	return filepath.Join(append([]string{root}, elem...)...)
}

func readImage(t testing.TB, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	m, _, err := image.Decode(f)
	require.NoError(t, err, path)
	return m
}

// kernels are the ways to hash on this processor.
func kernels() map[string]*pdq.Hasher {
	var portable pdq.Hasher
	portable.Portable()
	return map[string]*pdq.Hasher{"this processor's": new(pdq.Hasher), "Go": &portable}
}

// TestGolden holds hash, quality and orientations equal to the reference's, without
// tolerance: these are exactly the pixels that it saw.
func TestGolden(t *testing.T) {
	f, err := os.Open(media(t, "pdq", "pixels.csv"))
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+34)
	header := rows[0]
	require.Equal(t, []string{"file", "hash", "quality", "rot90", "rot180", "rot270", "flipx", "flipy", "flipplus1", "flipminus1"}, header)

	hashers := kernels()
	for _, row := range rows[1:] {
		m := readImage(t, media(t, "pdq", "pixels", row[0]))
		quality, err := strconv.Atoi(row[2])
		require.NoError(t, err)

		for kernel, h := range hashers {
			v, q := h.Sum(m)
			assert.Equal(t, row[1], v.Hex(), "%s %s", row[0], kernel)
			assert.Equal(t, hash.Quality(quality), q, row[0])

			all, q := h.Orientations(m)
			assert.Equal(t, hash.Quality(quality), q, row[0])
			assert.Equal(t, v, all[hash.Original], row[0])
			for column := 3; column < len(row); column++ {
				o := hash.Orientation(column - 2)
				require.Equal(t, header[column], o.String())
				assert.Equal(t, row[column], all[o].Hex(), "%s %s %s", row[0], o, kernel)
			}
		}
	}
}
