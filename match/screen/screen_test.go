package screen_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"iter"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/digest"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scene renders a textured picture; at moves the camera over it, in seconds.
func scene(seed int, at float64, w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	type wave struct{ fx, fy, phase, weight float64 }
	waves := make([]wave, 12)
	s := uint32(seed)*2654435761 + 1
	next := func() float64 { s ^= s << 13; s ^= s >> 17; s ^= s << 5; return float64(s) / math.MaxUint32 }
	for i := range waves {
		waves[i] = wave{14 * (next() - .5), 14 * (next() - .5), 7 * next(), 14 + 26*next()}
	}
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w)+at*.13, float64(y)/float64(h)+at*.05
			sum := 128.0
			for _, k := range waves {
				sum += k.weight * math.Sin(2*math.Pi*(k.fx*u+k.fy*v)+k.phase*(1+.1*at))
			}
			m.Pix[y*m.Stride+x] = uint8(min(max(sum, 30), 255))
		}
	}
	return m
}

func pngOf(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

func jpegOf(t *testing.T, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}))
	return b.Bytes()
}

// changed redraws a picture through a mapping of coordinates; outside is black.
func changed(m image.Image, w, h int, from func(x, y int) (int, int)) image.Image {
	out := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p := image.Point{}
			p.X, p.Y = from(x, y)
			c := color.Gray{Y: 3}
			if p.In(m.Bounds()) {
				c = color.GrayModel.Convert(m.At(p.X, p.Y)).(color.Gray)
			}
			out.SetGray(x, y, c)
		}
	}
	return out
}

func matcher(t *testing.T, banks ...match.Bank) *match.Matcher {
	t.Helper()
	m, err := match.New(match.Options{}, banks...)
	require.NoError(t, err)
	return m
}

func enroll(t *testing.T, name string, data []byte, o screen.Options, kinds ...hash.Kind) match.Entry {
	t.Helper()
	e, err := screen.Enroll(context.Background(), video.Bytes(name, data), kinds, o)
	require.NoError(t, err)
	return e
}

func TestPictures(t *testing.T) {
	known := scene(1, 0, 320, 240)
	bank := match.Bank{Name: "known", Labels: []string{"tvec"}, Entries: []match.Entry{
		enroll(t, "one.png", pngOf(t, known), screen.Options{}),
		enroll(t, "other.png", pngOf(t, scene(2, 0, 320, 240)), screen.Options{}),
	}}
	s := screen.New(matcher(t, bank), screen.Options{})
	for _, c := range []struct {
		name      string
		data      []byte
		outcome   screen.Outcome
		reason    string
		entry     string
		transform []string
	}{
		{"same", pngOf(t, known), screen.Match, "", "one.png", nil},
		{"jpeg", jpegOf(t, known, 30), screen.Match, "", "one.png", nil},
		{"mirrored", pngOf(t, changed(known, 320, 240, func(x, y int) (int, int) { return 319 - x, y })), screen.Match, "", "one.png", []string{"flipy"}},
		{"half turn", pngOf(t, changed(known, 320, 240, func(x, y int) (int, int) { return 319 - x, 239 - y })), screen.Match, "", "one.png", []string{"rot180"}},
		{"letterboxed", jpegOf(t, changed(known, 320, 400, func(x, y int) (int, int) { return x, y - 80 }), 60), screen.Match, "", "one.png", []string{"border"}},
		{"letterboxed and mirrored", jpegOf(t, changed(known, 320, 400, func(x, y int) (int, int) { return 319 - x, y - 80 }), 60), screen.Match, "", "one.png", []string{"border", "flipy"}},
		{"another scene", pngOf(t, scene(3, 0, 320, 240)), screen.NoMatch, "", "", nil},
		{"flat", pngOf(t, image.NewGray(image.Rect(0, 0, 100, 100))), screen.NotJudged, "low_quality", "", nil},
		{"tiny", pngOf(t, image.NewGray(image.Rect(0, 0, 4, 4))), screen.NotJudged, "too_small", "", nil},
		{"empty", nil, screen.NotJudged, "empty", "", nil},
		{"text", []byte("just some words"), screen.NotJudged, "unsupported", "", nil},
		{"half a picture", pngOf(t, known)[:2000], screen.NotJudged, "truncated", "", nil},
		{"a video without a decoder", clip("seed=1 from=0 seconds=5"), screen.NotJudged, "decoder_missing", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := s.Screen(context.Background(), video.Bytes(c.name, c.data))
			require.NoError(t, err)
			assert.Equal(t, c.outcome, v.Outcome, "%v", v.Err)
			assert.Equal(t, c.reason, v.Reason)
			assert.Equal(t, c.reason != "", v.Err != nil)
			if c.entry == "" {
				assert.Empty(t, v.Matches)
				return
			}
			require.Len(t, v.Matches, 1)
			m := v.Matches[0]
			assert.Equal(t, c.entry, m.Entry.ID)
			assert.Equal(t, "known", m.Entry.Bank)
			assert.Equal(t, hash.PDQ, m.Evidence.Kind)
			assert.Equal(t, 31, m.Evidence.Threshold)
			assert.LessOrEqual(t, m.Evidence.Distance, 31)
			assert.Equal(t, len(c.transform), len(m.Evidence.Transform), "%v", m.Evidence.Transform)
			assert.Equal(t, strings.Join(c.transform, " "), strings.Join(m.Evidence.Transform, " "))
			d, ok := m.Evidence.Query.Distance(m.Evidence.Known)
			assert.True(t, ok)
			assert.Equal(t, m.Evidence.Distance, d)
		})
	}
}

