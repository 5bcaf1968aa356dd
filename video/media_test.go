package video_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video"
)

// mp4 is as much of a video as a fake backend needs.
var mp4 = []byte("\x00\x00\x00\x10ftypisom\x00\x00\x02\x00")

// fake is a Backend that gives prepared frames.
type fake struct {
	info     video.Info
	probeErr error
	frames   []hash.Frame
	err      error         // after the frames
	delay    time.Duration // before each frame; ends with the context
	deaf     bool          // ends without a word when its context does

	mu        sync.Mutex
	container video.Container
	content   []byte
	request   video.Request
	open      int // loops that are running
	given     int
}

func (f *fake) Name() string { return "fake" }

func (f *fake) Probe(ctx context.Context, c video.Container) (video.Info, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.container = c
	f.content, _ = os.ReadFile(c.Path)
	if f.delay > 0 && f.probeErr == nil && f.frames == nil {
		<-ctx.Done()
		return video.Info{}, errors.New("signal: killed")
	}
	return f.info, f.probeErr
}

func (f *fake) Frames(ctx context.Context, c video.Container, info video.Info, r video.Request) iter.Seq2[hash.Frame, error] {
	return func(yield func(hash.Frame, error) bool) {
		f.mu.Lock()
		f.open, f.request = f.open+1, r
		f.mu.Unlock()
		defer func() {
			f.mu.Lock()
			f.open--
			f.mu.Unlock()
		}()
		for _, frame := range f.frames {
			if f.delay > 0 {
				select {
				case <-ctx.Done():
					if !f.deaf {
						yield(hash.Frame{}, errors.New("signal: killed"))
					}
					return
				case <-time.After(f.delay):
				}
			}
			f.given++
			if !yield(frame, nil) {
				return
			}
		}
		if f.err != nil {
			yield(hash.Frame{}, f.err)
		}
	}
}

// run makes n frames of 40 ms.
func run(n int) (frames []hash.Frame) {
	for i := range n {
		frames = append(frames, hash.Frame{
			Image: image.NewGray(image.Rect(0, 0, 16, 9)), Number: i, Time: time.Duration(i) * 40 * time.Millisecond, Key: i%12 == 0,
		})
	}
	return frames
}

func openFake(t *testing.T, f *fake, l video.Limits) *video.Media {
	t.Helper()
	return open(t, mp4, video.Options{Backend: f, Limits: l, StoredPixels: true})
}

func TestBackendIsTold(t *testing.T) {
	dir := tempDir(t)
	path := filepath.Join(t.TempDir(), "upload.txt") // names don't matter
	require.NoError(t, os.WriteFile(path, mp4, 0o600))
	for name, in := range map[string]video.Input{
		"file": video.File(path), "bytes": video.Bytes("b", mp4), "reader": video.Reader("r", bytes.NewReader(mp4)),
	} {
		f := &fake{frames: run(3), info: video.Info{Codec: "h264", Width: 16, Height: 9, Duration: 120 * time.Millisecond, FrameRate: 25, Format: "?"}}
		m, err := video.Open(context.Background(), in, video.Options{Backend: f, StoredPixels: true})
		require.NoError(t, err, name)
		assert.Equal(t, video.Info{Class: video.Video, Format: "mp4", Codec: "h264", Width: 16, Height: 9,
			Duration: 120 * time.Millisecond, FrameRate: 25, Bytes: int64(len(mp4))}, m.Info())
		assert.Equal(t, "fake", m.Backend())
		assert.True(t, filepath.IsAbs(f.container.Path))
		assert.Equal(t, mp4, f.content, "the backend finds the bytes in the file system")
		if name == "file" {
			assert.Equal(t, path, f.container.Path)
			assert.Empty(t, list(t, dir), "a file is not copied")
		}
		f.container.Path = ""
		assert.Equal(t, video.Container{Demuxer: "mov", Format: "mp4", Limits: video.Limits{}.Defaults(), StoredPixels: true}, f.container)

		request := video.Request{Sampling: video.Sampling{Keys: true}, MaxSide: 8}
		for range 2 {
			frames, err := collect(m.Frames(context.Background(), request))
			require.NoError(t, err)
			assert.Equal(t, []int{0, 1, 2}, numbers(frames))
			assert.Equal(t, []int64{0, 40, 80}, times(frames))
		}
		assert.Equal(t, request, f.request)
		require.NoError(t, m.Close())
		assert.Empty(t, list(t, dir), name)
	}
}

