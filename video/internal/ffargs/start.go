package ffargs

import (
	"context"
	"fmt"
	"io"
)

// Starter starts ffmpeg or ffprobe. When ctx ends, the program is killed, its
// output ends, and Wait returns.
type Starter func(ctx context.Context, c Command) (*Process, error)

// Process is a started program. Both streams must be read to their end or the
// context cancelled before Wait is called.
type Process struct {
	Stdout, Stderr io.Reader
	// Wait returns nil, an *ExitError, or what went wrong with running it. It
	// returns only when nothing of the process is left, and may be called once.
	Wait func() error
}

// ExitError is the end of a program that reported a failure.
type ExitError struct{ Code int }

func (e *ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Code) }
