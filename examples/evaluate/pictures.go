package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/examples/evaluate/internal/edits"
)

// maxSides is what --max-side may be: below, nothing can be seen in a collage any
// more; above, what is posted exceeds what platforms keep.
const minSide, maxSide = 64, 4096

func picturesCommand() *cobra.Command {
	var (
		e                           evaluation
		knownFolder, others         string
		reportFile, csvFile, filter string
		asJSON, withCPU             bool
	)
	c := &cobra.Command{
		Use:   "pictures --known DIR --distractors DIR [flags]",
		Short: "Measure recall and false matches on folders of photographs",
		Long: `Enrol the pictures of one folder, post the pictures of both folders again after
each transform at each strength, and print which share of the copies is found and
how many unrelated pictures match. The two folders should hold photographs, of
which no two show the same; "evaluate collect" makes such folders.

Exit codes: 0 done, 1 failure, 2 wrong usage, 4 done but pictures were left out,
which are named at the end.`,
		Example: `  evaluate pictures --known photos/known --distractors photos/distractors --report report.html
  evaluate pictures --known photos/known --distractors photos/distractors --limit 20 --transforms '^crop'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			chosen, err := chooseEdits(filter)
			if err != nil {
				return err
			}
			switch {
			case e.workers < 1 || e.workers > 1024:
				return usagef("--workers %d: want 1 to 1024", e.workers)
			case e.limit < 0:
				return usagef("--limit %d: want 1 or more, or 0 for all pictures", e.limit)
			case e.each < 0:
				return usagef("--per-distractor %d: want 1 or more, or 0 for all transforms", e.each)
			case e.maxSide < minSide || e.maxSide > maxSide:
				return usagef("--max-side %d: want %d to %d", e.maxSide, minSide, maxSide)
			}
			for _, folder := range []struct{ flag, path string }{{"known", knownFolder}, {"distractors", others}} {
				if info, err := os.Stat(folder.path); err != nil {
					return fmt.Errorf("--%s: %w", folder.flag, err)
				} else if !info.IsDir() {
					return usagef("--%s %s: want a folder of pictures, not a file", folder.flag, folder.path)
				}
			}
			for _, path := range []string{csvFile, reportFile} { // before the work, not after it
				if err := probe(path); err != nil {
					return err
				}
			}
			e.edits, e.stderr = chosen, c.ErrOrStderr()
			if err := e.load(c.Context(), knownFolder, others); err != nil {
				return err
			}
			r, err := e.measure(c.Context())
			if err != nil {
				return err
			}
			out := tables{result: r, evaluation: &e, cpu: withCPU}
			if asJSON {
				err = out.json(c.OutOrStdout())
			} else {
				err = out.text(c.OutOrStdout())
			}
			if err == nil {
				err = writeFile(csvFile, out.csv)
			}
			if err == nil && reportFile != "" {
				err = e.report(c.Context(), r, reportFile, withCPU)
			}
			if err != nil {
				return err
			}
			out.timing(c.ErrOrStderr())
			if len(r.Omitted) > 0 {
				return errLeftOut
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&knownFolder, "known", "", "`DIR` with the known pictures; with everything below it")
	f.StringVar(&others, "distractors", "", "`DIR` with unrelated pictures")
	f.StringVar(&reportFile, "report", "", "also write a report with charts and examples: one HTML `FILE` that needs nothing else")
	f.StringVar(&csvFile, "csv", "", "also write the table as CSV to `FILE`")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	f.BoolVar(&withCPU, "cpu", false, "add the processor time per picture to the tables, which no two runs share")
	f.BoolVar(&e.files, "files", false, "screen the posted files as an upload pipeline does, decoding included; default: their decoded pixels")
	f.StringVar(&filter, "transforms", "", "only transforms whose name and strength match `REGEX`; see 'evaluate transforms'")
	f.Uint64Var(&e.seed, "seed", 1, "what every random choice is drawn from")
	f.IntVar(&e.limit, "limit", 0, "at most `N` pictures of each folder; 0: all")
	f.IntVar(&e.each, "per-distractor", 0, "post each distractor after only `N` of the transforms, drawn anew for each; 0: all")
	f.IntVar(&e.maxSide, "max-side", 1024, "shrink pictures to this many pixels before they are edited")
	f.IntVar(&e.workers, "workers", runtime.NumCPU(), "how many pictures to work on at the same time")
	_ = c.MarkFlagRequired("known")
	_ = c.MarkFlagRequired("distractors")
	return c
}

func chooseEdits(filter string) ([]edits.Edit, error) {
	re, err := regexp.Compile(filter)
	if err != nil {
		return nil, usagef("--transforms: %v", err)
	}
	all := slices.DeleteFunc(edits.All(), func(e edits.Edit) bool { return !re.MatchString(e.String()) })
	if len(all) == 0 {
		return nil, usagef("--transforms %s: no transform matches; 'evaluate transforms' lists them", filter)
	}
	return all, nil
}

// probe checks that a file can be written; an empty path is none.
func probe(path string) error {
	if path == "" {
		return nil
	}
	_, err := os.Lstat(path)
	existed := err == nil
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("it can't be written: %w", err)
	}
	if err := f.Close(); err != nil || existed {
		return err
	}
	return os.Remove(path)
}

// writeFile makes a file; an empty path is none.
func writeFile(path string, write func(w *os.File) error) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
