//go:build !purego

#include "textflag.h"

// func moveAVX2(columns *uint64, half int, enter, leave *uint8, n int)
TEXT ·moveAVX2(SB), NOSPLIT, $0-40
	MOVQ     columns+0(FP), DI
	MOVQ     half+8(FP), R8
	MOVQ     enter+16(FP), SI
	MOVQ     leave+24(FP), DX
	MOVQ     n+32(FP), CX
	VPCMPEQW Y15, Y15, Y15
	VPSRLW   $8, Y15, Y15    // the bytes of even columns

move32:
	VMOVDQU (SI), Y0
	VMOVDQU (DX), Y1
	VPAND   Y15, Y0, Y2
	VPAND   Y15, Y1, Y3
	VPSRLW  $8, Y0, Y0
	VPSRLW  $8, Y1, Y1
	VPSUBW  Y3, Y2, Y2
	VPSUBW  Y1, Y0, Y0
	VPADDW  (DI), Y2, Y2
	VPADDW  (DI)(R8*8), Y0, Y0
	VMOVDQU Y2, (DI)
	VMOVDQU Y0, (DI)(R8*8)
	ADDQ    $32, SI
	ADDQ    $32, DX
	ADDQ    $32, DI
	SUBQ    $32, CX
	JG      move32
	VZEROUPPER
	RET

// ANYWHERE puts the bits that are set in any of the four words of Y15 into R.
#define ANYWHERE(R) \
	VEXTRACTI128 $1, Y15, X0 \
	VPOR         X0, X15, X0 \
	VPSRLDQ      $8, X0, X1  \
	VPOR         X1, X0, X0  \
	MOVQ         X0, R

// func addAVX2(dst, x, y *uint64, offset, n int) uint64
TEXT ·addAVX2(SB), NOSPLIT, $0-48
	MOVQ  dst+0(FP), DI
	MOVQ  x+8(FP), SI
	MOVQ  y+16(FP), DX
	MOVQ  offset+24(FP), AX
	MOVQ  n+32(FP), CX
	LEAQ  (DX)(AX*2), DX
	VPXOR Y15, Y15, Y15
	XORQ  AX, AX

add16:
	VMOVDQU (SI)(AX*2), Y0
	VPADDW  (DX)(AX*2), Y0, Y0
	VMOVDQU Y0, (DI)(AX*2)
	VPOR    Y0, Y15, Y15
	ADDQ    $16, AX
	CMPQ    AX, CX
	JLT     add16

	ANYWHERE(AX)
	MOVQ AX, ret+40(FP)
	VZEROUPPER
	RET

// FOUR makes of 16 sums of even columns and 16 of odd ones, at SI and further on by
// R8, those of four columns, in Y0 and Y1, and leaves in Y4 the even ones two places on.
#define FOUR \
	VMOVDQU (SI), Y0          \
	VMOVDQU (SI)(R8*1), Y1    \
	VMOVDQU 2(SI), Y2         \
	VMOVDQU 4(SI), Y4         \
	VPADDW  2(SI)(R8*1), Y2, Y2 \
	VPADDW  Y1, Y0, Y0        \
	VPADDW  Y4, Y1, Y1        \
	VPADDW  Y2, Y0, Y0        \
	VPADDW  Y2, Y1, Y1

// func fourAVX2(dst, src *uint64, half int)
TEXT ·fourAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ half+16(FP), R8
	SHLQ $3, R8
	MOVQ R8, CX

four32:
	FOUR
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, (DI)(R8*1)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $32, CX
	JG      four32
	VZEROUPPER
	RET

// func tentAVX2(e, t, a *uint64, half int) uint64
TEXT ·tentAVX2(SB), NOSPLIT, $0-40
	MOVQ  e+0(FP), DI
	MOVQ  t+8(FP), DX
	MOVQ  a+16(FP), SI
	MOVQ  half+24(FP), R8
	SHLQ  $3, R8
	MOVQ  R8, CX
	VPXOR Y15, Y15, Y15

tent32:
	FOUR
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, (DI)(R8*1)
	VPADDW  Y4, Y0, Y0
	VPADDW  4(SI)(R8*1), Y1, Y1
	VMOVDQU Y0, (DX)
	VMOVDQU Y1, (DX)(R8*1)
	VPOR    Y0, Y15, Y15
	VPOR    Y1, Y15, Y15
	ADDQ    $32, SI
	ADDQ    $32, DI
	ADDQ    $32, DX
	SUBQ    $32, CX
	JG      tent32

	ANYWHERE(AX)
	MOVQ AX, ret+32(FP)
	VZEROUPPER
	RET

// TAKE puts the words of 16 bits at places I and I+4 of at into X and Y: loads one by
// one are faster than a gather.
#define TAKE(I, X, Y) \
	MOVLQSX (4*I)(DX), AX            \
	MOVLQSX (4*I+16)(DX), BX         \
	VPINSRW $(2*I), (SI)(AX*2), X, X \
	VPINSRW $(2*I), (SI)(BX*2), Y, Y

// func fillAVX2(dst *float32, e *uint64, at *int32, n int, unit, r, inverse float32)
TEXT ·fillAVX2(SB), NOSPLIT, $0-44
	MOVQ         dst+0(FP), DI
	MOVQ         e+8(FP), SI
	MOVQ         at+16(FP), DX
	MOVQ         n+24(FP), CX
	VBROADCASTSS unit+32(FP), Y13
	VBROADCASTSS r+36(FP), Y14
	VBROADCASTSS inverse+40(FP), Y15

fill8:
	VPXOR       X0, X0, X0
	VPXOR       X1, X1, X1
	TAKE(0, X0, X1)
	TAKE(1, X0, X1)
	TAKE(2, X0, X1)
	TAKE(3, X0, X1)
	VINSERTI128 $1, X1, Y0, Y0
	VCVTDQ2PS   Y0, Y0
	VMULPS      Y13, Y0, Y0
	VADDPS      Y14, Y0, Y0
	VMULPS      Y15, Y0, Y0
	VMOVUPS     Y0, (DI)
	ADDQ        $32, DX
	ADDQ        $32, DI
	SUBQ        $8, CX
	JG          fill8
	VZEROUPPER
	RET
