package match_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// A percentage is one of the uploads, the same ones every time, and more of them when it rises.
func TestPercent(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	m := newMatcher(t, match.Options{RollOutKey: "key"}, match.Bank{Name: "b", Entries: []match.Entry{bare(v)}}, match.Bank{Name: "c", Entries: []match.Entry{picture("same", v)}})
	require.False(t, m.HasPercent())
	const uploads = 4000
	in := make(map[string]bool)
	for _, percent := range []float64{0.5, 5, 50, 99.5, 100} {
		require.NoError(t, m.EditBank("b", func(b *match.Bank) { b.RollOut.Percent = percent }))
		require.Equal(t, percent < 100, m.HasPercent())
		n := 0
		for i := range uploads {
			id := fmt.Sprint(i)
			p, err := m.Upload(id).ScanPicture([]match.Look{{Value: v, Quality: 90}})
			require.NoError(t, err)
			require.Equal(t, 2, len(p.Matches)+len(p.Shadow))
			reported := len(p.Matches) == 2
			require.False(t, in[id] && !reported, "what was matched at a lower percentage still is")
			if in[id] = reported; reported {
				n++
			}
		}
		require.InDelta(t, percent/100*uploads, n, 3*35)
	}
	require.NoError(t, m.EditBank("b", func(b *match.Bank) { b.RollOut.Percent, b.Disabled = 50, true }))
	require.False(t, m.HasPercent())
	require.NoError(t, m.Enable("b", "", true))
	require.True(t, m.HasPercent())
	// Another key chooses other uploads.
	differ := func(change func(b *match.Bank)) {
		before := make([]bool, 100)
		for i := range before {
			p, err := m.Upload(fmt.Sprint(i)).ScanPicture([]match.Look{{Value: v, Quality: 90}})
			require.NoError(t, err)
			before[i] = len(p.Shadow) == 0
		}
		require.NoError(t, m.EditBank("b", change))
		same := 0
		for i := range before {
			p, err := m.Upload(fmt.Sprint(i)).ScanPicture([]match.Look{{Value: v, Quality: 90}})
			require.NoError(t, err)
			if before[i] == (len(p.Shadow) == 0) {
				same++
			}
		}
		require.InDelta(t, 50, same, 25)
	}
	differ(func(b *match.Bank) { b.RollOut.Key = "another" })
}

// Without an ID an upload is told by its digest, or its first hash: the same answer each time.
func TestUploadsWithoutID(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "b", RollOut: match.RollOut{Percent: 50}, Entries: []match.Entry{picture("p", v)}})
	reported := 0
	for range 100 {
		near, sum := flipped(r, v, 3), random(r, hash.SHA256)
		looks := []match.Look{{Value: near, Quality: 90}, {Value: sum, Quality: hash.Unmeasured}}
		p, err := m.ScanPicture(looks)
		require.NoError(t, err)
		again, err := m.Upload(sum.String()).ScanPicture(looks)
		require.NoError(t, err)
		require.Equal(t, p, again)
		reported += len(p.Matches)

		p, err = m.ScanPicture(looks[:1])
		require.NoError(t, err)
		again, err = m.Upload(near.String()).ScanPicture(looks[:1])
		require.NoError(t, err)
		require.Equal(t, p, again)
		frames := []match.QueryFrame{{For: time.Second, Looks: looks[:1]}, {Time: time.Second, Looks: []match.Look{{Value: random(r, hash.PDQ), Quality: 90}}}}
		f, err := m.ScanVideo(frames)
		require.NoError(t, err)
		require.Equal(t, names(p.Shadow), names(f.Shadow))
	}
	require.InDelta(t, 50, reported, 20)
}

