package screen_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/gif"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/digest"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// film is a backend of a video of ten frames a second with key frames, as an index tells
// them or does not.
type film struct {
	seconds float64
	picture func(at float64) image.Image
	keys    []float64
	told    bool
	claims  float64       // the length that the header has; 0: the true one
	lands   float64       // where seeking leads to, if that is later than it should
	jumps   int           // that the index tells of
	takes   time.Duration // every look
}

func (f film) Name() string { return "film" }

func (f film) Probe(_ context.Context, c video.Container) (video.Info, error) {
	info := video.Info{Class: video.Video, Format: c.Format, FrameRate: 10, Duration: time.Duration(f.seconds * float64(time.Second))}
	if f.claims > 0 {
		info.Duration = time.Duration(f.claims * float64(time.Second))
	}
	if f.told {
		info.KeyFrames, info.Jumps = len(f.keys), f.jumps
	}
	return info, nil
}

func (f film) Frames(_ context.Context, _ video.Container, info video.Info, q video.Request) iter.Seq2[hash.Frame, error] {
	return func(yield func(hash.Frame, error) bool) {
		time.Sleep(f.takes)
		cell := int64(-1)
		for n := range int(f.seconds * 10) {
			s, at := q.Sampling, time.Duration(n)*100*time.Millisecond
			key := slices.Contains(f.keys, float64(n)/10)
			if s.From > 0 && float64(n)/10 < f.lands || s.Keys && !key || at < s.From || s.To > 0 && at >= s.To || s.Every > 0 && int64(at/s.Every) == cell {
				continue
			}
			if s.Every > 0 {
				cell = int64(at / s.Every)
			}
			if !yield(hash.Frame{Image: f.picture(float64(n) / 10), Number: n, Time: at, Key: key}, nil) {
				return
			}
		}
	}
}

// every returns times of key frames.
func every(step, seconds float64) (keys []float64) {
	for n := 0; float64(n)*step < seconds; n++ {
		keys = append(keys, float64(int(float64(n)*step*10))/10)
	}
	return keys
}

func (f film) screen(t *testing.T, m *match.Matcher, complete bool) screen.Verdict {
	t.Helper()
	s := screen.New(m, screen.Options{Video: video.Options{Backend: f}, Complete: complete})
	v, err := s.Screen(context.Background(), video.Bytes("film", clip("")))
	require.NoError(t, err)
	return v
}

// knownFilm is a matcher of a known video of 12 seconds.
func knownFilm(t *testing.T) *match.Matcher {
	t.Helper()
	known := film{seconds: 12, picture: func(at float64) image.Image { return scene(1, at, 96, 72) }}
	entry := enroll(t, "known", clip(""), screen.Options{Video: video.Options{Backend: known}})
	return matcher(t, match.Bank{Name: "bank", Entries: []match.Entry{entry}})
}

// inside is another scene, changing every four seconds, with a copy of the known video's
// from 4 s on, between from and to.
func inside(from, to float64) func(at float64) image.Image {
	return func(at float64) image.Image {
		if at >= from && at < to {
			return scene(1, at-from+4, 96, 72)
		}
		return scene(10+int(at/4), at, 96, 72)
	}
}

func kinds(plan []screen.Pass) (all []string) {
	for _, p := range plan {
		all = append(all, fmt.Sprintf("%s %s", p.Kind, p.Why))
	}
	return all
}

// A copy of five seconds is found wherever key frames lie, and its bounds are told within
// half a second.
func TestFiveSecondsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	m := knownFilm(t)
	for _, gop := range []float64{1, 3, 5, 10, 40} {
		for _, from := range []float64{9.7, 11.2, 12.4, 13.9} {
			for _, told := range []bool{false, true} {
				f := film{seconds: 40, picture: inside(from, from+5), keys: every(gop, 40), told: told}
				v := f.screen(t, m, false)
				name := fmt.Sprintf("key frames every %v s, from %v, told %v: %v", gop, from, told, kinds(v.Plan))
				if !assert.Equal(t, screen.Match, v.Outcome, name) {
					continue
				}
				s := v.Matches[0].Evidence.Segments[0]
				assert.InDelta(t, from, s.QueryFrom.Seconds(), 0.5, name)
				assert.InDelta(t, from+5, s.QueryTo.Seconds(), 0.5, name)
				if gop <= 3 {
					assert.Less(t, v.Frames, 60, "%s: looked at more than around the copy", name)
				}
			}
		}
	}
}

