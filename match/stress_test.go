package match_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// The worst that media can be: hours in which nothing moves, or the same second
// again and again, or what every entry has. All of them must end soon, and truly.
func TestLongMonotonousVideos(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	r := seeded()
	s := time.Second
	picture := random(r, hash.PDQ)
	second := moving(r, s)
	var loop film
	for range 600 {
		loop = append(loop, second...)
	}
	unpruned := match.Entry{ID: "unpruned", Duration: time.Hour} // every frame a signal, all of them alike
	for i := range 1000 {
		unpruned.Signals = append(unpruned.Signals, match.Signal{
			Value: flipped(r, picture, r.IntN(10)), Quality: 90, From: time.Duration(i) * 3600 * time.Millisecond, To: time.Duration(i+1) * 3600 * time.Millisecond,
		})
	}
	static := match.Entry{ID: "static", Duration: time.Hour, Signals: []match.Signal{{Value: picture, Quality: 90, To: time.Hour}}}
	// The same frame in 3,600 separate places, and in between what is not in the upload.
	flicker := match.Entry{ID: "flicker", Duration: time.Hour}
	for i := range 3600 {
		flicker.Signals = append(flicker.Signals,
			match.Signal{Value: flipped(r, picture, 3), Quality: 90, From: time.Duration(i) * s, To: time.Duration(i)*s + s/2},
			match.Signal{Value: random(r, hash.PDQ), Quality: 90, From: time.Duration(i)*s + s/2, To: time.Duration(i+1) * s})
	}
	hour := make([]match.QueryFrame, 0, 7200)
	for i := range 7200 {
		hour = append(hour, match.QueryFrame{Number: i, Time: time.Duration(i) * half, For: half, Looks: []match.Look{{Value: flipped(r, picture, r.IntN(6)), Quality: 90}}})
	}

	check := func(name string, known match.Entry, frames []match.QueryFrame, limited bool, atLeast float64) {
		t.Run(name, func(t *testing.T) {
			m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{known}})
			start := time.Now()
			result, err := m.ScanVideo(frames)
			require.NoError(t, err)
			t.Logf("%d frames in %v", len(frames), time.Since(start))
			require.Len(t, result.Matches, 1)
			assert.Equal(t, limited, result.Limited)
			e := result.Matches[0].Evidence
			assert.InDelta(t, 100, e.QueryPercent, 0.01)
			var covered time.Duration
			for _, s := range e.Segments {
				covered += s.QueryTo - s.QueryFrom
				require.Equal(t, s.QueryTo-s.QueryFrom, s.KnownTo-s.KnownFrom)
			}
			all := frames[len(frames)-1].Time + half
			assert.GreaterOrEqual(t, float64(covered), atLeast*float64(all))
		})
	}
	check("static against static", static, hour, false, 0.99)
	check("static against every frame of it", unpruned, hour[:2400], false, 0.99)
	check("static against a flicker", flicker, hour[:2400], true, 0.01)
	check("loop against the same loop", loop.entry("loop"), loop.sampled(half, 0), true, 0.2)
	check("static against a glimpse", match.Entry{ID: "glimpse", Duration: 2 * s, Signals: []match.Signal{{Value: picture, Quality: 90, To: 2 * s}}}, hour, true, 0.01)
}

// A frame that thousands of entries have is followed to some of them, and
// the result says so.
func TestFramesOfVeryManyEntries(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	r := seeded()
	card := random(r, hash.PDQ)
	bank := match.Bank{Name: "known"}
	for i := range 2000 {
		bank.Entries = append(bank.Entries, match.Entry{ID: fmt.Sprint(i), Duration: 5 * time.Second, Signals: []match.Signal{
			{Value: flipped(r, card, 2), Quality: 90, To: time.Second}, {Value: random(r, hash.PDQ), Quality: 90, From: time.Second, To: 5 * time.Second},
		}})
	}
	m := newMatcher(t, match.Options{}, bank)
	frames := make([]match.QueryFrame, 200)
	for i := range frames {
		frames[i] = match.QueryFrame{Time: time.Duration(i) * half, Looks: []match.Look{{Value: flipped(r, card, r.IntN(5)), Quality: 90}}}
	}
	result, err := m.ScanVideo(frames)
	require.NoError(t, err)
	assert.True(t, result.Limited)
	assert.NotEmpty(t, result.Weak)
	again, err := m.ScanVideo(frames)
	require.NoError(t, err)
	assert.Equal(t, result, again)
}

func BenchmarkScanVideo(b *testing.B) {
	r := seeded()
	bank := match.Bank{Name: "known"}
	var first film
	for i := range 100 {
		f := moving(r, time.Minute)
		if i == 0 {
			first = f
		}
		bank.Entries = append(bank.Entries, f.entry(fmt.Sprint(i)))
	}
	m := newMatcher(b, match.Options{}, bank)
	frames := first.recoded(r, 6).sampled(half, 0)
	b.Run("known=100x1min/query=1min/step=500ms", func(b *testing.B) {
		for b.Loop() {
			if matches, err := m.MatchVideo(frames); err != nil || len(matches) != 1 {
				b.Fatal(len(matches), err)
			}
		}
	})
}
