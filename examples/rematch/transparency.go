package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/match/record"
	"github.com/rematch-go/rematch/match/store"
	"github.com/rematch-go/rematch/match/summary"
)

// reportFormats are what a report can be written as.
var reportFormats = []string{"json", "csv", "html", "dsa-statements", "dsa-counts", "tco-7-3"}

func (a *app) reportCommand() *cobra.Command {
	var url, from, to, format, output string
	c := &cobra.Command{
		Use:   "report --store URL --from DATE --to DATE",
		Short: "Sum up what was screened, matched and decided in a period",
		Long: `Write a transparency report of a period from the records and counts in a store: how many
uploads were screened, matched, confirmed, overturned, suppressed, in shadow, and not judged
with the reasons; how long it took from sharing to the first match; and how often matches
were false, with an interval. By bank, source, kind of hash and type of content.

Formats: json, csv and html (one page that needs nothing else), and in the regulators' own
names dsa-statements (a statement of reasons for each confirmed upload, a JSON object a line,
with what a record can know), dsa-counts (figures for the report of Article 15 DSA) and tco-7-3
(for the report on terrorist content). "rematch report fields" lists what a platform must add
to a statement.`,
		Example: `  rematch report --store banks.db --from 2026-01-01 --to 2026-07-01 --format html -o report.html
  rematch report --store banks.db --from 2026-01-01 --to 2026-07-01 --format dsa-statements > statements.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			since, err := parseMoment("--from", from)
			if err != nil {
				return err
			}
			until, err := parseMoment("--to", to)
			if err != nil {
				return err
			}
			if _, err := summary.Build(since, until, nil, func(func(*record.Record, error) bool) {}, nil); errors.Is(err, summary.ErrPeriod) {
				return usagef("--from %s --to %s: want a period of whole hours that begins before it ends, of a hundred years at most", from, to)
			}
			if !slices.Contains(reportFormats, format) {
				return usagef("--format %q: want one of %s", format, strings.Join(reportFormats, ", "))
			}
			return withStore(c.Context(), url, false, func(s *store.Store) error {
				to := func(w io.Writer) error {
					return s.Read(c.Context(), func(v *store.View) error { return writeReport(w, v, format, since, until) })
				}
				if output == "" {
					return to(a.stdout)
				}
				return replaceFile(output, to)
			})
		},
	}
	storeFlag(c, &url)
	c.Flags().StringVar(&from, "from", "", "the period's first day or hour: 2026-01-01, or 2026-01-01T12:00:00Z")
	c.Flags().StringVar(&to, "to", "", "the first day or hour after it")
	c.Flags().StringVar(&format, "format", "json", strings.Join(reportFormats, ", "))
	c.Flags().StringVarP(&output, "output", "o", "", "the `FILE` to write (default: standard output)")
	_ = c.MarkFlagRequired("from")
	_ = c.MarkFlagRequired("to")
	c.AddCommand(a.reportFieldsCommand())
	return c
}

func writeReport(w io.Writer, v *store.View, format string, from, to time.Time) error {
	records := v.Records(store.RecordQuery{From: from, To: to})
	if format == "dsa-statements" {
		out := bufio.NewWriter(w)
		for r, err := range records {
			if err != nil {
				return err
			}
			if s, ok := summary.NewStatement(r); ok {
				if err := printJSON(out, s); err != nil {
					return err
				}
			}
		}
		return out.Flush()
	}
	counts, err := v.RecordCounts(from, to)
	if err != nil {
		return err
	}
	s, err := summary.Build(from, to, counts, records, v.FirstMatch)
	if err != nil {
		return err
	}
	switch format {
	case "csv":
		return s.WriteCSV(w)
	case "html":
		return s.WriteHTML(w)
	case "dsa-counts":
		return s.WriteDSA(w)
	case "tco-7-3":
		return s.WriteTCO(w)
	}
	return printJSON(w, s)
}

func (a *app) reportFieldsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "fields",
		Short: "List what a platform must add to a statement of reasons",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, f := range summary.Rest() {
				var err error
				if a.json {
					err = printJSON(a.stdout, struct {
						Fields string `json:"fields"`
						About  string `json:"about"`
					}{f[0], f[1]})
				} else {
					_, err = fmt.Fprintf(a.stdout, "%s\n    %s\n", f[0], f[1])
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}
