package video_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/gif"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video"
)

var (
	none  = color.RGBA{}
	red   = color.RGBA{255, 0, 0, 255}
	green = color.RGBA{0, 255, 0, 255}
	blue  = color.RGBA{0, 0, 255, 255}
)

// patch is a one-coloured picture of an animation.
func patch(c color.Color, x0, y0, x1, y1 int) *image.Paletted {
	m := image.NewPaletted(image.Rect(x0, y0, x1, y1), color.Palette{none, red, green, blue})
	i := byte(m.Palette.Index(c))
	for at := range m.Pix {
		m.Pix[at] = i
	}
	return m
}

// moving has six pictures on a canvas of 6 x 4 and uses every disposal.
func moving() *gif.GIF {
	return &gif.GIF{
		Config: image.Config{Width: 6, Height: 4, ColorModel: color.Palette{none, red, green, blue}},
		Image: []*image.Paletted{
			patch(red, 0, 0, 6, 4),   // stays
			patch(green, 1, 1, 3, 3), // goes back to red
			patch(blue, 2, 0, 4, 2),  // leaves a hole
			patch(none, 0, 0, 6, 4),  // shows what is there
			patch(green, 5, 3, 6, 4), // stays
			patch(blue, 0, 0, 6, 4),  // covers all
		},
		Delay:    []int{5, 0, 1, 2, 30, 10},
		Disposal: []byte{gif.DisposalNone, gif.DisposalPrevious, gif.DisposalBackground, 0, gif.DisposalNone, gif.DisposalNone},
	}
}

func times(frames []hash.Frame) (ms []int64) {
	for _, f := range frames {
		ms = append(ms, f.Time.Milliseconds())
	}
	return ms
}

func numbers(frames []hash.Frame) (n []int) {
	for _, f := range frames {
		n = append(n, f.Number)
	}
	return n
}

func TestAnimation(t *testing.T) {
	file := asGIF(t, moving())
	m := open(t, file, video.Options{})
	info := m.Info()
	assert.Equal(t, video.Info{Class: video.Animation, Format: "gif", Width: 6, Height: 4, Bytes: int64(len(file)),
		Duration: 670 * time.Millisecond, FrameRate: 6 / 0.67}, info)

	frames, err := collect(m.Frames(context.Background(), video.Request{}))
	require.NoError(t, err)
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5}, numbers(frames))
	assert.Equal(t, []int64{0, 50, 150, 250, 270, 570}, times(frames), "0 and 10 ms are taken for 100 ms")
	want := []string{
		"rrrrrr" + "rrrrrr" + "rrrrrr" + "rrrrrr",
		"rrrrrr" + "rggrrr" + "rggrrr" + "rrrrrr",
		"rrbbrr" + "rrbbrr" + "rrrrrr" + "rrrrrr",
		"rr  rr" + "rr  rr" + "rrrrrr" + "rrrrrr",
		"rr  rr" + "rr  rr" + "rrrrrr" + "rrrrrg",
		"bbbbbb" + "bbbbbb" + "bbbbbb" + "bbbbbb",
	}
	letters := map[color.RGBA]byte{none: ' ', red: 'r', green: 'g', blue: 'b'}
	for i, f := range frames {
		var got []byte
		for y := range 4 {
			for x := range 6 {
				got = append(got, letters[f.Image.(*image.RGBA).RGBAAt(x, y)])
			}
		}
		assert.Equal(t, want[i], string(got), "picture %d", i)
		assert.Equal(t, i == 0, f.Key, "picture %d", i) // the palette has a transparent entry, used or not
	}
}

