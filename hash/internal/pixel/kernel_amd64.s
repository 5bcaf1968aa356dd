//go:build !purego

#include "textflag.h"

// weightR, weightG and weightB, and the low byte.
DATA weights<>+0(SB)/4, $0x3e991687
DATA weights<>+4(SB)/4, $0x3f1645a2
DATA weights<>+8(SB)/4, $0x3de978d5
DATA weights<>+12(SB)/4, $0x000000ff
GLOBL weights<>(SB), RODATA|NOPTR, $16

// func lumaAVX2(dst *float32, src *uint8, n int) uint32
TEXT ·lumaAVX2(SB), NOSPLIT, $0-28
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	VBROADCASTSS weights<>+0(SB), Y11
	VBROADCASTSS weights<>+4(SB), Y12
	VBROADCASTSS weights<>+8(SB), Y13
	VPBROADCASTD weights<>+12(SB), Y14
	VPCMPEQD     Y15, Y15, Y15

luma8:
	VMOVDQU   (SI), Y0
	VPAND     Y0, Y15, Y15
	VPSRLD    $8, Y0, Y1
	VPSRLD    $16, Y0, Y2
	VPAND     Y14, Y0, Y0
	VPAND     Y14, Y1, Y1
	VPAND     Y14, Y2, Y2
	VCVTDQ2PS Y0, Y0
	VCVTDQ2PS Y1, Y1
	VCVTDQ2PS Y2, Y2
	VMULPS    Y11, Y0, Y0
	VMULPS    Y12, Y1, Y1
	VMULPS    Y13, Y2, Y2
	VADDPS    Y1, Y0, Y0
	VADDPS    Y2, Y0, Y0
	VMOVUPS   Y0, (DI)
	ADDQ      $32, SI
	ADDQ      $32, DI
	SUBQ      $8, CX
	JG        luma8

	VEXTRACTI128 $1, Y15, X0
	VPAND        X0, X15, X0
	VPSHUFD      $0x4e, X0, X1
	VPAND        X1, X0, X0
	VPSHUFD      $0xb1, X0, X1
	VPAND        X1, X0, X0
	VMOVD        X0, AX
	MOVL         AX, ret+24(FP)
	VZEROUPPER
	RET
