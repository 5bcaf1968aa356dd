package video_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/tiff"

	"github.com/rematch-go/rematch/video"
)

func TestStillsOfSeveralPictures(t *testing.T) {
	picture := image.NewGray(image.Rect(0, 0, 16, 12))
	var still, page bytes.Buffer
	require.NoError(t, png.Encode(&still, picture))
	require.NoError(t, tiff.Encode(&page, picture, nil))

	chunk := func(name string, data ...byte) []byte {
		b := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), name...)
		b = append(b, data...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	animated := func(frames byte, control ...[]byte) []byte {
		const head = 8 + 25 // signature and IHDR
		b := append(bytes.Clone(still.Bytes()[:head]), chunk("acTL", 0, 0, 0, frames, 0, 0, 0, 0)...)
		for _, c := range control {
			b = append(b, c...)
		}
		return append(b, still.Bytes()[head:]...)
	}
	// paged links a copy of the first directory, of the given NewSubfileType, behind it.
	paged := func(subfile uint32) []byte {
		b := bytes.Clone(page.Bytes())
		first := int(binary.LittleEndian.Uint32(b[4:]))
		count := int(binary.LittleEndian.Uint16(b[first:]))
		second := binary.LittleEndian.AppendUint16(nil, uint16(count+1))
		second = binary.LittleEndian.AppendUint16(second, 254)
		second = append(second, 4, 0, 1, 0, 0, 0) // one LONG
		second = binary.LittleEndian.AppendUint32(second, subfile)
		second = append(second, b[first+2:first+2+12*count]...)
		second = append(second, 0, 0, 0, 0)
		binary.LittleEndian.PutUint32(b[first+2+12*count:], uint32(len(b)))
		return append(b, second...)
	}
	for _, c := range []struct {
		name   string
		data   []byte
		detail string
	}{
		{"a PNG", still.Bytes(), ""},
		{"a PNG with an animation of one frame, its picture", animated(1, chunk("fcTL", make([]byte, 26)...)), ""},
		{"a PNG with an animation of one frame, another picture", animated(1), "animated PNG"},
		{"an animated PNG", animated(2), "animated PNG"},
		{"a TIFF", page.Bytes(), ""},
		{"a TIFF with a thumbnail", paged(1), ""},
		{"a TIFF of two pages", paged(2), "several pages"},
	} {
		m, err := video.Open(context.Background(), video.Bytes(c.name, c.data), video.Options{})
		if c.detail == "" {
			require.NoError(t, err, c.name)
			for _, err := range m.Frames(context.Background(), video.Request{}) {
				assert.NoError(t, err, c.name)
			}
			assert.NoError(t, m.Close())
			continue
		}
		require.ErrorIs(t, err, video.ErrUnsupported, c.name)
		assert.ErrorContains(t, err, c.detail)
	}
}
