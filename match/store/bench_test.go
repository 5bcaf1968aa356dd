package store

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

var (
	benchEntries = flag.Int("entries", 20_000, "entries of the store that is measured")
	benchChanges = flag.Int("changes", 20, "changes of it")
)

// BenchmarkStore loads a store with hashes, one entry each, and measures what a node does with
// it. One run says it all; time/op is of all of it.
//
//	go test ./match/store -run '^$' -bench Store -benchtime 1x -entries 1000000 -changes 1000
func BenchmarkStore(b *testing.B) {
	benchEach(b, measure)
}

func benchEach(b *testing.B, measure func(b *testing.B, url string)) {
	for _, k := range kinds {
		b.Run(fmt.Sprintf("store=%s/n=%d", k.name, *benchEntries), func(b *testing.B) {
			url := k.url(b)
			for b.Loop() {
				measure(b, url)
			}
		})
	}
}

// reportWaits reports how long it took until a node did not match any more.
func reportWaits(b *testing.B, waits []time.Duration) {
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "ms-median-until-gone")
	b.ReportMetric(float64(waits[len(waits)-1].Microseconds())/1000, "ms-worst-until-gone")
}

func measure(b *testing.B, url string) {
	ctx := b.Context()
	s, other := open(b, url), open(b, url)
	report := func(name string, figure float64) { b.ReportMetric(figure, name) }
	took := func(f func()) float64 {
		began := time.Now()
		f()
		return time.Since(began).Seconds()
	}
	n := *benchEntries
	apply(b, s, putBank(match.Bank{Name: "a"}))
	report("loaded/s", float64(n)/took(func() {
		_, _, err := s.Import(ctx, Actor{System, "bench"}, "a", func(yield func(match.Entry, error) bool) {
			for i := range uint64(n) {
				if !yield(bare(i), nil) {
					return
				}
			}
		})
		require.NoError(b, err)
	}))
	off := func(i uint64, disabled bool) Change {
		e := bare(i)
		e.Disabled, e.Signals = disabled, nil
		return change(match.SetEntry, "a", e)
	}
	changes := *benchChanges
	report("changes/s", float64(changes)/took(func() {
		for i := range changes {
			apply(b, s, off(rand.Uint64N(uint64(n)), i%2 == 0))
		}
	}))
	report("changes/s-of-8", float64(changes)/took(func() {
		var left atomic.Int64
		left.Store(int64(changes))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for left.Add(-1) >= 0 {
					apply(b, s, off(rand.Uint64N(uint64(n)), true))
				}
			})
		}
		wg.Wait()
	}))

	path := filepath.Join(b.TempDir(), "node.bank")
	var f *Follower
	before := heap()
	report("s-from-nothing", took(func() { f = follow(b, other, FollowOptions{Snapshot: path}) }))
	require.Equal(b, 1, f.Status().Builds)
	require.NoError(b, f.Close())
	apply(b, s, off(1, true))
	report("s-from-snapshot", took(func() { f = follow(b, other, FollowOptions{Snapshot: path}) }))
	require.Equal(b, 0, f.Status().Builds)
	report("MB-heap-of-node", heap()-before)
	require.NoError(b, f.Close())

	node := startNode(b, url, path)
	var waits []time.Duration
	for range changes {
		n := rand.Uint64N(uint64(n))
		if w := value(n).Words(); bits.OnesCount64(w[0])+bits.OnesCount64(w[1])+bits.OnesCount64(w[2])+bits.OnesCount64(w[3]) > 150 {
			continue // nodes set some of these aside: no picture has such a hash
		}
		_, err := s.Apply(ctx, ann, off(n, false))
		require.NoError(b, err)
		waits = append(waits, node.until(b, value(n), func() {
			_, err := s.Apply(ctx, ann, off(n, true))
			require.NoError(b, err)
		}))
	}
	reportWaits(b, waits)

	report("s-feed", took(func() {
		for _, err := range s.Changes(ctx, Position{}) {
			require.NoError(b, err)
		}
	}))
	report("s-audit", took(func() { verify(b, s) }))
	report("MB-on-disk", onDisk(b, s, url)/1e6)
	report("MB-of-snapshot", fileSize(b, path)/1e6)
}

// nodeProcess is a process that follows a store.
type nodeProcess struct {
	ask    io.Writer
	answer *bufio.Scanner
}

func startNode(b *testing.B, url, snapshot string) *nodeProcess {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+url, childEnv+"_NODE=1", childEnv+"_SNAPSHOT="+snapshot)
	cmd.Stderr = os.Stderr
	ask, err := cmd.StdinPipe()
	require.NoError(b, err)
	answer, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		assert.NoError(b, ask.Close())
		assert.NoError(b, cmd.Wait())
	})
	return &nodeProcess{ask, bufio.NewScanner(answer)}
}

