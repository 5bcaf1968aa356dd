package match_test

import (
	"cmp"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

const (
	frame = 40 * time.Millisecond // 25 frames a second
	half  = 500 * time.Millisecond
)

// film is the hash of every frame of a made-up video.
type film []hash.Value

// moving is footage in motion: each frame differs from the one before by a few
// bits, and after half a second by more than the threshold.
func moving(r *rand.Rand, length time.Duration) film {
	f := film{random(r, hash.PDQ)}
	for len(f) < int(length/frame) {
		f = append(f, flipped(r, f[len(f)-1], 4))
	}
	return f
}

// still is one picture that stands, with up to noise bits of difference.
func still(r *rand.Rand, v hash.Value, length time.Duration, noise int) film {
	var f film
	for range int(length / frame) {
		f = append(f, flipped(r, v, r.IntN(noise+1)))
	}
	return f
}

// slides are pictures that stand for a time each.
func slides(r *rand.Rand, n int, each time.Duration) film {
	var f film
	for range n {
		f = append(f, still(r, random(r, hash.PDQ), each, 2)...)
	}
	return f
}

func (f film) cut(from, to time.Duration) film { return f[from/frame : to/frame] }

func join(films ...film) film { return slices.Concat(films...) }

// recoded is the same film after another encoding.
func (f film) recoded(r *rand.Rand, noise int) film {
	var g film
	for _, v := range f {
		g = append(g, flipped(r, v, r.IntN(noise+1)))
	}
	return g
}

func (f film) hashes() []frameHash {
	var h []frameHash
	for i, v := range f {
		h = append(h, frameHash{v, 90, time.Duration(i) * frame})
	}
	return h
}

func (f film) entry(id string) match.Entry { return reference(id, f.hashes()) }

// sampled is the film as an upload, one frame every step.
func (f film) sampled(step, phase time.Duration) []match.QueryFrame {
	q := sample(f.hashes(), step, phase)
	if n := len(q); n > 0 {
		q[n-1].For = time.Duration(len(f))*frame - q[n-1].Time
	}
	return q
}

type stretch struct{ queryFrom, queryTo, knownFrom time.Duration }

// assertSegments compares segments, in the order of the upload, to within half a
// second.
func assertSegments(t *testing.T, want []stretch, got []match.Segment) {
	t.Helper()
	require.Len(t, got, len(want), "%+v", got)
	require.True(t, slices.IsSortedFunc(got, func(a, b match.Segment) int { return cmp.Compare(b.QueryTo-b.QueryFrom, a.QueryTo-a.QueryFrom) }), "longest first")
	got = slices.Clone(got)
	slices.SortFunc(got, func(a, b match.Segment) int { return cmp.Compare(a.QueryFrom, b.QueryFrom) })
	for i, w := range want {
		g := got[i]
		near := func(want, got time.Duration, what string) {
			t.Helper()
			assert.InDelta(t, want.Seconds(), got.Seconds(), 0.5, "segment %d %s: %+v", i, what, g)
		}
		near(w.queryFrom, g.QueryFrom, "from")
		near(w.queryTo, g.QueryTo, "to")
		near(w.knownFrom, g.KnownFrom, "known from")
		near(w.knownFrom+w.queryTo-w.queryFrom, g.KnownTo, "known to")
		assert.Positive(t, g.Frames)
		if i > 0 {
			assert.GreaterOrEqual(t, g.QueryFrom, got[i-1].QueryTo, "no overlap")
		}
	}
}

func TestAlignment(t *testing.T) {
	r := seeded()
	s := time.Second
	a, b := moving(r, 30*s), moving(r, 20*s)
	deck := slides(r, 8, 4*s)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a"), b.entry("b"), deck.entry("deck")}})
	for _, c := range []struct {
		name   string
		upload film
		want   map[string][]stretch
	}{
		{"whole", a, map[string][]stretch{"a": {{0, 30 * s, 0}}}},
		{"start cut off", a.cut(7*s, 30*s), map[string][]stretch{"a": {{0, 23 * s, 7 * s}}}},
		{"end cut off", a.cut(0, 11*s), map[string][]stretch{"a": {{0, 11 * s, 0}}}},
		{"middle", a.cut(12*s, 17*s), map[string][]stretch{"a": {{0, 5 * s, 12 * s}}}},
		{"inside a longer upload", join(moving(r, 25*s), a.cut(3*s, 13*s), moving(r, 40*s)), map[string][]stretch{"a": {{25 * s, 35 * s, 3 * s}}}},
		{"twice", join(a.cut(5*s, 12*s), moving(r, 9*s), a.cut(5*s, 12*s)), map[string][]stretch{"a": {{0, 7 * s, 5 * s}, {16 * s, 23 * s, 5 * s}}}},
		{"looped", join(b.cut(0, 6*s), b.cut(0, 6*s), b.cut(0, 6*s)), map[string][]stretch{"b": {{0, 6 * s, 0}, {6 * s, 12 * s, 0}, {12 * s, 18 * s, 0}}}},
		{"parts swapped", join(a.cut(15*s, 25*s), a.cut(0, 15*s)), map[string][]stretch{"a": {{0, 10 * s, 15 * s}, {10 * s, 25 * s, 0}}}},
		{"a second taken out", join(a.cut(0, 10*s), a.cut(11*s, 30*s)), map[string][]stretch{"a": {{0, 10 * s, 0}, {10 * s, 29 * s, 11 * s}}}},
		{"an insertion", join(a.cut(0, 10*s), moving(r, 8*s), a.cut(10*s, 30*s)), map[string][]stretch{"a": {{0, 10 * s, 0}, {18 * s, 38 * s, 10 * s}}}},
		{"a replaced part", join(a.cut(0, 10*s), moving(r, 8*s), a.cut(18*s, 30*s)), map[string][]stretch{"a": {{0, 10 * s, 0}, {18 * s, 30 * s, 18 * s}}}},
		{"two known", join(a.cut(0, 10*s), b), map[string][]stretch{"a": {{0, 10 * s, 0}}, "b": {{10 * s, 30 * s, 0}}}},
		{"slides", deck, map[string][]stretch{"deck": {{0, 32 * s, 0}}}},
		{"slides, start cut off", deck.cut(6*s, 32*s), map[string][]stretch{"deck": {{0, 26 * s, 6 * s}}}},
		{"unrelated", moving(r, 60*s), nil},
	} {
		for _, step := range []time.Duration{half, 320 * time.Millisecond, time.Second} {
			if step == time.Second && c.name == "slides, start cut off" {
				continue // its edges are known to a second only
			}
			for _, phase := range []time.Duration{0, 5 * frame} {
				t.Run(fmt.Sprintf("%s/%v+%v", c.name, step, phase), func(t *testing.T) {
					frames := c.upload.recoded(r, 6).sampled(step, phase)
					result, err := m.ScanVideo(frames)
					require.NoError(t, err)
					require.Len(t, result.Matches, len(c.want))
					require.False(t, result.Limited)
					require.Equal(t, len(frames), result.Judged)
					for _, x := range result.Matches {
						want := slices.Clone(c.want[x.Entry.ID])
						require.NotEmpty(t, want)
						if first := &want[0]; first.queryFrom == 0 {
							first.queryFrom += phase
							first.knownFrom += phase
						}
						assertSegments(t, want, x.Evidence.Segments)
						e := x.Evidence
						d, ok := e.Query.Distance(e.Known)
						require.True(t, ok)
						require.Equal(t, d, e.Distance)
						inside := slices.ContainsFunc(e.Segments, func(s match.Segment) bool {
							return s.QueryFrom <= e.QueryTime && e.QueryTime < s.QueryTo && s.KnownFrom-half <= e.KnownTime && e.KnownTime <= s.KnownTo+half
						})
						assert.True(t, inside, "the best pair lies in a segment: %+v", e)
					}
				})
			}
		}
	}
}

func TestAlignmentBearsJitter(t *testing.T) {
	r := seeded()
	a := moving(r, 30*time.Second)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a")}})
	frames := a.cut(4*time.Second, 28*time.Second).recoded(r, 6).sampled(half, 0)
	for i := range frames {
		frames[i].Time += time.Duration(r.IntN(81)) * time.Millisecond // a variable frame rate
		frames[i].For = 0
	}
	r.Shuffle(len(frames), func(i, j int) { frames[i], frames[j] = frames[j], frames[i] })
	matches, err := m.MatchVideo(frames)
	require.NoError(t, err)
	require.Len(t, matches, 1)
	assertSegments(t, []stretch{{0, 24 * time.Second, 4 * time.Second}}, matches[0].Evidence.Segments)
	assert.InDelta(t, 100, matches[0].Evidence.QueryPercent, 0.1)
	assert.InDelta(t, 80, matches[0].Evidence.KnownPercent, 3)
}

// A frame stands for no longer than until the next one: what is looked at once more between others
// makes no more of the time that agrees, and ends no segment later.
func TestFramesStandUntilTheNext(t *testing.T) {
	r := seeded()
	a := moving(r, 10*time.Second)
	m := newMatcher(t, match.Options{MinDuration: time.Second}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a")}})
	frames := join(moving(r, 10*time.Second), a.cut(2*time.Second, 2600*time.Millisecond), moving(r, time.Second)).sampled(frame, 0)
	for i := range frames {
		frames[i].For = half
	}
	got, err := m.ScanVideo(frames)
	require.NoError(t, err)
	assert.Empty(t, got.Matches)
	require.Len(t, got.Weak, 1)
	assert.Contains(t, got.Weak[0].Missing, "duration")
	require.Len(t, got.Weak[0].Evidence.Segments, 1)
	assert.InDelta(t, 10.6, got.Weak[0].Evidence.Segments[0].QueryTo.Seconds(), 0.15)
}

// Frames between two that agree, close to each other, take nothing from what these stand for if
// they say nothing.
func TestDenserFramesTakeNothing(t *testing.T) {
	r := seeded()
	a := moving(r, 10*time.Second)
	m := newMatcher(t, match.Options{MinDuration: time.Second}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a")}})
	for _, c := range []struct {
		every int // so many of ten a second agree
		found bool
	}{{1, true}, {4, true}, {6, false}} {
		frames := a.cut(2*time.Second, 3300*time.Millisecond).sampled(100*time.Millisecond, 0)
		for i := range frames {
			if i%c.every != 0 {
				frames[i].Looks[0].Quality = 0
			}
		}
		got, err := m.ScanVideo(append(frames, moving(r, 5*time.Second).sampled(100*time.Millisecond, 1300*time.Millisecond)...))
		require.NoError(t, err)
		assert.Equal(t, c.found, len(got.Matches) == 1, "%d: %+v", c.every, got.Weak)
	}
}

// Looks are tried side by side; borders come and go within one segment, a mirrored
// part is a segment of its own.
func TestAlignmentOfTransforms(t *testing.T) {
	r := seeded()
	s := time.Second
	a := moving(r, 12*s)
	known := a.entry("a")
	for i := range known.Signals {
		known.Signals[i].Transform = []string{"border"}
	}
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{known}})
	frames := join(moving(r, 5*s), a, moving(r, 5*s)).sampled(half, 0)
	for i := range frames {
		full := frames[i].Looks[0]
		other := match.Look{Value: random(r, hash.PDQ), Quality: 90}
		if i%2 == 0 {
			full.Transform = []string{"border", "flipx"}
		} else {
			full.Transform = []string{"flipx"}
		}
		frames[i].Looks = []match.Look{other, full}
	}
	matches, err := m.MatchVideo(frames)
	require.NoError(t, err)
	require.Len(t, matches, 1)
	assertSegments(t, []stretch{{5 * s, 17 * s, 0}}, matches[0].Evidence.Segments)
	assert.Contains(t, matches[0].Evidence.Transform, "flipx")
	assert.Equal(t, []string{"border"}, matches[0].Evidence.KnownTransform)

	// The first half as it is, then the same again mirrored.
	frames = join(a.cut(0, 6*s), a.cut(0, 6*s)).sampled(half, 0)
	for i := range frames {
		if frames[i].Time >= 6*s {
			frames[i].Looks[0].Transform = []string{"flipx"}
		}
	}
	matches, err = m.MatchVideo(frames)
	require.NoError(t, err)
	require.Len(t, matches, 1)
	assertSegments(t, []stretch{{0, 6 * s, 0}, {6 * s, 12 * s, 0}}, matches[0].Evidence.Segments)
}

// The frames of a video count within their looks' limits.
func TestVideoLookLimit(t *testing.T) {
	r := seeded()
	known := moving(r, 10*time.Second)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "b", Entries: []match.Entry{known.entry("a")}})
	// 40 ms of movement are four bits, so that each frame has neighbours within 24.
	frames := known.recoded(r, 0).sampled(half, 0)
	for i := range frames {
		l := &frames[i].Looks[0]
		l.Value, l.Limit, l.Transform = flipped(r, l.Value, 20), 24, []string{"panel:1/4"}
		if i%2 == 1 {
			l.Transform = nil // parts come and go within one segment
		}
	}
	matches, err := m.MatchVideo(frames)
	require.NoError(t, err)
	require.Len(t, matches, 1)
	e := matches[0].Evidence
	assert.Equal(t, 24, e.Threshold)
	assert.LessOrEqual(t, e.Distance, 24)
	assert.EqualValues(t, 100, e.QueryPercent)
	assertSegments(t, []stretch{{0, 10 * time.Second, 0}}, e.Segments)

	for i := range frames {
		frames[i].Looks[0].Limit = e.Distance - 1
	}
	result, err := m.ScanVideo(frames)
	require.NoError(t, err)
	assert.Empty(t, result.Matches)
	assert.Empty(t, result.Weak)
}

