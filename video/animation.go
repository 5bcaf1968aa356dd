package video

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video/internal/gifstream"
)

// animation is a GIF of any number of pictures. They are decoded one at a time:
// what is held is the canvas, one picture, and at most one area to be restored.
type animation struct {
	stored        *Stored
	limits        Limits
	width, height int
	single        bool // a still, which has one frame under any sampling
}

// openGIF reads over the blocks of the whole file without decompressing them, to
// know how many pictures there are and how long they last: one makes a Still. A
// file over the budget of frames is counted no further than that.
func (m *Media) openGIF(ctx context.Context) error {
	r := &contextReader{ctx: ctx, r: m.stored.Reader()}
	g, err := gifstream.NewReader(r)
	if err != nil {
		return gifError(ctx, r, err, 0)
	}
	a := &animation{stored: m.stored, limits: m.limits, width: g.Width, height: g.Height}
	var (
		count    int
		duration time.Duration
	)
	for !over(int64(count), int64(m.limits.Frames)) {
		p, err := g.Skip()
		if err != nil {
			// Where the file ends early is found again, and told, while decoding.
			if ctx.Err() != nil || r.err != nil {
				return gifError(ctx, r, err, count)
			}
			break
		}
		if count == 0 {
			// Browsers make room for the whole first picture, whatever the header says.
			a.width, a.height = max(a.width, p.Rect.Max.X), max(a.height, p.Rect.Max.Y)
		}
		count++
		duration += p.Delay
	}
	if err := checkPixels(a.width, a.height, m.limits); err != nil {
		return err
	}
	m.info.Width, m.info.Height = a.width, a.height
	a.single = count <= 1
	if !a.single {
		m.info.Class, m.info.Duration = Animation, duration
		m.info.FrameRate = float64(count) / duration.Seconds()
	}
	m.decode = a
	return nil
}

// frames composes the pictures. Sampling.Keys gives every picture: none of them
// costs less than the others.
func (a *animation) frames(ctx context.Context, r Request) iter.Seq2[hash.Frame, error] {
	return func(yield func(hash.Frame, error) bool) {
		in := &contextReader{ctx: ctx, r: a.stored.Reader()}
		g, err := gifstream.NewReader(in)
		if err != nil {
			yield(hash.Frame{}, gifError(ctx, in, err, 0))
			return
		}
		canvas := gifstream.NewCanvas(a.width, a.height)
		pick := r.Sampling.picker()
		admit := func(size image.Point) error { return checkPixels(size.X, size.Y, a.limits) }
		for n, at := 0, time.Duration(0); a.single || !pick.done(); n++ {
			p, err := g.Next(admit)
			if err == io.EOF && n > 0 {
				return
			}
			if err == nil {
				err = a.within(n, at)
			}
			if err != nil {
				yield(hash.Frame{}, gifError(ctx, in, err, n))
				return
			}
			picture := canvas.Draw(p)
			if pick.pick(at) || a.single {
				f := hash.Frame{Image: fit(picture, r.MaxSide), Number: n, Time: at, Key: n == 0 || canvas.Covers(p)}
				if !yield(f, nil) {
					return
				}
			}
			at += p.Delay
		}
	}
}

// within holds a decoded picture against the budgets, whether it is asked for or
// not.
func (a *animation) within(n int, at time.Duration) error {
	if over(int64(n)+1, int64(a.limits.Frames)) {
		return &LimitError{Limit: "frames", Max: int64(a.limits.Frames)}
	}
	if over(int64(at), int64(a.limits.Duration)) {
		return &LimitError{Limit: "duration", Max: int64(a.limits.Duration), Got: int64(at)}
	}
	return nil
}

// gifError says what an error means after so many good pictures.
func gifError(ctx context.Context, r *contextReader, err error, good int) error {
	var limit *LimitError
	switch {
	case errors.As(err, &limit):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case r.err != nil:
		return fmt.Errorf("reading the input: %w", r.err)
	case good > 0:
		return refuse(ErrTruncated, err.Error())
	case err == io.EOF:
		return refuse(ErrCorrupt, "a GIF without any picture")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return refuse(ErrTruncated, "no picture could be made of what is there")
	case errors.Is(err, gifstream.ErrFormat):
		return refuse(ErrCorrupt, err.Error())
	}
	return err
}
