package match_test

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/internal/mapped"
	"github.com/rematch-go/rematch/match/internal/mih"
)

// sizeName is a size as names of benchmarks have it.
func sizeName(n int) string {
	switch {
	case n >= 1_000_000:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n >= 1000:
		return fmt.Sprintf("%dk", n/1000)
	}
	return strconv.Itoa(n)
}

// BenchmarkSearch measures look-ups in sets of ten thousand to REMATCH_BENCH_N
// hashes (a million unless it says more; 100 million takes 14 GB, with GOGC=20). Each
// query has one neighbour, at 0 to 31 bits. Beside the mean it reports the median and
// the 99th percentile of single look-ups, the memory of the index, and how many
// hashes a look-up compares in whole; and of all queries in one call the mean.
func BenchmarkSearch(b *testing.B) {
	for _, set := range benchmarkSets {
		for n := 10_000; n <= benchmarkSize(b); n *= 10 {
			b.Run(fmt.Sprintf("set=%s/n=%s", set.name, sizeName(n)), func(b *testing.B) {
				r := seeded()
				benchmarkSet(b, r, n, set.make(b, r))
			})
		}
	}
}

// benchmarkSets are the sets that indices are measured on.
var benchmarkSets = []struct {
	name string
	make func(b *testing.B, r *rand.Rand) func() hash.Value
}{
	{"random", func(_ *testing.B, r *rand.Rand) func() hash.Value {
		return func() hash.Value { return random(r, hash.PDQ) }
	}},
	{"real", realistic},
}

// benchmarkSet measures the indices on one set.
func benchmarkSet(b *testing.B, r *rand.Rand, n int, next func() hash.Value) {
	x, err := match.NewMIH(hash.PDQ, 31)
	require.NoError(b, err)
	l, err := match.NewLinear(hash.PDQ, 31)
	require.NoError(b, err)
	var queries []hash.Value
	var m mappedIndex
	const chunk = 10_000_000
	for first := 0; first < n; first += chunk {
		refs, values := make([]match.Ref, 0, chunk), make([]hash.Value, 0, chunk)
		for i := range min(chunk, n-first) {
			v := next()
			refs, values = append(refs, match.Ref(first+i)), append(values, v)
			if first == 0 && n <= 10_000_000 { // the scan of more takes seconds, and memory
				require.NoError(b, l.Add(match.Ref(i), v))
			}
		}
		require.NoError(b, x.AddAll(refs, values))
		if first == 0 {
			if n <= chunk {
				m = onFile(b, values)
			}
			for i := range 2048 {
				queries = append(queries, flipped(r, values[r.IntN(len(values))], i%32))
			}
		}
	}
	x.Wait()
	for _, radius := range []int{0, 15, 31} {
		candidates := 0
		for _, q := range queries {
			candidates += x.Candidates(q, radius)
		}
		b.Run(fmt.Sprintf("index=mih/radius=%d", radius), func(b *testing.B) {
			lookUp(b, x, queries, radius)
			b.ReportMetric(float64(x.Bytes())/float64(n), "bytes/hash")
			b.ReportMetric(float64(candidates)/float64(len(queries)), "candidates/query")
		})
	}
	b.Run("index=mih-batch/radius=31", func(b *testing.B) {
		hits, done := 0, 0
		for b.Loop() {
			if err := x.SearchAll(queries, 31, func(int, match.Hit) { hits++ }); err != nil {
				b.Fatal(err)
			}
			done += len(queries)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(done), "ns/query")
		b.ReportMetric(float64(hits)/float64(done), "hits/query")
	})
	for _, radius := range []int{0, 15, 31} {
		if m.set == nil {
			break
		}
		b.Run(fmt.Sprintf("index=mih-mapped/radius=%d", radius), func(b *testing.B) {
			lookUp(b, m, queries, radius)
			b.ReportMetric(float64(m.set.Bytes())/float64(n), "bytes/hash")
		})
	}
	if l.Len() == n {
		b.Run("index=linear/radius=31", func(b *testing.B) { lookUp(b, l, queries, 31) })
	}
}

// mappedIndex is the index of hashes in a mapped file.
type mappedIndex struct{ set *mih.Index }

func (m mappedIndex) Len() int { return m.set.Len() }

func (m mappedIndex) Search(dst []match.Hit, q hash.Value, radius int) ([]match.Hit, error) {
	words := q.Words()
	err := m.set.Search(&words, radius, func(ref uint32, distance int) {
		dst = append(dst, match.Hit{Ref: match.Ref(ref), Distance: distance})
	})
	return dst, err
}

