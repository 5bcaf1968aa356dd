// Command soak shows whether screening holds up for long: it feeds the files of folders
// through workers at a rate, for a time, with faults, and tells what came of it.
//
//	soak --bank known.bank --for 20m --workers 2 --faults all uploads/
//
// or each file once, to see whether all of a collection of odd files are classified in time:
//
//	soak --bank known.bank --once --work 5s corpora/
//
// Faults strike one upload in five:
//
//	cancel  the uploader goes away at a random moment
//	slow    the upload comes in pieces with pauses
//	cut     the connection breaks in the middle
//	kill    some decoder process is killed
//	disk    files can't grow for a while, as on a full disk (Linux)
//
// An outcome is a verdict with a reason, or an error that a fault explains; everything
// else is unclassified. What is left at the end of goroutines, decoder processes and
// temporary files has leaked.
//
// Exit codes:
//
//	0  every outcome was classified, and nothing leaked
//	1  something was not, or leaked, or went over --max-memory or half a second over --work, or could
//	   not be done
//	2  wrong usage
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/ffmpeg"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// settings are the command line.
type settings struct {
	bank      string
	length    time.Duration
	once      bool
	work      time.Duration
	workers   int
	rate      float64
	faults    []string
	seed      uint64
	maxMemory int64
	json      bool
	folders   []string
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintln(stderr, "Usage: soak --bank FILE [flags] FOLDER...")
		f.PrintDefaults()
	}
	f.StringVar(&s.bank, "bank", "", "bank file to compare with")
	f.DurationVar(&s.length, "for", time.Minute, "how long")
	f.BoolVar(&s.once, "once", false, "each file once, in order, however long that takes")
	f.DurationVar(&s.work, "work", time.Minute, "longest time that an upload may take, once it is here")
	f.IntVar(&s.workers, "workers", 2, "uploads at once")
	f.Float64Var(&s.rate, "rate", 0, "uploads a second; 0: as many as there can be")
	faults := f.String("faults", "", "faults: all, or some of "+strings.Join(allFaults, ","))
	f.Uint64Var(&s.seed, "seed", 1, "of what is drawn")
	f.Int64Var(&s.maxMemory, "max-memory", 0, "largest resident memory in MiB; 0: any")
	f.BoolVar(&s.json, "json", false, "print one JSON object")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	s.folders = f.Args()
	switch {
	case s.bank == "":
		return s, errors.New("--bank is missing: make one with 'rematch bank build'")
	case len(s.folders) == 0:
		return s, errors.New("name at least one folder of uploads")
	case s.length <= 0 || s.work <= 0 || s.workers < 1 || s.rate < 0:
		return s, errors.New("--for, --work and --workers must be positive, and --rate not negative")
	}
	if *faults == "all" {
		s.faults = allFaults
	} else if *faults != "" {
		s.faults = strings.Split(*faults, ",")
	}
	for _, name := range s.faults {
		if !slices.Contains(allFaults, name) {
			return s, fmt.Errorf("--faults %s: want all, or some of %s", name, strings.Join(allFaults, ","))
		}
	}
	return s, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	failures := false
	code := terminal.Run(ctx, "soak", args, stderr, parse, func(ctx context.Context, s settings) error {
		r, err := soak(ctx, s, stderr)
		if err != nil {
			return err
		}
		failures = len(r.Failures) > 0
		return r.print(stdout, s.json)
	})
	if failures {
		return terminal.ExitFailure
	}
	return code
}

// soak does all of it. The temporary files of this program go into a folder of their own.
func soak(ctx context.Context, s settings, stderr io.Writer) (*report, error) {
	files, err := list(s.folders)
	if err != nil {
		return nil, err
	}
	snapshot, err := match.OpenSnapshot(s.bank)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.bank, err)
	}
	matcher, err := match.New(match.Options{})
	if err == nil {
		err = matcher.Load(snapshot)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.bank, err)
	}
	options := screen.Options{Video: video.Options{Limits: video.Limits{Work: s.work}}}
	native, err := ffmpeg.New(ffmpeg.Options{})
	switch {
	case err == nil:
		options.Video.Backend = native
	case errors.Is(err, ffmpeg.ErrNotInstalled):
		fmt.Fprintln(stderr, "soak: videos are not judged:", terminal.OneLine(err.Error()))
	default:
		return nil, err
	}
	temporary, err := os.MkdirTemp("", "soak-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temporary)
	before := os.Getenv("TMPDIR")
	if err := os.Setenv("TMPDIR", temporary); err != nil {
		return nil, err
	}
	defer os.Setenv("TMPDIR", before)
	l := &load{settings: s, files: files, screener: screen.New(matcher, options), temporary: temporary}
	return l.run(ctx, stderr), nil
}

// report is what came of it. Times are in milliseconds.
type report struct {
	Seconds     float64        `json:"seconds"`
	Uploads     int            `json:"uploads"`
	PerSecond   float64        `json:"uploads_per_second"`
	P50         float64        `json:"p50_ms"`
	P99         float64        `json:"p99_ms"`
	Longest     float64        `json:"longest_ms"`            // without a fault
	MemoryMiB   int64          `json:"memory_high_water_mib"` // 0: not known on this system
	Goroutines  int            `json:"goroutines_left"`
	Children    int            `json:"children_left"`
	Temporaries int            `json:"temporary_files_left"`
	Faults      map[string]int `json:"faults"`
	Outcomes    map[string]int `json:"outcomes"`
	Failures    []string       `json:"failures"` // why it failed; at most maxFailures are described
}

func (r *report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d uploads in %.0f s: %.1f a second, median %.1f ms, 99 %% within %.1f ms, the longest without a fault %.1f ms, at most %d MiB\n", r.Uploads, r.Seconds, r.PerSecond, r.P50, r.P99, r.Longest, r.MemoryMiB)
	for _, part := range []struct {
		title  string
		counts map[string]int
	}{{"outcomes", r.Outcomes}, {"faults", r.Faults}} {
		fmt.Fprintf(&b, "%s:\n", part.title)
		for _, name := range sortedKeys(part.counts) {
			fmt.Fprintf(&b, "  %8d  %s\n", part.counts[name], terminal.OneLine(name))
		}
	}
	fmt.Fprintf(&b, "left: %d goroutines, %d processes, %d temporary files\n", r.Goroutines, r.Children, r.Temporaries)
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "FAILED: %s\n", terminal.OneLine(f))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