func TestOtherKinds(t *testing.T) {
	known := pngOf(t, scene(1, 0, 320, 240))
	kinds := []hash.Kind{hash.PHash, hash.DHash256, hash.SHA256}
	bank := match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "one", known, screen.Options{}, kinds...)}}
	v, err := screen.New(matcher(t, bank), screen.Options{}).Screen(context.Background(), video.Bytes("x", known))
	require.NoError(t, err)
	require.Equal(t, screen.Match, v.Outcome)
	got := map[hash.Kind]int{}
	for _, m := range v.Matches {
		got[m.Evidence.Kind] = m.Evidence.Distance
	}
	assert.Equal(t, map[hash.Kind]int{hash.PHash: 0, hash.DHash256: 0, hash.SHA256: 0}, got)
}

// A digest is judged even when the file can't be decoded, and a bank of digests
// alone needs no decoding.
func TestDigests(t *testing.T) {
	broken := pngOf(t, scene(1, 0, 320, 240))[:1500]
	values, _, err := digest.Sum(bytes.NewReader(broken), hash.MD5)
	require.NoError(t, err)
	digests := match.Bank{Name: "md5", Entries: []match.Entry{{ID: "a", Signals: []match.Signal{{Value: values[0], Quality: hash.Unmeasured}}}}}
	pictures := match.Bank{Name: "pdq", Entries: []match.Entry{enroll(t, "b", pngOf(t, scene(2, 0, 64, 80)), screen.Options{})}}

	v, err := screen.New(matcher(t, digests, pictures), screen.Options{}).Screen(context.Background(), video.Bytes("x", broken))
	require.NoError(t, err)
	assert.Equal(t, screen.Match, v.Outcome)
	assert.Equal(t, "truncated", v.Reason, "the match stands and the damage is told")

	v, err = screen.New(matcher(t, digests), screen.Options{}).Screen(context.Background(), video.Bytes("x", broken[1:]))
	require.NoError(t, err)
	assert.Equal(t, screen.NoMatch, v.Outcome)
	assert.Empty(t, v.Reason)
}

