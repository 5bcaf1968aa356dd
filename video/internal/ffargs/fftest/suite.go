package fftest

import (
	"context"
	"crypto/sha256"
	"image"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/internal/ffargs"
)

// Shot is a frame that can be kept: the picture is its digest.
type Shot struct {
	Number int
	Time   time.Duration
	Key    bool
	Bounds image.Rectangle
	Sum    [sha256.Size]byte // of the Y, Cb and Cr planes, or the pixels
}

// Collect decodes to the end.
func Collect(b video.Backend, c video.Container, info video.Info, r video.Request) (shots []Shot, err error) {
	for f, err := range b.Frames(context.Background(), c, info, r) {
		if err != nil {
			return shots, err
		}
		shots = append(shots, shot(f))
	}
	return shots, nil
}

func shot(f hash.Frame) Shot {
	s := Shot{Number: f.Number, Time: f.Time, Key: f.Key, Bounds: f.Image.Bounds()}
	if m, ok := f.Image.(*image.RGBA); ok {
		s.Sum = sha256.Sum256(m.Pix)
		return s
	}
	m := f.Image.(*image.YCbCr)
	s.Sum = sha256.Sum256(slices.Concat(m.Y, m.Cb, m.Cr))
	return s
}

func numbers(shots []Shot) []int {
	var n []int
	for _, s := range shots {
		n = append(n, s.Number)
	}
	return n
}

// Run holds a backend to the contract of video.Backend.
func Run(t *testing.T, b video.Backend) {
	Program(t)
	for _, c := range clips {
		t.Run(c.name, func(t *testing.T) { c.check(t, b) })
	}
	t.Run("Range", func(t *testing.T) { testRange(t, b) })
	t.Run("StoredPixels", func(t *testing.T) { testStoredPixels(t, b) })
	t.Run("MaxSide", func(t *testing.T) { testMaxSide(t, b) })
	t.Run("Size", func(t *testing.T) { testSize(t, b) })
	t.Run("Stretches", func(t *testing.T) { testStretches(t, b) })
	t.Run("Luma", func(t *testing.T) { testLuma(t, b) })
	t.Run("LyingSize", func(t *testing.T) { testLyingSize(t, b) })
	t.Run("NoKeys", func(t *testing.T) { testNoKeys(t, b) })
	t.Run("NoPicture", func(t *testing.T) { testNoPicture(t, b) })
	t.Run("SizeChange", func(t *testing.T) { testSizeChange(t, b) })
	t.Run("Truncated", func(t *testing.T) { testTruncated(t, b) })
	t.Run("Corrupt", func(t *testing.T) { testCorrupt(t, b) })
	t.Run("Playlist", func(t *testing.T) { testPlaylist(t, b) })
	t.Run("Demuxers", func(t *testing.T) { testDemuxers(t, b) })
	t.Run("Limits", func(t *testing.T) { testLimits(t, b) })
	t.Run("Leaving", func(t *testing.T) { testLeaving(t, b) })
	t.Run("Cancelling", func(t *testing.T) { testCancelling(t, b) })
	t.Run("Concurrent", func(t *testing.T) { testConcurrent(t, b) })
	t.Run("Requests", func(t *testing.T) { testRequests(t, b) })
}

// open makes a clip and probes it.
func open(t *testing.T, b video.Backend, made video.Container) (video.Container, video.Info) {
	t.Helper()
	info, err := b.Probe(context.Background(), made)
	require.NoError(t, err)
	return made, info
}

