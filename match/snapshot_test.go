package match_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

func snapshotOf(t testing.TB, banks ...match.Bank) *match.Snapshot {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bank")
	require.NoError(t, match.WriteFile(path, banks...))
	s, err := match.OpenSnapshot(path)
	require.NoError(t, err)
	return s
}

func TestSnapshot(t *testing.T) {
	banks := someBanks(seeded())
	s := snapshotOf(t, banks...)
	want := stored(banks)
	require.NoError(t, use(t, s, want))
	require.NoError(t, s.Verify())
	entries := 0
	for _, b := range want {
		n := 0
		for e, err := range s.Entries(b.Name) {
			require.NoError(t, err)
			require.Equal(t, b.Entries[n], e)
			n++
		}
		require.Len(t, b.Entries, n)
		entries += n
	}
	assert.Equal(t, entries, s.Len())
	assert.EqualValues(t, len(encode(t, banks...)), s.Size())

	var err error
	for _, err = range s.Entries("none") {
	}
	require.ErrorIs(t, err, match.ErrUnknown)
	_, _, err = s.Entry("none", "x")
	require.ErrorIs(t, err, match.ErrUnknown)
	v := want[0].Entries[0].Signals[0].Value
	for _, id := range []string{"", "none", v.String()[:20], "PDQ" + v.String()[3:], blank(hash.PHash256).String()} {
		_, ok, err := s.Entry("mixed", id)
		require.NoError(t, err)
		require.False(t, ok, id)
	}
	_, ok, err := s.Entry("mixed", v.String())
	require.NoError(t, err)
	require.True(t, ok)
	_, ok, err = s.Entry("empty", v.String())
	require.NoError(t, err)
	require.False(t, ok)
}

func TestSnapshotEntriesStops(t *testing.T) {
	s := snapshotOf(t, someBanks(seeded())...)
	for range s.Entries("mixed") {
		break
	}
	for e := range s.Entries("mixed") {
		if e.ID == "nothing yet" {
			break
		}
	}
}

// A snapshot says of its banks what a Matcher says when they are in it.
func TestSnapshotBanks(t *testing.T) {
	banks := someBanks(seeded())
	for i := range banks { // a Matcher takes no entries without signals
		kept := banks[i].Entries[:0]
		for _, e := range banks[i].Entries {
			if len(e.Signals) > 0 {
				kept = append(kept, e)
			}
		}
		banks[i].Entries = kept
	}
	m, err := match.New(match.Options{}, banks...)
	require.NoError(t, err)
	quarantined := 0
	infos := m.Banks()
	for _, info := range infos {
		quarantined += info.Quarantined
	}
	require.Positive(t, quarantined)
	assert.ElementsMatch(t, infos, snapshotOf(t, banks...).Banks())
}

// Numbers of entries and signals: first bare ones, then all others in their order.
func TestSnapshotNumbers(t *testing.T) {
	banks := someBanks(seeded())
	for part := range 3 { // several parts have other numbers, but go on giving the same
		b := &match.Builder{}
		b.SetPart(part)
		for _, bank := range banks {
			require.NoError(t, b.Bank(bank))
		}
		var file bytes.Buffer
		require.NoError(t, b.Write(&file))
		s, err := match.OpenBytes(file.Bytes())
		require.NoError(t, err)
		require.NoError(t, s.Verify())
		want := stored(banks)
		require.NoError(t, use(t, s, want))
		got, err := match.Read(&file, noLimit)
		require.NoError(t, err)
		require.Equal(t, want, got)

		seen := make(map[uint32]bool)
		isJunk := make(map[uint32]bool)
		junk, err := s.JunkSignals()
		require.NoError(t, err)
		for _, n := range junk {
			isJunk[n] = true
		}
		signal := uint32(0)
		for bank, b := range want {
			for _, e := range b.Entries {
				number, ok, err := s.Find(bank, e.ID)
				require.NoError(t, err)
				require.True(t, ok, e.ID)
				require.False(t, seen[number])
				seen[number] = true
				in, again, err := s.Numbered(number)
				require.NoError(t, err)
				require.Equal(t, bank, in)
				require.Equal(t, e, again)
			}
		}
		require.Len(t, seen, s.Len())
		counted := 0
		for number := range uint32(s.Len()) {
			_, e, err := s.Numbered(number)
			require.NoError(t, err)
			for i, known := range e.Signals {
				entry, index, err := s.EntryOf(signal)
				require.NoError(t, err)
				require.Equal(t, number, entry)
				require.Equal(t, i, index)
				if known.Value == blank(known.Value.Kind()) {
					counted++
					require.True(t, isJunk[signal])
				} else {
					require.False(t, isJunk[signal])
				}
				signal++
			}
		}
		require.Equal(t, signal, s.Signals())
		require.Len(t, junk, counted)
		_, _, err = s.EntryOf(signal)
		require.Error(t, err)
		_, _, err = s.Numbered(uint32(s.Len()))
		require.Error(t, err)
	}
}

// A snapshot stays what it was when another file takes its place.
func TestSnapshotOutlivesItsFile(t *testing.T) {
	banks := someBanks(seeded())
	path := filepath.Join(t.TempDir(), "bank")
	require.NoError(t, match.WriteFile(path, banks...))
	s, err := match.OpenSnapshot(path)
	require.NoError(t, err)
	require.NoError(t, match.WriteFile(path, match.Bank{Name: "another"}))
	runtime.GC()
	require.NoError(t, use(t, s, stored(banks)))
}

func TestSnapshotOfAFileCutShortMeanwhile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is known to fault here")
	}
	r := seeded()
	b := match.Bank{Name: "b"}
	for i := range 20_000 {
		b.Entries = append(b.Entries, match.Entry{ID: fmt.Sprint(i), Signals: []match.Signal{{Value: random(r, hash.MD5)}}})
	}
	path := filepath.Join(t.TempDir(), "bank")
	require.NoError(t, match.WriteFile(path, b))
	s, err := match.OpenSnapshot(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, 1<<16))
	err = use(t, s, nil)
	formatError(t, err, make([]byte, s.Size()), "using")
	formatError(t, s.Verify(), make([]byte, s.Size()), "verifying")
}

func TestSnapshotManyAtOnce(t *testing.T) {
	banks := someBanks(seeded())
	s := snapshotOf(t, banks...)
	want := stored(banks)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if i == 0 {
				assert.NoError(t, s.Verify())
				return
			}
			for j, b := range want {
				n := 0
				for e, err := range s.Entries(b.Name) {
					assert.NoError(t, err)
					assert.Equal(t, want[j].Entries[n], e)
					n++
				}
			}
		})
	}
	wg.Wait()
}
