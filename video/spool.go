package video

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// spoolMemory is how much of a reader is held in memory: most pictures and no
	// video worth speaking of.
	spoolMemory = 4 << 20
	// emptyReads is how many times in a row a reader may give nothing before it is
	// taken for broken, as in bufio.
	emptyReads = 100
)

// storeReader runs the spool so that a reader that blocks holds up nobody whose
// context has ended: it is left alone with its reader then, and cleans up.
func storeReader(ctx context.Context, in Input, l Limits) (*Stored, error) {
	sp := &spool{budget: l.Bytes}
	if ctx.Done() == nil {
		return sp.run(ctx, in)
	}
	type result struct {
		s   *Stored
		err error
	}
	done := make(chan result)
	go func() {
		s, err := sp.run(ctx, in)
		select {
		case done <- result{s, err}:
		case <-ctx.Done():
			if s != nil {
				_ = s.Close() // nobody is left to hear of it
			}
		}
	}()
	select {
	case r := <-done:
		return r.s, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// spool collects a reader's bytes in memory, then in a temporary file.
type spool struct {
	budget int64 // bytes; negative: none
	size   int64
	memory []byte
	file   *os.File
}

func (sp *spool) run(ctx context.Context, in Input) (*Stored, error) {
	if err := sp.fill(ctx, in.reader); err != nil {
		sp.discard()
		return nil, err
	}
	if sp.file == nil {
		return &Stored{name: in.name, size: sp.size, data: bytes.NewReader(sp.memory), memory: sp.memory}, nil
	}
	return &Stored{name: in.name, size: sp.size, data: sp.file, file: sp.file, own: true, path: sp.file.Name()}, nil
}

// fill reads until the end, the budget, an error or the end of ctx.
func (sp *spool) fill(ctx context.Context, r io.Reader) error {
	buf := make([]byte, 64<<10)
	for empty := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(sp.window(buf))
		if n > 0 {
			empty = 0
			if err := sp.write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the input: %w", err)
		case n == 0:
			if empty++; empty >= emptyReads {
				return fmt.Errorf("reading the input: %w", io.ErrNoProgress)
			}
		}
	}
}

// window returns as much of buf as may be read: one byte over the budget tells
// that there is more.
func (sp *spool) window(buf []byte) []byte {
	if sp.budget < 0 {
		return buf
	}
	return buf[:min(int64(len(buf)), sp.budget-sp.size+1)]
}

func (sp *spool) write(p []byte) error {
	sp.size += int64(len(p))
	if over(sp.size, sp.budget) {
		return &LimitError{Limit: "bytes", Max: sp.budget}
	}
	if sp.file == nil && sp.size <= spoolMemory {
		sp.memory = append(sp.memory, p...)
		return nil
	}
	if sp.file == nil {
		f, err := createTemp()
		if err != nil {
			return fmt.Errorf("making a temporary file for the input: %w", err)
		}
		sp.file = f
		if _, err := f.Write(sp.memory); err != nil {
			return fmt.Errorf("writing the input to a temporary file: %w", err)
		}
		sp.memory = nil
	}
	if _, err := sp.file.Write(p); err != nil {
		return fmt.Errorf("writing the input to a temporary file: %w", err)
	}
	return nil
}

// discard removes what was collected, after an error that says more than any here.
func (sp *spool) discard() {
	sp.memory = nil
	if sp.file != nil {
		_ = sp.file.Close()
		_ = os.Remove(sp.file.Name())
	}
}
