package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

func (a *app) bankVerifyCommand() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:   "verify FILE... | verify --store URL [FILE]",
		Short: "Check every byte of bank files, or an index against its store",
		Long: `Check bank files whole: every checksum, that every entry makes sense, and that the
indices find every hash. Other commands check what they read.

With --store: prove that the index has what the store has, entry by entry. FILE is the
snapshot of a node that follows the store, which is taken with the changes since then and
not written to; without it an index is made from the store.`,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case url != "" && len(args) > 1:
				return usagef("--store takes one file")
			case url != "":
				return a.bankVerifyStore(c.Context(), url, strings.Join(args, ""))
			case len(args) == 0:
				return usagef("name a bank file, or give --store")
			}
			for _, path := range args {
				s, err := match.OpenSnapshot(path)
				if err == nil {
					err = s.Verify()
				}
				if err != nil {
					return fmt.Errorf("%s: %w", display(path), err)
				}
				if a.json {
					err = printJSON(a.stdout, struct {
						File string `json:"file"`
						OK   bool   `json:"ok"`
					}{path, true})
				} else {
					_, err = fmt.Fprintf(a.stdout, "%s: nothing is wrong with it\n", display(path))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&url, "store", "", storeUsage)
	return c
}

// differenceLine is a line of "rematch bank diff", and of "rematch bank merge" for
// what was left out.
type differenceLine struct {
	Bank   string `json:"bank"`
	Entry  string `json:"entry"`  // empty: the bank itself
	Change string `json:"change"` // added, removed or changed
}

func newDifferenceLine(d match.Difference) differenceLine {
	l := differenceLine{Bank: d.Bank, Entry: d.ID, Change: "changed"}
	switch {
	case d.Old == nil && d.OldBank == nil:
		l.Change = "added"
	case d.New == nil && d.NewBank == nil:
		l.Change = "removed"
	}
	return l
}

var changeSigns = map[string]string{"added": "+", "removed": "-", "changed": "~"}

func (a *app) printDifference(d match.Difference) error {
	l := newDifferenceLine(d)
	if a.json {
		return printJSON(a.stdout, l)
	}
	name := "bank " + display(l.Bank)
	if l.Entry != "" {
		name = display(l.Bank + "/" + l.Entry)
	}
	_, err := fmt.Fprintf(a.stdout, "%s %s\n", changeSigns[l.Change], name)
	return err
}

func (a *app) bankDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "List what changed between two bank files",
		Long: `List the banks and entries that are in one of two bank files only, or not the same in
both: a line each, with + for what is new, - for what is gone and ~ for what has
changed. Banks are compared by name, entries by bank and ID.

Exit codes: 0 nothing changed, 3 something did, 1 failure, 2 wrong usage.`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			sets, err := openSets(args)
			if err != nil {
				return err
			}
			changes := 0
			for d, err := range match.Diff(sets[0], sets[1]) {
				if err != nil {
					return err
				}
				changes++
				if err := a.printDifference(d); err != nil {
					return err
				}
			}
			if changes > 0 {
				return codeError(exitMatch)
			}
			return nil
		},
	}
}

// openSets opens bank files.
func openSets(paths []string) ([]match.Set, error) {
	sets := make([]match.Set, len(paths))
	for i, path := range paths {
		s, err := match.OpenSnapshot(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", display(path), err)
		}
		sets[i] = s
	}
	return sets, nil
}

func (a *app) bankMergeCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "merge -o FILE BANKFILE...",
		Short: "Make one bank file of several",
		Long: `Make one bank file of several. Banks of one name become one; it is described, and
entries of one ID in it are taken, as in the first file that has them. Banks and
entries that a later file has otherwise are listed as changed, and left out.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			sets, err := openSets(args)
			if err != nil {
				return err
			}
			var b match.Builder
			conflicts, err := match.Merge(&b, sets...)
			if err == nil {
				err = b.WriteFile(output)
			}
			if err != nil {
				return fmt.Errorf("%s was not written: %w", display(output), err)
			}
			for _, d := range conflicts {
				if err := a.printDifference(d); err != nil {
					return err
				}
			}
			return a.showBanks(output, shown{})
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "the bank `FILE` to write")
	_ = c.MarkFlagRequired("output")
	return c
}

// pairLine is a line of "rematch bank similar".
type pairLine struct {
	Bank       string `json:"bank"`
	Entry      string `json:"entry"`
	OtherBank  string `json:"other_bank"`
	OtherEntry string `json:"other_entry"`
	Kind       string `json:"kind"`
	Distance   int    `json:"distance"` // bits
}

func (a *app) bankSimilarCommand() *cobra.Command {
	var (
		kind        string
		radius      int
		bank, other string
	)
	c := &cobra.Command{
		Use:   "similar FILE [FILE]",
		Short: "List near duplicates in a bank, or what two banks share",
		Long: `List the pairs of entries with hashes near each other: within one bank, or of one
