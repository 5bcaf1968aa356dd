package hash

import (
	"image"
	"time"
)

// Frame is one picture of a video, or a still as a video of one frame.
type Frame struct {
	// Image is valid until the next frame is asked for; copy what must outlive it.
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
