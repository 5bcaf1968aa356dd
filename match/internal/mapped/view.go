package mapped

import (
	"encoding/binary"
	"unsafe"
)

// littleEndian tells that numbers in memory are laid out as in files.
var littleEndian = func() bool {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], 1)
	return b[0] == 1
}()

// Number is what arrays in files have.
type Number interface{ uint16 | uint32 | uint64 }

// View returns little-endian bytes as numbers, without copying where the processor is
// little-endian and b lies on a multiple of a number's size. What is left over at the
// end of b is left out.
func View[T Number](b []byte) []T {
	var one T
	size := int(unsafe.Sizeof(one))
	n := len(b) / size
	if n == 0 {
		return nil
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if littleEndian && uintptr(p)%uintptr(size) == 0 {
		return unsafe.Slice((*T)(p), n)
	}
	out := make([]T, n)
	for i := range out {
		for j := range size {
			out[i] |= T(b[i*size+j]) << (8 * j)
		}
	}
	return out
}

// Bytes returns numbers as little-endian bytes, without copying where the processor is
// little-endian.
func Bytes[T Number](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	size := int(unsafe.Sizeof(s[0]))
	if littleEndian {
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), size*len(s))
	}
	out := make([]byte, 0, size*len(s))
	for _, v := range s {
		for j := range size {
			out = append(out, byte(v>>(8*j)))
		}
	}
	return out
}
