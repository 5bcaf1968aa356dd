package match_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

func TestBuilder(t *testing.T) {
	r := seeded()
	values := make([]hash.Value, 3000)
	for i := range values {
		values[i] = random(r, hash.Kinds()[i%len(hash.Kinds())])
	}
	video := match.Entry{ID: "v", Duration: time.Minute, Signals: []match.Signal{{Value: values[0], Quality: 90, To: time.Second}}}
	bank := match.Bank{Name: "b", Labels: []string{"l"}, Entries: []match.Entry{video}}
	for _, v := range values {
		bank.Entries = append(bank.Entries, bare(v))
	}
	want := encode(t, bank, match.Bank{Name: "c", Entries: []match.Entry{bare(values[0])}})

	var b match.Builder
	require.NoError(t, b.Bank(match.Bank{Name: "b", Labels: []string{"l"}}))
	r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	for i, v := range values {
		require.NoError(t, b.Hash(v))
		if i%3 == 0 {
			require.NoError(t, b.Hash(v), "lists repeat hashes")
		}
		if i%5 == 0 {
			require.NoError(t, b.Entry(bare(v)), "it is the same entry")
		}
	}
	require.NoError(t, b.Entry(video))
	require.NoError(t, b.Bank(match.Bank{Name: "c"}))
	first := stored([]match.Bank{bank})[0].Entries
	require.NoError(t, b.Hash(video.Signals[0].Value))
	var file bytes.Buffer
	require.NoError(t, b.Write(&file))
	require.True(t, bytes.Equal(want, file.Bytes()))
	got, err := match.Read(&file, noLimit)
	require.NoError(t, err)
	assert.Equal(t, first, got[0].Entries)
	require.ErrorIs(t, b.Write(io.Discard), match.ErrInvalid, "it is spent")
	require.ErrorIs(t, b.Hash(values[0]), match.ErrInvalid)
}

func TestBuilderOfNothing(t *testing.T) {
	var b match.Builder
	path := filepath.Join(t.TempDir(), "bank")
	require.NoError(t, b.WriteFile(path))
	banks, err := match.ReadFile(path)
	require.NoError(t, err)
	assert.Empty(t, banks)
}

// What was refused is not left out: there is no file at all.
func TestBuilderRefuses(t *testing.T) {
	v := random(seeded(), hash.PDQ)
	for name, f := range map[string]func(b *match.Builder) error{
		"a hash before a bank":   func(b *match.Builder) error { *b = match.Builder{}; return b.Hash(v) },
		"an entry before a bank": func(b *match.Builder) error { *b = match.Builder{}; return b.Entry(bare(v)) },
		"an invalid hash":        func(b *match.Builder) error { return b.Hash(hash.Value{}) },
		"an invalid entry":       func(b *match.Builder) error { return b.Entry(match.Entry{}) },
		"a bank twice":           func(b *match.Builder) error { return b.Bank(match.Bank{Name: "b"}) },
		"an invalid bank":        func(b *match.Builder) error { return b.Bank(match.Bank{}) },
		"a bank's entry": func(b *match.Builder) error {
			return b.Bank(match.Bank{Name: "c", Entries: []match.Entry{{ID: "e"}, {}}})
		},
	} {
		b := new(match.Builder)
		require.NoError(t, b.Bank(match.Bank{Name: "b"}))
		err := f(b)
		require.Error(t, err, name)
		path := filepath.Join(t.TempDir(), "bank")
		require.Equal(t, err, b.WriteFile(path), name)
		require.Equal(t, err, b.Hash(v), name)
		_, err = os.Stat(path)
		require.ErrorIs(t, err, os.ErrNotExist, name)
	}
}

