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
	"github.com/rematch-go/rematch/video/internal/webpstream"
)

// animation is a GIF or an animated WebP of any number of pictures. They are decoded one at a
// time: what is held is the canvas, one picture, and at most one area to be restored.
type animation struct {
	stored *Stored
	limits Limits
	begin  func(r *contextReader) (stream, error)
	single bool // a still, which has one frame under any sampling
}

// stream is an animation's pictures, one after the other. After the last one the error is
// io.EOF.
type stream interface {
	// skip reads over the next picture without decoding it.
	skip() (shot, error)
	// next decodes the next picture and shows it on the canvas, which is valid until the next
	// call. admit is called with its size before memory is taken for it.
	next(admit func(size image.Point) error) (shot, error)
}

// shot is a picture of an animation as it is shown.
type shot struct {
	canvas image.Image // nil after skip
	delay  time.Duration
	key    bool // it hides all that was there before
}

// openAnimation reads over the pictures of the whole file without decompressing them, to know
// how many there are and how long they last: one makes a Still. A file over the budget of
// frames is counted no further than that.
func (m *Media) openAnimation(ctx context.Context, width, height int, begin func(r *contextReader) (stream, error)) error {
	if err := checkPixels(width, height, m.limits); err != nil {
		return err
	}
	r := &contextReader{ctx: ctx, r: m.stored.Reader()}
	s, err := begin(r)
	if err != nil {
		return animationError(ctx, r, err, 0)
	}
	var (
		count    int
		duration time.Duration
	)
	for !over(int64(count), int64(m.limits.Frames)) {
		p, err := s.skip()
		if err != nil {
			// Where the file ends early is found again, and told, while decoding.
			if ctx.Err() != nil || r.err != nil {
				return animationError(ctx, r, err, count)
			}
			break
		}
		count++
		duration += p.delay
	}
	a := &animation{stored: m.stored, limits: m.limits, begin: begin, single: count <= 1}
	m.info.Class, m.info.Width, m.info.Height = Still, width, height
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
	if r.Luma && !a.single {
		return lumaFrames(a.pictures(ctx, r))
	}
	return a.pictures(ctx, r)
}

func (a *animation) pictures(ctx context.Context, r Request) iter.Seq2[hash.Frame, error] {
	return func(yield func(hash.Frame, error) bool) {
		in := &contextReader{ctx: ctx, r: a.stored.Reader()}
		s, err := a.begin(in)
		if err != nil {
			yield(hash.Frame{}, animationError(ctx, in, err, 0))
			return
		}
		pick := r.Sampling.picker()
		admit := func(size image.Point) error { return checkPixels(size.X, size.Y, a.limits) }
		for n, at := 0, time.Duration(0); a.single || !pick.done(); n++ {
			p, err := nextShot(ctx, s, admit)
			if err == io.EOF && n > 0 {
				return
			}
			if err == nil {
				err = a.within(n, at)
			}
			if err != nil {
				yield(hash.Frame{}, animationError(ctx, in, err, n))
				return
			}
			if pick.pick(at) || a.single {
				f := hash.Frame{Image: scaled(p.canvas, r), Number: n, Time: at, Key: n == 0 || p.key}
				if !yield(f, nil) {
					return
				}
			}
			at += p.delay
		}
	}
}

// nextShot makes a decoder's panics errors, and sees to it that small pictures do not run
// past the end of the context between two reads.
func nextShot(ctx context.Context, s stream, admit func(size image.Point) error) (p shot, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the decoder gave up: %v", errPicture, r)
		}
	}()
	if err := ctx.Err(); err != nil {
		return shot{}, err
	}
	return s.next(admit)
}

// errPicture is a picture that its decoder makes nothing of.
var errPicture = errors.New("a damaged picture")

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

// animationError says what an error means after so many good pictures.
func animationError(ctx context.Context, r *contextReader, err error, good int) error {
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
		return refuse(ErrCorrupt, "an animation without any picture")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return refuse(ErrTruncated, "no picture could be made of what is there")
	case errors.Is(err, gifstream.ErrFormat), errors.Is(err, webpstream.ErrFormat), errors.Is(err, errPicture):
		return refuse(ErrCorrupt, err.Error())
	}
	return err
}
