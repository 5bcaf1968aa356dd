package match_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// surging is a matcher whose clock and uploads are the test's.
type surging struct {
	*match.Matcher
	t     *testing.T
	at    time.Time
	heard []match.Surge
}

func newSurging(t *testing.T, rule match.SurgeRule, banks ...match.Bank) *surging {
	s := &surging{t: t, at: now}
	rule.Heard = func(h match.Surge) { s.heard = append(s.heard, h) }
	s.Matcher = newMatcher(t, match.Options{Now: clockAt(&s.at), Surge: rule}, banks...)
	return s
}

// upload uploads a picture n times and returns in how many of them it was reported and shadowed.
func (s *surging) upload(v hash.Value, n int) (reported, shadowed int) {
	s.t.Helper()
	for range n {
		p, err := s.ScanPicture([]match.Look{{Value: v, Quality: 90}})
		require.NoError(s.t, err)
		reported, shadowed = reported+len(p.Matches), shadowed+len(p.Shadow)
	}
	return reported, shadowed
}

func TestSurges(t *testing.T) {
	r := seeded()
	old, fresh, sure, foreign := random(r, hash.PDQ), random(r, hash.PDQ), random(r, hash.PDQ), random(r, hash.PDQ)
	confirmed := picture("sure", sure)
	confirmed.Curation = &match.Curation{Decision: match.Decision{Stance: match.Positive}}
	s := newSurging(t, match.SurgeRule{}, match.Bank{Name: "b", Entries: []match.Entry{picture("old", old), confirmed}})
	// A day of two an hour: 20 is ten times that, and too few to speak of.
	for range 24 {
		s.at = s.at.Add(time.Hour)
		s.upload(old, 2)
		s.upload(foreign, 5000/24)
	}
	s.at = s.at.Add(time.Hour)
	reported, shadowed := s.upload(old, 99)
	require.Equal(t, []int{99, 0}, []int{reported, shadowed})
	require.Empty(t, s.heard)
	reported, shadowed = s.upload(old, 11)
	require.Equal(t, []int{1, 10}, []int{reported, shadowed}, "the hundredth is the last one reported")
	q := match.Quarantine{Since: s.at, Count: 100, Usual: 2, Uploads: 100}
	require.Equal(t, []match.Surge{{Bank: "b", Entry: "old", Quarantine: q, SetAside: true}}, s.heard)
	e, _, err := s.Entry("b", "old")
	require.NoError(t, err)
	require.Equal(t, q, e.Curation.Quarantine)

	// What we have confirmed is told of, and goes on: once a bucket.
	reported, shadowed = s.upload(sure, 250)
	require.Equal(t, []int{250, 0}, []int{reported, shadowed})
	require.Len(t, s.heard, 2)
	require.False(t, s.heard[1].SetAside)
	require.NoError(t, s.heard[1].Err)

	// What has no history is compared with all uploads: 5 per cent of them.
	require.NoError(t, s.AddEntries("b", picture("fresh", fresh)))
	s.upload(foreign, 6000)
	reported, shadowed = s.upload(fresh, 340)
	require.Equal(t, []int{335, 5}, []int{reported, shadowed}, "100 times 335 is just over 5 times the 6,695 uploads by then; 334 is not")
	require.Len(t, s.heard, 3)
	require.Equal(t, "fresh", s.heard[2].Entry)
	require.Zero(t, s.heard[2].Quarantine.Usual)

	// Confirmed, it matches at once, though the figures stay with it.
	confirm := func(s match.Stance) func(*match.Entry) {
		return func(e *match.Entry) { e.Curation.Decision.Stance = s }
	}
	require.NoError(t, s.EditEntry("b", "fresh", confirm(match.Positive)))
	reported, shadowed = s.upload(fresh, 5)
	require.Equal(t, []int{5, 0}, []int{reported, shadowed})
	require.NoError(t, s.EditEntry("b", "fresh", confirm(match.NoOpinion)))
	reported, shadowed = s.upload(fresh, 5)
	require.Equal(t, []int{0, 5}, []int{reported, shadowed})

	// Released by a curator, it is left alone for a day, whatever it matches.
	release := func(e *match.Entry) { e.Curation.Quarantine = match.Quarantine{} }
	require.NoError(t, s.EditEntry("b", "old", release))
	for range 24 {
		reported, shadowed = s.upload(old, 150)
		require.Equal(t, []int{150, 0}, []int{reported, shadowed})
		s.at = s.at.Add(time.Hour)
	}
	require.Len(t, s.heard, 3)
	// And a day on its history is that of a busy one.
	s.at = s.at.Add(time.Hour)
	reported, _ = s.upload(old, 1000)
	require.Equal(t, 1000, reported)
	reported, shadowed = s.upload(old, 600)
	require.Len(t, s.heard, 4)
	require.Equal(t, 600, reported+shadowed)
	require.InDelta(t, 1438, s.heard[3].Quarantine.Count, 65, "ten times the mean of 23 buckets of 150 and one of none")
}

