package pdq

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/internal/tent"
)

// Portable makes h keep to the kernels in Go.
func (h *Hasher) Portable() {
	h.filter.Portable, h.dct.portable = true, true
}

// TestTransformsAgree holds both kernels of the transform equal, bit for bit, to
// sums as the reference writes them.
func TestTransformsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for round := range 50 {
		var a tent.Plane
		for y := range a {
			for x := range a[y] {
				if a[y][x] = 255 * r.Float32(); round%2 == 0 {
					a[y][x] = float32(r.IntN(1<<16)) / 256
				}
			}
		}
		var half [order][tent.Side]float32
		var want square
		for i := range half {
			for j := range half[i] {
				for k := range a {
					half[i][j] += float32(cosines[i][k] * a[k][j])
				}
			}
		}
		for i := range want {
			for j := range want[i] {
				for k, v := range half[i] {
					want[i][j] += float32(v * cosines[j][k])
				}
			}
		}
		fast, portable := &transform{}, &transform{portable: true}
		fast.compute(&a)
		portable.compute(&a)
		require.Equal(t, want, fast.full)
		require.Equal(t, want, portable.full)
	}
}

// TestOrientationsOfFrequencies holds the eight hashes equal to those of frequencies
// negated and transposed one by one, as the reference's table of signs shows them.
func TestOrientationsOfFrequencies(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 20 {
		var a tent.Plane
		for y := range a {
			for x := range a[y] {
				a[y][x] = 255 * r.Float32()
			}
		}
		var tr transform
		all := tr.orientations(&a)
		for o := range hash.Orientation(hash.Orientations) {
			var turned square
			for i := range order {
				for j := range order {
					v := tr.full[i][j]
					oddV, oddH := i%2 == 0, j%2 == 0
					var negated, transposed bool
					switch o {
					case hash.FlipX:
						negated = oddV
					case hash.FlipY:
						negated = oddH
					case hash.Rot180:
						negated = oddV != oddH
					case hash.Rot90:
						negated, transposed = oddH, true
					case hash.Rot270:
						negated, transposed = oddV, true
					case hash.FlipPlus1:
						transposed = true
					case hash.FlipMinus1:
						negated, transposed = oddV != oddH, true
					}
					if negated {
						v = -v
					}
					if transposed {
						turned[j][i] = v
					} else {
						turned[i][j] = v
					}
				}
			}
			b := bitsOf(&turned)
			require.Equal(t, b.value(), all[o], o)
		}
	}
}

// TestNegativeZero holds that zeros of both signs count as equal, as in the
// reference's comparisons.
func TestNegativeZero(t *testing.T) {
	var s square
	for i := range s {
		for j := range s[i] {
			s[i][j] = float32(math.Copysign(0, float64(j%2)-1))
		}
	}
	require.Equal(t, bits{}, bitsOf(&s))
}
