package match_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/internal/exact"
	"github.com/rematch-go/rematch/match/internal/mapped"
)

// BenchmarkDigests measures look-ups of SHA-256 digests in sets of a hundred thousand to
// REMATCH_BENCH_N (a million unless it says more; 50 million takes 2 GB of memory and as
// much in a temporary file): in a mapped file, in memory up to ten million, and in a map
// of Go up to one million. It reports the median and the 99th percentile of single
// look-ups, each with the clock's own 30 to 50 ns, and the bytes a digest. No two
// foreign digests that are asked for are the same, and known ones are a million.
func BenchmarkDigests(b *testing.B) {
	most := 1_000_000
	if s := os.Getenv("REMATCH_BENCH_N"); s != "" {
		var err error
		most, err = strconv.Atoi(s)
		require.NoError(b, err)
	}
	sizes := []int{}
	for n := 100_000; n < most; n *= 10 {
		sizes = append(sizes, n)
	}
	for _, n := range append(sizes, most) {
		b.Run(fmt.Sprintf("index=file/n=%s", sizeName(n)), func(b *testing.B) { benchmarkFile(b, n) })
		if n <= 10_000_000 {
			b.Run(fmt.Sprintf("index=live/n=%s", sizeName(n)), func(b *testing.B) { benchmarkLive(b, n) })
		}
		if n <= 1_000_000 {
			b.Run(fmt.Sprintf("index=map/n=%s", sizeName(n)), func(b *testing.B) { benchmarkMap(b, n) })
		}
	}
}

const digestSize = 32

// digestStream is an endless source of digests.
func digestStream() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{1}) }

func digestOf(b *testing.B, key []byte) hash.Value {
	v, err := hash.FromBytes(hash.SHA256, key)
	require.NoError(b, err)
	return v
}

func benchmarkFile(b *testing.B, n int) {
	stream := digestStream()
	keys := make([]byte, digestSize*n)
	_, err := stream.Read(keys)
	require.NoError(b, err)
	known := someOf(keys)
	start := time.Now()
	p := exact.Pack(digestSize, keys, nil)
	packed := time.Since(start)
	path := filepath.Join(b.TempDir(), "digests")
	f, err := os.Create(path)
	require.NoError(b, err)
	var at [exact.NumArrays]exact.Range
	size := int64(0)
	for i, a := range p.Arrays {
		at[i] = exact.Range{Offset: size, Length: int64(len(a))}
		size += int64(len(a)+63) &^ 63
		_, err = f.Write(a)
		require.NoError(b, err)
		_, err = f.Seek(size, 0)
		require.NoError(b, err)
	}
	require.NoError(b, f.Truncate(size))
	require.NoError(b, f.Close())
	keys, p = nil, nil
	runtime.GC()

	m, err := mapped.Map(path)
	require.NoError(b, err)
	sums := mapped.Sums(m.Bytes())
	start = time.Now()
	require.NoError(b, m.Expect(sums, size))
	s, err := exact.Open(digestSize, 0, m, at)
	require.NoError(b, err)
	x := exact.New(digestSize)
	require.NoError(b, x.Attach(0, s))
	opened := time.Since(start)
	search := func(key []byte) int {
		hits := 0
		if err := x.Search(key, func(uint32) { hits++ }); err != nil {
			b.Fatal(err)
		}
		return hits
	}
	before, _ := m.Checked()
	b.Run("digests=foreign", func(b *testing.B) {
		foreign(b, stream, search)
		b.ReportMetric(float64(size)/float64(n), "bytes/digest")
		b.ReportMetric(opened.Seconds()*1000, "open-ms")
		b.ReportMetric(packed.Seconds(), "pack-s")
	})
	after, all := m.Checked()
	b.Logf("%d digests: %d of %d blocks read when it was opened, %d after all foreign digests", n, before, all, after)
	require.NoError(b, m.CheckAll())
	b.Run("digests=known", func(b *testing.B) { asked(b, known, search) })
	runtime.KeepAlive(m)
}

