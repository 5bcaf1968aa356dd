package match_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

func TestLabelsAndThresholdsChange(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "b", Labels: []string{"old"}, Thresholds: map[hash.Kind]int{hash.PDQ: 10}, Entries: []match.Entry{picture("1", v)}})
	query := flipped(r, v, 20)
	look := func() []match.Match {
		matches, err := m.Match(query, 90)
		require.NoError(t, err)
		return matches
	}
	require.Empty(t, look())
	require.NoError(t, m.SetThreshold("b", hash.PDQ, 20))
	found := look()
	require.Len(t, found, 1)
	require.Equal(t, 20, found[0].Evidence.Threshold)
	require.Equal(t, []string{"old"}, found[0].Entry.Labels)
	require.Equal(t, 20, m.Banks()[0].Thresholds[hash.PDQ])
	require.NoError(t, m.SetThreshold("b", hash.PDQ, 19))
	require.Empty(t, look())
	require.NoError(t, m.SetThreshold("b", hash.PDQ, 31))

	require.NoError(t, m.SetLabels("b", "", "bank"))
	labels := []string{"entry"}
	require.NoError(t, m.SetLabels("b", "1", labels...))
	labels[0] = "changed by the caller"
	require.Equal(t, []string{"entry", "bank"}, look()[0].Entry.Labels)
	require.NoError(t, m.SetLabels("b", "1"))
	require.Equal(t, []string{"bank"}, look()[0].Entry.Labels)

	var radius *match.RadiusError
	require.ErrorAs(t, m.SetThreshold("b", hash.PDQ, 32), &radius)
	require.ErrorIs(t, m.SetThreshold("b", hash.PDQ, -1), match.ErrInvalid)
	require.ErrorIs(t, m.SetThreshold("b", 0, 3), match.ErrInvalid)
	require.ErrorIs(t, m.SetThreshold("c", hash.PDQ, 3), match.ErrUnknown)
	require.ErrorIs(t, m.SetLabels("c", ""), match.ErrUnknown)
	require.ErrorIs(t, m.SetLabels("b", "2"), match.ErrUnknown)
	require.Len(t, look(), 1)
}

// Of very many matches the nearest are described and all are counted, and those that
// stand are not crowded out by suppressed ones that are nearer.
func TestMatchesAreLimited(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	bank := match.Bank{Name: "b"}
	for i := range 3000 {
		bank.Entries = append(bank.Entries, picture(fmt.Sprintf("%04d", i), flipped(r, v, i%31+1)))
	}
	m := newMatcher(t, match.Options{}, bank)
	result, err := m.ScanPicture([]match.Look{{Value: v, Quality: 90}})
	require.NoError(t, err)
	require.Equal(t, 3000, result.Total)
	require.Len(t, result.Matches, match.DefaultMaxMatches)
	all := newMatcher(t, match.Options{MaxMatches: -1}, bank)
	whole, err := all.ScanPicture([]match.Look{{Value: v, Quality: 90}})
	require.NoError(t, err)
	require.Equal(t, 3000, whole.Total)
	require.Len(t, whole.Matches, 3000)
	require.Equal(t, whole.Matches[:match.DefaultMaxMatches], result.Matches)

	// Two that the allow-list suppresses are nearer than the one that stands, and there is
	// room for two.
	w := random(r, hash.PDQ)
	few := newMatcher(t, match.Options{MaxMatches: 2}, match.Bank{Name: "b", Entries: []match.Entry{picture("1", v), picture("2", v), picture("3", flipped(r, w, 8))}},
		match.Bank{Name: "harmless", Allow: true, Entries: []match.Entry{picture("x", v)}})
	part := match.Look{Value: v, Quality: 90}
	part.Area.Max.X, part.Area.Max.Y = 10, 10
	whole, err = few.ScanPicture([]match.Look{part, {Value: w, Quality: 90}})
	require.NoError(t, err)
	require.Equal(t, 3, whole.Total)
	require.Equal(t, []string{"b/1*harmless/x", "b/3"}, names(whole.Matches))
}

