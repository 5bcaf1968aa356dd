package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/match/exchange"
	"github.com/rematch-go/rematch/match/store"
)

func (a *app) exchangeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "exchange",
		Short: "Take part in exchanges of known content",
		Long: `Take part in exchanges of known content: what others share comes into a bank of a store,
what they withdraw goes, and what we have to say of it is told to them.

Credentials are never kept. They are read from the protocol's environment variable or
file, as "rematch exchange add --help" lists them, or from the file of --credentials.`,
		Args: cobra.NoArgs,
		RunE: needsCommand,
	}
	c.AddCommand(a.exchangeAddCommand(), a.exchangeListCommand(), a.exchangeStatusCommand(), a.exchangePullCommand(), a.exchangePushCommand(), a.exchangeRemoveCommand())
	return c
}

// openExchange connects to an exchange, with credentials from a file or from where its protocol
// has them.
func openExchange(x store.Exchange, credentialFile string) (exchange.Source, error) {
	p, err := exchange.ParseProtocol(x.Protocol)
	if err != nil {
		return nil, err
	}
	c := exchange.Config{Base: x.Base, Settings: x.Settings, HTTP: exchange.HTTPOptions{Loopback: true}} // what goes to this machine does not leave it
	if credentialFile != "" {
		c.Credentials, err = exchange.ReadCredentials(credentialFile)
	} else {
		home, _ := os.UserHomeDir() // without one, nothing is below it
		c.Credentials, err = exchange.FindCredentials(p, os.Getenv, home)
	}
	if err != nil {
		return nil, err
	}
	return p.Open(c)
}

// protocolHelp lists the protocols, their settings and credentials.
func protocolHelp() string {
	var text strings.Builder
	for _, p := range exchange.Protocols() {
		fmt.Fprintf(&text, "\n  %s: %s\n", p.Name, p.About)
		if p.Form != "" && p.Environment != "" {
			fmt.Fprintf(&text, "    credentials %s in $%s or ~/%s\n", p.Form, p.Environment, p.File)
		}
		for _, s := range p.Settings {
			required := ""
			if s.Required {
				required = " (required)"
			}
			fmt.Fprintf(&text, "    %s%s: %s\n", s.Name, required, s.About)
		}
	}
	return text.String()
}

func (a *app) exchangeAddCommand() *cobra.Command {
	var (
		w        who
		x        store.Exchange
		settings []string
	)
	c := &cobra.Command{
		Use:   "add --store URL --by REVIEWER --protocol PROTOCOL [--set NAME=VALUE]... NAME",
		Short: "Add an exchange to a store, or set what there is of one",
		Long: `Add an exchange to a store, which is made where there is none, with the bank that it feeds;
or change its settings: with others, it is read from nothing the next time. Nothing is
asked of it yet; "rematch exchange pull" does.

The protocols, with their settings:
` + protocolHelp() + `
Exit codes: 0 done, 1 failure, 2 wrong usage.`,
		Example: `  rematch exchange add --store banks.db --by ann --protocol list --set path=hashes.txt partner
  rematch exchange add --store banks.db --by ann --protocol threatexchange --set group=1234 --feedback gifct`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			x.Name, x.Settings = args[0], make(map[string]string)
			for _, s := range settings {
				name, value, ok := strings.Cut(s, "=")
				if !ok {
					return usagef("--set %q: want NAME=VALUE", s)
				}
				if name == "path" { // whoever pulls may do so from elsewhere
					var err error
					if value, err = filepath.Abs(value); err != nil {
						return err
					}
				}
				x.Settings[name] = value
			}
			// It may well be added where its credentials are not.
			if _, err := openExchange(x, ""); err != nil && !errors.Is(err, exchange.ErrCredentials) {
				return usagef("%w", err)
			}
			if x.Feedback {
				if err := canBeTold(x.Protocol); err != nil {
					return usagef("--feedback: %w", err)
				}
			}
			return withStore(c.Context(), w.url, true, func(s *store.Store) error {
				if err := s.PutExchange(c.Context(), w.actor(), x); err != nil {
					return err
				}
				return a.showExchanges(c.Context(), s, args, a.printExchange)
			})
		},
	}
	w.add(c, true)
	c.Flags().StringVar(&x.Protocol, "protocol", "", "the `PROTOCOL` that it speaks")
	c.Flags().StringVar(&x.Base, "url", "", "the `URL` of the exchange, if it is not the protocol's own")
	c.Flags().StringArrayVar(&settings, "set", nil, "a setting of the protocol, `NAME=VALUE`; may be repeated")
	c.Flags().StringVar(&x.Bank, "bank", "", "the bank that it feeds, no allow-list (default: its name)")
	c.Flags().BoolVar(&x.Feedback, "feedback", false, "queue what curators decide of its entries (\"bank confirm\", \"deconfirm\"), to be told to it by \"push\"")
	_ = c.MarkFlagRequired("protocol")
	return c
}

func (a *app) exchangeRemoveCommand() *cobra.Command {
	var w who
	c := &cobra.Command{
		Use:   "remove --store URL --by REVIEWER NAME",
		Short: "Leave an exchange: what came from it goes",
		Long: `Leave an exchange: all entries that came from it are taken out of its bank, and what was
queued for it is forgotten. The bank stays. After a failure it can be done again.

Exit codes: 0 done, 1 failure, such as that somebody is pulling it, 2 wrong usage.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), w.url, false, func(s *store.Store) error {
				x, err := s.Exchange(c.Context(), args[0])
				if err == nil {
					err = s.DropExchange(c.Context(), w.actor(), args[0])
				}
				if err != nil {
					return err
				}
				if a.json {
					return printJSON(a.stdout, struct {
						Exchange string `json:"exchange"`
						Records  int    `json:"records"` // that went with it
						Outgoing int    `json:"outgoing"`
					}{x.Name, x.Records, x.Outgoing})
				}
				_, err = fmt.Fprintf(a.stdout, "%s: left, %s went with it%s\n", display(x.Name), count(x.Records, "record", "records"), untold(x.Outgoing))
				return err
			})
		},
	}
	w.add(c, true)
	return c
}

func untold(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %s not told to it", count(n, "thing was", "things were"))
}

// someExchanges returns the exchanges with the given names, or all.
func someExchanges(ctx context.Context, s *store.Store, names []string) (some []store.ExchangeStatus, err error) {
	if len(names) == 0 {
		some, err = s.Exchanges(ctx)
		if err == nil && len(some) == 0 {
			err = errors.New("the store has no exchanges; \"rematch exchange add\" adds one")
		}
		return some, err
	}
	for _, name := range names {
		x, err := s.Exchange(ctx, name)
		if err != nil {
			return nil, err
		}
		some = append(some, x)
	}
	return some, nil
}
