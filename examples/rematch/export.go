package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash/vpdq"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

func (a *app) exportCommand() *cobra.Command {
	var (
		format, output, sample string
		media                  mediaFlags
	)
	c := &cobra.Command{
		Use:   "export [flags] VIDEO",
		Short: "Write a video's hash in a format that others read",
		Long: `Write the hash of a video, or of an animation, in a format that others read:

  vpdq       a line a frame, "frame,quality,hash,seconds", as the vPDQ tools write
  vpdq-json  the same as JSON, as python-threatexchange writes it
  tmk        the .tmk file of TMK+PDQF, 263,344 bytes

"rematch bank build" takes the first two as known content. A file is written in one
step; without -o the hash goes to standard output.`,
		Example: `  rematch export clip.mp4 > clip.txt
  rematch export --format tmk -o clip.tmk clip.mp4`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			write, err := exporter(format, sample)
			if err != nil {
				return err
			}
			bar := a.newProgress("hashing")
			defer bar.close()
			bar.found()
			options, decoder, err := media.options(bar.note)
			if err != nil {
				return err
			}
			hash := func(w io.Writer) error {
				return write(c.Context(), w, video.File(args[0]), screen.Options{Video: options})
			}
			if output == "" {
				err = hash(bar.writer())
			} else {
				err = replaceFile(output, hash)
			}
			if token, decided := video.Reason(err); decided {
				err = fmt.Errorf("%s: %s", display(args[0]), reasonWords(token))
			}
			return closing(decoder, err)
		},
	}
	c.Flags().StringVar(&format, "format", "vpdq", "vpdq, vpdq-json or tmk")
	c.Flags().StringVarP(&output, "output", "o", "", "the `FILE` to write (default: standard output)")
	c.Flags().StringVar(&sample, "sample", "every=1s", "frames of a video for vPDQ: every=TIME, or all")
	media.add(c)
	return c
}

// exporter returns what hashes a video and writes the hash.
func exporter(format, sample string) (func(context.Context, io.Writer, video.Input, screen.Options) error, error) {
	sampling, err := parseSampling(sample)
	if err == nil && sampling.Keys {
		err = usagef("--sample key: others' frames are a fixed time apart; want every=TIME, or all")
	}
	if err != nil {
		return nil, err
	}
	every := sampling.Every
	if every == 0 {
		every = -time.Second // all
	}
	writers := map[string]func(io.Writer, []vpdq.Feature) error{"vpdq": vpdq.WriteText, "vpdq-json": vpdq.WriteJSON}
	switch write, ok := writers[format]; {
	case ok:
		return func(ctx context.Context, w io.Writer, in video.Input, o screen.Options) error {
			features, err := screen.VPDQ(ctx, in, every, o)
			if err != nil {
				return err
			}
			return write(w, features)
		}, nil
	case format == "tmk":
		return func(ctx context.Context, w io.Writer, in video.Input, o screen.Options) error {
			v, err := screen.TMK(ctx, in, o)
			if err != nil {
				return err
			}
			_, err = v.WriteTo(w)
			return err
		}, nil
	}
	return nil, usagef("--format %q: want vpdq, vpdq-json or tmk", format)
}

// createBeside makes a temporary file in the folder of path, readable by its owner alone: what is
// written here is what a platform does not want to be seen.
func createBeside(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), ".rematch-*")
}

// replaceFile writes a file beside path, which only its owner may read, and puts it in its place
// when it is whole: whoever opens it sees all of it or what was there before.
func replaceFile(path string, write func(io.Writer) error) error {
	file, err := createBeside(path)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // it is gone by then if all went well
	out := bufio.NewWriter(file)
	err = errors.Join(write(out), out.Flush(), file.Sync(), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
