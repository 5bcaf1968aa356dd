package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/match/exchange"
	"github.com/rematch-go/rematch/match/store"
)

// exchangeLine is how an exchange stands. Times are RFC 3339, and left out if there is none.
type exchangeLine struct {
	Exchange string            `json:"exchange"`
	Protocol string            `json:"protocol"`
	URL      string            `json:"url"`
	Settings map[string]string `json:"settings"`
	Bank     string            `json:"bank"`
	Feedback bool              `json:"feedback"`
	Entries  int               `json:"entries"` // in the bank
	Records  int               `json:"records"`
	Waiting  int               `json:"waiting"` // of the records: nothing of them can be compared
	SetAside int               `json:"set_aside"`
	Outgoing int               `json:"outgoing"` // what waits to be told to it
	Anew     bool              `json:"anew"`     // it is being read from nothing
	Begun    time.Time         `json:"begun,omitzero"`
	Pulled   time.Time         `json:"pulled,omitzero"` // the last time to the end
	Age      *int64            `json:"pulled_age_seconds,omitempty"`
	Overdue  bool              `json:"overdue"`       // never, or not for more than a day
	Next     time.Time         `json:"next,omitzero"` // until when it asked to be left alone
	Failed   time.Time         `json:"failed,omitzero"`
	Error    string            `json:"error,omitempty"`
	Holder   string            `json:"holder,omitempty"` // who is pulling it
	Until    time.Time         `json:"until,omitzero"`
	Leaving  bool              `json:"leaving,omitempty"`
}

// overdueAfter is for how long an exchange may not have been pulled to the end: what was withdrawn
// there still matches here.
const overdueAfter = 24 * time.Hour

func overdue(x *store.ExchangeStatus, now time.Time) bool {
	return x.Pulled.IsZero() || now.Sub(x.Pulled) > overdueAfter
}

func newExchangeLine(x *store.ExchangeStatus, now time.Time) exchangeLine {
	l := exchangeLine{Exchange: x.Name, Protocol: x.Protocol, URL: x.Base, Settings: x.Settings, Bank: x.Bank, Feedback: x.Feedback,
		Entries: x.Entries, Records: x.Records, Waiting: x.Waiting, SetAside: x.Aside, Outgoing: x.Outgoing, Anew: x.Anew,
		Begun: x.Begun, Pulled: x.Pulled, Overdue: overdue(x, now), Next: x.Next, Failed: x.Failed, Error: x.Err, Holder: x.Holder, Until: x.Until, Leaving: x.Leaving}
	if !x.Pulled.IsZero() {
		seconds := max(0, int64(now.Sub(x.Pulled)/time.Second))
		l.Age = &seconds
	}
	return l
}

// printExchange prints one line of an exchange.
func (a *app) printExchange(x *store.ExchangeStatus) error { return a.printExchangeAt(x, time.Now()) }

func (a *app) printExchangeAt(x *store.ExchangeStatus, now time.Time) error {
	if a.json {
		return printJSON(a.stdout, newExchangeLine(x, now))
	}
	state := "never pulled to the end"
	if !x.Pulled.IsZero() {
		state = fmt.Sprintf("pulled %s (%s ago)", x.Pulled.Format(time.RFC3339), age(now.Sub(x.Pulled)))
	}
	if overdue(x, now) {
		state += ", overdue"
	}
	if x.Err != "" {
		state += ", failed since"
	}
	if x.Leaving {
		state = "being left"
	}
	_, err := fmt.Fprintf(a.stdout, "%s: %s, bank %s, %s, %s\n", display(x.Name), display(x.Protocol), display(x.Bank), count(x.Entries, "entry", "entries"), state)
	return err
}

// age is a time that has passed, in the largest unit of which there are two.
func age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return count(int(d/(24*time.Hour)), "day", "days")
	case d >= 2*time.Hour:
		return count(int(d/time.Hour), "hour", "hours")
	case d >= 2*time.Minute:
		return count(int(d/time.Minute), "minute", "minutes")
	}
	return count(int(max(0, d)/time.Second), "second", "seconds")
}

