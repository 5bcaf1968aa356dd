//go:build linux

package match_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// BenchmarkFAISS measures MIH against the exact binary indices of FAISS at radius 31, on the
// sets of BenchmarkSearch, with REMATCH_BENCH_N hashes (a million unless it says
// otherwise). It takes the program of testdata/faiss.cpp, which says how it is built and how
// this is run, in REMATCH_FAISS, and is skipped without.
//
// Every iteration is a turn of 32 queries to FAISS, then one of ours for as long a time,
// so that both meet the same weather. Times are processor time of the thread that searches:
// by the clock, what else runs on the machine would be charged to long look-ups and hardly
// ever to short ones. It reports the median and the 99th percentile of single look-ups of
// both; the median over the turns of the ratio of their medians; memory and processor
// seconds of building of both. Every answer of FAISS must be, hit by hit, that of
// the linear scan, and so must be ours.
func BenchmarkFAISS(b *testing.B) {
	program := os.Getenv("REMATCH_FAISS")
	if program == "" {
		b.Skip("REMATCH_FAISS is not set: no FAISS to measure against")
	}
	n := benchmarkSize(b)
	for _, set := range benchmarkSets {
		b.Run(fmt.Sprintf("set=%s/n=%s", set.name, sizeName(n)), func(b *testing.B) {
			r := seeded()
			p := pairFAISS(b, r, n, set.make(b, r))
			for _, index := range []struct{ name, nhash, b, nflip string }{
				{"flat", "0", "0", "0"},
				{"multihash-16x16-flip1", "16", "16", "1"}, // that of python-threatexchange at threshold 31
				{"multihash-11x23-flip2", "11", "23", "2"}, // faster, in more memory
			} {
				b.Run("index="+index.name, func(b *testing.B) {
					p.measure(b, program, index.nhash, index.b, index.nflip)
				})
			}
		})
	}
}

// faissPair is what both sides of BenchmarkFAISS search, and for what.
type faissPair struct {
	codes, queries string // files of 32 bytes a hash
	n              int    // codes

	ours  *match.MIH
	built time.Duration
	// FAISS goes round the first queries, whose answers are known. Ours goes round all, or
	// what a round touches would stay in the processor's caches until the next.
	values []hash.Value
	want   [][]match.Hit // in order of Ref
}

func pairFAISS(b *testing.B, r *rand.Rand, n int, next func() hash.Value) *faissPair {
	const known, all = 2048, 1 << 15
	dir := b.TempDir()
	p := &faissPair{codes: filepath.Join(dir, "codes"), queries: filepath.Join(dir, "queries"), n: n}
	refs, values := make([]match.Ref, n), make([]hash.Value, n)
	linear, err := match.NewLinear(hash.PDQ, 31)
	require.NoError(b, err)
	for i := range values {
		refs[i], values[i] = match.Ref(i), next()
		require.NoError(b, linear.Add(refs[i], values[i]))
	}
	for i := range all {
		p.values = append(p.values, flipped(r, values[r.IntN(n)], i%32))
	}
	writeCodes(b, p.codes, values)
	writeCodes(b, p.queries, p.values[:known])

	p.ours, err = match.NewMIH(hash.PDQ, 31)
	require.NoError(b, err)
	start := cpuTime(b, unix.CLOCK_PROCESS_CPUTIME_ID) // some of it is done by other threads
	require.NoError(b, p.ours.AddAll(refs, values))
	p.ours.Wait()
	p.built = cpuTime(b, unix.CLOCK_PROCESS_CPUTIME_ID) - start

	for _, q := range p.values[:known] {
		slow, err := linear.Search(nil, q, 31)
		require.NoError(b, err)
		fast, err := p.ours.Search(nil, q, 31)
		require.NoError(b, err)
		require.Equal(b, sorted(slow), sorted(fast))
		p.want = append(p.want, slow)
	}
	return p
}

func writeCodes(b *testing.B, name string, values []hash.Value) {
	f, err := os.Create(name)
	require.NoError(b, err)
	w := bufio.NewWriter(f)
	var buf []byte
	for _, v := range values {
		buf = v.AppendBytes(buf[:0])
		_, err := w.Write(buf)
		require.NoError(b, err)
	}
	require.NoError(b, w.Flush())
	require.NoError(b, f.Close())
}