func TestAnimationSampling(t *testing.T) {
	m := open(t, asGIF(t, moving()), video.Options{})
	for _, c := range []struct {
		name string
		r    video.Request
		want []int
	}{
		{"all", video.Request{}, []int{0, 1, 2, 3, 4, 5}},
		{"keys", video.Request{Sampling: video.Sampling{Keys: true}}, []int{0, 1, 2, 3, 4, 5}},
		{"every", video.Request{Sampling: video.Sampling{Every: 200 * time.Millisecond}}, []int{0, 3, 5}},
		{"at", video.Request{Sampling: video.Sampling{At: []time.Duration{0, 60 * time.Millisecond, 140 * time.Millisecond, 260 * time.Millisecond}}}, []int{0, 2, 4}},
		{"beyond the end", video.Request{Sampling: video.Sampling{At: []time.Duration{time.Hour}}}, nil},
	} {
		frames, err := collect(m.Frames(context.Background(), c.r))
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, numbers(frames), c.name)
	}
	frames, err := collect(m.Source(video.Request{MaxSide: 3}).Frames(context.Background()))
	require.NoError(t, err)
	require.Len(t, frames, 6)
	assert.Equal(t, image.Pt(3, 2), frames[0].Image.Bounds().Size())
}

func TestAnimationBudgets(t *testing.T) {
	file := asGIF(t, moving())
	for _, c := range []struct {
		name   string
		limits video.Limits
		frames int
		reason string
	}{
		{"frames", video.Limits{Frames: 4}, 4, "over_budget_frames"},
		{"frames, enough", video.Limits{Frames: 6}, 6, ""},
		{"duration", video.Limits{Duration: 200 * time.Millisecond}, 3, "over_budget_duration"},
		{"duration, enough", video.Limits{Duration: 570 * time.Millisecond}, 6, ""},
	} {
		m := open(t, file, video.Options{Limits: c.limits})
		frames, err := collect(m.Frames(context.Background(), video.Request{}))
		reason, _ := video.Reason(err)
		assert.Equal(t, c.reason, reason, c.name)
		assert.Equal(t, c.reason == "", err == nil, c.name)
		assert.Len(t, frames, c.frames, c.name)
	}
	_, err := video.Open(context.Background(), video.Bytes("gif", file), video.Options{Limits: video.Limits{Pixels: 23}})
	reason, _ := video.Reason(err)
	assert.Equal(t, "over_budget_pixels", reason)

	// Frames that nobody asked for are decoded all the same, and count.
	m := open(t, file, video.Options{Limits: video.Limits{Frames: 4}})
	_, err = collect(m.Frames(context.Background(), video.Request{Sampling: video.Sampling{Every: time.Hour}}))
	reason, _ = video.Reason(err)
	assert.Equal(t, "over_budget_frames", reason)
}

// Cut anywhere: no more frames than before the cut, each as it should be, and
// never the end without an error.
func TestAnimationCut(t *testing.T) {
	file := asGIF(t, moving())
	all, err := collect(open(t, file, video.Options{}).Frames(context.Background(), video.Request{}))
	require.NoError(t, err)
	counts := map[int]bool{}
	for n := 6; n < len(file); n++ {
		m, err := video.Open(context.Background(), video.Bytes("cut", file[:n]), video.Options{})
		var frames []hash.Frame
		if err == nil {
			frames, err = collect(m.Frames(context.Background(), video.Request{}))
			require.NoError(t, m.Close())
		}
		require.ErrorIs(t, err, video.ErrTruncated, "%d of %d bytes", n, len(file))
		for i, f := range frames {
			require.Equal(t, all[i].Time, f.Time)
			require.Equal(t, all[i].Image.(*image.RGBA).Pix, f.Image.(*image.RGBA).Pix)
		}
		counts[len(frames)] = true
	}
	assert.Len(t, counts, 7, "0 to 6 frames")
}

