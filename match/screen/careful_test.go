package screen_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/digest"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/hash/region"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// reel is a backend that shows these pictures, ten a second.
type reel []image.Image

func (r reel) Name() string { return "reel" }

func (r reel) Probe(_ context.Context, c video.Container) (video.Info, error) {
	return video.Info{Class: video.Video, Format: c.Format, Duration: time.Duration(len(r)) * 100 * time.Millisecond}, nil
}

func (r reel) Frames(_ context.Context, _ video.Container, _ video.Info, q video.Request) iter.Seq2[hash.Frame, error] {
	return func(yield func(hash.Frame, error) bool) {
		next := time.Duration(0)
		for n, m := range r {
			at := time.Duration(n) * 100 * time.Millisecond
			if at < next {
				continue
			}
			next = at + q.Sampling.Every
			if !yield(hash.Frame{Image: m, Number: n, Time: at, Key: true}, nil) {
				return
			}
		}
	}
}

func (r reel) options() screen.Options {
	return screen.Options{Video: video.Options{Backend: r}}
}

// assertCovered holds that every picture of the reel that can be judged is near a
// signal that stands for its time, as it is and within its border.
func assertCovered(t *testing.T, r reel, e match.Entry) {
	t.Helper()
	for n, m := range r {
		m = video.Luma(m, 0)
		pictures := []image.Image{m}
		if inner, found := region.WithinBorder(m); found {
			pictures = append(pictures, region.Crop(m, inner))
		}
		for look, p := range pictures {
			v, q := pdq.Sum(p)
			if !q.Passes(hash.DefaultGate) {
				continue
			}
			at, best := time.Duration(n)*100*time.Millisecond, 256
			for _, s := range e.Signals {
				if d, ok := v.Distance(s.Value); ok && s.From <= at && at < s.To && len(s.Transform) == look {
					best = min(best, d)
				}
			}
			assert.LessOrEqual(t, best, 8, "frame %d, look %d", n, look)
		}
	}
}

// A scene that fades in has its hash before it has the quality to be judged.
func TestEnrollKeepsWhatFadesIn(t *testing.T) {
	var r reel
	full := scene(1, 0, 96, 96)
	for n := range 60 {
		m := image.NewGray(full.Rect)
		for i, v := range full.Pix {
			m.Pix[i] = uint8(60 + (int(v)-60)*min(n, 40)/40)
		}
		r = append(r, m)
	}
	_, first := pdq.Sum(r[1])
	_, last := pdq.Sum(r[59])
	require.Less(t, first, hash.DefaultGate)
	require.GreaterOrEqual(t, last, hash.DefaultGate)
	assertCovered(t, r, enroll(t, "x", clip(""), r.options()))
}

// Wide bars dampen what a movement does to the hash of the whole picture.
func TestEnrollKeepsWhatMovesWithinBars(t *testing.T) {
	var r reel
	for n := range 60 {
		r = append(r, changed(scene(2, float64(n)/60, 96, 96), 300, 96, func(x, y int) (int, int) { return x - 102, y }))
	}
	assertCovered(t, r, enroll(t, "x", clip(""), r.options()))
}

func TestNothingEnabledToCompareWith(t *testing.T) {
	data := pngOf(t, scene(1, 0, 64, 80))
	entries := []match.Entry{enroll(t, "one", data, screen.Options{}, hash.PDQ, hash.MD5)}
	for _, b := range []match.Bank{
		{Name: "off", Disabled: true, Entries: entries},
		{Name: "harmless", Allow: true, Entries: entries},
	} {
		v, err := screen.New(matcher(t, b), screen.Options{}).Screen(context.Background(), video.Bytes("x", data))
		require.NoError(t, err)
		assert.Equal(t, screen.NotJudged, v.Outcome, b.Name)
		assert.Equal(t, screen.ReasonNoBank, v.Reason, b.Name)
	}
}

// leaving is a reel that does something before it is looked at.
type leaving struct {
	reel
	do func()
}

func (l leaving) Probe(ctx context.Context, c video.Container) (video.Info, error) {
	l.do()
	return l.reel.Probe(ctx, c)
}

// An upload that nothing was left to compare with is not one that matches nothing.
func TestBanksThatGoMeanwhile(t *testing.T) {
	var r reel
	for n := range 20 {
		r = append(r, scene(3, float64(n)/20, 96, 96))
	}
	m := matcher(t, match.Bank{Name: "b", Entries: []match.Entry{enroll(t, "x", clip(""), r.options())}})
	o := screen.Options{Video: video.Options{Backend: leaving{r, func() {}}}}
	v, err := screen.New(m, o).Screen(context.Background(), video.Bytes("x", clip("")))
	require.NoError(t, err)
	require.Equal(t, screen.Match, v.Outcome)
	o.Video.Backend = leaving{r, func() { require.NoError(t, m.RemoveBank("b")) }}
	v, err = screen.New(m, o).Screen(context.Background(), video.Bytes("x", clip("")))
	require.NoError(t, err)
	require.Equal(t, screen.NotJudged, v.Outcome)
	require.Equal(t, screen.ReasonNoBank, v.Reason)
}