func (c clip) check(t *testing.T, b video.Backend) {
	made, info := open(t, b, c.make(t))
	assert.Equal(t, video.Video, info.Class)
	assert.Equal(t, made.Format, info.Format)
	assert.Equal(t, c.codec, info.Codec)
	assert.Equal(t, [2]int{c.width, c.height}, [2]int{info.Width, info.Height})
	assert.Positive(t, info.Bytes)
	assert.InDelta(t, (c.time(c.frames-1) + c.time(1)).Seconds(), info.Duration.Seconds(), 0.2)
	assert.Positive(t, info.FrameRate)

	all, err := Collect(b, made, info, video.Request{})
	require.NoError(t, err)
	require.Len(t, all, c.frames)
	for n, s := range all {
		assert.Equal(t, n, s.Number)
		assert.Equal(t, c.time(n), s.Time, "frame %d", n)
		assert.Equal(t, c.keys == nil || slices.Contains(c.keys, n), s.Key, "frame %d", n)
		assert.Equal(t, image.Rect(0, 0, c.width, c.height), s.Bounds)
	}
	assert.NotEqual(t, all[0].Sum, all[len(all)-1].Sum, "the picture moves")

	keys, err := Collect(b, made, info, video.Request{Sampling: video.Sampling{Keys: true}})
	require.NoError(t, err)
	var want []Shot
	for _, s := range all {
		if s.Key {
			want = append(want, s)
		}
	}
	if c.name == "vfr.mkv" { // the numbers of key frames are reckoned
		for i := range keys {
			keys[i].Number = want[min(i, len(want)-1)].Number
		}
	}
	assert.Equal(t, want, keys, "key frames are the frames of the whole that are keys")

	grid := 500 * time.Millisecond
	got, err := Collect(b, made, info, video.Request{Sampling: video.Sampling{Every: grid}})
	require.NoError(t, err)
	want = nil
	for i, s := range all {
		if i == 0 || s.Time/grid > all[i-1].Time/grid {
			want = append(want, s)
		}
	}
	assert.Equal(t, want, got, "the first frame at or after each multiple")

	at := []time.Duration{0, 333 * time.Millisecond, 340 * time.Millisecond, 800 * time.Millisecond, time.Hour}
	got, err = Collect(b, made, info, video.Request{Sampling: video.Sampling{At: at}})
	require.NoError(t, err)
	want = nil
	for i, s := range all {
		if slices.ContainsFunc(at, func(d time.Duration) bool { return s.Time >= d && (i == 0 || all[i-1].Time < d) }) {
			want = append(want, s)
		}
	}
	assert.Equal(t, want, got, "the first frame at or after each time")
}

// testStretches: a stretch of a media is a stretch of its frames.
func testStretches(t *testing.T, b video.Backend) {
	for _, c := range clips[:3] { // each kind of index, and none
		made, info := open(t, b, c.make(t))
		all, err := Collect(b, made, info, video.Request{})
		require.NoError(t, err)
		for _, s := range []video.Sampling{
			{From: 1300 * time.Millisecond, To: 2200 * time.Millisecond},
			{From: 2 * time.Second},
			{To: 700 * time.Millisecond},
			{From: 1100 * time.Millisecond, To: 2900 * time.Millisecond, Every: 500 * time.Millisecond},
			{From: time.Hour},
		} {
			got, err := Collect(b, made, info, video.Request{Sampling: s})
			require.NoError(t, err, "%s %+v", c.name, s)
			var want []Shot
			for i, f := range all {
				in := f.Time >= s.From && (s.To == 0 || f.Time < s.To)
				first := s.Every == 0 || i == 0 || all[i-1].Time < s.From || f.Time/s.Every > all[i-1].Time/s.Every
				if in && first {
					want = append(want, f)
				}
			}
			for i := range got { // numbers are reckoned after seeking
				got[i].Number = want[min(i, len(want)-1)].Number
			}
			assert.Equal(t, want, got, "%s %+v", c.name, s)
		}
	}
}

// testLuma: pictures to be looked at in grey are the luma of the others.
func testLuma(t *testing.T, b video.Backend) {
	for _, c := range []clip{clips[0], clips[4], clips[6]} { // limited range, full range, grey
		made, info := open(t, b, c.make(t))
		r := video.Request{Sampling: video.Sampling{Every: time.Second}, MaxSide: 100}
		var want [][]byte
		for f, err := range b.Frames(context.Background(), made, info, r) {
			require.NoError(t, err)
			want = append(want, slices.Clone(f.Image.(*image.YCbCr).Y))
		}
		r.Luma = true
		n := 0
		for f, err := range b.Frames(context.Background(), made, info, r) {
			require.NoError(t, err)
			assert.Equal(t, want[n], f.Image.(*image.Gray).Pix, c.name)
			n++
		}
		assert.Len(t, want, n)
	}
}