// Damage inside a picture ends the animation there.
func TestAnimationDamaged(t *testing.T) {
	file := asGIF(t, moving())
	third := 0 // the third image descriptor: position 2, 0 and size 2 x 2
	for i := range file[:len(file)-9] {
		if bytes.Equal(file[i:i+9], []byte{',', 2, 0, 0, 0, 2, 0, 2, 0}) {
			third = i
		}
	}
	require.NotZero(t, third)
	broken := bytes.Clone(file)
	broken[third+10] = 13 // the code size
	frames, err := collect(open(t, broken, video.Options{}).Frames(context.Background(), video.Request{}))
	require.ErrorIs(t, err, video.ErrTruncated)
	assert.Len(t, frames, 2)
}

// A short file claims a large canvas, over and over: nothing is taken for it.
func TestAnimationBomb(t *testing.T) {
	b := []byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff")
	for range 1000 {
		b = append(b, ",\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02\x4c\x01\x00"...)
	}
	_, err := video.Open(context.Background(), video.Bytes("bomb", append(b, ';')), video.Options{})
	reason, _ := video.Reason(err)
	assert.Equal(t, "over_budget_pixels", reason)

	// A small canvas and large pictures on it: there is room for the first one.
	b[6], b[7], b[8], b[9] = 1, 0, 1, 0
	_, err = video.Open(context.Background(), video.Bytes("bomb", append(b, ';')), video.Options{})
	reason, _ = video.Reason(err)
	assert.Equal(t, "over_budget_pixels", reason)
}

// A canvas that is smaller than the first picture hides nothing of it.
func TestAnimationSmallCanvas(t *testing.T) {
	g := &gif.GIF{Image: []*image.Paletted{patch(red, 0, 0, 60, 40), patch(red, 0, 0, 60, 40)}, Delay: []int{5, 5}}
	file := asGIF(t, g)
	file[6], file[8] = 8, 8
	frames, err := collect(open(t, file, video.Options{}).Frames(context.Background(), video.Request{}))
	require.NoError(t, err)
	require.Len(t, frames, 2)
	assert.Equal(t, image.Pt(60, 40), frames[0].Image.Bounds().Size())
}

// Memory does not grow with the number of pictures: 100 of 200 x 200 pixels, which
// image/gif holds in 4 MB, and one canvas of 160 kB.
func TestAnimationMemory(t *testing.T) {
	frame := patch(red, 0, 0, 200, 200)
	g := &gif.GIF{}
	for range 100 {
		g.Image, g.Delay = append(g.Image, frame), append(g.Delay, 4)
	}
	m := open(t, asGIF(t, g), video.Options{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	for _, err := range m.Frames(context.Background(), video.Request{}) {
		require.NoError(t, err)
		n++
	}
	runtime.ReadMemStats(&after)
	assert.Equal(t, 100, n)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), "bytes allocated in all")
}

func TestAnimationCancelled(t *testing.T) {
	m := open(t, asGIF(t, moving()), video.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	seen := 0
	for _, err := range m.Frames(ctx, video.Request{}) {
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			break
		}
		seen++
		cancel()
	}
	assert.Equal(t, 1, seen)
	// Leaving the loop leaves it.
	for _, err := range m.Frames(context.Background(), video.Request{}) {
		require.NoError(t, err)
		seen++
		break
	}
	assert.Equal(t, 2, seen)
}

// Interlaced pictures have their rows in another order in the file.
func TestInterlacedGIF(t *testing.T) {
	m := paletted(scene(9, 19))
	shuffled := image.NewPaletted(m.Rect, m.Palette)
	row := 0
	for _, pass := range [][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		for y := pass[0]; y < 19; y += pass[1] {
			copy(shuffled.Pix[row*9:row*9+9], m.Pix[y*9:y*9+9])
			row++
		}
	}
	file := asGIF(t, &gif.GIF{Image: []*image.Paletted{shuffled}, Delay: []int{0}})
	at := bytes.Index(file, []byte{',', 0, 0, 0, 0, 9, 0, 19, 0})
	require.Positive(t, at)
	file[at+9] |= 0x40
	assert.Zero(t, far(t, m, one(t, open(t, file, video.Options{}), video.Request{})))
}
