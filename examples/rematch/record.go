package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/match/record"
	"github.com/rematch-go/rematch/match/store"
)

func (a *app) recordCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "record",
		Short: "Show records of verdicts, decide of them, hold and remove them",
		Long: `Records of verdicts are kept in a store by "rematch scan --records", or by a program that
uses the library. Each is a JSON document with a published schema.`,
		Args: cobra.NoArgs,
		RunE: needsCommand,
	}
	c.AddCommand(a.recordListCommand(), a.recordShowCommand(), a.recordDecideCommand(), a.recordPreserveCommand(), a.recordRetentionCommand(), a.recordPurgeCommand(), a.recordSchemaCommand())
	return c
}

func (a *app) recordListCommand() *cobra.Command {
	var url, from, to, class, after string
	var q store.RecordQuery
	var limit int
	c := &cobra.Command{
		Use:   "list --store URL",
		Short: "List records by when the uploads were screened",
		Long: `List records by when the uploads were screened, the oldest first. With --json each is a
line, the whole document.`,
		Example: `  rematch record list --store banks.db --outcome match --status undecided
  rematch record list --store banks.db --bank terror --from 2026-03-01 --json | jq .upload.id`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if q.From, err = parseMoment("--from", from); err != nil {
				return err
			}
			if q.To, err = parseMoment("--to", to); err != nil {
				return err
			}
			if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
				return usagef("--from %s is not before --to %s", from, to)
			}
			if q.Class = record.Class(class); class != "" && !slices.Contains(record.Classes(), q.Class) {
				return usagef("--outcome %q: want match, not_judged, suppressed, shadow or no_match", class)
			}
			switch q.Status {
			case "", record.Confirmed, record.Overturned, store.Undecided:
			default:
				return usagef("--status %q: want confirmed, overturned or undecided", q.Status)
			}
			if limit < 1 {
				return usagef("--limit %d: want 1 at least", limit)
			}
			return withStore(c.Context(), url, false, func(s *store.Store) error {
				return s.Read(c.Context(), func(v *store.View) error {
					if after != "" {
						r, err := findRecord(v, after)
						if err != nil {
							return err
						}
						q.After = store.Cursor{At: r.ScreenedAt, ID: r.ID}
					}
					n, last := 0, ""
					for r, err := range v.Records(q) {
						if err != nil {
							return err
						}
						if n++; n > limit {
							if !a.json {
								_, err = fmt.Fprintf(a.stdout, "There are more: --after %s\n", display(last))
							}
							return err
						}
						if err := a.printRecord(r, false); err != nil {
							return err
						}
						last = r.ID
					}
					return nil
				})
			})
		},
	}
	storeFlag(c, &url)
	c.Flags().StringVar(&from, "from", "", "screened at this date or later: 2026-03-01, or 2026-03-01T12:00:00Z")
	c.Flags().StringVar(&to, "to", "", "screened before this date")
	c.Flags().StringVar(&q.Bank, "bank", "", "that matched entries of this bank, also in shadow or suppressed")
	c.Flags().StringVar(&class, "outcome", "", "match, not_judged, suppressed, shadow or no_match")
	c.Flags().StringVar(&q.Status, "status", "", "confirmed, overturned or undecided")
	c.Flags().StringVar(&q.Upload, "upload", "", "of the upload with this ID")
	c.Flags().StringVar(&after, "after", "", "begin behind the record with this `ID`: for pages")
	c.Flags().IntVar(&limit, "limit", 100, "list so many at most")
	c.Flags().BoolVar(&q.Newest, "newest", false, "the newest first")
	return c
}

func (a *app) recordShowCommand() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:   "show --store URL RECORD...",
		Short: "Show records, with the evidence and what was decided",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, ids []string) error {
			return withStore(c.Context(), url, false, func(s *store.Store) error { return a.showRecords(c.Context(), s, ids) })
		},
	}
	storeFlag(c, &url)
	return c
}

