package pdq

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/internal/tent"
)

// oracle computes the 16 x 16 frequencies and the 64 x 64 samples from the
// definitions, in double precision and without any of the fast path's ideas: a box
// mean is a sum over the box, the transform a sum over all samples.
func oracle(luma []float32, w, h int) (samples [64][64]float64, freq [16][16]float64) {
	a := make([]float64, len(luma))
	for i, v := range luma {
		a[i] = float64(v)
	}
	if w != 64 || h != 64 {
		for range 2 {
			a = boxMeans(a, w, h, 1, w, (w+127)/128)
			a = boxMeans(a, w, h, w, h, (h+127)/128)
		}
	}
	for i := range samples {
		for j := range samples[i] {
			y, x := int((float64(i)+0.5)*float64(h)/64), int((float64(j)+0.5)*float64(w)/64)
			samples[i][j] = a[y*w+x]
		}
	}
	cosine := func(u, x int) float64 { return math.Sqrt(2.0/64) * math.Cos(math.Pi/128*float64((u+1)*(2*x+1))) }
	var half [16][64]float64
	for u := range half {
		for x := range half[u] {
			for y := range 64 {
				half[u][x] += cosine(u, y) * samples[y][x]
			}
		}
	}
	for u := range freq {
		for v := range freq[u] {
			for x := range 64 {
				freq[u][v] += half[u][x] * cosine(v, x)
			}
		}
	}
	return samples, freq
}

// boxMeans replaces every value by the mean of the box around it along one axis: n
// values, stride apart.
func boxMeans(a []float64, w, h, stride, n, size int) []float64 {
	out := make([]float64, len(a))
	for y := range h {
		for x := range w {
			at := x
			if stride != 1 {
				at = y
			}
			first := y*w + x - at*stride
			from, to := max(0, at+(size+2)/2-size), min(n, at+(size+2)/2)
			for k := from; k < to; k++ {
				out[y*w+x] += a[first+k*stride]
			}
			out[y*w+x] /= float64(to - from)
		}
	}
	return out
}

// TestOracle holds the fast single-precision path near the slow double-precision
// one, and every bit equal whose frequency is clear of the median by more than
// rounding can move it.
func TestOracle(t *testing.T) {
	const (
		tolerance = 0.01 // running sums of up to 700 values near 255 round by 1.5e-5 each
		unclear   = 8    // of 256 bits: neighbours of the median; most are in the tiniest picture
	)
	r := rand.New(rand.NewPCG(7, 7))
	var h Hasher
	for _, size := range [][2]int{{5, 5}, {64, 64}, {63, 65}, {128, 128}, {129, 300}, {500, 333}, {700, 41}} {
		luma := make([]float32, size[0]*size[1])
		trail := 128.0
		for i := range luma {
			trail += (r.Float64()*255 - trail) / 8
			luma[i] = float32(trail)
		}
		samples, freq := oracle(luma, size[0], size[1])
		v, q := h.SumLuma(luma, size[0], size[1])

		for i := range samples {
			for j := range samples[i] {
				require.InDelta(t, samples[i][j], h.small[i][j], tolerance/8, "%v sample %d,%d", size, i, j)
			}
		}
		all := make([]float64, 0, 256)
		for i := range freq {
			for j := range freq[i] {
				require.InDelta(t, freq[i][j], h.dct.full[i][j], tolerance, "%v frequency %d,%d", size, i, j)
				all = append(all, freq[i][j])
			}
		}
		slices.Sort(all)
		median := all[127]
		close, words := 0, v.Words()
		for i := range freq {
			for j := range freq[i] {
				if math.Abs(freq[i][j]-median) < 2*tolerance {
					close++
					continue
				}
				bit := 16*i + j // from the lowest bit of the last word
				assert.Equal(t, freq[i][j] > median, words[3-bit/64]>>(bit%64)&1 == 1, "%v bit %d", size, bit)
			}
		}
		assert.LessOrEqual(t, close, unclear, size)
		assert.InDelta(t, oracleQuality(&samples), float64(q), 2, size)
	}
}

