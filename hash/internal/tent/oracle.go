package tent

// Oracle is the filter as its definition reads, and what Filter is held equal to: it
// takes luma of any value. It shrinks pictures and keeps its buffers for the next one: about
// width x (height/128 + 4) x 4 bytes. The zero value is ready; it is not safe for
// concurrent use.
type Oracle struct {
	luma, line    []float32 // one row each: as read, and after the first round
	first, second columns
	xs, ys        [Side]int // where the samples are taken
}

// Shrink fills dst from a picture of w x h pixels, which must be Hashable. It reads
// every row once, from top to bottom.
//
// A picture of 64 x 64 pixels is taken as it is, as pdqFloat256FromFloatLuma does.
func (f *Oracle) Shrink(dst *Plane, src Rows, w, h int) {
	if w == Side && h == Side {
		for y := range dst {
			src.Row(dst[y][:], 0, y)
		}
		return
	}
	boxX, boxY := boxSize(w), boxSize(h)
	for i := range Side {
		f.xs[i], f.ys[i] = centre(i, w), centre(i, h)
	}
	f.luma, f.line = grow(f.luma, w), grow(f.line, w)
	f.first.reset(w, h, boxY)
	f.second.reset(Side, h, boxY)

	var out [Side]float32
	taken := 0 // rows of dst that are filled
	finish := func(y int) {
		row, ok := f.second.step(y, out[:])
		for ; ok && taken < Side && f.ys[taken] == row; taken++ {
			dst[taken] = out
		}
	}
	for y := range f.first.steps() {
		if y < h {
			src.Row(f.luma, 0, y)
			box(f.first.slot(y), f.luma, boxX)
		}
		if row, ok := f.first.step(y, f.line); ok {
			boxAt(f.second.slot(row), f.line, boxX, &f.xs)
			finish(row)
		}
	}
	for y := h; y < f.second.steps(); y++ {
		finish(y)
	}
}

// A box of size b over n values, b <= n: output i is the mean of the inputs from
// i+ahead-b to i+ahead-1, of which only those within 0 to n-1 count. ahead is
// (b+2)/2, so that an even box reaches further forward. (box1DFloat.)
func aheadOf(b int) int { return (b + 2) / 2 }

// box writes to dst the running means of src, which is as long as dst.
func box(dst, src []float32, b int) {
	n, ahead := len(src), aheadOf(b)
	dst = dst[:n]
	var sum float32
	for _, v := range src[:ahead-1] {
		sum += v
	}
	i := 0
	for ; i <= b-ahead; i++ {
		sum += src[i+ahead-1]
		dst[i] = sum / float32(i+ahead)
	}
	count := float32(b)
	enter, leave, mid := src[i+ahead-1:], src[i+ahead-1-b:], dst[i:n-ahead+1]
	for j := range mid {
		sum += enter[j]
		sum -= leave[j]
		mid[j] = sum / count
	}
	for i = n - ahead + 1; i < n; i++ {
		sum -= src[i+ahead-1-b]
		dst[i] = sum / float32(n-(i+ahead-b))
	}
}

// boxAt is box at the rising positions at only.
func boxAt(dst, src []float32, b int, at *[Side]int) {
	n, ahead := len(src), aheadOf(b)
	var sum float32
	for _, v := range src[:ahead-1] {
		sum += v
	}
	i := 0 // outputs whose sums are done
	for k, end := range at {
		for ; i <= end && i <= b-ahead; i++ {
			sum += src[i+ahead-1]
		}
		for ; i <= end && i <= n-ahead; i++ {
			sum += src[i+ahead-1]
			sum -= src[i+ahead-1-b]
		}
		for ; i <= end; i++ {
			sum -= src[i+ahead-1-b]
		}
		dst[k] = sum / float32(min(n, end+ahead)-max(0, end+ahead-b))
	}
}

// columns is box along every column at once, fed row by row.
type columns struct {
	ring             []float32 // the last b+1 rows, row y in slot y % (b+1)
	sum              []float32 // of the rows within the box, by column
	width, height, b int
}

func (c *columns) reset(width, height, b int) {
	c.width, c.height, c.b = width, height, b
	c.ring, c.sum = grow(c.ring, width*(b+1)), grow(c.sum, width)
	clear(c.sum)
}

// steps is how many steps give all rows: the last ones have no input.
func (c *columns) steps() int { return c.height + aheadOf(c.b) - 1 }

// slot is where row y is to be written before step y, and stays readable until
// step y+b.
func (c *columns) slot(y int) []float32 {
	i := y % (c.b + 1) * c.width
	return c.ring[i : i+c.width : i+c.width]
}

// step takes in row y, if there is one, and writes the output row that it
// completes; ok tells whether there was one.
func (c *columns) step(y int, out []float32) (row int, ok bool) {
	row = y - aheadOf(c.b) + 1
	sum := c.sum
	out = out[:len(sum)]
	switch {
	case row < 0:
		for x, v := range c.slot(y)[:len(sum)] {
			sum[x] += v
		}
		return row, false
	case y < c.b:
		count := float32(y + 1)
		for x, v := range c.slot(y)[:len(sum)] {
			sum[x] += v
			out[x] = sum[x] / count
		}
	case y < c.height:
		count := float32(c.b)
		enter, leave := c.slot(y)[:len(sum)], c.slot(y - c.b)[:len(sum)]
		for x, s := range sum {
			s += enter[x]
			s -= leave[x]
			sum[x] = s
			out[x] = s / count
		}
	default:
		count := float32(c.height - (y - c.b + 1))
		for x, v := range c.slot(y - c.b)[:len(sum)] {
			sum[x] -= v
			out[x] = sum[x] / count
		}
	}
	return row, true
}
