package video_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video"
)

// How a frame of an animated WebP is shown: the flags of its header.
const (
	dispose = 1 // its area becomes transparent afterwards
	replace = 2 // it is not blended with what is there
)

// anmf is a frame's chunk: content are the chunks of its bitstream.
func anmf(x, y, w, h, ms int, flags byte, content string) string {
	var b []byte
	for _, v := range []int{x / 2, y / 2, w - 1, h - 1, ms} {
		b = append(b, byte(v), byte(v>>8), byte(v>>16))
	}
	return string(append(b, flags)) + content
}

// flat is a frame of one colour.
func flat(c color.NRGBA, x, y, w, h, ms int, flags byte) string {
	return anmf(x, y, w, h, ms, flags, string(flatWebP(w, h, c)[12:]))
}

// animated is an animated WebP of w x h pixels.
func animated(w, h int, frames ...string) []byte {
	head := []byte{0x02 | 0x10, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), byte((w - 1) >> 16), byte(h - 1), byte((h - 1) >> 8), byte((h - 1) >> 16)}
	chunks := []string{"VP8X", string(head), "ANIM", "\x20\x40\x80\xff\x00\x00"} // a background that nobody shows
	for _, f := range frames {
		chunks = append(chunks, "ANMF", f)
	}
	return riff(chunks...)
}

var (
	redN    = color.NRGBA{255, 0, 0, 255}
	greenN  = color.NRGBA{0, 255, 0, 255}
	blueN   = color.NRGBA{0, 0, 255, 255}
	nothing = color.NRGBA{9, 9, 9, 0}
	veil    = color.NRGBA{0, 0, 255, 51}
)

// movingWebP has seven pictures on a canvas of 6 x 4, in every combination.
func movingWebP() []byte {
	return animated(6, 4,
		flat(redN, 0, 0, 6, 4, 50, 0),              // covers all
		flat(greenN, 2, 2, 2, 2, 0, dispose),       // leaves a hole
		flat(veil, 0, 0, 6, 1, 10, 0),              // tints the first row
		flat(nothing, 0, 0, 2, 4, 20, 0),           // shows what is there
		flat(nothing, 4, 0, 2, 4, 300, replace),    // hides it
		flat(blueN, 4, 2, 60, 60, 40, 0),           // leaves the canvas
		flat(greenN, 0, 0, 6, 4, 100, replace|128), // covers all, with a bit that means nothing
	)
}

func TestAnimatedWebP(t *testing.T) {
	file := movingWebP()
	m := open(t, file, video.Options{})
	assert.Equal(t, video.Info{Class: video.Animation, Format: "webp", Width: 6, Height: 4, Bytes: int64(len(file)),
		Duration: 710 * time.Millisecond, FrameRate: 7 / (710 * time.Millisecond).Seconds()}, m.Info())
	frames, err := collect(m.Frames(context.Background(), video.Request{}))
	require.NoError(t, err)
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6}, numbers(frames))
	assert.Equal(t, []int64{0, 50, 150, 250, 270, 570, 610}, times(frames), "0 and 10 ms are taken for 100 ms")
	want := []string{
		"rrrrrr" + "rrrrrr" + "rrrrrr" + "rrrrrr",
		"rrrrrr" + "rrrrrr" + "rrggrr" + "rrggrr",
		"vvvvvv" + "rrrrrr" + "rr  rr" + "rr  rr",
		"vvvvvv" + "rrrrrr" + "rr  rr" + "rr  rr",
		"vvvvnn" + "rrrrnn" + "rr  nn" + "rr  nn",
		"vvvvnn" + "rrrrnn" + "rr  bb" + "rr  bb",
		"gggggg" + "gggggg" + "gggggg" + "gggggg",
	}
	letters := map[color.NRGBA]string{{}: " ", redN: "r", greenN: "g", blueN: "b", nothing: "n", {204, 0, 51, 255}: "v"}
	for i, f := range frames {
		var got strings.Builder
		for y := range 4 {
			for x := range 6 {
				got.WriteString(letters[f.Image.(*image.NRGBA).NRGBAAt(x, y)])
			}
		}
		assert.Equal(t, want[i], got.String(), "picture %d", i)
		assert.Equal(t, i == 0 || i == 6, f.Key, "picture %d", i)
	}
	some, err := collect(m.Frames(context.Background(), video.Request{Sampling: video.Sampling{Every: 200 * time.Millisecond}, MaxSide: 3}))
	require.NoError(t, err)
	assert.Equal(t, []int{0, 3, 5, 6}, numbers(some))
	assert.Equal(t, image.Pt(3, 2), some[0].Image.Bounds().Size())
}

// Frames as lossy pictures with their transparency apart, from a file of our own.
func TestAnimatedWebPLossy(t *testing.T) {
	still, err := os.ReadFile(filepath.Join("..", "testdata", "uploads", "pictures", "harbour-small.webp"))
	require.NoError(t, err)
	at := bytes.Index(still, []byte("VP8 "))
	require.Positive(t, at)
	lossy := string(still[at:])
	const w, h = 640, 426
	alpha := make([]byte, 1+w*h) // as it is
	for i := range w * h {
		alpha[1+i] = byte(255 * (i % w / (w / 2)))
	}
	file := animated(w+2, h, flat(blueN, 0, 0, w+2, h, 100, 0), anmf(2, 0, w, h, 100, 0, string(riff("ALPH", string(alpha))[12:])+lossy), anmf(0, 0, w, h, 100, 0, lossy))
	frames, err := collect(open(t, file, video.Options{}).Frames(context.Background(), video.Request{}))
	require.NoError(t, err)
	require.Len(t, frames, 3)
	picture := one(t, open(t, still, video.Options{}), video.Request{})
	half := frames[1].Image.(*image.NRGBA)
	left := half.SubImage(image.Rect(0, 0, 2+w/2, h))
	assert.Zero(t, far(t, crop{image.NewUniform(blueN), left.Bounds()}, left))
	right := picture.(*image.YCbCr).SubImage(image.Rect(w/2, 0, w, h))
	assert.Zero(t, far(t, right, half.SubImage(image.Rect(2+w/2, 0, 2+w, h))))
	assert.Zero(t, far(t, picture, frames[2].Image.(*image.NRGBA).SubImage(image.Rect(0, 0, w, h))))
}

// crop gives a boundless picture bounds.
type crop struct {
	image.Image
	bounds image.Rectangle
}

func (c crop) Bounds() image.Rectangle { return c.bounds }

// One frame makes a still, whatever was asked for.
func TestAnimatedWebPOfOne(t *testing.T) {
	m := open(t, animated(30, 20, flat(greenN, 10, 4, 8, 8, 100, 0)), video.Options{})
	assert.Equal(t, video.Still, m.Info().Class)
	assert.Zero(t, m.Info().Duration)
	got := one(t, m, video.Request{Sampling: video.Sampling{At: []time.Duration{time.Hour}}, Luma: true})
	assert.Equal(t, image.Pt(30, 20), got.Bounds().Size())
	assert.Equal(t, greenN, got.At(17, 11))
	assert.Equal(t, color.NRGBA{}, got.At(18, 11))
}

// What is told of broken files: as many frames as were good, and why there are no more.
func TestAnimatedWebPRefused(t *testing.T) {
	frame := flat(redN, 0, 0, 6, 4, 50, 0)
	good := animated(6, 4, frame, frame)
	edit := func(at int, b ...byte) []byte {
		c := bytes.Clone(good)
		copy(c[at:], b)
		return c
	}
	second := bytes.LastIndex(good, []byte("ANMF"))
	bitstream := len(frame) - 16 - 8
	huge := animated(1<<24, 1<<24, frame)
	large := animated(6, 4, frame, anmf(0, 0, 1<<24, 1<<24, 50, 0, string(flatWebP(6, 4, redN)[12:])))
	for _, c := range []struct {
		name   string
		file   []byte
		limits video.Limits
		frames int
		reason string
	}{
		{"sound", good, video.Limits{}, 2, ""},
		{"bytes behind it", append(bytes.Clone(good), "more, and more"...), video.Limits{}, 2, ""},
		{"no frames", animated(6, 4), video.Limits{}, 0, "corrupt"},
		{"no frames, and a still", riff("VP8X", string(good[20:30]), "VP8L", string(flatWebP(6, 4, redN)[20:])), video.Limits{}, 0, "corrupt"},
		{"a still behind the frames", riff("VP8X", string(good[20:30]), "ANMF", frame, "ANMF", frame, "VP8L", string(flatWebP(6, 4, redN)[20:])), video.Limits{}, 2, "truncated"},
		{"unknown chunks", riff("VP8X", string(good[20:30]), "wxyz", "odd", "ANMF", frame, "EXIF", "", "ANMF", frame), video.Limits{}, 2, ""},
		{"a frame of nothing", animated(6, 4, frame, anmf(0, 0, 6, 4, 50, 0, "")), video.Limits{}, 1, "truncated"},
		{"a frame of no header", animated(6, 4, "short"), video.Limits{}, 0, "corrupt"},
		{"the container is said to be longer", edit(4, 0xff, 0xff), video.Limits{}, 2, "truncated"},
		{"the container is said to be shorter", edit(4, byte(second+10-8), 0), video.Limits{}, 1, "truncated"},
		{"a frame is said to be longer", edit(second+4, 0xff, 0xff), video.Limits{}, 1, "truncated"},
		{"its bitstream is said to be longer", edit(second+8+16+4, byte(bitstream+2)), video.Limits{}, 1, "truncated"},
		{"another size than its bitstream's", edit(second+8+6, 6), video.Limits{}, 1, "truncated"},
		{"a damaged bitstream", edit(second+8+16+8, 0x2e), video.Limits{}, 1, "truncated"},
		{"the first one's", edit(second-len(frame)-len(frame)%2+16+8, 0x2e), video.Limits{}, 0, "corrupt"},
		{"transparency twice", animated(6, 4, anmf(0, 0, 6, 4, 50, 0, string(riff("ALPH", "\x00aaaaaaaaaaaaaaaaaaaaaaaa")[12:])+frame[16:])), video.Limits{}, 0, "corrupt"},
		{"a boundless canvas", huge, video.Limits{}, 0, "over_budget_pixels"},
		{"a boundless frame", large, video.Limits{}, 1, "over_budget_pixels"},
		{"pixels", good, video.Limits{Pixels: 23}, 0, "over_budget_pixels"},
		{"frames", good, video.Limits{Frames: 1}, 1, "over_budget_frames"},
		{"duration", good, video.Limits{Duration: 49 * time.Millisecond}, 1, "over_budget_duration"},
		{"time", good, video.Limits{Work: 1}, 0, "timed_out"},
	} {
		m, err := video.Open(context.Background(), video.Bytes(c.name, c.file), video.Options{Limits: c.limits})
		var frames []hash.Frame
		if err == nil {
			frames, err = collect(m.Frames(context.Background(), video.Request{}))
			require.NoError(t, m.Close())
		}
		reason, _ := video.Reason(err)
		assert.Equal(t, c.reason, reason, "%s: %v", c.name, err)
		assert.Equal(t, c.reason == "", err == nil, "%s: %v", c.name, err)
		assert.Len(t, frames, c.frames, c.name)
	}
}