func TestTooLittleIsWeak(t *testing.T) {
	r := seeded()
	s := time.Second
	card := random(r, hash.PDQ)
	a := join(still(r, card, 3*s, 2), moving(r, 30*s))
	short := moving(r, 600*time.Millisecond)
	static := still(r, random(r, hash.PDQ), 10*s, 3)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a"), short.entry("short"), static.entry("static")}})
	for _, c := range []struct {
		name    string
		frames  []match.QueryFrame
		match   []string
		missing []string // of the one weak match
	}{
		{"a title card in another film", join(still(r, card, 3*s, 2), moving(r, 20*s)).sampled(half, 0), nil, []string{"frames"}},
		{"one frame of the film", join(moving(r, 10*s), a.cut(20*s, 20*s+2*frame), moving(r, 9*s+23*frame)).sampled(half, 0), nil, []string{"frames", "duration"}},
		{"one frame altogether", a.cut(20*s, 20*s+frame).sampled(half, 0), nil, []string{"frames"}},
		{"one key frame for ten seconds", []match.QueryFrame{{For: 10 * s, Looks: []match.Look{{Value: a[500], Quality: 90}}}}, nil, []string{"frames"}},
		{"a frozen picture of the film", still(r, a[500], 8*s, 3).sampled(half, 0), []string{"known/a"}, nil},
		{"a film that stands still", static.cut(2*s, 8*s).sampled(half, 0), []string{"known/static"}, nil},
		{"a film that stands still inside another", join(moving(r, 9*s), static, moving(r, 9*s)).sampled(half, 0), []string{"known/static"}, nil},
		{"a film shorter than the least", join(moving(r, 9*s), short, moving(r, 9*s)).sampled(200*time.Millisecond, 0), []string{"known/short"}, nil},
		{"an upload shorter than the least", a.cut(20*s, 20*s+800*time.Millisecond).sampled(400*time.Millisecond, 0), []string{"known/a"}, nil},
		{"less than the least", join(moving(r, 10*s), a.cut(20*s, 20*s+800*time.Millisecond), moving(r, 10*s)).sampled(200*time.Millisecond, 0), nil, []string{"duration"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, err := m.ScanVideo(c.frames)
			require.NoError(t, err)
			require.ElementsMatch(t, c.match, names(result.Matches))
			if c.missing == nil {
				require.Empty(t, result.Weak)
				return
			}
			require.Len(t, result.Weak, 1)
			assert.Equal(t, c.missing, result.Weak[0].Missing)
			assert.Equal(t, "a", result.Weak[0].Entry.ID)
			assert.NotEmpty(t, result.Weak[0].Evidence.Segments)
		})
	}
}

