package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

func (a *app) bankCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "bank",
		Short: "Make, change and show banks of known content",
		Args:  cobra.NoArgs,
		RunE:  needsCommand,
	}
	c.AddCommand(a.bankBuildCommand(), a.bankShowCommand(), a.bankVerifyCommand(), a.bankDiffCommand(), a.bankMergeCommand(), a.bankSimilarCommand(),
		a.bankAddCommand(), a.bankRemoveCommand(), a.bankQuarantineCommand(), a.bankImportCommand())
	c.AddCommand(a.settingsCommands()...)
	c.AddCommand(a.curateCommands()...)
	c.AddCommand(a.browseCommands()...)
	return c
}

func (a *app) bankBuildCommand() *cobra.Command {
	var (
		output, name string
		labels       []string
		kinds        []string
		clean        string
		media        mediaFlags
	)
	c := &cobra.Command{
		Use:   "build -o FILE [flags] PATH|LIST...",
		Short: "Make a bank file from known media and hash lists",
		Long: `Make a bank file from pictures, videos and hash lists, and from everything below
folders. An entry from media is named after its path below the folder that was
given, an entry from a list after its hash.

A list has one hash a line, bare or after its kind: "f8f8...", "sha256 9f86...",
"sha256:9f86...". Bare ones are told by their length: 64 digits are pdq, 32 md5, 40
sha1; for others, 16 digits among them, give --kind. "#" starts a comment.

The vPDQ of a video that somebody else has hashed is an entry as well, in a file of its
own: lines "frame,quality,hash,seconds", or the JSON of python-threatexchange.

Known content is never left out: if anything can't be hashed, it is listed and no
bank is written. A bank that is there already is replaced in one step.

Hashes that no list can have meant are kept and counted, but match nothing: of blank
pictures, gradients, frames and test patterns, of empty files, and what is no hash of its
kind. With --clean so are those that would match more than one in a thousand of your own
harmless uploads; "rematch bank show" lists them with --aside.`,
		Example: `  rematch bank build -o known.bank known/
  rematch bank build -o list.bank --name partner --label reported hashes.txt
  rematch bank build -o both.bank --kind pdq,sha256 known/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ks, err := parseKinds(kinds)
			if err != nil {
				return err
			}
			if err := a.checkWorkers(); err != nil {
				return err
			}
			if name == "" {
				name = bankName(output)
			}
			bar := a.newProgress("hashing")
			defer bar.close()
			options, decoder, err := media.options(bar.note)
			if err != nil {
				return err
			}
			e := a.enrolling(c, ks, options)
			sample, err := e.clean(c.Context(), clean)
			if err == nil {
				err = a.buildBank(c.Context(), bar, e, output, match.Bank{Name: name, Labels: labels}, args, sample)
			}
			return closing(decoder, err)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "the bank `FILE` to write")
	c.Flags().StringVar(&name, "name", "", "name of the bank (default: that of the file)")
	c.Flags().StringArrayVar(&labels, "label", nil, "label of everything in the bank; may be repeated")
	c.Flags().StringSliceVar(&kinds, "kind", []string{"pdq"}, "kinds of hashes to make of media, several with commas; a single one also says what bare hashes in lists are")
	_ = c.MarkFlagRequired("output")
	cleanFlag(c, &clean)
	media.add(c)
	a.workerFlag(c)
	return c
}

// cleanFlag adds --clean.
func cleanFlag(c *cobra.Command, list *string) {
	c.Flags().StringVar(list, "clean", "", "a `LIST` of hashes of your own harmless uploads, to find what would match many of them")
}

// buildBank makes the bank, writes it and shows what is in it.
func (a *app) buildBank(ctx context.Context, bar *progress, e *enrolment, output string, bank match.Bank, paths []string, clean []hash.Value) error {
	b, _, err := e.build(ctx, bar, bank, paths)
	if err == nil {
		bar.next("writing")
		err = b.WriteFile(output)
	}
	bar.close()
	var bad badFiles
	switch {
	case errors.As(err, &bad) && a.json:
		for _, f := range bad {
			if err := a.printFileError(a.stdout, f.path, f.err); err != nil {
				return err
			}
		}
		return fmt.Errorf("%s can't be hashed: %s was not written", count(len(bad), "known file", "known files"), display(output))
	case err != nil:
		return fmt.Errorf("%s was not written: %w", display(output), err)
	}
	return a.showBanks(output, shown{clean: clean, repeated: b.Repeated()})
}

func (a *app) bankShowCommand() *cobra.Command {
	var (
		show  shown
		clean string
		bank  string
	)
	c := &cobra.Command{
		Use:   "show FILE [ENTRY...]",
		Short: "Show what is in a bank file, or entries of it",
		Long: `Show the banks in a bank file: name, settings, thresholds, and how many entries and
hashes of each kind there are; or entries, with all that is said of them. What is shown is
checked; "rematch bank verify" checks the rest.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return a.showEntries(args[0], bank, args[1:])
			}
			if show.entries < -1 {
				return usagef("--entries %d: want a number, or -1 for all", show.entries)
			}
			var err error
			var e enrolment
			if show.clean, err = e.clean(c.Context(), clean); err != nil {
				return err
			}
			return a.showBanks(args[0], show)
		},
	}
	c.Flags().IntVar(&show.entries, "entries", 0, "also list up to this many entries of each bank; -1: all")
	c.Flags().BoolVar(&show.aside, "aside", false, "also list the hashes that are set aside, and why")
	cleanFlag(c, &clean)
	bankFlag(c, &bank)
	return c
}

