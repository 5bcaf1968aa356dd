package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// The exit codes; see the package comment.
const (
	exitOK        = 0
	exitFailure   = 1
	exitUsage     = 2
	exitMatch     = 3
	exitNotJudged = 4
)

// grace is how long an interrupted program may take to stop its decoders and
// remove its temporary files. Then it ends all the same: Ctrl-C means now.
const grace = 1500 * time.Millisecond

// errUsage marks errors of the command line; see usagef.
var errUsage = errors.New("wrong usage")

// usagef is fmt.Errorf for mistakes in the command line: exit code 2.
func usagef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errUsage, fmt.Errorf(format, args...))
}

// codeError ends the program with a code and no message: what there was to say
// has been said file by file.
type codeError int

func (e codeError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// app is what all commands share.
type app struct {
	stdout, stderr io.Writer
	json           bool
	workers        int
	endless        bool // to be interrupted is how it ends
}

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	ended := make(chan struct{})
	defer close(ended)
	defer context.AfterFunc(ctx, func() {
		stop() // a second Ctrl-C kills
		select {
		case <-ended:
		case <-time.After(grace):
			fmt.Fprintln(stderr, "rematch: interrupted")
			os.Exit(exitFailure)
		}
	})()

	a := &app{stdout: stdout, stderr: stderr}
	started := false
	root := a.rootCommand(&started)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)

	var code codeError
	switch {
	case ctx.Err() != nil && a.endless:
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "rematch: interrupted")
		return exitFailure
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case !started || errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "rematch: %s\nRun 'rematch help' to see how it is used.\n", message(err))
		return exitUsage
	}
	fmt.Fprintf(stderr, "rematch: %s\n", lastWords(err))
	return exitFailure
}

// rootCommand makes the tree of commands. *started tells whether the command line
// was understood: errors before that are the user's, cobra gives them no type.
func (a *app) rootCommand(started *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "rematch",
		Short: "Find known pictures and videos among uploads",
		Long: `rematch hashes pictures and videos, makes banks of known content from them, and
looks for that content among other files: re-encoded, resized, mirrored, turned,
letterboxed, trimmed, or cut into something longer.

Exit codes: 0 nothing matched, 3 something matched, 4 nothing matched but
something was not judged, 1 failure, 2 wrong usage.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              cobra.NoArgs,
		RunE:              needsCommand,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print one JSON object a line")
	root.AddCommand(a.hashCommand(), a.exportCommand(), a.bankCommand(), a.auditCommand(), a.exchangeCommand(), a.scanCommand(), a.recordCommand(), a.reportCommand(), a.compareCommand(), a.lookupCommand(), a.doctorCommand(), a.versionCommand())
	markStart(root, started)
	return root
}

// needsCommand is what a command does that only groups others.
func needsCommand(c *cobra.Command, _ []string) error {
	c.SetOut(c.ErrOrStderr())
	if err := c.Help(); err != nil {
		return err
	}
	return codeError(exitUsage)
}

func markStart(c *cobra.Command, started *bool) {
	if runE := c.RunE; runE != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			*started = true
			return runE(c, args)
		}
	}
	for _, sub := range c.Commands() {
		markStart(sub, started)
	}
}

// workerFlag adds --workers to a command.
func (a *app) workerFlag(c *cobra.Command) {
	c.Flags().IntVar(&a.workers, "workers", runtime.NumCPU(), "how many files to work on at the same time")
}

// checkWorkers refuses what no machine wants.
func (a *app) checkWorkers() error {
	if a.workers < 1 || a.workers > 1024 {
		return usagef("--workers %d: want 1 to 1024", a.workers)
	}
	return nil
}
