package tent

import (
	"math"
	"math/bits"
)

// Where a picture's luma is bytes and both boxes are powers of two, the filter's sums
// are nearly all whole numbers. Let c be a mean along rows and columns of bx x by
// pixels: A, the sum of these pixels, in units of 1/(bx*by), exactly. The second round's
// box along a row holds b = bx of them and on the way from one place to the next, when one has
// entered and none has left, b+1. These sums, E and T, are whole numbers of the unit too
// and fit 16 bits, so they are made of the bytes in any order, many side by side.
//
// Two things are not whole. Near the edges boxes are cut off and means are divided by
// other numbers than powers of two: such rows, and the columns that are read of them, are
// reckoned as Oracle does. And columns cut off on the left, which pass through the second
// round's box before all others, leave a remainder r behind in its running sum, because to add
// them and to take them away rounds differently: the reference's sum is E + r. Then:
//
//   - |r| stays below the unit: it is what fewer than 20 additions of sums below 2^11
//     can err, 2^-13 each, and the unit is at least 2^-5.
//   - To add the next mean gives T + r rounded, and to take one away from that is exact:
//     what is left is no larger, and a multiple of the last digit of what was rounded.
//   - T + r is a float32 as it is, and r remains, unless it needs more than 24 digits from
//     r's last one on: unless T >= 2^m for an m that r alone determines. Only there is r
//     rounded, once more short of a digit at the least. So it happens a few times a row at
//     most, and the places are found by a look at single bits of T.

// whole shrinks such pictures, but for the second round's columns, which are Filter's.
type whole struct {
	bx, by, w, h int
	ahead        int     // of a box along the rows
	left         int     // columns cut off on the left
	unit         float32 // 1/(bx*by)
	sums         words

	direct int               // samples that are made of E; the others see columns cut off on the right
	starts [Side]int         // where the samples' sums E begin
	at     [Side]int32       // their places in sums.e, in words of 16 bits
	last   int               // the last T that a sample depends on
	xs     [Side]int         // the samples' columns
	edges  []edge            // from left to right
	line   []float32         // a row that is cut off
	rows   [maxWhole][]uint8 // the last by of them
}

// edge is a column that is cut off: to its means along the rows belong the columns
// from..to-1.
type edge struct {
	x, from, to int
	ring        [maxWhole]float32 // the last by of them
	sum, mean   float32           // along the column
}

// maxWhole is the longest box of a power of two.
const maxWhole = 8

// reset prepares for a picture of bytes, if it is one of those.
func (f *whole) reset(w, h int) bool {
	bx, by := boxSize(w), boxSize(h)
	if bx&(bx-1) != 0 || by&(by-1) != 0 || bx > maxWhole || by > maxWhole || bx*(bx+1)*by*math.MaxUint8 > math.MaxUint16 {
		return false
	}
	f.bx, f.by, f.w, f.h = bx, by, w, h
	f.ahead, f.unit = aheadOf(bx), 1/float32(bx*by)
	f.left = bx - f.ahead
	f.sums.reset(w)
	f.line = grow(f.line, w)

	f.direct = 0
	for k := range Side {
		f.xs[k] = centre(k, w)
		end := f.xs[k] + f.ahead - 1 // the last column within the second box
		start := end - bx + 1 - f.left
		f.starts[k], f.at[k] = start, int32(f.sums.place(start))
		if end <= w-f.ahead {
			f.direct = k + 1
		}
	}
	f.last = min(w-f.ahead-bx-f.left, f.starts[Side-1]-1)
	f.edges = f.edges[:0]
	for x := range f.xs[Side-1] + f.ahead {
		if x < f.left || x > w-f.ahead {
			f.edges = append(f.edges, edge{x: x, from: max(0, x+f.ahead-bx), to: min(w, x+f.ahead)})
		}
	}
	return true
}

// step moves the boxes along the columns down by row y, which may be past the last.
func (f *whole) step(src Rows, y int, fast bool) {
	var enter, leave []uint8
	if y < f.h {
		enter = src.Bytes(y)
	}
	held := &f.rows[y&(f.by-1)]
	if y >= f.by {
		leave = *held
	}
	*held = enter
	f.sums.move(enter, leave, fast)
	count := float32(min(y, f.h-1) - max(y-f.by, -1))
	for i := range f.edges {
		e := &f.edges[i]
		slot := &e.ring[y&(f.by-1)]
		if leave == nil {
			*slot = 0
		}
		left := *slot
		*slot = 0
		if enter != nil {
			sum := 0
			for _, v := range enter[e.from:e.to] {
				sum += int(v)
			}
			*slot = float32(sum) / float32(e.to-e.from)
		}
		e.sum += *slot
		e.sum -= left
		e.mean = e.sum / count
	}
}

