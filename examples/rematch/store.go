package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/store"
)

const storeUsage = "the store's `URL`: postgres://... or the path of a SQLite file"

// storeFlag adds --store, which must be given.
func storeFlag(c *cobra.Command, url *string) {
	c.Flags().StringVar(url, "store", "", storeUsage)
	_ = c.MarkFlagRequired("store")
}

// who is the flags of those who change something in a store.
type who struct{ url, by, reason string }

// add adds --store and --by; not every change of some commands needs a name.
func (w *who) add(c *cobra.Command, required bool) {
	storeFlag(c, &w.url)
	c.Flags().StringVar(&w.by, "by", "", "the `NAME` of who does it, for the audit")
	if required {
		_ = c.MarkFlagRequired("by")
	}
}

func (w *who) addReason(c *cobra.Command) {
	c.Flags().StringVar(&w.reason, "reason", "", "why, for the audit, which is kept for good: nothing personal")
}

func (w *who) actor() store.Actor { return store.Actor{Type: store.Reviewer, ID: w.by} }

// withStore opens a store for a command. An empty one is not made by reading.
func withStore(ctx context.Context, url string, make bool, use func(s *store.Store) error) error {
	path, _ := strings.CutPrefix(url, "sqlite:")
	if !make && !strings.Contains(url, "://") {
		if _, err := os.Stat(path); err != nil {
			return err
		}
	}
	s, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return err
	}
	return errors.Join(use(s), s.Close())
}

// storeSnapshot reads all banks of a store.
func storeSnapshot(ctx context.Context, url string) (*match.Snapshot, error) {
	var b match.Builder
	err := withStore(ctx, url, false, func(s *store.Store) error {
		return s.Read(ctx, func(v *store.View) error { return v.Build(&b) })
	})
	if err != nil {
		return nil, err
	}
	return b.Snapshot()
}

// auditLine is the line of "rematch audit verify" and, with the banks' file, of "rematch bank
// verify --store".
type auditLine struct {
	Store    string `json:"store"` // its ID
	File     string `json:"file,omitempty"`
	OK       bool   `json:"ok"`
	Position string `json:"position"` // up to which all is well; keep it, and give it to --known
	Events   int64  `json:"events"`
	Error    string `json:"error,omitempty"`
	Event    int64  `json:"bad_event,omitempty"` // the first event, bank or entry that does not fit
	Bank     string `json:"bad_bank,omitempty"`
	Entry    string `json:"bad_entry,omitempty"`
}

// tellAudit prints what a verification came to, and returns the error that ends the program.
func (a *app) tellAudit(s *store.Store, file string, at store.Position, failed error, well string) error {
	line := auditLine{Store: fmt.Sprintf("%x", s.ID()), File: file, OK: failed == nil, Position: at.String(), Events: at.Seq}
	if failed == nil && !a.json {
		_, err := fmt.Fprintf(a.stdout, "%s\nposition %s\n", well, at)
		return err
	}
	if failed != nil && !a.json {
		return failed
	}
	if failed != nil {
		line.Position, line.Events, line.Error = "", 0, message(failed)
		if bad, ok := errors.AsType[*store.AuditError](failed); ok {
			line.Event, line.Bank, line.Entry = bad.Event, bad.Bank, bad.Entry
		}
	}
	if err := printJSON(a.stdout, line); err != nil || failed == nil {
		return err
	}
	return codeError(exitFailure)
}

func (a *app) auditCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "Show and check who changed what in a store",
		Args:  cobra.NoArgs,
		RunE:  needsCommand,
	}
	c.AddCommand(a.auditVerifyCommand(), a.auditShowCommand())
	return c
}

