package fftest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/internal/ffargs"
)

// prompt is how soon a backend must let go, with room for a busy machine. A run to
// the end of long's clip takes longer.
const prompt = 8 * time.Second

// long is a video that takes much longer to decode than a test may.
func long(t *testing.T) video.Container {
	t.Helper()
	return generate(t, "long.mkv", "matroska", "-f lavfi -i testsrc2=s=64x48:r=25:d=20 -vf loop=-1:500 -t 600 -c:v mpeg4 -g 250")
}

func testTruncated(t *testing.T, b video.Backend) {
	for _, c := range []clip{clips[0], clips[1]} {
		whole, info := open(t, b, c.make(t))
		want, err := Collect(b, whole, info, video.Request{})
		require.NoError(t, err)
		cut := half(t, whole)
		_, info = open(t, b, cut)
		got, err := Collect(b, cut, info, video.Request{})
		assert.ErrorIs(t, err, video.ErrTruncated, c.name)
		assert.NotEmpty(t, got)
		assert.Less(t, len(got), len(want))
		assert.Equal(t, want[:len(got)/2], got[:len(got)/2], "what came before is good")
	}
	// An index at the end is lost with the end.
	cut := half(t, clips[3].make(t))
	_, err := b.Probe(context.Background(), cut)
	assert.ErrorIs(t, err, video.ErrTruncated)
}

func testCorrupt(t *testing.T, b video.Backend) {
	for n, content := range []string{"", "x", "\x00\x00\x00\x18ftypisom", "RIFF\x00\x00\x00\x00AVI ", string(make([]byte, 4096))} {
		path := filepath.Join(t.TempDir(), "bad.mp4")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		for i, demuxer := range []string{"mov", "avi", "mpegts", "matroska"} {
			made := container(path, demuxer)
			if (n+i)%2 == 0 { // each start takes its time, and both programs read alike
				_, err := b.Probe(context.Background(), made)
				assert.True(t, errors.Is(err, video.ErrCorrupt) || errors.Is(err, video.ErrTruncated) || errors.Is(err, video.ErrNoPicture),
					"%q as %s: %v", content, demuxer, err)
				continue
			}
			shots, err := Collect(b, made, video.Info{Width: 16, Height: 16, FrameRate: 25}, video.Request{Sampling: video.Sampling{Keys: true}})
			assert.Empty(t, shots)
			assert.ErrorIs(t, err, video.ErrCorrupt, "%q as %s", content, demuxer)
		}
	}
}

// testPlaylist: a text file that names another one gives nothing of the other.
func testPlaylist(t *testing.T, b video.Backend) {
	target := clips[0].make(t)
	for name, text := range map[string]string{
		"ffconcat": "ffconcat version 1.0\nfile '" + filepath.Base(target.Path) + "'\n",
		"hls":      "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n" + target.Path + "\n#EXT-X-ENDLIST\n",
	} {
		path := filepath.Join(filepath.Dir(target.Path), name+".mp4")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := b.Probe(context.Background(), container(path, "mov"))
		assert.ErrorIs(t, err, video.ErrCorrupt, name)
		for i, demuxer := range ffargs.Demuxers() {
			made := container(path, demuxer)
			if (i%2 == 0) == (name == "hls") { // each start takes its time, and both programs read alike
				_, err := b.Probe(context.Background(), made)
				assert.Error(t, err, "%s as %s", name, demuxer)
				continue
			}
			shots, err := Collect(b, made, video.Info{Width: 160, Height: 120, FrameRate: 25}, video.Request{})
			assert.Empty(t, shots)
			assert.ErrorIs(t, err, video.ErrCorrupt, "%s as %s", name, demuxer)
		}
	}
}

// testDemuxers: a file under a wrong name is refused or decoded, but in time and
// with a reason.
func testDemuxers(t *testing.T, b video.Backend) {
	target := clips[0].make(t)
	for _, demuxer := range ffargs.Demuxers() {
		made := container(target.Path, demuxer)
		shots, err := Collect(b, made, video.Info{Width: 160, Height: 120, FrameRate: 25}, video.Request{})
		if demuxer == "mov" {
			assert.NoError(t, err)
			assert.Len(t, shots, 75)
			continue
		}
		reason, ok := video.Reason(err)
		assert.True(t, ok || err == nil && len(shots) > 0, "%s: %v", demuxer, err)
		assert.Contains(t, []string{"", "corrupt", "truncated"}, reason)
	}
}

