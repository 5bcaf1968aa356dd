//go:build !purego

#include "textflag.h"

// The next of 8 values, and the last once more.
DATA next<>+0(SB)/8, $0x0000000200000001
DATA next<>+8(SB)/8, $0x0000000400000003
DATA next<>+16(SB)/8, $0x0000000600000005
DATA next<>+24(SB)/8, $0x0000000700000007
GLOBL next<>(SB), RODATA|NOPTR, $32

// 100, 255, 2^16 and all bits but the sign.
DATA scale<>+0(SB)/4, $0x42c80000
DATA scale<>+4(SB)/4, $0x437f0000
DATA scale<>+8(SB)/4, $0x47800000
DATA scale<>+12(SB)/4, $0x7fffffff
GLOBL scale<>(SB), RODATA|NOPTR, $16

// STEP adds the steps D to the sums ACC, but for those that are not below 2^16.
#define STEP(D, M, ACC) \
	VMULPS     Y12, D, D   \
	VDIVPS     Y13, D, D   \
	VANDPS     Y15, D, D   \
	VCMPPS     $1, Y14, D, M \
	VANDPS     M, D, D     \
	VCVTTPS2DQ D, D        \
	VPADDD     D, ACC, ACC

// func stepsAVX2(p *Plane) int64
TEXT ·stepsAVX2(SB), NOSPLIT, $0-16
	MOVQ         p+0(FP), SI
	VMOVDQU      next<>(SB), Y11
	VBROADCASTSS scale<>+0(SB), Y12
	VBROADCASTSS scale<>+4(SB), Y13
	VBROADCASTSS scale<>+8(SB), Y14
	VBROADCASTSS scale<>+12(SB), Y15
	VPXOR        Y8, Y8, Y8
	VPXOR        Y9, Y9, Y9
	LEAQ         16128(SI), DI // the last row
	MOVQ         SI, DX

	// Down: 63 rows, each to the next.
down:
	VMOVUPS (DX), Y0
	VMOVUPS 32(DX), Y1
	VSUBPS  256(DX), Y0, Y0
	VSUBPS  288(DX), Y1, Y1
	STEP(Y0, Y2, Y8)
	STEP(Y1, Y3, Y9)
	ADDQ    $64, DX
	CMPQ    DX, DI
	JLT     down

	// Along: 64 rows of 7 whole vectors and one whose last value has no next.
	MOVQ $64, CX

along:
	MOVQ $7, AX

inner:
	VMOVUPS (SI), Y0
	VSUBPS  4(SI), Y0, Y0
	STEP(Y0, Y2, Y8)
	ADDQ    $32, SI
	DECQ    AX
	JG      inner
	VMOVUPS (SI), Y0
	VPERMPS Y0, Y11, Y1
	VSUBPS  Y1, Y0, Y0
	STEP(Y0, Y3, Y9)
	ADDQ    $32, SI
	DECQ    CX
	JG      along

	VPADDD       Y9, Y8, Y8 // 8064 steps below 2^16 in all: no sum overflows
	VEXTRACTI128 $1, Y8, X0
	VPADDD       X8, X0, X0
	VPSHUFD      $0x4e, X0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0xb1, X0, X1
	VPADDD       X1, X0, X0
	VMOVD        X0, AX
	MOVQ         AX, ret+8(FP)
	VZEROUPPER
	RET