// A change may take long: a bank of millions comes, or the disk that has the log is slow.
func TestQueriesDoNotWaitForChanges(t *testing.T) {
	r := seeded()
	v, sum := random(r, hash.PDQ), random(r, hash.SHA256)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "b", Entries: []match.Entry{bare(v)}})
	require.NoError(t, m.Load(shelved(t, match.Bank{Name: "c", Entries: []match.Entry{picture("p", v), bare(sum)}})))
	m.Locked(func() {
		done := make(chan error)
		go func() {
			_, err := m.ScanPicture([]match.Look{{Value: v, Quality: 90}, {Value: sum, Quality: hash.Unmeasured}})
			if err == nil {
				_, err = m.ScanVideo([]match.QueryFrame{{For: time.Second, Looks: []match.Look{{Value: v, Quality: 90}}}})
			}
			if err == nil {
				_, err = m.AllowedBy(sum, "b")
			}
			if err == nil {
				_, err = m.Lookup(v, 3)
			}
			if err == nil && (len(m.Kinds()) != 2 || !m.HasKnown()) {
				err = fmt.Errorf("%v", m.Kinds())
			}
			done <- err
		}()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(time.Minute):
			t.Fatal("it waits")
		}
	})
}

// What came together goes one by one.
func TestRemovedEntriesGiveTheirMemoryBack(t *testing.T) {
	r := seeded()
	m := newMatcher(t, match.Options{}, match.Bank{Name: "b"})
	add := func() weak.Pointer[match.Signal] {
		film := moving(r, time.Minute).entry("film")
		require.NoError(t, m.AddEntries("b", film, picture("stays", random(r, hash.PDQ))))
		return weak.Make(&film.Signals[0])
	}
	signals := add()
	runtime.GC()
	require.NotNil(t, signals.Value())
	require.NoError(t, m.Remove("b", "film"))
	require.Eventually(t, func() bool { runtime.GC(); return signals.Value() == nil }, time.Minute, time.Millisecond)
	require.NoError(t, m.Remove("b", "stays"))
}

func TestHasKnown(t *testing.T) {
	r := seeded()
	m := newMatcher(t, match.Options{}, match.Bank{Name: "b"}, match.Bank{Name: "harmless", Allow: true, Entries: []match.Entry{bare(random(r, hash.PDQ))}},
		match.Bank{Name: "junk", Entries: []match.Entry{bare(blank(hash.PDQ))}})
	require.False(t, m.HasKnown())
	require.Equal(t, []hash.Kind{hash.PDQ}, m.Kinds())
	require.NoError(t, m.AddEntries("b", bare(random(r, hash.MD5)), picture("p", random(r, hash.PHash))))
	require.True(t, m.HasKnown())
	require.Equal(t, []hash.Kind{hash.PDQ, hash.PHash, hash.MD5}, m.Kinds())
	require.NoError(t, m.Enable("b", "", false))
	require.False(t, m.HasKnown())
	require.Len(t, m.Kinds(), 3, "it can be enabled at any time")
	require.NoError(t, m.Enable("b", "", true))
	require.True(t, m.HasKnown())
	require.NoError(t, m.Remove("b", "p"))
	require.Equal(t, []hash.Kind{hash.PDQ, hash.MD5}, m.Kinds())
	require.NoError(t, m.RemoveBank("b"))
	require.False(t, m.HasKnown())
	require.Equal(t, []hash.Kind{hash.PDQ}, m.Kinds())
}

// Bank by bank, an entry at a time, everything changes while queries look: what stays is
// found by every one of them, what is found is within the threshold, and what was removed
// before a query began is not found.
func TestReadersSeeWholeChanges(t *testing.T) {
	r := seeded()
	stays, moves := random(r, hash.PDQ), random(r, hash.PDQ)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "stays", Entries: []match.Entry{picture("1", stays)}}, match.Bank{Name: "b"})
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for !stop.Load() {
				matches, err := m.Match(stays, 90)
				if err != nil || len(matches) != 1 || matches[0].Entry.Bank != "stays" {
					t.Errorf("%v %v", matches, err)
					return
				}
				if matches, err = m.Match(moves, 90); err != nil {
					t.Error(err)
					return
				}
				for _, found := range matches {
					e := found.Evidence
					if d, _ := e.Known.Distance(moves); d != e.Distance || d > e.Threshold {
						t.Errorf("%+v", found)
						return
					}
				}
			}
		})
	}
	count := func(want int) {
		matches, err := m.Match(moves, 90)
		require.NoError(t, err)
		require.Len(t, matches, want)
	}
	for i := range 300 {
		// Refs are used again by entries of other hashes.
		require.NoError(t, m.AddEntries("b", picture("near", flipped(r, moves, i%32)), picture("far", random(r, hash.PDQ))))
		count(1)
		require.NoError(t, m.SetThreshold("b", hash.PDQ, max(i%32-1, 0)))
		count(min(1, max(0, 1-i%32)))
		require.NoError(t, m.SetThreshold("b", hash.PDQ, 31))
		require.NoError(t, m.Remove("b", "near"))
		count(0)
		require.NoError(t, m.Remove("b", "far"))
		require.NoError(t, m.EditEntry("stays", "1", func(e *match.Entry) {
			e.Labels, e.Curation.Note = []string{fmt.Sprint(i)}, fmt.Sprint("note ", i)
			e.Curation.Expires = time.Now().AddDate(1, 0, i)
		}))
		require.NoError(t, m.EditBank("stays", func(b *match.Bank) { b.Action, b.Policy.Seed = fmt.Sprint(i), match.Treatment(i%4) }))
		require.NoError(t, m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: "b"}, Entries: []match.Entry{picture("far", random(r, hash.PDQ))}}))
		require.NoError(t, m.Apply(match.Change{Op: match.DropEntries, Bank: match.Bank{Name: "b"}, Entries: []match.Entry{{ID: "far"}}}))
		if i%50 == 0 {
			require.NoError(t, m.RemoveBank("b"))
			require.NoError(t, m.Add(match.Bank{Name: "b"}))
		}
	}
	stop.Store(true)
	wg.Wait()
}

