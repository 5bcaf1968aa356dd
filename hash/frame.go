package hash

import (
	"image"
	"time"
)

// Frame is one picture of a video, or a still as a video of one frame.
type Frame struct {
	// Image is valid until the next frame is asked for; copy what must outlive it. It can be
	// a Reduced, where the source was asked for one.
	Image image.Image
	// Number counts the frames of the media from 0 in presentation order. Where a
	// source decodes key frames only it is reckoned from Time and the average frame
	// rate, which is exact for constant rates.
	Number int
	// Time is the presentation time from the start of the media.
	Time time.Duration
	// Key tells that the frame can be decoded without another one.
	Key bool
}

// Reduced is the luma of a larger picture, read at a fraction of its size. Package pdq
// hashes it as that picture, to within a bit or two; all else that looks at pixels sees
// the smaller one, in grey. Its SubImage gives a Reduced as well: that part of the
// larger picture.
type Reduced interface {
	image.Image
	// Gray returns the pixels, in memory that is the picture's.
	Gray() *image.Gray
	// PDQSamples fills dst, [row][column], with the luma of the larger picture after the
	// filter that PDQ begins with. It reports false for a part less than 5 of the
	// larger picture's pixels wide or high, which has no hash.
	PDQSamples(dst *[64][64]float32) bool
}
