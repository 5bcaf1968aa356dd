package pdq_test

import (
	"encoding/csv"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
)

// xorshift is Marsaglia's xorshift64, as in testdata/noise.cpp.
type xorshift uint64

func (s *xorshift) next() uint64 {
	*s ^= *s << 13
	*s ^= *s >> 7
	*s ^= *s << 17
	return uint64(*s)
}

// TestReferenceNoise holds hashes, qualities and orientations of noise equal to the
// reference's, at sizes where the filter's boxes have one, two, even and odd lengths,
// at the smallest size, and at 64 x 64: there pdqHash256FromFloatLuma does without
// the filter and the dihedral function does not, which can differ by rounding alone.
// Ours never uses it.
func TestReferenceNoise(t *testing.T) {
	f, err := os.Open("testdata/noise.csv")
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+36)

	state := xorshift(88172645463325252)
	hashers := kernels()
	for _, row := range rows[1:] {
		var figures [4]int
		for i := range figures {
			figures[i], err = strconv.Atoi(row[i])
			require.NoError(t, err)
		}
		width, height, smooth, quality := figures[0], figures[1], figures[2] == 1, hash.Quality(figures[3])
		luma := make([]float32, width*height)
		trail := float32(128)
		for i := range luma {
			luma[i] = float32(state.next() >> 20 & 255)
			if smooth {
				trail = float32(trail*0.9375) + float32(luma[i]*0.0625)
				luma[i] = trail
			}
		}
		before := append([]float32(nil), luma...)

		for kernel, h := range hashers {
			v, q := h.SumLuma(luma, width, height)
			assert.Equal(t, row[4], v.Hex(), "%v %s", row[:3], kernel)
			assert.Equal(t, quality, q, row[:3])
			all, q := h.OrientationsLuma(luma, width, height)
			assert.Equal(t, quality, q, row[:3])
			for o, w := range all {
				assert.Equal(t, row[5+o], w.Hex(), "%v %v %s", row[:3], hash.Orientation(o), kernel)
			}
		}
		assert.Equal(t, before, luma, "the input is not modified")
	}
}
