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

// stepsAVX2 is steps.
//
//go:noescape
func stepsAVX2(p *Plane) int64
