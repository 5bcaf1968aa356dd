package video_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/gif"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
)

// tiny are budgets that keep a fuzzing run quick: what is over them is refused.
var tiny = video.Limits{Bytes: 64 << 10, Pixels: 64 << 10, Frames: 50, Duration: time.Minute, Work: 10 * time.Second}

// tryHostile opens bytes and decodes them; every result must keep to the contract.
func tryHostile(t *testing.T, b []byte, r video.Request) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		var e *video.Error
		require.ErrorAs(t, err, &e)
		_, judged := video.Reason(err)
		require.True(t, judged, "bytes alone never make an operational error: %v", err)
		require.LessOrEqual(t, len(e.Detail), 2<<10)
	}
	m, err := video.Open(context.Background(), video.Bytes("fuzz", b), video.Options{Limits: tiny})
	if err != nil {
		check(err)
		return
	}
	info := m.Info()
	require.NotEqual(t, video.Video, info.Class, "there is no backend")
	n, last := 0, time.Duration(0)
	for f, err := range m.Frames(context.Background(), r) {
		if err != nil {
			check(err)
			break
		}
		size := f.Image.Bounds().Size()
		require.Positive(t, size.X*size.Y)
		require.LessOrEqual(t, size.X*size.Y, 64<<10)
		if r.MaxSide == 0 {
			require.Equal(t, image.Pt(info.Width, info.Height), size)
		} else {
			require.LessOrEqual(t, max(size.X, size.Y), r.MaxSide)
		}
		require.GreaterOrEqual(t, f.Time, last)
		f.Image.At(f.Image.Bounds().Max.X-1, f.Image.Bounds().Max.Y-1)
		n, last = n+1, f.Time
	}
	require.LessOrEqual(t, n, 50)
	require.NoError(t, m.Close())
}

func FuzzOpen(f *testing.F) {
	m := scene(12, 9)
	for _, b := range [][]byte{
		nil, []byte("#EXTM3U"), mp4, flatWebP(5, 4, color.NRGBA{1, 2, 3, 255}), asGIF(f, moving()),
		withAPP1(asJPEG(f, m), exif(6)), withEXIf(asPNG(f, m), exif(3)), asBMP(f, m), asTIFF(f, m), asPNG(f, paletted(m)),
	} {
		f.Add(b, uint8(0))
		f.Add(b, uint8(5))
	}
	f.Fuzz(func(t *testing.T, b []byte, side uint8) {
		tryHostile(t, b, video.Request{MaxSide: int(side)})
	})
}

// FuzzGIF starts from what FuzzOpen would hardly find: animations of its own
// making, with the blocks after the header free.
func FuzzGIF(f *testing.F) {
	file := asGIF(f, moving())
	f.Add(file[13:], uint8(6), uint8(4), uint8(0x81))
	still := asGIF(f, &gif.GIF{Image: []*image.Paletted{paletted(scene(9, 7))}, Delay: []int{0}})
	f.Add(still[13:], uint8(0), uint8(0), still[10])
	f.Fuzz(func(t *testing.T, blocks []byte, w, h, flags uint8) {
		b := append([]byte("GIF89a"), w, 0, h, 0, flags, 0, 0)
		tryHostile(t, append(b, blocks...), video.Request{})
	})
}

// FuzzLuma holds the short way for JPEG files to the full one: the same files are judged, and the
// others not for the same reasons.
func FuzzLuma(f *testing.F) {
	m := scene(40, 25)
	gray := image.NewGray(m.Rect)
	for i := range gray.Pix {
		gray.Pix[i] = byte(7 * i)
	}
	for _, m := range []image.Image{m, gray} {
		f.Add(asJPEG(f, m))
		progressive := bytes.Replace(asJPEG(f, m), []byte("\xff\xc0"), []byte("\xff\xc2"), 1)
		f.Add(progressive)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if format, _, _ := video.Sniff(b); format != "jpeg" {
			return
		}
		require.Equal(t, outcome(t, b, tiny, false), outcome(t, b, tiny, true))
	})
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x20ftypisom"))
	f.Add([]byte(packets(5, 188, 0)))
	f.Add([]byte("RIFF\x00\x00\x00\x00AVI LIST"))
	f.Fuzz(func(t *testing.T, header []byte) {
		format, demuxer, class := video.Sniff(header)
		require.Equal(t, class == video.Video, demuxer != "")
		if class != 0 {
			require.NotEmpty(t, format)
		}
		again, _, _ := video.Sniff(header[:min(len(header), 4096)])
		require.Equal(t, again, format, "4096 bytes are enough")
	})
}
