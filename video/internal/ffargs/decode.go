package ffargs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video"
)

// keyless is the grid on which a video is sampled when key frames are asked for
// and none is marked (streams with periodic intra refresh have none): the usual
// distance of key frames.
const keyless = 2 * time.Second

// Frames decodes what r asks for. Pictures are full-range *image.YCbCr, or
// *image.Gray where r.Luma is set, that share one buffer.
//
// Times are from the start of the media and never run backwards: a time that does
// is held at the one before. A video without key frames is sampled every two
// seconds when r.Sampling.Keys is set, with Key false on its frames.
//
// Errors are *video.Error: ErrCorrupt when no frame could be decoded, ErrTruncated
// after the last good frame, ErrTimeout, a *video.LimitError, the error of ctx, or
// an operational one.
func Frames(ctx context.Context, start Starter, c video.Container, info video.Info, r video.Request, s Settings) iter.Seq2[hash.Frame, error] {
	return func(yield func(hash.Frame, error) bool) {
		d := &decoder{parent: ctx, start: start, c: c, info: info, settings: s, yield: yield}
		if c.Limits.Work > 0 {
			var stop context.CancelFunc
			ctx, stop = context.WithTimeoutCause(ctx, c.Limits.Work, video.ErrTimeout)
			defer stop()
		}
		err := checkSize(c, info)
		if err == nil {
			err = d.run(ctx, r)
		}
		if err != nil && !d.left {
			yield(hash.Frame{}, d.explain(ctx, err))
		}
	}
}

// decoder is one call of Frames.
type decoder struct {
	parent   context.Context
	start    Starter
	c        video.Container
	info     video.Info
	settings Settings
	yield    func(hash.Frame, error) bool
	left     bool // the consumer left the loop
}

// errNoKeys is the end of a run for key frames that found none.
var errNoKeys = errors.New("no key frames")

// noFPSMode is what an ffmpeg older than 5.1 says, if nobody asked for its version.
const noFPSMode = "Unrecognized option 'fps_mode'"

// sizeError is the end of a run whose pictures turned out to have another size than
// the header told: they would be scaled by that, to a pixel if it says so.
type sizeError struct{ width, height int }

func (e *sizeError) Error() string { return fmt.Sprintf("a size of %d x %d", e.width, e.height) }

func (d *decoder) run(ctx context.Context, r video.Request) error {
	err := d.pass(ctx, r)
	if size := (*sizeError)(nil); errors.As(err, &size) {
		d.info.Width, d.info.Height = size.width, size.height
		if err = checkSize(d.c, d.info); err == nil {
			err = d.pass(ctx, r)
		}
	}
	if refused := (*video.Error)(nil); !d.settings.OldSync && errors.As(err, &refused) && strings.Contains(refused.Detail, noFPSMode) {
		d.settings.OldSync = true
		err = d.pass(ctx, r)
	}
	if errors.Is(err, errNoKeys) {
		r.Sampling.Keys = false
		if len(r.Sampling.At) == 0 {
			r.Sampling.Every = max(r.Sampling.Every, keyless)
		}
		err = d.pass(ctx, r)
	}
	return err
}

