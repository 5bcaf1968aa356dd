package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/store"
)

// What the commands that change a bank file, or a bank of a store, share.

// editExits ends the help of each of them.
const editExits = `

Exit codes: 0 done, 1 failure (nothing was changed: there is no such bank or entry, or
another process has the file open), 2 wrong usage.`

// storeExits ends the help of those that also change a store.
const storeExits = `

With --store URL --by NAME in place of FILE, in a bank of that store.` + editExits

// place is where a bank is changed: a bank file, which is the first argument, or a store.
type place struct {
	who
	bank, file string
	signs      bool // --by says something of a file as well
}

func (p *place) add(c *cobra.Command) {
	c.Flags().StringVar(&p.bank, "bank", "", "the bank in the file or store (default: its only one)")
	c.Flags().StringVar(&p.url, "store", "", "in place of FILE "+storeUsage)
	c.Flags().StringVar(&p.by, "by", "", "the `NAME` of who decides or does it")
	p.addReason(c)
}

// take takes the file from the arguments, of which least others must be left.
func (p *place) take(args []string, least int) (rest []string, err error) {
	switch {
	case p.url != "" && p.by == "":
		return nil, usagef("--by NAME is missing: who does it")
	case p.url == "" && (p.by != "" && !p.signs || p.reason != ""):
		return nil, usagef("--by and --reason are for the audit of a --store")
	case p.url == "" && len(args) < 1+least:
		return nil, usagef("want FILE (or --store), and %d arguments after it at least", least)
	case p.url == "":
		p.file, args = args[0], args[1:]
	case len(args) < least:
		return nil, usagef("want %d arguments at least", least)
	}
	return args, nil
}

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

// switchBank enables a bank of a place or disables it, and shows it.
func (a *app) switchBank(ctx context.Context, p *place, disabled bool) error {
	if p.url == "" {
		return a.editSettings(p.file, p.bank, func(b *match.Bank) error { b.Disabled = disabled; return nil })
	}
	return withStore(ctx, p.url, false, func(s *store.Store) error {
		var info match.BankInfo
		c := store.Change{Change: match.Change{Op: match.PutBank}, Reason: p.reason}
		err := s.Read(ctx, func(v *store.View) error {
			name, err := onlyBank(v, "the store", "--bank", p.bank)
			if err != nil {
				return err
			}
			info = infoOf(v, name)
			info.Disabled = disabled
			c.Bank = info.Settings()
			version, err := v.Version(name, "")
			c.Expect = []int64{version}
			return err
		})
		if err == nil {
			_, err = s.Apply(ctx, p.actor(), c)
		}
		if err != nil {
			return err
		}
		if a.json { // what it has of each kind, and set aside, only a Matcher tells
			return printJSON(a.stdout, struct {
				Bank     string `json:"bank"`
				Entries  int    `json:"entries"`
				Disabled bool   `json:"disabled"`
			}{info.Name, info.Entries, info.Disabled})
		}
		return a.printBank("store", info, nil, 0)
	})
}

// editEntries changes entries of a place, all or none, and shows them.
func (a *app) editEntries(ctx context.Context, p *place, ids []string, change func(*match.Entry)) error {
	e := edited{bank: p.bank}
	var err error
	if p.url == "" {
		err = edit(p.file, func(m *match.Matcher) error { return e.inFile(m, p.file, ids, change) })
	} else {
		err = withStore(ctx, p.url, false, func(s *store.Store) error { return e.inStore(ctx, s, &p.who, ids, change) })
	}
	if err != nil {
		return err
	}
	for _, entry := range e.entries {
		if err := a.printEntry(e.bank, e.policy, entry); err != nil {
			return err
		}
	}
	return nil
}

// edited are entries of a bank after a change.
type edited struct {
	bank    string
	policy  match.Policy
	entries []match.Entry
}

// find finds the bank, which must have the entries.
func (e *edited) find(s match.Set, where string, ids []string) (err error) {
	if e.bank, err = onlyBank(s, where, "--bank", e.bank); err != nil {
		return err
	}
	e.policy = infoOf(s, e.bank).Policy
	return allThere(s, e.bank, ids)
}

func (e *edited) inFile(m *match.Matcher, path string, ids []string, change func(*match.Entry)) error {
	if err := e.find(m, path, ids); err != nil {
		return err
	}
	for _, id := range ids {
		if err := m.EditEntry(e.bank, id, change); err != nil {
			return err
		}
		entry, _, err := m.Entry(e.bank, id)
		if err != nil {
			return err
		}
		e.entries = append(e.entries, entry)
	}
	return nil
}

// inStore is ErrConflict where somebody else changes an entry meanwhile.
func (e *edited) inStore(ctx context.Context, s *store.Store, w *who, ids []string, change func(*match.Entry)) error {
	var changes []store.Change
	err := s.Read(ctx, func(v *store.View) error {
		if err := e.find(v, "the store", ids); err != nil {
			return err
		}
		for i, id := range ids {
			if slices.Contains(ids[:i], id) {
				continue
			}
			entry, _, err := v.Entry(e.bank, id)
			if err != nil {
				return err
			}
			version, err := v.Version(e.bank, id)
			if err != nil {
				return err
			}
			entry.Curation = entry.Curation.Clone()
			change(&entry)
			e.entries = append(e.entries, entry)
			changes = append(changes, store.Change{Change: match.Change{Op: match.SetEntry, Bank: match.Bank{Name: e.bank}, Entries: []match.Entry{entry}}, Expect: []int64{version}, Reason: w.reason})
		}
		return nil
	})
	if err == nil {
		_, err = s.Apply(ctx, w.actor(), changes...)
	}
	return err
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

// infoOf returns what is told of a bank; zero: there is none of that name.
func infoOf(s match.Set, bank string) match.BankInfo {
	for _, b := range s.Banks() {
		if b.Name == bank {
			return b
		}
	}
	return match.BankInfo{}
}

// entryCommand is a command that changes entries: NAME FILE ENTRY... with more arguments before
// the entries if it has some. change is made of these.
func (a *app) entryCommand(use, short, long string, more int, change func(p *place, args []string, now time.Time) (func(*match.Entry), error)) (*cobra.Command, *place) {
	var p place
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Long:  long + storeExits,
		Args:  cobra.MinimumNArgs(1 + more),
		RunE: func(c *cobra.Command, args []string) error {
			rest, err := p.take(args, 1+more)
			if err != nil {
				return err
			}
			do, err := change(&p, rest[:more], time.Now())
			if err != nil {
				return err
			}
			return a.editEntries(c.Context(), &p, rest[more:], do)
		},
	}
	p.add(c)
	return c, &p
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
