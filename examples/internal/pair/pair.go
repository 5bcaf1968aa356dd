// Package pair holds the frames of an upload against a known video, one by one: what
// lies behind a match or a miss.
package pair

import (
	"context"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/hash/region"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/video"
)

// maxSide is how large, in pixels, frames are decoded to be hashed; package screen's own.
const maxSide = 512

// Frame is a sampled frame of an upload, hashed in eight orientations as it is and, if
// it has a border, without it.
type Frame struct {
	Time    time.Duration
	Quality hash.Quality // of the better of the two
	looks   []look
}

type look struct {
	transform []string
	value     hash.Value
	quality   hash.Quality
}

// Hash decodes a file and hashes a frame of it every so often. With an error it returns
// the frames before it.
func Hash(ctx context.Context, in video.Input, every time.Duration, o video.Options) ([]Frame, video.Info, error) {
	media, err := video.Open(ctx, in, o)
	if err != nil {
		return nil, video.Info{}, err
	}
	defer media.Close()
	var frames []Frame
	var hasher pdq.Hasher
	for f, err := range media.Frames(ctx, video.Request{Sampling: video.Sampling{Every: every}, MaxSide: maxSide}) {
		if err != nil {
			return frames, media.Info(), err
		}
		frame := Frame{Time: f.Time}
		values, quality := hasher.Orientations(f.Image)
		frame.add(nil, values, quality)
		if inner, found := region.WithinBorder(f.Image); found {
			values, quality = hasher.Orientations(region.Crop(f.Image, inner))
			frame.add([]string{region.Part{Kind: region.Border}.String()}, values, quality)
		}
		frames = append(frames, frame)
	}
	return frames, media.Info(), nil
}

func (f *Frame) add(transform []string, values [hash.Orientations]hash.Value, q hash.Quality) {
	f.Quality = max(f.Quality, q)
	for i, v := range values {
		t := transform
		if o := hash.Orientation(i); o != hash.Original {
			t = append(slices.Clone(transform), o.String())
		}
		if v.IsValid() {
			f.looks = append(f.looks, look{t, v, q})
		}
	}
}

// Plain is the hash of the frame as it is; invalid if it was too small.
func (f *Frame) Plain() (hash.Value, hash.Quality) {
	if len(f.looks) == 0 {
		return hash.Value{}, 0
	}
	return f.looks[0].value, f.looks[0].quality
}

// Point is how near a frame comes to a known video. Distances are bits of PDQ hashes;
// -1 where there is nothing to compare.
type Point struct {
	Time      time.Duration
	Quality   hash.Quality
	Best      int           // to the nearest of all the known video's frames
	BestAt    time.Duration // where that begins
	Transform []string      // what was done to the upload's frame for that
	Expected  bool          // the frame is to be of the known video, at AlignedAt
	AlignedAt time.Duration
	Aligned   int // to the nearest of the frames about AlignedAt
}

// alignedWithin is how far, on either side, a frame of the known video may be from where
// it is to be: half the usual distance of sampled frames.
const alignedWithin = 250 * time.Millisecond

// Compare holds the frames against an entry's PDQ signals of enough quality. where tells
// at which time of the known video a frame is to be, if anywhere; nil: nowhere.
func Compare(frames []Frame, known match.Entry, where func(time.Duration) (time.Duration, bool)) []Point {
	points := make([]Point, 0, len(frames))
	for i := range frames {
		f := &frames[i]
		p := Point{Time: f.Time, Quality: f.Quality, Best: -1, Aligned: -1}
		if where != nil {
			p.AlignedAt, p.Expected = where(f.Time)
		}
		for j := range known.Signals {
			s := &known.Signals[j]
			if !s.Quality.Passes(hash.DefaultGate) {
				continue
			}
			near := p.Expected && s.From <= p.AlignedAt+alignedWithin && p.AlignedAt-alignedWithin < s.To
			for k := range f.looks {
				l := &f.looks[k]
				d, ok := l.value.Distance(s.Value)
				if !ok || !l.quality.Passes(hash.DefaultGate) {
					continue
				}
				if p.Best < 0 || d < p.Best {
					p.Best, p.BestAt, p.Transform = d, s.From, l.transform
				}
				if near && (p.Aligned < 0 || d < p.Aligned) {
					p.Aligned = d
				}
			}
		}
		points = append(points, p)
	}
	return points
}
