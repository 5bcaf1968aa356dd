//go:build !purego

package pixel

import "golang.org/x/sys/cpu"

// vectors tells that this processor runs the kernel of kernel_amd64.s.
var vectors = cpu.X86.HasAVX2

// lumaAVX2 writes to dst the Luma of n pixels of 4 bytes, red, green, blue and
// another, and returns the bits that all of these others have in common, as the high byte.
// n is a positive multiple of 8.
//
//go:noescape
func lumaAVX2(dst *float32, src *uint8, n int) uint32