// What a hundred entries share is an intro, unless it is all there is of them.
func TestCommonFrames(t *testing.T) {
	r := seeded()
	s := time.Second
	intro := moving(r, 8*s)
	series := match.Bank{Name: "series"}
	copies := match.Bank{Name: "copies"}
	clip := moving(r, 8*s)
	for i := range 100 {
		series.Entries = append(series.Entries, join(intro, moving(r, 30*s)).entry(fmt.Sprint(i)))
		copies.Entries = append(copies.Entries, clip.recoded(r, 4).entry(fmt.Sprint(i)))
	}
	m := newMatcher(t, match.Options{}, series, copies)
	result, err := m.ScanVideo(join(intro.recoded(r, 4), moving(r, 40*s)).sampled(half, 0))
	require.NoError(t, err)
	require.Empty(t, result.Matches)
	require.Len(t, result.Weak, 100)
	assert.Equal(t, []string{"common"}, result.Weak[0].Missing)
	result, err = m.ScanVideo(join(moving(r, 20*s), clip.recoded(r, 4), moving(r, 20*s)).sampled(half, 0))
	require.NoError(t, err)
	require.Len(t, result.Matches, 100)
}

// A trim of a long video that was banked in hundreds of variants is found: nothing
// that goes on for ten seconds is a title card.
func TestCommonContent(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	r := seeded()
	s := time.Second
	film := moving(r, 60*s)
	bank := match.Bank{Name: "variants"}
	for i := range 150 {
		bank.Entries = append(bank.Entries, film.recoded(r, 4).entry(fmt.Sprint(i)))
	}
	m := newMatcher(t, match.Options{}, bank)
	result, err := m.ScanVideo(join(moving(r, 20*s), film.cut(20*s, 31*s), moving(r, 5*s)).sampled(half, 0))
	require.NoError(t, err)
	require.Len(t, result.Matches, 150)
}

