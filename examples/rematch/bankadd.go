package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// addedLine is what "rematch bank add" and "rematch bank remove" end with.
type addedLine struct {
	File    string `json:"file"`
	Bank    string `json:"bank"`
	Added   int    `json:"added"`
	Removed int    `json:"removed"`
	There   int    `json:"there"` // entries that the bank had already
	Entries int    `json:"entries"`
}

func (a *app) printAdded(l addedLine) error {
	if a.json {
		return printJSON(a.stdout, l)
	}
	text := fmt.Sprintf("%s: bank %s: ", display(l.File), display(l.Bank))
	if l.Removed > 0 {
		text += count(l.Removed, "entry", "entries") + " removed"
	} else {
		text += count(l.Added, "entry", "entries") + " added"
	}
	if l.There > 0 {
		text += fmt.Sprintf(", %d there already", l.There)
	}
	_, err := fmt.Fprintf(a.stdout, "%s; it has %d\n", text, l.Entries)
	return err
}

func (a *app) bankAddCommand() *cobra.Command {
	var (
		bank    string
		kinds   []string
		labels  []string
		note    string
		replace bool
		from    match.Origin
		media   mediaFlags
	)
	c := &cobra.Command{
		Use:   "add FILE PATH|LIST|HASH...",
		Short: "Add known media, hash lists or hashes to a bank",
		Long: `Add entries to a bank: from pictures, videos, hash lists and folders of these, as "bank build"
does it, or hashes themselves ("f8f8...", "md5:9dd4..."). Entries that the bank has already
stay as they are; --replace puts the new ones in their place. All are added or none.` + editExits,
		Example: `  rematch bank add known.bank clip.mp4 --label tvec --note "from the night shift"
  rematch bank add known.bank pdq:f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			ks, err := parseKinds(kinds)
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
			e := a.enrolling(c, ks, options)
			entries, err := newEntries(c.Context(), bar, e, args[1:])
			bar.close()
			if err = closing(decoder, err); err != nil {
				return err
			}
			curation := &match.Curation{Note: note, Origin: from}
			if from.Exchange != "" {
				curation.Origin.Fetched = time.Now().UTC().Truncate(time.Second)
			}
			for i := range entries {
				entries[i].Labels = append(entries[i].Labels, labels...)
				entries[i].Curation = curation
			}
			return a.addEntries(args[0], bank, entries, replace)
		},
	}
	c.Flags().StringArrayVar(&labels, "label", nil, "label of the entries; may be repeated")
	c.Flags().StringSliceVar(&kinds, "kind", []string{"pdq"}, "kinds of hashes to make of media, several with commas; a single one also says what bare hashes are")
	c.Flags().StringVar(&note, "note", "", "a note to the entries")
	c.Flags().BoolVar(&replace, "replace", false, "put entries in the place of those of the same name, and forget what was said of these")
	c.Flags().StringVar(&from.Exchange, "exchange", "", "the exchange they came from")
	c.Flags().StringVar(&from.Member, "member", "", "who shared them there")
	c.Flags().StringVar(&from.Severity, "severity", "", "how severe they are, in the exchange's words")
	c.Flags().StringArrayVar(&from.Tags, "tag", nil, "a tag of the exchange's; may be repeated")
	bankFlag(c, &bank)
	media.add(c)
	a.workerFlag(c)
	return c
}

// newEntries makes entries of hashes and of what is at paths.
func newEntries(ctx context.Context, bar *progress, e *enrolment, args []string) ([]match.Entry, error) {
	var entries []match.Entry
	var paths []string
	for _, arg := range args {
		if _, err := os.Lstat(arg); err != nil {
			if v, ok := parseHash(arg); ok {
				entries = append(entries, match.Entry{ID: v.String(), Signals: []match.Signal{{Value: v, Quality: hash.Unmeasured}}})
				continue
			}
		}
		paths = append(paths, arg) // one that is not there is told like others
	}
	if len(paths) == 0 {
		return entries, nil
	}
	b, _, err := e.build(ctx, bar, match.Bank{Name: "new"}, paths)
	if err != nil {
		return nil, err
	}
	s, err := b.Snapshot()
	if err != nil {
		return nil, err
	}
	for entry, err := range s.Entries("new") {
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

func (a *app) addEntries(path, name string, entries []match.Entry, replace bool) error {
	l := addedLine{File: path}
	err := edit(path, func(m *match.Matcher) error {
		var err error
		if l.Bank, err = onlyBank(m, path, "--bank", name); err != nil {
			return err
		}
		given := make(map[string]bool)
		var fresh []match.Entry
		for _, e := range entries {
			_, there, err := m.Entry(l.Bank, e.ID)
			if err != nil {
				return err
			}
			if given[e.ID] || there && !replace {
				l.There++
				continue
			}
			given[e.ID] = true
			fresh = append(fresh, e)
		}
		l.Added = len(fresh)
		if err := m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: l.Bank}, Entries: fresh}); err != nil {
			return err
		}
		l.Entries = infoOf(m, l.Bank).Entries
		return nil
	})
	if err != nil {
		return err
	}
	return a.printAdded(l)
}

func (a *app) bankRemoveCommand() *cobra.Command {
	var (
		bank  string
		whole bool
	)
	c := &cobra.Command{
		Use:   "remove FILE ENTRY...",
		Short: "Remove entries from a bank, or the bank with --whole-bank",
		Long: `Remove entries from a bank, or all of the bank. What is removed is gone; "disable" keeps it
from matching and keeps it.` + editExits,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if whole != (len(args) == 1) {
				return usagef("name entries, or ask for the whole bank with --whole-bank")
			}
			l := addedLine{File: args[0]}
			err := edit(args[0], func(m *match.Matcher) error {
				var err error
				if l.Bank, err = onlyBank(m, args[0], "--bank", bank); err != nil {
					return err
				}
				before := infoOf(m, l.Bank).Entries
				if whole {
					l.Removed = before
					return m.RemoveBank(l.Bank)
				}
				ids := make([]match.Entry, len(args)-1)
				for i, id := range args[1:] {
					ids[i].ID = id
				}
				if err := allThere(m, l.Bank, args[1:]); err != nil {
					return err
				}
				if err := m.Apply(match.Change{Op: match.DropEntries, Bank: match.Bank{Name: l.Bank}, Entries: ids}); err != nil {
					return err
				}
				l.Entries = infoOf(m, l.Bank).Entries
				l.Removed = before - l.Entries
				return nil
			})
			if err != nil {
				return err
			}
			return a.printAdded(l)
		},
	}
	c.Flags().BoolVar(&whole, "whole-bank", false, "remove the bank with all its entries")
	bankFlag(c, &bank)
	return c
}
