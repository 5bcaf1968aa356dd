//go:build !purego

package pdq

import "golang.org/x/sys/cpu"

// vectors tells that this processor runs the kernel of kernel_amd64.s.
var vectors = cpu.X86.HasAVX2

// productAVX2 writes to dst, 16 x cols, the matrix product of x, 16 x 64, and y,
// 64 x cols: every entry the sum of its 64 products, each rounded, in order. cols is a positive
// multiple of 16.
//
//go:noescape
func productAVX2(dst, x, y *float32, cols int)
