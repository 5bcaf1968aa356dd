package match_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// shelved writes banks to a file and opens it.
func shelved(t testing.TB, banks ...match.Bank) *match.Snapshot {
	path := filepath.Join(t.TempDir(), "known.bank")
	require.NoError(t, match.WriteFile(path, banks...))
	s, err := match.OpenSnapshot(path)
	require.NoError(t, err)
	return s
}

// everything is banks with all that a bank can have, and queries for them.
func everything(r *rand.Rand) (banks []match.Bank, looks []match.Look, films []film) {
	kinds := []hash.Kind{hash.PDQ, hash.PHash, hash.DHash256, hash.MD5, hash.SHA1, hash.SHA256}
	var values []hash.Value
	value := func(k hash.Kind) hash.Value {
		v := random(r, k)
		values = append(values, v)
		return v
	}
	for b := range 4 {
		bank := match.Bank{Name: fmt.Sprint("bank ", b), Labels: []string{fmt.Sprint("b", b)}, Disabled: b == 3, Allow: b == 2}
		if b == 1 {
			bank.Thresholds = map[hash.Kind]int{hash.PDQ: 12, hash.PHash: 3}
		}
		for i := range 60 {
			k := kinds[r.IntN(len(kinds))]
			switch i % 6 {
			case 0, 1:
				bank.Entries = append(bank.Entries, bare(value(k)))
			case 2:
				bank.Entries = append(bank.Entries, match.Entry{ID: fmt.Sprint("entry ", i), Labels: []string{"own"}, Disabled: i%4 == 0, Signals: []match.Signal{
					{Value: value(k), Quality: hash.Quality(r.IntN(101))}, {Value: value(hash.PDQ), Quality: 90, Transform: []string{"border"}},
				}})
			case 3: // what another has already, and what is nearly that
				v := values[r.IntN(len(values))]
				if !v.Kind().IsDigest() {
					v = flipped(r, v, r.IntN(4))
				}
				bank.Entries = append(bank.Entries, match.Entry{ID: fmt.Sprint("again ", i), Signals: []match.Signal{{Value: v, Quality: 80}}})
			case 4:
				f := moving(r, time.Duration(2+r.IntN(8))*time.Second)
				films = append(films, f)
				bank.Entries = append(bank.Entries, f.entry(fmt.Sprint("film ", i)))
			case 5: // junk, and too poor
				v, err := hash.FromBytes(hash.PDQ, make([]byte, 32))
				if err != nil {
					panic(err) // the length is right
				}
				if i%4 == 1 {
					v = random(r, hash.PDQ)
				}
				bank.Entries = append(bank.Entries, match.Entry{ID: fmt.Sprint("aside ", i), Signals: []match.Signal{{Value: v, Quality: hash.Quality(10 + i)}}})
			}
		}
		banks = append(banks, bank)
	}
	for _, v := range values {
		if !v.Kind().IsDigest() {
			v = flipped(r, v, r.IntN(v.Kind().Threshold()+4))
		}
		looks = append(looks, match.Look{Value: v, Quality: 90})
	}
	return banks, looks, films
}

// alike checks that two matchers give the same answers to everything.
func alike(t *testing.T, want, got *match.Matcher, looks []match.Look, films []film) {
	t.Helper()
	require.Equal(t, want.Banks(), got.Banks())
	require.Equal(t, want.Kinds(), got.Kinds())
	matches := 0
	for _, l := range looks {
		a, err := want.ScanPicture([]match.Look{l})
		require.NoError(t, err)
		b, err := got.ScanPicture([]match.Look{l})
		require.NoError(t, err)
		require.Equal(t, a, b)
		matches += a.Total
		a, err = want.Lookup(l.Value, -1)
		require.NoError(t, err)
		b, err = got.Lookup(l.Value, -1)
		require.NoError(t, err)
		require.Equal(t, a, b)
	}
	for _, f := range films {
		a, err := want.ScanVideo(f.sampled(half, 0))
		require.NoError(t, err)
		b, err := got.ScanVideo(f.sampled(half, 0))
		require.NoError(t, err)
		require.Equal(t, a, b)
		matches += len(a.Matches)
	}
	require.Greater(t, matches, 50)
	a, err := want.Quarantined()
	require.NoError(t, err)
	b, err := got.Quarantined()
	require.NoError(t, err)
	require.NotEmpty(t, a)
	require.ElementsMatch(t, a, b)
	require.Equal(t, contents(t, want), contents(t, got))
}