// An upload counts once for an entry, however often and wherever it is found in it; and what an
// allow-list suppresses does not count.
func TestSurgesCountUploads(t *testing.T) {
	r := seeded()
	film, sum, harmless := moving(r, 4*time.Second), random(r, hash.MD5), random(r, hash.PDQ)
	entry := film.entry("film")
	entry.Signals = append(entry.Signals, match.Signal{Value: sum, Quality: hash.Unmeasured})
	rule := match.SurgeRule{Least: 3, Share: 0.001}
	s := newSurging(t, rule, match.Bank{Name: "b", Entries: []match.Entry{entry, picture("harmless", harmless)}}, match.Bank{Name: "allow", Allow: true, Entries: []match.Entry{bare(harmless)}})
	upload := func() {
		u := s.Upload("x")
		_, err := u.ScanPicture([]match.Look{{Value: sum, Quality: hash.Unmeasured}})
		require.NoError(t, err)
		v := u.NewVideo()
		require.NoError(t, v.Add(film.sampled(half, 0)...))
		for range 3 {
			result, err := v.Result()
			require.NoError(t, err)
			require.Len(t, append(result.Matches, result.Shadow...), 1)
		}
	}
	upload()
	upload()
	require.Empty(t, s.heard)
	s.upload(harmless, 50)
	require.Empty(t, s.heard)
	upload()
	require.Len(t, s.heard, 1)
	require.Equal(t, 3, s.heard[0].Quarantine.Count)
	require.Equal(t, 53, s.heard[0].Quarantine.Uploads)
	upload()
	require.Len(t, s.heard, 1)
}

// However many entries match, few are counted: those that match the most and the latest.
func TestSurgesForget(t *testing.T) {
	r := seeded()
	b := match.Bank{Name: "b"}
	for i := range 50 {
		b.Entries = append(b.Entries, picture(fmt.Sprintf("%02d", i), random(r, hash.PDQ)))
	}
	s := newSurging(t, match.SurgeRule{Least: 10, Share: 0.001, Entries: 8}, b)
	often := b.Entries[7].Signals[0].Value
	for range 9 {
		s.upload(often, 1)
		for _, e := range b.Entries {
			s.upload(e.Signals[0].Value, 1)
		}
		s.upload(often, 1)
		require.LessOrEqual(t, s.Tallies(), 8)
		if len(s.heard) > 0 {
			require.Equal(t, "07", s.heard[0].Entry)
		}
	}
	require.NotEmpty(t, s.heard)
}

// Of a bank that is removed nothing is counted any more, on a shelf or not.
func TestSurgesForgetBanks(t *testing.T) {
	r := seeded()
	v, w := random(r, hash.PDQ), random(r, hash.PDQ)
	s := newSurging(t, match.SurgeRule{}, match.Bank{Name: "stays", Entries: []match.Entry{picture("v", v)}}, match.Bank{Name: "goes", Entries: []match.Entry{picture("v", v)}})
	require.NoError(t, s.Load(shelved(t, match.Bank{Name: "shelved", Entries: []match.Entry{bare(v), bare(w), picture("w", w)}})))
	s.upload(v, 1)
	s.upload(w, 1)
	require.Equal(t, 5, s.Tallies())
	require.NoError(t, s.RemoveBank("shelved"))
	require.Equal(t, 2, s.Tallies())
	require.NoError(t, s.RemoveBank("goes"))
	s.upload(v, 1)
	require.Equal(t, 1, s.Tallies())
}

