package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
	"github.com/rematch-go/rematch/match/store"
)

func (a *app) exchangePushCommand() *cobra.Command {
	var (
		w            who
		says, reason string
		tags         []string
		bank, giveUp string
		credentials  string
	)
	c := &cobra.Command{
		Use:   "push --store URL [--by REVIEWER (--says VOTE RECORD... | --submit BANK ENTRY... | --give-up KEY)] NAME",
		Short: "Tell an exchange what is queued for it",
		Long: `Tell an exchange what is queued for it and due: votes on its records, and entries of ours.
With --says (helpful, disagree, seen or retract) votes on records are queued first, with
--submit entries of another bank of the store. What fails is kept and told again later,
until --give-up; "rematch exchange status --queue" lists keys and errors.

Entries in quarantine, or with hashes that are set aside, are kept back until somebody
has confirmed them ("rematch bank confirm"); so are those that are disabled, expired,
deconfirmed or gone by then, and all of a disabled bank.

Exit codes: 0 all that was due was told, 1 failure, or some of it was not told or kept
back, 2 wrong usage.`,
		Example: `  rematch exchange push --store banks.db gifct
  rematch exchange push --store banks.db --by ann --says disagree gifct 7280234`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			name, rest := args[0], args[1:]
			chosen := 0
			for _, flag := range []string{says, bank, giveUp} {
				if flag != "" {
					chosen++
				}
			}
			switch {
			case chosen > 1:
				return usagef("--says, --submit and --give-up are for one at a time")
			case chosen == 1 && w.by == "":
				return usagef("--by NAME is missing: who decides that")
			case (says != "" || bank != "") != (len(rest) > 0):
				return usagef("want records after NAME with --says, entries with --submit, and else nothing")
			}
			return withStore(c.Context(), w.url, false, func(s *store.Store) error {
				x, err := s.Exchange(c.Context(), name)
				if err == nil && giveUp == "" {
					err = canBeTold(x.Protocol)
				}
				if err != nil {
					return err
				}
				var what []store.Outgoing
				switch {
				case giveUp != "":
					return s.GiveUp(c.Context(), w.actor(), name, giveUp)
				case says != "":
					for _, id := range rest {
						what = append(what, store.Outgoing{Feedback: &exchange.Feedback{ID: id, Says: exchange.Vote(says), Reason: reason, Tags: tags}})
					}
				case bank != "":
					what, err = submissions(c.Context(), s, bank, rest)
				}
				if err == nil && len(what) > 0 {
					err = s.Queue(c.Context(), w.actor(), name, what...)
				}
				if err != nil {
					return err
				}
				return a.push(c.Context(), s, x.Exchange, credentials)
			})
		},
	}
	w.add(c, false)
	c.Flags().StringVar(&says, "says", "", "queue this `VOTE` on records: helpful, disagree, seen or retract")
	c.Flags().StringVar(&reason, "reason", "", "why, as the exchange knows reasons, with --says")
	c.Flags().StringArrayVar(&tags, "tag", nil, "a tag, with --says; may be repeated")
	c.Flags().StringVar(&bank, "submit", "", "queue entries of this `BANK` of the store, to share them")
	c.Flags().StringVar(&giveUp, "give-up", "", "tell no more what is queued under this `KEY`, and push nothing")
	credentialFlag(c, &credentials)
	return c
}

// canBeTold refuses a protocol to which nothing can be told: it would wait for ever.
func canBeTold(protocol string) error {
	p, err := exchange.ParseProtocol(protocol)
	if err == nil && !p.Writes {
		err = fmt.Errorf("the protocol %s can't be told anything", p.Name)
	}
	return err
}

// submissions makes records of entries of ours.
func submissions(ctx context.Context, s *store.Store, bank string, ids []string) (what []store.Outgoing, err error) {
	err = s.Read(ctx, func(v *store.View) error {
		if err := allThere(v, bank, ids); err != nil {
			return err
		}
		b := infoOf(v, bank)
		if b.Allow {
			return fmt.Errorf("the bank %s is an allow-list: its entries are known to be harmless", display(bank))
		}
		for _, id := range ids {
			e, _, err := v.Entry(bank, id)
			if err != nil {
				return err
			}
			r := exchange.Record{ID: e.ID, Signals: e.Signals, Labels: e.Labels, Duration: e.Duration}
			if e.Curation != nil {
				if e.Curation.Origin.Exchange != "" {
					return fmt.Errorf("%s came from the exchange %s, and is not ours to share", display(id), display(e.Curation.Origin.Exchange))
				}
				r.Expires = e.Curation.Expires
			}
			switch e.Curation.Stance() {
			case match.Negative:
				return fmt.Errorf("%s is not what the bank is for, as was decided or said of it here, and is not shared", display(id))
			case match.Seed, match.Disputed:
				r.Opinions = []match.Opinion{{By: "rematch", Says: match.Seed}} // it is to be looked at there as well
			}
			if state := e.State(b.Policy, time.Now()); state == match.StateDisabled || state == match.StateExpired {
				return fmt.Errorf("%s is %s here, and is not shared", display(id), state)
			}
			what = append(what, store.Outgoing{Record: &r, Bank: bank})
		}
		return nil
	})
	return what, err
}

// push tells an exchange what is queued for it.
func (a *app) push(ctx context.Context, s *store.Store, x store.Exchange, credentials string) error {
	from, err := openExchange(x, credentials)
	if err != nil {
		return err
	}
	to, can := from.(exchange.Sink)
	if !can {
		return fmt.Errorf("the protocol %s can't be told anything", display(x.Protocol))
	}
	bar := a.newStatus("telling " + x.Name)
	defer bar.close()
	sum, err := s.Push(ctx, x.Name, to)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := a.printPush(bar.writer(), &sum, err); err != nil {
		return err
	}
	if err != nil || sum.Failed+len(sum.Kept) > 0 {
		return codeError(exitFailure)
	}
	return nil
}

// printPush prints what a push came to.
func (a *app) printPush(w io.Writer, sum *store.PushSummary, failed error) error {
	if a.json {
		line := struct {
			Exchange string         `json:"exchange"`
			Sent     int            `json:"sent"`
			Failed   int            `json:"failed"`
			Kept     map[string]int `json:"kept_back"` // entries that are not to be shared now, by why
			Waiting  int            `json:"waiting"`   // with those that failed or are kept back
			Error    string         `json:"error,omitempty"`
		}{sum.Exchange, sum.Sent, sum.Failed, map[string]int{}, sum.Waiting, ""}
		maps.Copy(line.Kept, sum.Kept)
		if failed != nil {
			line.Error = message(failed)
		}
		return printJSON(w, line)
	}
	kept, hint := "", ""
	if len(sum.Kept) > 0 {
		var whys []string
		for _, why := range slices.Sorted(maps.Keys(sum.Kept)) {
			whys = append(whys, fmt.Sprintf("%d %s", sum.Kept[why], why))
		}
		kept = ", kept back: " + strings.Join(whys, ", ")
	}
	if sum.Failed+len(sum.Kept) > 0 {
		hint = "; \"rematch exchange status --queue\" says why"
	}
	_, err := fmt.Fprintf(w, "%s: %d told, %d failed, %d in the queue%s%s\n", display(sum.Exchange), sum.Sent, sum.Failed, sum.Waiting, kept, hint)
	if failed != nil {
		_, more := fmt.Fprintf(w, "%s: failed: %s\n", display(sum.Exchange), message(failed))
		err = errors.Join(err, more)
	}
	return err
}
