package tmk

import (
	"math"
	"time"
)

// Accumulator adds up the frames of a video. The zero Accumulator is ready. It takes 265 KB
// whatever the video's length, and 40 microseconds a look. It is not safe for concurrent use.
type Accumulator struct {
	sum   Vector
	clock clock
	last  Feature
}

// Add adds the next look at the video, at a rate of exactly FrameRate. Its numbers have to be
// finite: PDQ's always are.
func (a *Accumulator) Add(f *Feature) { a.sum.add(f) }

// AddAt adds the next frame of a video of any rate, constant or not, by its presentation time
// from the start of the media and how long it is shown, 0 if that is not known: it is left out
// or repeated so that there are FrameRate looks a second. Times before the frame before count as its own.
//
// A frame more than 60 hours after the one before is left out.
//
// The rule is that of the reference, which leaves it to ffmpeg's "-r 15": of faster videos the first
// few frames are all taken, then those are left out that come more than a frame too
// early. Do not mix Add and AddAt.
func (a *Accumulator) AddAt(f *Feature, at, lasts time.Duration) {
	before, now := a.clock.tick(at, lasts)
	for range before {
		if a.clock.frames == 1 {
			a.sum.add(f) // a video that begins late begins with its first frame
		} else {
			a.sum.add(&a.last)
		}
	}
	for range now {
		a.sum.add(f)
	}
	a.last = *f
}

// Vector returns the hash of the video if it ends here. More can be added after.
func (a *Accumulator) Vector() *Vector {
	v := a.sum
	for range a.clock.end() {
		v.add(&a.last)
	}
	v.finish()
	return &v
}

// add is ingestFrameFeature.
func (v *Vector) add(f *Feature) {
	var unit [Dimensions]float64
	length := norm(f)
	for k, x := range f {
		v.Average[k] += x
		if length > 0 {
			x /= length
		}
		unit[k] = float64(x)
	}
	for i, period := range periods {
		for j := range Coefficients {
			if j == 0 {
				for k := range unit {
					v.Cosine[i][0][k] += float32(unit[k])
				}
				continue
			}
			sin, cos := sincos(j*(int(v.Frames)%period), period)
			c, s := &v.Cosine[i][j], &v.Sine[i][j]
			for k, x := range unit {
				// In double precision, and rounded after each frame, as in the reference.
				c[k] = float32(float64(c[k]) + float64(x*cos))
				s[k] = float32(float64(s[k]) + float64(x*sin))
			}
		}
	}
	if v.Frames < math.MaxInt32 {
		v.Frames++
	}
}

// finish is finishFrameFeatureIngest.
func (v *Vector) finish() {
	if v.Frames == 0 {
		return
	}
	for k := range v.Average {
		v.Average[k] /= float32(v.Frames)
	}
	for i := range v.Cosine {
		for j, w := range weights {
			root := float32(math.Sqrt(float64(w)))
			scale(&v.Cosine[i][j], root)
			scale(&v.Sine[i][j], root)
		}
	}
}

// scale brings a feature, if it is not zero, to the given length.
func scale(f *Feature, length float32) {
	n := norm(f)
	for k := range f {
		if n > 0 {
			f[k] /= n
		}
		f[k] = float32(f[k] * length)
	}
}

// norm is the length of a feature, every step rounded to a float32, as in the reference.
func norm(f *Feature) float32 {
	sum := float32(0)
	for _, x := range f {
		sum += float32(x * x)
	}
	return float32(math.Sqrt(float64(sum)))
}
