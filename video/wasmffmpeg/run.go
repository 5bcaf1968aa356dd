package wasmffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/gruf/go-ffmpreg/wasm"
	"github.com/tetratelabs/wazero"

	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/internal/ffargs"
)

// starter returns what runs programs on the file of c.
func (b *Backend) starter(c video.Container) ffargs.Starter {
	return func(ctx context.Context, cmd ffargs.Command) (*ffargs.Process, error) {
		return b.start(ctx, c.Path, cmd)
	}
}

// start runs an instance of the program in a goroutine. The guest has the one
// file, two pipes, the arguments, a clock that starts at 0, and nothing else: no
// environment, no folder, no date, no network.
//
// When ctx ends, the guest is ended at its next call of the host; see guard.
// (wazero can also stop a guest anywhere, by WithCloseOnContextDone, but the checks
// that this puts into the code made decoding of h264 seven times as slow: 86 s
// instead of 11 s. Options.StopAnywhere asks for them.) A guest that computed without end and without a call would not
// be stopped; ffmpeg works packet by packet, and looks at the clock before each.
// Should it happen all the same, the call returns after stopWait and the instance
// goes on by itself, with one thread and the memory of its ceiling, until the
// program ends.
func (b *Backend) start(ctx context.Context, path string, cmd ffargs.Command) (*ffargs.Process, error) {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil, fmt.Errorf("wasmffmpeg: %w", ErrClosed)
	}
	b.calls.Add(1)
	b.mu.Unlock()

	guard := new(guard)
	file, err := openInput(ctx, path, guard)
	if err != nil {
		b.calls.Done()
		return nil, fmt.Errorf("wasmffmpeg: %w", err)
	}
	program := "ffmpeg"
	if cmd.Probe {
		program = "ffprobe"
	}
	stdout, guestOut := io.Pipe()
	stderr, guestErr := io.Pipe()
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := func(cause error) {
		guard.stop()
		stdout.CloseWithError(cause)
		stderr.CloseWithError(cause)
		if b.stopAnywhere {
			cancel()
		}
	}
	unwatch := context.AfterFunc(ctx, func() { stop(context.Cause(ctx)) })
	unwatchClose := context.AfterFunc(b.ended, func() { stop(ErrClosed) })

	ended := make(chan error, 1)
	go func() {
		defer b.calls.Done()
		code, err := wasm.Run(running, b.runtime, b.module, wasm.Args{
			Name:   program,
			Args:   cmd.Args(),
			Stdin:  strings.NewReader(""),
			Stdout: guarded{guestOut, guard},
			Stderr: guarded{guestErr, guard},
			Config: func(m wazero.ModuleConfig) wazero.ModuleConfig {
				return guard.clocks(m).WithFSConfig(wazero.NewFSConfig().WithFSMount(file, "/"))
			},
		})
		unwatch()
		unwatchClose()
		cancel()
		_ = guestOut.Close()
		_ = guestErr.Close()
		_ = file.Close()
		ended <- b.exit(code, err)
	}()
	wait := func() error {
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
		case <-b.ended.Done():
		}
		select {
		case err := <-ended:
			return err
		case <-time.After(stopWait):
			return fmt.Errorf("wasmffmpeg: %w", errStuck)
		}
	}
	return &ffargs.Process{Stdout: stdout, Stderr: stderr, Wait: wait}, nil
}

// stopWait is how long an instance may take to its next call of the host. A packet
// is decoded within it, even of large pictures on a busy machine.
const stopWait = 15 * time.Second

// errStuck is the end of waiting for an instance that does not stop.
var errStuck = errors.New("the sandboxed decoder does not stop; it keeps its thread until the program ends")

// exit explains how an instance ended.
func (b *Backend) exit(code uint32, err error) error {
	switch {
	case b.ended.Err() != nil:
		return fmt.Errorf("wasmffmpeg: %w", ErrClosed)
	case err == nil && code == 0:
		return nil
	case err == nil:
		return &ffargs.ExitError{Code: int(code)}
	case strings.HasPrefix(err.Error(), "wasm error:"):
		return &ffargs.ExitError{Code: -1} // a trap: the guest crashed on what it read
	}
	return fmt.Errorf("wasmffmpeg: running the decoder: %w", err)
}