// Cut anywhere: no more frames than before the cut, each as it should be, and never the end
// without an error.
func TestAnimatedWebPCut(t *testing.T) {
	file := movingWebP()
	all, err := collect(open(t, file, video.Options{}).Frames(context.Background(), video.Request{}))
	require.NoError(t, err)
	counts := map[int]bool{}
	for n := 21; n < len(file); n++ { // from where it can be told from others
		m, err := video.Open(context.Background(), video.Bytes("cut", file[:n]), video.Options{})
		var frames []hash.Frame
		if err == nil {
			frames, err = collect(m.Frames(context.Background(), video.Request{}))
			require.NoError(t, m.Close())
		}
		require.ErrorIs(t, err, video.ErrTruncated, "%d of %d bytes", n, len(file))
		for i, f := range frames {
			require.Equal(t, all[i].Time, f.Time)
			require.Equal(t, all[i].Image, f.Image)
		}
		counts[len(frames)] = true
	}
	assert.Len(t, counts, 7, "0 to 6 frames")
}

// FuzzAnimatedWebP starts within the frames, which FuzzOpen would hardly find.
func FuzzAnimatedWebP(f *testing.F) {
	f.Add(movingWebP()[30:], uint8(5), uint8(3))
	f.Add(animated(9, 9, anmf(0, 0, 5, 4, 9, 3, string(riff("ALPH", "\x00aaaaaaaaaaaaaaaaaaaa", "VP8 ", "\x30\x01\x00\x9d\x01\x2a\x05\x00\x04\x00")[12:])))[30:], uint8(9), uint8(9))
	f.Fuzz(func(t *testing.T, chunks []byte, w, h uint8) {
		b := animated(1+int(w), 1+int(h))[:30]
		b = append(b, chunks...)
		binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
		tryHostile(t, b, video.Request{})
	})
}

// The project's own animation, which ffmpeg made of a known video: 24 pictures in 4 seconds.
func TestProjectAnimation(t *testing.T) {
	m, err := video.Open(context.Background(), video.File(filepath.Join("..", "testdata", "uploads", "videos", "places-part.webp")), video.Options{})
	require.NoError(t, err)
	defer m.Close()
	assert.Equal(t, video.Animation, m.Info().Class)
	assert.InDelta(t, 4, m.Info().Duration.Seconds(), 0.002)
	frames, err := collect(m.Frames(context.Background(), video.Request{}))
	require.NoError(t, err)
	require.Len(t, frames, 24)
	for i, f := range frames {
		assert.InDelta(t, float64(i)/6, f.Time.Seconds(), 0.002)
		assert.Equal(t, image.Pt(240, 135), f.Image.Bounds().Size())
	}
}
