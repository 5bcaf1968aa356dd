package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// lookupLine is a line of "rematch lookup".
type lookupLine struct {
	Query   string      `json:"query"`
	Matches []knownLine `json:"matches"`
	Total   int         `json:"matches_total"` // more than there are matches if only the nearest are listed
}

type knownLine struct {
	Bank      string `json:"bank"`
	Entry     string `json:"entry"`
	Kind      string `json:"kind"`
	KnownHash string `json:"known_hash"`
	Distance  int    `json:"distance"` // bits
}

func (a *app) lookupCommand() *cobra.Command {
	var (
		banks  []string
		radius int
		kind   string
		limit  int
	)
	c := &cobra.Command{
		Use:   "lookup --bank FILE [flags] [HASH...]",
		Short: "Look hashes up in bank files",
		Long: `Look hashes up in bank files: which entries have a hash within a number of bits of
them. Without hashes on the command line they are read from standard input, a line
each, and answered line by line.

A hash is written "f8f8...", "pdq:f8f8..." or "sha256 9f86...", as in lists. Without
--radius a hash is within what its bank says of its kind; digests are equal or not.
Nothing is judged here: entries of allow-lists are listed like others, and hashes of
low quality are looked up like others. Disabled banks and entries are not listed.

Bank files are mapped, not loaded: ten million hashes answer at once.

Exit codes: 0 nothing matched, 3 something matched, 1 failure, 2 wrong usage.`,
		Example: `  rematch lookup --bank known.bank f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22
  rematch lookup --bank known.bank --radius 20 --json < hashes.txt`,
		RunE: func(c *cobra.Command, args []string) error {
			l := lookup{app: a, radius: radius}
			if limit < 1 {
				return usagef("--limit %d: want 1 or more", limit)
			}
			if !c.Flags().Changed("radius") {
				l.radius = -1
			} else if most := hash.PDQ.Bits(); radius < 0 || radius > most {
				return usagef("--radius %d: want 0 to %d bits", radius, most)
			}
			if kind != "" {
				var err error
				if l.list.Kind, err = hash.ParseKind(kind); err != nil {
					return usagef("--kind %q: %w", kind, err)
				}
			}
			return l.run(c.Context(), banks, limit, args, c.InOrStdin())
		},
	}
	c.Flags().StringArrayVar(&banks, "bank", nil, "a bank file; may be repeated")
	c.Flags().IntVar(&radius, "radius", 0, "how many bits may differ, inclusive; without it what each bank says")
	c.Flags().StringVar(&kind, "kind", "", "what bare hashes of its length are (16 digits are phash, dhash or ahash)")
	c.Flags().IntVar(&limit, "limit", match.DefaultMaxMatches, "how many entries to list of one hash, the nearest ones; the count is of all")
	_ = c.MarkFlagRequired("bank")
	return c
}

// lookup is one run of the command.
type lookup struct {
	app     *app
	matcher *match.Matcher
	radius  int // -1: what each bank says
	list    exchange.ListOptions
	found   bool
}

func (l *lookup) run(ctx context.Context, banks []string, limit int, args []string, in io.Reader) error {
	snapshots := make([]*match.Snapshot, len(banks))
	for i, path := range banks {
		var err error
		if snapshots[i], err = match.OpenSnapshot(path); err != nil {
			return fmt.Errorf("bank %s: %w", display(path), err)
		}
	}
	most := radii(snapshots...)
	for k := range most {
		most[k] = max(most[k], min(l.radius, k.Bits()))
	}
	var err error
	if l.matcher, err = match.New(match.Options{MaxMatches: limit, MaxRadius: most}); err != nil {
		return err
	}
	for i, s := range snapshots {
		if err := l.matcher.Load(s); err != nil {
			return fmt.Errorf("bank %s: %w", display(banks[i]), err)
		}
	}
	// What is answered is seen at once by who asks line by line, and goes out in large
	// pieces while there is more to answer.
	out := bufio.NewWriter(l.app.stdout)
	if len(args) > 0 {
		in = strings.NewReader(strings.Join(args, "\n"))
	}
	lines := bufio.NewReaderSize(contextReader{ctx, in}, 1<<16)
	for v, err := range exchange.ReadValues(lines, l.list) {
		if err == nil {
			err = l.answer(out, v)
		}
		if err != nil {
			return errors.Join(out.Flush(), err)
		}
		if lines.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if l.found {
		return codeError(exitMatch)
	}
	return nil
}

// answer writes the line of one hash, or for people its lines.
func (l *lookup) answer(w io.Writer, v hash.Value) error {
	radius := l.radius
	if radius >= 0 {
		radius = min(radius, v.Kind().Bits())
		if v.Kind().IsDigest() {
			radius = 0
		}
	}
	result, err := l.matcher.Lookup(v, radius)
	if err != nil {
		return fmt.Errorf("%s: %w", v, err)
	}
	l.found = l.found || result.Total > 0
	if l.app.json {
		line := lookupLine{Query: v.String(), Matches: make([]knownLine, len(result.Matches)), Total: result.Total}
		for i, m := range result.Matches {
			line.Matches[i] = knownLine{m.Entry.Bank, m.Entry.ID, m.Evidence.Kind.String(), m.Evidence.Known.Hex(), m.Evidence.Distance}
		}
		return printJSON(w, line)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s\n", v, count(result.Total, "match", "matches"))
	for _, m := range result.Matches {
		fmt.Fprintf(&text, "  %3d bits  %s%s  %s\n", m.Evidence.Distance, display(m.Entry.Bank+"/"+m.Entry.ID), labelWords(m.Entry.Labels), m.Evidence.Known)
	}
	if more := result.Total - len(result.Matches); more > 0 {
		fmt.Fprintf(&text, "  and %d more that are further away\n", more)
	}
	_, err = io.WriteString(w, text.String())
	return err
}
