package ffargs

import (
	"time"

	"github.com/rematch-go/rematch/video"
)

// sampler decides which decoded frames are given out.
type sampler struct {
	video.Sampling
	started bool
	cell    int64 // of the grid, where the last frame was taken
	next    int   // the first of At that has no frame yet
	past    bool  // To was reached
}

// take reports whether the frame at t is wanted. Frames come in presentation
// order.
func (s *sampler) take(t time.Duration, key bool) bool {
	if s.Keys && !key {
		return false
	}
	s.past = s.past || s.To > 0 && t+gridSlack >= s.To
	if t+gridSlack < s.From || s.past {
		return false
	}
	switch {
	case len(s.At) > 0:
		before := s.next
		for s.next < len(s.At) && s.At[s.next] <= t+gridSlack {
			s.next++
		}
		return s.next > before
	case s.Every > 0:
		cell := int64((t + gridSlack) / s.Every)
		if s.started && cell <= s.cell {
			return false
		}
		s.started, s.cell = true, cell
	}
	return true
}

// done reports that no later frame can be wanted.
func (s *sampler) done() bool { return s.past || len(s.At) > 0 && s.next == len(s.At) }
