package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
	"github.com/rematch-go/rematch/match/store"
)

// pullLine is what a pull came to. Numbers are of records, but for refused hashes.
type pullLine struct {
	Exchange  string              `json:"exchange"`
	Complete  bool                `json:"complete"` // it came to the end
	Anew      bool                `json:"anew"`     // it was read from nothing
	Pages     int                 `json:"pages"`
	Came      int                 `json:"came"`
	Changed   int                 `json:"changed"`
	Unchanged int                 `json:"unchanged"`
	Went      int                 `json:"went"`
	Waiting   int                 `json:"waiting"` // came, and have nothing that can be compared
	SetAside  int                 `json:"set_aside"`
	Faults    []faultLine         `json:"faults"`  // the first 100 of these
	Refused   map[match.Cause]int `json:"refused"` // hashes that came and match nothing, by cause
	Aside     []asideLine         `json:"refused_hashes"`
	Position  string              `json:"position,omitempty"` // of the store
	Error     string              `json:"error,omitempty"`
}

func newPullLine(sum *store.Summary, failed error) pullLine {
	l := pullLine{Exchange: sum.Exchange, Complete: sum.Complete, Anew: sum.Anew, Pages: sum.Pages, Came: sum.Came, Changed: sum.Changed, Unchanged: sum.Unchanged,
		Went: sum.Went, Waiting: sum.Waiting, SetAside: sum.SetAside, Faults: []faultLine{}, Refused: map[match.Cause]int{}, Aside: []asideLine{}}
	maps.Copy(l.Refused, sum.Refused)
	for _, f := range sum.Faults {
		l.Faults = append(l.Faults, faultLine{Page: f.Page, Position: f.Position, Record: f.ID, Reason: f.Reason})
	}
	for _, q := range sum.RefusedList {
		l.Aside = append(l.Aside, asideLine{q.Bank, q.Entry, q.Signal, q.Value.String(), q.Cause, q.Reason})
	}
	if sum.Position != (store.Position{}) {
		l.Position = sum.Position.String()
	}
	if failed != nil {
		l.Error = message(failed)
	}
	return l
}

const shownFaults = 5 // of each list, to people

// pullWords describes a pull for people.
func pullWords(sum *store.Summary) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %d new, %d changed, %d as before, %d gone", display(sum.Exchange), sum.Came, sum.Changed, sum.Unchanged, sum.Went)
	if sum.Waiting > 0 {
		fmt.Fprintf(&text, ", %d with nothing that can be compared yet", sum.Waiting)
	}
	fmt.Fprintf(&text, "; %s", count(sum.Pages, "page", "pages"))
	if sum.Anew {
		text.WriteString(", read from nothing")
	}
	if !sum.Complete {
		text.WriteString(", not to the end")
	}
	text.WriteByte('\n')
	if len(sum.Refused) > 0 {
		var causes []string
		for _, cause := range slices.Sorted(maps.Keys(sum.Refused)) {
			causes = append(causes, fmt.Sprintf("%d %s", sum.Refused[cause], cause))
		}
		fmt.Fprintf(&text, "  hashes that match nothing: %s\n", strings.Join(causes, ", "))
		for _, q := range sum.RefusedList[:min(shownFaults, len(sum.RefusedList))] {
			fmt.Fprintf(&text, "    %s: %s\n", display(q.Entry), q.Reason)
		}
	}
	if sum.SetAside > 0 {
		fmt.Fprintf(&text, "  set aside: %s\n", count(sum.SetAside, "record", "records"))
		for i := range sum.Faults[:min(shownFaults, len(sum.Faults))] {
			fmt.Fprintf(&text, "    %s\n", display(faultWords(&sum.Faults[i])))
		}
	}
	return text.String()
}

