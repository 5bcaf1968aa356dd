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

// turned is cosines with samples and frequencies exchanged: [sample][frequency-1].
var turned = func() (d [tent.Side][order]float32) {
	for i := range cosines {
		for j, v := range cosines[i] {
			d[j][i] = v
		}
	}
	return d
}()

// transform computes the frequencies of a picture's samples and the bits from them.
type transform struct {
	portable bool // keeps to the kernel in Go

	half   [order][tent.Side]float32 // transformed along the columns
	full   square
	signed square
}

// compute fills full (dct64To16). Every sum runs through its 64 terms in order; only
// the order of the outputs, which can't be seen in them, is for speed.
func (t *transform) compute(a *tent.Plane) {
	if vectors && !t.portable {
		productAVX2(&t.half[0][0], &cosines[0][0], &a[0][0], tent.Side)
		productAVX2(&t.full[0][0], &t.half[0][0], &turned[0][0], order)
		return
	}
	for i := 0; i < order; i += 2 {
		for j := 0; j < tent.Side; j += 4 {
			t.columns(a, i, j)
		}
	}
	for i := 0; i < order; i += 2 {
		for j := 0; j < order; j += 4 {
			t.rows(i, j)
		}
	}
}

// columns makes 2 x 4 entries of half: side by side, because each sum has to wait
// for itself.
func (t *transform) columns(a *tent.Plane, i, j int) {
	var a0, a1, a2, a3, b0, b1, b2, b3 float32
	d0, d1 := &cosines[i], &cosines[i+1]
	for k := range a {
		u, v, in := d0[k], d1[k], (*[4]float32)(a[k][j:])
		a0 += float32(u * in[0])
		a1 += float32(u * in[1])
		a2 += float32(u * in[2])
		a3 += float32(u * in[3])
		b0 += float32(v * in[0])
		b1 += float32(v * in[1])
		b2 += float32(v * in[2])
		b3 += float32(v * in[3])
	}
	*(*[4]float32)(t.half[i][j:]) = [4]float32{a0, a1, a2, a3}
	*(*[4]float32)(t.half[i+1][j:]) = [4]float32{b0, b1, b2, b3}
}

// rows makes 2 x 4 entries of full.
func (t *transform) rows(i, j int) {
	var a0, a1, a2, a3, b0, b1, b2, b3 float32
	t0, t1 := &t.half[i], &t.half[i+1]
	for k := range turned {
		u, v, d := t0[k], t1[k], (*[4]float32)(turned[k][j:])
		a0 += float32(u * d[0])
		a1 += float32(u * d[1])
		a2 += float32(u * d[2])
		a3 += float32(u * d[3])
		b0 += float32(v * d[0])
		b1 += float32(v * d[1])
		b2 += float32(v * d[2])
		b3 += float32(v * d[3])
	}
	*(*[4]float32)(t.full[i][j:]) = [4]float32{a0, a1, a2, a3}
	*(*[4]float32)(t.full[i+1][j:]) = [4]float32{b0, b1, b2, b3}
}

func (t *transform) original(a *tent.Plane) hash.Value {
	t.compute(a)
	bits := bitsOf(&t.full)
	return bits.value()
}

// orientations makes the eight from four: a mirror image along an axis has the same
// frequencies with every odd one negated, where indices count from frequency 1; a transposed
// picture has them transposed, and so its bits.
func (t *transform) orientations(a *tent.Plane) (all [hash.Orientations]hash.Value) {
	t.compute(a)
	for _, turn := range [...]struct {
		oddV, oddH          uint32 // what is negated
		straight, transpose hash.Orientation
	}{
		{0, 0, hash.Original, hash.FlipPlus1},
		{sign, 0, hash.FlipX, hash.Rot270},
		{0, sign, hash.FlipY, hash.Rot90},
		{sign, sign, hash.Rot180, hash.FlipMinus1},
	} {
		for i := range t.full {
			flip := turn.oddV &^ (uint32(i) << 31)
			for j, v := range t.full[i] {
				t.signed[i][j] = math.Float32frombits(math.Float32bits(v) ^ flip ^ turn.oddH&^(uint32(j)<<31))
			}
		}
		bits := bitsOf(&t.signed)
		all[turn.straight] = bits.value()
		bits.transpose()
		all[turn.transpose] = bits.value()
	}
	return all
}

// sign is the sign bit of a float32.
const sign = 1 << 31
