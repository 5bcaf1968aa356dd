package video_test

import (
	"context"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/video"
)

func TestStills(t *testing.T) {
	m := scene(37, 23)
	deep := image.NewNRGBA64(m.Rect)
	glass := image.NewNRGBA(m.Rect)
	gray := image.NewGray(m.Rect)
	for y := range 23 {
		for x := range 37 {
			c := m.RGBAAt(x, y)
			deep.Set(x, y, c)
			glass.SetNRGBA(x, y, color.NRGBA{c.R, c.G, c.B, byte(40 + 5*x)})
			gray.Set(x, y, c)
		}
	}
	p := paletted(m)
	for _, c := range []struct {
		name   string
		file   []byte
		want   image.Image
		format string
		off    int // largest difference of a component
	}{
		{"jpeg", asJPEG(t, m), m, "jpeg", 40}, // at the dark corner's edges
		{"jpeg, gray", asJPEG(t, gray), gray, "jpeg", 12},
		{"png", asPNG(t, m), m, "png", 0},
		{"png, palette", asPNG(t, p), p, "png", 0},
		{"png, 16 bit", asPNG(t, deep), deep, "png", 0},
		{"png, alpha", asPNG(t, glass), glass, "png", 0},
		{"png, gray", asPNG(t, gray), gray, "png", 0},
		{"gif", asGIF(t, &gif.GIF{Image: []*image.Paletted{p}, Delay: []int{7}}), p, "gif", 0},
		{"bmp", asBMP(t, m), m, "bmp", 0},
		{"bmp, palette", asBMP(t, p), p, "bmp", 0},
		{"tiff", asTIFF(t, m), m, "tiff", 0},
		{"tiff, gray", asTIFF(t, gray), gray, "tiff", 0},
		{"tiff, 16 bit", asTIFF(t, deep), deep, "tiff", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := open(t, c.file, video.Options{})
			assert.Equal(t, video.Info{Class: video.Still, Format: c.format, Width: 37, Height: 23, Bytes: int64(len(c.file))}, m.Info())
			assert.Empty(t, m.Backend())
			for range 2 { // again, from the start
				assert.LessOrEqual(t, far(t, c.want, one(t, m, video.Request{})), c.off)
			}
			late := video.Sampling{Keys: true, At: []time.Duration{time.Hour}}
			small := one(t, m, video.Request{Sampling: late, MaxSide: 10})
			assert.Equal(t, image.Pt(10, 6), small.Bounds().Size())
		})
	}
}

// A WebP of one colour, lossless, written by hand: each of the five prefix codes
// has a single symbol, so that the pixels take no bits at all.
func flatWebP(w, h int, c color.NRGBA) []byte {
	var bits, n uint64
	var out []byte
	put := func(v uint64, count uint64) {
		for bits, n = bits|v<<n, n+count; n >= 8; bits, n = bits>>8, n-8 {
			out = append(out, byte(bits))
		}
	}
	put(0x2f, 8)
	put(uint64(w-1), 14)
	put(uint64(h-1), 14)
	alpha := uint64(0)
	if c.A < 255 {
		alpha = 1
	}
	put(alpha, 1) // is alpha used?
	put(0, 3)     // version
	put(0, 1+1+1) // no transform, no colour cache, no meta prefix codes
	for _, symbol := range []byte{c.G, c.R, c.B, c.A} {
		put(1, 1)              // a simple code
		put(0, 1)              // of one symbol
		put(1, 1)              // of 8 bits
		put(uint64(symbol), 8) // which is
	}
	put(1, 1) // the distance code, simple as well
	put(0, 1+1)
	put(0, 1)
	put(0, 7) // fills the last byte
	return riffVP8L(out)
}

func riffVP8L(data []byte) []byte { return riff("VP8L", string(data)) }