// Whatever a query comes by in a slot, at any moment, knows which slots it has: slots are used
// again, and the query may hold what an index said of those before.
func TestSlotsHoldWholeItems(t *testing.T) {
	r := seeded()
	m := newMatcher(t, match.Options{}, match.Bank{Name: "b", Entries: []match.Entry{picture("first", random(r, hash.PDQ))}})
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for i := 1; !stop.Load(); i++ {
				if held, has := m.Holds(match.Ref(i % 4)); held && !has {
					t.Errorf("slot %d holds what is not there yet", i%4)
					return
				}
			}
		})
	}
	for range 3000 {
		require.NoError(t, m.AddEntries("b", picture("again", random(r, hash.PDQ)), picture("and again", random(r, hash.PDQ))))
		held, has := m.Holds(1)
		require.True(t, held && has)
		require.NoError(t, m.Remove("b", "again"))
		require.NoError(t, m.Remove("b", "and again"))
		held, _ = m.Holds(1)
		require.False(t, held)
	}
	stop.Store(true)
	wg.Wait()
}

// A page of slots may be wiped in the moment in which a query makes it.
func TestSlotsAreMadeBesideWipe(t *testing.T) {
	var s match.Slots
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			s.Wipe()
		}
	})
	for range 1_000_000 {
		s.Clear(5)
	}
	stop.Store(true)
	wg.Wait()
}

// during returns options by which something happens in the middle of the first query: when it
// is asked what time it is, for a picture of a date that timed returns.
func during(do func()) (o match.Options, timed func(id string, v hash.Value) match.Entry, start func()) {
	var on atomic.Bool
	o.Now = func() time.Time {
		if on.CompareAndSwap(true, false) {
			do()
		}
		return now
	}
	timed = func(id string, v hash.Value) match.Entry {
		e := picture(id, v)
		e.Curation = &match.Curation{Expires: now.AddDate(1, 0, 0)}
		return e
	}
	return o, timed, func() { on.Store(true) }
}

// What was shadowed when a query found it, and is disabled, removed or denied before it ends,
// is not reported.
func TestShadowedIsNotReported(t *testing.T) {
	for name, change := range map[string]func(m *match.Matcher) error{
		"disabled":      func(m *match.Matcher) error { return m.Enable("a shadow", "s", false) },
		"removed":       func(m *match.Matcher) error { return m.Remove("a shadow", "s") },
		"bank disabled": func(m *match.Matcher) error { return m.Enable("a shadow", "", false) },
		"bank removed":  func(m *match.Matcher) error { return m.RemoveBank("a shadow") },
		"denied": func(m *match.Matcher) error {
			return m.EditEntry("a shadow", "s", func(e *match.Entry) { e.Curation.Decision.Stance = match.Negative })
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := random(seeded(), hash.PDQ)
			var m *match.Matcher
			changed := false
			o, timed, start := during(func() {
				require.NoError(t, change(m))
				changed = true
			})
			m = newMatcher(t, o, match.Bank{Name: "a shadow", RollOut: match.RollOut{Shadow: true}, Entries: []match.Entry{picture("s", v)}},
				match.Bank{Name: "b", Entries: []match.Entry{timed("t", v)}})
			before, err := m.ScanPicture([]match.Look{{Value: v, Quality: 90}})
			require.NoError(t, err)
			require.Equal(t, []string{"b/t"}, names(before.Matches))
			require.Equal(t, []string{"a shadow/s"}, names(before.Shadow))
			require.Equal(t, match.ShadowedByRollOut, before.Shadow[0].ShadowedBy)
			start()
			result, err := m.ScanPicture([]match.Look{{Value: v, Quality: 90}})
			require.NoError(t, err)
			require.True(t, changed)
			require.Equal(t, []string{"b/t"}, names(result.Matches))
			require.Empty(t, result.Shadow)
		})
	}
}