func (a *app) showExchanges(ctx context.Context, s *store.Store, names []string, print func(*store.ExchangeStatus) error) error {
	some, err := someExchanges(ctx, s, names)
	if err != nil {
		return err
	}
	for i := range some {
		if err := print(&some[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) exchangeListCommand() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:   "list --store URL",
		Short: "List the exchanges of a store",
		Long: `List the exchanges of a store, one line each. Overdue is what was never pulled to the end,
or not for more than a day.

Exit codes: 0 done, 1 failure, also if there are none, 2 wrong usage.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), url, false, func(s *store.Store) error {
				return a.showExchanges(c.Context(), s, nil, a.printExchange)
			})
		},
	}
	storeFlag(c, &url)
	return c
}

func (a *app) exchangeStatusCommand() *cobra.Command {
	var (
		url                  string
		aside, later, queued bool
	)
	c := &cobra.Command{
		Use:   "status --store URL [NAME...]",
		Short: "Show how exchanges stand, and whether one wants attention",
		Long: `Show how exchanges stand: what there is of them, when they were pulled, and what went wrong.
With --aside what could not be taken over, with --later what can't be compared yet, and
with --queue what was and is to be told to them.

Exit codes: 0 all is well, 3 one wants attention: its last pull failed or it is overdue
(never pulled to the end, or not for more than a day), something was set aside, or what
was to be told to it has failed or is kept back; 1 failure, 2 wrong usage.`,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), url, false, func(s *store.Store) error {
				wanting := false
				err := a.showExchanges(c.Context(), s, args, func(x *store.ExchangeStatus) error {
					failing, err := a.printStatus(c.Context(), s, x, aside, later, queued)
					wanting = wanting || failing || x.Err != "" || overdue(x, time.Now()) || x.Aside > 0 || x.Leaving
					return err
				})
				if err == nil && wanting {
					err = codeError(exitMatch)
				}
				return err
			})
		},
	}
	storeFlag(c, &url)
	c.Flags().BoolVar(&aside, "aside", false, "list what could not be taken over")
	c.Flags().BoolVar(&later, "later", false, "list the hashes that can't be compared yet")
	c.Flags().BoolVar(&queued, "queue", false, "list what was queued to be told")
	return c
}

// printStatus prints all of an exchange, and reports whether something failed to be told.
func (a *app) printStatus(ctx context.Context, s *store.Store, x *store.ExchangeStatus, aside, later, queued bool) (failing bool, err error) {
	if err := a.printExchange(x); err != nil {
		return false, err
	}
	if !a.json {
		lines := []string{fmt.Sprintf("%s of the exchange are kept; of %d nothing can be compared, %s set aside, %d to be told", count(x.Records, "record", "records"), x.Waiting, count(x.Aside, "was", "were"), x.Outgoing)}
		if x.Err != "" {
			lines = append(lines, "failed "+x.Failed.Format(time.RFC3339)+": "+x.Err)
		}
		if x.Anew {
			lines = append(lines, "it is being read from nothing")
		}
		if x.Holder != "" {
			lines = append(lines, fmt.Sprintf("being pulled by %s, until %s at least", x.Holder, x.Until.Format(time.RFC3339)))
		}
		if time.Now().Before(x.Next) {
			lines = append(lines, "it asks to be left alone until "+x.Next.Format(time.RFC3339))
		}
		for _, line := range lines {
			if err := a.detail(line); err != nil {
				return false, err
			}
		}
	}
	if aside {
		for f, err := range s.SetAside(ctx, x.Name) {
			if err == nil {
				err = a.printSetAside(x.Name, &f)
			}
			if err != nil {
				return false, err
			}
		}
	}
	if later {
		for l, err := range s.Later(ctx, x.Name) {
			if err == nil {
				err = a.printLater(x.Name, &l)
			}
			if err != nil {
				return false, err
			}
		}
	}
	for o, err := range s.Outgoing(ctx, x.Name) {
		if err != nil {
			return false, err
		}
		failing = failing || o.State == store.Waiting && o.Err != ""
		if queued {
			if err := a.printOutgoing(x.Name, &o); err != nil {
				return false, err
			}
		}
	}
	return failing, nil
}

// detail prints a line below an exchange's.
func (a *app) detail(line string) error {
	_, err := fmt.Fprintf(a.stdout, "  %s\n", terminal.OneLine(line))
	return err
}

// faultLine is a record that could not be taken over.
type faultLine struct {
	Exchange string    `json:"exchange,omitempty"`
	Page     string    `json:"page"`
	Position int       `json:"position"`
	Record   string    `json:"record"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at,omitzero"`
}

func (a *app) printSetAside(name string, f *store.Aside) error {
	if a.json {
		return printJSON(a.stdout, faultLine{name, f.Page, f.Position, f.ID, f.Reason, f.At})
	}
	return a.detail("set aside " + f.At.Format(time.RFC3339) + ": " + faultWords(&f.RecordError))
}

func faultWords(f *exchange.RecordError) string {
	what := fmt.Sprintf("record %d of %s", f.Position, f.Page)
	if f.ID != "" {
		what = fmt.Sprintf("%s (%s)", f.ID, what)
	}
	return what + ": " + f.Reason
}

func (a *app) printLater(name string, l *store.Later) error {
	if a.json {
		return printJSON(a.stdout, struct {
			Exchange string             `json:"exchange"`
			Record   string             `json:"record"`
			Waits    bool               `json:"waits"` // it is no entry
			Hashes   []exchange.Foreign `json:"hashes"`
		}{name, l.ID, l.Waits, l.Hashes})
	}
	var words []string
	for _, h := range l.Hashes {
		words = append(words, h.Type+" "+h.Value)
	}
	return a.detail("later " + l.ID + ": " + strings.Join(words, ", "))
}

func (a *app) printOutgoing(name string, o *store.Outgoing) error {
	says, record := "submit", ""
	if o.Feedback != nil {
		says, record = string(o.Feedback.Says), o.Feedback.ID
	} else if o.Record != nil {
		record = o.Record.ID
	}
	if a.json {
		return printJSON(a.stdout, struct {
			Exchange string         `json:"exchange"`
			Key      string         `json:"key"`
			Says     string         `json:"says"` // submit, or the vote
			Record   string         `json:"record"`
			State    store.OutState `json:"state"`
			Queued   time.Time      `json:"queued"`
			Attempts int            `json:"attempts"`
			Next     time.Time      `json:"next,omitzero"`
			Error    string         `json:"error,omitempty"`
			Sent     time.Time      `json:"sent,omitzero"`
			Answer   string         `json:"answer,omitempty"` // what the exchange calls it
		}{name, o.Key, says, record, o.State, o.Made, o.Attempts, o.Next, o.Err, o.Sent, o.Answer})
	}
	text := fmt.Sprintf("%s: %s %s, key %s", strings.ReplaceAll(string(o.State), "_", " "), says, record, o.Key)
	switch {
	case o.State != store.Waiting || o.Err == "":
	case o.Attempts == 0:
		text += ", " + o.Err
	default:
		text += fmt.Sprintf(", tried %s, again at %s: %s", count(o.Attempts, "time", "times"), o.Next.Format(time.RFC3339), o.Err)
	}
	return a.detail(text)
}
