package tmk

import "math"

// Level2 returns how much two videos look alike moment by moment at the best shift of one
// against the other: the highest of all shifts in whole frames within any of the periods, about
// 0 to 1. It is exact, not sampled: of the 31,542 shifts those are left out that a bound on the
// sum's curvature keeps below the best. It takes about a tenth of a millisecond.
func Level2(a, b *Vector) float64 {
	best := math.Inf(-1)
	for i, period := range periods {
		k := newKernel(a, b, i)
		best = k.highest(period, best)
	}
	return best / total
}

// kernel is the likeness of two videos in one period as a function of the shift: the sum of
// even[j] cos(j x) + odd[j] sin(j x) over the frequencies, where x is the shift's share of
// a whole turn.
type kernel struct{ even, odd [Coefficients]float64 }

func newKernel(a, b *Vector, period int) (k kernel) {
	for j := range k.even {
		ac, as := &a.Cosine[period][j], &a.Sine[period][j]
		bc, bs := &b.Cosine[period][j], &b.Sine[period][j]
		var even, odd float64
		// A product of two float32s is exact in a float64, so that fusing changes nothing.
		for n := range ac {
			u, v := float64(ac[n]), float64(as[n])
			x, y := float64(bc[n]), float64(bs[n])
			even += float64(u*x) + float64(v*y)
			odd += float64(v*x) - float64(u*y)
		}
		k.even[j], k.odd[j] = even, odd
	}
	k.odd[0] = 0 // there is no sine of frequency 0, and the reference does not look at it
	return k
}

// at evaluates the sum at the turn num/den, by Clenshaw's recurrence.
func (k *kernel) at(num, den int) float64 {
	sin, cos := sincos(num, den)
	var e1, e2, o1, o2 float64
	for j := Coefficients - 1; j > 0; j-- {
		e1, e2 = k.even[j]+float64(2*cos*e1)-e2, e1
		o1, o2 = k.odd[j]+float64(2*cos*o1)-o2, o1
	}
	return k.even[0] + float64(cos*e1) - e2 + float64(sin*o1)
}

// coarse is how many places of a turn are evaluated first: eight for every wave of the
// highest frequency, so that the bound between two of them is close. A power of 2.
const coarse = 256

// highest returns the highest value at a whole number of frames, or least if that is higher.
func (k *kernel) highest(period int, least float64) float64 {
	// Between two places h apart the sum is at most the higher of them plus h*h/8 times
	// the largest curvature it can have.
	curvature := 0.0
	for j := 1; j < Coefficients; j++ {
		curvature += float64(float64(j*j) * math.Hypot(k.even[j], k.odd[j]))
	}
	const h = 2 * math.Pi / coarse
	slack := float64(curvature*(h*h/8)) + 1e-9 // and far more than rounding can do

	var places [coarse + 1]float64
	top := 0
	for m := range coarse / 2 {
		even, odd := k.even[0], 0.0
		for j := 1; j < Coefficients; j++ {
			t := &turns[m*j%coarse]
			even += float64(k.even[j] * t.cos)
			odd += float64(k.odd[j] * t.sin)
		}
		places[m], places[(coarse-m)%coarse] = even+odd, even-odd
	}
	even := k.even[0]
	for j := 1; j < Coefficients; j++ {
		even += float64(k.even[j] * float64(1-j%2*2))
	}
	places[coarse/2], places[coarse] = even, places[0]
	for m := range coarse {
		if max(places[m], places[m+1]) > max(places[top], places[top+1]) {
			top = m
		}
	}

	least = k.between(top, period, least)
	for m := range coarse {
		if m != top && max(places[m], places[m+1])+slack > least {
			least = k.between(m, period, least)
		}
	}
	return least
}

// between evaluates every frame from place m to the next.
func (k *kernel) between(m, period int, least float64) float64 {
	for n := (m*period + coarse - 1) / coarse; n <= (m+1)*period/coarse && n < period; n++ {
		least = max(least, k.at(n, period))
	}
	return least
}

// turns are the cosines and sines of the places.
var turns = func() (t [coarse]struct{ cos, sin float64 }) {
	for m := range t {
		t[m].sin, t[m].cos = sincos(m, coarse)
	}
	return t
}()