// until is how long it takes from the beginning of a change until the node does not match any more
// what it matched before.
func (n *nodeProcess) until(b *testing.B, v hash.Value, change func()) time.Duration {
	says := func(want string) {
		require.True(b, n.answer.Scan())
		require.Equal(b, want, n.answer.Text())
	}
	_, err := fmt.Fprintln(n.ask, v.Hex())
	require.NoError(b, err)
	says("there")
	began := time.Now()
	change()
	says("gone")
	return time.Since(began)
}

// nodeChild is the other side of it.
func nodeChild() error {
	ctx := context.Background()
	s, err := Open(ctx, os.Getenv(childEnv), Options{})
	if err != nil {
		return err
	}
	f, err := Follow(ctx, s, FollowOptions{Snapshot: os.Getenv(childEnv + "_SNAPSHOT"), MaxLag: time.Minute})
	if err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		v, err := hash.ParseHex(hash.PDQ, in.Text())
		if err != nil {
			return err
		}
		for _, want := range []string{"there", "gone"} {
			for began := time.Now(); ; {
				if time.Since(began) > time.Minute {
					return fmt.Errorf("%s is not %s after a minute; the node is at %+v", v, want, f.Status())
				}
				if m, err := f.Matcher(); err == nil { // else it is behind
					found, err := m.Match(v, hash.Unmeasured)
					if err != nil {
						return err
					}
					if (len(found) > 0) == (want == "there") {
						break
					}
				}
				time.Sleep(100 * time.Microsecond)
			}
			fmt.Println(want)
		}
	}
	return errors.Join(f.Close(), s.Close())
}

// heap is what is in use of Go's heap, in MB: what a node has mapped of its snapshot is not.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}

func fileSize(b *testing.B, path string) float64 {
	info, err := os.Stat(path)
	require.NoError(b, err)
	return float64(info.Size())
}

func onDisk(b *testing.B, s *Store, url string) (bytes float64) {
	if path, file := strings.CutPrefix(url, "sqlite:"); file {
		_, err := s.write.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
		require.NoError(b, err)
		return fileSize(b, path)
	}
	require.NoError(b, s.read.QueryRow(`SELECT pg_total_relation_size('rematch_entries') + pg_total_relation_size('rematch_changes') + pg_total_relation_size('rematch_shared')`).Scan(&bytes))
	return bytes
}

// given is an exchange of many records that are made when they are asked for, and of some that
// are withdrawn, one a pull.
type given struct{ n, gone int }

func (g *given) Next(_ context.Context, at exchange.Checkpoint) (*exchange.Page, error) {
	const size = 2000
	var from int
	if at != nil {
		if err := json.Unmarshal(at, &from); err != nil {
			return nil, err
		}
	}
	p := &exchange.Page{Anew: at == nil, Last: from+size >= g.n}
	for i := from; i < min(from+size, g.n); i++ {
		p.Records = append(p.Records, shared(fmt.Sprintf("%x-%d", uint32(i)*2654435761, i), uint64(i))) // IDs in no order
	}
	if from >= g.n {
		p.Gone = []string{fmt.Sprintf("%x-%d", uint32(g.gone)*2654435761, g.gone)}
		g.gone++
	}
	p.After = fmt.Append(nil, min(from+size, g.n))
	return p, nil
}

// BenchmarkPull pulls an exchange of many records, pulls it from nothing again when nothing has
// changed, and then withdraws records: from the beginning of the pull that hears of it until a node that follows
// the store with a connection of its own does not match any more.
//
//	go test ./match/store -run '^$' -bench Pull -benchtime 1x -entries 1000000 -changes 100
func BenchmarkPull(b *testing.B) {
	benchEach(b, measurePull)
}

func measurePull(b *testing.B, url string) {
	s := open(b, url)
	v := &given{n: *benchEntries}
	join(b, s, Exchange{Name: "x", Bank: "b"})
	var most uint64
	whole := func(name string) Summary {
		began := time.Now()
		sum, err := s.Pull(b.Context(), "x", v, PullOptions{Progress: func(Summary) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
		}})
		require.NoError(b, err)
		b.ReportMetric(float64(v.n)/time.Since(began).Seconds(), name)
		return sum
	}
	require.Equal(b, v.n, whole("pulled/s").Came)
	join(b, s, Exchange{Name: "x", Bank: "b", Settings: map[string]string{"again": ""}})
	require.Equal(b, v.n, whole("again/s").Unchanged)
	b.ReportMetric(float64(most)/1e6, "MB-heap")

	node := startNode(b, url, "")
	var waits []time.Duration
	for range *benchChanges {
		waits = append(waits, node.until(b, value(uint64(v.gone)), func() {
			sum, err := s.Pull(b.Context(), "x", v, PullOptions{})
			require.NoError(b, err)
			require.Equal(b, 1, sum.Went)
		}))
	}
	reportWaits(b, waits)
	b.ReportMetric(onDisk(b, s, url)/1e6, "MB-on-disk")
}
