package pdq

import (
	"encoding/binary"
	"math"

	"github.com/rematch-go/rematch/hash"
)

// bits are a hash's: frequency [i][j] is bit j of word i.
type bits [order]uint16

// bitsOf sets a bit for every frequency above the median (pdqBuffer16x16ToBits).
func bitsOf(s *square) (b bits) {
	var keys [order * order]int32
	for i := range s {
		for j, v := range s[i] {
			keys[i*order+j] = key(v)
		}
	}
	median := value(lowerMedian(&keys))
	for i := range s {
		var word uint16
		for j, v := range s[i] {
			var bit uint16
			if v > median {
				bit = 1
			}
			word |= bit << j
		}
		b[i] = word
	}
	return b
}

// value is the hash, whose text form begins with word 15.
func (b *bits) value() hash.Value {
	var p [order * 2]byte
	for i, word := range b {
		binary.BigEndian.PutUint16(p[2*(order-1-i):], word)
	}
	v, err := hash.FromBytes(hash.PDQ, p[:])
	if err != nil {
		return hash.Value{} // never: p has the length of a PDQ hash
	}
	return v
}

// transpose exchanges words and bits, in blocks of 8, 4, 2 and 1.
func (b *bits) transpose() {
	mask := uint16(0xff)
	for n := order / 2; n > 0; n /= 2 {
		for i := range b {
			if i&n == 0 {
				swap := (b[i]>>n ^ b[i+n]) & mask
				b[i] ^= swap << n
				b[i+n] ^= swap
			}
		}
		mask ^= mask << (n / 2)
	}
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
