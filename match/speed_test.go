package match_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// sped is the film played faster or slower.
func (f film) sped(speed float64) film {
	var g film
	for i := 0; int(float64(i)*speed) < len(f); i++ {
		g = append(g, f[int(float64(i)*speed)])
	}
	return g
}

// noisy is the upload with its frames moved by least to most bits, but for every
// keep-th, which stays within 20.
func noisy(r *rand.Rand, frames []match.QueryFrame, least, most, keep int) []match.QueryFrame {
	frames = slices.Clone(frames)
	for i := range frames {
		l := frames[i].Looks[0]
		if keep > 0 && i%keep == keep/2 {
			l.Value = flipped(r, l.Value, r.IntN(21))
		} else {
			l.Value = flipped(r, l.Value, least+r.IntN(most-least+1))
		}
		frames[i].Looks = []match.Look{l}
	}
	return frames
}

func TestSpeed(t *testing.T) {
	r := seeded()
	s := time.Second
	a, b := moving(r, 60*s), moving(r, 60*s)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a"), b.entry("b")}})
	cuts := 0
	for _, speed := range []float64{0.8, 0.85, 0.9, 0.957, 0.99, 1, 1.0427, 1.1, 1.17, 1.25} {
		for _, step := range []time.Duration{half, s, 2 * s} {
			for _, phase := range []time.Duration{0, 7 * frame} {
				t.Run(fmt.Sprintf("%v/%v+%v", speed, step, phase), func(t *testing.T) {
					// 40 s of the known video in the middle of something else.
					piece := a.cut(10*s, 50*s).sped(speed).recoded(r, 6)
					upload := join(moving(r, 10*s), piece, moving(r, 10*s))
					result, err := m.ScanVideo(upload.sampled(step, phase))
					require.NoError(t, err)
					require.Equal(t, []string{"known/a"}, names(result.Matches))
					require.Empty(t, result.Weak)
					g := result.Matches[0].Evidence.Segments
					require.Len(t, g, 1, "%+v", g)
					if speed == 1 {
						assert.Equal(t, 1.0, g[0].Speed)
					}
					assert.InDelta(t, speed, g[0].Speed, 0.006)
					edge := step.Seconds()/2 + 0.3
					assert.InDelta(t, 10, g[0].QueryFrom.Seconds(), edge)
					assert.InDelta(t, 10+40/speed, g[0].QueryTo.Seconds(), edge)
					assert.InDelta(t, 10, g[0].KnownFrom.Seconds(), edge*speed)
					assert.InDelta(t, 50, g[0].KnownTo.Seconds(), edge*speed)
					cuts++
				})
			}
		}
	}
	require.Equal(t, 10*3*2, cuts)
}

// Pieces of two known videos at several speeds and in another order.
func TestSpeedsOfPieces(t *testing.T) {
	r := seeded()
	s := time.Second
	a, b := moving(r, 60*s), moving(r, 60*s)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a"), b.entry("b")}})
	upload := join(a.cut(30*s, 50*s).sped(1.25), b.cut(5*s, 25*s).sped(0.8), a.cut(4*s, 20*s), moving(r, 5*s), a.cut(30*s, 50*s).sped(1.1)).recoded(r, 5)
	result, err := m.ScanVideo(upload.sampled(half, 0))
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"known/a", "known/b"}, names(result.Matches))
	for _, x := range result.Matches {
		g := slices.Clone(x.Evidence.Segments)
		slices.SortFunc(g, func(x, y match.Segment) int { return cmp.Compare(x.QueryFrom, y.QueryFrom) })
		if x.Entry.ID == "b" {
			require.Len(t, g, 1)
			assert.InDelta(t, 0.8, g[0].Speed, 0.01)
			assert.InDelta(t, 16, g[0].QueryFrom.Seconds(), 0.5)
			continue
		}
		require.Len(t, g, 3, "%+v", g)
		for i, want := range []float64{1.25, 1, 1.1} {
			assert.InDelta(t, want, g[i].Speed, 0.01)
		}
		assert.Equal(t, 1.0, g[1].Speed)
	}
}