// showEntries prints entries of a bank.
func (a *app) showEntries(path, bank string, ids []string) error {
	s, name, err := openBank(path, bank)
	if err != nil {
		return err
	}
	if err := allThere(s, name, ids); err != nil {
		return err
	}
	for _, id := range ids {
		e, _, err := s.Entry(name, id)
		if err == nil {
			err = a.printEntry(name, infoOf(s, name).Policy, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// shown is what is shown of banks.
type shown struct {
	bank     string // only this one; empty: all
	entries  int    // of each; -1: all
	aside    bool
	clean    []hash.Value // see match.Options
	repeated uint64       // see bankLine
}

// showBanks prints the banks in a file.
func (a *app) showBanks(path string, show shown) error {
	s, err := match.OpenSnapshot(path)
	if err != nil {
		return err
	}
	m, err := match.New(match.Options{MaxRadius: radii(s), Clean: show.clean})
	if err == nil {
		err = m.Load(s)
	}
	if err != nil {
		return err
	}
	why, err := causes(m)
	if err != nil {
		return err
	}
	infos := make(map[string]match.BankInfo)
	for _, b := range m.Banks() {
		infos[b.Name] = b
	}
	for _, b := range s.Banks() { // in the file's order
		if show.bank != "" && b.Name != show.bank {
			continue
		}
		b = infos[b.Name]
		if err := a.printBank(path, b, why[b.Name], show.repeated); err != nil {
			return err
		}
		left := show.entries
		for e, err := range s.Entries(b.Name) {
			if left == 0 {
				break
			}
			left--
			if err == nil {
				err = a.printEntry(b.Name, b.Policy, e)
			}
			if err != nil {
				return err
			}
		}
	}
	if !show.aside {
		return nil
	}
	aside, err := m.Quarantined()
	if err != nil {
		return err
	}
	for _, q := range aside {
		if err := a.printAside(q); err != nil {
			return err
		}
	}
	return nil
}

// kindCounts counts an entry's signals by kind.
func kindCounts(e match.Entry) map[hash.Kind]int {
	counts := make(map[hash.Kind]int)
	for _, s := range e.Signals {
		counts[s.Value.Kind()]++
	}
	return counts
}
