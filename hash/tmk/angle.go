package tmk

import "math"

// sincos returns the sine and cosine of the turn num/den, for 0 <= num and den > 0 with 8*den
// within an int. Package math may fuse multiplications and additions, and so differ in the last
// bit from processor to processor; this does not.
func sincos(num, den int) (sin, cos float64) {
	// The eighth of the turn is found in whole numbers, and the angle within it reckoned
	// from the nearer multiple of a quarter turn.
	eighths := num % den * 8
	octant, rest := eighths/den, eighths%den
	if octant&1 == 1 {
		rest = den - rest
	}
	s, c := smallSincos(float64(rest) / float64(den) * (math.Pi / 4))
	switch octant {
	case 0:
		return s, c
	case 1:
		return c, s
	case 2:
		return c, -s
	case 3:
		return s, -c
	case 4:
		return -s, -c
	case 5:
		return -c, -s
	case 6:
		return -c, s
	}
	return -s, c
}

// smallSincos is for 0 <= x <= pi/4: Taylor's series, whose first term left out is
// below half a unit in the last place.
func smallSincos(x float64) (sin, cos float64) {
	const (
		f2  = 1. / 2
		f3  = f2 / 3
		f4  = f3 / 4
		f5  = f4 / 5
		f6  = f5 / 6
		f7  = f6 / 7
		f8  = f7 / 8
		f9  = f8 / 9
		f10 = f9 / 10
		f11 = f10 / 11
		f12 = f11 / 12
		f13 = f12 / 13
		f14 = f13 / 14
		f15 = f14 / 15
		f16 = f15 / 16
		f17 = f16 / 17
	)
	y := float64(x * x)
	s, c := float64(f17), float64(f16)
	for _, f := range [...][2]float64{{f15, f14}, {f13, f12}, {f11, f10}, {f9, f8}, {f7, f6}, {f5, f4}, {f3, f2}} {
		s = f[0] - float64(y*s)
		c = f[1] - float64(y*c)
	}
	return x - float64(float64(x*y)*s), 1 - float64(y*c)
}