// Hashes of a bank may be more than one index has room for.
func TestBuilderParts(t *testing.T) {
	r := seeded()
	for n := range 40 {
		var entries []match.Entry
		for i := range n {
			entries = append(entries, bare(random(r, hash.PDQ)), bare(random(r, hash.SHA1)),
				match.Entry{ID: fmt.Sprint(i), Signals: []match.Signal{{Value: random(r, hash.PHash), Quality: 60}, {Value: random(r, hash.MD5), Quality: 60}}})
		}
		bank := match.Bank{Name: "b", Entries: entries}
		for _, part := range []int{1, 2, 3, 7, 39, 40} {
			b := &match.Builder{}
			b.SetPart(part)
			require.NoError(t, b.Bank(bank))
			var file bytes.Buffer
			require.NoError(t, b.Write(&file))
			s, err := match.OpenBytes(file.Bytes())
			require.NoError(t, err)
			require.Equal(t, 4*((n+part-1)/part), s.Runs())
			require.NoError(t, s.Verify())
			if n%13 == 0 {
				require.NoError(t, use(t, s, stored([]match.Bank{bank})))
			}
		}
	}
}

// A file begins a lineage of its own; a later state of the same banks keeps it.
func TestBuilderLineage(t *testing.T) {
	lineage := func(file []byte) ([16]byte, uint64) {
		s, err := match.OpenBytes(file)
		require.NoError(t, err)
		l := s.Lineage()
		return l.ID, l.Sequence
	}
	banks := smallBanks()
	id, sequence := lineage(encode(t, banks...))
	assert.Zero(t, sequence)
	again, _ := lineage(encode(t, banks...))
	assert.Equal(t, id, again)
	banks[0].Labels = nil
	other, _ := lineage(encode(t, banks...))
	assert.NotEqual(t, id, other)

	var b match.Builder
	for _, bank := range banks {
		require.NoError(t, b.Bank(bank))
	}
	var later bytes.Buffer
	require.NoError(t, b.WriteLineage(&later, id, 7))
	again, sequence = lineage(later.Bytes())
	assert.Equal(t, id, again)
	assert.EqualValues(t, 7, sequence)
}

// benchmarkSize is how many hashes benchmarks have: REMATCH_BENCH_N, or a million.
func benchmarkSize(b *testing.B) int {
	n := 1_000_000
	if s := os.Getenv("REMATCH_BENCH_N"); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(b, err)
	}
	return n
}

// buildHashes makes a file of n random PDQ hashes.
func buildHashes(b testing.TB, path string, n int) {
	r := seeded()
	var builder match.Builder
	require.NoError(b, builder.Bank(match.Bank{Name: "b"}))
	for range n {
		require.NoError(b, builder.Hash(random(r, hash.PDQ)))
	}
	require.NoError(b, builder.WriteFile(path))
}

// BenchmarkBuild makes bank files of bare hashes.
func BenchmarkBuild(b *testing.B) {
	n := benchmarkSize(b)
	path := filepath.Join(b.TempDir(), "bank")
	b.Run("n="+sizeName(n), func(b *testing.B) {
		for b.Loop() {
			buildHashes(b, path, n)
		}
		info, err := os.Stat(path)
		require.NoError(b, err)
		b.ReportMetric(float64(info.Size())/float64(n), "bytes/hash")
		b.ReportMetric(float64(peakMemory())/float64(n), "peak-bytes/hash")
	})
}

// BenchmarkOpen opens a bank file of bare hashes that is in the page cache, and asks
// for one entry.
func BenchmarkOpen(b *testing.B) {
	n := benchmarkSize(b)
	path := filepath.Join(b.TempDir(), "bank")
	buildHashes(b, path, n)
	v := random(seeded(), hash.PDQ).String()
	b.Run("n="+sizeName(n), func(b *testing.B) {
		for b.Loop() {
			s, err := match.OpenSnapshot(path)
			if err != nil {
				b.Fatal(err)
			}
			if _, ok, err := s.Entry("b", v); err != nil || !ok {
				b.Fatal(ok, err)
			}
		}
	})
}

// BenchmarkVerify verifies the same.
func BenchmarkVerify(b *testing.B) {
	n := benchmarkSize(b)
	path := filepath.Join(b.TempDir(), "bank")
	buildHashes(b, path, n)
	b.Run("n="+sizeName(n), func(b *testing.B) {
		for b.Loop() {
			s, err := match.OpenSnapshot(path)
			if err == nil {
				err = s.Verify()
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// peakMemory is the most memory that this process has had, in bytes; 0 where the
// system does not tell.
func peakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kb int64
	if _, after, found := bytes.Cut(status, []byte("VmHWM:")); found {
		_, _ = fmt.Sscan(string(after), &kb)
	}
	return kb << 10
}