// pass runs ffmpeg once. When it returns, the process is gone.
func (d *decoder) pass(ctx context.Context, r video.Request) error {
	p, err := newPlan(d.c, d.info, r, d.settings, rand.Text())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	proc, err := d.start(ctx, p.command)
	if err != nil {
		return err
	}
	reports := newReports(p)
	logRead := make(chan struct{})
	go func() {
		defer close(logRead)
		reports.read(proc.Stderr)
	}()

	finished, broken, err := d.frames(proc.Stdout, p, reports)
	if finished || err != nil {
		cancel()
	}
	<-logRead
	exit := proc.Wait()
	switch {
	case err != nil || finished:
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	var code *ExitError
	if exit != nil && !errors.As(exit, &code) {
		return exit
	}
	return d.verdict(p, reports, broken || exit != nil)
}

// frames reads pictures until they end. finished tells that no more are wanted,
// broken that the last one came in part.
func (d *decoder) frames(pictures io.Reader, p *plan, reports *reports) (finished, broken bool, err error) {
	var (
		raw   []byte
		img   image.Image
		take  = sampler{Sampling: p.sampling}
		frame hash.Frame
	)
	for n := 0; ; n++ {
		if n == 0 {
			// A header can claim any size: memory is taken when a first byte shows
			// that there is a picture.
			var first [1]byte
			if _, err := io.ReadFull(pictures, first[:]); err != nil {
				return false, false, nil
			}
			raw, img = newPicture(p)
			raw[0] = first[0]
			_, err = io.ReadFull(pictures, raw[1:])
		} else {
			_, err = io.ReadFull(pictures, raw)
		}
		if err != nil {
			return false, n == 0 || err == io.ErrUnexpectedEOF, nil
		}
		if m, ok := img.(*image.RGBA); ok {
			spread(m.Pix, raw)
		}
		rep, ok := reports.next(n)
		rep.time += p.base
		if n == 0 && ok && rep.width > 0 && (rep.width != d.info.Width || rep.height != d.info.Height) {
			return false, false, &sizeError{rep.width, rep.height}
		}
		if !ok || !rep.timed {
			// A report that was lost, or a frame whose time the container does not
			// tell: one frame after the one before.
			if rep.time = frame.Time; n == 0 {
				rep.time = p.base
			}
			if n > 0 && d.info.FrameRate > 0 {
				rep.time += time.Duration(float64(time.Second) / d.info.FrameRate)
			}
			if !ok {
				rep.number, rep.key = frame.Number+min(n, 1), false
			}
		}
		frame = hash.Frame{Image: img, Number: rep.number, Time: max(rep.time, frame.Time), Key: rep.key}
		if p.sampling.Keys || p.base > 0 {
			frame.Number = int(math.Round(frame.Time.Seconds() * d.info.FrameRate))
		}
		if l := d.c.Limits.Duration; l > 0 && frame.Time > l {
			return false, false, &video.LimitError{Limit: "duration", Max: int64(l), Got: int64(frame.Time)}
		}
		if l := d.c.Limits.Frames; l > 0 && rep.number >= l {
			return false, false, &video.LimitError{Limit: "frames", Max: int64(l)}
		}
		if !take.take(frame.Time, frame.Key) {
			if take.done() {
				return true, false, nil
			}
			continue
		}
		if !d.yield(frame, nil) {
			d.left = true
			return true, false, nil
		}
		if take.done() {
			return true, false, nil
		}
	}
}

// verdict judges a run that ended by itself.
func (d *decoder) verdict(p *plan, r *reports, failed bool) error {
	detail := r.messages()
	switch {
	case d.c.Limits.Frames > 0 && r.decodedFrames() > d.c.Limits.Frames:
		return &video.LimitError{Limit: "frames", Max: int64(d.c.Limits.Frames)}
	case p.sampling.Keys && r.selectedFrames == 0:
		return errNoKeys
	case r.decodedFrames() == 0 && !failed && (p.sampling.From > 0 || p.sampling.To > 0):
		return nil // the stretch lies beyond the end, or between two frames
	case r.decodedFrames() == 0:
		return &video.Error{Err: video.ErrCorrupt, Detail: detail}
	case r.back: // players sort frames by their times, and we were given them in another order
		return &video.Error{Err: video.ErrTruncated, Detail: "times that run backwards"}
	case failed || r.cut || d.endsEarly(p.sampling, r.last):
		return &video.Error{Err: video.ErrTruncated, Detail: detail}
	}
	return nil
}

// endsEarly reports whether the last decoded frame lies so far before the end
// that its stream declares that frames must be missing: more than 10 seconds and
// more than a quarter of the duration. The margin is wide because the last picture
// of a screen recording may stand for long; a file that was cut is mostly known
// by what the demuxer says. It is asked only where the container tells the
// duration of the video apart from the sound's.
func (d *decoder) endsEarly(s video.Sampling, last time.Duration) bool {
	if s.Keys || s.From > 0 || s.To > 0 || d.c.Demuxer != "mov" && d.c.Demuxer != "avi" {
		return false
	}
	missing := d.info.Duration - last
	return missing > 10*time.Second && missing > d.info.Duration/4
}

// explain gives err the form of the contract.
func (d *decoder) explain(ctx context.Context, err error) error {
	var typed *video.Error
	switch {
	case d.parent.Err() != nil:
		err = d.parent.Err()
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.As(err, &typed):
		return err
	}
	return &video.Error{Err: err}
}

// newPicture returns a buffer for one raw frame, and the picture whose planes
// lie in it as ffmpeg writes gray, Y alone, or yuv420p: Y, Cb, Cr, with odd sides
// rounded up. One of RGB24 has pixels of its own.
func newPicture(p *plan) ([]byte, image.Image) {
	w, h := p.width, p.height
	if p.rgb {
		return make([]byte, 3*w*h), image.NewRGBA(image.Rect(0, 0, w, h))
	}
	cw, ch := (w+1)/2, (h+1)/2
	y, c := w*h, cw*ch
	if p.grey {
		raw := make([]byte, y)
		return raw, &image.Gray{Pix: raw, Stride: w, Rect: image.Rect(0, 0, w, h)}
	}
	raw := make([]byte, y+2*c)
	return raw, &image.YCbCr{
		Y:              raw[:y:y],
		Cb:             raw[y : y+c : y+c],
		Cr:             raw[y+c:],
		YStride:        w,
		CStride:        cw,
		SubsampleRatio: image.YCbCrSubsampleRatio420,
		Rect:           image.Rect(0, 0, w, h),
	}
}

// spread makes opaque pixels of four bytes of raw ones of three.
func spread(pixels, raw []byte) {
	for i := 0; i+3 <= len(raw); i += 3 {
		copy(pixels[i/3*4:], raw[i:i+3])
		pixels[i/3*4+3] = 255
	}
}

// maxArea keeps the size of one raw frame within an int on every processor.
const maxArea = math.MaxInt32 / 4

// checkSize refuses a picture or a media that is over its budget.
func checkSize(c video.Container, info video.Info) error {
	if info.Width <= 0 || info.Height <= 0 {
		return &video.Error{Err: video.ErrCorrupt, Detail: fmt.Sprintf("a size of %d x %d", info.Width, info.Height)}
	}
	limit := int64(maxArea)
	if l := c.Limits.Pixels; l > 0 {
		limit = min(limit, l)
	}
	area := int64(info.Width) * int64(info.Height)
	if int64(info.Width) > limit || int64(info.Height) > limit || area > limit {
		return &video.LimitError{Limit: "pixels", Max: limit, Got: area}
	}
	if l := c.Limits.Duration; l > 0 && info.Duration > l {
		return &video.LimitError{Limit: "duration", Max: int64(l), Got: int64(info.Duration)}
	}
	return nil
}