// row writes to out the samples of the second round's means along row y, the rows up
// to y+aheadOf(by)-1 having been stepped through.
func (f *whole) row(out *[Side]float32, y int, fast bool) {
	all := f.sums.tents(f.bx, fast)
	top := aheadOf(f.by)
	if count := min(f.h, y+top) - max(0, y+top-f.by); count < f.by {
		f.cut(out, float32(count))
		return
	}

	r := f.remainder()
	k := 0
	for i := f.sums.next(0, f.last, all, roundedFrom(r, f.unit)); i >= 0; i = f.sums.next(i+1, f.last, all, roundedFrom(r, f.unit)) {
		end := k
		for end < f.direct && f.starts[end] <= i {
			end++
		}
		f.fill(out, k, end, r, fast)
		k = end
		t := float32(float32(f.sums.of(f.sums.t, i)) * f.unit)
		r = float32(t+r) - t
	}
	f.fill(out, k, f.direct, r, fast)

	// The box reaches columns cut off on the right.
	if f.direct < Side {
		end := f.w - f.ahead
		s := float32(float32(f.sums.of(f.sums.e, end-f.bx+1-f.left))*f.unit) + r
		for k, x := f.direct, end+1; k < Side; x++ {
			s += f.edges[len(f.edges)-1-(f.xs[Side-1]+f.ahead-1-x)].mean
			s -= f.mean(x - f.bx)
			for ; k < Side && f.xs[k]+f.ahead-1 == x; k++ {
				out[k] = s / float32(f.bx)
			}
		}
	}
}

// remainder is what is left of the columns cut off on the left when all have passed
// through the second box.
func (f *whole) remainder() float32 {
	if f.left == 0 {
		return 0
	}
	var s float32
	for x := range f.left {
		s += f.edges[x].mean
	}
	for x := f.left; x < f.bx; x++ {
		s += f.mean(x)
	}
	for x := range f.left {
		s += f.mean(x + f.bx)
		s -= f.edges[x].mean
	}
	return s - float32(float32(f.sums.of(f.sums.e, 0))*f.unit)
}

// mean is column x of the row of means, where neither is cut off.
func (f *whole) mean(x int) float32 {
	return float32(float32(f.sums.of(f.sums.a, x-f.left)) * f.unit)
}

// roundedFrom returns an m such that T + r is exact for every T below 2^m units.
func roundedFrom(r, unit float32) int {
	b := math.Float32bits(r) & math.MaxInt32
	if b == 0 {
		return 16
	}
	exponent, digits := int(b>>23), b&(1<<23-1)
	if exponent > 0 {
		digits |= 1 << 23
		exponent--
	}
	last := exponent - 149 + bits.TrailingZeros32(digits) // r is a whole number of 2^last
	units := 127 - int(math.Float32bits(unit)>>23)        // unit is 2^-units
	return max(0, min(16, last+24+units))
}

// fill makes the samples from k to end-1, and may write to some after them.
func (f *whole) fill(out *[Side]float32, k, end int, r float32, fast bool) {
	inverse := 1 / float32(f.bx)
	if n := min((end-k+7)&^7, (Side-k)&^7); fast && n > 0 {
		fillAVX2(&out[k], &f.sums.e[0], &f.at[k], n, f.unit, r, inverse)
		k += n
	}
	for ; k < end; k++ {
		s := float32(float32(f.sums.of(f.sums.e, f.starts[k]))*f.unit) + r
		out[k] = float32(s * inverse)
	}
}

// cut makes the samples of a row that is itself cut off: of means of count rows.
func (f *whole) cut(out *[Side]float32, count float32) {
	inverse := 1 / float32(f.bx)
	for x := f.left; x <= f.w-f.ahead; x++ {
		f.line[x] = float32(float32(f.sums.of(f.sums.a, x-f.left))*inverse) / count
	}
	for i := range f.edges {
		f.line[f.edges[i].x] = f.edges[i].mean
	}
	boxAt(out[:], f.line, f.bx, &f.xs)
}
