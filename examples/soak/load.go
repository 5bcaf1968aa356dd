package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

const (
	faulty      = 5               // one upload in so many
	maxFailures = 20              // described
	drainTime   = 5 * time.Second // for what ends a little later
	showEvery   = 10 * time.Second
	overdue     = 500 * time.Millisecond // that an upload may take beyond --work
	maxTimes    = 1 << 20                // kept for the percentiles; later ones replace random ones
)

// list returns all regular files of the folders.
func list(folders []string) ([]string, error) {
	var files []string
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, errors.New("there are no files in these folders")
	}
	return files, nil
}

// load is a run.
type load struct {
	settings
	files     []string
	screener  *screen.Screener
	temporary string
	weather   weather

	next     atomic.Int64 // file, with --once
	mu       sync.Mutex
	times    []time.Duration
	longest  time.Duration
	done     int
	outcomes map[string]int
	struck   map[string]int
	failures []string
}

func (l *load) run(ctx context.Context, stderr io.Writer) *report {
	l.outcomes, l.struck = make(map[string]int), make(map[string]int)
	// One upload before the counting: what starts once and stays is no leak.
	_, _ = l.screener.Screen(ctx, video.File(l.files[0]))
	before := runtime.NumGoroutine()
	start := time.Now()
	if !l.once {
		var stop func()
		ctx, stop = context.WithTimeout(ctx, l.length)
		defer stop()
	}
	turns := make(chan struct{})
	var all sync.WaitGroup
	for i := range l.workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(l.seed, uint64(i)))
			for range turns {
				l.upload(r)
			}
		})
	}
	l.drive(ctx, turns, start, stderr)
	all.Wait()
	l.weather.clear()

	r := &report{Seconds: time.Since(start).Seconds(), Uploads: l.done, Faults: l.struck, Outcomes: l.outcomes, Failures: l.failures, MemoryMiB: highWater() >> 20}
	r.Longest = milliseconds(l.longest)
	r.PerSecond = float64(r.Uploads) / r.Seconds
	if slices.Sort(l.times); len(l.times) > 0 {
		r.P50, r.P99 = milliseconds(l.times[len(l.times)/2]), milliseconds(l.times[len(l.times)*99/100])
	}
	for deadline := time.Now().Add(drainTime); ; time.Sleep(50 * time.Millisecond) {
		r.Goroutines, r.Children, r.Temporaries = max(0, runtime.NumGoroutine()-before), len(children()), l.temporaries()
		if r.Goroutines+r.Children+r.Temporaries == 0 || time.Now().After(deadline) {
			break
		}
	}
	for _, left := range []struct {
		n    int
		what string
	}{{r.Goroutines, "goroutines"}, {r.Children, "processes"}, {r.Temporaries, "temporary files"}} {
		if left.n > 0 {
			r.Failures = append(r.Failures, fmt.Sprintf("%d %s leaked", left.n, left.what))
		}
	}
	if l.maxMemory > 0 && r.MemoryMiB > l.maxMemory {
		r.Failures = append(r.Failures, fmt.Sprintf("%d MiB of memory were used; --max-memory is %d", r.MemoryMiB, l.maxMemory))
	}
	if r.Uploads == 0 {
		r.Failures = append(r.Failures, "nothing was uploaded in that time")
	}
	return r
}

// drive gives turns to the workers until ctx ends.
func (l *load) drive(ctx context.Context, turns chan<- struct{}, start time.Time, stderr io.Writer) {
	defer close(turns)
	show := time.NewTicker(showEvery)
	defer show.Stop()
	shown := terminal.Is(stderr)
	for n := 0; !l.once || n < len(l.files); n++ {
		var wait <-chan time.Time
		if l.rate > 0 {
			wait = time.After(time.Until(start.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))))
		} else {
			now := make(chan time.Time)
			close(now)
			wait = now
		}
		for ready := false; !ready; {
			select {
			case <-ctx.Done():
				return
			case <-show.C:
				if shown {
					l.mu.Lock()
					fmt.Fprintf(stderr, "soak: %d uploads in %.0f s\n", l.done, time.Since(start).Seconds())
					l.mu.Unlock()
				}
			case <-wait:
				ready = true
			}
		}
		select {
		case <-ctx.Done():
			return
		case turns <- struct{}{}:
		}
	}
}

// upload screens one file, with or without a fault.
func (l *load) upload(r *rand.Rand) {
	path := l.files[r.IntN(len(l.files))]
	if l.once {
		path = l.files[l.next.Add(1)-1]
	}
	fault := ""
	if len(l.faults) > 0 && r.IntN(faulty) == 0 {
		fault = l.faults[r.IntN(len(l.faults))]
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	from := l.weather.now()
	in, closer, err := l.input(path, fault, r, cancel)
	if err != nil {
		l.note(path, fault, 0, "", fmt.Errorf("opening it: %w", err))
		return
	}
	start := time.Now()
	verdict, err := l.screener.Screen(ctx, in)
	took := time.Since(start)
	if closer != nil {
		closer()
	}
	switch {
	case err == nil:
		class := verdict.Outcome.String()
		if verdict.Reason != "" {
			class += " (" + verdict.Reason + ")"
		}
		l.note(path, fault, took, class, nil)
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		l.note(path, fault, took, "cancelled", nil)
	case fault == "cut" && errors.Is(err, io.ErrUnexpectedEOF):
		l.note(path, fault, took, "connection broken", nil)
	case l.weather.since(from):
		l.note(path, fault, took, "operational error after a process was killed or the disk was full", nil)
	default:
		l.note(path, fault, took, "", err)
	}
}

// note counts an outcome. One without a class is a failure.
func (l *load) note(path, fault string, took time.Duration, class string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done++
	if fault != "" {
		l.struck[fault]++
	}
	if class == "" {
		class = "unclassified"
		l.fail("%s: %v", path, err)
	}
	l.outcomes[class]++
	if fault == "" {
		l.longest = max(l.longest, took)
		if took > l.work+overdue {
			l.fail("%s: took %v; --work is %v", path, took, l.work)
		}
	}
	if len(l.times) < maxTimes {
		l.times = append(l.times, took)
	} else {
		l.times[rand.IntN(maxTimes)] = took
	}
}

// fail notes a failure. The caller holds mu.
func (l *load) fail(format string, args ...any) {
	if len(l.failures) < maxFailures {
		l.failures = append(l.failures, fmt.Sprintf(format, args...))
	}
}

// temporaries counts the files of the temporary folder.
func (l *load) temporaries() int {
	n := 0
	_ = filepath.WalkDir(l.temporary, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return nil
	})
	return n
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func sortedKeys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }
