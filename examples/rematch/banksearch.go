package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

func (a *app) bankSearchCommand() *cobra.Command {
	var (
		bank   string
		radius int
		text   bool
	)
	c := &cobra.Command{
		Use:   "search FILE HASH|TEXT",
		Short: "Search a bank file by a hash or a text",
		Long: `Search the banks of a file: for the entries nearest to a hash ("f8f8...", "md5:9dd4..."), within
its kind's threshold or --radius; or for a text in ID, labels, note, tags, origin, opinions.
What is disabled or expired is listed as well.

Exit codes: 0 nothing was found, 3 something was, 1 failure, 2 wrong usage.`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := match.OpenSnapshot(args[0])
			if err != nil {
				return err
			}
			banks := s.Banks()
			if bank != "" {
				if _, err := onlyBank(s, args[0], "--bank", bank); err != nil {
					return err
				}
				one := match.BankInfo{}
				for _, b := range banks {
					if b.Name == bank {
						one = b
					}
				}
				banks = []match.BankInfo{one}
			}
			found := false
			if v, ok := parseHash(args[1]); ok && !text {
				if !c.Flags().Changed("radius") {
					radius = v.Kind().Threshold()
				}
				if radius < 0 || radius > v.Kind().Bits() || v.Kind().IsDigest() && radius != 0 {
					return usagef("--radius %d: want 0 to %d bits, and 0 for digests", radius, v.Kind().Bits())
				}
				found, err = a.searchHash(s, banks, v, radius)
			} else {
				found, err = a.searchText(s, banks, args[1])
			}
			if err == nil && found {
				return codeError(exitMatch)
			}
			return err
		},
	}
	c.Flags().StringVar(&bank, "bank", "", "only this bank")
	c.Flags().IntVar(&radius, "radius", 0, "how many bits may differ, inclusive (default: the kind's threshold)")
	c.Flags().BoolVar(&text, "text", false, "it is a text, even if it could be a hash")
	return c
}

// parseHash reads a hash with its kind, or one of which the length tells it.
func parseHash(text string) (hash.Value, bool) {
	if v, err := hash.Parse(text); err == nil {
		return v, true
	}
	for _, k := range []hash.Kind{hash.PDQ, hash.MD5, hash.SHA1} {
		if v, err := hash.ParseHex(k, text); err == nil {
			return v, true
		}
	}
	return hash.Value{}, false
}

func (a *app) searchHash(s *match.Snapshot, banks []match.BankInfo, v hash.Value, radius int) (found bool, err error) {
	m, err := match.New(match.Options{MaxRadius: anyRadius(), MaxMatches: -1})
	if err != nil {
		return false, err
	}
	if err := m.Load(s); err != nil {
		return false, err
	}
	near, err := m.Nearest(v, radius)
	if err != nil {
		return false, err
	}
	for _, n := range near.Matches {
		for _, b := range banks {
			if b.Name != n.Entry.Bank {
				continue
			}
			found = true
			if !a.json {
				if _, err := fmt.Fprintf(a.stdout, "%3d bits\n", n.Evidence.Distance); err != nil {
					return found, err
				}
			}
			e, _, err := m.Entry(b.Name, n.Entry.ID)
			if err == nil {
				err = a.printFound(b, e, &n.Evidence.Distance)
			}
			if err != nil {
				return found, err
			}
		}
	}
	return found, nil
}

func (a *app) searchText(s *match.Snapshot, banks []match.BankInfo, text string) (found bool, err error) {
	for _, b := range banks {
		for e, err := range match.Find(s, b.Name, text) {
			if err == nil {
				found = true
				err = a.printFound(b, e, nil)
			}
			if err != nil {
				return found, err
			}
		}
	}
	return found, nil
}

// printFound prints an entry that was found, and how near it is.
func (a *app) printFound(b match.BankInfo, e match.Entry, distance *int) error {
	if a.json {
		l := newEntryLine(b.Name, b.Policy, e)
		return printJSON(a.stdout, struct {
			Distance *int `json:"distance"` // bits; null: a text was looked for
			entryLine
		}{distance, l})
	}
	return a.printEntry(b.Name, b.Policy, e)
}
