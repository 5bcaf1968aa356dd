package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

func (a *app) scanCommand() *cobra.Command {
	var (
		banks     []string
		page      string
		keep      keeping
		threshold int
		complete  bool
		media     mediaFlags
	)
	c := &cobra.Command{
		Use:   "scan --bank FILE|FOLDER [flags] PATH...",
		Short: "Look for known content among files",
		Long: `Judge every file under the paths against banks of known content, one verdict a
file: match, no match, or not judged with the reason.

A bank is a file made by "rematch bank build", a store with all its banks (a SQLite
file or postgres://...), a hash list, a known picture or video, or a folder of
these, of which a bank is made in memory. If any of it can't be read or hashed,
nothing is scanned.

Exit codes: 0 nothing matched, 3 something matched, 4 nothing matched but
something was not judged, 1 failure, 2 wrong usage.

With --records a record of each verdict is kept in a store, with the file's path as the
upload's ID; of files that match nothing only their number, unless --records-clean asks for
more. See "rematch record" and "rematch report".`,
		Example: `  rematch scan --bank known/ uploads/
  rematch scan --bank known.bank --json uploads/ > verdicts.jsonl
  rematch scan --bank known/ --page page.html uploads/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.checkWorkers(); err != nil {
				return err
			}
			s := scan{app: a, banks: banks, page: page, keep: keep, paths: args}
			if c.Flags().Changed("threshold") {
				if most := match.DefaultMaxRadius(hash.PDQ); threshold < 0 || threshold > most {
					return usagef("--threshold %d: want 0 to %d bits", threshold, most)
				}
				s.threshold = &threshold
			}
			bar := a.newProgress("reading banks")
			defer bar.close()
			options, decoder, err := media.options(bar.note)
			if err != nil {
				return err
			}
			s.options = screen.Options{Video: options, Complete: complete, Digests: keep.digests()}
			return closing(decoder, s.run(c.Context(), bar))
		},
	}
	c.Flags().StringArrayVar(&banks, "bank", nil, "known content: a bank file, store, hash list, picture, video or folder; may be repeated")
	c.Flags().StringVar(&page, "page", "", "also write a page for moderators: one HTML `FILE` that needs nothing else")
	c.Flags().StringVar(&page, "report", "", "") // as it was called before there was a command of that name
	_ = c.Flags().MarkHidden("report")
	keep.add(c)
	c.Flags().IntVar(&threshold, "threshold", hash.PDQ.Threshold(), "how many bits of a pdq hash may differ, inclusive; without it each bank's own")
	c.Flags().BoolVar(&complete, "complete", false, "look at all of every video, for every segment: without it key frames come first, and the rest where it pays")
	_ = c.MarkFlagRequired("bank")
	media.add(c)
	a.workerFlag(c)
	return c
}

// scan is one run of the command.
type scan struct {
	app       *app
	banks     []string
	page      string
	keep      keeping
	paths     []string
	threshold *int // nil: each bank's own
	options   screen.Options
}

func (s *scan) run(ctx context.Context, bar *progress) error {
	var out *page
	if s.page != "" {
		var err error
		if out, err = newPage(s.page); err != nil { // before the work, not after it
			return err
		}
	}
	kept, err := s.keep.open(ctx) // likewise
	if err != nil {
		return err
	}
	err = s.scan(ctx, bar, out, kept)
	if failed := kept.close(ctx); failed != nil { // it outranks what the files came to
		return failed
	}
	return err
}

func (s *scan) scan(ctx context.Context, bar *progress, out *page, kept *keeper) error {
	a := s.app
	matcher, known, err := s.load(ctx, bar)
	if err != nil {
		return err
	}
	bar.next("scanning")
	screener := screen.New(matcher, s.options)

	type screened struct {
		verdict screen.Verdict
		at      time.Time
		err     error
	}
	var t tally
	work := func(ctx context.Context, f found, give func(screened) bool) {
		r := screened{err: f.err}
		if r.err == nil {
			r.verdict, r.err = screener.Screen(ctx, video.File(f.path))
			r.at = time.Now()
		}
		give(r)
		bar.done()
	}
	err = ordered(ctx, a.workers, t.files(bar, walk(s.paths)), work, func(f found, r screened) error {
		if out != nil {
			out.add(f.path, r.verdict, r.err)
		}
		if r.err != nil {
			t.failed++
			return a.printFileError(bar.writer(), f.path, r.err)
		}
		switch r.verdict.Outcome {
		case screen.Match:
			t.matched++
		case screen.NoMatch:
			t.noMatch++
		default:
			t.notJudged++
		}
		if err := a.printVerdict(bar.writer(), f.path, r.verdict); err != nil {
			return err
		}
		return kept.add(ctx, screener, f.path, &r.verdict, r.at)
	})
	if err := errors.Join(err, kept.flush(ctx)); err != nil {
		return err
	}
	if out != nil {
		bar.next("writing the page:")
		if err := out.write(ctx, bar, a.workers, &t, known, s.options.Video); err != nil {
			return err
		}
	}
	bar.close()
	if !a.json && t.found > 0 {
		if _, err := fmt.Fprintf(a.stdout, "\n%s\n", &t); err != nil {
			return err
		}
	}
	return t.outcome()
}

// load opens all banks, and returns a matcher of them and the paths of known media
// by bank and entry, for the page.
func (s *scan) load(ctx context.Context, bar *progress) (*match.Matcher, map[knownKey]string, error) {
	e := enrolment{kinds: []hash.Kind{hash.PDQ}, workers: s.app.workers, screen: s.options}
	files := make(map[knownKey]string)
	snapshots := make([]*match.Snapshot, len(s.banks))
	for i, path := range s.banks {
		known, err := e.load(ctx, bar, path)
		if err != nil {
			return nil, nil, fmt.Errorf("bank %s: %w", display(path), err)
		}
		snapshots[i] = known.snapshot
		maps.Copy(files, known.files)
	}
	m, err := match.New(match.Options{MaxRadius: radii(snapshots...)})
	if err != nil {
		return nil, nil, err
	}
	for i, snapshot := range snapshots {
		if err := m.Load(snapshot); err != nil {
			return nil, nil, fmt.Errorf("bank %s: %w", display(s.banks[i]), err)
		}
	}
	if s.threshold != nil {
		for _, b := range m.Banks() {
			if err := m.SetThreshold(b.Name, hash.PDQ, *s.threshold); err != nil {
				return nil, nil, err
			}
		}
	}
	return m, files, nil
}

// knownKey names an entry of a bank.
type knownKey struct{ bank, entry string }