// A loaded snapshot answers as the banks it was made of do, through every change.
func TestShelvesAnswerAsBanksDo(t *testing.T) {
	r := seeded()
	banks, looks, films := everything(r)
	for _, gate := range []hash.Quality{0, match.NoGate} {
		want := newMatcher(t, match.Options{Gate: gate}, banks...)
		got := newMatcher(t, match.Options{Gate: gate}, match.Bank{Name: "before", Entries: []match.Entry{bare(random(r, hash.PDQ))}})
		require.NoError(t, got.Load(shelved(t, banks...)))
		require.NoError(t, got.RemoveBank("before"))
		alike(t, want, got, looks, films)

		both := func(do func(m *match.Matcher) error) {
			t.Helper()
			a, b := do(want), do(got)
			require.Equal(t, a == nil, b == nil, "%v, %v", a, b)
			if a != nil {
				require.Equal(t, a.Error(), b.Error())
			}
		}
		for i := range 150 {
			b := banks[r.IntN(len(banks))]
			e := b.Entries[r.IntN(len(b.Entries))]
			switch i % 6 {
			case 0, 1:
				both(func(m *match.Matcher) error { return m.Remove(b.Name, e.ID) })
			case 2: // back again, now not on the shelf, or refused because it is there
				both(func(m *match.Matcher) error { return m.AddEntries(b.Name, e) })
			case 3:
				both(func(m *match.Matcher) error { return m.Enable(b.Name, e.ID, i%4 == 1) })
			case 4:
				both(func(m *match.Matcher) error { return m.SetLabels(b.Name, e.ID, fmt.Sprint(i)) })
			case 5:
				both(func(m *match.Matcher) error { return m.SetThreshold(b.Name, hash.PDQ, i%32) })
			}
			if i%30 == 29 {
				alike(t, want, got, looks, films)
			}
		}
		both(func(m *match.Matcher) error { return m.Enable("bank 3", "", true) })
		both(func(m *match.Matcher) error { return m.SetLabels("bank 1", "", "x", "y") })
		both(func(m *match.Matcher) error { return m.RemoveBank("bank 0") })
		alike(t, want, got, looks, films)
		both(func(m *match.Matcher) error { return m.Add(banks[0]) })
		alike(t, want, got, looks, films)
	}
}

// Entries without signals have no ref of their own: what comes after them in the file is
// not taken for them.
func TestShelvedEntriesWithoutSignals(t *testing.T) {
	v := random(seeded(), hash.PDQ)
	m := newMatcher(t, match.Options{})
	require.NoError(t, m.Load(shelved(t, match.Bank{Name: "b", Entries: []match.Entry{{ID: "nothing yet"}, picture("p", v), {ID: "last"}}}, match.Bank{Name: "c", Entries: []match.Entry{{ID: "alone"}}})))
	for _, id := range []string{"nothing yet", "last"} {
		e, ok, err := m.Entry("b", id)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, match.Entry{ID: id}, e)
		require.NoError(t, m.Enable("b", id, false))
		require.NoError(t, m.SetLabels("b", id, "x"))
		e, _, err = m.Entry("b", id)
		require.NoError(t, err)
		require.Equal(t, match.Entry{ID: id, Labels: []string{"x"}, Disabled: true}, e)
		require.NoError(t, m.Remove("b", id))
		require.ErrorIs(t, m.Remove("b", id), match.ErrUnknown)
	}
	require.NoError(t, m.RemoveBank("c"))
	matches, err := m.Match(v, 90)
	require.NoError(t, err)
	require.Equal(t, []string{"b/p"}, names(matches))
	require.Equal(t, 1, m.Banks()[0].Entries)
}

