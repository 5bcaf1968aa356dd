package video_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video"
)

// media returns a path in the folder of reference media, and skips the test where
// there is none. With the folder, what is missing is a failure.
func media(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("REMATCH_MEDIA")
	if root == "" {
		t.Skip("REMATCH_MEDIA is not set: no reference media to try")
	}
	return filepath.Join(append([]string{root}, elem...)...)
}

// glob returns the files of a pattern among the reference media, at least one.
func glob(t testing.TB, elem ...string) []string {
	t.Helper()
	files, err := filepath.Glob(media(t, elem...))
	require.NoError(t, err)
	require.NotEmpty(t, files, elem)
	return files
}

// scene draws a picture without any symmetry, whose neighbours are close enough
// for lossy formats.
func scene(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{
				R: byte(255 * x / w), G: byte(255 * y / h), B: byte(128 * (x + 2*y) / (w + 2*h)), A: 255,
			})
		}
	}
	// A dark corner tells where the top left is.
	for y := range h / 3 {
		for x := range w / 4 {
			m.SetRGBA(x, y, color.RGBA{10, 20, 30, 255})
		}
	}
	return m
}

// paletted reduces a picture to 6 x 6 x 6 colours.
func paletted(m image.Image) *image.Paletted {
	var p color.Palette
	for i := range 216 {
		p = append(p, color.RGBA{byte(i / 36 * 51), byte(i / 6 % 6 * 51), byte(i % 6 * 51), 255})
	}
	d := image.NewPaletted(m.Bounds(), p)
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			d.Set(x, y, m.At(x, y))
		}
	}
	return d
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: 98}))
	return b.Bytes()
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

func asGIF(t testing.TB, g *gif.GIF) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, gif.EncodeAll(&b, g))
	return b.Bytes()
}

func asBMP(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, bmp.Encode(&b, m))
	return b.Bytes()
}

func asTIFF(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, tiff.Encode(&b, m, &tiff.Options{Compression: tiff.Deflate}))
	return b.Bytes()
}

// exif is a TIFF structure whose first directory holds nothing but an orientation.
func exif(orientation uint16) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00\x01\x00") // directory at 8, one entry
	b = binary.LittleEndian.AppendUint16(b, 0x0112)
	b = binary.LittleEndian.AppendUint16(b, 3) // a short
	b = binary.LittleEndian.AppendUint32(b, 1) // one of them
	b = binary.LittleEndian.AppendUint16(b, orientation)
	return append(b, make([]byte, 2+4)...) // padding, no next directory
}

// withAPP1 inserts an EXIF segment behind a JPEG's first marker.
func withAPP1(jpg, exif []byte) []byte {
	b := append([]byte{}, jpg[:2]...)
	b = append(b, 0xff, 0xe1)
	b = binary.BigEndian.AppendUint16(b, uint16(2+6+len(exif)))
	b = append(b, "Exif\x00\x00"...)
	b = append(b, exif...)
	return append(b, jpg[2:]...)
}

// withEXIf inserts an eXIf chunk behind a PNG's header chunk.
func withEXIf(pic, exif []byte) []byte {
	const header = 8 + 12 + 13
	chunk := append([]byte("eXIf"), exif...)
	b := append([]byte{}, pic[:header]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(exif)))
	b = append(b, chunk...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(chunk))
	return append(b, pic[header:]...)
}

// riff makes a WebP file of chunks, each a name and its content.
func riff(chunks ...string) []byte {
	body := []byte("WEBP")
	for i := 0; i < len(chunks); i += 2 {
		body = append(body, chunks[i]...)
		body = binary.LittleEndian.AppendUint32(body, uint32(len(chunks[i+1])))
		body = append(body, chunks[i+1]...)
		if len(chunks[i+1])%2 == 1 {
			body = append(body, 0)
		}
	}
	b := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body)))
	return append(b, body...)
}

// open opens bytes and closes them with the test.
func open(t testing.TB, b []byte, o video.Options) *video.Media {
	t.Helper()
	m, err := video.Open(context.Background(), video.Bytes("test", b), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// one returns the only frame of a still.
func one(t testing.TB, m *video.Media, r video.Request) image.Image {
	t.Helper()
	frames, err := collect(m.Frames(context.Background(), r))
	require.NoError(t, err)
	require.Len(t, frames, 1)
	require.Equal(t, 0, frames[0].Number)
	require.Equal(t, time.Duration(0), frames[0].Time)
	require.True(t, frames[0].Key)
	return frames[0].Image
}

// collect returns copies of all frames, and the error that ended them.
func collect(seq iter.Seq2[hash.Frame, error]) ([]hash.Frame, error) {
	var all []hash.Frame
	for f, err := range seq {
		if err != nil {
			return all, err
		}
		switch m := f.Image.(type) { // the canvases of animations
		case *image.RGBA:
			c := *m
			c.Pix = bytes.Clone(m.Pix)
			f.Image = &c
		case *image.NRGBA:
			c := *m
			c.Pix = bytes.Clone(m.Pix)
			f.Image = &c
		}
		all = append(all, f)
	}
	return all, nil
}

// far returns the largest difference of any colour component of two pictures of
// the same size, 0 to 255.
func far(t testing.TB, a, b image.Image) int {
	t.Helper()
	require.Equal(t, a.Bounds().Size(), b.Bounds().Size())
	most := 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			p := color.NRGBAModel.Convert(a.At(a.Bounds().Min.X+x, a.Bounds().Min.Y+y)).(color.NRGBA)
			q := color.NRGBAModel.Convert(b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y)).(color.NRGBA)
			for _, d := range []int{int(p.R) - int(q.R), int(p.G) - int(q.G), int(p.B) - int(q.B), int(p.A) - int(q.A)} {
				most = max(most, d, -d)
			}
		}
	}
	return most
}