func (a *app) showRecords(ctx context.Context, s *store.Store, ids []string) error {
	return s.Read(ctx, func(v *store.View) error {
		for _, id := range ids {
			r, err := findRecord(v, id)
			if err == nil {
				err = a.printRecord(r, true)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func findRecord(v *store.View, id string) (*record.Record, error) {
	r, ok, err := v.Record(id)
	if err == nil && !ok {
		err = fmt.Errorf("there is no record %s", display(id))
	}
	return r, err
}

func (a *app) recordDecideCommand() *cobra.Command {
	var w who
	var d record.Decision
	var confirm, overturn bool
	var seen int
	c := &cobra.Command{
		Use:   "decide --store URL --by REVIEWER --confirm|--overturn RECORD",
		Short: "Decide whether what matched is the known content",
		Long: `Decide of a record: confirm that the upload is the known content, or overturn that. It is
kept with the record, and in the audit without the note. A second decision stands before the
first. With --bank, and --entry, it is of those matches alone.`,
		Example: `  rematch record decide --store banks.db --by ann --overturn --note 'a news report' 0b5f...`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, ids []string) error {
			switch {
			case confirm == overturn:
				return usagef("want one of --confirm and --overturn")
			case confirm:
				d.Status = record.Confirmed
			default:
				d.Status = record.Overturned
			}
			if seen < -1 {
				return usagef("--seen %d: want how many decisions the record had when you looked", seen)
			}
			return withStore(c.Context(), w.url, false, func(s *store.Store) error {
				if _, err := s.Decide(c.Context(), w.actor(), ids[0], d, seen); err != nil {
					return err
				}
				return a.showRecords(c.Context(), s, ids)
			})
		},
	}
	w.add(c, true)
	c.Flags().BoolVar(&confirm, "confirm", false, "it is the known content")
	c.Flags().BoolVar(&overturn, "overturn", false, "it is not: the match is false, or the entry wrong")
	c.Flags().StringVar(&d.Bank, "bank", "", "of matches of this bank alone")
	c.Flags().StringVar(&d.Entry, "entry", "", "of matches of this entry alone")
	c.Flags().StringVar(&d.Note, "note", "", "why; it is removed with the record")
	c.Flags().IntVar(&seen, "seen", -1, "fail if the record has not `NUMBER` decisions: somebody else was faster")
	return c
}

// holds are for how long the law asks to preserve: Regulation (EU) 2021/784, Article 6, and 18
// U.S.C. 2258A(h).
var holds = map[string]func(time.Time) time.Time{
	"tco":   func(t time.Time) time.Time { return t.AddDate(0, 6, 0) },
	"2258a": func(t time.Time) time.Time { return t.AddDate(1, 0, 0) },
}

func (a *app) recordPreserveCommand() *cobra.Command {
	var w who
	var until, law string
	var lift bool
	c := &cobra.Command{
		Use:   "preserve --store URL --by NAME --until DATE|--for LAW|--lift RECORD...",
		Short: "Hold records: they are not removed before a date, whatever the retention",
		Long: `Hold records: they are not removed before a date, whatever the retention. A later date that
is set already stays, for one law does not shorten what another asks: --lift it first.`,
		Example: `  rematch record preserve --store banks.db --by ann --for tco --reason 'order 17/2026' 0b5f...
  rematch record preserve --store banks.db --by ann --lift --reason 'proceedings ended' 0b5f...`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, ids []string) (err error) {
			n := 0
			for _, given := range []bool{until != "", law != "", lift} {
				if given {
					n++
				}
			}
			if n != 1 {
				return usagef("want one of --until, --for and --lift")
			}
			var at time.Time
			switch {
			case until != "":
				if at, err = parseWhen(until, time.Now()); err != nil {
					return err
				}
			case law != "":
				hold := holds[law]
				if hold == nil {
					return usagef("--for %q: want tco (six months) or 2258a (a year)", law)
				}
				at = hold(time.Now()).UTC().Truncate(time.Second)
			}
			return withStore(c.Context(), w.url, false, func(s *store.Store) error {
				if _, _, err := s.Preserve(c.Context(), w.actor(), at, w.reason, ids...); err != nil {
					return err
				}
				return a.showRecords(c.Context(), s, ids)
			})
		},
	}
	w.add(c, true)
	w.addReason(c)
	c.Flags().StringVar(&until, "until", "", "until this date, or for this time (4320h)")
	c.Flags().StringVar(&law, "for", "", "from now on for as long as a `LAW` asks: tco (Regulation (EU) 2021/784: six months) or 2258a (18 U.S.C. 2258A: a year)")
	c.Flags().BoolVar(&lift, "lift", false, "no longer")
	return c
}

// retentionLine is the retention in hours; 0: for good.
type retentionLine struct {
	Matched    float64 `json:"match_hours"`
	NotJudged  float64 `json:"not_judged_hours"`
	Suppressed float64 `json:"suppressed_hours"`
	Shadowed   float64 `json:"shadow_hours"`
	Clean      float64 `json:"no_match_hours"`
	Reviewed   float64 `json:"reviewed_hours"`
	Counts     float64 `json:"counts_hours"`
}

func (a *app) recordRetentionCommand() *cobra.Command {
	var w who
	kinds := []struct {
		flag, about string
		of          func(r *store.Retention) *time.Duration
	}{
		{"match", "of records of uploads that matched", func(r *store.Retention) *time.Duration { return &r.Matched }},
		{"not-judged", "that were not judged", func(r *store.Retention) *time.Duration { return &r.NotJudged }},
		{"suppressed", "that an allow-list suppressed", func(r *store.Retention) *time.Duration { return &r.Suppressed }},
		{"shadow", "that matched in shadow only", func(r *store.Retention) *time.Duration { return &r.Shadowed }},
		{"no-match", "that matched nothing", func(r *store.Retention) *time.Duration { return &r.Clean }},
		{"reviewed", "that somebody decided of, from the last decision", func(r *store.Retention) *time.Duration { return &r.Reviewed }},
		{"counts", "of the numbers of uploads by the hour", func(r *store.Retention) *time.Duration { return &r.Counts }},
	}
	given := make([]string, len(kinds))
	c := &cobra.Command{
		Use:   "retention --store URL [--by NAME --match 4320h ...]",
		Short: "Show or set for how long records are kept",
		Long: `Show for how long records are kept, and set it where a time is given: 4320h, 180d, or 0 for
good. What is over it is removed by "rematch record purge", unless it is to be preserved.
A report counts what there is: keep records for as long as they are reported of.`,
		Example: `  rematch record retention --store banks.db --by ann --no-match 720h --not-judged 90d --counts 0`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			lengths := make(map[int]time.Duration) // of kinds
			for i, k := range kinds {
				if c.Flags().Changed(k.flag) {
					d, err := parseRetention(k.flag, given[i])
					if err != nil {
						return err
					}
					lengths[i] = d
				}
			}
			if len(lengths) > 0 && w.by == "" {
				return usagef("--by: who sets it?")
			}
			return withStore(c.Context(), w.url, false, func(s *store.Store) error {
				var r store.Retention
				err := s.Read(c.Context(), func(v *store.View) (err error) { r, err = v.Retention(); return err })
				if err != nil {
					return err
				}
				if len(lengths) > 0 {
					seen := r
					for i, d := range lengths {
						*kinds[i].of(&r) = d
					}
					if _, err := s.SetRetention(c.Context(), w.actor(), r, &seen, w.reason); err != nil {
						return err
					}
				}
				if a.json {
					return printJSON(a.stdout, retentionLine{r.Matched.Hours(), r.NotJudged.Hours(), r.Suppressed.Hours(), r.Shadowed.Hours(), r.Clean.Hours(), r.Reviewed.Hours(), r.Counts.Hours()})
				}
				for _, k := range kinds {
					length := "for good"
					if d := *k.of(&r); d > 0 {
						length = d.String()
					}
					if _, err := fmt.Fprintf(a.stdout, "%-11s %s\n", k.flag, length); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	w.add(c, false)
	w.addReason(c)
	for i, k := range kinds {
		c.Flags().StringVar(&given[i], k.flag, "", "the `TIME` "+k.about)
	}
	return c
}

// parseRetention reads a time that things are kept: days, or what Go takes for a duration.
func parseRetention(flag, text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && strconv.Itoa(n) == days && n >= 0 && n <= 100*365 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && (d == 0 || d >= time.Second) {
		return d, nil
	}
	return 0, usagef("--%s %q: want a time such as 4320h or 180d, or 0 for good", flag, text)
}

func (a *app) recordPurgeCommand() *cobra.Command {
	var w who
	c := &cobra.Command{
		Use:   "purge --store URL --by NAME",
		Short: "Remove what is over its retention, and not to be preserved",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), w.url, false, func(s *store.Store) error {
				p, err := s.Purge(c.Context(), w.actor(), w.reason)
				if p.Records == nil {
					return err
				}
				return errors.Join(err, a.printPurged(&p))
			})
		},
	}
	w.add(c, true)
	w.addReason(c)
	return c
}

func (a *app) recordSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of records",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.stdout.Write(record.Schema())
			return err
		},
	}
}

// parseMoment reads a date of the command line; empty: the zero time.
func parseMoment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, ok := parseDate(text); ok {
		return t, nil
	}
	return time.Time{}, usagef("%s %q: want a date such as 2026-03-01, or 2026-03-01T12:00:00Z", flag, text)
}
