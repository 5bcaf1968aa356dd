package match_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// What a match accounts for does not keep a clip that is known by far frames alone from
// being found beside it, nor does a mirrored look name one so.
func TestFartherBesideAMatch(t *testing.T) {
	r := seeded()
	s := time.Second
	near, far := moving(r, 30*s), moving(r, 30*s)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{near.entry("near"), far.entry("far")}})
	upload := join(near.recoded(r, 4), far)
	frames := upload.sampled(half, 0)
	for i := range frames {
		if frames[i].Time >= 30*s {
			frames[i].Looks[0].Value = flipped(r, frames[i].Looks[0].Value, 38)
		}
	}
	result, err := m.ScanVideo(frames)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"known/near", "known/far"}, names(result.Matches))
	for _, found := range result.Matches {
		if g := found.Evidence.Segments; found.Entry.ID == "far" {
			require.Len(t, g, 1)
			assert.InDelta(t, 30, g[0].QueryFrom.Seconds(), 1)
			assert.InDelta(t, 60, g[0].QueryTo.Seconds(), 1)
			assert.Equal(t, g[0].Frames, g[0].Confirmed)
		}
	}

	for i := range frames {
		frames[i].Looks[0].Transform = []string{hash.FlipY.String()}
	}
	result, err = m.ScanVideo(frames)
	require.NoError(t, err)
	assert.Equal(t, []string{"known/near"}, names(result.Matches))
}

// The signals around a time are those that a look at all of them finds, however long some
// of them stand.
func TestAround(t *testing.T) {
	r := seeded()
	for _, n := range []int{0, 1, 2, 3, 17, 600} {
		e := match.Entry{ID: "x", Duration: 100 * time.Second}
		for i := range n {
			from := time.Duration(r.IntN(100_000)) * time.Millisecond
			to := min(from+time.Duration(r.IntN(700))*time.Millisecond, e.Duration)
			if i%50 == 7 {
				from, to = 0, e.Duration
			}
			quality := hash.Quality(90)
			if i%10 == 3 {
				quality = 20
			}
			e.Signals = append(e.Signals, match.Signal{Value: random(r, hash.PDQ), Quality: quality, From: from, To: to})
		}
		for range 100 {
			from := time.Duration(r.IntN(100_000)-1000) * time.Millisecond
			to := from + time.Duration(r.IntN(5000))*time.Millisecond
			var want []int32
			for i, s := range e.Signals {
				if s.Quality >= hash.DefaultGate && s.From <= to && s.To >= from {
					want = append(want, int32(i))
				}
			}
			slices.SortStableFunc(want, func(a, b int32) int { return cmp.Compare(e.Signals[a].From, e.Signals[b].From) })
			require.Equal(t, want, match.Around(e, from, to), "%d signals, %v to %v", n, from, to)
		}
	}
	e := match.Entry{ID: "x", Duration: time.Second}
	for range 1000 {
		e.Signals = append(e.Signals, match.Signal{Value: random(r, hash.PDQ), Quality: 90, To: time.Second})
	}
	assert.Len(t, match.Around(e, 0, time.Second), 256, "no more than are looked at")
}