// A bank on trial, however large, changes nothing of what is reported: it crowds out nothing,
// makes nothing common, uses up no budget.
func TestShadowsChangeNothing(t *testing.T) {
	r := seeded()
	film, logo := moving(r, 12*time.Second), random(r, hash.PDQ)
	known := match.Bank{Name: "known", Entries: []match.Entry{film.entry("film"), picture("logo", logo)}}
	trial := match.Bank{Name: "trial", RollOut: match.RollOut{Shadow: true}, Entries: []match.Entry{film.recoded(r, 4).entry("copy")}}
	for i := range 100 {
		trial.Entries = append(trial.Entries, join(film.cut(0, 6*time.Second).recoded(r, 4), moving(r, 6*time.Second)).entry(fmt.Sprint("variant ", i)), picture(fmt.Sprint("logo ", i), flipped(r, logo, 2)))
	}
	frames := join(film.cut(time.Second, 5*time.Second), still(r, logo, time.Second, 0)).sampled(half, 0)
	alone, both := newMatcher(t, match.Options{MaxMatches: 5}, known), newMatcher(t, match.Options{MaxMatches: 5}, known, trial)
	want, err := alone.ScanVideo(frames)
	require.NoError(t, err)
	require.Equal(t, []string{"known/film", "known/logo"}, names(want.Matches))
	got, err := both.ScanVideo(frames)
	require.NoError(t, err)
	require.Equal(t, want.Matches, got.Matches)
	require.Equal(t, want.Weak, got.Weak)
	require.Equal(t, want.Limited, got.Limited)
	require.GreaterOrEqual(t, len(got.Shadow), 100)
	for _, s := range got.Shadow {
		require.Equal(t, match.ShadowedByRollOut, s.ShadowedBy)
	}
	p, err := both.ScanPicture([]match.Look{{Value: logo, Quality: 90}})
	require.NoError(t, err)
	require.Equal(t, []string{"known/logo"}, names(p.Matches))
	require.Equal(t, 1, p.Total)
	require.Len(t, p.Shadow, 5)
	require.Equal(t, 100, p.ShadowTotal)
	require.True(t, both.HasKnown())
	// Lookup is the bare index, and Nearest lists even what is off.
	require.NoError(t, both.Enable("trial", "", false))
	l, err := both.Lookup(logo, 5)
	require.NoError(t, err)
	require.Equal(t, 1, l.Total)
	l, err = both.Nearest(logo, 5)
	require.NoError(t, err)
	require.Equal(t, 101, l.Total)
}

// What becomes of an entry costs a query nothing but compares.
func TestPolicyAllocatesNothing(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	plain := newMatcher(t, match.Options{}, match.Bank{Name: "b", Entries: []match.Entry{picture("p", v)}})
	e := picture("p", v)
	e.Curation = curated(1)
	e.Curation.Decision, e.Curation.Quarantine = match.Decision{Stance: match.Positive}, match.Quarantine{}
	ruled := newMatcher(t, match.Options{Now: clockAt(&now)}, match.Bank{Name: "b", Policy: match.Policy{Disputed: match.Report}, Entries: []match.Entry{e}})
	looks := []match.Look{{Value: v, Quality: 90}}
	allocs := func(m *match.Matcher) float64 {
		return testing.AllocsPerRun(100, func() {
			if p, err := m.ScanPicture(looks); err != nil || len(p.Matches) != 1 {
				t.Fatal(p, err)
			}
		})
	}
	require.Equal(t, allocs(plain), allocs(ruled))
}

// Dates take effect as the clock goes, with no change of anything.
func TestDatesTakeEffect(t *testing.T) {
	r := seeded()
	v, at := random(r, hash.PDQ), now
	e := picture("p", v)
	e.Curation = &match.Curation{DisabledUntil: now.Add(time.Minute), Expires: now.Add(time.Hour)}
	m := newMatcher(t, match.Options{Now: clockAt(&at)})
	require.NoError(t, m.Load(shelved(t, match.Bank{Name: "b", Entries: []match.Entry{e}})))
	u := m.Upload("one upload that goes on")
	for _, c := range []struct {
		after time.Duration
		found int
	}{{0, 0}, {time.Minute - 1, 0}, {time.Minute, 1}, {time.Hour - 1, 1}, {time.Hour, 0}, {time.Minute, 1}} {
		at = now.Add(c.after)
		found, err := u.Match(v, 90)
		require.NoError(t, err)
		require.Len(t, found, c.found, "%v", c.after)
		l, err := m.Lookup(v, 3)
		require.NoError(t, err)
		require.Len(t, l.Matches, c.found, "%v", c.after)
	}
}
