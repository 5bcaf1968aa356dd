package screen

import (
	"context"
	"fmt"
	"image"
	"time"

	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/hash/tmk"
	"github.com/rematch-go/rematch/video"
)

// tmkSide is the width and height of the frames that TMK looks at.
const tmkSide = 64

// TMK computes the TMK+PDQF hash of a video or an animation, from all of its frames: decoding
// them is nearly all it costs. Of o only Video counts. Where ffmpeg decodes, the hash is
// the reference's to the byte if the decoder's pixels are.
//
// Errors are those of video.Open and Media.Frames, also of a video damaged part-way, since half a
// video has another hash; a still picture is video.ErrUnsupported.
func TMK(ctx context.Context, in video.Input, o Options) (*tmk.Vector, error) {
	media, err := video.Open(ctx, in, o.Video)
	if err != nil {
		return nil, err
	}
	defer media.Close()
	info := media.Info()
	if info.Class == video.Still {
		return nil, &video.Error{Name: in.Name(), Err: video.ErrUnsupported, Detail: "a still picture, and TMK is of videos"}
	}
	var (
		hasher  pdq.Hasher
		sum     tmk.Accumulator
		feature tmk.Feature // of the frame that waits for the time of the next one
		at      time.Duration
		lasts   time.Duration
		frames  int
		usual   time.Duration
	)
	if info.FrameRate > 0 {
		usual = time.Duration(float64(time.Second) / info.FrameRate)
	}
	for frame, err := range media.Frames(ctx, video.Request{Size: image.Pt(tmkSide, tmkSide)}) {
		if err != nil {
			return nil, err
		}
		if frames > 0 {
			lasts = shown(frame.Time-at, usual)
			sum.AddAt(&feature, at, lasts)
		}
		if !hasher.Features(&feature, frame.Image) {
			return nil, fmt.Errorf("screen: hashing %q: a frame of %v has no features", in.Name(), frame.Image.Bounds())
		}
		at, frames = frame.Time, frames+1
	}
	if frames == 1 {
		lasts = max(usual, info.Duration)
	}
	sum.AddAt(&feature, at, lasts)
	return sum.Vector(), nil
}

// shown is how long a frame is shown: until the next one, or the usual time where the two
// differ by no more than containers round.
func shown(gap, usual time.Duration) time.Duration {
	if (gap - usual).Abs() <= time.Millisecond {
		return usual
	}
	return gap
}
