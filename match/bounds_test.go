package match_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
)

// The edges of segments: a median error of half a second at the most and 1.5 s in 95 of a
// hundred, for pieces of any length at any phase of a sampling of 0.5 to 2 s, under noise.
func TestSegmentBounds(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	r := seeded()
	s := time.Second
	a := moving(r, 90*s)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a")}})
	tick := func(d time.Duration) time.Duration { return d / frame * frame }
	for _, step := range []time.Duration{half, s, 2 * s} {
		var errors []float64
		missed := 0
		for range 120 {
			from := tick(time.Duration(r.Int64N(int64(70 * s))))
			to := from + tick(5*s+time.Duration(r.Int64N(int64(15*s))))
			lead := tick(3*s + time.Duration(r.Int64N(int64(9*s))))
			switch r.IntN(3) { // the beginning and the end are as likely as the middle
			case 0:
				from = 0
			case 1:
				to = 90 * s
				from = max(from, 65*s)
			}
			upload := join(moving(r, lead), a.cut(from, to).recoded(r, 12), moving(r, 7*s))
			result, err := m.ScanVideo(noisy(r, upload.sampled(step, tick(time.Duration(r.Int64N(int64(step))))), 0, 45, 2))
			require.NoError(t, err)
			if len(result.Matches) != 1 {
				missed++
				continue
			}
			g := slices.Clone(result.Matches[0].Evidence.Segments)
			slices.SortFunc(g, func(x, y match.Segment) int { return cmp.Compare(x.QueryFrom, y.QueryFrom) })
			first, last := g[0], g[len(g)-1]
			for _, pair := range [][2]time.Duration{{first.QueryFrom, lead}, {last.QueryTo, lead + to - from}, {first.KnownFrom, from}, {last.KnownTo, to}} {
				errors = append(errors, (pair[0] - pair[1]).Abs().Seconds())
			}
		}
		slices.Sort(errors)
		median, most := errors[len(errors)/2], errors[len(errors)*95/100]
		t.Logf("step %v: median %.2f s, 95 %% within %.2f s, %d of 120 not found", step, median, most, missed)
		assert.LessOrEqual(t, median, 0.5)
		assert.LessOrEqual(t, most, 1.5)
		assert.LessOrEqual(t, missed, 4)
	}
}