func oracleQuality(s *[64][64]float64) float64 {
	total := 0.0
	step := func(a, b float64) { total += math.Floor(math.Abs(a-b) * 100 / 255) }
	for i := range 64 {
		for j := range 64 {
			if i > 0 {
				step(s[i][j], s[i-1][j])
			}
			if j > 0 {
				step(s[i][j], s[i][j-1])
			}
		}
	}
	return min(100, math.Floor(total/90))
}

// TestCosines holds that the table does not depend on the cosine function: every
// entry is much farther from where its rounding would change than any sound function
// errs.
func TestCosines(t *testing.T) {
	scale := float64(float32(math.Sqrt(2.0 / 64)))
	for i := range order {
		for j := range tent.Side {
			exact := scale * math.Cos(math.Pi/128*float64((i+1)*(2*j+1)))
			got := cosines[i][j]
			assert.Equal(t, float32(exact), got)
			for _, next := range []float32{-1, 2} {
				neighbour := math.Nextafter32(got, next)
				edge := (float64(got) + float64(neighbour)) / 2
				assert.Greater(t, math.Abs(exact-edge), 1e-13, "entry %d,%d", i, j)
			}
		}
	}
	// One entry without any cosine function: cos(pi/4) at frequency 32 would be the
	// root of a half; at frequency 16, sample 0, the angle is pi/8 and
	// cos = sqrt(2+sqrt(2))/2.
	root := new(big.Float).SetPrec(100).Sqrt(big.NewFloat(2))
	root.Add(root, big.NewFloat(2)).Sqrt(root).Quo(root, big.NewFloat(2))
	root.Mul(root, big.NewFloat(scale))
	want, _ := root.Float32()
	assert.Equal(t, want, cosines[15][0])
}

func TestLowerMedian(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for round := range 2000 {
		var keys [order * order]int32
		span := int32(1) << (round % 31) // from all equal to all different
		for i := range keys {
			keys[i] = r.Int32N(span) - span/2
		}
		switch round % 7 {
		case 1:
			slices.Sort(keys[:])
		case 2:
			slices.Sort(keys[:])
			slices.Reverse(keys[:])
		}
		sorted := keys
		slices.Sort(sorted[:])
		require.Equal(t, sorted[127], lowerMedian(&keys))
	}
}

func TestKeysKeepTheOrder(t *testing.T) {
	inf := float32(math.Inf(1))
	rising := []float32{-inf, -math.MaxFloat32, -1.5, -1, -math.SmallestNonzeroFloat32, 0, math.SmallestNonzeroFloat32, 1, 1.5, math.MaxFloat32, inf}
	for i, v := range rising {
		assert.Equal(t, v, value(key(v)))
		if i > 0 {
			assert.Less(t, key(rising[i-1]), key(v))
		}
	}
}

// TestWhatIsNotLuma holds that planes which break the contract end, with a hash that
// means nothing; the reference's median does not end on the largest floats.
func TestWhatIsNotLuma(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, pair := range [][2]float32{{nan, nan}, {inf, -inf}, {inf, 0}, {math.MaxFloat32, math.MaxFloat32}, {-math.MaxFloat32, math.MaxFloat32}, {-1e30, 4}} {
		for _, side := range []int{64, 65, 200} {
			luma := make([]float32, side*side)
			for i := range luma {
				luma[i] = pair[i%2]
			}
			var h Hasher
			v, q := h.SumLuma(luma, side, side)
			assert.Equal(t, hash.PDQ, v.Kind())
			assert.LessOrEqual(t, q, hash.Quality(100))
			// and nothing of it stays behind
			clear(luma)
			flat, q := h.SumLuma(luma, side, side)
			assert.Zero(t, q)
			assert.Equal(t, [4]uint64{}, flat.Words())
		}
	}
}