// A Stored serves digests and a decoder, and outlives the media made of it.
func TestStoredServesAll(t *testing.T) {
	dir := tempDir(t)
	s, err := video.Store(context.Background(), video.Reader("r", bytes.NewReader(mp4)), video.Limits{})
	require.NoError(t, err)
	for range 2 {
		f := &fake{frames: run(1)}
		m, err := video.Open(context.Background(), s.Input(), video.Options{Backend: f})
		require.NoError(t, err)
		assert.Len(t, list(t, dir), 1, "one temporary file for all backends")
		require.NoError(t, m.Close())
		b, err := io.ReadAll(s.Reader())
		require.NoError(t, err)
		assert.Equal(t, mp4, b)
	}
	require.NoError(t, s.Close())
	assert.Empty(t, list(t, dir))
	_, err = video.Open(context.Background(), s.Input(), video.Options{Backend: &fake{}})
	assert.ErrorIs(t, err, os.ErrClosed)
}

func TestBackendErrorsAndBudgets(t *testing.T) {
	killed := errors.New("exit status 1")
	detail := &video.Error{Err: video.ErrTruncated, Detail: "moov atom not found"}
	backwards := run(3)
	backwards[2].Time = 0
	renumbered := run(3)
	renumbered[2].Number = 0
	blank := run(3)
	blank[1].Image = nil
	large := run(3)
	large[1].Image = image.NewGray(image.Rect(0, 0, 17, 9))
	for _, c := range []struct {
		name   string
		fake   *fake
		limits video.Limits
		frames int
		err    error // nil: any
		reason string
	}{
		{"error after frames", &fake{frames: run(5), err: detail}, video.Limits{}, 5, video.ErrTruncated, "truncated"},
		{"operational error", &fake{frames: run(1), err: killed}, video.Limits{}, 1, killed, ""},
		{"no frames", &fake{}, video.Limits{}, 0, video.ErrCorrupt, "corrupt"},
		{"frames", &fake{frames: run(5)}, video.Limits{Frames: 4}, 4, nil, "over_budget_frames"},
		{"duration", &fake{frames: run(5)}, video.Limits{Duration: 100 * time.Millisecond}, 3, nil, "over_budget_duration"},
		{"pixels", &fake{frames: large}, video.Limits{Pixels: 16 * 9}, 1, nil, "over_budget_pixels"},
		{"no picture in a frame", &fake{frames: blank}, video.Limits{}, 1, video.ErrTruncated, "truncated"},
		{"no picture in any frame", &fake{frames: blank[1:]}, video.Limits{}, 0, video.ErrCorrupt, "corrupt"},
		{"times fall", &fake{frames: backwards}, video.Limits{}, 2, video.ErrTruncated, "truncated"},
		{"numbers fall", &fake{frames: renumbered}, video.Limits{}, 2, video.ErrTruncated, "truncated"},
		{"work", &fake{frames: run(5), delay: time.Minute}, video.Limits{Work: 20 * time.Millisecond}, 0, video.ErrTimeout, "timed_out"},
		{"work, without a word", &fake{frames: run(5), delay: time.Minute, deaf: true}, video.Limits{Work: 20 * time.Millisecond}, 0, video.ErrTimeout, "timed_out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := video.Open(context.Background(), video.Bytes("test", mp4), video.Options{Backend: c.fake, Limits: c.limits, StoredPixels: true})
			var frames []hash.Frame
			if err == nil { // on a slow machine the time is up before
				frames, err = collect(m.Frames(context.Background(), video.Request{}))
				require.NoError(t, m.Close())
			}
			assert.Len(t, frames, c.frames)
			var e *video.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, "test", e.Name)
			if c.err != nil {
				assert.ErrorIs(t, err, c.err)
			}
			reason, _ := video.Reason(err)
			assert.Equal(t, c.reason, reason)
			assert.Zero(t, c.fake.open, "the backend's loop was left")
		})
	}
	m := openFake(t, &fake{frames: run(5), err: detail}, video.Limits{})
	_, err := collect(m.Frames(context.Background(), video.Request{}))
	assert.ErrorContains(t, err, "moov atom not found")

	// Times beyond the end are no damage.
	m = openFake(t, &fake{}, video.Limits{})
	_, err = collect(m.Frames(context.Background(), video.Request{Sampling: video.Sampling{At: []time.Duration{time.Hour}}}))
	assert.NoError(t, err)
}

func TestBackendProbeFails(t *testing.T) {
	dir := tempDir(t)
	for _, c := range []struct {
		name   string
		fake   *fake
		limits video.Limits
		err    error
		reason string
	}{
		{"no picture", &fake{probeErr: video.ErrNoPicture}, video.Limits{}, video.ErrNoPicture, "no_picture"},
		{"pixels", &fake{info: video.Info{Width: 1 << 20, Height: 1 << 20}}, video.Limits{}, nil, "over_budget_pixels"},
		{"slow", &fake{delay: time.Hour}, video.Limits{Work: 5 * time.Millisecond}, video.ErrTimeout, "timed_out"},
	} {
		_, err := video.Open(context.Background(), video.Bytes("b", mp4), video.Options{Backend: c.fake, Limits: c.limits})
		reason, _ := video.Reason(err)
		assert.Equal(t, c.reason, reason, c.name)
		if c.err != nil {
			assert.ErrorIs(t, err, c.err, c.name)
		}
		assert.Empty(t, list(t, dir), c.name)
	}
}

