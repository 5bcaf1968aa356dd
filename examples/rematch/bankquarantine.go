package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/match"
)

func (a *app) bankQuarantineCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "quarantine",
		Short: "Show and release entries that were set aside for matching far too much",
		Args:  cobra.NoArgs,
		RunE:  needsCommand,
	}
	c.AddCommand(a.quarantineListCommand(), a.quarantineReleaseCommand())
	return c
}

func (a *app) quarantineListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list FILE",
		Short: "List the entries in quarantine",
		Long: `List the entries of all banks in a file that are in quarantine: they suddenly matched far
more uploads than they used to. "release" lets them match again, "bank remove" removes them.
What a program that has the file open has set aside since it last saved is not seen.

Exit codes: 0 there are none, 3 there are some, 1 failure, 2 wrong usage.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := match.OpenSnapshot(args[0])
			if err != nil {
				return err
			}
			found := false
			for _, b := range s.Banks() {
				for e, err := range s.Entries(b.Name) {
					if err == nil && !e.Curation.Held() {
						continue
					}
					if err == nil {
						found = true
						err = a.printEntry(b.Name, b.Policy, e)
					}
					if err != nil {
						return err
					}
				}
			}
			if found {
				return codeError(exitMatch)
			}
			return nil
		},
	}
}

func (a *app) quarantineReleaseCommand() *cobra.Command {
	c, _ := a.entryCommand("release FILE ENTRY...", "Let entries out of quarantine", `Let entries out of quarantine: they match as before.`, 0,
		func(*place, []string, time.Time) (func(*match.Entry), error) {
			return func(e *match.Entry) { e.Curation.Quarantine = match.Quarantine{} }, nil
		})
	return c
}
