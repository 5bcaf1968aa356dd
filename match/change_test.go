package match_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// feed is a series of changes as a system of record would send them.
func feed() []match.Change {
	r := seeded()
	known, other := match.Bank{Name: "known"}, match.Bank{Name: "other", Allow: true}
	put := func(b match.Bank, entries ...match.Entry) match.Change {
		return match.Change{Op: match.PutEntries, Bank: b, Entries: entries}
	}
	a, b, sum, film := picture("a", random(r, hash.PDQ)), picture("b", random(r, hash.PDQ)), bare(random(r, hash.MD5)), moving(r, 4e9).entry("film")
	labelled, moved := a, a
	labelled.Labels, labelled.Curation = []string{"x"}, curated(1)
	moved.Signals = []match.Signal{{Value: random(r, hash.PDQ), Quality: 30}, {Value: blank(hash.PDQ), Quality: 90}}
	action, threshold := known, known
	action.Action, action.Labels = "block", []string{"l"}
	threshold.Thresholds, threshold.Disabled = map[hash.Kind]int{hash.PDQ: 12}, true
	return []match.Change{
		{Op: match.PutBank, Bank: known}, put(known, a, sum), {Op: match.PutBank, Bank: action}, put(known, labelled, film, b),
		{Op: match.PutBank, Bank: other}, put(other, sum), {Op: match.SetEntry, Bank: known, Entries: []match.Entry{{ID: "b", Disabled: true, Curation: curated(2)}}},
		put(known, moved), {Op: match.DropEntries, Bank: known, Entries: []match.Entry{{ID: "b"}, {ID: sum.ID}}}, {Op: match.DropBank, Bank: other},
		{Op: match.PutBank, Bank: threshold}, put(known, b, a), {Op: match.PutBank, Bank: other}, {Op: match.SetEntry, Bank: known, Entries: []match.Entry{{ID: "a", Labels: []string{"z"}}}},
	}
}

// A feed may be read again from anywhere before its end, by a plain Matcher and by one that
// writes it down, and what comes out is the same.
func TestFeedsMayComeAgain(t *testing.T) {
	changes := feed()
	once := newMatcher(t, match.Options{})
	for i, c := range changes {
		require.NoError(t, once.Apply(c), "%d", i)
	}
	want, follower := contents(t, once), newMatcher(t, match.Options{})
	for again := range changes {
		m := newMatcher(t, match.Options{})
		for _, c := range changes[:again] {
			require.NoError(t, m.Apply(c))
			require.NoError(t, m.Apply(c))
		}
		// As far back as nothing is missing: to where the banks came.
		for _, c := range changes {
			require.NoError(t, m.Apply(c))
		}
		require.Equal(t, want, contents(t, m), "%d", again)
		require.Equal(t, once.Indexed(), m.Indexed())
	}
	// As JSON it says the same.
	text, err := json.Marshal(changes)
	require.NoError(t, err)
	var kept []match.Change
	require.NoError(t, json.Unmarshal(text, &kept))
	for _, c := range kept {
		require.NoError(t, follower.Apply(c))
	}
	require.Equal(t, want, contents(t, follower))

	path, _ := journalled(t)
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	require.NoError(t, m.RemoveBank("list"))
	require.NoError(t, m.RemoveBank("media"))
	for _, c := range append(changes, changes[len(changes)-1]) {
		require.NoError(t, m.Apply(c))
	}
	require.Equal(t, want, contents(t, m))
	keeps(t, m, path)
}

// An entry on a shelf can be replaced, and by one of other signals.
func TestPutOverSnapshots(t *testing.T) {
	r := seeded()
	v, w, sum := random(r, hash.PDQ), random(r, hash.PDQ), random(r, hash.SHA256)
	m := newMatcher(t, match.Options{})
	require.NoError(t, m.Load(shelved(t, match.Bank{Name: "b", Entries: []match.Entry{picture("p", v), bare(v), bare(sum)}})))
	put := func(entries ...match.Entry) {
		require.NoError(t, m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: "b"}, Entries: entries}))
	}
	look := func(v hash.Value) []string {
		matches, err := m.Match(v, 90)
		require.NoError(t, err)
		return names(matches)
	}
	put(picture("p", w), bare(v))
	require.Equal(t, []string{"b/" + v.String()}, look(v))
	require.Equal(t, []string{"b/p"}, look(w))
	require.Equal(t, 3, m.Banks()[0].Entries)
	other := bare(sum)
	other.Signals = []match.Signal{{Value: v, Quality: hash.Unmeasured}} // under the name of another hash
	put(other, picture("p", w), picture("new", v))
	require.Equal(t, []string{"b/new", "b/" + v.String(), "b/" + sum.String()}, look(v))
	require.Empty(t, look(sum))
	require.Equal(t, 4, m.Banks()[0].Entries)
	require.ErrorIs(t, m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: "b"}, Entries: []match.Entry{picture("x", v), picture("x", w)}}), match.ErrDuplicate)
	require.ErrorIs(t, m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: "b"}, Entries: []match.Entry{picture("p", v), {ID: "no signals"}}}), match.ErrInvalid)
	same := []match.Entry{picture("p", w), picture("p", w)}
	same[0].Labels = []string{"first"}
	require.ErrorIs(t, m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: "b"}, Entries: same}), match.ErrDuplicate)
	require.Equal(t, []string{"b/p"}, look(w), "what was refused has changed nothing")
	require.Equal(t, 4, m.Banks()[0].Entries)
}

