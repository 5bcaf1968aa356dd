package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/examples/evaluate/internal/clips"
	"github.com/rematch-go/rematch/video/ffmpeg"
)

func videosCommand() *cobra.Command {
	var (
		v                   videos
		only                []string
		reportFile, csvFile string
		seconds             float64
	)
	c := &cobra.Command{
		Use:   "videos DIR... --distractors DIR... --work DIR [flags]",
		Short: "Measure recall, false matches and segments on folders of videos",
		Long: `Enrol the videos of the folders, post each again after every transform, and print
which share is found, how far off the ends of the segments are, how many unrelated
videos match, and what it costs.

The distractors' folders should hold videos that show nothing of the known ones. A
quarter of them is put into the bank beside the known videos; of the others clips of
4 to 15 s are cut and posted, and they are what known videos are put into.

The posted files are made with ffmpeg and kept in the work folder, and so are their
hashes by the other methods: a second run, or one after an interruption, makes only
what is missing.

Exit codes: 0 done, 1 failure, 2 wrong usage, 4 done but videos or transforms were
left out, which are named at the end.`,
		Example: `  evaluate videos clips/ --distractors footage/ --work /tmp/work --report videos.html
  evaluate videos clips/ --distractors footage/ --work /tmp/work --clips 4 --cuts 20 --only letterbox,mirror`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			v.folders, v.stderr = args, c.ErrOrStderr()
			switch {
			case v.jobs < 1 || v.jobs > 1024:
				return usagef("--jobs %d: want 1 to 1024", v.jobs)
			case v.limit < 0:
				return usagef("--clips %d: want 1 or more, or 0 for all", v.limit)
			case v.cuts < 0:
				return usagef("--cuts %d: want 0 or more", v.cuts)
			case v.maxSide < minSide || v.maxSide > maxSide:
				return usagef("--max-side %d: want %d to %d", v.maxSide, minSide, maxSide)
			case seconds < 2 || seconds > 600:
				return usagef("--max-seconds %g: want 2 to 600", seconds)
			case v.work == "":
				return usagef("--work is empty; name the folder for the posted files")
			}
			v.maxLength = time.Duration(seconds * float64(time.Second))
			for _, folder := range slices.Concat(v.folders, v.others) {
				if info, err := os.Stat(folder); err != nil {
					return err
				} else if !info.IsDir() {
					return usagef("%s: want a folder of videos, not a file", folder)
				}
			}
			for _, path := range []string{csvFile, reportFile} {
				if err := probe(path); err != nil {
					return err
				}
			}
			if err := v.chooseTransforms(c.Context(), only); err != nil {
				return err
			}
			r, err := v.run(c.Context())
			if err != nil {
				return err
			}
			if err := r.text(c.OutOrStdout()); err != nil {
				return err
			}
			if err := writeFile(csvFile, r.csv); err != nil {
				return err
			}
			if reportFile != "" {
				if err := r.report(reportFile); err != nil {
					return err
				}
			}
			if len(r.Omitted) > 0 {
				return errLeftOut
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringArrayVar(&v.others, "distractors", nil, "`DIR` with unrelated videos; may be repeated")
	f.StringVar(&v.work, "work", "", "`DIR` for the posted files; made if it does not exist")
	f.StringVar(&reportFile, "report", "", "also write a report with time lines of what was missed: one HTML `FILE` that needs nothing else")
	f.StringVar(&csvFile, "csv", "", "also write a line for each posted video as CSV to `FILE`")
	f.StringSliceVar(&only, "only", nil, "only these transforms, separated by commas: names as the table has them, or families; 'hard negatives' for those")
	f.IntVar(&v.limit, "clips", 0, "at most `N` known videos; 0: all")
	f.IntVar(&v.cuts, "cuts", 300, "how many clips of 4 to 15 s to cut from the distractors")
	f.IntVar(&v.maxSide, "max-side", 640, "the longer side of what is posted, in pixels, before it is framed")
	f.Float64Var(&seconds, "max-seconds", 20, "use at most this much of a known video, from its start")
	f.Uint64Var(&v.seed, "seed", 1, "what every random choice is drawn from")
	f.IntVar(&v.jobs, "jobs", runtime.NumCPU(), "how many files to make at the same time; they are screened one by one")
	f.BoolVar(&v.noBaselines, "no-baselines", false, "leave out the methods that the library is compared with")
	_ = c.MarkFlagRequired("distractors")
	_ = c.MarkFlagRequired("work")
	return c
}

// hardName stands for the hard negatives in --only.
const hardName = "hard negatives"

// chooseTransforms finds ffmpeg, and the transforms that are wanted and that it can do.
func (v *videos) chooseTransforms(ctx context.Context, only []string) error {
	var err error
	if v.backend, err = ffmpeg.New(ffmpeg.Options{}); err != nil {
		return err
	}
	if v.ffmpeg, err = exec.LookPath("ffmpeg"); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, v.ffmpeg, "-hide_banner", "-encoders").Output()
	if err != nil {
		return fmt.Errorf("%s -encoders: %w", v.ffmpeg, err)
	}
	has := func(encoder string) bool {
		return regexp.MustCompile(`(?m)^ V\S+ ` + regexp.QuoteMeta(encoder) + ` `).Match(out)
	}
	if !has("libx264") {
		return fmt.Errorf("%s has no encoder libx264, which uploads are made with; install another build", v.ffmpeg)
	}
	wanted := make(map[string]bool)
	for _, name := range only {
		wanted[strings.TrimSpace(name)] = true
	}
	v.hard = len(only) == 0 || wanted[hardName]
	unknown := maps.Clone(wanted)
	delete(unknown, hardName)
	for _, t := range clips.All() {
		delete(unknown, t.Name)
		delete(unknown, t.Family)
		switch {
		case len(only) > 0 && !wanted[t.Name] && !wanted[t.Family]:
		case t.Encoder != "" && !has(t.Encoder):
			v.omitted.note("transform", t.Name, "this ffmpeg has no encoder "+t.Encoder)
		default:
			v.transforms = append(v.transforms, t)
		}
	}
	if len(unknown) > 0 {
		return usagef("--only: there is no transform %q; 'evaluate transforms --videos' lists them", slices.Sorted(maps.Keys(unknown)))
	}
	return os.MkdirAll(filepath.Join(v.work, "posted"), 0o755)
}