// Indices that are in several parts.
func TestShelvesInParts(t *testing.T) {
	r := seeded()
	banks, looks, films := everything(r)
	var b match.Builder
	for _, bank := range banks {
		require.NoError(t, b.Bank(bank))
	}
	s, err := b.SnapshotInParts(5)
	require.NoError(t, err)
	require.NoError(t, s.Verify())
	got := newMatcher(t, match.Options{})
	require.NoError(t, got.Load(s))
	alike(t, newMatcher(t, match.Options{}, banks...), got, looks, films)
}

// What is removed with its bank is soon out of the indices.
func TestRemovedBanksLeaveTheIndices(t *testing.T) {
	r := seeded()
	banks, _, _ := everything(r)
	m := newMatcher(t, match.Options{})
	require.NoError(t, m.Load(shelved(t, banks...)))
	require.Positive(t, m.Indexed())
	for _, b := range banks {
		require.NoError(t, m.RemoveBank(b.Name))
	}
	require.Eventually(t, func() bool { return m.Indexed() == 0 }, time.Minute, time.Millisecond)
}

// Numbers of signals end where 32 bits do.
func TestTheLastSignals(t *testing.T) {
	r := seeded()
	banks, looks, films := everything(r)
	s := shelved(t, banks...)
	got := newMatcher(t, match.Options{})
	got.SetUsed(math.MaxUint32 - uint64(s.Signals()) + 1)
	require.ErrorIs(t, got.Load(s), match.ErrInvalid)
	require.Empty(t, got.Banks())
	got.SetUsed(math.MaxUint32 - uint64(s.Signals()) - 1)
	require.NoError(t, got.Load(s))
	more := match.Bank{Name: "more", Entries: []match.Entry{picture("1", random(r, hash.PDQ)), picture("2", random(r, hash.PDQ))}}
	require.ErrorIs(t, got.Add(more), match.ErrInvalid)
	more.Entries = more.Entries[:1]
	require.NoError(t, got.Add(more))
	alike(t, newMatcher(t, match.Options{}, append(banks, more)...), got, looks, films)
	require.ErrorIs(t, got.AddEntries("more", picture("2", random(r, hash.PDQ))), match.ErrInvalid)
	require.NoError(t, got.RemoveBank("more"))
	for _, b := range banks {
		require.NoError(t, got.RemoveBank(b.Name))
	}
	require.Eventually(t, func() bool { return got.Indexed() == 0 && got.Shelves() == 0 }, time.Minute, time.Millisecond)
}

// A program may put one file in the place of another for ever: what is gone is not kept in
// memory, nor its file mapped.
func TestRemovedShelvesAreLetGoOf(t *testing.T) {
	r := seeded()
	banks, looks, _ := everything(r)
	m := newMatcher(t, match.Options{})
	path := filepath.Join(t.TempDir(), "known.bank")
	require.NoError(t, match.WriteFile(path, banks...))
	var mapped []func() bool
	for round := range 3 {
		s, err := match.OpenSnapshot(path)
		require.NoError(t, err)
		mapped = append(mapped, s.Mapped())
		require.NoError(t, m.Load(s))
		stop := make(chan bool)
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := m.ScanPicture(looks[i%len(looks):][:1]); err != nil {
					t.Error(err)
					return
				}
			}
		})
		for _, b := range banks {
			require.NoError(t, m.Remove(b.Name, b.Entries[round].ID))
			require.Positive(t, m.Kept())
			require.NoError(t, m.RemoveBank(b.Name))
		}
		require.Eventually(t, func() bool { return m.Shelves() == 0 }, time.Minute, time.Millisecond)
		close(stop)
		wg.Wait()
		require.Zero(t, m.Indexed())
	}
	for i := range mapped {
		require.Eventually(t, func() bool { runtime.GC(); return !mapped[i]() }, time.Minute, time.Millisecond, "file %d", i)
	}
	require.NoError(t, m.Add(banks[0]))
}