// What was set aside is found again, and where it can't be written down that is told.
func TestSurgesAreWrittenDown(t *testing.T) {
	r := seeded()
	v, w := random(r, hash.PDQ), random(r, hash.PDQ)
	path := filepath.Join(t.TempDir(), "known.bank")
	require.NoError(t, match.WriteFile(path, match.Bank{Name: "b", Entries: []match.Entry{bare(v), bare(w)}}))
	var heard []match.Surge
	o := match.Options{Surge: match.SurgeRule{Least: 2, Share: 1, Bucket: 1000 * time.Hour, Heard: func(s match.Surge) { heard = append(heard, s) }}}
	m, err := match.Open(path, o)
	require.NoError(t, err)
	for range 2 {
		_, err := m.Match(v, 90)
		require.NoError(t, err)
	}
	require.Len(t, heard, 1)
	require.True(t, heard[0].SetAside)
	require.NoError(t, m.Close())
	for range 2 {
		_, err := m.Match(w, 90)
		require.NoError(t, err)
	}
	require.Len(t, heard, 2)
	require.False(t, heard[1].SetAside)
	require.ErrorIs(t, heard[1].Err, match.ErrClosed)
	m, err = match.Open(path, o)
	require.NoError(t, err)
	p, err := m.ScanPicture([]match.Look{{Value: v, Quality: 90}})
	require.NoError(t, err)
	require.Empty(t, p.Matches)
	require.Equal(t, match.ShadowedByQuarantine, p.Shadow[0].ShadowedBy)
	require.NoError(t, m.Close())
}

// Queries, releases and events side by side: each surge is heard, once.
func TestSurgesSideBySide(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	var mu sync.Mutex
	heard := 0
	at := now
	var m *match.Matcher
	m = newMatcher(t, match.Options{Now: clockAt(&at), Surge: match.SurgeRule{Least: 20, Share: 1, Heard: func(s match.Surge) {
		mu.Lock()
		defer mu.Unlock()
		heard++
		if !s.SetAside || m.Remove(s.Bank, s.Entry) != nil {
			t.Errorf("%+v", s)
		}
	}}}, match.Bank{Name: "b", Entries: []match.Entry{bare(v), bare(random(r, hash.PDQ))}})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if _, err := m.Match(v, 90); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, heard)
	require.Equal(t, 1, m.Banks()[0].Entries)
	require.Zero(t, m.Tallies(), "what is removed is not counted")
	for _, rule := range []match.SurgeRule{{Bucket: -1}, {History: 1001}, {Least: -1}, {Factor: -1}, {Share: 101}, {Entries: 1}} {
		rule.Heard = func(match.Surge) {}
		_, err := match.New(match.Options{Surge: rule})
		require.ErrorIs(t, err, match.ErrInvalid)
	}
}

// Where a system of record sets entries aside, the Matcher leaves that to it.
func TestSurgeSetAside(t *testing.T) {
	v, sure := random(seeded(), hash.PDQ), random(seeded(), hash.PHash)
	confirmed := picture("sure", sure)
	confirmed.Curation = &match.Curation{Decision: match.Decision{Stance: match.Positive}}
	var asked []string
	refused := errors.New("refused")
	s := newSurging(t, match.SurgeRule{Least: 3, SetAside: func(x match.Surge) error { asked = append(asked, x.Entry); return refused }},
		match.Bank{Name: "b", Entries: []match.Entry{picture("x", v), confirmed}})
	reported, _ := s.upload(v, 5)
	require.Equal(t, 5, reported)
	s.upload(sure, 5)
	require.Equal(t, []string{"x"}, asked)
	require.Len(t, s.heard, 2)
	require.Equal(t, refused, s.heard[0].Err)
	require.False(t, s.heard[0].SetAside)
	require.False(t, s.heard[1].SetAside)
	refused = nil
	s.at = s.at.Add(time.Hour)
	reported, _ = s.upload(v, 1000)
	require.Equal(t, 1000, reported, "the record has not changed it")
	require.True(t, s.heard[2].SetAside)
}