// Where most frames are far beyond the threshold, as under a large logo, the others tell
// where they belong, and there they are near enough.
func TestConfirmed(t *testing.T) {
	r := seeded()
	s := time.Second
	a, b := moving(r, 60*s), moving(r, 60*s)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a"), b.entry("b")}})
	for _, c := range []struct {
		name  string
		speed float64
		step  time.Duration
		keep  int
		match bool
	}{
		{"one seed", 1, half, 1000, true},
		{"every fifth", 1, half, 5, true},
		{"every third, key frames", 1, 2 * s, 3, true},
		{"a speed, every third", 1.1, half, 3, true},
		{"no seed", 1, half, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			upload := a.cut(20*s, 45*s).sped(c.speed).sampled(c.step, 0)
			if c.keep == 1000 {
				c.keep = len(upload)
			}
			upload = noisy(r, upload, 40, 58, c.keep)
			result, err := m.ScanVideo(upload)
			require.NoError(t, err)
			if !c.match {
				require.Empty(t, result.Matches)
				require.Empty(t, result.Weak)
				return
			}
			require.Equal(t, []string{"known/a"}, names(result.Matches))
			e := result.Matches[0].Evidence
			require.LessOrEqual(t, e.Distance, e.Threshold, "the best pair is within the threshold")
			require.Len(t, e.Segments, 1)
			g := e.Segments[0]
			assert.Greater(t, g.Confirmed, g.Frames/3)
			assert.Less(t, g.Confirmed, g.Frames)
			assert.Greater(t, g.MeanDistance, float64(e.Threshold), "of all frames, those beyond the threshold too")
			assert.InDelta(t, c.speed, g.Speed, 0.02)
			assert.InDelta(t, 0, g.QueryFrom.Seconds(), 0.1)
			assert.InDelta(t, 25/c.speed, g.QueryTo.Seconds(), 1.1)
			assert.InDelta(t, 20, g.KnownFrom.Seconds(), 0.6)
			assert.InDelta(t, 45, g.KnownTo.Seconds(), 1.1)
		})
	}
}

// Where all frames are beyond the threshold, those that are little beyond it tell where
// they belong; it takes four.
func TestConfirmedAlone(t *testing.T) {
	r := seeded()
	s := time.Second
	a, b := moving(r, 60*s), moving(r, 60*s)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a"), b.entry("b")}})
	for _, c := range []struct {
		length time.Duration
		match  bool
	}{{25 * s, true}, {5 * s, true}, {s + half/2, false}} {
		upload := noisy(r, a.cut(20*s, 20*s+c.length).sampled(half, 0), 33, 38, 0)
		result, err := m.ScanVideo(upload)
		require.NoError(t, err)
		if !c.match {
			require.Empty(t, result.Matches)
			continue
		}
		require.Equal(t, []string{"known/a"}, names(result.Matches))
		e := result.Matches[0].Evidence
		require.Greater(t, e.Distance, e.Threshold)
		require.Equal(t, hash.PDQ.Threshold(), e.Threshold)
		require.Len(t, e.Segments, 1)
		g := e.Segments[0]
		require.Equal(t, g.Frames, g.Confirmed)
		require.GreaterOrEqual(t, g.Frames, 4)
		require.InDelta(t, 20, (g.KnownFrom - g.QueryFrom).Seconds(), 0.25)
		require.InDelta(t, c.length.Seconds(), (g.QueryTo - g.QueryFrom).Seconds(), 0.75)
		require.Zero(t, e.QueryPercent, "none is within the threshold")
	}
}

// One frame that agrees confirms nothing by what lies around it, nor by standing still.
func TestNotConfirmed(t *testing.T) {
	r := seeded()
	s := time.Second
	a := moving(r, 60*s)
	static := join(moving(r, 20*s), still(r, random(r, hash.PDQ), 20*s, 3), moving(r, 20*s))
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a"), static.entry("static")}})
	for name, upload := range map[string][]match.QueryFrame{
		"other footage around a shot": join(moving(r, 20*s), a.cut(30*s, 30*s+2*frame), moving(r, 20*s)).sampled(2*frame, 0),
		"a still under an overlay":    noisy(r, join(moving(r, 9*s), static.cut(22*s, 38*s), moving(r, 9*s)).sampled(half, 0), 40, 58, 16),
		// A frame that agrees stands on with some noise.
		"a frozen frame": noisy(r, join(moving(r, 9*s), still(r, a[900], 9*s, 3), moving(r, 9*s)).sampled(half, 0), 40, 58, 14),
	} {
		t.Run(name, func(t *testing.T) {
			result, err := m.ScanVideo(upload)
			require.NoError(t, err)
			require.Empty(t, result.Matches)
			require.NotEmpty(t, result.Weak, "what was too little is weak")
			for _, w := range result.Weak {
				assert.Contains(t, w.Missing, "frames")
			}
		})
	}
}