func TestPercentThresholds(t *testing.T) {
	r := seeded()
	s := time.Second
	a := moving(r, 20*s)
	bank := match.Bank{Name: "known", Entries: []match.Entry{a.entry("a")}}
	upload := join(a.cut(0, 10*s), moving(r, 30*s)).sampled(half, 0) // 25 % of the upload, 50 % of the known
	for _, c := range []struct {
		o       match.Options
		missing []string
	}{
		{match.Options{}, nil},
		{match.Options{QueryPercent: 24, KnownPercent: 48}, nil},
		{match.Options{QueryPercent: 30}, []string{"query_percent"}},
		{match.Options{KnownPercent: 80}, []string{"known_percent"}},
		{match.Options{QueryPercent: 80, KnownPercent: 80}, []string{"query_percent", "known_percent"}},
		{match.Options{MinFrames: 21}, []string{"frames"}},
		{match.Options{MinDuration: 11 * s}, []string{"duration"}},
	} {
		result, err := newMatcher(t, c.o, bank).ScanVideo(upload)
		require.NoError(t, err)
		if c.missing == nil {
			require.Len(t, result.Matches, 1)
			assert.InDelta(t, 25, result.Matches[0].Evidence.QueryPercent, 0.1)
			assert.InDelta(t, 50, result.Matches[0].Evidence.KnownPercent, 3)
			continue
		}
		require.Empty(t, result.Matches)
		require.Len(t, result.Weak, 1)
		assert.Equal(t, c.missing, result.Weak[0].Missing)
	}
}

