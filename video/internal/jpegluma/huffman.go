package jpegluma

const (
	valueBits = 10 // looked at in huffman.values
	skipBits  = 12 // looked at in huffman.skips
)

// An entry of huffman.values tells what the next bits are when they begin with a code
// of at most valueBits.
//
//	bits 0-4    length of the code and of the value's bits after it, 1 to 26
//	bits 5-8    size of the value in bits
//	bits 9-13   advance: the zero coefficients before it, and itself
//	bit 14      end of block
//	bit 15      the value's bits lie beyond those looked at
//	bits 16-31  the value
const (
	valueEnd     = 1 << 14
	valueOutside = 1 << 15
	// valueHard is the entry of all else: longer codes, and those that mean something
	// special. Its advance is further than any block goes.
	valueHard = 0
)

// An entry of huffman.skips tells how far one can go by one or two codes without caring
// for values, and what sizes these have.
//
//	bits 0-4    length of the codes and of the values' bits, at most 27
//	bits 5-11   coefficients passed
//	bit 12      and then the block ends
//	bits 13-16  size of the first value, 0 if it is zero
//	bits 17-22  coefficients before it
//	bits 23-26  size of the second value, which is the last coefficient passed; 0 without one
const (
	skipEnd  = 1 << 12
	skipHard = 127 << 5 // further than any block goes
)

// An entry of huffman.dc is the value in bits 16-31, dcOutside if its bits lie
// beyond those looked at, the size from bit 8 on and in the low bits the length of the code and of
// the value's bits, at most 26; 0 for longer codes.
const dcOutside = 1 << 15

// huffman is one table of codes.
type huffman struct {
	defined bool
	derived bool      // the tables below index are made
	counts  [16]uint8 // of the codes of 1 to 16 bits
	symbols [256]uint8

	past  [17]uint32 // [length]: the first number over its codes, shifted to 16 bits
	index [17]int32  // [length]: what to add to a code for its symbol

	dc     [1 << valueBits]uint32 // of a table for DC coefficients
	values [1 << valueBits]uint32 // these of one for AC coefficients
	skips  [1 << skipBits]uint32
}

const (
	errBadCode  = FormatError("a code that its table does not have")
	errWideDC   = UnusualError("a DC coefficient of over 16 bits")
	errOverfull = UnusualError("a table with more codes than fit")
)

// define takes the codes. What is derived from them is made when a scan needs it, since a few
// bytes can define a table and a file holds any number of them; it is kept when the same codes
// come again, as those of most encoders do.
func (h *huffman) define(counts *[16]uint8, symbols []uint8) error {
	same := h.defined && h.counts == *counts
	for i := 0; same && i < len(symbols); i++ {
		same = h.symbols[i] == symbols[i]
	}
	if same {
		return nil
	}
	h.defined, h.derived = false, false
	h.counts = *counts
	copy(h.symbols[:], symbols)

	var code, total uint32
	for length := 1; length <= 16; length++ {
		count := uint32(counts[length-1])
		code <<= 1
		h.index[length] = int32(total) - int32(code)
		code += count
		total += count
		if code > 1<<length {
			return errOverfull
		}
		h.past[length] = code << (16 - length)
	}
	h.defined = true
	return nil
}

// derive makes the tables that codes are looked up in.
func (h *huffman) derive(ac bool) {
	switch {
	case h.derived:
		return
	case ac:
		h.deriveAC()
	default:
		h.deriveDC()
	}
	h.derived = true
}

// symbol returns what the code at the top of acc stands for, and its length; 0 when
// there is no such code.
func (h *huffman) symbol(acc uint64) (symbol uint8, length uint) {
	top := uint32(acc >> 48)
	for length = 1; length <= 16; length++ {
		if top < h.past[length] {
			return h.symbols[uint8(h.index[length]+int32(top>>(16-length)))], length
		}
	}
	return 0, 0
}

func (h *huffman) deriveDC() {
	for i := range h.dc {
		acc := uint64(i) << (64 - valueBits)
		size, length := h.symbol(acc)
		if length == 0 || length > valueBits || size > 15 {
			h.dc[i] = 0
			continue
		}
		h.dc[i] = entry(acc, length, uint(size), dcOutside) | uint32(size)<<8
	}
}

// entry is what entries of dc and values have in common.
func entry(acc uint64, length, size uint, outside uint32) uint32 {
	e := uint32(length + size)
	if length+size > valueBits {
		return e | outside
	}
	v := extend(uint32(acc<<length>>1>>(63-size)), size)
	return e | uint32(v)<<16
}

func (h *huffman) deriveAC() {
	for i := range h.values {
		acc := uint64(i) << (64 - valueBits)
		symbol, length := h.symbol(acc)
		run, size := uint32(symbol>>4), uint(symbol&15)
		switch {
		case length == 0 || length > valueBits || size == 0 && run != 0 && run != 15:
			h.values[i] = valueHard
		case symbol == 0:
			h.values[i] = uint32(length) | valueEnd
		default: // a run of 16 zeros is one of 15 and a zero
			h.values[i] = entry(acc, length, size, valueOutside) | uint32(size)<<5 | (run+1)<<9
		}
	}
	for i := range h.skips {
		h.skips[i] = h.skip(uint64(i) << (64 - skipBits))
	}
}

func (h *huffman) skip(acc uint64) uint32 {
	used, advance, sizes := uint(0), uint32(0), uint32(0)
	for i := 0; i < 2 && used < skipBits; i++ {
		symbol, length := h.quick(acc << used)
		run, size := uint32(symbol>>4), uint(symbol&15)
		if length == 0 || used+length > skipBits || size == 0 && run != 0 && run != 15 || advance+run+1 > 64 {
			break
		}
		if symbol == 0 {
			return uint32(used+length) | advance<<5 | skipEnd | sizes
		}
		if i == 0 {
			sizes = uint32(size)<<13 | run<<17
		} else {
			sizes |= uint32(size) << 23
		}
		advance += run + 1
		used += length + size
	}
	if advance == 0 {
		return skipHard
	}
	return uint32(used) | advance<<5 | sizes
}

// quick is symbol with the help of the table of values, which must be made.
func (h *huffman) quick(acc uint64) (symbol uint8, length uint) {
	switch e := h.values[acc>>(64-valueBits)]; {
	case e == valueHard:
		return h.symbol(acc)
	case e&valueEnd != 0:
		return 0, uint(e & 31)
	default:
		run, size := e>>9&31-1, e>>5&15
		return uint8(run<<4 | size), uint(e&31 - size)
	}
}