// The caller's own context stays what it is, whatever the backend says.
func TestBackendCancelled(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		f := &fake{frames: run(100), delay: time.Millisecond, deaf: deaf}
		m := openFake(t, f, video.Limits{})
		ctx, cancel := context.WithCancel(context.Background())
		seen := 0
		var last error
		for _, err := range m.Frames(ctx, video.Request{}) {
			if last = err; err == nil {
				seen++
				cancel()
			}
		}
		cancel()
		assert.ErrorIs(t, last, context.Canceled)
		assert.Equal(t, 1, seen)
		assert.Zero(t, f.open)

		ctx, cancel = context.WithTimeout(context.Background(), 5*time.Millisecond)
		_, err := collect(m.Frames(ctx, video.Request{}))
		cancel()
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		_, judged := video.Reason(err)
		assert.False(t, judged)

		_, err = collect(m.Frames(ctx, video.Request{}))
		assert.ErrorIs(t, err, context.DeadlineExceeded, "before it begins")
	}
}

func TestLeavingTheLoop(t *testing.T) {
	f := &fake{frames: run(100)}
	for frame, err := range openFake(t, f, video.Limits{}).Frames(context.Background(), video.Request{}) {
		require.NoError(t, err)
		if frame.Number == 2 {
			break
		}
	}
	assert.Equal(t, 3, f.given)
	assert.Zero(t, f.open)
}

func TestFramesAtTheSameTime(t *testing.T) {
	m := open(t, asGIF(t, moving()), video.Options{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			frames, err := collect(m.Frames(context.Background(), video.Request{}))
			assert.NoError(t, err)
			assert.Len(t, frames, 6)
		})
	}
	wg.Wait()
}

func TestRequestsThatContradictThemselves(t *testing.T) {
	m := openFake(t, &fake{frames: run(3)}, video.Limits{})
	for name, r := range map[string]video.Request{
		"negative side":  {MaxSide: -1},
		"negative every": {Sampling: video.Sampling{Every: -1}},
		"both":           {Sampling: video.Sampling{Every: 1, At: []time.Duration{0}}},
		"falling":        {Sampling: video.Sampling{At: []time.Duration{2, 1}}},
		"twice":          {Sampling: video.Sampling{At: []time.Duration{1, 1}}},
		"negative at":    {Sampling: video.Sampling{At: []time.Duration{-1}}},
		"too many":       {Sampling: video.Sampling{At: make([]time.Duration, 65)}},
	} {
		frames, err := collect(m.Frames(context.Background(), r))
		assert.Error(t, err, name)
		assert.Empty(t, frames, name)
		_, judged := video.Reason(err)
		assert.False(t, judged, name)
	}
}

func TestErrorTexts(t *testing.T) {
	_, err := video.Open(context.Background(), video.Bytes("a\nb.mp4", mp4), video.Options{})
	assert.EqualError(t, err, `video: "a\nb.mp4": `+video.ErrNoBackend.Error())
	_, err = video.Open(context.Background(), video.Bytes("x", []byte("ffconcat version 1.0")), video.Options{Backend: &fake{}})
	assert.EqualError(t, err, `video: "x": not a supported picture or video format ("a playlist, which would make a decoder read other files")`)
	_, err = video.Open(context.Background(), video.Bytes("x", mp4), video.Options{Limits: video.Limits{Bytes: 9}})
	assert.EqualError(t, err, `video: "x": 16 bytes, over the budget of 9 bytes: raise Limits.Bytes to judge it`)
	assert.EqualError(t, &video.LimitError{Limit: "duration", Max: int64(time.Hour)}, "over the budget of 1h0m0s: raise Limits.Duration to judge it")
	assert.Equal(t, []string{"still", "animation", "video", "unknown"},
		[]string{video.Still.String(), video.Animation.String(), video.Video.String(), video.Class(0).String()})
}

// Whichever stream a player shows: what was not looked at is told.
func TestSeveralVideoStreams(t *testing.T) {
	m := open(t, mp4, video.Options{Backend: &fake{frames: run(3), info: video.Info{Streams: 2}}})
	frames, err := collect(m.Frames(context.Background(), video.Request{}))
	assert.Len(t, frames, 3)
	require.ErrorIs(t, err, video.ErrUnsupported)
	assert.ErrorContains(t, err, "2 video streams")
	frames, err = collect(m.Frames(context.Background(), video.Request{Sampling: video.Sampling{At: []time.Duration{0}}}))
	assert.NotEmpty(t, frames)
	assert.NoError(t, err, "chosen frames are not the whole video")
}
