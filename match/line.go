package match

import (
	"math"
	"time"
)

// The speeds at which an upload may play a known video. Beyond a quarter faster or a
// fifth slower people hear it; a little is left for what fitting a line is off by.
const (
	minSpeed = 0.79
	maxSpeed = 1.27
)

// line maps the upload's time to the known video's: known = known0 + speed*(t - query0).
// At the speed 1 it is exact.
type line struct {
	query0, known0 time.Duration
	speed          float64
}

// offsetLine is the line of a constant offset (known time minus the upload's).
func offsetLine(offset time.Duration) line { return line{known0: offset, speed: 1} }

// at returns the known time of an upload's time.
func (l line) at(t time.Duration) time.Duration {
	if l.speed == 1 {
		return l.known0 + (t - l.query0)
	}
	return l.known0 + time.Duration(float64(l.speed*float64(t-l.query0)))
}

// dot is what a frame says of a line: at the upload's time t the known time is about
// known, to within sigma.
type dot struct{ t, known, sigma time.Duration }

const (
	// leastSigma is what the sharpest signal tells of the known time: a frame or two.
	leastSigma = 60 * time.Millisecond
	// surely is by how many standard errors a speed must differ from 1 to be told.
	surely = 4
	// leastDrift is how far a speed other than 1 must lead away from 1 over a segment to
	// be told: less is within what offsets are known to.
	leastDrift = 150 * time.Millisecond
)

// fit returns the line of the least squares through dots, and whether its speed surely
// differs from 1 and is one that is looked for. It takes three dots at least.
func fit(dots []dot) (l line, sure bool) {
	if len(dots) < 3 {
		return line{}, false
	}
	// In seconds from the first dot, so that squares keep their digits.
	t0, k0 := dots[0].t, dots[0].known
	var w, st, sk float64
	for _, d := range dots {
		s := d.sigma.Seconds()
		wi := 1 / float64(s*s)
		w += wi
		st += float64(wi * (d.t - t0).Seconds())
		sk += float64(wi * (d.known - k0).Seconds())
	}
	mt, mk := st/w, sk/w
	var tt, tk float64
	for _, d := range dots {
		s := d.sigma.Seconds()
		wi := 1 / float64(s*s)
		dt, dk := (d.t-t0).Seconds()-mt, (d.known-k0).Seconds()-mk
		tt += float64(wi * float64(dt*dt))
		tk += float64(wi * float64(dt*dk))
	}
	if tt <= 0 {
		return line{}, false
	}
	speed := tk / tt
	if !(speed >= minSpeed && speed <= maxSpeed) {
		return line{}, false
	}
	var rest float64 // of squares, in sigmas
	for _, d := range dots {
		r := ((d.known - k0).Seconds() - mk - float64(speed*((d.t-t0).Seconds()-mt))) / d.sigma.Seconds()
		rest += float64(r * r)
	}
	scale := max(1, rest/float64(len(dots)-2))
	l = line{query0: t0 + seconds(mt), known0: k0 + seconds(mk), speed: speed}
	span := dots[len(dots)-1].t - dots[0].t
	sure = math.Abs(speed-1) > surely*math.Sqrt(scale/tt) && math.Abs(speed-1)*span.Seconds() > leastDrift.Seconds()
	return l, sure
}

func seconds(s float64) time.Duration { return time.Duration(float64(s * float64(time.Second))) }
