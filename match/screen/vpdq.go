package screen

import (
	"context"
	"time"

	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/hash/vpdq"
	"github.com/rematch-go/rematch/video"
)

// VPDQ hashes a video or an animation as others share it: the first frame at or after each
// multiple of every, as PDQ of its native size; 0 means a second, as the reference does, and
// a negative one every frame. Of o only Video counts. For a bank of one's own use Enroll, which
// keeps all that is distinct.
//
// Frames are hashed whatever their quality, which is noted. Errors are those of video.Open and
// Media.Frames; a still picture is video.ErrUnsupported, and so are frames too small to hash.
func VPDQ(ctx context.Context, in video.Input, every time.Duration, o Options) ([]vpdq.Feature, error) {
	media, err := video.Open(ctx, in, o.Video)
	if err != nil {
		return nil, err
	}
	defer media.Close()
	if media.Info().Class == video.Still {
		return nil, &video.Error{Name: in.Name(), Err: video.ErrUnsupported, Detail: "a still picture, and vPDQ is of videos"}
	}
	if every == 0 {
		every = time.Second
	}
	var (
		hasher   pdq.Hasher
		features []vpdq.Feature
	)
	for frame, err := range media.Frames(ctx, video.Request{Sampling: video.Sampling{Every: max(every, 0)}}) {
		if err != nil {
			return nil, err
		}
		value, quality := hasher.Sum(frame.Image)
		if !value.IsValid() {
			return nil, &video.Error{Name: in.Name(), Err: video.ErrUnsupported, Detail: errTooSmall.Error()}
		}
		features = append(features, vpdq.Feature{Frame: frame.Number, Quality: quality, Value: value, Time: frame.Time})
	}
	return features, nil
}
