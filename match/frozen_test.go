package match_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// What is frozen stays as it was, whatever becomes of the Matcher, and its file is found again
// with the lineage that it was given.
func TestFrozen(t *testing.T) {
	value := func(b byte) hash.Value {
		v, err := hash.FromBytes(hash.PDQ, append(make([]byte, 31), b+1))
		require.NoError(t, err)
		return v
	}
	bare := func(b byte) match.Entry {
		return match.Entry{ID: value(b).String(), Signals: []match.Signal{{Value: value(b), Quality: hash.Unmeasured}}}
	}
	named := func(id string, b byte) match.Entry {
		return match.Entry{ID: id, Signals: []match.Signal{{Value: value(b), Quality: 90}}}
	}
	b, err := (&match.Builder{}), error(nil)
	require.NoError(t, b.Bank(match.Bank{Name: "a", Entries: []match.Entry{bare(1), bare(2), named("x", 3), named("y", 4)}}))
	snap, err := b.Snapshot()
	require.NoError(t, err)
	m, err := match.New(match.Options{})
	require.NoError(t, err)
	require.NoError(t, m.Load(snap))
	require.NoError(t, m.Enable("a", "x", false))
	require.NoError(t, m.Remove("a", value(1).String()))
	require.NoError(t, m.AddEntries("a", named("z", 5)))
	require.NoError(t, m.Add(match.Bank{Name: "b", Action: "block"}))

	f := m.Freeze()
	require.NoError(t, m.Enable("a", "x", true))
	require.NoError(t, m.Remove("a", "y"))
	require.NoError(t, m.Remove("a", "z"))
	require.NoError(t, m.RemoveBank("b"))
	require.NoError(t, m.EditEntry("a", value(2).String(), func(e *match.Entry) { e.Curation.Expires = time.Unix(5, 0) }))

	path := filepath.Join(t.TempDir(), "f.bank")
	l := match.Lineage{ID: [16]byte{1, 2}, Sequence: 7}
	require.NoError(t, f.WriteFile(path, l))
	file, err := match.OpenSnapshot(path)
	require.NoError(t, err)
	assert.Equal(t, l, file.Lineage())
	for _, s := range []match.Set{f, file} {
		require.Len(t, s.Banks(), 2)
		assert.Equal(t, 4, s.Banks()[0].Entries)
		assert.Equal(t, "block", s.Banks()[1].Action)
		var ids []string
		for e, err := range s.Entries("a") {
			require.NoError(t, err)
			ids = append(ids, e.ID)
			assert.Equal(t, e.ID == "x", e.Disabled)
			assert.Nil(t, e.Curation)
			again, ok, err := s.Entry("a", e.ID)
			require.NoError(t, err)
			require.True(t, ok)
			assert.Equal(t, e.Disabled, again.Disabled)
			var after []string
			for e, err := range s.EntriesAfter("a", e.ID) {
				require.NoError(t, err)
				after = append(after, e.ID)
			}
			assert.Len(t, after, 4-len(ids))
		}
		assert.Equal(t, []string{value(2).String(), "x", "y", "z"}, ids)
		_, ok, err := s.Entry("a", value(1).String())
		assert.NoError(t, err)
		assert.False(t, ok)
		_, _, err = s.Entry("c", "x")
		assert.ErrorIs(t, err, match.ErrUnknown)
	}
	for _, err := range f.EntriesAfter("a", "gone") {
		assert.ErrorIs(t, err, match.ErrUnknown)
	}
	for d, err := range match.Diff(f, file) {
		assert.Fail(t, "the file is another", "%v %v", d, err)
	}
}

func TestCheck(t *testing.T) {
	v, err := hash.FromBytes(hash.PDQ, append(make([]byte, 31), 9))
	require.NoError(t, err)
	good := match.Entry{ID: "x", Signals: []match.Signal{{Value: v, Quality: 90}}}
	require.NoError(t, match.Bank{Name: "a", Entries: []match.Entry{good}}.Check())
	bad := good
	bad.Signals = nil
	for _, err := range []error{
		match.Bank{}.Check(), match.Bank{Name: "a", RollOut: match.RollOut{Percent: 101}}.Check(),
		match.Bank{Name: "a", Thresholds: map[hash.Kind]int{hash.PDQ: 257}}.Check(),
		match.Bank{Name: "a", Entries: []match.Entry{bad}}.Check(), match.Entry{}.Check("a"),
		match.Entry{ID: "x", Signals: []match.Signal{{}}}.Check("a"),
	} {
		var e *match.EntryError
		assert.ErrorAs(t, err, &e)
		assert.ErrorIs(t, err, match.ErrInvalid)
	}
}