// A signal that is set aside has no match, also where a query has a hit of another one that had
// its slot before.
func TestSlotsOfWhatIsSetAside(t *testing.T) {
	v := random(seeded(), hash.PDQ)
	poor := picture("poor", v)
	poor.Signals[0].Quality = 3
	var m *match.Matcher
	added := false
	o, timed, start := during(func() {
		require.NoError(t, m.Remove("b", "good"))
		require.NoError(t, m.AddEntries("b", poor))
		held, has := m.Holds(1)
		require.True(t, held && has, "it has the slot of the one before")
		added = true
	})
	m = newMatcher(t, o, match.Bank{Name: "a", Entries: []match.Entry{timed("t", v)}}, match.Bank{Name: "b", Entries: []match.Entry{picture("good", v)}})
	start()
	matches, err := m.Match(v, 90)
	require.NoError(t, err)
	require.True(t, added)
	require.Equal(t, []string{"a/t"}, names(matches))
}

// An entry that is replaced is there all the time, and is found all the time, once: by another
// digest beside the same hash, and by hashes of another kind.
func TestReplacedIsFound(t *testing.T) {
	r := seeded()
	v, other, sum := random(r, hash.PDQ), random(r, hash.PHash), random(r, hash.MD5)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "b", Entries: []match.Entry{picture("x", v)}},
		match.Bank{Name: "kinds", Entries: []match.Entry{picture("x", v)}},
		match.Bank{Name: "harmless", Allow: true, Suppresses: []string{"none"}, Entries: []match.Entry{picture("x", v)}})
	for range 200 {
		require.NoError(t, m.AddEntries("b", picture(fmt.Sprint(r.Uint64()), random(r, hash.PDQ))))
	}
	looks := []match.Look{{Value: v, Quality: 90}, {Value: other, Quality: 90}}
	// As many as are searched together, and the one that counts comes last.
	var frames []match.QueryFrame
	for i := range 100 {
		frames = append(frames, match.QueryFrame{Number: i, Time: time.Duration(i) * time.Second, For: time.Second, Looks: []match.Look{{Value: random(r, hash.PDQ), Quality: 90}}})
	}
	frames[99].Looks = looks
	want := []string{"b/x", "kinds/x"}
	var stop atomic.Bool
	var found atomic.Int64
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for !stop.Load() && !t.Failed() {
				matches, err := m.MatchPicture(looks)
				if err != nil || !slices.Equal(names(matches), want) {
					t.Errorf("%v %v", names(matches), err)
				}
				result, err := m.ScanVideo(frames)
				if err != nil || !slices.Equal(names(result.Matches), want) && !(result.Limited && len(slices.Compact(names(result.Matches))) == len(result.Matches)) {
					t.Errorf("of a video: %+v %v", result, err)
				}
				found.Add(int64(len(result.Matches)))
				if found, err := m.Lookup(v, 0); err != nil || found.Total < 2 || found.Total > 3 {
					t.Errorf("looked up: %v %v", names(found.Matches), err)
				}
				if by, err := m.AllowedBy(v, "none"); err != nil || by != "harmless/x" {
					t.Errorf("allowed by %q %v", by, err)
				}
			}
		})
	}
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	// Under the race detector queries may have to be waited for, each time.
	end := time.Now().Add(10 * time.Second)
	for i := 0; i < rounds && time.Now().Before(end); i++ {
		e, k := picture("x", v), picture("x", v)
		if i%2 == 0 {
			e.Signals = append(e.Signals, match.Signal{Value: sum, Quality: hash.Unmeasured})
			k = picture("x", other)
		}
		for bank, e := range map[string]match.Entry{"b": e, "harmless": e, "kinds": k} {
			require.NoError(t, m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: bank}, Entries: []match.Entry{e}}))
		}
	}
	stop.Store(true)
	wg.Wait()
	require.NotZero(t, found.Load())
}

