package tmk_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash/tmk"
)

// features returns a source of the features of an invented video: a wandering picture, the
// lower frequencies stronger. All arithmetic is in whole numbers, so that the same come out
// on every processor.
func features(seed uint64) func() tmk.Feature {
	r := rand.New(rand.NewPCG(seed, 15))
	var at [tmk.Dimensions]int
	for k := range at {
		at[k] = r.IntN(2001) - 1000
	}
	return func() (f tmk.Feature) {
		for k := range f {
			at[k] += r.IntN(201) - 100
			f[k] = float32(at[k]) / float32(1+k/16+k%16)
		}
		return f
	}
}

// made returns the hash of an invented video.
func made(seed uint64, frames int) *tmk.Vector {
	var a tmk.Accumulator
	next := features(seed)
	for range frames {
		f := next()
		a.Add(&f)
	}
	return a.Vector()
}

// The sums by their definition, in double precision throughout.
func TestAccumulatorAgainstTheDefinition(t *testing.T) {
	const frames = 100
	v := made(7, frames)
	periods := [tmk.Periods]float64{2731, 4391, 9767, 14653}
	var average [tmk.Dimensions]float64
	var cosine, sine [tmk.Periods][tmk.Coefficients][tmk.Dimensions]float64
	next := features(7)
	for n := range frames {
		f := next()
		length := 0.0
		for _, x := range f {
			length += float64(x) * float64(x)
		}
		length = math.Sqrt(length)
		for k, x := range f {
			average[k] += float64(x) / frames
			for i, period := range periods {
				for j := range cosine[i] {
					s, c := math.Sincos(2 * math.Pi * float64(j) * float64(n) / period)
					cosine[i][j][k] += float64(x) / length * c
					sine[i][j][k] += float64(x) / length * s
				}
			}
		}
	}
	assert.EqualValues(t, frames, v.Frames)
	for k := range average {
		assert.InDelta(t, average[k], v.Average[k], 1e-3)
	}
	for i := range cosine {
		for j := range cosine[i] {
			for _, c := range []struct {
				want *[tmk.Dimensions]float64
				got  *tmk.Feature
			}{{&cosine[i][j], &v.Cosine[i][j]}, {&sine[i][j], &v.Sine[i][j]}} {
				length, weight := 0.0, 0.0
				for k := range c.want {
					length += c.want[k] * c.want[k]
					weight += float64(c.got[k]) * float64(c.got[k])
				}
				if length == 0 {
					assert.Zero(t, weight)
					continue
				}
				assert.InDelta(t, poullot(j), weight, 1e-5*poullot(j), "the weight of frequency %d", j)
				for k := range c.want {
					require.InDelta(t, c.want[k]/math.Sqrt(length), float64(c.got[k])/math.Sqrt(weight), 1e-4, "%d %d %d", i, j, k)
				}
			}
		}
	}
}

// poullot is the weight of a frequency by its formula: the modified Bessel function of
// order j at 32, over the hyperbolic sine of 32; both divided by e^32.
func poullot(j int) float64 {
	sum := 0.0
	const steps = 1000
	for n := range steps { // its integral, by the midpoint rule, which is exact here to rounding
		x := math.Pi * (float64(n) + 0.5) / steps
		sum += math.Exp(32*(math.Cos(x)-1)) * math.Cos(float64(j)*x)
	}
	bessel, sinh := sum/steps, (1-math.Exp(-64))/2
	if j == 0 {
		return (bessel - math.Exp(-64)) / (2 * sinh)
	}
	return bessel / sinh
}

// The bits are the same on every processor.
func TestBits(t *testing.T) {
	h := sha256.New()
	_, err := made(1, 50).WriteTo(h)
	require.NoError(t, err)
	assert.Equal(t, goldenBits, hex.EncodeToString(h.Sum(nil)))
}

