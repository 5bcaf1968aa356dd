package screen

import (
	"errors"
	"image"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/video"
)

// Stream screens a video that is still arriving, or a live one: frames are added as they
// come, and the verdict so far may be asked for at any time. Make one with NewStream. It
// is not safe for concurrent use; any number of them may be used side by side.
//
// Of what it is given it keeps no pictures, but hashes: about 4 KB a frame.
type Stream struct {
	s *Screener
	u *match.Upload
	w watch
}

// NewStream returns a Stream that compares with the banks of s. A frame is compared with
// the banks as they are when it is added.
func (s *Screener) NewStream() *Stream {
	_, perceptual := s.kinds()
	u := s.matcher.Upload(s.id)
	return &Stream{s: s, u: u, w: watch{kinds: perceptual, looker: new(looker), scan: u.NewVideo(), step: s.options.sample(), keep: s.options.Hashes}}
}

// Add looks at a frame, in any order of times; one at a time that was there already is
// passed over. How often is the caller's choice: one frame in half a second finds what
// Screen finds, and key frames alone most of it. The picture is not kept. It costs about a
// millisecond, and a search in the banks for each look.
//
// The error is match.ErrInvalid for a time below zero, or that of a damaged bank file.
func (t *Stream) Add(m image.Image, at time.Duration) error {
	if m == nil {
		return errors.New("screen: the frame has no picture")
	}
	return t.w.add(hash.Frame{Image: video.Luma(m, frameSide), Time: at, Number: len(t.w.frames)})
}

// Verdict returns what the frames so far come to, as Screen would say of a video of just
// them. NoMatch means that nothing was found so far. Without any frame, and while none
// shows enough to be judged, it is NotJudged with ReasonLowQuality.
func (t *Stream) Verdict() (Verdict, error) {
	if !t.s.matcher.HasKnown() || len(t.w.kinds) == 0 {
		return refuse(Verdict{}, errNoBank)
	}
	v := Verdict{Frames: len(t.w.frames), Info: video.Info{Class: video.Video}, Hashes: t.w.kept()}
	err := error(&match.LowQualityError{Gate: hash.DefaultGate})
	if v.Frames > 0 {
		err = t.s.compare(t.u, &t.w, nil, &v)
	}
	if err != nil {
		return refuse(v, err)
	}
	return t.s.verdict(v)
}