func TestPicturesAndVideosCross(t *testing.T) {
	r := seeded()
	s := time.Second
	a := moving(r, 20*s)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{picture("shot", a[14*25]), a.entry("film")}})
	matches, err := m.MatchVideo(a.cut(10*s, 20*s).sampled(half, 0))
	require.NoError(t, err)
	require.Len(t, matches, 2)
	shot := matches[slices.IndexFunc(matches, func(m match.Match) bool { return m.Entry.ID == "shot" })].Evidence
	assert.Equal(t, 4*s, shot.QueryTime)
	assert.Zero(t, shot.Distance)
	assert.Empty(t, shot.Segments)
	assert.Zero(t, shot.KnownTime)

	matches, err = m.Match(a[7*25], 90)
	require.NoError(t, err)
	require.Equal(t, []string{"known/film"}, names(matches))
	assert.InDelta(t, 7, matches[0].Evidence.KnownTime.Seconds(), 0.1)

	// A picture looked at in several ways: the time is that of the look that is nearest.
	result, err := m.ScanPicture([]match.Look{
		{Value: random(r, hash.PDQ), Quality: 90},
		{Transform: []string{"border", "flipx"}, Value: flipped(r, a[12*25], 5), Quality: 80},
		{Transform: []string{"inner"}, Value: flipped(r, a[3*25], 25), Quality: 80, Limit: 20},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"known/film"}, names(result.Matches))
	e := result.Matches[0].Evidence
	assert.InDelta(t, 12, e.KnownTime.Seconds(), 0.2)
	assert.Equal(t, []string{"border", "flipx"}, e.Transform)
	assert.LessOrEqual(t, e.Distance, 5+8, "what the reference is pruned by")
	assert.Empty(t, e.Segments, "a picture has no stretch")
	assert.Zero(t, e.QueryTime)
}