// scan is level 2 by its definition: the sum at every shift.
func scan(a, b *tmk.Vector) float64 {
	total := poullot(0)
	for j := 1; j < tmk.Coefficients; j++ {
		total += 2 * poullot(j)
	}
	best := math.Inf(-1)
	for i, period := range [tmk.Periods]int{2731, 4391, 9767, 14653} {
		var even, odd [tmk.Coefficients]float64
		for j := range even {
			for k := range a.Cosine[i][j] {
				ac, as := float64(a.Cosine[i][j][k]), float64(a.Sine[i][j][k])
				bc, bs := float64(b.Cosine[i][j][k]), float64(b.Sine[i][j][k])
				even[j] += ac*bc + as*bs
				odd[j] += as*bc - ac*bs
			}
		}
		for n := range period {
			sum := even[0]
			for j := 1; j < tmk.Coefficients; j++ {
				s, c := math.Sincos(2 * math.Pi * float64(j) * float64(n) / float64(period))
				sum += c*even[j] + s*odd[j]
			}
			best = max(best, sum)
		}
	}
	return best / total
}

func TestLevel2IsTheHighestOfAllShifts(t *testing.T) {
	vectors := []*tmk.Vector{made(1, 40), made(2, 300), made(3, 3000), new(tmk.Vector)}
	// A video within another one, and one against itself turned around.
	var late tmk.Accumulator
	next := features(4)
	for range 1000 {
		f := next()
		late.Add(&f)
	}
	next = features(2)
	for range 300 {
		f := next()
		late.Add(&f)
	}
	vectors = append(vectors, late.Vector())
	// Vectors that no video has: the sum is as rough as it can be.
	r := rand.New(rand.NewPCG(3, 4))
	for range 2 {
		v := new(tmk.Vector)
		for i := range v.Cosine {
			for j := range v.Cosine[i] {
				for k := range v.Cosine[i][j] {
					v.Cosine[i][j][k], v.Sine[i][j][k] = float32(r.NormFloat64()), float32(r.NormFloat64())
				}
			}
		}
		vectors = append(vectors, v)
	}
	for i, a := range vectors {
		for j, b := range vectors {
			want := scan(a, b)
			assert.InDelta(t, want, tmk.Level2(a, b), 1e-6*max(1, math.Abs(want)), "%d and %d", i, j)
		}
	}
	assert.InDelta(t, 1, tmk.Level2(vectors[0], vectors[0]), 1e-6)
	assert.InDelta(t, 1, tmk.Level1(vectors[0], vectors[0]), 1e-12)
	assert.Zero(t, tmk.Level1(vectors[0], new(tmk.Vector)))
	assert.Zero(t, tmk.Level2(vectors[0], new(tmk.Vector)))
}

// looks feeds a video at a rate and tells which frame each look was at.
func looks(frames int, rate float64, start time.Duration) (seen []int) {
	var a tmk.Accumulator
	before := int32(0)
	for n := range frames {
		f := tmk.Feature{float32(n + 1)}
		at := start + time.Duration(math.Round(float64(n)*1e9/rate))
		a.AddAt(&f, at, time.Duration(1e9/rate))
		v := a.Vector()
		for before < v.Frames {
			before++
			seen = append(seen, n)
		}
	}
	return seen
}

