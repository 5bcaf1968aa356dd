package screen

import (
	"context"
	"hash/fnv"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video"
)

// spots finds out whether key frames were replaced by pictures that a viewer hardly
// sees, so that they tell nothing of the video. Around some of them, drawn from what the
// video shows, all frames are looked at; where most of these key frames interrupt
// what is around them, all of the video is.
func (w *watch) spots(ctx context.Context, media *video.Media) error {
	info := media.Info()
	jumpy := w.told && float64(info.Jumps) >= jumpShare*float64(info.KeyFrames)
	if !jumpy && w.end < blindSpots {
		return nil
	}
	var keys []time.Duration // but for the first, before which there is nothing
	for i := 1; i < len(w.frames); i++ {
		if f := &w.frames[i]; f.key && f.judged {
			keys = append(keys, f.at)
		}
	}
	draw := w.seed()
	belong, foreign := 0, 0
	for range mostSpots {
		if len(keys) == 0 || foreign == 0 && belong == fewSpots {
			break
		}
		draw = draw*6364136223846793005 + 1442695040888963407 // Knuth's linear congruential generator
		i := int(draw >> 33 % uint64(len(keys)))
		spot, err := w.around(ctx, media, keys[i])
		if err != nil {
			return err
		}
		keys = slices.Delete(keys, i, i+1)
		switch spot {
		case belongs:
			belong++
		case interrupts:
			foreign++
		}
		if foreign >= fewSpots && foreign >= belong {
			return w.look(ctx, media, Pass{Kind: Sampled, Why: WhySpot}, false)
		}
	}
	return nil
}

// spot is what the frames around a key frame say of it.
type spot int

const (
	nothing    spot = iota // it shows too little
	belongs                // it goes on in a frame beside it
	interrupts             // it differs from the frames around it, and those go on without it
)

// around looks at the frames around a key frame. They are compared with each other, not
// with the banks: many frames within a moment would outweigh those of the other passes.
func (w *watch) around(ctx context.Context, media *video.Media, key time.Duration) (found spot, err error) {
	p := Pass{Kind: AllFrames, Why: WhySpot, From: max(0, key-beforeKey), To: key + afterKey}
	defer func() { w.plan = append(w.plan, p) }()
	var before, at *[4]uint64
	r := video.Request{Luma: true, MaxSide: frameSide, Unedited: w.stored, Sampling: video.Sampling{From: p.From, To: p.To}}
	for frame, err := range media.Frames(ctx, r) {
		if err != nil {
			return nothing, err
		}
		p.Frames++
		value, quality := w.looker.hasher.Sum(frame.Image)
		if !value.IsValid() || !quality.Passes(hash.DefaultGate) {
			continue
		}
		words := value.Words()
		switch {
		case frame.Time < key:
			before = &words
		case frame.Time == key:
			if at = &words; before != nil && apart(*before, *at) <= goesOn {
				return belongs, nil
			}
		case at == nil:
			return nothing, nil
		case apart(words, *at) <= goesOn:
			found = belongs // unless what was before comes back yet
		case before != nil && apart(*before, words) <= min(goesOn, apart(words, *at)-nearer):
			return interrupts, nil
		case found == nothing: // another scene begins, and not with the key frame
			before = &words
		}
	}
	return found, nil
}

// seed returns a number that depends on every frame seen so far.
func (w *watch) seed() uint64 {
	h := fnv.New64a()
	var b [8]byte
	add := func(n uint64) {
		for i := range b {
			b[i] = byte(n >> (8 * i))
		}
		_, _ = h.Write(b[:]) // never fails
	}
	for i := range w.frames {
		add(uint64(w.frames[i].at))
		for _, word := range w.frames[i].value {
			add(word)
		}
	}
	return h.Sum64()
}
