package terminal

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes of Run.
const (
	ExitOK      = 0
	ExitFailure = 1
	ExitUsage   = 2
)

// Run is a program that has flags and no commands: it parses its arguments, and does its work until
// that ends or SIGINT or SIGTERM ends its context. An error is told on stderr, in one line, but for
// flag.ErrHelp, which is no failure. Run returns the exit code.
func Run[S any](ctx context.Context, name string, args []string, stderr io.Writer, parse func([]string, io.Writer) (S, error), work func(context.Context, S) error) int {
	s, err := parse(args, stderr)
	code := ExitUsage
	if err == nil {
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		code, err = ExitFailure, work(ctx, s)
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return ExitOK
	}
	fmt.Fprintf(stderr, "%s: %s\n", name, OneLine(err.Error()))
	return code
}
