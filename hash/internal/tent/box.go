package tent

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
