package screen

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
)

// photograph returns one of the project's pictures at a size, as a decoder gives it.
func photograph(t testing.TB, name string, size image.Point) image.Image {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", name))
	require.NoError(t, err)
	m, err := jpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	dst := image.NewRGBA(image.Rectangle{Max: size})
	draw.BiLinear.Scale(dst, dst.Rect, m, m.Bounds(), draw.Src, nil)
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, dst, &jpeg.Options{Quality: 90}))
	m, err = jpeg.Decode(&b)
	require.NoError(t, err)
	return m
}

// TestLooksOfACleanPhotograph holds that it is looked at whole, in eight orientations,
// and not otherwise.
func TestLooksOfACleanPhotograph(t *testing.T) {
	m := photograph(t, "known/flowers.jpg", image.Pt(800, 533))
	var l looker
	looks, err := l.looks(m, []hash.Kind{hash.PDQ}, true)
	require.NoError(t, err)
	require.Len(t, looks, hash.Orientations)
	for o, look := range looks {
		assert.Zero(t, look.Limit)
		if o == 0 {
			assert.Empty(t, look.Transform)
			continue
		}
		assert.Equal(t, []string{hash.Orientation(o).String()}, look.Transform)
	}
}

// BenchmarkLooks compares all looks at a photograph that has no parts with one plain
// hash of it.
func BenchmarkLooks(b *testing.B) {
	for _, size := range []image.Point{{X: 512, Y: 512}, {X: 1600, Y: 1004}} {
		m := photograph(b, "known/flowers.jpg", size)
		name := fmt.Sprintf("size=%dx%d", size.X, size.Y)
		b.Run("looks=plain/"+name, func(b *testing.B) {
			var h pdq.Hasher
			for b.Loop() {
				h.Sum(m)
			}
		})
		b.Run("looks=all/"+name, func(b *testing.B) {
			var l looker
			var looks int
			for b.Loop() {
				all, err := l.looks(m, []hash.Kind{hash.PDQ}, true)
				if err != nil {
					b.Fatal(err)
				}
				looks = len(all)
			}
			b.ReportMetric(float64(looks), "looks")
		})
	}
}