func testLimits(t *testing.T, b video.Backend) {
	made, info := open(t, b, clips[0].make(t))
	limited := func(l video.Limits) video.Container {
		c := made
		c.Limits = l.Defaults()
		return c
	}
	var over *video.LimitError

	c := limited(video.Limits{Frames: 60})
	for _, s := range []video.Sampling{{}, {Every: time.Second}, {Every: time.Hour}} {
		shots, err := Collect(b, c, info, video.Request{Sampling: s})
		require.ErrorAs(t, err, &over)
		assert.Equal(t, video.LimitError{Limit: "frames", Max: 60}, *over)
		switch s.Every {
		case 0:
			assert.Len(t, shots, 60)
		case time.Second:
			assert.Equal(t, []int{0, 25, 50}, numbers(shots))
		default:
			assert.Len(t, shots, 1)
		}
	}
	c = limited(video.Limits{Frames: 75})
	_, err := Collect(b, c, info, video.Request{})
	assert.NoError(t, err, "the limit itself is allowed")

	c = limited(video.Limits{Duration: time.Second})
	_, err = b.Probe(context.Background(), c)
	require.ErrorAs(t, err, &over)
	assert.Equal(t, "duration", over.Limit)
	lying := info
	lying.Duration = 0
	shots, err := Collect(b, c, lying, video.Request{})
	require.ErrorAs(t, err, &over)
	assert.Equal(t, "duration", over.Limit)
	assert.Len(t, shots, 26)

	c = limited(video.Limits{Pixels: 160*120 - 1})
	_, err = b.Probe(context.Background(), c)
	require.ErrorAs(t, err, &over)
	assert.Equal(t, video.LimitError{Limit: "pixels", Max: 160*120 - 1, Got: 160 * 120}, *over)
	_, err = Collect(b, c, info, video.Request{})
	assert.ErrorAs(t, err, &over)
	lying.Width, lying.Height = 1<<30, 1<<30
	_, err = Collect(b, limited(video.Limits{Pixels: -1}), lying, video.Request{})
	assert.ErrorAs(t, err, &over, "a size that no memory holds")

	c, info = open(t, b, long(t))
	c.Limits.Work = 300 * time.Millisecond
	began := time.Now()
	_, err = Collect(b, c, info, video.Request{})
	assert.ErrorIs(t, err, video.ErrTimeout)
	assert.Less(t, time.Since(began), prompt)
}

func testLeaving(t *testing.T, b video.Backend) {
	made, info := open(t, b, long(t))
	began := time.Now()
	for range b.Frames(context.Background(), made, info, video.Request{}) {
		break
	}
	assert.Less(t, time.Since(began), prompt)
	frames := b.Frames(context.Background(), made, info, video.Request{Sampling: video.Sampling{At: []time.Duration{0, time.Second}}})
	n := 0
	for _, err := range frames {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 2, n)
	assert.Less(t, time.Since(began), 2*prompt, "decoding stops after the last time")
}

func testCancelling(t *testing.T, b video.Backend) {
	made, info := open(t, b, long(t))
	ctx, cancel := context.WithCancel(context.Background())
	n, began := 0, time.Now()
	var last error
	for _, err := range b.Frames(ctx, made, info, video.Request{}) {
		if n++; n == 3 {
			cancel()
		}
		last = err
	}
	assert.ErrorIs(t, last, context.Canceled)
	assert.Less(t, time.Since(began), prompt)

	_, err := b.Probe(ctx, made)
	assert.ErrorIs(t, err, context.Canceled)
	for _, err := range b.Frames(ctx, made, info, video.Request{}) {
		assert.ErrorIs(t, err, context.Canceled)
	}

	// Also while nothing comes out of the decoder.
	ctx, cancel = context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	r := video.Request{Sampling: video.Sampling{At: []time.Duration{time.Hour}}}
	for _, err := range b.Frames(ctx, made, info, r) {
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	}
}