func TestAllowListsInVideos(t *testing.T) {
	r := seeded()
	s := time.Second
	clip := moving(r, 6*s)
	programme := join(moving(r, 20*s), clip, moving(r, 20*s))
	logo := moving(r, s)[0]
	m := newMatcher(t, match.Options{},
		match.Bank{Name: "known", Entries: []match.Entry{clip.entry("clip"), picture("near the logo", flipped(r, logo, 9))}},
		match.Bank{Name: "news", Allow: true, Entries: []match.Entry{programme.entry("broadcast"), picture("logo", logo)}},
	)
	query := func(f film) []string {
		result, err := m.ScanVideo(f.sampled(half, 0))
		require.NoError(t, err)
		return names(result.Matches)
	}
	assert.Equal(t, []string{"known/clip*news/broadcast"}, query(programme.recoded(r, 3)))
	assert.Equal(t, []string{"known/clip*news/broadcast"}, query(programme.cut(10*s, 40*s)))
	assert.Equal(t, []string{"known/clip"}, query(clip), "an excerpt is not the programme")
	matches, err := m.Match(clip[60], 90)
	require.NoError(t, err)
	assert.Equal(t, []string{"known/clip"}, names(matches), "nor is a picture of it")
	assert.Equal(t, []string{"known/clip"}, query(join(programme, moving(r, 5*s), clip)), "once more, after the programme")
	assert.Equal(t, []string{"known/near the logo*news/logo"}, query(join(moving(r, 9*s), still(r, logo, 4*s, 0), moving(r, 9*s))))
}