// Headers that lie about where a video ends, or where its frames are, hide nothing.
func TestLyingHeaders(t *testing.T) {
	m := knownFilm(t)
	for name, f := range map[string]film{
		"an early end":       {seconds: 8, claims: 1.2, picture: inside(2, 8), keys: []float64{0, 1}},
		"seeks lead too far": {seconds: 8, lands: 8, picture: inside(2, 8), keys: []float64{0, 1.9}},
		"both":               {seconds: 8, claims: 1.2, lands: 8, picture: inside(2, 8), keys: []float64{0, 1}},
	} {
		v := f.screen(t, m, false)
		assert.Equal(t, screen.Match, v.Outcome, "%s: %v", name, kinds(v.Plan))
	}
}

// Animations that are over before a second picture is due.
func TestShortAnimations(t *testing.T) {
	known := scene(3, 0, 96, 72)
	m := matcher(t, match.Bank{Name: "bank", Entries: []match.Entry{enroll(t, "known", pngOf(t, known), screen.Options{})}})
	for n := 1; n <= 4; n++ {
		for at := range n {
			for _, delay := range []int{0, 4, 12} {
				g := &gif.GIF{}
				for i := range n {
					picture := scene(20+i, 0, 96, 72)
					if i == at {
						picture = known
					}
					g.Image, g.Delay = append(g.Image, paletted(picture)), append(g.Delay, delay)
				}
				var b bytes.Buffer
				require.NoError(t, gif.EncodeAll(&b, g))
				v, err := screen.New(m, screen.Options{}).Screen(t.Context(), video.Bytes("short.gif", b.Bytes()))
				require.NoError(t, err)
				assert.Equal(t, screen.Match, v.Outcome, "%d frames of %d hundredths, the known one is number %d", n, delay, at)
			}
		}
	}
}

func TestPlan(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	m := knownFilm(t)
	none := inside(0, 0)
	black := image.NewGray(image.Rect(0, 0, 96, 72))
	hidden := func(at float64) image.Image { // key frames, and they alone, show nothing
		if slices.Contains(every(2, 40), at) {
			return black
		}
		return inside(10, 16)(at)
	}
	title := scene(77, 0, 96, 72)
	flashed := func(at float64) image.Image { // or a title
		if slices.Contains(every(2, 40), at) {
			return title
		}
		return inside(10, 16)(at)
	}
	foreign := func(at float64) image.Image { // or each something else
		if slices.Contains(every(2, 400), at) {
			return scene(100+int(at), at, 96, 72)
		}
		return inside(10, 16)(at)
	}
	for _, c := range []struct {
		name     string
		film     film
		complete bool
		outcome  screen.Outcome
		plan     []string
	}{
		{"nothing", film{seconds: 40, picture: none, keys: every(3, 40), told: true}, false, screen.NoMatch, []string{"keys first"}},
		{"nothing, and no index tells where it ends", film{seconds: 40, picture: none, keys: every(3, 40)}, false, screen.NoMatch, []string{"keys first", "every gap"}},
		{"nothing, sparse", film{seconds: 40, picture: none, keys: every(8, 40), told: true}, false, screen.NoMatch, []string{"every sparse"}},
		{"nothing, one gap", film{seconds: 40, picture: none, keys: append(every(2, 20), every(2, 40)[13:]...), told: true}, false, screen.NoMatch, []string{"keys first", "every gap"}},
		{"all of it", film{seconds: 40, picture: none, keys: every(3, 40), told: true}, true, screen.NoMatch, []string{"every complete"}},
		{"key frames of black", film{seconds: 40, picture: hidden, keys: every(2, 40), told: true}, false, screen.Match, []string{"keys first", "every gap"}},
		{"key frames of a title", film{seconds: 40, picture: flashed, keys: every(2, 40), told: true}, false, screen.Match, []string{"keys first", "every still", "every still"}},
		{"key frames of other pictures", film{seconds: 40, picture: foreign, keys: every(2, 40), told: true, jumps: 9}, false, screen.Match, []string{"keys first", "all spot", "all spot", "every spot"}},
		{"jumps, and key frames of their own", film{seconds: 40, picture: none, keys: every(2, 40), told: true, jumps: 9}, false, screen.NoMatch, []string{"keys first", "all spot", "all spot"}},
		{"key frames of other pictures in a long video", film{seconds: 310, picture: foreign, keys: every(2, 310), told: true}, false, screen.Match, []string{"keys first", "all spot", "all spot", "every spot"}},
		{"two seconds and one key frame", film{seconds: 2, picture: inside(0, 2), keys: []float64{0}, told: true}, false, screen.Match, []string{"every sparse"}},
	} {
		v := c.film.screen(t, m, c.complete)
		assert.Equal(t, c.outcome, v.Outcome, c.name)
		assert.Equal(t, c.plan, kinds(v.Plan), c.name)
		for _, p := range v.Plan {
			assert.LessOrEqual(t, p.From, p.To, c.name)
		}
	}
}