// onFile returns the index of values in a mapped file, of which every block has been
// compared with its checksum, and so is in memory.
func onFile(b *testing.B, values []hash.Value) mappedIndex {
	words := make([]uint64, 0, 4*len(values))
	for _, v := range values {
		w := v.Words()
		words = append(words, w[:]...)
	}
	var data []byte
	var at [mih.NumArrays]mih.Range
	for i, array := range mih.Pack(4, words, nil).Arrays {
		at[i] = mih.Range{Offset: int64(len(data)), Length: int64(len(array))}
		data = append(data, array...)
		data = append(data, make([]byte, -len(data)&63)...)
	}
	path := filepath.Join(b.TempDir(), "hashes")
	require.NoError(b, os.WriteFile(path, data, 0o600))
	f, err := mapped.Map(path)
	require.NoError(b, err)
	require.NoError(b, f.Expect(mapped.Sums(data), int64(len(data))))
	require.NoError(b, f.CheckAll())
	s, err := mih.Open(f, 4, 0, at)
	require.NoError(b, err)
	m := mappedIndex{mih.New(4)}
	require.NoError(b, m.set.Attach(0, s))
	return m
}

// lookUp reports how long single look-ups take.
func lookUp(b *testing.B, x match.Index, queries []hash.Value, radius int) {
	times := make([]time.Duration, 0, 1<<16)
	dst := make([]match.Hit, 0, 1<<17)
	hits, done := 0, 0
	for b.Loop() {
		start := time.Now()
		found, err := x.Search(dst, queries[done%len(queries)], radius)
		if err != nil {
			b.Fatal(err)
		}
		if len(times) < cap(times) {
			times = append(times, time.Since(start))
		}
		hits += len(found)
		done++
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds()), "p99-ns")
	b.ReportMetric(float64(hits)/float64(done), "hits/query")
}

// BenchmarkSearchClusters measures what a hundred thousand near copies of one
// picture in a set cost: a look-up by one of them, and by what is about as near to them as
// the radius.
func BenchmarkSearchClusters(b *testing.B) {
	const n, cluster = 1_000_000, 100_000
	r := seeded()
	next := realistic(b, r)
	centre := next()
	refs, values := make([]match.Ref, n), make([]hash.Value, n)
	for i := range n {
		refs[i], values[i] = match.Ref(i), next()
		if i < cluster {
			values[i] = flipped(r, centre, r.IntN(9))
		}
	}
	x, err := match.NewMIH(hash.PDQ, 31)
	require.NoError(b, err)
	require.NoError(b, x.AddAll(refs, values))
	l, err := match.NewLinear(hash.PDQ, 31)
	require.NoError(b, err)
	for i, v := range values {
		require.NoError(b, l.Add(refs[i], v))
	}
	for _, distance := range []int{0, 24, 31, 40, 64} {
		queries := make([]hash.Value, 64)
		for i := range queries {
			queries[i] = flipped(r, centre, distance)
			fast, err := x.Search(nil, queries[i], 31)
			require.NoError(b, err)
			slow, err := l.Search(nil, queries[i], 31)
			require.NoError(b, err)
			require.Equal(b, sorted(slow), sorted(fast))
		}
		b.Run(fmt.Sprintf("index=mih/n=%s/radius=31/distance=%d", sizeName(n), distance), func(b *testing.B) { lookUp(b, x, queries, 31) })
		b.Run(fmt.Sprintf("index=linear/n=%s/radius=31/distance=%d", sizeName(n), distance), func(b *testing.B) { lookUp(b, l, queries, 31) })
	}
}

// realistic returns a source of hashes that lie as those of real pictures do: each
// sixteen bits of a hash are from a real one, at the same place and turned the same
// way, with up to a third of all bits changed. Real ones are those of the shared
// pictures and of every frame of the shared clips if REMATCH_MEDIA is set, and of the project's
// own pictures.
func realistic(b *testing.B, r *rand.Rand) func() hash.Value {
	files := []string{"../testdata/pdq.csv"}
	if media := os.Getenv("REMATCH_MEDIA"); media != "" {
		frames, err := filepath.Glob(filepath.Join(media, "video", "vpdq-every-frame", "*.txt"))
		require.NoError(b, err)
		require.NotEmpty(b, frames)
		files = append(append(files, frames...), filepath.Join(media, "pdq", "files.csv"))
	}
	var real [][]byte
	for _, name := range files {
		f, err := os.Open(name)
		require.NoError(b, err)
		lines, err := csv.NewReader(f).ReadAll()
		require.NoError(b, err)
		require.NoError(b, f.Close())
		for _, line := range lines {
			for _, field := range line {
				if v, err := hash.ParseHex(hash.PDQ, field); err == nil {
					real = append(real, v.AppendBytes(nil))
				}
			}
		}
	}
	require.NotEmpty(b, real)
	return func() hash.Value {
		var bytes [32]byte
		for i := 0; i < 32; i += 2 {
			copy(bytes[i:], real[r.IntN(len(real))][i:i+2])
		}
		v, err := hash.FromBytes(hash.PDQ, bytes[:])
		require.NoError(b, err)
		return flipped(r, v, r.IntN(86))
	}
}