func benchmarkLive(b *testing.B, n int) {
	stream := digestStream()
	var d match.Digests
	var known []byte
	const chunk = 1_000_000
	start := time.Now()
	for first := 0; first < n; first += chunk {
		keys := make([]byte, digestSize*min(chunk, n-first))
		_, err := stream.Read(keys)
		require.NoError(b, err)
		var refs []match.Ref
		var values []hash.Value
		for i := 0; i < len(keys); i += digestSize {
			refs, values = append(refs, match.Ref(first+i/digestSize)), append(values, digestOf(b, keys[i:i+digestSize]))
		}
		require.NoError(b, d.AddAll(refs, values))
		if known == nil {
			known = someOf(keys)
		}
	}
	added := time.Since(start)
	for k := n; k < n+1000; k++ { // so that the delta is not empty
		key := make([]byte, digestSize)
		_, err := stream.Read(key)
		require.NoError(b, err)
		require.NoError(b, d.Add(match.Ref(k), digestOf(b, key)))
	}
	d.Wait()
	dst := make([]match.Hit, 0, 16)
	search := func(key []byte) int {
		v, err := hash.FromBytes(hash.SHA256, key)
		if err != nil {
			b.Fatal(err)
		}
		hits, err := d.Search(dst, v, 0)
		if err != nil {
			b.Fatal(err)
		}
		return len(hits)
	}
	b.Run("digests=foreign", func(b *testing.B) {
		foreign(b, stream, search)
		b.ReportMetric(float64(d.Bytes())/float64(n), "bytes/digest")
		b.ReportMetric(float64(added.Nanoseconds())/float64(n), "add-ns/digest")
	})
	b.Run("digests=known", func(b *testing.B) { asked(b, known, search) })
}

func benchmarkMap(b *testing.B, n int) {
	stream := digestStream()
	keys := make([]byte, digestSize*n)
	_, err := stream.Read(keys)
	require.NoError(b, err)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	refs := make(map[hash.Value]match.Ref)
	for i := range n {
		refs[digestOf(b, keys[digestSize*i:digestSize*(i+1)])] = match.Ref(i)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	search := func(key []byte) int {
		v, err := hash.FromBytes(hash.SHA256, key)
		if err != nil {
			b.Fatal(err)
		}
		if _, known := refs[v]; known {
			return 1
		}
		return 0
	}
	b.Run("digests=foreign", func(b *testing.B) {
		foreign(b, stream, search)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "bytes/digest")
	})
	b.Run("digests=known", func(b *testing.B) { asked(b, someOf(keys), search) })
	runtime.KeepAlive(refs)
}

// someOf returns up to a million of the keys, in no order.
func someOf(keys []byte) []byte {
	r := seeded()
	var some []byte
	for range min(len(keys)/digestSize, 1_000_000) {
		i := digestSize * r.IntN(len(keys)/digestSize)
		some = append(some, keys[i:i+digestSize]...)
	}
	return some
}

// foreign measures look-ups of digests that are not there.
func foreign(b *testing.B, stream *rand.ChaCha8, search func(key []byte) int) {
	var key [digestSize]byte
	timed(b, 0, func() []byte {
		_, _ = stream.Read(key[:]) // never fails
		return key[:]
	}, search)
}

// asked measures look-ups of digests that are there.
func asked(b *testing.B, keys []byte, search func(key []byte) int) {
	at := 0
	timed(b, 1, func() []byte {
		at = (at + digestSize) % len(keys)
		return keys[at : at+digestSize]
	}, search)
}

// timed reports how long single look-ups take, each of which must have as many hits.
func timed(b *testing.B, hits int, next func() []byte, search func(key []byte) int) {
	times := make([]time.Duration, 0, 1<<20)
	for b.Loop() {
		key := next()
		start := time.Now()
		found := search(key)
		took := time.Since(start)
		if found != hits {
			b.Fatalf("%d hits", found)
		}
		if len(times) < cap(times) {
			times = append(times, took)
		}
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds()), "p99-ns")
}