// Known footage beside an allowed programme, above a harmless picture or between
// sights of the programme, stands; in the same part of the frame it does not.
func TestAllowListsOfPartsInVideos(t *testing.T) {
	r := seeded()
	s := time.Second
	clip := moving(r, 6*s)
	programme := join(moving(r, 6*s), clip, moving(r, 6*s))
	logo := random(r, hash.PDQ)
	m := newMatcher(t, match.Options{},
		match.Bank{Name: "known", Entries: []match.Entry{clip.entry("clip")}},
		match.Bank{Name: "news", Allow: true, Entries: []match.Entry{programme.entry("broadcast"), picture("logo", logo)}},
	)
	left, right := image.Rect(0, 0, 10, 10), image.Rect(10, 0, 20, 10)
	// beside gives every frame a look at each film in an area of its own.
	beside := func(areas []image.Rectangle, films ...film) []string {
		frames := films[0].sampled(half, 0)
		for i := range frames {
			frames[i].Looks[0].Area = areas[0]
		}
		for k, f := range films[1:] {
			for i, g := range f.sampled(half, 0)[:len(frames)] {
				for _, l := range g.Looks {
					l.Area = areas[k+1]
					frames[i].Looks = append(frames[i].Looks, l)
				}
			}
		}
		result, err := m.ScanVideo(frames)
		require.NoError(t, err)
		return names(result.Matches)
	}
	rest := programme.cut(6*s, 18*s)
	noise := moving(r, 12*s)
	all := image.Rectangle{}
	assert.Equal(t, []string{"known/clip*news/broadcast"}, beside([]image.Rectangle{all}, rest))
	assert.Equal(t, []string{"known/clip*news/broadcast"}, beside([]image.Rectangle{all, left}, noise, rest), "in the programme's own part")
	assert.Equal(t, []string{"known/clip*news/broadcast"}, beside([]image.Rectangle{all, left}, rest, rest), "a part agrees where all does")
	// The clip comes in the programme's first 6 s, where that has something else.
	late := programme.cut(0, 12*s)
	early := join(clip, moving(r, 6*s))
	assert.Equal(t, []string{"known/clip"}, beside([]image.Rectangle{all, left, right}, noise, late.cut(0, 6*s).then(r, 6*s), early))
	assert.Equal(t, []string{"known/clip"}, beside([]image.Rectangle{left, right}, early, still(r, logo, 12*s, 0)))
	assert.Equal(t, []string{"known/clip*news/logo"}, beside([]image.Rectangle{left, all}, early, still(r, logo, 12*s, 0)))
}

// then is the film with other footage after it.
func (f film) then(r *rand.Rand, length time.Duration) film { return join(f, moving(r, length)) }

func TestVideoOfLowQuality(t *testing.T) {
	r := seeded()
	a := moving(r, 10*time.Second)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a")}})
	frames := a.sampled(half, 0)
	for i := range frames {
		frames[i].Looks[0].Quality = hash.Quality(i)
	}
	result, err := m.ScanVideo(frames)
	var low *match.LowQualityError
	require.ErrorAs(t, err, &low)
	assert.EqualValues(t, 19, low.Quality)
	assert.Equal(t, 20, result.Frames)
	_, err = m.MatchVideo(nil)
	require.ErrorIs(t, err, match.ErrLowQuality)
	_, err = m.MatchVideo([]match.QueryFrame{{Number: 1}})
	require.ErrorIs(t, err, match.ErrLowQuality, "a frame without looks")

	for i := range frames[:10] {
		frames[i].Looks[0].Quality = 80
	}
	result, err = m.ScanVideo(frames)
	require.NoError(t, err)
	assert.Equal(t, 10, result.Judged)
	require.Len(t, result.Matches, 1)
	assert.InDelta(t, 100, result.Matches[0].Evidence.QueryPercent, 0.1, "of the judged frames")

	for _, bad := range []match.QueryFrame{{Time: -1}, {Time: 1 << 62}, {For: 1 << 62}, {Looks: []match.Look{{Quality: 90}}}} {
		_, err = m.MatchVideo([]match.QueryFrame{bad})
		require.ErrorIs(t, err, match.ErrInvalid)
	}
}