// An allow-list entry of any kind suppresses the match of any other.
func TestAllowListAcrossKinds(t *testing.T) {
	known := pngOf(t, scene(1, 0, 320, 240))
	sums, _, err := digest.Sum(bytes.NewReader(known), hash.SHA256)
	require.NoError(t, err)
	bank := match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "one", known, screen.Options{})}}
	allow := match.Bank{Name: "news", Allow: true, Entries: []match.Entry{{ID: "two", Signals: []match.Signal{{Value: sums[0], Quality: hash.Unmeasured}}}}}
	v, err := screen.New(matcher(t, bank, allow), screen.Options{}).Screen(context.Background(), video.Bytes("x", known))
	require.NoError(t, err)
	assert.Equal(t, screen.NoMatch, v.Outcome)
	require.Len(t, v.Matches, 1)
	assert.Equal(t, "news/two", v.Matches[0].SuppressedBy)
}

func TestNothingToCompareWith(t *testing.T) {
	v, err := screen.New(matcher(t), screen.Options{}).Screen(context.Background(), video.Bytes("x", pngOf(t, scene(1, 0, 64, 80))))
	require.NoError(t, err)
	assert.Equal(t, screen.NotJudged, v.Outcome)
	assert.Equal(t, screen.ReasonNoBank, v.Reason)
	assert.Error(t, v.Err)
}

