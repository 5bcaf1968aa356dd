package jpegluma_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	_ "image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "golang.org/x/image/webp"

	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/video/internal/jpegluma"
)

// TestHash holds the hash of reduced pictures near that of image/jpeg's luma, and logs the
// distances at every scale.
func TestHash(t *testing.T) {
	root := os.Getenv("REMATCH_MEDIA")
	if root == "" || testing.Short() {
		t.Skip("REMATCH_MEDIA is not set, or the test is to be short")
	}
	var pictures [][]byte
	for _, glob := range []string{"photos/*", "pdq/files/*"} {
		files, err := filepath.Glob(filepath.Join(root, glob))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			if bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
				pictures = append(pictures, data)
				continue
			}
			m, _, err := image.Decode(bytes.NewReader(data))
			if err != nil {
				continue
			}
			for _, quality := range []int{75, 90} {
				var b bytes.Buffer
				require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}))
				pictures = append(pictures, b.Bytes())
			}
		}
	}
	var (
		decoder   jpegluma.Decoder
		folder    jpegluma.Folder
		hasher    pdq.Hasher
		small     [jpegluma.Side * jpegluma.Side]float32
		histogram = map[int][]int{}
		classes   = map[[2]int][]int{} // scale, short side at it / 64
		good, all int
	)
	for _, data := range pictures {
		m, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		var luma image.Image
		switch m := m.(type) {
		case *image.Gray:
			luma = m
		case *image.YCbCr:
			luma = &image.Gray{Pix: m.Y, Stride: m.YStride, Rect: m.Rect}
		default:
			continue
		}
		want, quality := hasher.Sum(luma)
		if quality < 80 {
			continue
		}
		for _, scale := range []int{0, 1, 2, 4, 8} {
			p, err := decoder.Decode(data, jpegluma.Options{Scale: scale})
			var unusual jpegluma.UnusualError
			if errors.As(err, &unusual) {
				continue
			}
			require.NoError(t, err)
			folder.Fold(&small, p)
			got, _ := hasher.SumLuma(small[:], jpegluma.Side, jpegluma.Side)
			bits, ok := want.Distance(got)
			require.True(t, ok)
			for len(histogram[scale]) < 257 {
				histogram[scale] = append(histogram[scale], 0)
			}
			histogram[scale][bits]++
			c := [2]int{scale, min(min(p.Width, p.Height)/64, 5)}
			for len(classes[c]) < 257 {
				classes[c] = append(classes[c], 0)
			}
			classes[c][bits]++
			if scale == 0 {
				all++
				if bits <= 2 {
					good++
				}
				assert.LessOrEqual(t, bits, 6)
			}
		}
	}
	for _, scale := range []int{0, 1, 2, 4, 8} {
		t.Log("scale", scale, "pictures by distance", histogram[scale][:20])
		for side := range 6 {
			if c := classes[[2]int{scale, side}]; c != nil {
				t.Log("  short side from", 64*side, c[:16])
			}
		}
	}
	assert.GreaterOrEqual(t, good*100, all*98)
}
