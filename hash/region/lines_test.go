package region

import (
	"image"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// slowMarks marks the steps of one row of doubled luma as lines.mark is to: 0, 1 for a
// weak mark, 2 for a strong one.
func slowMarks(row []int) []int {
	n := len(row)
	step := make([]int, n)
	for x := 1; x < n-1; x++ {
		step[x] = max(row[x+1]-row[x-1], row[x-1]-row[x+1])
	}
	marks := make([]int, n)
	for x := range marks {
		sum := 0
		for i := max(x-around, 0); i <= min(x+around, n-1); i++ {
			sum += step[i]
		}
		switch {
		case step[x] < leastStep || 11*step[x] < sum:
		case 11*step[x] < 2*sum:
			marks[x] = 1
		default:
			marks[x] = 2
		}
	}
	return marks
}

// TestMarksAgainstSlowOnes holds the marks of both directions, and what is counted of
// them between any two positions, equal to those of plain loops.
func TestMarksAgainstSlowOnes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, size := range []image.Point{{48, 48}, {49, 200}, {333, 51}, {640, 480}, {1300, 900}, {2000, 130}} {
		m := image.NewGray(image.Rectangle{Max: size})
		level := 128
		for i := range m.Pix {
			if r.IntN(9) == 0 {
				level = r.IntN(256)
			}
			m.Pix[i] = uint8(min(max(level+r.IntN(30)-15, 0), 255))
		}
		for range 6 { // full contrast, too
			x, y := r.IntN(size.X), r.IntN(size.Y)
			for i := range m.Pix {
				if i%m.Stride > x && i/m.Stride > y {
					m.Pix[i] ^= 0xff
				}
			}
		}
		var s sampler
		require.True(t, s.load(m))
		f := s.factor
		first, second := f/4, f-1-f/4
		check := func(l *lines, other int, pixels func(x, at int) int) {
			t.Helper()
			require.Zero(t, l.samples()%lanes)
			require.GreaterOrEqual(t, l.samples(), 24)
			marks := make([][]int, l.samples())
			at := make([]int, l.samples())
			for k := range l.lane {
				for lane := range lanes {
					i := lane*l.lane + k
					at[i] = l.at(k, lane)
					row := make([]int, l.n)
					for x := range row {
						row[x] = pixels(x, at[i])
					}
					marks[i] = slowMarks(row)
				}
			}
			require.IsIncreasing(t, at)
			require.Less(t, at[len(at)-1], other)
			for range 2000 {
				x, from := r.IntN(l.n), r.IntN(l.length-1)
				to := from + 1 + r.IntN(l.length-from)
				sum, n := 0, 0
				for i, p := range at {
					if p >= from+1 && p < to-1 {
						sum += marks[i][x]
						n++
					}
				}
				want := 0
				if n > 0 {
					want = 500 * sum / n
				}
				require.Equal(t, want, l.support(x, from, to), "%v, factor %d: %d, %d to %d", size, f, x, from, to)
			}
		}
		check(&s.x, s.h/f, func(x, at int) int {
			y := at*f + f/2
			return int(m.GrayAt(x*f+first, y).Y) + int(m.GrayAt(x*f+second, y).Y)
		})
		check(&s.y, s.w/f, func(y, at int) int {
			x := at*f + f/2
			return int(m.GrayAt(x, y*f+first).Y) + int(m.GrayAt(x, y*f+second).Y)
		})
	}
}

// TestLanes holds the arithmetic of four values in a word equal to that of one.
func TestLanes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	value := func() uint64 {
		return []uint64{0, 1, 510, 0x7fff, uint64(r.IntN(0x8000))}[r.IntN(5)]
	}
	for range 20000 {
		var a, b, notLower uint64
		for lane := 0; lane < 64; lane += 16 {
			u, v := value(), value()
			a, b = a|u<<lane, b|v<<lane
			if u >= v {
				notLower |= 0x8000 << lane
			}
		}
		require.Equal(t, notLower, notLess(a, b))
		d := difference(a, b)
		for lane := 0; lane < 64; lane += 16 {
			u, v := int(a>>lane&0xffff), int(b>>lane&0xffff)
			require.Equal(t, max(u-v, v-u), int(d>>lane&0xffff))
		}
	}
}
