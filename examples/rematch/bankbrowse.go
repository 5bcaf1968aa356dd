package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/examples/internal/terminal"
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
			policy, left, last := policyOf(s, name), limit, ""
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
by origin. It reads all of them: of ten million some seconds.

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
	policy := policyOf(s, bank)
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

// entryDetails says what is said of an entry, for people, a line each.
func entryDetails(e match.Entry) []string {
	c := e.Curation.Clone()
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	day := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	if !c.DisabledUntil.IsZero() {
		say("disabled until %s", day(c.DisabledUntil))
	}
	if !c.Expires.IsZero() {
		say("expires %s", day(c.Expires))
	}
	if q := c.Quarantine; !q.Since.IsZero() {
		say("in quarantine since %s: it matched %d of %d uploads, against %.1f before", day(q.Since), q.Count, q.Uploads, q.Usual)
	}
	if d := c.Decision; d.Stance != match.NoOpinion {
		word := map[match.Stance]string{match.Positive: "confirmed", match.Negative: "deconfirmed"}[d.Stance]
		say("%s%s", word, by(d.By)+note(d.Note))
	}
	for _, o := range c.Opinions {
		whose := "theirs"
		if o.Ours {
			whose = "ours"
		}
		say("opinion (%s): %s%s%s", whose, o.Says, by(o.By), labelWords(o.Tags))
	}
	if o := c.Origin; o.Exchange+o.Member+o.ID+o.Severity != "" || len(o.Tags) > 0 {
		say("from %s", strings.Join(strings.Fields(strings.Join([]string{o.Exchange, o.Member, o.ID, o.Severity}, " ")), " ")+labelWords(o.Tags))
	}
	if c.Note != "" {
		say("note: %s", c.Note)
	}
	for i := range lines {
		lines[i] = terminal.OneLine(lines[i])
	}
	return lines
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}

func note(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}