// A look-up beside which entries are replaced is done again, and in the end they wait for it.
func TestReplacingWaits(t *testing.T) {
	v, sum := random(seeded(), hash.PDQ), random(seeded(), hash.MD5)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "b", Entries: []match.Entry{picture("x", v)}})
	replace := func(n int) error {
		e := picture("x", v)
		if n%2 == 1 {
			e.Signals = append(e.Signals, match.Signal{Value: sum, Quality: hash.Unmeasured})
		}
		return m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: "b"}, Entries: []match.Entry{e}})
	}
	tries, done := 0, make(chan error, 1)
	require.NoError(t, m.Upload("").Settled(func() error {
		if tries++; tries < 4 {
			return replace(tries)
		}
		go func() { done <- replace(tries) }()
		select {
		case err := <-done:
			done <- err
			t.Error("it is replaced")
		case <-time.After(50 * time.Millisecond):
		}
		return nil
	}))
	require.Equal(t, 4, tries)
	require.NoError(t, <-done)
	tries = 0
	require.NoError(t, m.Upload("").Settled(func() error { tries++; return nil }))
	require.Equal(t, 1, tries)
}

// So is one with which frames agree that came before it was replaced.
func TestReplacedVideoIsFound(t *testing.T) {
	r := seeded()
	f := moving(r, 20*time.Second)
	e := f.entry("film")
	m := newMatcher(t, match.Options{}, match.Bank{Name: "b", Entries: []match.Entry{e}},
		match.Bank{Name: "harmless", Allow: true, Entries: []match.Entry{picture("allowed", f[0])}})
	v := m.NewVideo()
	frames := f.sampled(half, 0)
	require.NoError(t, v.Add(frames[:len(frames)/2]...))
	for range 2 {
		want, err := m.ScanVideo(frames[:len(frames)/2])
		require.NoError(t, err)
		require.Equal(t, []string{"b/film"}, names(want.Matches))
		got, err := v.Result()
		require.NoError(t, err)
		require.Equal(t, want, got)
		e.Signals = append(e.Signals[:len(e.Signals):len(e.Signals)], match.Signal{Value: random(r, hash.MD5), Quality: hash.Unmeasured, To: time.Second})
		require.NoError(t, m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: "b"}, Entries: []match.Entry{e}}))
	}
	// And now the frames are another's.
	require.NoError(t, m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: "harmless"}, Entries: []match.Entry{{ID: "allowed", Duration: e.Duration, Signals: e.Signals}}}))
	want, err := m.ScanVideo(frames)
	require.NoError(t, err)
	require.Equal(t, []string{"b/film*harmless/allowed"}, names(want.Matches))
	require.NoError(t, v.Add(frames[len(frames)/2:]...))
	got, err := v.Result()
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// A verdict during which a known video is replaced is of the one before or the one after, and not
// of both; and where that takes comparing all frames anew too often, it says so.
func TestReplacedBesideVerdict(t *testing.T) {
	r := seeded()
	f := moving(r, time.Minute)
	film := f.entry("film")
	upload := f.cut(0, 10*time.Second)
	for _, v := range f.cut(30*time.Second, 50*time.Second) { // what agrees beyond the threshold is looked for at last
		upload = append(upload, flipped(r, v, 34))
	}
	for _, c := range []struct {
		name   string
		before bool // it is judged
		most   int
	}{{"before it is judged", true, 3}, {"after", false, 3}, {"before, and once too often", true, 0}, {"after, and once too often", false, 0}} {
		t.Run(c.name, func(t *testing.T) {
			defer match.SetMostAgain(c.most)()
			var m *match.Matcher
			e := film
			o, timed, start := during(func() {
				e.Signals = append(e.Signals[:len(e.Signals):len(e.Signals)], match.Signal{Value: random(r, hash.MD5), Quality: hash.Unmeasured, To: time.Second})
				require.NoError(t, m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: "b"}, Entries: []match.Entry{e}}))
			})
			// Entries are judged in the order they came, and that of bank c asks for the time.
			banks := []match.Bank{{Name: "b", Entries: []match.Entry{e}}, {Name: "c", Entries: []match.Entry{timed("t", upload[0])}}}
			if c.before {
				slices.Reverse(banks)
			}
			m = newMatcher(t, o, banks...)
			want, err := m.ScanVideo(upload.sampled(half, 0))
			require.NoError(t, err)
			require.ElementsMatch(t, []string{"b/film", "c/t"}, names(want.Matches))

			v := m.NewVideo()
			require.NoError(t, v.Add(upload.sampled(half, 0)...))
			start()
			got, err := v.Result()
			require.NoError(t, err)
			require.Greater(t, len(e.Signals), len(film.Signals), "it was replaced")
			require.ElementsMatch(t, names(want.Matches), names(got.Matches), "each once")
			require.Equal(t, c.most == 0, got.Limited)
			if c.most > 0 {
				require.ElementsMatch(t, want.Matches, got.Matches)
			}
		})
	}
}

