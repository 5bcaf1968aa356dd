package jpegluma

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lumaOf is the luma that image/jpeg decodes, row by row.
func lumaOf(tb testing.TB, data []byte) ([]uint8, int, int) {
	m, err := jpeg.Decode(bytes.NewReader(data))
	require.NoError(tb, err)
	pix, stride := planeOf(tb, m)
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	out := make([]uint8, 0, w*h)
	for y := range h {
		out = append(out, pix[y*stride:y*stride+w]...)
	}
	return out, w, h
}

func planeOf(tb testing.TB, m image.Image) (pix []uint8, stride int) {
	switch m := m.(type) {
	case *image.Gray:
		return m.Pix, m.Stride
	case *image.YCbCr:
		return m.Y, m.YStride
	}
	require.Fail(tb, "no luma", "%T", m)
	return nil, 0
}

// requireLuma holds a file's luma at scale 1 within one of image/jpeg's.
func requireLuma(tb testing.TB, data []byte) {
	want, w, h := lumaOf(tb, data)
	p, err := Decode(data, Options{Scale: 1})
	require.NoError(tb, err)
	require.Equal(tb, [4]int{w, h, w, h}, [4]int{p.Width, p.Height, p.PictureWidth, p.PictureHeight})
	for y := range h {
		for x := range w {
			got := p.Luma[y*p.Stride+x]
			if d := int(got) - int(want[y*w+x]); d < -1 || d > 1 {
				require.Failf(tb, "luma differs", "at %d,%d: %d instead of %d", x, y, got, want[y*w+x])
			}
		}
	}
}

func media(tb testing.TB, globs ...string) (files []string) {
	root := os.Getenv("REMATCH_MEDIA")
	if root == "" {
		tb.Skip("REMATCH_MEDIA is not set: tests with third-party pictures are left out")
	}
	for _, glob := range globs {
		found, err := filepath.Glob(filepath.Join(root, glob))
		require.NoError(tb, err)
		require.NotEmpty(tb, found, glob)
		files = append(files, found...)
	}
	return files
}

// TestMedia holds real files, of many cameras and programs, equal to image/jpeg.
func TestMedia(t *testing.T) {
	unusual := 0
	files := media(t, "photos/*.[jJ][pP]*[gG]", "pdq/files/*.[jJ][pP]*[gG]")
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		if c, err := jpeg.DecodeConfig(bytes.NewReader(data)); err == nil && testing.Short() && c.Width*c.Height > 2<<20 {
			continue
		}
		var u UnusualError
		if _, err := Decode(data, Options{Scale: 8}); errors.As(err, &u) {
			t.Log(filepath.Base(file), err)
			unusual++
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) { requireLuma(t, data) })
	}
	assert.Less(t, unusual, len(files)/10)
}
