//go:build !purego

package tent

import "golang.org/x/sys/cpu"

// vectors tells that this processor runs the kernels of kernel_amd64.s.
var vectors = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// prefixAVX2 writes to dst[i] the sum of src[:i+1], modulo 2^16. n is a positive
// multiple of 16.
//
//go:noescape
func prefixAVX2(dst *uint16, src *uint8, n int)

// meansAVX2 writes to dst[i] the quotient of hi[i]-lo[i], modulo 2^16, by count. n
// is a positive multiple of 16.
//
//go:noescape
func meansAVX2(dst *float32, hi, lo *uint16, n int, count, inverse float32)

// slideAVX2 adds enter to sum, takes leave from it, and writes its quotient by count
// to dst. n is a positive multiple of 16.
//
//go:noescape
func slideAVX2(dst, sum, enter, leave *float32, n int, count, inverse float32)

// transposeAVX2 writes 8 rows of n values, srcStride apart, as n rows of 8,
// dstStride apart. n is a positive multiple of 4.
//
//go:noescape
func transposeAVX2(dst *float32, dstStride int, src *float32, srcStride, n int)

// alongAVX2 slides a box along src, which has rows of 16 values: it adds the first
// box rows, then takes gaps[i] steps and writes the quotient by count to row i of
// dst, for 64 gaps.
//
//go:noescape
func alongAVX2(dst, src *float32, gaps *int32, box int, count, inverse float32)

// boxAVX2 is box, for 16 rows at once: src and dst hold n times 16 values.
//
//go:noescape
func boxAVX2(dst, src *float32, n, box int, count, inverse float32)

// stepsAVX2 is steps.
//
//go:noescape
func stepsAVX2(p *Plane) int64

// moveAVX2 adds n bytes of enter to the sums down the columns, those of odd columns
// half words further on, and takes those of leave away. n is a positive multiple of 32.
//
//go:noescape
func moveAVX2(columns *uint64, half int, enter, leave *uint8, n int)

// addAVX2 writes to dst the sums, modulo 2^16, of n words of 16 bits of x and of y,
// from word offset of y on, and returns the bits that are set in any, in every place that
// they may stand in. n is a positive multiple of 16.
//
//go:noescape
func addAVX2(dst, x, y *uint64, offset, n int) uint64

// fourAVX2 is four. half is a positive multiple of 4.
//
//go:noescape
func fourAVX2(dst, src *uint64, half int)

// tentAVX2 makes e and t of a for a box of four, and returns as tents.
//
//go:noescape
func tentAVX2(e, t, a *uint64, half int) uint64

// fillAVX2 writes to dst[i] the word of 16 bits of e at at[i], times unit, and r,
// times inverse, the three rounded one by one. n is a positive multiple of 8.
//
//go:noescape
func fillAVX2(dst *float32, e *uint64, at *int32, n int, unit, r, inverse float32)