// What a caller does when he is asked for the time is his own affair.
func TestClockUsesMatcher(t *testing.T) {
	v := random(seeded(), hash.PDQ)
	var m *match.Matcher
	m = newMatcher(t, match.Options{Now: func() time.Time {
		_ = m.Banks()
		return now
	}}, match.Bank{Name: "b", Entries: []match.Entry{picture("x", v)}})
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				if _, err := m.Match(v, 90); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 20_000 {
		e := picture("x", v)
		e.Duration = time.Duration(i%2) * time.Second // another entry
		if i%4 < 2 {
			e.Curation = &match.Curation{Expires: now.AddDate(1, 0, 0)} // for which one has to ask
		}
		require.NoError(t, m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: "b"}, Entries: []match.Entry{e}}))
	}
	stop.Store(true)
	wg.Wait()
}

// BenchmarkStorm measures queries under full load with and without ten thousand changes a
// second beside them, in turns. ratio is what is left of the throughput.
func BenchmarkStorm(b *testing.B) {
	const n, perSecond, turn = 1_000_000, 10_000, 200 * time.Millisecond
	r := seeded()
	bank := match.Bank{Name: "known", Entries: make([]match.Entry, n)}
	for i := range bank.Entries {
		v := random(r, hash.PDQ)
		bank.Entries[i] = match.Entry{ID: fmt.Sprint(i), Signals: []match.Signal{{Value: v, Quality: hash.Unmeasured}}}
	}
	m := newMatcher(b, match.Options{}, bank, match.Bank{Name: "changes"})
	queries := make([]hash.Value, 1024)
	for i := range queries {
		queries[i] = flipped(r, bank.Entries[r.IntN(n)].Signals[0].Value, i%32)
	}
	fresh := make([]match.Entry, 10_000)
	for i := range fresh {
		fresh[i] = match.Entry{ID: fmt.Sprint(i), Signals: []match.Signal{{Value: random(r, hash.PDQ), Quality: hash.Unmeasured}}}
	}
	// read looks things up on all processors for one turn and returns how many.
	read := func() int64 {
		var wg sync.WaitGroup
		var sum atomic.Int64
		deadline := time.Now().Add(turn)
		for w := range 2 {
			wg.Go(func() {
				done := int64(0)
				for i := w; time.Now().Before(deadline); i++ {
					if matches, err := m.Match(queries[i%len(queries)], 90); err != nil || len(matches) == 0 {
						b.Error("a query went wrong", err)
						return
					}
					done++
				}
				sum.Add(done)
			})
		}
		wg.Wait()
		return sum.Load()
	}
	// storm makes changes for one turn, at an even pace: each entry is added, disabled,
	// and removed a second's worth later.
	at := 0
	storm := func(stop *atomic.Bool) (changes int) {
		start := time.Now()
		for !stop.Load() {
			for due := int(time.Since(start).Seconds() * perSecond); changes < due; changes += 2 {
				e := fresh[at%len(fresh)]
				at++
				if err := m.AddEntries("changes", e); err != nil {
					b.Error(err)
				}
				if old := at - 2000; old >= 0 {
					if err := m.Remove("changes", fresh[old%len(fresh)].ID); err != nil {
						b.Error(err)
					}
				}
			}
			time.Sleep(time.Millisecond)
		}
		return changes
	}
	var calm, busy, changes int64
	for b.Loop() {
		calm += read()
		var stop atomic.Bool
		done := make(chan int)
		go func() { done <- storm(&stop) }()
		busy += read()
		stop.Store(true)
		changes += int64(<-done)
	}
	seconds := turn.Seconds() * float64(b.N)
	b.ReportMetric(float64(calm)/seconds, "queries/s")
	b.ReportMetric(float64(busy)/seconds, "queries/s-in-storm")
	b.ReportMetric(float64(busy)/float64(calm), "ratio")
	b.ReportMetric(float64(changes)/seconds, "changes/s")
}
