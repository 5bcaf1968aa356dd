package pdq

import (
	"encoding/binary"
	"math"

	"github.com/rematch-go/rematch/hash"
)

// bitsOf sets a bit for every frequency above the median (pdqBuffer16x16ToBits).
// Frequency [i][j] is bit j of the reference's word i, and the text form begins with
// word 15.
func bitsOf(s *square) hash.Value {
	var keys [order * order]int32
	for i := range s {
		for j, v := range s[i] {
			keys[i*order+j] = key(v)
		}
	}
	median := value(lowerMedian(&keys))

	var b [order * 2]byte
	for i := range s {
		var word uint16
		for j, v := range s[i] {
			if v > median {
				word |= 1 << j
			}
		}
		binary.BigEndian.PutUint16(b[2*(order-1-i):], word)
	}
	v, err := hash.FromBytes(hash.PDQ, b[:])
	if err != nil {
		return hash.Value{} // never: b has the length of a PDQ hash
	}
	return v
}

// key maps a float to an integer of the same order. Integers have no NaN and no
// infinity, so that the search below ends whatever SumLuma was given; the reference's
// torben does not end on values near the largest float.
func key(v float32) int32 {
	b := int32(math.Float32bits(v))
	if b < 0 {
		b ^= math.MaxInt32
	}
	return b
}

func value(k int32) float32 {
	if k < 0 {
		k ^= math.MaxInt32
	}
	return math.Float32frombits(uint32(k))
}

// lowerMedian returns the 128th smallest of the keys, which it reorders: what
// torben returns for 256 values. It is Hoare's selection.
func lowerMedian(keys *[order * order]int32) int32 {
	const k = order*order/2 - 1
	lo, hi := 0, len(keys)-1
	for lo < hi {
		pivot := keys[lo+(hi-lo)/2]
		i, j := lo, hi
		for i <= j {
			for keys[i] < pivot {
				i++
			}
			for keys[j] > pivot {
				j--
			}
			if i <= j {
				keys[i], keys[j] = keys[j], keys[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default: // j < k < i: everything between equals the pivot
			return keys[k]
		}
	}
	return keys[lo]
}