func TestWebP(t *testing.T) {
	c := color.NRGBA{200, 100, 50, 255}
	m := open(t, flatWebP(20, 11, c), video.Options{})
	assert.Equal(t, "webp", m.Info().Format)
	got := one(t, m, video.Request{})
	require.Equal(t, image.Pt(20, 11), got.Bounds().Size())
	assert.Equal(t, c, color.NRGBAModel.Convert(got.At(19, 10)))

	// The extended form, with an EXIF block behind the picture.
	vp8x := func(flags byte) string { return string([]byte{flags, 0, 0, 0, 19, 0, 0, 10, 0, 0}) }
	data := string(flatWebP(20, 11, c)[20:])
	m = open(t, riff("VP8X", vp8x(0x08), "VP8L", data, "EXIF", string(exif(6))), video.Options{})
	assert.Equal(t, []int{11, 20}, []int{m.Info().Width, m.Info().Height})
	assert.Equal(t, image.Pt(11, 20), one(t, m, video.Request{}).Bounds().Size())
}

func TestEXIFOrientation(t *testing.T) {
	m := scene(64, 40)
	tiff := asTIFF(t, m)
	for o := uint16(1); o <= 8; o++ {
		for name, file := range map[string][]byte{
			"jpeg": withAPP1(asJPEG(t, m), exif(o)),
			"png":  withEXIf(asPNG(t, m), exif(o)),
			"tiff": withOrientation(t, tiff, o),
		} {
			t.Run(fmt.Sprintf("%s/%d", name, o), func(t *testing.T) {
				stored := one(t, open(t, file, video.Options{StoredPixels: true}), video.Request{})
				require.Equal(t, image.Pt(64, 40), stored.Bounds().Size())

				opened := open(t, file, video.Options{})
				shown := one(t, opened, video.Request{})
				require.Equal(t, opened.Info().Width, shown.Bounds().Dx())
				require.Equal(t, opened.Info().Height, shown.Bounds().Dy())
				// Where the dark corner of the stored picture must be seen.
				left, top := o == 1 || o == 4 || o == 5 || o == 8, o == 1 || o == 2 || o == 5 || o == 6
				corner := func(right, bottom bool) color.Color {
					x, y := 3, 3
					if right {
						x = shown.Bounds().Dx() - 4
					}
					if bottom {
						y = shown.Bounds().Dy() - 4
					}
					return shown.At(shown.Bounds().Min.X+x, shown.Bounds().Min.Y+y)
				}
				r, g, b, _ := corner(!left, !top).RGBA()
				assert.Less(t, r>>8+g>>8+b>>8, uint32(80), "the dark corner")
				assert.Equal(t, o >= 5, shown.Bounds().Dx() == 40)
				if y, ok := shown.(*image.YCbCr); ok {
					s := stored.(*image.YCbCr)
					assert.Equal(t, s.Y[s.YOffset(3, 3)], y.YCbCrAt(pick(left, 3, y.Rect.Dx()-4), pick(top, 3, y.Rect.Dy()-4)).Y)
				}
			})
		}
	}
}

func pick(first bool, a, b int) int {
	if first {
		return a
	}
	return b
}