// Frames half a second apart need not agree with a known video whose picture moves on by more
// than the threshold from one kept frame to the next. Those between them do.
func TestLivelyVideos(t *testing.T) {
	lively := func(at float64) image.Image { return scene(1000+int(at*10+0.5), 0, 96, 72) }
	known := film{seconds: 6, picture: lively}
	m := matcher(t, match.Bank{Name: "bank", Entries: []match.Entry{enroll(t, "known", clip(""), screen.Options{Video: video.Options{Backend: known}})}})
	// copied shows other pictures at every half second but those up to a time.
	copied := func(but float64) func(at float64) image.Image {
		return func(at float64) image.Image {
			if int(at*10+0.5)%5 == 0 && at > but {
				return scene(5000+int(at*10), 0, 96, 72)
			}
			return lively(at + 1)
		}
	}
	calm := func(at float64) image.Image {
		if int(at*10+0.5)%5 == 0 {
			return scene(3, 0, 96, 72)
		}
		return lively(at + 1)
	}
	long := func(at float64) image.Image {
		if at < 40 {
			return scene(5000+int(at*10), 0, 96, 72)
		}
		return copied(-1)(at - 40)
	}
	for _, c := range []struct {
		name    string
		film    film
		outcome screen.Outcome
		plan    []string
	}{
		{"short", film{seconds: 2.2, picture: copied(-1), keys: []float64{0}, told: true}, screen.Match, []string{"every sparse", "every dense"}},
		{"short, of key frames", film{seconds: 2.2, picture: copied(-1), keys: []float64{0, 0.5, 1, 2}, told: true}, screen.Match, []string{"keys first", "every dense"}},
		{"one frame agrees", film{seconds: 2.2, picture: copied(0), keys: []float64{0}, told: true}, screen.Match, []string{"every sparse", "every dense"}},
		{"frames alike", film{seconds: 2.2, picture: calm, keys: []float64{0}, told: true}, screen.NoMatch, []string{"every sparse"}},
		{"long, nothing agrees", film{seconds: 44, picture: long, keys: every(8, 44), told: true}, screen.NoMatch, []string{"every sparse"}},
	} {
		v := c.film.screen(t, m, false)
		assert.Equal(t, c.outcome, v.Outcome, c.name)
		assert.Equal(t, c.plan, kinds(v.Plan), c.name)
	}
}

// Denser looks are short, wherever what agrees lies, and wherever seeking leads.
func TestDenseLooksAreShort(t *testing.T) {
	lively := func(seed int) func(at float64) image.Image {
		return func(at float64) image.Image { return scene(seed*1000+int(at*10+0.5), 0, 96, 72) }
	}
	var entries []match.Entry
	for i := range 7 {
		known := film{seconds: 1.5, picture: lively(i + 1)}
		entries = append(entries, enroll(t, fmt.Sprint("known", i), clip(""), screen.Options{Video: video.Options{Backend: known}}))
	}
	m := matcher(t, match.Bank{Name: "bank", Entries: entries})
	teased := func(from, gap, n int) func(at float64) image.Image { // by one frame of each
		return func(at float64) image.Image {
			for i := range n {
				if int(at*10+0.5) == (from+i*gap)*10 {
					return lively(i + 1)(0.7)
				}
			}
			return lively(20)(at)
		}
	}
	for _, c := range []struct {
		name string
		film film
		most float64 // that is looked at more densely, in seconds
	}{
		{"in many places", film{seconds: 55, picture: teased(4, 8, 7), keys: []float64{0}, told: true}, 20},
		{"long, seeks lead too far", film{seconds: 30, picture: teased(8, 8, 2), keys: []float64{0}, told: true, lands: 29.5}, 20},
		{"short, seeks lead too far", film{seconds: 18, picture: teased(2, 7, 2), keys: []float64{0}, told: true, lands: 17.5}, 18},
	} {
		v := c.film.screen(t, m, false)
		assert.NotEmpty(t, v.Weak, c.name)
		sum := 0.0
		for _, p := range v.Plan {
			if p.Why == screen.WhyDense {
				sum += (p.To - p.From).Seconds()
			}
		}
		assert.LessOrEqual(t, sum, c.most, "%s: %v", c.name, v.Plan)
	}
}

