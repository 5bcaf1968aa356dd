package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// browseCommands show what is in banks.
func (a *app) browseCommands() []*cobra.Command {
	return []*cobra.Command{a.bankListCommand(), a.bankSearchCommand(), a.bankCountCommand(), a.bankStatsCommand(), a.bankExportCommand()}
}

// openBank opens a bank file and finds the bank in it that is meant.
func openBank(path, name string) (*match.Snapshot, string, error) {
	s, err := match.OpenSnapshot(path)
	if err != nil {
		return nil, "", err
	}
	name, err = onlyBank(s, path, "--bank", name)
	return s, name, err
}

// nextLine is the last line of a page that is not the last one.
type nextLine struct {
	Bank string `json:"bank"`
	Next string `json:"next"` // --after of the next page
}

func (a *app) bankListCommand() *cobra.Command {
	var (
		bank, after, state string
		limit              int
	)
	c := &cobra.Command{
		Use:   "list FILE",
		Short: "List the entries of a bank, page by page",
		Long: `List the entries of a bank, in a fixed order: up to --limit of them, after the entry that
--after names. Where there are more, the last line says how to go on.

Exit codes: 0 done, 1 failure, 2 wrong usage.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if limit < 1 {
				return usagef("--limit %d: want 1 or more", limit)
			}
			s, name, err := openBank(args[0], bank)
			if err != nil {
				return err
			}
			policy, left, last := infoOf(s, name).Policy, limit, ""
			for e, err := range s.EntriesAfter(name, after) {
				if err != nil {
					return err
				}
				if state != "" && e.State(policy, time.Now()) != state {
					continue
				}
				if left == 0 {
					if a.json {
						return printJSON(a.stdout, nextLine{name, last})
					}
					_, err := fmt.Fprintf(a.stdout, "  and more: --after %s\n", display(last))
					return err
				}
				left, last = left-1, e.ID
				if err := a.printEntry(name, policy, e); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&after, "after", "", "the entry before the first one of the page")
	c.Flags().IntVar(&limit, "limit", 100, "how many entries to list")
	c.Flags().StringVar(&state, "state", "", "only those that are: disabled, expired, report, shadow or ignore")
	bankFlag(c, &bank)
	return c
}

// countLine is a line of "rematch bank count".
type countLine struct {
	Bank    string         `json:"bank"`
	Entries int            `json:"entries"`
	Videos  int            `json:"videos"`
	Kinds   map[string]int `json:"kinds"` // hashes that can match
}

func (a *app) bankCountCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "count FILE",
		Short: "Count the entries of the banks in a file, at once",
		Long: `Count the entries of the banks in a file. It reads none of them; "stats" does.

Exit codes: 0 done, 1 failure, 2 wrong usage.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := match.OpenSnapshot(args[0])
			if err != nil {
				return err
			}
			for _, b := range s.Banks() {
				l := countLine{Bank: b.Name, Entries: b.Entries, Videos: b.Videos, Kinds: kindNames(b.Signals)}
				if a.json {
					err = printJSON(a.stdout, l)
				} else {
					_, err = fmt.Fprintf(a.stdout, "%9d  %s\n", l.Entries, display(l.Bank))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func kindNames(kinds map[hash.Kind]int) map[string]int {
	names := make(map[string]int, len(kinds))
	for k, n := range kinds {
		names[k.String()] = n
	}
	return names
}

// statsLine is a line of "rematch bank stats".
type statsLine struct {
	Bank      string               `json:"bank"`
	Entries   int                  `json:"entries"`
	Videos    int                  `json:"videos"`
	Report    int                  `json:"report"` // entries that match, were the bank enabled and rolled out to all
	Shadow    int                  `json:"shadow"`
	Ignore    int                  `json:"ignore"`
	Disabled  int                  `json:"disabled"`
	Expired   int                  `json:"expired"`
	SetAside  int                  `json:"set_aside"` // entries in quarantine; they are also in one of the above
	Unusable  int                  `json:"unusable"`  // hashes that match nothing; "set_aside" of "show"
	Opinions  map[match.Stance]int `json:"opinions"`
	Exchanges map[string]int       `json:"exchanges"` // "": ours
	Kinds     map[string]int       `json:"kinds"`     // all hashes
}

func (a *app) bankStatsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stats FILE",
		Short: "Count the entries of the banks in a file by their state, opinions and origin",
		Long: `Count the entries of the banks in a file by what becomes of their matches, by opinions and
by origin. It reads all of them: a million take some seconds.

Exit codes: 0 done, 1 failure, 2 wrong usage.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := match.OpenSnapshot(args[0])
			if err != nil {
				return err
			}
			for _, b := range s.Banks() {
				stats, err := match.Statistics(s, b.Name, time.Now())
				if err != nil {
					return err
				}
				l := statsLine{Bank: b.Name, Entries: stats.Entries, Videos: stats.Videos, Report: stats.Reported, Shadow: stats.Shadowed, Ignore: stats.Ignored,
					Disabled: stats.Disabled, Expired: stats.Expired, SetAside: stats.SetAside, Unusable: b.Quarantined,
					Opinions: stats.Stances, Exchanges: stats.Exchanges, Kinds: kindNames(stats.Signals)}
				if a.json {
					err = printJSON(a.stdout, l)
				} else {
					_, err = fmt.Fprintf(a.stdout, "%s: %s: %d report, %d shadow, %d ignore, %d disabled, %d expired; %d set aside in quarantine\n",
						display(l.Bank), count(l.Entries, "entry", "entries"), l.Report, l.Shadow, l.Ignore, l.Disabled, l.Expired, l.SetAside)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// exportLine is a line of "rematch bank export --format json".
type exportLine struct {
	entryLine
	Hashes []hash.Value `json:"hashes"` // "pdq:f8f8..."
}

func (a *app) bankExportCommand() *cobra.Command {
	var bank, format, output string
	c := &cobra.Command{
		Use:   "export FILE",
		Short: "Write a bank as a hash list, or as JSON",
		Long: `Write the entries of a bank: as a hash list, a line for each hash, which "bank build" and
"bank add" read again; or as JSON, a line for each entry with all that is said of it.

Exit codes: 0 done, 1 failure, 2 wrong usage.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "list" && format != "json" {
				return usagef("--format %q: want list or json", format)
			}
			s, name, err := openBank(args[0], bank)
			if err != nil {
				return err
			}
			write := func(w io.Writer) error { return exportBank(w, s, name, format == "json" || a.json) }
			if output != "" {
				return replaceFile(output, write)
			}
			out := bufio.NewWriter(a.stdout)
			return errors.Join(write(out), out.Flush())
		},
	}
	c.Flags().StringVar(&format, "format", "list", "list or json (as --json is)")
	c.Flags().StringVarP(&output, "output", "o", "", "the `FILE` to write (default: standard output)")
	bankFlag(c, &bank)
	return c
}

func exportBank(w io.Writer, s *match.Snapshot, bank string, asJSON bool) error {
	policy := infoOf(s, bank).Policy
	for e, err := range s.Entries(bank) {
		if err != nil {
			return err
		}
		l := exportLine{Hashes: make([]hash.Value, len(e.Signals))}
		for i := range e.Signals {
			l.Hashes[i] = e.Signals[i].Value
		}
		if asJSON {
			l.entryLine = newEntryLine(bank, policy, e)
			err = printJSON(w, l)
		} else {
			for _, v := range l.Hashes {
				if _, err = fmt.Fprintln(w, v); err != nil {
					break
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
