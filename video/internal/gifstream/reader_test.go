package gifstream_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video/internal/gifstream"
)

func anySize(image.Point) error { return nil }

// sample is a GIF with two pictures, one with a palette of its own.
func sample(t testing.TB) ([]byte, *gif.GIF) {
	t.Helper()
	global := color.Palette{color.RGBA{1, 2, 3, 255}, color.RGBA{200, 100, 0, 255}}
	local := color.Palette{color.RGBA{9, 9, 9, 255}, color.RGBA{}, color.RGBA{7, 7, 7, 255}, color.RGBA{5, 5, 5, 255}}
	a, b := image.NewPaletted(image.Rect(0, 0, 40, 30), global), image.NewPaletted(image.Rect(3, 4, 20, 15), local)
	for i := range a.Pix {
		a.Pix[i] = byte(i / 3 % 2)
	}
	for i := range b.Pix {
		b.Pix[i] = byte(i % 4)
	}
	g := &gif.GIF{
		Image: []*image.Paletted{a, b}, Delay: []int{1, 7}, Disposal: []byte{gif.DisposalNone, gif.DisposalPrevious},
		Config: image.Config{ColorModel: global, Width: 40, Height: 30},
	}
	var file bytes.Buffer
	require.NoError(t, gif.EncodeAll(&file, g))
	return file.Bytes(), g
}

// image/gif is the oracle: the same pictures, pixel by pixel.
func TestReaderEqualsImageGIF(t *testing.T) {
	file, _ := sample(t)
	want, err := gif.DecodeAll(bytes.NewReader(file))
	require.NoError(t, err)
	r, err := gifstream.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	assert.Equal(t, []int{40, 30}, []int{r.Width, r.Height})
	for i, m := range want.Image {
		p, err := r.Next(anySize)
		require.NoError(t, err)
		assert.Equal(t, m.Rect, p.Rect)
		assert.Equal(t, m.Pix, p.Pix)
		assert.Equal(t, want.Disposal[i], p.Disposal)
		for c := range m.Palette {
			if c != p.Transparent { // image/gif clears the entry
				assert.Equal(t, m.Palette[c], p.Palette[c])
			}
		}
		assert.Equal(t, []time.Duration{100 * time.Millisecond, 70 * time.Millisecond}[i], p.Delay)
		assert.Equal(t, []int{-1, 1}[i], p.Transparent)
	}
	_, err = r.Next(anySize)
	assert.Equal(t, io.EOF, err)
}

// Skip tells the same without the pixels, at the same places.
func TestSkip(t *testing.T) {
	file, g := sample(t)
	for n := range len(file) + 1 {
		a, errA := gifstream.NewReader(bytes.NewReader(file[:n]))
		b, errB := gifstream.NewReader(bytes.NewReader(file[:n]))
		require.Equal(t, errA, errB)
		if errA != nil {
			require.ErrorIs(t, errA, io.ErrUnexpectedEOF)
			continue
		}
		for range len(g.Image) + 1 {
			p, errA := a.Next(anySize)
			q, errB := b.Skip()
			require.Equal(t, errA, errB, "%d of %d bytes", n, len(file))
			if errA != nil {
				require.Equal(t, n == len(file), errA == io.EOF)
				break
			}
			p.Pix, p.Palette = nil, nil
			require.Equal(t, p, q)
		}
	}
}

func TestReaderErrors(t *testing.T) {
	file, _ := sample(t)
	_, err := gifstream.NewReader(bytes.NewReader(append([]byte("GIF88a"), file[6:]...)))
	assert.ErrorIs(t, err, gifstream.ErrFormat)

	refused := errors.New("too large")
	r, err := gifstream.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	_, err = r.Next(func(size image.Point) error {
		assert.Equal(t, image.Pt(40, 30), size)
		return refused
	})
	assert.Equal(t, refused, err)

	head := "GIF89a\x02\x00\x02\x00\x00\x00\x00"
	for name, blocks := range map[string]string{
		"unknown block":      "?",
		"no colours":         ",\x00\x00\x00\x00\x02\x00\x02\x00\x00\x02\x02\x4c\x01\x00;",
		"code size":          ",\x00\x00\x00\x00\x02\x00\x02\x00\x80\x00\x00\x00\xff\xff\xff\x0c\x02\x4c\x01\x00;",
		"too few pixels":     ",\x00\x00\x00\x00\x02\x00\x02\x00\x80\x00\x00\x00\xff\xff\xff\x02\x01\x2c\x00;",
		"short control":      "!\xf9\x03\x00\x00\x00\x00",
		"codes out of order": ",\x00\x00\x00\x00\x02\x00\x02\x00\x80\x00\x00\x00\xff\xff\xff\x02\x02\xff\xff\x00;",
	} {
		r, err := gifstream.NewReader(bytes.NewReader([]byte(head + blocks)))
		require.NoError(t, err, name)
		_, err = r.Next(anySize)
		assert.ErrorIs(t, err, gifstream.ErrFormat, name)
	}
}

// A picture may leave the canvas, on any side that the format can name.
func TestCanvasClips(t *testing.T) {
	c := gifstream.NewCanvas(3, 2)
	white := color.Palette{color.RGBA{255, 255, 255, 255}}
	m := c.Draw(gifstream.Picture{Rect: image.Rect(2, 1, 9, 9), Palette: white, Transparent: -1, Pix: make([]byte, 56), Disposal: gifstream.DisposalBackground})
	for i := range 6 {
		assert.Equal(t, i == 5, m.Pix[4*i+3] == 255, "pixel %d", i)
	}
	m = c.Draw(gifstream.Picture{Rect: image.Rect(5, 5, 6, 6), Palette: white, Transparent: -1, Pix: make([]byte, 1), Disposal: gifstream.DisposalPrevious})
	assert.Equal(t, make([]byte, 24), m.Pix, "the hole is clear, and nothing was drawn")
	m = c.Draw(gifstream.Picture{Rect: image.Rect(0, 0, 3, 2), Palette: white, Transparent: -1, Pix: []byte{0, 9, 0, 0, 0, 0}})
	assert.Zero(t, m.Pix[4*1+3], "an index beyond the palette draws nothing")
	assert.True(t, c.Covers(gifstream.Picture{Rect: image.Rect(0, 0, 3, 2), Transparent: -1}))
	assert.False(t, c.Covers(gifstream.Picture{Rect: image.Rect(0, 0, 3, 2), Transparent: 0}))
	assert.False(t, c.Covers(gifstream.Picture{Rect: image.Rect(0, 0, 2, 2), Transparent: -1}))
}
