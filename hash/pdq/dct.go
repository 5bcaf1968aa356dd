package pdq

import (
	"math"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/internal/tent"
)

// order is the number of frequencies kept along each side: 1 to 16, without the
// mean.
const order = 16

// square holds a hash's 256 frequencies: [vertical][horizontal], from frequency 1.
type square [order][order]float32

// cosines is the matrix of the transform, [frequency-1][sample]: rounded from double
// precision as the reference's dct_matrix_64. None of its entries lies so near to a
// rounding boundary that two sound cosine functions could differ; a test holds that.
var cosines = func() (d [order][tent.Side]float32) {
	scale := float64(float32(math.Sqrt(2.0 / tent.Side)))
	for i := range d {
		for j := range d[i] {
			// The cosine repeats every 4 x 64 of these steps, so the angle stays
			// within one turn.
			turn := (i + 1) * (2*j + 1) % (4 * tent.Side)
			d[i][j] = float32(scale * math.Cos(math.Pi/(2*tent.Side)*float64(turn)))
		}
	}
	return d
}()

// transform computes the frequencies of a picture's samples and the bits from them.
type transform struct {
	half   [order][tent.Side]float32 // transformed along the columns
	full   square
	turned square
}

// compute fills full (dct64To16). Every sum runs through its 64 terms in order; only
// the order of the outputs, which can't be seen in them, is for speed.
func (t *transform) compute(a *tent.Plane) {
	for i := range t.half {
		row := &t.half[i]
		clear(row[:])
		for k := range a {
			d, in := cosines[i][k], &a[k]
			for j, v := range in {
				row[j] += float32(d * v)
			}
		}
	}
	for i := range t.full {
		row := &t.half[i]
		for j := range t.full[i] {
			var sum float32
			d := &cosines[j]
			for k, v := range row {
				sum += float32(v * d[k])
			}
			t.full[i][j] = sum
		}
	}
}

func (t *transform) original(a *tent.Plane) hash.Value {
	t.compute(a)
	return bitsOf(&t.full)
}

func (t *transform) orientations(a *tent.Plane) (all [hash.Orientations]hash.Value) {
	t.compute(a)
	for o := range all {
		t.turn(hash.Orientation(o))
		all[o] = bitsOf(&t.turned)
	}
	return all
}

// turn fills turned with the frequencies of the picture in orientation o. A mirror
// image along an axis has the same frequencies with every odd one negated, and
// indices count from frequency 1; a transposed picture has them transposed.
func (t *transform) turn(o hash.Orientation) {
	for i := range order {
		for j := range order {
			v := t.full[i][j]
			oddV, oddH := i%2 == 0, j%2 == 0
			switch o {
			case hash.FlipX:
				if oddV {
					v = -v
				}
			case hash.FlipY, hash.Rot90:
				if oddH {
					v = -v
				}
			case hash.Rot270:
				if oddV {
					v = -v
				}
			case hash.Rot180, hash.FlipMinus1:
				if oddV != oddH {
					v = -v
				}
			}
			switch o {
			case hash.Rot90, hash.Rot270, hash.FlipPlus1, hash.FlipMinus1:
				t.turned[j][i] = v
			default:
				t.turned[i][j] = v
			}
		}
	}
}