func (a *app) auditVerifyCommand() *cobra.Command {
	var url string
	var known []string
	c := &cobra.Command{
		Use:   "verify --store URL",
		Short: "Prove that the audit is whole, and that the store is what it says",
		Long: `Read all events and all tables of a store: events are numbered without gaps, each has
the hash of its content and of the one before, and banks and entries made from them
again are those in the tables. The first thing that does not fit is named.

Who can rewrite the whole store can rewrite the chain. Write the position that is
printed down elsewhere, and give it to --known later.`,
		Example: `  rematch audit verify --store banks.db
  rematch audit verify --store postgres://rematch@db/rematch --known 1234:9f86d0...`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			positions := make([]store.Position, len(known))
			for i, k := range known {
				p, err := store.ParsePosition(k)
				if err != nil {
					return usagef("--known: %w", err)
				}
				positions[i] = p
			}
			return withStore(c.Context(), url, false, func(s *store.Store) error {
				at, err := s.VerifyAudit(c.Context(), positions...)
				return a.tellAudit(s, "", at, err, fmt.Sprintf("%s, and nothing is wrong with them: banks and entries are what they say", count(int(at.Seq), "event", "events")))
			})
		},
	}
	storeFlag(c, &url)
	c.Flags().StringArrayVar(&known, "known", nil, "a `POSITION` that was printed before, and must still hold; may be repeated")
	return c
}

func (a *app) auditShowCommand() *cobra.Command {
	var url string
	var after int64
	c := &cobra.Command{
		Use:   "show --store URL",
		Short: "Print events, one JSON object a line",
		Long: `Print the events of a store as they are kept, one JSON object a line; the members are
described in the documentation of match/store.`,
		Example: `  rematch audit show --store banks.db | jq 'select(.match.bank == "list")'`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), url, false, func(s *store.Store) error {
				for e, err := range s.Changes(c.Context(), store.Position{}) {
					if err != nil {
						return err
					}
					if e.Seq <= after {
						continue
					}
					if _, err := fmt.Fprintf(a.stdout, "%s\n", e.JSON); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	storeFlag(c, &url)
	c.Flags().Int64Var(&after, "after", 0, "leave out the events up to this `NUMBER`")
	return c
}

// bankVerifyStore proves that the index made from a store, or from a snapshot and the changes
// since, is what is in the store.
func (a *app) bankVerifyStore(ctx context.Context, url, file string) error {
	if file != "" {
		if _, err := os.Stat(file); err != nil {
			return err
		}
	}
	return withStore(ctx, url, false, func(s *store.Store) error {
		at, err := s.VerifyIndex(ctx, file)
		well := "the index made from the store has what the store has"
		if file != "" {
			well = fmt.Sprintf("%s and the changes since have what the store has", display(file))
		}
		return a.tellAudit(s, file, at, err, well)
	})
}

func (a *app) bankImportCommand() *cobra.Command {
	var w who
	c := &cobra.Command{
		Use:   "import --store URL --by REVIEWER FILE...",
		Short: "Put the banks of bank files into a store",
		Long: `Put the banks of bank files, with all their entries, into a store, which is made where
there is none. Banks that are there get the settings of the file; entries that are there
are replaced, and others stay. Doing it twice changes nothing the second time.`,
		Example: `  rematch bank import --store banks.db --by ann list.bank`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), w.url, true, func(s *store.Store) error {
				for _, path := range args {
					file, err := match.OpenSnapshot(path)
					if err == nil {
						err = a.importFile(c.Context(), s, &w, path, file)
					}
					if err != nil {
						return fmt.Errorf("%s: %w", display(path), err)
					}
				}
				return nil
			})
		},
	}
	w.add(c, true)
	w.addReason(c)
	return c
}

func (a *app) importFile(ctx context.Context, s *store.Store, w *who, path string, file *match.Snapshot) error {
	for _, info := range file.Banks() {
		bank := store.Change{Change: match.Change{Op: match.PutBank, Bank: info.Settings()}, Reason: w.reason}
		if _, err := s.Apply(ctx, w.actor(), bank); err != nil {
			return err
		}
		changed, at, err := s.Import(ctx, w.actor(), info.Name, file.Entries(info.Name))
		if err != nil {
			return err
		}
		if a.json {
			err = printJSON(a.stdout, struct {
				File     string `json:"file"`
				Bank     string `json:"bank"`
				Entries  int    `json:"entries"`
				Changed  int    `json:"changed"` // new, or other than what was there
				Position string `json:"position"`
			}{path, info.Name, info.Entries, changed, at.String()})
		} else {
			_, err = fmt.Fprintf(a.stdout, "%s: %s, %d of them new or changed\n", display(info.Name), count(info.Entries, "entry", "entries"), changed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