// withOrientation adds the tag to the first directory of a TIFF that
// x/image/tiff wrote: the directory is its last part but for the values.
func withOrientation(t *testing.T, file []byte, o uint16) []byte {
	t.Helper()
	require.Equal(t, "II*\x00", string(file[:4]))
	at := binary.LittleEndian.Uint32(file[4:])
	n := binary.LittleEndian.Uint16(file[at:])
	// A copy of the directory with one more entry goes to the end of the file.
	b := append([]byte{}, file...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	b = binary.LittleEndian.AppendUint16(b, n+1)
	added := false
	for i := range int(n) {
		entry := file[int(at)+2+12*i:][:12]
		if !added && binary.LittleEndian.Uint16(entry) > 0x0112 {
			b, added = append(b, exif(o)[10:22]...), true
		}
		b = append(b, entry...)
	}
	require.True(t, added)
	return append(b, 0, 0, 0, 0)
}

// A damaged EXIF block costs the orientation at most, never the picture.
func TestDamagedEXIF(t *testing.T) {
	m := scene(48, 32)
	good := exif(6)
	damaged := map[string][]byte{
		"empty":            {},
		"one byte":         {'I'},
		"no directory":     good[:8],
		"cut in the entry": good[:15],
		"loop":             append(append([]byte{}, good[:len(good)-4]...), 8, 0, 0, 0),
		"far directory":    []byte("II*\x00\xff\xff\xff\xff"),
		"many entries":     []byte("MM\x00*\x00\x00\x00\x08\xff\xff"),
		"orientation 0":    exif(0),
		"orientation 9":    exif(9),
	}
	for name, block := range damaged {
		got := one(t, open(t, withAPP1(asJPEG(t, m), block), video.Options{}), video.Request{})
		size := got.Bounds().Size()
		assert.Contains(t, []image.Point{{X: 48, Y: 32}, {X: 32, Y: 48}}, size, name)
		got = one(t, open(t, withEXIf(asPNG(t, m), block), video.Options{}), video.Request{})
		assert.Contains(t, []image.Point{{X: 48, Y: 32}, {X: 32, Y: 48}}, got.Bounds().Size(), name)
	}
}

// Without its end mark a picture is whole for every viewer, and so it is here.
func TestStillsWithoutEnd(t *testing.T) {
	m := scene(60, 40)
	jpg, pic := asJPEG(t, m), asPNG(t, m)
	for name, c := range map[string][2][]byte{
		"jpeg": {jpg, jpg[:len(jpg)-2]}, "png": {pic, pic[:len(pic)-12]},
	} {
		whole := one(t, open(t, c[0], video.Options{}), video.Request{})
		assert.Zero(t, far(t, whole, one(t, open(t, c[1], video.Options{}), video.Request{})), name)
		err := tryAll(video.Bytes(name, c[1][:len(c[1])-40]), video.Options{})
		assert.ErrorIs(t, err, video.ErrTruncated, name)
	}
}

func TestRefusedStills(t *testing.T) {
	m := scene(300, 200)
	jpg, pic := asJPEG(t, m), asPNG(t, m)
	flipped := append([]byte{}, pic...)
	flipped[len(flipped)/2] ^= 0xff
	huge := append([]byte{}, pic...)
	binary.BigEndian.PutUint32(huge[16:], 1<<20) // the header's checksum is wrong now, too
	for _, c := range []struct {
		name   string
		file   []byte
		limits video.Limits
		err    error
		reason string
	}{
		{"empty", nil, video.Limits{}, video.ErrEmpty, "empty"},
		{"text", []byte("no picture at all"), video.Limits{}, video.ErrUnsupported, "unsupported"},
		{"playlist", []byte("#EXTM3U\n/etc/passwd\n"), video.Limits{}, video.ErrUnsupported, "unsupported"},
		{"heic", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), video.Limits{}, video.ErrUnsupported, "unsupported"},
		{"video", []byte("\x00\x00\x00\x20ftypisom\x00\x00\x02\x00"), video.Limits{}, video.ErrNoBackend, "decoder_missing"},
		{"jpeg, cut", jpg[:len(jpg)/2], video.Limits{}, video.ErrTruncated, "truncated"},
		{"jpeg, header cut", jpg[:20], video.Limits{}, video.ErrTruncated, "truncated"},
		{"png, cut", pic[:len(pic)/2], video.Limits{}, video.ErrTruncated, "truncated"},
		{"png, damaged", flipped, video.Limits{}, video.ErrCorrupt, "corrupt"},
		{"png, damaged header", huge, video.Limits{}, video.ErrCorrupt, "corrupt"},
		{"tiff, cut", asTIFF(t, m)[:40], video.Limits{}, video.ErrTruncated, "truncated"},
		{"webp, not one", []byte("RIFF\x10\x00\x00\x00WEBPVP8 \x04\x00\x00\x00abcd"), video.Limits{}, video.ErrCorrupt, "corrupt"},
		{"pixels", jpg, video.Limits{Pixels: 59_999}, &video.LimitError{Limit: "pixels", Max: 59_999, Got: 60_000}, "over_budget_pixels"},
		{"bytes", jpg, video.Limits{Bytes: 1000}, &video.LimitError{Limit: "bytes", Max: 1000, Got: int64(len(jpg))}, "over_budget_bytes"},
		{"time", jpg, video.Limits{Work: 1}, video.ErrTimeout, "timed_out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := tryAll(video.Bytes(c.name, c.file), video.Options{Limits: c.limits})
			require.Error(t, err)
			var e *video.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, c.name, e.Name)
			if limit, ok := c.err.(*video.LimitError); ok {
				var got *video.LimitError
				require.ErrorAs(t, err, &got)
				assert.Equal(t, limit, got)
			} else {
				assert.ErrorIs(t, err, c.err)
			}
			reason, ok := video.Reason(err)
			assert.True(t, ok)
			assert.Equal(t, c.reason, reason)
		})
	}
	assert.NoError(t, tryAll(video.Bytes("exactly", jpg), video.Options{Limits: video.Limits{Pixels: 60_000, Bytes: int64(len(jpg))}}))
	assert.NoError(t, tryAll(video.Bytes("no limits", jpg), video.Options{Limits: video.Limits{Bytes: -1, Pixels: -1, Frames: -1, Duration: -1, Work: -1}}))
}

