package tent

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBoxesAgree holds the three forms of the box equal to each other bit for bit,
// and near the mean that they are defined as. Package pdq holds the whole filter equal
// to the reference.
func TestBoxesAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{5, 6, 64, 127, 128, 129, 300, 1000} {
		src, whole := make([]float32, n), make([]float32, n)
		for i := range src {
			src[i] = 255 * r.Float32()
		}
		for _, b := range []int{1, 2, 3, 4, min(n, 8), (n + 1) / 2, n} {
			box(whole, src, b)
			for i := range whole {
				from, to := max(0, i+aheadOf(b)-b), min(n, i+aheadOf(b))
				sum := 0.0
				for _, v := range src[from:to] {
					sum += float64(v)
				}
				require.InDelta(t, sum/float64(to-from), whole[i], 1e-2, "box %d of %d at %d", b, n, i)
			}

			var at [Side]int
			for i := range at {
				at[i] = centre(i, n)
			}
			var some [Side]float32
			boxAt(some[:], src, b, &at)
			for i, x := range at {
				require.Equal(t, whole[x], some[i], "box %d of %d at %d", b, n, x)
			}

			var c columns
			c.reset(2, n, b)
			out, rows := make([]float32, 2), 0
			for y := range c.steps() {
				if y < n {
					c.slot(y)[0], c.slot(y)[1] = src[y], 7
				}
				if row, ok := c.step(y, out); ok {
					require.Equal(t, rows, row)
					require.Equal(t, []float32{whole[row], 7}, out, "box %d of %d at %d", b, n, row)
					rows++
				}
			}
			require.Equal(t, n, rows)
		}
	}
}

func TestHashable(t *testing.T) {
	for size, want := range map[[2]int]bool{
		{5, 5}: true, {4, 5}: false, {5, 4}: false, {0, 0}: false, {-5, -5}: false,
		{MaxSide, 5}: true, {MaxSide + 1, 5}: false, {1 << 16, 1 << 16}: true, {1 << 17, 1 << 16}: false,
	} {
		assert.Equal(t, want, Hashable(size[0], size[1]), size)
	}
}

// TestCentres holds that the samples rise and lie within the picture.
func TestCentres(t *testing.T) {
	for _, n := range []int{5, 63, 64, 65, 1000, MaxSide} {
		for i := 1; i < Side; i++ {
			assert.LessOrEqual(t, centre(i-1, n), centre(i, n))
		}
		assert.GreaterOrEqual(t, centre(0, n), 0)
		assert.Less(t, centre(Side-1, n), n)
	}
}