func TestLoadIsRefusedWhole(t *testing.T) {
	r := seeded()
	s := shelved(t, match.Bank{Name: "a", Entries: []match.Entry{bare(random(r, hash.PDQ))}}, match.Bank{Name: "b", Thresholds: map[hash.Kind]int{hash.PDQ: 40}, Entries: []match.Entry{bare(random(r, hash.PDQ))}})
	m := newMatcher(t, match.Options{})
	var radius *match.RadiusError
	require.ErrorAs(t, m.Load(s), &radius)
	require.Empty(t, m.Banks())
	require.Empty(t, m.Kinds())
	m = newMatcher(t, match.Options{MaxRadius: map[hash.Kind]int{hash.PDQ: 40}}, match.Bank{Name: "b"})
	require.ErrorIs(t, m.Load(s), match.ErrDuplicate)
	require.Len(t, m.Banks(), 1)
	require.NoError(t, m.RemoveBank("b"))
	require.NoError(t, m.Load(s))
	require.ErrorIs(t, m.Load(s), match.ErrDuplicate)
	require.Len(t, m.Banks(), 2)
}

// Queries take entries down from a shelf at the same time, while they are changed.
func TestShelvesUnderWay(t *testing.T) {
	r := seeded()
	banks, looks, _ := everything(r)
	m := newMatcher(t, match.Options{})
	require.NoError(t, m.Load(shelved(t, banks...)))
	stays := make(map[string]bool)
	var wg sync.WaitGroup
	for _, e := range banks[1].Entries {
		stays[e.ID] = true
	}
	for range 4 {
		wg.Go(func() {
			for _, l := range looks {
				result, err := m.ScanPicture([]match.Look{l})
				if err != nil {
					t.Error(err)
				}
				for _, found := range result.Matches {
					if d, _ := found.Evidence.Known.Distance(l.Value); d != found.Evidence.Distance {
						t.Errorf("%+v", found)
					}
				}
			}
		})
	}
	for _, e := range banks[0].Entries {
		require.NoError(t, m.Remove("bank 0", e.ID))
		require.NoError(t, m.SetLabels("bank 1", banks[1].Entries[0].ID, e.ID))
	}
	wg.Wait()
	for _, l := range looks {
		result, err := m.ScanPicture([]match.Look{l})
		require.NoError(t, err)
		for _, found := range result.Matches {
			require.NotEqual(t, "bank 0", found.Entry.Bank)
		}
	}
}

func TestDiffAndMerge(t *testing.T) {
	r := seeded()
	a, b, c := bare(random(r, hash.PDQ)), picture("b", random(r, hash.PDQ)), picture("c", random(r, hash.PDQ))
	changed := c
	changed.Labels = []string{"new"}
	before := shelved(t, match.Bank{Name: "gone"}, match.Bank{Name: "x", Entries: []match.Entry{a, b, c}}, match.Bank{Name: "y", Labels: []string{"old"}, Entries: []match.Entry{a}})
	after := newMatcher(t, match.Options{}, match.Bank{Name: "new", Entries: []match.Entry{b}}, match.Bank{Name: "x", Entries: []match.Entry{b, changed}}, match.Bank{Name: "y", Entries: []match.Entry{a}})
	var got []string
	for d, err := range match.Diff(before, after) {
		require.NoError(t, err)
		got = append(got, fmt.Sprint(d.Bank, "/", d.ID, " ", d.Old != nil || d.OldBank != nil, " ", d.New != nil || d.NewBank != nil))
	}
	require.Equal(t, []string{"gone/ true false", "new/ false true", "new/b false true", "x/" + a.ID + " true false", "x/c true true", "y/ true true"}, got)
	for range match.Diff(after, after) {
		t.Fatal("nothing differs from itself")
	}

	var builder match.Builder
	conflicts, err := match.Merge(&builder, before, after)
	require.NoError(t, err)
	require.Len(t, conflicts, 2)
	require.Equal(t, "c", conflicts[0].ID)
	require.Equal(t, "y", conflicts[1].Bank)
	require.Equal(t, []string{"old"}, conflicts[1].OldBank.Labels)
	path := filepath.Join(t.TempDir(), "both.bank")
	require.NoError(t, builder.WriteFile(path))
	both, err := match.OpenSnapshot(path)
	require.NoError(t, err)
	got = nil
	for d, err := range match.Diff(before, both) {
		require.NoError(t, err)
		got = append(got, d.Bank+"/"+d.ID)
	}
	require.Equal(t, []string{"new/", "new/b"}, got)
	_, _, err = both.Entry("z", "b")
	require.ErrorIs(t, err, match.ErrUnknown)
}