func TestOperationalErrors(t *testing.T) {
	bank := match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "one", pngOf(t, scene(1, 0, 64, 80)), screen.Options{})}}
	s := screen.New(matcher(t, bank), screen.Options{Video: video.Options{Backend: &drawn{}}})
	_, err := s.Screen(context.Background(), video.File("no such file"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = s.Screen(ctx, video.Bytes("x", clip("seed=1 from=0 seconds=600")))
	assert.ErrorIs(t, err, context.Canceled)
}

func TestKnownThatCannotBeHashedIsAnError(t *testing.T) {
	_, err := screen.Enroll(context.Background(), video.Bytes("flat", pngOf(t, image.NewGray(image.Rect(0, 0, 100, 100)))), nil, screen.Options{})
	var low *match.LowQualityError
	require.ErrorAs(t, err, &low)
	assert.Equal(t, hash.Quality(0), low.Quality)
	_, err = screen.Enroll(context.Background(), video.Bytes("text", []byte("words")), nil, screen.Options{})
	assert.ErrorIs(t, err, video.ErrUnsupported)
	_, err = screen.Enroll(context.Background(), video.Bytes("cut", clip("seed=1 from=0 seconds=5 broken=3")), nil, screen.Options{Video: video.Options{Backend: &drawn{}}})
	assert.ErrorIs(t, err, video.ErrTruncated)
}

// drawn is a backend whose videos are drawn: the file says which scene, from when
// and for how long, after an mp4's first box.
type drawn struct{}

func clip(script string) []byte {
	return append([]byte("\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isom\x00\x00\x00\x40free"), script...)
}

func (d *drawn) Name() string { return "drawn" }

type script struct {
	seed          int
	from, seconds float64
	bars, broken  int
	flip          bool
}

func (d *drawn) read(c video.Container) (s script, err error) {
	data, err := os.ReadFile(c.Path)
	if err != nil {
		return s, err
	}
	for _, word := range strings.Fields(string(data[28:])) {
		key, value, _ := strings.Cut(word, "=")
		target := map[string]any{"seed": &s.seed, "from": &s.from, "seconds": &s.seconds, "bars": &s.bars, "broken": &s.broken, "flip": &s.flip}[key]
		if _, err := fmt.Sscan(value, target); err != nil {
			return s, fmt.Errorf("%w: %v", video.ErrCorrupt, err)
		}
	}
	return s, nil
}

func (d *drawn) Probe(ctx context.Context, c video.Container) (video.Info, error) {
	s, err := d.read(c)
	return video.Info{Class: video.Video, Format: c.Format, Codec: "drawn", Width: 96, Height: 96 + 2*s.bars,
		Duration: time.Duration(s.seconds * 1e9), FrameRate: 10}, err
}

func (d *drawn) Frames(ctx context.Context, c video.Container, info video.Info, r video.Request) iter.Seq2[hash.Frame, error] {
	return func(yield func(hash.Frame, error) bool) {
		s, err := d.read(c)
		if err != nil {
			yield(hash.Frame{}, err)
			return
		}
		next := time.Duration(0)
		for n := 0; float64(n) < s.seconds*10; n++ {
			if err := ctx.Err(); err != nil {
				yield(hash.Frame{}, err)
				return
			}
			if s.broken > 0 && n >= 10*s.broken {
				yield(hash.Frame{}, video.ErrTruncated)
				return
			}
			at := time.Duration(n) * 100 * time.Millisecond
			if at < next {
				continue
			}
			next = at + r.Sampling.Every
			var m image.Image = scene(s.seed, s.from+float64(n)/10, 96, 96)
			m = changed(m, 96, 96+2*s.bars, func(x, y int) (int, int) {
				if s.flip {
					x = 95 - x
				}
				return x, y - s.bars
			})
			if !yield(hash.Frame{Image: m, Number: n, Time: at, Key: n%20 == 0}, nil) {
				return
			}
		}
	}
}

func TestVideos(t *testing.T) {
	o := screen.Options{Video: video.Options{Backend: &drawn{}}}
	bank := match.Bank{Name: "known", Entries: []match.Entry{
		enroll(t, "one.mp4", clip("seed=1 from=0 seconds=20"), o),
		enroll(t, "two.mp4", clip("seed=2 from=0 seconds=12 bars=12"), o),
	}}
	assert.Equal(t, 20*time.Second, bank.Entries[0].Duration)
	s := screen.New(matcher(t, bank), o)
	for _, c := range []struct {
		name, script string
		entry        string
		transform    string
		segment      [4]float64
	}{
		{"same", "seed=1 from=0 seconds=20", "one.mp4", "", [4]float64{0, 20, 0, 20}},
		{"trimmed", "seed=1 from=4.3 seconds=9", "one.mp4", "", [4]float64{0, 9, 4.3, 13.3}},
		{"letterboxed", "seed=1 from=2 seconds=10 bars=16", "one.mp4", "border", [4]float64{0, 10, 2, 12}},
		{"mirrored", "seed=1 from=2 seconds=10 flip=true", "one.mp4", "flipy", [4]float64{0, 10, 2, 12}},
		{"without the known one's bars", "seed=2 from=1 seconds=8", "two.mp4", "", [4]float64{0, 8, 1, 9}},
		{"another scene", "seed=3 from=0 seconds=10", "", "", [4]float64{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := s.Screen(context.Background(), video.Bytes(c.name, clip(c.script)))
			require.NoError(t, err)
			if c.entry == "" {
				assert.Equal(t, screen.NoMatch, v.Outcome)
				return
			}
			require.Equal(t, screen.Match, v.Outcome)
			require.Len(t, v.Matches, 1)
			m := v.Matches[0]
			assert.Equal(t, c.entry, m.Entry.ID)
			assert.Equal(t, c.transform, strings.Join(m.Evidence.Transform, " "))
			require.NotEmpty(t, m.Evidence.Segments)
			g := m.Evidence.Segments[0]
			for i, got := range []time.Duration{g.QueryFrom, g.QueryTo, g.KnownFrom, g.KnownTo} {
				assert.InDelta(t, c.segment[i], got.Seconds(), 1, "%+v", g)
			}
		})
	}
	t.Run("damaged half-way", func(t *testing.T) {
		v, err := s.Screen(context.Background(), video.Bytes("x", clip("seed=1 from=0 seconds=20 broken=8")))
		require.NoError(t, err)
		assert.Equal(t, screen.Match, v.Outcome, "the frames that decoded are judged")
		assert.Equal(t, "truncated", v.Reason)
		v, err = s.Screen(context.Background(), video.Bytes("x", clip("seed=3 from=0 seconds=20 broken=8")))
		require.NoError(t, err)
		assert.Equal(t, screen.NotJudged, v.Outcome, "the rest was not seen")
		assert.Equal(t, "truncated", v.Reason)
	})
	t.Run("several at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				v, err := s.Screen(context.Background(), video.Reader("x", bytes.NewReader(clip(fmt.Sprintf("seed=%d from=1 seconds=6", 1+i%3)))))
				assert.NoError(t, err)
				assert.Equal(t, i%3 != 2, v.Outcome == screen.Match)
			})
		}
		wg.Wait()
	})
}
