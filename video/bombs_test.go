package video_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/gif"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
)

// allocated returns how many bytes f takes in all, given back or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// judged opens a file and decodes its frames.
func judged(t testing.TB, b []byte, o video.Options) (frames int, err error) {
	t.Helper()
	m, err := video.Open(context.Background(), video.Bytes("bomb", b), o)
	if err != nil {
		return 0, err
	}
	defer func() { require.NoError(t, m.Close()) }()
	for _, e := range m.Frames(context.Background(), video.Request{}) {
		if e != nil {
			return frames, e
		}
		frames++
	}
	return frames, nil
}

func gifOfOne() *gif.GIF {
	return &gif.GIF{Image: []*image.Paletted{paletted(scene(64, 64))}, Delay: []int{0}}
}

func pngChunk(name string, content []byte) []byte {
	b := append(binary.BigEndian.AppendUint32(nil, uint32(len(content))), name...)
	b = append(b, content...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func pngOfSize(side uint32, depth, colour, interlace byte) []byte {
	var pixels bytes.Buffer
	z := zlib.NewWriter(&pixels)
	_, _ = z.Write(make([]byte, 1<<20))
	_ = z.Close()
	size := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, side), side)
	return join([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(size, depth, colour, 0, 0, interlace)), pngChunk("IDAT", pixels.Bytes()), pngChunk("IEND", nil))
}

// tiffOf has the given directory, of tags as tag, type, count, value, and nothing else.
func tiffOf(entries ...[4]uint32) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, uint16(e[0])), uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, e[2]), e[3])
	}
	return binary.LittleEndian.AppendUint32(b, 0)
}

func patched(b []byte, at int, bytes ...byte) []byte {
	b = append([]byte(nil), b...)
	copy(b[at:], bytes)
	return b
}

// What a file says of itself takes no memory: neither 30,000 x 30,000 pixels nor what is in it by the
// million, or would be.
func TestDeclaredSizesTakeNoMemory(t *testing.T) {
	const side = 30_000
	jpg := asJPEG(t, scene(64, 64))
	sof := bytes.Index(jpg, []byte("\xff\xc0"))
	require.Positive(t, sof)
	webp, err := os.ReadFile(filepath.Join("..", "testdata", "known", "market.webp"))
	require.NoError(t, err)
	require.Equal(t, "VP8 ", string(webp[12:16]))
	bmp := asBMP(t, scene(64, 64))
	wide := func(at int, b []byte) []byte { // little-endian, twice
		return patched(b, at, binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, side), side)...)
	}
	for _, c := range []struct {
		name   string
		data   []byte
		reason string
	}{
		{"PNG", pngOfSize(side, 8, 6, 0), "over_budget_pixels"},
		{"PNG of all pixels there can be", pngOfSize(1<<31-1, 16, 6, 1), "unsupported"},
		{"JPEG", patched(jpg, sof+5, side>>8, side&0xff, side>>8, side&0xff), "over_budget_pixels"},
		{"BMP", wide(18, bmp), "over_budget_pixels"},
		{"GIF", patched(asGIF(t, gifOfOne()), 6, side&0xff, side>>8, side&0xff, side>>8), "over_budget_pixels"},
		{"TIFF", tiffOf([4]uint32{256, 4, 1, side}, [4]uint32{257, 4, 1, side}, [4]uint32{258, 3, 1, 8}, [4]uint32{262, 3, 1, 1}, [4]uint32{273, 4, 1, 8}, [4]uint32{278, 4, 1, side}, [4]uint32{279, 4, 1, 100}), "over_budget_pixels"},
		{"TIFF of strips by the million", tiffOf([4]uint32{256, 4, 1, 64}, [4]uint32{257, 4, 1, 64}, [4]uint32{258, 3, 1, 8}, [4]uint32{262, 3, 1, 1}, [4]uint32{273, 4, 1 << 28, 8}, [4]uint32{278, 4, 1, 1}, [4]uint32{279, 4, 1 << 28, 8}), "truncated"},
		{"TIFF of tiles by the million", tiffOf([4]uint32{256, 4, 1, 64}, [4]uint32{257, 4, 1, 64}, [4]uint32{258, 3, 1, 8}, [4]uint32{262, 3, 1, 1}, [4]uint32{322, 4, 1, 1}, [4]uint32{323, 4, 1, 1}, [4]uint32{324, 4, 1 << 28, 8}, [4]uint32{325, 4, 1 << 28, 8}), "corrupt"},
		{"TIFF of a long strip", tiffOf([4]uint32{256, 4, 1, 64}, [4]uint32{257, 4, 1, 64}, [4]uint32{258, 3, 1, 8}, [4]uint32{262, 3, 1, 1}, [4]uint32{273, 4, 1, 8}, [4]uint32{278, 4, 1, 64}, [4]uint32{279, 4, 1, 1 << 31}), "corrupt"},
		{"WebP of a long chunk", patched(patched(webp, 4, 0xf0, 0xff, 0xff, 0x7f), 16, 0xe0, 0xff, 0xff, 0x7f), "corrupt"},
		{"WebP of a large canvas", join([]byte("RIFF\x20\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00"), []byte{side & 0xff, side >> 8, 0, side & 0xff, side >> 8, 0}, []byte("ALPH\x01\x00\x00\x00\x00\x00")), "over_budget_pixels"},
		{"WebP of a larger picture than its canvas", join([]byte("RIFF\x30\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00"), []byte{9, 0, 0, 9, 0, 0}, []byte("VP8L\x10\x00\x00\x00\x2f\xff\xff\xff\x0f"), make([]byte, 11)), ""},
	} {
		var err error
		n := allocated(func() { _, err = judged(t, c.data, video.Options{}) })
		assert.Less(t, n, uint64(12<<20), "%s: bytes allocated", c.name)
		reason, ok := video.Reason(err)
		assert.True(t, ok, "%s: %v", c.name, err)
		if c.reason != "" {
			assert.Equal(t, c.reason, reason, "%s: %v", c.name, err)
		}
	}
}