func (a *app) exchangePullCommand() *cobra.Command {
	var (
		p     puller
		clean string
	)
	c := &cobra.Command{
		Use:   "pull --store URL [--watch] [NAME...]",
		Short: "Take over what exchanges share, and drop what they withdraw",
		Long: `Take over what is new at exchanges, or at all of the store, and drop what is withdrawn,
page by page: a pull that is ended goes on where it was. Entries carry where they came
from; what was decided of them here stays.

--watch pulls again and again until it is interrupted. On a terminal it shows what it is
doing. Results are printed for pulls in which something came, went or failed, with --json
for each; in a pipe nothing else is.

Exit codes: 0 all came to the end, or --watch was interrupted; 1 one failed, also because
somebody else is pulling it; 2 wrong usage.`,
		Example: `  rematch exchange pull --store banks.db
  rematch exchange pull --store postgres://rematch@db/rematch --watch --every 5m --push gifct ncmec`,
		RunE: func(c *cobra.Command, args []string) error {
			if p.every < time.Second {
				return usagef("--every %v: want a second at least", p.every)
			}
			if p.lease < time.Second {
				return usagef("--lease %v: want a second at least", p.lease)
			}
			if !p.watch && (p.push || c.Flags().Changed("every")) {
				return usagef("--push and --every go with --watch; \"rematch exchange push\" pushes once")
			}
			if p.credentials != "" && len(args) != 1 {
				return usagef("--credentials are of one exchange; name it")
			}
			var e enrolment
			sample, err := e.clean(c.Context(), clean)
			if err != nil {
				return err
			}
			p.app, p.match = a, match.Options{Clean: sample}
			return withStore(c.Context(), p.url, false, func(s *store.Store) error { return p.run(c.Context(), s, args) })
		},
	}
	storeFlag(c, &p.url)
	c.Flags().BoolVar(&p.watch, "watch", false, "pull again and again, until interrupted")
	c.Flags().DurationVar(&p.every, "every", store.DefaultEvery, "how often, with --watch")
	c.Flags().BoolVar(&p.push, "push", false, "with --watch, also tell what is queued")
	c.Flags().DurationVar(&p.lease, "lease", 30*time.Second, "for how long nobody else pulls an exchange when this program is killed")
	credentialFlag(c, &p.credentials)
	cleanFlag(c, &clean)
	return c
}

func credentialFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "credentials", "", "a `FILE` with the credentials, that only its owner can read")
}

// puller is one run of "rematch exchange pull".
type puller struct {
	app         *app
	url         string
	watch, push bool
	every       time.Duration
	lease       time.Duration
	credentials string
	match       match.Options

	mu  sync.Mutex // of what is printed
	bar *progress
}

func (p *puller) run(ctx context.Context, s *store.Store, names []string) error {
	some, err := someExchanges(ctx, s, names)
	if err != nil {
		return err
	}
	p.bar = p.app.newStatus("pulling")
	defer p.bar.close()
	if p.watch {
		return p.watchAll(ctx, s, some)
	}
	failed := false
	for _, x := range some {
		p.bar.say("pulling " + x.Name)
		sum := store.Summary{Exchange: x.Name}
		from, err := openExchange(x.Exchange, p.credentials)
		if err == nil {
			sum, err = s.Pull(ctx, x.Name, from, p.options())
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := p.tell(&sum, err); err != nil {
			return err
		}
		failed = failed || err != nil
	}
	if failed {
		return codeError(exitFailure)
	}
	return nil
}

func (p *puller) options() store.PullOptions {
	return store.PullOptions{Match: p.match, Lease: p.lease, Progress: func(sum store.Summary) {
		p.bar.say(fmt.Sprintf("pulling %s: %s, %d new, %d gone", sum.Exchange, count(sum.Pages, "page", "pages"), sum.Came, sum.Went))
	}}
}

// tell prints what a pull came to.
func (p *puller) tell(sum *store.Summary, failed error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.app.json {
		return printJSON(p.bar.writer(), newPullLine(sum, failed))
	}
	if sum.Pages > 0 {
		if _, err := fmt.Fprint(p.bar.writer(), pullWords(sum)); err != nil {
			return err
		}
	}
	if failed == nil {
		return nil
	}
	_, err := fmt.Fprintf(p.bar.writer(), "%s: failed: %s\n", display(sum.Exchange), message(failed))
	return err
}

// watchAll watches exchanges until the context ends, or none of them is there any more.
func (p *puller) watchAll(ctx context.Context, s *store.Store, some []store.ExchangeStatus) error {
	p.app.endless = true
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	wrote := func(err error) {
		if err != nil {
			cancel(err) // nobody hears of anything any more
		}
	}
	ends := make([]error, len(some))
	var wg sync.WaitGroup
	for i := range some {
		wg.Go(func() {
			ends[i] = s.Watch(ctx, some[i].Name, store.WatchOptions{
				PullOptions: p.options(), Every: p.every, Push: p.push,
				Open: func(_ context.Context, x store.Exchange) (exchange.Source, error) {
					return openExchange(x, p.credentials)
				},
				Pulled: func(sum store.Summary, err error) {
					_, held := errors.AsType[*store.HeldError](err) // somebody else does it, which is as well
					if p.app.json || err != nil && !held || sum.Came+sum.Changed+sum.Went+sum.SetAside > 0 {
						wrote(p.tell(&sum, err))
					}
					p.bar.say("watching")
				},
				Pushed: func(sum store.PushSummary, err error) {
					p.mu.Lock()
					defer p.mu.Unlock()
					wrote(p.app.printPush(p.bar.writer(), &sum, err))
				},
			})
		})
	}
	wg.Wait()
	return errors.Join(ends...)
}
