package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// What the commands that change a bank file share.

// editExits ends the help of each of them.
const editExits = `

Exit codes: 0 done, 1 failure (nothing was changed: there is no such bank or entry, or
another process has the file open), 2 wrong usage.`

// anyRadius lets a file say whatever thresholds it likes.
func anyRadius() map[hash.Kind]int {
	most := make(map[hash.Kind]int)
	for _, k := range hash.Kinds() {
		if !k.IsDigest() {
			most[k] = k.Bits()
		}
	}
	return most
}

// edit changes a bank file. Each change is in its log at once; at the end the file is written
// anew.
func edit(path string, change func(m *match.Matcher) error) error {
	m, err := match.Open(path, match.Options{MaxRadius: anyRadius()})
	if err != nil {
		return fmt.Errorf("%s: %w", display(path), err)
	}
	if err = change(m); err == nil {
		err = m.Save()
	}
	if err = errors.Join(err, m.Close()); err != nil {
		return fmt.Errorf("%s: %w", display(path), err)
	}
	return nil
}

// bankFlag adds --bank.
func bankFlag(c *cobra.Command, name *string) {
	c.Flags().StringVar(name, "bank", "", "the bank in the file (default: its only one)")
}

// editSettings changes the settings of a bank and shows it.
func (a *app) editSettings(path, name string, change func(*match.Bank) error) error {
	err := edit(path, func(m *match.Matcher) error {
		var err error
		if name, err = onlyBank(m, path, "--bank", name); err != nil {
			return err
		}
		var refused error
		return errors.Join(m.EditBank(name, func(b *match.Bank) {
			before := *b
			if refused = change(b); refused != nil {
				*b = before
			}
		}), refused)
	})
	if err != nil {
		return err
	}
	return a.showBanks(path, shown{bank: name})
}

// editEntries changes entries, all or none, and shows them.
func (a *app) editEntries(path, name string, ids []string, change func(*match.Entry)) error {
	var changed []match.Entry
	var policy match.Policy
	err := edit(path, func(m *match.Matcher) error {
		var err error
		if name, err = onlyBank(m, path, "--bank", name); err != nil {
			return err
		}
		if err := allThere(m, name, ids); err != nil {
			return err
		}
		for _, id := range ids {
			if err := m.EditEntry(name, id, change); err != nil {
				return err
			}
			e, _, err := m.Entry(name, id)
			if err != nil {
				return err
			}
			changed = append(changed, e)
		}
		policy = policyOf(m, name)
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range changed {
		if err := a.printEntry(name, policy, e); err != nil {
			return err
		}
	}
	return nil
}

// allThere refuses entries that are not in a bank.
func allThere(s match.Set, bank string, ids []string) error {
	for _, id := range ids {
		_, ok, err := s.Entry(bank, id)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("bank %s has no entry %s", display(bank), display(id))
		}
	}
	return nil
}

func policyOf(s match.Set, bank string) match.Policy {
	for _, b := range s.Banks() {
		if b.Name == bank {
			return b.Policy
		}
	}
	return match.Policy{}
}

// entryCommand is a command that changes entries: NAME FILE ENTRY... with more arguments before
// the entries if it has some. change is made of these.
func (a *app) entryCommand(use, short, long string, more int, change func(args []string, now time.Time) (func(*match.Entry), error)) *cobra.Command {
	var bank string
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Long:  long + editExits,
		Args:  cobra.MinimumNArgs(2 + more),
		RunE: func(_ *cobra.Command, args []string) error {
			do, err := change(args[1:1+more], time.Now())
			if err != nil {
				return err
			}
			return a.editEntries(args[0], bank, args[1+more:], do)
		},
	}
	bankFlag(c, &bank)
	return c
}

// parseDate reads RFC 3339, or a day: its beginning in UTC.
func parseDate(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// parseWhen reads a date, or a time from now as 72h.
func parseWhen(text string, now time.Time) (time.Time, error) {
	if t, ok := parseDate(text); ok {
		return t, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d).UTC().Truncate(time.Second), nil
	}
	return time.Time{}, usagef("%q is no date; want 2026-12-31, 2026-12-31T12:00:00Z, or 72h from now", text)
}
