package tent

import "math"

// Filter shrinks pictures as Oracle does, bit for bit, and fast: every sum is made of
// the same additions in the same order, or of whole numbers, whose sums are exact in
// any order; but side by side, for many columns or rows at once.
//
// It keeps its buffers for the next picture: about width x (height/128 + 100) x 4
// bytes, and 40 instead of 100 where the luma is bytes. The zero value is ready; it is not safe for concurrent use.
type Filter struct {
	// Portable keeps to the kernels in Go.
	Portable bool

	boxX, boxY int
	ys         [Side]int   // the rows that are sampled
	gaps       [Side]int32 // steps along a row from sample to sample
	stride     int         // of the buffers: the width and room for whole vectors
	prefix     []uint16    // sums of a row of bytes
	luma       []float32   // lanes rows as they are read, where they are not bytes
	means      []float32   // their means, column by column
	first      ring        // rows of means along the row
	block      []float32   // lanes rows of means of those along the column
	turned     []float32   // the block, column by column
	second     ring        // samples of means along the row
	samples    [Side][lanes]float32
	out        [lanes][Side]float32
	unsampled  [Side]float32
	whole      whole
	oracle     Oracle
}

// lanes is how many rows go through the second round at once.
const lanes = 16

// Shrink fills dst from a picture of w x h pixels, which must be Hashable, with luma
// of 0, or of 2^-8 to 255. It reads every row once, from top to bottom.
//
// A picture of 64 x 64 pixels is taken as it is, as pdqFloat256FromFloatLuma does.
func (f *Filter) Shrink(dst *Plane, src Rows, w, h int) {
	if w == Side && h == Side {
		for y := range dst {
			src.Row(dst[y][:], 0, y)
		}
		return
	}
	bytes := src.Bytes(0) != nil
	if bytes && f.whole.reset(w, h) {
		f.shrinkWhole(dst, src, h)
		return
	}
	if !bytes && max(boxSize(w), boxSize(h)) > maxFloatBox {
		f.oracle.Shrink(dst, src, w, h)
		return
	}
	f.reset(w, h, bytes)
	ahead := aheadOf(f.boxY)
	last := f.ys[Side-1] + ahead - 1 // the last row that a sample depends on
	taken, held := 0, 0
	for y := range last + ahead {
		switch {
		case y >= h:
		case bytes:
			f.row(f.first.slot(y), src.Bytes(y))
		case y%lanes == 0:
			f.rows(src, y, min(lanes, h-y), w)
		}
		row := y - ahead + 1
		out := f.block[held*f.stride:]
		f.slide(&f.first, out[:f.stride], y, h)
		if row < 0 {
			continue
		}
		if held++; held == lanes || row == last {
			f.along(held, w)
			for i := range held {
				y := row - held + 1 + i
				*(*[Side]float32)(f.second.slot(y)) = f.out[i]
				taken = f.finish(dst, taken, y)
			}
			held = 0
		}
	}
}

func (f *Filter) reset(w, h int, bytes bool) {
	f.resetRows(h)
	f.boxX = boxSize(w)
	at := f.boxX - aheadOf(f.boxX)
	for i := range Side {
		f.gaps[i] = int32(centre(i, w) - at)
		at = centre(i, w)
	}
	f.stride = (w+15)/16*16 + 16
	if bytes {
		f.prefix = grow(f.prefix, f.stride+16)
		f.first.reset(f.stride, f.boxY, f.boxY+1)
	} else {
		f.luma, f.means = grow(f.luma, lanes*f.stride), grow(f.means, lanes*f.stride)
		f.first.reset(f.stride, f.boxY, (f.boxY+lanes)/lanes*lanes+lanes) // rows that enter side by side lie so
	}
	f.block = grow(f.block, lanes*f.stride)
	f.turned = grow(f.turned, lanes*f.stride)
}

func (f *Filter) resetRows(h int) {
	f.boxY = boxSize(h)
	f.second.reset(Side, f.boxY, f.boxY+1)
	for i := range Side {
		f.ys[i] = centre(i, h)
	}
}

// row writes the means along a row of bytes.
func (f *Filter) row(dst []float32, bytes []uint8) {
	if f.fast() && f.boxX <= maxWordBox {
		f.boxBytes(dst, bytes)
		return
	}
	boxBytes(dst[:len(bytes)], bytes, f.boxX)
}

// rows reads n rows, up to lanes of them, from y on, a multiple of lanes, and writes
// the means along them.
func (f *Filter) rows(src Rows, y, n, w int) {
	for i := range n {
		src.Row(f.luma[i*f.stride:][:w], 0, y+i)
	}
	out := f.first.rows[y%f.first.height*f.stride:]
	if !f.fast() {
		for i := 0; i < n; i += 4 {
			f.boxFour(out[i*f.stride:], f.luma[i*f.stride:], w)
		}
		return
	}
	for half := 0; half < lanes; half += 8 {
		transposeAVX2(&f.turned[half], lanes, &f.luma[half*f.stride], f.stride, (w+3)&^3)
	}
	c := float32(f.boxX)
	boxAVX2(&f.means[0], &f.turned[0], w, f.boxX, c, 1/c)
	for x := 0; x < w; x += 8 {
		transposeAVX2(&out[x], f.stride, &f.means[x*lanes], lanes, lanes)
	}
}

// shrinkWhole is Shrink where the sums are whole numbers.
func (f *Filter) shrinkWhole(dst *Plane, src Rows, h int) {
	f.resetRows(h)
	ahead := aheadOf(f.boxY)
	last := f.ys[Side-1] + ahead - 1
	taken := 0
	defer clear(f.whole.rows[:]) // a Filter that waits must not hold on to a picture
	for y := range last + ahead {
		f.whole.step(src, y, f.fast())
		if row := y - ahead + 1; row >= 0 {
			f.whole.row((*[Side]float32)(f.second.slot(row)), row, f.fast())
			taken = f.finish(dst, taken, row)
		}
	}
}

// finish takes in row y of the second round, which lies in its slot, along the
// columns.
func (f *Filter) finish(dst *Plane, taken, y int) int {
	row := y - aheadOf(f.boxY) + 1
	if taken == Side || f.ys[taken] != row {
		f.slide(&f.second, f.unsampled[:], y, math.MaxInt)
		return taken
	}
	out := &dst[taken]
	f.slide(&f.second, out[:], y, math.MaxInt)
	for taken++; taken < Side && f.ys[taken] == row; taken++ {
		dst[taken] = *out
	}
	return taken
}

func (f *Filter) fast() bool { return vectors && !f.Portable }

// ring holds the rows within a box of b rows that moves down.
type ring struct {
	rows             []float32 // the last rows, row y in slot y % height
	sum              []float32 // of the rows within the box, by column
	nothing          []float32 // a row of zeros
	width, height, b int
}