bank and another. Of files with several banks --bank and --other choose.

Exit codes: 0 there are none, 3 there are some, 1 failure, 2 wrong usage.`,
		Example: `  rematch bank similar known.bank
  rematch bank similar ours.bank theirs.bank --radius 10 --json`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			k, err := hash.ParseKind(kind)
			if err != nil {
				return usagef("--kind %q: %w", kind, err)
			}
			if !c.Flags().Changed("radius") {
				radius = k.Threshold()
			}
			if radius < 0 || radius > k.Bits() || k.IsDigest() && radius != 0 {
				return usagef("--radius %d: want 0 to %d bits, and 0 for digests", radius, k.Bits())
			}
			found, err := a.similar(c.Context(), args, bank, other, k, radius)
			if err == nil && found {
				return codeError(exitMatch)
			}
			return err
		},
	}
	c.Flags().StringVar(&kind, "kind", "pdq", "the kind of hashes to compare")
	c.Flags().IntVar(&radius, "radius", 0, "how many bits may differ, inclusive (default: the kind's threshold)")
	c.Flags().StringVar(&bank, "bank", "", "the bank in the first file (default: its only one)")
	c.Flags().StringVar(&other, "other", "", "the bank in the last file to compare with (default: its only one)")
	return c
}

func (a *app) similar(ctx context.Context, paths []string, bank, other string, k hash.Kind, radius int) (found bool, err error) {
	last := paths[len(paths)-1]
	s, err := match.OpenSnapshot(last)
	if err != nil {
		return false, fmt.Errorf("%s: %w", display(last), err)
	}
	o := match.Options{MaxRadius: radii(s)}
	if !k.IsDigest() {
		o.MaxRadius[k] = max(o.MaxRadius[k], radius)
	}
	m, err := match.New(o)
	if err != nil {
		return false, err
	}
	if err := m.Load(s); err != nil {
		return false, fmt.Errorf("%s: %w", display(last), err)
	}
	from := match.Set(m)
	if len(paths) == 2 {
		if from, err = match.OpenSnapshot(paths[0]); err != nil {
			return false, fmt.Errorf("%s: %w", display(paths[0]), err)
		}
	}
	if bank, err = onlyBank(from, paths[0], "--bank", bank); err != nil {
		return false, err
	}
	if len(paths) == 1 && other == "" {
		other = bank
	}
	if other, err = onlyBank(m, last, "--other", other); err != nil {
		return false, err
	}
	pairs := m.Similar(ctx, from, bank, other, k, radius)
	for p, err := range pairs {
		if err != nil {
			return found, err
		}
		found = true
		if a.json {
			err = printJSON(a.stdout, pairLine{bank, p.ID, other, p.OtherID, p.Kind.String(), p.Distance})
		} else {
			_, err = fmt.Fprintf(a.stdout, "%3d bits  %s  %s\n", p.Distance, display(bank+"/"+p.ID), display(other+"/"+p.OtherID))
		}
		if err != nil {
			return found, err
		}
	}
	return found, nil
}

// radii returns for each kind of perceptual hash the largest radius that an index needs for
// the thresholds of all banks: what their files say must not be refused.
func radii(snapshots ...*match.Snapshot) map[hash.Kind]int {
	most := make(map[hash.Kind]int)
	for _, k := range hash.Kinds() {
		if k.IsDigest() {
			continue
		}
		most[k] = match.DefaultMaxRadius(k)
		for _, s := range snapshots {
			for _, b := range s.Banks() {
				most[k] = max(most[k], b.Given[k])
			}
		}
	}
	return most
}

// onlyBank returns the name of the bank that is meant.
func onlyBank(s match.Set, path, flag, name string) (string, error) {
	banks := s.Banks()
	switch {
	case name != "":
		for _, b := range banks {
			if b.Name == name {
				return name, nil
			}
		}
		return "", fmt.Errorf("%s has no bank %s", display(path), display(name))
	case len(banks) == 1:
		return banks[0].Name, nil
	}
	return "", usagef("%s has %s; choose one with %s", display(path), count(len(banks), "bank", "banks"), flag)
}
