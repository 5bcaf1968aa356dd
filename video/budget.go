package video

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// work is the time budget of one call. Its context ends with the caller's or
// with the budget; judge tells the two apart.
type work struct {
	caller context.Context
	ctx    context.Context
	stop   context.CancelFunc
}

func startWork(ctx context.Context, budget time.Duration) work {
	if budget < 0 {
		limited, cancel := context.WithCancel(ctx)
		return work{ctx, limited, cancel}
	}
	limited, cancel := context.WithTimeout(ctx, budget)
	return work{ctx, limited, cancel}
}

// judge gives an error its true cause: whatever a decoder says after the context
// has ended, in whatever words, it says because of that.
func (w work) judge(err error) error {
	if err == nil {
		return nil
	}
	if caller := w.caller.Err(); caller != nil {
		return caller
	}
	var limit *LimitError
	if w.ctx.Err() != nil && !errors.As(err, &limit) {
		return ErrTimeout
	}
	return err
}

// guard holds frames against the budgets and the order that every decoder
// promises: the second line of defence, behind the decoders' own. Two frames may
// share a number, where a backend reckons it from the time.
type guard struct {
	limits Limits
	frames int
	last   hash.Frame // without its image
}

func (g *guard) admit(f hash.Frame) error {
	if f.Image == nil {
		return g.broken("the decoder gave a frame without a picture")
	}
	size := f.Image.Bounds().Size()
	if err := checkPixels(size.X, size.Y, g.limits); err != nil {
		return err
	}
	if f.Time < 0 || g.frames > 0 && (f.Time < g.last.Time || f.Number < g.last.Number) {
		return g.broken(fmt.Sprintf("frame %d at %v is out of order", f.Number, f.Time))
	}
	if over(int64(f.Time), int64(g.limits.Duration)) {
		return &LimitError{Limit: "duration", Max: int64(g.limits.Duration), Got: int64(f.Time)}
	}
	if g.frames++; over(int64(g.frames), int64(g.limits.Frames)) {
		return &LimitError{Limit: "frames", Max: int64(g.limits.Frames)}
	}
	g.last = hash.Frame{Number: f.Number, Time: f.Time}
	return nil
}

// broken is the error of a frame that can't be given.
func (g *guard) broken(detail string) error {
	if g.frames > 0 {
		return refuse(ErrTruncated, detail)
	}
	return refuse(ErrCorrupt, detail)
}

// checkPixels refuses pictures without any pixel and those over the budget.
func checkPixels(width, height int, l Limits) error {
	if width <= 0 || height <= 0 {
		return refuse(ErrCorrupt, fmt.Sprintf("a picture of %d x %d pixels", width, height))
	}
	if n := int64(width) * int64(height); over(n, l.Pixels) {
		return &LimitError{Limit: "pixels", Max: l.Pixels, Got: n}
	}
	return nil
}

// contextReader fails its reads once the context has ended: the only way to stop
// the decoders of the standard library. It remembers what else went wrong, so
// that a broken disk is not taken for a broken picture.
type contextReader struct {
	ctx   context.Context
	r     *io.SectionReader
	err   error // what reading failed with
	ended bool  // more was asked for than there is
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.note(err)
	return n, err
}

// ReadAt lets the TIFF decoder seek.
func (c *contextReader) ReadAt(p []byte, off int64) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.ReadAt(p, off)
	c.note(err)
	return n, err
}

func (c *contextReader) note(err error) {
	if errors.Is(err, io.EOF) {
		c.ended = true
	} else if err != nil {
		c.err = err
	}
}