// A threshold counts for signals that come later, or from another set.
func TestThresholdsOfKindsThatAreNotThere(t *testing.T) {
	r := seeded()
	strict := match.Bank{Name: "x", Thresholds: map[hash.Kind]int{hash.PHash: 3}, Entries: []match.Entry{picture("a", random(r, hash.PDQ))}}
	a := shelved(t, strict)
	b := newMatcher(t, match.Options{}, match.Bank{Name: "x", Entries: []match.Entry{strict.Entries[0], picture("b", random(r, hash.PHash))}})
	require.Equal(t, strict.Thresholds, a.Banks()[0].Given)
	require.Empty(t, b.Banks()[0].Given)
	diff := func() (n int) {
		for d, err := range match.Diff(a, b) {
			require.NoError(t, err)
			if d.OldBank != nil {
				n++
			}
		}
		return n
	}
	require.Equal(t, 1, diff())
	require.NoError(t, b.SetThreshold("x", hash.PDQ, 31))
	require.NoError(t, b.SetThreshold("x", hash.PHash, 3))
	require.Zero(t, diff(), "it is the default that was set")
	require.NoError(t, b.SetThreshold("x", hash.PHash, 8))
	var builder match.Builder
	_, err := match.Merge(&builder, a, b)
	require.NoError(t, err)
	both, err := builder.Snapshot()
	require.NoError(t, err)
	require.Equal(t, map[hash.Kind]int{hash.PDQ: 31, hash.PHash: 3}, both.Banks()[0].Thresholds)
}

// Known content must not become what allows.
func TestMergeRefusesAllowListsThatAreNone(t *testing.T) {
	v := random(seeded(), hash.PDQ)
	sets := []match.Set{newMatcher(t, match.Options{}, match.Bank{Name: "x", Allow: true}), newMatcher(t, match.Options{}, match.Bank{Name: "x", Entries: []match.Entry{bare(v)}})}
	for range 2 {
		var b match.Builder
		_, err := match.Merge(&b, sets...)
		require.ErrorIs(t, err, match.ErrInvalid)
		slices.Reverse(sets)
	}
}

func TestSimilar(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	near := func(id string, bits int) match.Entry { return picture(id, flipped(r, v, bits)) }
	ours := match.Bank{Name: "ours", Entries: []match.Entry{near("a", 0), near("b", 3), picture("far", random(r, hash.PDQ)), bare(random(r, hash.SHA256))}}
	theirs := match.Bank{Name: "theirs", Disabled: true, Entries: []match.Entry{near("x", 5), ours.Entries[3], picture("other", random(r, hash.PDQ))}}
	m := newMatcher(t, match.Options{}, ours)
	require.NoError(t, m.Load(shelved(t, theirs)))
	list := func(from match.Set, bank, other string, k hash.Kind, radius int) (pairs []string) {
		for p, err := range m.Similar(t.Context(), from, bank, other, k, radius) {
			require.NoError(t, err)
			pairs = append(pairs, fmt.Sprint(p.ID, " ", p.OtherID, " ", p.Distance))
			require.LessOrEqual(t, p.Distance, radius)
		}
		return pairs
	}
	require.Equal(t, []string{"a b 3"}, list(m, "ours", "ours", hash.PDQ, 31))
	require.Empty(t, list(m, "ours", "ours", hash.PDQ, 2))
	shared := list(m, "ours", "theirs", hash.PDQ, 31)
	require.Len(t, shared, 2)
	require.Equal(t, "a x 5", shared[0])
	id := ours.Entries[3].ID
	require.Equal(t, []string{id + " " + id + " 0"}, list(m, "ours", "theirs", hash.SHA256, 0))
	// The same list from elsewhere.
	require.Equal(t, shared, list(shelved(t, ours), "ours", "theirs", hash.PDQ, 31))
	last := func(from, other string, radius int) (last error) {
		for _, err := range m.Similar(t.Context(), m, from, other, hash.PDQ, radius) {
			require.NoError(t, last, "an error ends it")
			last = err
		}
		return last
	}
	var radius *match.RadiusError
	require.ErrorAs(t, last("ours", "ours", 32), &radius)
	require.ErrorAs(t, last("ours", "ours", -1), &radius)
	require.ErrorIs(t, last("nowhere", "ours", 3), match.ErrUnknown)
	require.ErrorIs(t, last("ours", "nowhere", 3), match.ErrUnknown)
}

