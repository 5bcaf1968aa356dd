package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func collectCommand() *cobra.Command {
	c := collection{}
	cmd := &cobra.Command{
		Use:   "collect --out DIR [flags] FOLDER...",
		Short: "Make folders of known pictures and distractors out of any folders",
		Long: `Look through folders for photographs, Qt resource files (.rcc) included, and copy
them to DIR/known and DIR/distractors. Which of the two a picture goes to depends
on its content alone, so that it is the same on every machine.

Left out are icons and diagrams (small, transparent, of few colours, or with flat
areas), pictures too plain to hash, and all but one of those that show the same:
the sizes of one wallpaper, and files within --same bits of PDQ in any orientation.

DIR/origins.csv says where each picture came from, DIR/rejected.csv which
pictures were left out and why.`,
		Example: `  evaluate collect --out photos /usr/share/backgrounds ~/Pictures`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case c.out == "":
				return usagef("--out is empty; name the folder to write to")
			case c.knownShare < 0 || c.knownShare > 1:
				return usagef("--known-share %g: want 0 to 1", c.knownShare)
			case c.same < 0 || c.same > 128:
				return usagef("--same %d: want 0 to 128 bits", c.same)
			case c.workers < 1 || c.workers > 1024:
				return usagef("--workers %d: want 1 to 1024", c.workers)
			}
			c.stderr = cmd.ErrOrStderr()
			return c.run(cmd.Context(), args, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.out, "out", "", "`DIR` to write to; made if it does not exist")
	f.Float64Var(&c.knownShare, "known-share", 0.65, "share of the pictures that become known ones")
	f.IntVar(&c.same, "same", 60, "pictures this near, in `BITS`, show the same; unrelated photographs are further apart")
	f.IntVar(&c.workers, "workers", runtime.NumCPU(), "how many pictures to work on at the same time")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

type collection struct {
	out        string
	knownShare float64
	same       int
	workers    int
	stderr     io.Writer
}

// candidate is a file that may be a photograph.
type candidate struct {
	name   string // below its source, slash-separated
	source string // the folder's base name
	read   func() ([]byte, error)

	photo    photo
	rejected string // why; empty: it is taken
	dest     string // below the output folder
}

func (c *collection) run(ctx context.Context, folders []string, stdout io.Writer) error {
	all, err := candidates(ctx, folders)
	if err != nil {
		return err
	}
	bar := newProgress(c.stderr, "looking through", len(all))
	defer bar.close()
	err = pool(ctx, c.workers, len(all), func(ctx context.Context, _, i int) error {
		defer bar.step(1)
		if all[i].rejected != "" {
			return nil
		}
		b, err := all[i].read()
		if err != nil {
			return err
		}
		all[i].photo, all[i].rejected = inspect(ctx, b)
		return ctx.Err()
	})
	bar.close()
	if err != nil {
		return err
	}
	keepOneSize(all)
	c.keepOneVersion(all)
	known, others, err := c.write(all)
	if err != nil {
		return err
	}
	if known+others == 0 {
		return fmt.Errorf("none of %d files is a photograph; %s says why of each; give folders with photographs of at least %d pixels a side",
			len(all), filepath.Join(c.out, "rejected.csv"), minPhotoSide)
	}
	_, err = fmt.Fprintf(stdout, "%d known pictures and %d distractors in %s, out of %d files; origins.csv and rejected.csv there say more\n", known, others, c.out, len(all))
	return err
}

// candidates lists the files of the folders and what Qt resource files hold.
func candidates(ctx context.Context, folders []string) ([]candidate, error) {
	var all []candidate
	for _, folder := range folders {
		base := filepath.Base(filepath.Clean(folder))
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return errors.Join(err, ctx.Err())
			}
			rel, err := filepath.Rel(folder, path)
			if err != nil {
				return err
			}
			name := filepath.ToSlash(rel)
			if !strings.EqualFold(filepath.Ext(path), ".rcc") {
				all = append(all, candidate{name: name, source: base, read: func() ([]byte, error) { return os.ReadFile(path) }})
				return nil
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files, skipped, err := readRCC(b)
			if err != nil {
				all = append(all, candidate{name: name, source: base, rejected: err.Error()})
			}
			if skipped > 0 {
				all = append(all, candidate{name: name, source: base, rejected: fmt.Sprintf("%d files in it are packed with Zstandard", skipped)})
			}
			for _, f := range files {
				all = append(all, candidate{name: name + "/" + f.name, source: base, read: func() ([]byte, error) { return f.data, nil }})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%w; name folders that can be read", err)
		}
	}
	return all, nil
}

// keepOneVersion leaves of pictures that show the same the one of the smallest hash.
func (c *collection) keepOneVersion(all []candidate) {
	order := make([]*candidate, 0, len(all))
	for i := range all {
		if all[i].rejected == "" {
			order = append(order, &all[i])
		}
	}
	slices.SortStableFunc(order, func(a, b *candidate) int { return slices.Compare(a.photo.sum[:], b.photo.sum[:]) })
	for i, x := range order {
		for _, kept := range order[:i] {
			if kept.rejected != "" {
				continue
			}
			if d := x.photo.distance(kept.photo); d <= c.same {
				x.rejected = fmt.Sprintf("shows the same as %s/%s (%d bits)", kept.source, kept.name, d)
				break
			}
		}
	}
}

// write copies what is taken, and the two lists. A second run changes nothing.
func (c *collection) write(all []candidate) (known, others int, err error) {
	for _, folder := range []string{"known", "distractors"} {
		if err := os.MkdirAll(filepath.Join(c.out, folder), 0o755); err != nil {
			return 0, 0, err
		}
	}
	taken := make(map[string]bool)
	for i := range all {
		x := &all[i]
		if x.rejected != "" {
			continue
		}
		folder := "distractors"
		if float64(binary.BigEndian.Uint32(x.photo.sum[:])) < c.knownShare*(1<<32) {
			folder = "known"
			known++
		} else {
			others++
		}
		// The content's hash in front: names repeat, and a folder sorted by name is shuffled.
		x.dest = fmt.Sprintf("%s/%x-%s-%s", folder, x.photo.sum[:4], x.source, strings.ReplaceAll(baseName(x.name), " ", "_"))
		taken[x.dest] = true
		b, err := x.read()
		if err != nil {
			return 0, 0, err
		}
		path := filepath.Join(c.out, filepath.FromSlash(x.dest))
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, b) {
			continue
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			return 0, 0, err
		}
	}
	if err := c.strangers(taken); err != nil {
		return 0, 0, err
	}
	return known, others, errors.Join(
		writeFile(filepath.Join(c.out, "origins.csv"), func(f *os.File) error {
			return writeRecords(f, []string{"file", "source", "path", "width", "height", "sha256"}, all, func(x candidate) []string {
				if x.rejected != "" {
					return nil
				}
				return []string{x.dest, x.source, x.name, strconv.Itoa(x.photo.width), strconv.Itoa(x.photo.height), fmt.Sprintf("%x", x.photo.sum)}
			})
		}),
		writeFile(filepath.Join(c.out, "rejected.csv"), func(f *os.File) error {
			return writeRecords(f, []string{"source", "path", "reason"}, all, func(x candidate) []string {
				if x.rejected == "" || x.rejected == noPicture {
					return nil
				}
				return []string{x.source, x.name, x.rejected}
			})
		}))
}

// strangers refuses files in the output that this run did not take: they would be
// measured all the same.
func (c *collection) strangers(taken map[string]bool) error {
	for _, folder := range []string{"known", "distractors"} {
		entries, err := os.ReadDir(filepath.Join(c.out, folder))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !taken[folder+"/"+e.Name()] {
				return fmt.Errorf("%s is not of these sources; empty %s first, or choose another --out", filepath.Join(c.out, folder, e.Name()), c.out)
			}
		}
	}
	return nil
}

func writeRecords(f *os.File, head []string, all []candidate, record func(candidate) []string) error {
	w := csv.NewWriter(f)
	records := [][]string{head}
	for _, x := range all {
		if r := record(x); r != nil {
			records = append(records, r)
		}
	}
	return w.WriteAll(records)
}

func baseName(name string) string { return name[strings.LastIndex(name, "/")+1:] }
