package video

import (
	"errors"
	"image"
	"time"
)

// maxAt is how many times Sampling.At may name.
const maxAt = 64

// maxSize bounds both sides of Request.Size.
const maxSize = 4096

// validate refuses requests that contradict themselves. They are mistakes of the
// program, not of the media.
func (r Request) validate() error {
	s := r.Sampling
	switch {
	case r.MaxSide < 0:
		return errors.New("Request.MaxSide is negative: 0 means native size")
	case r.Size != (image.Point{}) && (min(r.Size.X, r.Size.Y) < 1 || max(r.Size.X, r.Size.Y) > maxSize):
		return errors.New("Request.Size is not from 1 x 1 to 4096 x 4096")
	case r.Size != (image.Point{}) && r.MaxSide > 0:
		return errors.New("Request.Size and Request.MaxSide are both set: ask for one of them")
	case s.Every < 0:
		return errors.New("Sampling.Every is negative: 0 means every frame")
	case s.Every > 0 && len(s.At) > 0:
		return errors.New("Sampling.Every and Sampling.At are both set: ask for one of them")
	case len(s.At) > maxAt:
		return errors.New("Sampling.At names more than 64 times: ask in several calls")
	}
	if s.From < 0 || s.To < 0 || s.To > 0 && s.To <= s.From {
		return errors.New("Sampling.From and To: want 0 <= From < To, or a To of 0 for the end")
	}
	for i, t := range s.At {
		if t < 0 || i > 0 && t <= s.At[i-1] {
			return errors.New("Sampling.At must rise from 0 or later")
		}
	}
	return nil
}

// picker chooses frames by their rising times: the first at or after each wanted
// one. A frame that is the first for several wanted times is given once.
type picker struct {
	every time.Duration
	at    []time.Duration
	next  time.Duration // with every: the next multiple that has no frame yet
	all   bool

	from, to time.Duration // the stretch that is looked at; a to of 0 is the end
	past     bool          // a frame at to or later was seen
}

func (s Sampling) picker() *picker {
	return &picker{every: s.Every, at: s.At, all: s.Every == 0 && len(s.At) == 0, from: s.From, to: s.To}
}

// pick reports whether the frame at t is wanted.
func (p *picker) pick(t time.Duration) bool {
	p.past = p.past || p.to > 0 && t >= p.to
	switch {
	case t < p.from || p.past:
		return false
	case p.all:
		return true
	case p.every > 0:
		if t < p.next {
			return false
		}
		p.next = (t/p.every + 1) * p.every
		return true
	}
	wanted := false
	for len(p.at) > 0 && p.at[0] <= t {
		p.at, wanted = p.at[1:], true
	}
	return wanted
}

// done reports that no later frame is wanted.
func (p *picker) done() bool { return p.past || !p.all && p.every == 0 && len(p.at) == 0 }