func TestAddAt(t *testing.T) {
	// Which frames ffmpeg 5.1 writes of a PNG-in-MOV video of two seconds, each frame of which
	// is as bright as its number, with "-s 8:8 -f rawvideo -pix_fmt gray -r 15".
	for _, c := range []struct {
		rate float64
		want []int
	}{
		{10, []int{0, 0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 9, 9, 10, 11, 11, 12, 13, 13, 14, 15, 15, 16, 17, 17, 18, 19, 19}},
		{12, []int{0, 1, 2, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 10, 11, 12, 13, 14, 14, 15, 16, 17, 18, 18, 19, 20, 21, 22, 22, 23}},
		{20, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 14, 15, 16, 18, 19, 20, 22, 23, 24, 26, 27, 28, 30, 31, 32, 34, 35, 36, 38, 39}},
		{24, []int{0, 1, 2, 3, 4, 5, 7, 8, 10, 12, 13, 15, 16, 18, 20, 21, 23, 24, 26, 28, 29, 31, 32, 34, 36, 37, 39, 40, 42, 44, 45, 47}},
		{25, []int{0, 1, 2, 3, 4, 5, 7, 9, 10, 12, 14, 15, 17, 19, 20, 22, 24, 25, 27, 29, 30, 32, 34, 35, 37, 39, 40, 42, 44, 45, 47, 49}},
		{29.97, []int{0, 1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58}},
		{50, []int{0, 1, 2, 6, 9, 12, 16, 19, 22, 26, 29, 32, 36, 39, 42, 46, 49, 52, 56, 59, 62, 66, 69, 72, 76, 79, 82, 86, 89, 92, 96, 99}},
		{60, []int{0, 1, 3, 7, 11, 15, 19, 23, 27, 31, 35, 39, 43, 47, 51, 55, 59, 63, 67, 71, 75, 79, 83, 87, 91, 95, 99, 103, 107, 111, 115, 119}},
	} {
		assert.Equal(t, c.want, looks(int(math.Round(2*c.rate)), c.rate, 0), "%v frames a second", c.rate)
	}
	assert.Equal(t, []int{0, 1, 2, 3, 5, 7, 9, 11, 13, 15, 17, 19}, looks(20, 30, 0))
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, looks(10, 15, 0))
	// Ten seconds later, the first frame stands for all that time.
	got := looks(30, 15, 10*time.Second)
	assert.InDelta(t, 180, len(got), 2)

	// A time that runs back or a frame that lasts no time is no fault.
	var a tmk.Accumulator
	f := tmk.Feature{1}
	for _, at := range []time.Duration{0, time.Second, time.Millisecond, -time.Hour, time.Second} {
		a.AddAt(&f, at, 0)
	}
	frames := a.Vector().Frames
	assert.Positive(t, frames)
	// Nor does one that can't be meant take for ever, or keep others out.
	a.AddAt(&f, math.MaxInt64, math.MaxInt64)
	assert.Equal(t, frames, a.Vector().Frames)
	a.AddAt(&f, time.Second+time.Second/tmk.FrameRate, time.Second/tmk.FrameRate)
	assert.Equal(t, frames+1, a.Vector().Frames)
	assert.Zero(t, new(tmk.Accumulator).Vector().Frames)
}

func TestVectorMayBeAskedForMidway(t *testing.T) {
	var a, b tmk.Accumulator
	next := features(9)
	for n := range 60 {
		f := next()
		at := time.Duration(n) * time.Second / 30
		a.AddAt(&f, at, time.Second/30)
		b.AddAt(&f, at, time.Second/30)
		if n%20 == 0 {
			a.Vector()
		}
	}
	assert.Equal(t, b.Vector(), a.Vector())
}

func ExampleLevel2() {
	var a, b tmk.Accumulator
	for n := range 300 { // a picture that fades into another one within 20 seconds
		f := tmk.Feature{float32(300 - n), float32(n)}
		a.Add(&f)
		if n >= 30 { // the same video without its first two seconds
			b.Add(&f)
		}
	}
	v, w := a.Vector(), b.Vector()
	fmt.Printf("%.3f %.3f\n", tmk.Level1(v, w), tmk.Level2(v, w))
	// Output: 0.995 0.997
}

func TestNothingIsAllocatedToCompare(t *testing.T) {
	a, b := made(1, 20), made(2, 20)
	assert.Zero(t, testing.AllocsPerRun(3, func() { tmk.Level1(a, b); tmk.Level2(a, b) }))
}

func file(t testing.TB, v *tmk.Vector) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := v.WriteTo(&b)
	require.NoError(t, err)
	require.Len(t, b.Bytes(), tmk.FileSize)
	return b.Bytes()
}

// goldenBits is the digest of the file of made(1, 50).
const goldenBits = "b0f54671311c88b59ec930af090738891d1420c2b0ba83dcdc504e89f0046574"