// tryAll opens an input and decodes all of it.
func tryAll(in video.Input, o video.Options) error {
	m, err := video.Open(context.Background(), in, o)
	if err != nil {
		return err
	}
	_, err = collect(m.Frames(context.Background(), video.Request{}))
	if closed := m.Close(); err == nil {
		err = closed
	}
	return err
}

// A telephone's picture, stored on its side: the stored pixels turned clockwise
// are what is shown, so their hashes say the same.
func TestOrientationOfARealPicture(t *testing.T) {
	path := media(t, "pdq", "files", "exif-rotn_exif-rotn-6.jpg")
	look := func(stored bool) (video.Info, image.Image) {
		m, err := video.Open(context.Background(), video.File(path), video.Options{StoredPixels: stored})
		require.NoError(t, err)
		defer m.Close()
		return m.Info(), one(t, m, video.Request{})
	}
	asStored, stored := look(true)
	asShown, shown := look(false)
	assert.Equal(t, []int{4032, 3024}, []int{asStored.Width, asStored.Height})
	assert.Equal(t, []int{3024, 4032}, []int{asShown.Width, asShown.Height})
	want, got := stored.(*image.YCbCr), shown.(*image.YCbCr)
	for y := 0; y < 4032; y += 7 {
		for x := 0; x < 3024; x += 11 {
			if want.YCbCrAt(y, 3023-x) != got.YCbCrAt(x, y) {
				require.FailNow(t, "another pixel", "(%d, %d)", x, y)
			}
		}
	}
}

// The reference hashes of pictures as files, with the pixels as they are stored:
// only the decoder can differ, by at most 10 bits where quality is 80 or more
// (testdata of the reference implementation).
func TestGoldenFiles(t *testing.T) {
	f, err := os.Open(media(t, "pdq", "files.csv"))
	require.NoError(t, err)
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Len(t, rows, 1+39)
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	spread, judged := map[int]int{}, 0
	for _, row := range rows[1:] {
		name := row[column["file"]]
		want, err := hash.ParseHex(hash.PDQ, row[column["fullsize_hash"]])
		require.NoError(t, err)
		quality, err := strconv.Atoi(row[column["fullsize_quality"]])
		require.NoError(t, err)

		m, err := video.Open(context.Background(), video.File(filepath.Join(media(t), "pdq", "files", name)), video.Options{StoredPixels: true})
		require.NoError(t, err)
		got, q := pdq.Sum(one(t, m, video.Request{}))
		require.NoError(t, m.Close())
		distance, ok := got.Distance(want)
		require.True(t, ok)
		if quality < 80 {
			t.Logf("%s: %d bits at quality %d: not held", name, distance, quality)
			continue
		}
		spread[distance]++
		judged++
		assert.LessOrEqual(t, distance, 10, name)
		assert.InDelta(t, quality, int(q), 1, name)
	}
	assert.GreaterOrEqual(t, judged, 36)
	t.Logf("bits from the reference: %v files", spread)
}
