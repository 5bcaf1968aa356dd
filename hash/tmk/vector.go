package tmk

import "math"

// The shape of every Vector: one frame rate, four periods and 32 frequencies are in use. The
// reference's file format has room for others, which nobody makes.
const (
	FrameRate    = 15  // looks a second
	Periods      = 4   // of time
	Coefficients = 32  // frequencies in each period
	Dimensions   = 256 // of a Feature: PDQ's 16 x 16 frequencies, row by row
)

// DefaultThreshold is the score, inclusive and the same on both levels, from which the reference
// takes two videos for the same (tmk_default_thresholds.h).
const DefaultThreshold = 0.7

// Feature is what one look at a video gave, or the average of many.
type Feature = [Dimensions]float32

// Vector is the hash of a video. It takes 263 KB: pass pointers. The zero Vector is that of a
// video without frames, and is like nothing.
type Vector struct {
	Frames  int32   // looks that were taken, 15 a second
	Average Feature // of all frames: what level 1 compares
	// Cosine and Sine are the frames' sums over time, [period][frequency]: each of length 1, or 0,
	// times the root of the frequency's weight.
	Cosine, Sine [Periods][Coefficients]Feature

	weights [Coefficients]float32 // as the file that was read has them; zero: ours
}

// periods are in frames (makePoullotPeriods): primes, so that a shift that fits one fits no other.
var periods = [Periods]int{2731, 4391, 9767, 14653}

// weights are those of the frequencies (makePoullotFourierCoefficients): the Fourier series of
// (exp(32 cos x) - exp(-32)) / (2 sinh 32), a peak at no shift. They are the reference's twelve
// digits, from which the modified Bessel functions I_j(32) / sinh 32 differ by less.
var weights = [Coefficients]float32{
	0.0708041893112, 0.13937789309, 0.132897260304, 0.122765735552,
	0.109878684888, 0.09529606433, 0.0800986647852, 0.0652590650356,
	0.0515478238322, 0.0394851531195, 0.0293374252025, 0.0211492623679,
	0.0147973073245, 0.0100512818746, 0.0066306408014, 0.00424947117334,
	0.0026467615764, 0.00160270959695, 0.000943882629639, 0.000540841638603,
	0.000301633183798, 0.000163800158855, 8.66454753015e-05, 4.46626303151e-05,
	2.24429442235e-05, 1.09982139799e-05, 5.25823487999e-06, 2.45358229988e-06,
	1.11781474895e-06, 4.97406489221e-07, 2.16265487234e-07, 9.19087006565e-08,
}

// total is the highest sum that level 2 can have: that of a video with itself.
var total = func() float64 {
	sum := float64(weights[0])
	for _, w := range weights[1:] {
		sum += 2 * float64(w)
	}
	return sum
}()

// Cosine returns the cosine of the angle between two features, -1 to 1; 0 if one of them is
// zero. It takes half a microsecond.
func Cosine(a, b *Feature) float64 {
	var ab, aa, bb float64
	for i, x := range a {
		x, y := float64(x), float64(b[i])
		ab += float64(x * y)
		aa += float64(x * x)
		bb += float64(y * y)
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / (math.Sqrt(aa) * math.Sqrt(bb))
}

// Level1 returns how much two videos look alike on the whole, -1 to 1: the cosine of their
// averages. (Where just one of them is zero the reference gives not a number; this gives 0.)
func Level1(a, b *Vector) float64 { return Cosine(&a.Average, &b.Average) }
