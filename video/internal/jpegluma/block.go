package jpegluma

import "encoding/binary"

// lastZig is the last coefficient of a block in zigzag order.
const lastZig = 63

// block decodes one block of a sequential scan: the DC difference into coef[0]
// and the coefficients up to zig into coef[1:], both in zigzag order; the caller has
// cleared these. It returns the energy of all AC coefficients, as powers weighs them. The
// caller has called check.
//
// Codes that mean nothing here or something else to others are an error.
func (b *bits) block(coef *[64]int32, dc, ac *huffman, zig int, w *powers) (energy uint64, err error) {
	if coef[0], err = b.difference(dc); err != nil {
		return 0, err
	}
	// The reader's state lives in registers from here on.
	acc, n, pos := b.acc, b.n, b.pos
	buf := b.buf[:]
	k := 1
	for k <= zig {
		acc |= binary.BigEndian.Uint64(buf[pos:]) >> (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		e := ac.values[acc>>(64-valueBits)]
		length := uint(e & 31)
		at := k + int(e>>9&31) - 1
		switch {
		case e&valueEnd != 0:
			b.acc, b.n, b.pos = acc<<length, n-length, pos
			return energy, nil
		case e != valueHard && at <= lastZig:
			size := uint(e >> 5 & 15)
			energy += w[at&63] * squares[size]
			if e&valueOutside == 0 {
				coef[at&63] = int32(e) >> 16
			} else {
				coef[at&63] = extend(uint32(acc<<(length-size)>>1>>(63-size)), size)
			}
			acc <<= length
			n -= length
			k = at + 1
		default:
			b.acc, b.n, b.pos = acc, n, pos
			next, size, err := b.hard(coef, ac, k)
			if err != nil {
				return 0, err
			}
			energy += w[(next-1)&63] * squares[size]
			acc, n, pos, k = b.acc, b.n, b.pos, next
		}
	}
	for k <= lastZig {
		if n < 31 { // the longest code and its value
			acc |= binary.BigEndian.Uint64(buf[pos:]) >> (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
		}
		e := ac.skips[acc>>(64-skipBits)]
		if next := k + int(e>>5&127); next <= lastZig {
			energy += w[(k+int(e>>17&63))&63]*squares[e>>13&15] + w[(next-1)&63]*squares[e>>23&15]
			acc <<= e & 31
			n -= uint(e & 31)
			if e&skipEnd != 0 {
				break
			}
			k = next
			continue
		}
		b.acc, b.n, b.pos = acc, n, pos
		next, size, err := b.hard(coef, ac, k)
		if err != nil {
			return 0, err
		}
		energy += w[(next-1)&63] * squares[size]
		acc, n, pos, k = b.acc, b.n, b.pos, next
	}
	b.acc, b.n, b.pos = acc, n, pos
	return energy, nil
}

// hard decodes the one code at k, whatever it is, into coef and returns where the
// next one is, over lastZig at the block's end, and the size of the coefficient before
// that, 0 where there is none. n must be at least 31.
func (b *bits) hard(coef *[64]int32, ac *huffman, k int) (next int, size uint, err error) {
	symbol, length := ac.symbol(b.acc)
	if length == 0 {
		return 0, 0, errBadCode
	}
	b.drop(length)
	run, size := int(symbol>>4), uint(symbol&15)
	switch {
	case size != 0:
		if k += run; k > lastZig {
			return k, 0, nil // as image/jpeg: the value's bits are not there
		}
		coef[k] = extend(b.take(size), size)
		return k + 1, size, nil
	case run == 15:
		return k + 16, 0, nil
	case run == 0:
		return lastZig + 1, 0, nil
	}
	return 0, 0, errRun
}

// errRun is for what is an end of several blocks in progressive files, and not
// defined in sequential ones.
const errRun = UnusualError("a run of empty blocks in a sequential scan")