// The rest of a long upload is left alone once a known video is over, unless all is asked
// for.
func TestEarlyStop(t *testing.T) {
	m := knownFilm(t)
	f := film{seconds: 200, picture: inside(10, 18), keys: every(100, 200), told: true}
	v := f.screen(t, m, false)
	require.Equal(t, screen.Match, v.Outcome)
	require.NotEmpty(t, v.Plan)
	assert.Less(t, v.Plan[0].To, 150*time.Second)
	v = f.screen(t, m, true)
	require.Equal(t, screen.Match, v.Outcome)
	assert.Equal(t, 200*time.Second, v.Plan[0].To)
}

// The budget of work is for all looks at an upload together.
func TestWorkOfAllPasses(t *testing.T) {
	m := knownFilm(t)
	f := film{seconds: 40, picture: inside(0, 0), keys: every(3, 40), takes: 400 * time.Millisecond}
	for work, reason := range map[time.Duration]string{time.Minute: "", 600 * time.Millisecond: "timed_out"} {
		s := screen.New(m, screen.Options{Video: video.Options{Backend: f, Limits: video.Limits{Work: work}}})
		v, err := s.Screen(t.Context(), video.Bytes("film", clip("")))
		require.NoError(t, err)
		assert.Equal(t, reason, v.Reason, "%v: %v", work, kinds(v.Plan))
		if reason == "" {
			assert.Len(t, v.Plan, 2, "two looks, each of them shorter than the budget")
		}
	}

	// And for all media in a file: here two films, of which one at most is within it.
	s := screen.New(m, screen.Options{Video: video.Options{Backend: f, Limits: video.Limits{Work: 1200 * time.Millisecond}}})
	v, err := s.Screen(t.Context(), video.Bytes("films", join(clip(""), zipped(t, clip("")))))
	require.NoError(t, err)
	assert.Equal(t, screen.NotJudged, v.Outcome)
	assert.Equal(t, "timed_out", v.Reason)
	require.Len(t, v.Media, 1)
	assert.Equal(t, "timed_out", v.Media[0].Reason)
	assert.Equal(t, []string{"several_media", "archive", "trailing_bytes"}, v.Flags)
}

// What is known by its digest is found whatever stands behind it, also where there is no time to
// decode anything.
func TestSlowDecoderHidesNoDigest(t *testing.T) {
	known := clip(strings.Repeat(" ", 56)) // fills its box, so that its end is known
	values, _, err := digest.Sum(bytes.NewReader(known), hash.SHA256)
	require.NoError(t, err)
	bank := match.Bank{Name: "known", Entries: []match.Entry{{ID: "k", Signals: []match.Signal{{Value: values[0], Quality: hash.Unmeasured}}}}}
	other := enroll(t, "other", pngOf(t, scene(3, 0, 64, 64)), screen.Options{}) // or nothing would be decoded
	f := film{seconds: 40, picture: inside(0, 0), keys: every(3, 40), takes: time.Second}
	s := screen.New(matcher(t, bank, match.Bank{Name: "pictures", Entries: []match.Entry{other}}),
		screen.Options{Video: video.Options{Backend: f, Limits: video.Limits{Work: 500 * time.Millisecond}}})
	v, err := s.Screen(t.Context(), video.Bytes("film.mp4", join(known, pngOf(t, scene(2, 0, 64, 64)))))
	require.NoError(t, err)
	assert.Equal(t, screen.Match, v.Outcome)
	assert.Equal(t, "timed_out", v.Reason)
	require.Len(t, v.Matches, 1)
	assert.Equal(t, "k", v.Matches[0].Entry.ID)
	assert.Equal(t, []string{"several_media"}, v.Flags)
	require.Len(t, v.Media, 1)
	assert.Equal(t, "timed_out", v.Media[0].Reason)
}

// A decoder that gives up by a clock of its own says nothing of the upload.
func TestDecoderWithItsOwnDeadline(t *testing.T) {
	s := screen.New(knownFilm(t), screen.Options{Video: video.Options{Backend: late{}}})
	_, err := s.Screen(t.Context(), video.Bytes("film", clip("")))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "the farm")
}

type late struct{ film }

func (late) Probe(context.Context, video.Container) (video.Info, error) {
	return video.Info{}, fmt.Errorf("asking the farm: %w", context.DeadlineExceeded)
}
