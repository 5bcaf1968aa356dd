package video

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/rematch-go/rematch/hash"
)

// Media is an opened media file. Its methods are safe for concurrent use, except
// that nothing may be using it when it is closed.
type Media struct {
	stored  *Stored
	own     bool // stored is closed with the media
	info    Info
	limits  Limits
	decode  decoder
	backend string // name of the backend; empty: decoded in Go
}

// decoder gives the frames of one media file, as often as it is asked. The
// context is the one that carries the work budget.
type decoder interface {
	frames(ctx context.Context, r Request) iter.Seq2[hash.Frame, error]
}

// Open finds out by content what the input is and reads its header; no picture is
// decoded yet. The caller closes what is returned.
//
// All errors are *Error; Reason tells which of them mean that the input can't be
// judged: ErrEmpty, ErrUnsupported (texts, playlists, sound, archives, unknown formats), ErrEncrypted,
// ErrNoBackend (a video, and o.Backend is nil), ErrCorrupt or ErrTruncated (the
// header itself is damaged), ErrNoPicture, ErrTimeout and *LimitError of bytes or
// pixels. Duration and number of frames are held against their budgets by Frames.
func Open(ctx context.Context, in Input, o Options) (*Media, error) {
	o.Limits = o.Limits.Defaults()
	s, err := store(ctx, in, o.Limits)
	if err != nil {
		return nil, wrap(in.name, err)
	}
	m := &Media{stored: s, own: in.from != fromStored, limits: o.Limits}
	if err := m.open(ctx, o); err != nil {
		_ = m.Close() // the first error says more
		return nil, wrap(in.name, err)
	}
	return m, nil
}

func (m *Media) open(ctx context.Context, o Options) error {
	if m.stored.size == 0 {
		return ErrEmpty
	}
	header := make([]byte, min(m.stored.size, sniffLen))
	if _, err := io.ReadFull(m.stored.Reader(), header); err != nil {
		return err
	}
	format, demuxer, class := Sniff(header)
	m.info = Info{Class: class, Format: format, Bytes: m.stored.size}
	work := startWork(ctx, o.Limits.Work)
	defer work.stop()
	r := &contextReader{ctx: work.ctx, r: m.stored.Reader()}
	encrypted := isEncrypted(r, m.stored.size, format)
	var err error
	switch {
	case r.err != nil:
		return r.err
	case work.ctx.Err() != nil:
		err = work.ctx.Err()
	case encrypted:
		return refuse(ErrEncrypted, format)
	case class == Video:
		err = m.openVideo(work.ctx, demuxer, o)
	case format == "gif":
		err = m.openGIF(work.ctx)
	case class == Animation:
		err = m.openAnimatedWebP(work.ctx)
	case class == Still:
		err = m.openStill(work.ctx, o)
	default:
		return refuse(ErrUnsupported, unsupportedDetail(format))
	}
	return work.judge(err)
}

// unsupportedDetail says more about formats that are known and not decoded.
func unsupportedDetail(format string) string {
	switch format {
	case "":
		return ""
	case "playlist":
		return "a playlist, which would make a decoder read other files"
	}
	return format
}

// Info returns what the header told.
func (m *Media) Info() Info { return m.info }

// Backend returns the name of the backend that decodes the media, and nothing
// for what is decoded in Go.
func (m *Media) Backend() string { return m.backend }

// Frames decodes the frames that are asked for, in presentation order; a still
// has one, number 0 at time 0. Each call decodes anew, and calls may run at the
// same time. The sequence ends after its first error; what came before it is
// good. Leaving the loop early releases everything.
//
// Errors are *Error. Beside those of Open: ErrTruncated when frames were given
// before the damage, ErrCorrupt when none could be, *LimitError of frames or
// duration after the frames within the budget, ErrTimeout after Limits.Work
// (which includes the time that the loop's body takes). When ctx ends, the error
// is the context's.
func (m *Media) Frames(ctx context.Context, r Request) iter.Seq2[hash.Frame, error] {
	return func(yield func(hash.Frame, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(hash.Frame{}, wrap(m.stored.name, err))
			return
		}
		if err := r.validate(); err != nil {
			yield(hash.Frame{}, wrap(m.stored.name, err))
			return
		}
		work := startWork(ctx, m.limits.Work)
		defer work.stop()
		guard := guard{limits: m.limits}
		for f, err := range m.decode.frames(work.ctx, r) {
			if err == nil {
				err = guard.admit(f)
			}
			if late := work.ctx.Err(); err == nil && late != nil {
				err = late
			}
			if err != nil {
				yield(hash.Frame{}, wrap(m.stored.name, work.judge(err)))
				return
			}
			if !yield(f, nil) {
				return
			}
		}
		// A decoder that stops short without a word is not at the end.
		err := work.ctx.Err()
		if err == nil && guard.frames == 0 && !r.Sampling.isPart() {
			err = ErrCorrupt
		}
		if err == nil && m.info.Streams > 1 && !r.Sampling.isPart() {
			// Which one a player shows is its own choice, so a harmless first one proves
			// nothing.
			err = refuse(ErrUnsupported, fmt.Sprintf("%d video streams, and only the first was looked at: give each as a file", m.info.Streams))
		}
		if err != nil {
			yield(hash.Frame{}, wrap(m.stored.name, work.judge(err)))
		}
	}
}

// Source returns the frames of one request as a Source.
func (m *Media) Source(r Request) Source { return source{m, r} }

type source struct {
	media   *Media
	request Request
}

func (s source) Frames(ctx context.Context) iter.Seq2[hash.Frame, error] {
	return s.media.Frames(ctx, s.request)
}

// Close releases the media's bytes, unless they belong to a Stored.
func (m *Media) Close() error {
	if !m.own {
		return nil
	}
	return m.stored.Close()
}