// testLyingSize: a size that the header of a file tells and its pictures do not have is
// not believed.
func testLyingSize(t *testing.T, b video.Backend) {
	made, info := open(t, b, clips[0].make(t))
	r := video.Request{Sampling: video.Sampling{Every: time.Second}}
	want, err := Collect(b, made, info, r)
	require.NoError(t, err)
	info.Width, info.Height = 2, 1
	got, err := Collect(b, made, info, r)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// testRange: black is 0 and white is 255, whatever the range of the file.
func testRange(t *testing.T, b video.Backend) {
	for _, c := range []struct {
		color, format string
		luma          byte
	}{
		{"black", "yuv420p", 0}, {"white", "yuv420p", 255}, {"black", "yuvj420p", 0}, {"white", "yuvj420p", 255}, {"white", "rgb24", 255},
	} {
		codec := "mjpeg"
		if c.format == "rgb24" {
			codec = "png"
		}
		if c.format == "yuv420p" {
			codec = "ffv1"
		}
		made, info := open(t, b, generate(t, "flat.mkv", "matroska",
			"-f lavfi -i color="+c.color+":s=32x32:r=5:d=1 -c:v "+codec+" -pix_fmt "+c.format))
		n := 0
		for f, err := range b.Frames(context.Background(), made, info, video.Request{}) {
			require.NoError(t, err)
			n++
			for _, y := range f.Image.(*image.YCbCr).Y {
				require.InDelta(t, c.luma, y, 1, "%+v", c)
			}
		}
		assert.Equal(t, 5, n)
	}
}

func testStoredPixels(t *testing.T, b video.Backend) {
	made := clips[3].make(t)
	_, turned := open(t, b, made)
	made.StoredPixels = true
	_, stored := open(t, b, made)
	assert.Equal(t, [2]int{turned.Height, turned.Width}, [2]int{stored.Width, stored.Height})
	shots, err := Collect(b, made, stored, video.Request{Sampling: video.Sampling{Keys: true}})
	require.NoError(t, err)
	require.Len(t, shots, 3)
	assert.Equal(t, image.Rect(0, 0, 160, 120), shots[0].Bounds)
}

func testMaxSide(t *testing.T, b video.Backend) {
	made, info := open(t, b, clips[0].make(t))
	for side, want := range map[int]image.Point{1: {X: 1, Y: 1}, 63: {X: 63, Y: 47}, 160: {X: 160, Y: 120}, 1000: {X: 160, Y: 120}} {
		shots, err := Collect(b, made, info, video.Request{MaxSide: side, Sampling: video.Sampling{Every: time.Second}})
		require.NoError(t, err)
		require.Len(t, shots, 3)
		assert.Equal(t, want, shots[2].Bounds.Max)
	}
}

// testSize: pictures of exactly that size, in colours that are the file's.
func testSize(t *testing.T, b video.Backend) {
	made, info := open(t, b, generate(t, "red.mkv", "matroska", "-f lavfi -i color=red:s=48x32:r=5:d=1 -c:v ffv1 -pix_fmt yuv444p"))
	for _, size := range []image.Point{{X: 64, Y: 64}, {X: 7, Y: 100}, {X: 1, Y: 1}} {
		n := 0
		for f, err := range b.Frames(context.Background(), made, info, video.Request{Size: size}) {
			require.NoError(t, err)
			m := f.Image.(*image.RGBA)
			require.Equal(t, size, m.Bounds().Size())
			for i := 0; i < len(m.Pix); i += 4 {
				require.InDelta(t, 255, m.Pix[i], 2)
				require.InDelta(t, 0, m.Pix[i+1], 2)
				require.InDelta(t, 0, m.Pix[i+2], 2)
				require.EqualValues(t, 255, m.Pix[i+3])
			}
			n++
		}
		assert.Equal(t, 5, n)
	}
	made, info = open(t, b, clips[0].make(t))
	shots, err := Collect(b, made, info, video.Request{Size: image.Pt(64, 64), Sampling: video.Sampling{Every: time.Second}})
	require.NoError(t, err)
	require.Len(t, shots, 3)
	assert.NotEqual(t, shots[0].Sum, shots[2].Sum)
}

// testNoKeys: a stream with one key frame that is then cut off has none.
func testNoKeys(t *testing.T, b video.Backend) {
	whole := generate(t, "refresh.ts", "mpegts", "-f lavfi -i testsrc2=s=160x120:r=25:d=5 -c:v mpeg2video -g 600 -bf 0 -sc_threshold 1000000000")
	file, err := os.ReadFile(whole.Path)
	require.NoError(t, err)
	const packet = 188
	cut := len(file) / packet / 2 * packet
	path := filepath.Join(t.TempDir(), "tail.ts")
	require.NoError(t, os.WriteFile(path, file[cut:], 0o600))
	made := container(path, "mpegts")
	info := video.Info{Width: 160, Height: 120, FrameRate: 25}
	shots, err := Collect(b, made, info, video.Request{Sampling: video.Sampling{Keys: true}})
	if err != nil { // decoders may refuse to start without one, but never in silence
		assert.ErrorIs(t, err, video.ErrCorrupt)
		return
	}
	require.NotEmpty(t, shots)
	assert.False(t, shots[0].Key)
}

func testNoPicture(t *testing.T, b video.Backend) {
	made := generate(t, "sound.mkv", "matroska", "-f lavfi -i sine=d=1")
	_, err := b.Probe(context.Background(), made)
	assert.ErrorIs(t, err, video.ErrNoPicture)
}

// testSizeChange: the pictures stay in step when a stream changes its size.
func testSizeChange(t *testing.T, b video.Backend) {
	var file []byte
	for _, size := range []string{"160x120", "96x64"} {
		part := generate(t, "part.m2v", "mpegvideo", "-f lavfi -i testsrc2=s="+size+":r=25:d=1 -c:v mpeg2video -g 10 -bf 0 -f mpeg2video")
		bytes, err := os.ReadFile(part.Path)
		require.NoError(t, err)
		file = append(file, bytes...)
	}
	path := filepath.Join(t.TempDir(), "change.m2v")
	require.NoError(t, os.WriteFile(path, file, 0o600))
	made, info := open(t, b, container(path, "mpegvideo"))
	all, err := Collect(b, made, info, video.Request{})
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(all), 48, "the decoder may drop a frame at the change")
	for n, s := range all {
		assert.Equal(t, n, s.Number)
		assert.Equal(t, image.Rect(0, 0, 160, 120), s.Bounds)
	}
	grid := 100 * time.Millisecond
	some, err := Collect(b, made, info, video.Request{Sampling: video.Sampling{Every: grid}})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(some), 20)
	for i, s := range some {
		require.Less(t, s.Number, len(all))
		assert.Equal(t, all[s.Number], s, "the number is that among all frames")
		assert.True(t, i == 0 || s.Time/grid > some[i-1].Time/grid)
	}
}