func TestEdits(t *testing.T) {
	r := seeded()
	p := picture("p", random(r, hash.PDQ))
	p.Signals[0].Transform = []string{"mirror"}
	m := newMatcher(t, match.Options{}, match.Bank{Name: "b", Labels: []string{"l"}, Entries: []match.Entry{p}})
	for name, edit := range map[string]func(*match.Entry){
		"ID":       func(e *match.Entry) { e.ID = "q" },
		"signals":  func(e *match.Entry) { e.Signals = nil },
		"duration": func(e *match.Entry) { e.Duration = 7 },
		"a signal": func(e *match.Entry) { e.Signals[0].Value = random(r, hash.PDQ) },
		"a look":   func(e *match.Entry) { e.Signals[0].Transform[0] = "another" },
	} {
		before, _, err := m.Entry("b", "p")
		require.NoError(t, err)
		was := before.Signals[0].Value
		require.ErrorIs(t, m.EditEntry("b", "p", edit), match.ErrInvalid, name)
		require.Equal(t, was, before.Signals[0].Value, "what was refused has changed nothing")
		require.Equal(t, []string{"mirror"}, before.Signals[0].Transform)
	}
	var radius *match.RadiusError
	require.ErrorAs(t, m.EditBank("b", func(b *match.Bank) { b.Thresholds = map[hash.Kind]int{hash.PDQ: 99} }), &radius)
	require.ErrorIs(t, m.EditBank("b", func(b *match.Bank) { b.Name = "c" }), match.ErrInvalid)
	require.ErrorIs(t, m.EditBank("b", func(b *match.Bank) { b.Allow = true }), match.ErrInvalid)
	require.ErrorIs(t, m.EditBank("c", func(*match.Bank) {}), match.ErrUnknown)
	require.ErrorIs(t, m.EditEntry("b", "q", func(*match.Entry) {}), match.ErrUnknown)
	for _, c := range []match.Change{{}, {Op: "put"}, {Op: match.SetEntry, Bank: match.Bank{Name: "b"}}} {
		require.ErrorIs(t, m.Apply(c), match.ErrInvalid, fmt.Sprint(c.Op))
	}
	require.ErrorIs(t, m.Apply(match.Change{Op: match.SetEntry, Bank: match.Bank{Name: "b"}, Entries: []match.Entry{{ID: "q"}}}), match.ErrUnknown)
	require.ErrorIs(t, m.Apply(match.Change{Op: match.DropEntries, Bank: match.Bank{Name: "c"}}), match.ErrUnknown)
	// Enabling ends a date as well.
	require.NoError(t, m.EditEntry("b", "p", func(e *match.Entry) { e.Curation.DisabledUntil, e.Curation.Note = now.AddDate(100, 0, 0), "n" }))
	require.NoError(t, m.Enable("b", "p", true))
	e, _, err := m.Entry("b", "p")
	require.NoError(t, err)
	require.Equal(t, &match.Curation{Note: "n"}, e.Curation)
	require.Equal(t, []string{"l"}, m.Banks()[0].Labels)
}

// What is not there may be dropped whatever it is called, and the log is read again.
func TestDropWhatIsNotThere(t *testing.T) {
	path, r := journalled(t)
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	drop := match.Change{Op: match.DropEntries, Bank: match.Bank{Name: "media"}, Entries: []match.Entry{{ID: strings.Repeat("x", 70000)}, {ID: "a"}, {ID: "a"}, {ID: "none"}}}
	require.NoError(t, m.Apply(drop))
	require.NoError(t, m.AddEntries("media", picture("later", random(r, hash.PDQ))))
	keeps(t, m, path)
}