// What only lists and compares a shelf leaves it as it is: nothing of millions of entries
// stays in memory.
func TestListingKeepsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	r := seeded()
	banks, looks, _ := everything(r)
	s := shelved(t, banks...)
	m := newMatcher(t, match.Options{})
	require.NoError(t, m.Load(s))
	require.NoError(t, m.Enable("bank 3", "", true))
	for range match.Diff(m, s) {
	}
	var b match.Builder
	_, err := match.Merge(&b, m, s)
	require.NoError(t, err)
	_, err = m.Quarantined()
	require.NoError(t, err)
	pairs := 0
	list := func() (all []match.Pair) {
		for _, from := range m.Banks() {
			for _, to := range m.Banks() {
				for _, k := range hash.Kinds() {
					for p, err := range m.Similar(t.Context(), m, from.Name, to.Name, k, min(k.Threshold(), 31)) {
						require.NoError(t, err)
						all = append(all, p)
						pairs++
					}
				}
			}
		}
		return all
	}
	before := list()
	require.Greater(t, pairs, 20)
	require.Zero(t, m.Kept())
	for _, l := range looks {
		_, err := m.ScanPicture([]match.Look{l})
		require.NoError(t, err)
	}
	require.Positive(t, m.Kept())
	require.Equal(t, before, list())
	require.NoError(t, m.Enable(before[0].OtherBank, before[0].OtherID, false))
	require.Equal(t, before, list(), "what is disabled counts")
	require.NoError(t, m.Remove(before[0].OtherBank, before[0].OtherID))
	require.NotContains(t, list(), before[0])
}

func TestLookup(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	m := newMatcher(t, match.Options{MaxRadius: map[hash.Kind]int{hash.PDQ: 40}},
		match.Bank{Name: "b", Thresholds: map[hash.Kind]int{hash.PDQ: 10}, Entries: []match.Entry{picture("near", flipped(r, v, 10)), picture("far", flipped(r, v, 40)), {ID: "off", Disabled: true, Signals: []match.Signal{{Value: v, Quality: 90}}}}},
		match.Bank{Name: "fine", Allow: true, Entries: []match.Entry{picture("p", v)}})
	found := func(radius int, want ...string) {
		t.Helper()
		result, err := m.Lookup(v, radius)
		require.NoError(t, err)
		require.Equal(t, want, names(result.Matches))
		require.Equal(t, len(want), result.Total)
		require.True(t, slices.IsSortedFunc(result.Matches, func(a, b match.Match) int { return a.Evidence.Distance - b.Evidence.Distance }))
	}
	found(-1, "fine/p", "b/near")
	found(0, "fine/p")
	found(9, "fine/p")
	found(10, "fine/p", "b/near")
	found(40, "fine/p", "b/near", "b/far")
	_, err := m.Lookup(v, 41)
	var radius *match.RadiusError
	require.ErrorAs(t, err, &radius)
	_, err = m.Lookup(random(r, hash.PHash), 200)
	require.ErrorAs(t, err, &radius)
	_, err = m.Lookup(hash.Value{}, 1)
	require.ErrorIs(t, err, match.ErrInvalid)
}

