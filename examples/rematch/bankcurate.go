package main

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/match"
)

// curateCommands are what is said and decided of entries.
func (a *app) curateCommands() []*cobra.Command {
	return []*cobra.Command{a.bankDisableCommand(), a.bankEnableCommand(), a.bankExpireCommand(), a.bankNoteCommand(), a.bankOpinionCommand(),
		a.bankDecideCommand("confirm", "Confirm entries: they match whatever others say of them", match.Positive),
		a.bankDecideCommand("deconfirm", "Deconfirm entries: they match nothing, whatever others say of them", match.Negative)}
}

func (a *app) bankDisableCommand() *cobra.Command {
	var p place
	var until string
	c := &cobra.Command{
		Use:   "disable FILE [ENTRY...]",
		Short: "Keep entries, or a whole bank, from matching: at once",
		Long: `Keep entries from matching, at once and for good, or until a date; without entries the
whole bank. What is disabled is kept.` + storeExits,
		Example: `  rematch bank disable known.bank clips/one.mp4
  rematch bank disable known.bank --until 72h clips/one.mp4
  rematch bank disable --store banks.db --by ann --bank partner md5:9dd4e461268c8034f5c8564e155c67a6`,
		RunE: func(c *cobra.Command, args []string) error {
			ids, err := p.take(args, 0)
			switch {
			case err != nil:
				return err
			case len(ids) == 0 && until != "":
				return usagef("--until: a bank is disabled until it is enabled; name entries")
			case len(ids) == 0:
				return a.switchBank(c.Context(), &p, true)
			case until == "":
				return a.editEntries(c.Context(), &p, ids, func(e *match.Entry) { e.Disabled = true })
			}
			at, err := parseWhen(until, time.Now())
			if err != nil {
				return err
			}
			return a.editEntries(c.Context(), &p, ids, func(e *match.Entry) { e.Curation.DisabledUntil = at })
		},
	}
	c.Flags().StringVar(&until, "until", "", "until this date, or for this time (72h)")
	p.add(c)
	return c
}

func (a *app) bankEnableCommand() *cobra.Command {
	var p place
	c := &cobra.Command{
		Use:   "enable FILE [ENTRY...]",
		Short: "Let entries, or a whole bank, match again",
		Long: `Let entries match again that were disabled, for good or until a date; without entries the
bank. It ends neither an expiry nor a quarantine.` + storeExits,
		RunE: func(c *cobra.Command, args []string) error {
			ids, err := p.take(args, 0)
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				return a.switchBank(c.Context(), &p, false)
			}
			return a.editEntries(c.Context(), &p, ids, func(e *match.Entry) { e.Disabled, e.Curation.DisabledUntil = false, time.Time{} })
		},
	}
	p.add(c)
	return c
}

func (a *app) bankExpireCommand() *cobra.Command {
	c, _ := a.entryCommand("expire FILE WHEN|never ENTRY...", "Say when entries stop matching",
		`Say from when on entries match nothing: a date (2026-12-31, 2026-12-31T12:00:00Z), a time from
now (72h), or never. They are kept.`, 1, func(_ *place, args []string, now time.Time) (func(*match.Entry), error) {
			var at time.Time
			if args[0] != "never" {
				var err error
				if at, err = parseWhen(args[0], now); err != nil {
					return nil, err
				}
			}
			return func(e *match.Entry) { e.Curation.Expires = at }, nil
		})
	return c
}

func (a *app) bankNoteCommand() *cobra.Command {
	c, _ := a.entryCommand("note FILE TEXT ENTRY...", "Write a note to entries", `Write a note to entries, in the place of the one they have. An empty one ("") takes it away.`, 1,
		func(_ *place, args []string, _ time.Time) (func(*match.Entry), error) {
			return func(e *match.Entry) { e.Curation.Note = args[0] }, nil
		})
	return c
}

func (a *app) bankOpinionCommand() *cobra.Command {
	var (
		member string
		tags   []string
	)
	c, p := a.entryCommand("opinion FILE positive|seed|negative|none ENTRY... --by NAME", "Add an opinion of entries",
		`Add an opinion of entries, in the place of the one that the same person or member has; none
takes it away. Positive and negative ones together make an entry disputed, and the bank's
policy says what becomes of its matches; "confirm" and "deconfirm" decide.`, 1,
		func(p *place, args []string, now time.Time) (func(*match.Entry), error) {
			says, err := match.ParseStance(args[0])
			switch {
			case err != nil || says == match.Disputed:
				return nil, usagef("%q is no opinion; want positive, seed, negative or none", args[0])
			case p.by == "" && member == "" || p.by != "" && member != "" && p.url == "":
				return nil, usagef("want --by NAME for an opinion of ours, or --member NAME for another's")
			}
			o := match.Opinion{By: cmp.Or(member, p.by), Ours: member == "", Says: says, At: now.UTC().Truncate(time.Second), Tags: tags}
			return func(e *match.Entry) { opine(e.Curation, o) }, nil
		})
	p.signs = true
	c.Flags().StringVar(&member, "member", "", "the member of an exchange who says so")
	c.Flags().StringArrayVar(&tags, "tag", nil, "a tag; may be repeated")
	return c
}

// opine adds an opinion, or takes it away.
func opine(c *match.Curation, o match.Opinion) {
	if o.Says != match.NoOpinion {
		c.Say(o)
		return
	}
	var left []match.Opinion
	for _, p := range c.Opinions {
		if p.By != o.By || p.Ours != o.Ours {
			left = append(left, p)
		}
	}
	c.Opinions = left
}

func (a *app) bankDecideCommand(name, short string, stance match.Stance) *cobra.Command {
	var (
		note string
		undo bool
	)
	c, p := a.entryCommand(name+" FILE ENTRY...", short,
		short+`. What was received of
them, opinions too, stays as it is. --undo takes the decision back. What is decided in a
store is queued for the exchange that it came from, where that was added with --feedback.`, 0,
		func(p *place, _ []string, now time.Time) (func(*match.Entry), error) {
			d := match.Decision{Stance: stance, By: p.by, At: now.UTC().Truncate(time.Second), Note: note}
			if undo {
				d = match.Decision{}
			}
			return func(e *match.Entry) { e.Curation.Decision = d }, nil
		})
	p.signs = true
	c.Flags().StringVar(&note, "note", "", "why")
	c.Flags().BoolVar(&undo, "undo", false, "take the decision back")
	c.Example = "  rematch bank " + name + " known.bank --by ann clips/one.mp4\n  rematch bank " + name + " --store banks.db --by ann --bank gifct 7280234"
	return c
}