// A picture that a kind of hash has no room for is the upload's fault, not the
// pipeline's.
func TestTooLongForAnImageHash(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	bank := match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "one", pngOf(t, scene(1, 0, 64, 80)), screen.Options{}, hash.PHash)}}
	v, err := screen.New(matcher(t, bank), screen.Options{}).Screen(context.Background(), video.Bytes("x", pngOf(t, image.NewGray(image.Rect(0, 0, 70_000, 8)))))
	require.NoError(t, err)
	assert.Equal(t, screen.NotJudged, v.Outcome)
	assert.Equal(t, "unsupported", v.Reason)
}

// What was not followed to the end is no "no match".
func TestLimitedIsNotJudged(t *testing.T) {
	still := scene(1, 0, 96, 96)
	value, quality := pdq.Sum(still)
	other, _ := pdq.Sum(scene(2, 0, 96, 96))
	flicker := match.Entry{ID: "flicker", Duration: time.Hour}
	for i := range 100 {
		at := time.Duration(i) * 10 * time.Second
		flicker.Signals = append(flicker.Signals,
			match.Signal{Value: value, Quality: quality, From: at, To: at + time.Second},
			match.Signal{Value: other, Quality: quality, From: at + time.Second, To: at + 10*time.Second})
	}
	m, err := match.New(match.Options{KnownPercent: 100}, match.Bank{Name: "known", Entries: []match.Entry{flicker}})
	require.NoError(t, err)
	var r reel
	for range 30 {
		r = append(r, still)
	}
	v, err := screen.New(m, r.options()).Screen(context.Background(), video.Bytes("x", clip("")))
	require.NoError(t, err)
	assert.Equal(t, screen.NotJudged, v.Outcome, fmt.Sprint(v.Matches))
	assert.Equal(t, screen.ReasonLimited, v.Reason)
	assert.NotEmpty(t, v.Weak)
}

// A picture in memory is enrolled and judged as the file of it.
func TestDecodedPictures(t *testing.T) {
	known := scene(1, 0, 320, 240)
	file := enroll(t, "one", pngOf(t, known), screen.Options{}, hash.PDQ, hash.PHash)
	entry, err := screen.EnrollImage("one", known, []hash.Kind{hash.PDQ, hash.PHash}, screen.Options{})
	require.NoError(t, err)
	assert.Equal(t, file, entry)

	s := screen.New(matcher(t, match.Bank{Name: "known", Entries: []match.Entry{entry}}), screen.Options{})
	for name, m := range map[string]image.Image{
		"mirrored": changed(known, 320, 400, func(x, y int) (int, int) { return 319 - x, y - 80 }),
		"other":    scene(3, 0, 320, 240),
		"flat":     image.NewGray(image.Rect(0, 0, 100, 100)),
		"tiny":     image.NewGray(image.Rect(0, 0, 4, 4)),
		"too long": image.NewGray(image.Rect(0, 0, 70_000, 8)),
	} {
		want, err := s.Screen(context.Background(), video.Bytes(name, pngOf(t, m)))
		require.NoError(t, err)
		got, err := s.ScreenImage(m)
		require.NoError(t, err)
		assert.Equal(t, want.Outcome, got.Outcome, name)
		assert.Equal(t, want.Reason, got.Reason, name)
		assert.Equal(t, want.Matches, got.Matches, name)
		assert.Equal(t, [2]int{m.Bounds().Dx(), m.Bounds().Dy()}, [2]int{got.Info.Width, got.Info.Height}, name)
	}
	v, err := s.ScreenImage(nil)
	require.NoError(t, err)
	assert.Equal(t, screen.NotJudged, v.Outcome)

	_, err = screen.EnrollImage("one", known, []hash.Kind{hash.MD5}, screen.Options{})
	assert.ErrorContains(t, err, "md5")
	_, err = screen.EnrollImage("one", image.NewGray(image.Rect(0, 0, 100, 100)), nil, screen.Options{})
	assert.ErrorIs(t, err, match.ErrLowQuality)
	_, err = screen.EnrollImage("one", nil, nil, screen.Options{})
	assert.Error(t, err)

	sums, _, err := digest.Sum(bytes.NewReader(nil), hash.MD5)
	require.NoError(t, err)
	digests := match.Bank{Name: "md5", Entries: []match.Entry{{ID: "a", Signals: []match.Signal{{Value: sums[0], Quality: hash.Unmeasured}}}}}
	v, err = screen.New(matcher(t, digests), screen.Options{}).ScreenImage(known)
	require.NoError(t, err)
	assert.Equal(t, screen.ReasonNoBank, v.Reason, "there is no digest of pixels")
}