// While a snapshot is loaded it is found out what of it must match nothing, and queries come by.
func TestShelvesAreSearchedWhileTheyCome(t *testing.T) {
	r := seeded()
	v, w := random(r, hash.PDQ), random(r, hash.PDQ)
	entries := []match.Entry{bare(v), picture("w", w)}
	for range 2000 {
		entries = append(entries, bare(random(r, hash.PDQ)))
	}
	snap := shelved(t, match.Bank{Name: "coming", Entries: entries})
	m := newMatcher(t, match.Options{Clean: slices.Repeat([]hash.Value{v}, 10)}, match.Bank{Name: "b", Entries: []match.Entry{picture("w", w)}})
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			if matches, err := m.Match(v, 90); err != nil || len(matches) > 0 {
				t.Errorf("%v %v", names(matches), err)
				return
			}
			if matches, err := m.Match(w, 90); err != nil || len(matches) == 0 {
				t.Errorf("%v %v", names(matches), err)
				return
			}
		}
	})
	for range 30 {
		require.NoError(t, m.Load(snap))
		matches, err := m.Match(w, 90)
		require.NoError(t, err)
		require.Equal(t, []string{"b/w", "coming/w"}, names(matches))
		require.NoError(t, m.RemoveBank("coming"))
	}
	stop.Store(true)
	wg.Wait()
}

// What is of a removed bank is in no list from then on, though its index goes later.
func TestNearestOfRemovedShelf(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	var banks []match.Bank
	for _, name := range []string{"gone", "stays"} {
		b := match.Bank{Name: name}
		for i := range 20_000 {
			b.Entries = append(b.Entries, picture(fmt.Sprint(i), random(r, hash.PDQ)))
		}
		b.Entries = append(b.Entries, picture("v", v))
		banks = append(banks, b)
	}
	m := newMatcher(t, match.Options{})
	require.NoError(t, m.Load(shelved(t, banks...)))
	found, err := m.Nearest(v, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"gone/v", "stays/v"}, names(found.Matches))
	require.NoError(t, m.RemoveBank("gone"))
	found, err = m.Nearest(v, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"stays/v"}, names(found.Matches))
}

// Of a snapshot that turns out to be damaged while it is loaded nothing stays, and so no query
// comes by the damage from then on.
func TestNothingStaysOfDamagedShelves(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	var banks []match.Bank
	for _, name := range []string{"a", "b"} {
		b := match.Bank{Name: name, Entries: []match.Entry{bare(v), picture("v", v)}}
		for i := range 1000 {
			b.Entries = append(b.Entries, bare(random(r, hash.PDQ)), picture(fmt.Sprint(i), random(r, hash.PDQ)))
		}
		banks = append(banks, b)
	}
	file := encode(t, banks...)
	good, err := match.OpenBytes(file)
	require.NoError(t, err)
	refused := 0
	for i := 64; i < len(file); i += len(file) / 200 {
		damaged := slices.Clone(file)
		damaged[i] ^= 1
		snap, err := match.OpenBytes(damaged)
		if err != nil {
			continue
		}
		m := newMatcher(t, match.Options{Clean: slices.Repeat([]hash.Value{v}, 10)}, match.Bank{Name: "other", Entries: []match.Entry{bare(v)}})
		err = m.Load(snap)
		if err == nil {
			continue
		}
		refused++
		formatError(t, err, file, "byte %d", i)
		require.Equal(t, 0, m.Shelves(), "byte %d", i)
		require.Equal(t, 0, m.Indexed())
		matches, err := m.Match(flipped(r, v, 3), 90)
		require.NoError(t, err, "byte %d", i)
		require.Empty(t, matches)
		require.Len(t, m.Banks(), 1)
		require.NoError(t, m.Load(good))
	}
	require.Greater(t, refused, 5)
}