// TestBlankEnds holds that a segment goes on where both videos show nothing to be judged by, as
// far as both do.
func TestBlankEnds(t *testing.T) {
	r := seeded()
	s := time.Second
	dark := func(d time.Duration) film { return moving(r, d) } // told by its quality
	a := moving(r, 12*s)
	blank := func(upload film, step time.Duration, spans ...[2]time.Duration) []match.QueryFrame {
		frames := upload.sampled(step, 0)
		for i := range frames {
			for _, b := range spans {
				if b[0] <= frames[i].Time && frames[i].Time < b[1] {
					frames[i].Looks[0].Quality = 5
				}
			}
		}
		return frames
	}
	entry := func(id string, head, tail time.Duration) match.Entry {
		e := join(dark(head), a, dark(tail)).entry(id)
		for i := range e.Signals {
			if x := &e.Signals[i]; x.From < head || x.From >= head+12*s {
				x.Quality = 5
			}
		}
		return e
	}
	fades, bare := entry("fades", 3*s, 2*s), a.entry("bare")
	dropped := entry("dropped", 3*s, 2*s) // as references keep it: what is blank has no signal
	dropped.Signals = slices.DeleteFunc(dropped.Signals, func(x match.Signal) bool { return x.Quality < 50 })
	dropped.Duration = 17 * s
	for _, c := range []struct {
		name   string
		known  match.Entry
		upload film
		blank  [][2]time.Duration
		want   stretch
	}{
		{"both alike", fades, join(dark(3*s), a, dark(2*s)), [][2]time.Duration{{0, 3 * s}, {15 * s, 17 * s}}, stretch{0, 17 * s, 0}},
		{"no signals", dropped, join(dark(3*s), a, dark(2*s)), [][2]time.Duration{{0, 3 * s}, {15 * s, 17 * s}}, stretch{0, 17 * s, 0}},
		{"longer in the upload", fades, join(dark(8*s), a, dark(7*s)), [][2]time.Duration{{0, 8 * s}, {20 * s, 27 * s}}, stretch{5 * s, 22 * s, 0}},
		{"shorter in the upload", fades, join(dark(s), a, dark(s)), [][2]time.Duration{{0, s}, {13 * s, 14 * s}}, stretch{0, 14 * s, 2 * s}},
		{"in the upload alone", bare, join(dark(4*s), a, dark(4*s)), [][2]time.Duration{{0, 4 * s}, {16 * s, 20 * s}}, stretch{4 * s, 16 * s, 0}},
		{"in the known video alone", fades, join(moving(r, 6*s), a, moving(r, 6*s)), nil, stretch{6 * s, 18 * s, 3 * s}},
		{"the upload goes dark within", bare, join(a.cut(4*s, 8*s)), [][2]time.Duration{{0, s}, {3 * s, 4 * s}}, stretch{s, 3 * s, 5 * s}},
	} {
		for _, step := range []time.Duration{half, 320 * time.Millisecond} {
			t.Run(fmt.Sprintf("%s/%v", c.name, step), func(t *testing.T) {
				m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{c.known}})
				matches, err := m.MatchVideo(blank(c.upload, step, c.blank...))
				require.NoError(t, err)
				require.Len(t, matches, 1)
				assertSegments(t, []stretch{c.want}, matches[0].Evidence.Segments)
			})
		}
	}
}

// TestBlankBetween holds that two segments share what is blank between them: no time of the upload is
// in both, and none is beyond either video.
func TestBlankBetween(t *testing.T) {
	r := seeded()
	s := time.Second
	a, b, x := moving(r, 6*s), moving(r, 6*s), moving(r, 20*s)
	known := join(a, moving(r, 3*s), x, moving(r, 3*s), b, moving(r, 3*s)).entry("cut")
	for i := range known.Signals {
		v := &known.Signals[i]
		for _, from := range []time.Duration{6 * s, 29 * s, 38 * s} {
			if from <= v.From && v.From < from+3*s {
				v.Quality = 5
			}
		}
	}
	frames := join(a, moving(r, 3*s), b, moving(r, s)).sampled(half, 0)
	for i := range frames {
		if at := frames[i].Time; 6*s <= at && at < 9*s || 15*s <= at {
			frames[i].Looks[0].Quality = 5
		}
	}
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{known}})
	matches, err := m.MatchVideo(frames)
	require.NoError(t, err)
	require.Len(t, matches, 1)
	assertSegments(t, []stretch{{0, 7500 * time.Millisecond, 0}, {7500 * time.Millisecond, 16 * s, 30500 * time.Millisecond}}, matches[0].Evidence.Segments)
	for _, x := range matches[0].Evidence.Segments {
		assert.LessOrEqual(t, x.KnownTo, known.Duration)
		assert.LessOrEqual(t, x.QueryTo, 16*s)
	}
}
