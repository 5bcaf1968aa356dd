package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
)

// hashLine is a line of "rematch hash": one hash, or why a file has none.
type hashLine struct {
	File        string        `json:"file"`
	Kind        string        `json:"kind"`
	Hash        string        `json:"hash,omitempty"`        // bare lower-case hex
	Quality     *hash.Quality `json:"quality,omitempty"`     // 0 to 100; absent for digests
	Orientation string        `json:"orientation,omitempty"` // with --orientations
	Frame       *int          `json:"frame,omitempty"`       // of videos and animations
	TimeMS      *int64        `json:"time_ms,omitempty"`     // likewise
	NotJudged   string        `json:"not_judged,omitempty"`
}

func (a *app) hashCommand() *cobra.Command {
	var (
		kinds        []string
		sample       string
		orientations bool
		media        mediaFlags
	)
	c := &cobra.Command{
		Use:   "hash [flags] PATH...",
		Short: "Print the hashes of pictures, videos and files",
		Long: `Print the hashes of files, and of everything below folders.

A picture has one line a kind, a video one for each sampled frame; md5, sha1 and
sha256 are of the file's bytes, whatever it is. Hashes of low quality are printed
with it; below 50 a pdq hash says little about its picture. What has no hash is
printed as not judged, with the reason.

Exit codes: 0 everything was hashed, 4 something was not judged, 1 failure.`,
		Example: `  rematch hash photo.jpg
  rematch hash --json --kind pdq,sha256 --orientations pictures/
  rematch hash --sample key clip.mp4`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ks, err := parseKinds(kinds)
			if err != nil {
				return err
			}
			sampling, err := parseSampling(sample)
			if err != nil {
				return err
			}
			if err := a.checkWorkers(); err != nil {
				return err
			}
			bar := a.newProgress("hashing")
			defer bar.close()
			options, decoder, err := media.options(bar.note)
			if err != nil {
				return err
			}
			h := hashing{kinds: ks, orientations: orientations, sampling: sampling, media: options}
			return closing(decoder, a.hashFiles(c.Context(), bar, h, args))
		},
	}
	c.Flags().StringSliceVar(&kinds, "kind", []string{"pdq"}, "kinds of hashes, several with commas: pdq, phash, dhash, ahash, phash256, dhash256, ahash256, md5, sha1, sha256")
	c.Flags().BoolVar(&orientations, "orientations", false, "also print the hashes of the picture turned and mirrored, eight lines in all")
	c.Flags().StringVar(&sample, "sample", "every=1s", "frames of a video: key (cheapest), every=TIME, or all")
	media.add(c)
	a.workerFlag(c)
	return c
}

// hashFiles prints the lines of all files.
func (a *app) hashFiles(ctx context.Context, bar *progress, h hashing, paths []string) error {
	var t tally
	out := bar.writer()
	work := func(ctx context.Context, f found, give func(hashed) bool) {
		if f.err != nil {
			give(hashed{err: f.err})
		} else {
			h.file(ctx, f.path, give)
		}
		bar.done()
	}
	err := ordered(ctx, a.workers, t.files(bar, walk(paths)), work, func(f found, r hashed) error {
		if r.err != nil {
			t.failed++
			return a.printFileError(out, f.path, r.err)
		}
		if r.line.NotJudged != "" {
			t.notJudged++
		}
		return a.printHash(out, r.line)
	})
	bar.close()
	if err != nil {
		return err
	}
	return t.outcome()
}

// printHash writes one line. For people the columns are kind, hash, quality, then
// orientation and frame where there are any, and the file at the end, where a long
// name does no harm.
func (a *app) printHash(w io.Writer, l hashLine) error {
	if a.json {
		return printJSON(w, l)
	}
	if l.NotJudged != "" {
		_, err := fmt.Fprintf(w, "%-8s not judged, %s: %s\n", l.Kind, reasonWords(l.NotJudged), display(l.File))
		return err
	}
	quality, detail := "-", ""
	if l.Quality != nil {
		quality = l.Quality.String()
	}
	if l.Orientation != "" {
		detail += fmt.Sprintf("%-11s", l.Orientation)
	}
	if l.Frame != nil {
		detail += fmt.Sprintf("frame %-6d %8.3fs  ", *l.Frame, float64(*l.TimeMS)/1000)
	}
	_, err := fmt.Fprintf(w, "%-8s %s %3s  %s%s\n", l.Kind, l.Hash, quality, detail, display(l.File))
	return err
}
