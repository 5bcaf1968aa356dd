package tmk

import (
	"math"
	"slices"
	"time"
)

// clock decides how often each frame of a video is looked at, so that there are
// FrameRate looks a second. It is ffmpeg's way to a constant rate (video_sync_process), whose
// thresholds are ffmpeg's own.
type clock struct {
	frames   int     // that came in
	next     int     // the look that comes next
	last     float64 // time of the frame before, in looks
	repeated [3]int  // how often the frame before was repeated, at the last three frames
}

// maxRepeat is the longest run of looks at one frame, 60 hours; a frame that asks for more, by a
// time that can't be meant, is left out (dts_error_threshold).
const maxRepeat = 3600 * 30 * 30

// tick returns how often the frame before is looked at once more, and how often this one.
func (c *clock) tick(at, lasts time.Duration) (before, now int) {
	time := float64(at) * FrameRate / 1e9
	if time > 0 {
		time += 1. / (1 << 17) // as ffmpeg does, so that rounded times fall to one side of its thresholds
	}
	time = max(time, c.last)
	if time-float64(c.next) <= maxRepeat {
		c.last = time
	}
	// How long a frame is shown counts in whole looks, but for those shown less than half a one.
	duration := math.RoundToEven(float64(lasts) * FrameRate / 1e9)
	if duration <= 0 {
		duration = min(max(float64(lasts)*FrameRate/1e9, 0), 1)
	}
	early := time - float64(c.next) // how far the frame is ahead of its place; negative: behind
	end := early + duration
	if early < 0 && end > 0 {
		early = 0
	}
	all := 1
	switch {
	case end < -1.1:
		all = 0
	case end > maxRepeat:
		all = 0
	case end > 1.1:
		all = int(math.RoundToEven(end))
		if early > 1.1 {
			before = min(int(math.RoundToEven(early-0.6)), all)
		}
	}
	c.frames++
	c.next += all
	c.repeated = [3]int{before, c.repeated[0], c.repeated[1]}
	return before, all - before
}

// end returns how often the last frame is looked at once more when no other one comes: the
// median of the last three frames' repetitions.
func (c *clock) end() int {
	last := c.repeated
	slices.Sort(last[:])
	return last[1]
}