// testConcurrent: calls do not disturb each other.
func testConcurrent(t *testing.T, b video.Backend) {
	made, info := open(t, b, clips[0].make(t))
	want, err := Collect(b, made, info, video.Request{})
	require.NoError(t, err)
	type result struct {
		shots []Shot
		err   error
	}
	results := make(chan result)
	for range 3 {
		go func() {
			shots, err := Collect(b, made, info, video.Request{})
			results <- result{shots, err}
		}()
	}
	for range 3 {
		r := <-results
		require.NoError(t, r.err)
		assert.Equal(t, want, r.shots)
	}
}

// testRequests: what Sampling's contract does not allow is refused.
func testRequests(t *testing.T, b video.Backend) {
	made := container(filepath.Join(t.TempDir(), "none.mp4"), "mov")
	info := video.Info{Width: 16, Height: 16}
	for _, s := range []video.Sampling{
		{Every: -1}, {At: make([]time.Duration, 65)}, {At: []time.Duration{2, 1}},
	} {
		_, err := Collect(b, made, info, video.Request{Sampling: s})
		assert.ErrorContains(t, err, "Sampling", "%v", s)
	}
	_, err := b.Probe(context.Background(), made)
	assert.ErrorIs(t, err, os.ErrNotExist)
	made.Demuxer = "concat"
	_, err = b.Probe(context.Background(), made)
	assert.ErrorIs(t, err, video.ErrUnsupported)
	_, err = Collect(b, made, info, video.Request{})
	assert.ErrorIs(t, err, video.ErrUnsupported)
	assert.NotContains(t, ffargs.Demuxers(), "hls")
}
