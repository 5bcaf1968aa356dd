package match_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// ids lists entries; what ends them is an error of the test.
func ids(t *testing.T, s match.Set, bank, after string) []string {
	t.Helper()
	list := []string{}
	for e, err := range s.EntriesAfter(bank, after) {
		require.NoError(t, err)
		list = append(list, e.ID)
	}
	return list
}

// After each entry come those that come after it in the whole list.
func TestPages(t *testing.T) {
	r := seeded()
	b := match.Bank{Name: "b"}
	for i := range 30 {
		b.Entries = append(b.Entries, bare(random(r, hash.PDQ)), picture(fmt.Sprint(i), random(r, hash.PDQ)))
		if i%3 == 0 {
			b.Entries = append(b.Entries, bare(random(r, hash.MD5)))
		}
	}
	inParts := func() *match.Snapshot {
		var builder match.Builder
		require.NoError(t, builder.Bank(b))
		s, err := builder.SnapshotInParts(7)
		require.NoError(t, err)
		return s
	}
	grown := newMatcher(t, match.Options{})
	require.NoError(t, grown.Load(shelved(t, match.Bank{Name: "before", Entries: []match.Entry{bare(random(r, hash.PDQ))}}, b)))
	for i := range 20 {
		require.NoError(t, grown.AddEntries("b", picture(fmt.Sprint("new ", i), random(r, hash.PDQ))))
		require.NoError(t, grown.Remove("b", b.Entries[3*i].ID))
	}
	for name, s := range map[string]match.Set{"snapshot": shelved(t, match.Bank{Name: "before", Entries: []match.Entry{bare(random(r, hash.MD5)), picture("p", random(r, hash.PDQ))}}, b), "in parts": inParts(), "matcher": newMatcher(t, match.Options{}, b), "grown": grown} {
		all := ids(t, s, "b", "")
		require.NotEmpty(t, all, name)
		for i, id := range all {
			require.Equal(t, all[i+1:], ids(t, s, "b", id), name)
		}
		for _, unknown := range [][2]string{{"b", "nowhere"}, {"nowhere", ""}} {
			var errs []error
			for _, err := range s.EntriesAfter(unknown[0], unknown[1]) {
				errs = append(errs, err)
			}
			require.Len(t, errs, 1, name)
			require.ErrorIs(t, errs[0], match.ErrUnknown, name)
		}
	}
}

func TestStatisticsAndFind(t *testing.T) {
	r := seeded()
	b := match.Bank{Name: "b", Policy: match.Policy{Seed: match.Ignore}}
	add := func(id string, c match.Curation) *match.Entry {
		e := picture(id, random(r, hash.PDQ))
		e.Curation = &c
		b.Entries = append(b.Entries, e)
		return &b.Entries[len(b.Entries)-1]
	}
	b.Entries = append(b.Entries, bare(random(r, hash.MD5)), moving(r, 2e9).entry("film"))
	add("off", match.Curation{}).Disabled = true
	add("until", match.Curation{DisabledUntil: later})
	add("expired", match.Curation{Expires: earlier, Note: "Withdrawn"})
	add("seed", match.Curation{Opinions: []match.Opinion{{By: "m", Says: match.Seed, Tags: []string{"NCII"}}}, Origin: match.Origin{Exchange: "stopncii", Severity: "category A1"}})
	add("held", match.Curation{Quarantine: match.Quarantine{Since: earlier}})
	add("disputed", match.Curation{Opinions: []match.Opinion{{By: "Alice", Says: match.Positive}, {By: "b", Says: match.Negative}}}).Labels = []string{"Violence"}
	m := newMatcher(t, match.Options{}, b)
	stats, err := match.Statistics(m, "b", now)
	require.NoError(t, err)
	signals := stats.Signals[hash.PDQ]
	require.Greater(t, signals, 6)
	require.Equal(t, match.BankStats{
		Entries: 8, Videos: 1, Disabled: 2, Expired: 1, Reported: 2, Shadowed: 2, Ignored: 1, SetAside: 1,
		Stances: map[match.Stance]int{match.NoOpinion: 6, match.Seed: 1, match.Disputed: 1}, Exchanges: map[string]int{"": 7, "stopncii": 1},
		Signals: map[hash.Kind]int{hash.MD5: 1, hash.PDQ: signals},
	}, stats)
	find := func(text string) (found []string) {
		for e, err := range match.Find(m, "b", text) {
			require.NoError(t, err)
			found = append(found, e.ID)
		}
		return found
	}
	require.Equal(t, []string{"expired"}, find("withdrawn"))
	require.Equal(t, []string{"seed"}, find("ncii"))
	require.Equal(t, []string{"seed"}, find("ory a1"))
	require.Equal(t, []string{"disputed"}, find("ALICE"))
	require.Equal(t, []string{"disputed"}, find("violen"))
	require.Equal(t, []string{"film"}, find("FIL"))
	require.Empty(t, find("nothing of it"))
	_, err = match.Statistics(m, "nowhere", now)
	require.ErrorIs(t, err, match.ErrUnknown)
}