// measure measures one index of FAISS beside ours.
func (p *faissPair) measure(b *testing.B, program string, parameters ...string) {
	debug.FreeOSMemory() // that of building, which FAISS may need
	cmd := exec.CommandContext(b.Context(), program, append([]string{p.codes, p.queries}, parameters...)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	lines := bufio.NewReader(out)
	var version string
	var built, bytes float64
	_, err = fmt.Fscanf(lines, "%s %g %g\n", &version, &built, &bytes)
	require.NoError(b, err, "%s does not start as testdata/faiss.cpp does", program)
	b.Logf("FAISS %s", version)

	runtime.LockOSThread() // its processor time is what is measured
	defer runtime.UnlockOSThread()
	const turn = 32
	var theirs, ours []time.Duration
	var ratios []float64
	dst := make([]match.Hit, 0, 1<<17)
	asked, searched, hits := 0, 0, 0
	for b.Loop() {
		_, err := fmt.Fprintf(in, "%d %d\n", asked, asked+turn)
		require.NoError(b, err)
		for i := asked; i < asked+turn; i++ {
			line, err := lines.ReadString('\n')
			require.NoError(b, err)
			took, found := parseFAISS(b, line)
			require.Equal(b, p.want[i], found, "query %d of %s", i, p.queries)
			theirs = append(theirs, took)
			hits += len(found)
		}
		asked = (asked + turn) % len(p.want)

		theirTurn, ourTurn := theirs[len(theirs)-turn:], len(ours)
		var length time.Duration
		for _, took := range theirTurn {
			length += took
		}
		for len(ours) < ourTurn+turn || length > 0 {
			start := cpuTime(b, unix.CLOCK_THREAD_CPUTIME_ID)
			_, err := p.ours.Search(dst, p.values[searched%len(p.values)], 31)
			took := cpuTime(b, unix.CLOCK_THREAD_CPUTIME_ID) - start
			if err != nil {
				b.Fatal(err)
			}
			ours = append(ours, took)
			length -= took
			searched++
		}
		ratios = append(ratios, float64(quantile(theirTurn, 50))/float64(quantile(ours[ourTurn:], 50)))
	}
	require.NoError(b, in.Close())
	require.NoError(b, cmd.Wait())

	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(quantile(theirs, 50)), "faiss-p50-ns")
	b.ReportMetric(float64(quantile(theirs, 99)), "faiss-p99-ns")
	b.ReportMetric(float64(quantile(ours, 50)), "ours-p50-ns")
	b.ReportMetric(float64(quantile(ours, 99)), "ours-p99-ns")
	b.ReportMetric(float64(quantile(ratios, 50)), "ratio")
	b.ReportMetric(bytes/float64(p.n), "faiss-bytes/hash")
	b.ReportMetric(float64(p.ours.Bytes())/float64(p.n), "ours-bytes/hash")
	b.ReportMetric(built/1e9, "faiss-build-s")
	b.ReportMetric(p.built.Seconds(), "ours-build-s")
	b.ReportMetric(float64(hits)/float64(len(theirs)), "hits/query")
}

// parseFAISS reads what the program answers to one query. The hits are in order of Ref.
func parseFAISS(b *testing.B, line string) (took time.Duration, found []match.Hit) {
	var numbers []int
	for _, field := range strings.Fields(line) {
		number, err := strconv.Atoi(field)
		require.NoError(b, err)
		numbers = append(numbers, number)
	}
	require.Equal(b, 1, len(numbers)%2, "nanoseconds, and two numbers a hit")
	for hit := range slices.Chunk(numbers[1:], 2) {
		found = append(found, match.Hit{Ref: match.Ref(hit[0]), Distance: hit[1]})
	}
	return time.Duration(numbers[0]), sorted(found)
}

// cpuTime is the processor time so far of the calling thread or of the process.
func cpuTime(b *testing.B, clock int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

// quantile returns the value that percent of v are below.
func quantile[T time.Duration | float64](v []T, percent int) T {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)*percent/100]
}
