package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/examples/evaluate/internal/clips"
	"github.com/rematch-go/rematch/examples/evaluate/internal/edits"
	"github.com/rematch-go/rematch/examples/internal/terminal"
)

// The exit codes; see the package comment.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	exitLeftOut = 4
)

// errLeftOut ends a run that is complete but for media that has been named.
var errLeftOut = errors.New("media was left out")

// usageError is a mistake in the command line.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)() // a second Ctrl-C kills

	understood := false // errors before that are the user's; cobra gives them no type
	root := &cobra.Command{
		Use:               "evaluate",
		Short:             "Measure on your own pictures and videos how well edited copies are found",
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              cobra.NoArgs,
		RunE:              func(c *cobra.Command, _ []string) error { return usagef("a command is needed") },
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	for _, c := range []*cobra.Command{picturesCommand(), videosCommand(), collectCommand(), transformsCommand()} {
		work := c.RunE
		c.RunE = func(c *cobra.Command, args []string) error {
			understood = true
			return work(c, args)
		}
		root.AddCommand(c)
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)

	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errLeftOut):
		return exitLeftOut
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "evaluate: interrupted")
		return exitFailure
	case !understood || errors.As(err, &usage):
		fmt.Fprintf(stderr, "evaluate: %s\nRun 'evaluate help' to see how it is used.\n", terminal.OneLine(err.Error()))
		return exitUsage
	}
	fmt.Fprintf(stderr, "evaluate: %s\n", terminal.OneLine(err.Error()))
	return exitFailure
}

func transformsCommand() *cobra.Command {
	var ofVideos bool
	c := &cobra.Command{
		Use:   "transforms",
		Short: "List the transforms, a line each, as --transforms, or --only of videos, sees them",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if ofVideos {
				for _, t := range clips.All() {
					if _, err := fmt.Fprintf(c.OutOrStdout(), "%s\n", t.Name); err != nil {
						return err
					}
				}
				return nil
			}
			for _, e := range edits.All() {
				if _, err := fmt.Fprintf(c.OutOrStdout(), "%s\n", e); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&ofVideos, "videos", false, "list those of videos")
	return c
}
