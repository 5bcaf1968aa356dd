//go:build !purego

#include "textflag.h"

// func productAVX2(dst, x, y *float32, cols int)
//
// Tiles of 4 rows and 16 columns. A product is rounded before it is added, as
// everywhere.
TEXT ·productAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ cols+24(FP), R8
	SHLQ $2, R8               // bytes a row of y and dst
	LEAQ (R8)(R8*2), R9
	MOVQ $4, R10              // tiles of rows

rows:
	MOVQ y+16(FP), R11
	XORQ R12, R12             // the tile's place in the row

columns:
	LEAQ   (R11)(R12*1), DX
	MOVQ   SI, AX
	MOVQ   $64, CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7

terms:
	VMOVUPS      (DX), Y8
	VMOVUPS      32(DX), Y9
	VBROADCASTSS (AX), Y10
	VBROADCASTSS 256(AX), Y11
	VBROADCASTSS 512(AX), Y12
	VBROADCASTSS 768(AX), Y13
	VMULPS       Y8, Y10, Y14
	VMULPS       Y9, Y10, Y15
	VADDPS       Y14, Y0, Y0
	VADDPS       Y15, Y1, Y1
	VMULPS       Y8, Y11, Y14
	VMULPS       Y9, Y11, Y15
	VADDPS       Y14, Y2, Y2
	VADDPS       Y15, Y3, Y3
	VMULPS       Y8, Y12, Y14
	VMULPS       Y9, Y12, Y15
	VADDPS       Y14, Y4, Y4
	VADDPS       Y15, Y5, Y5
	VMULPS       Y8, Y13, Y14
	VMULPS       Y9, Y13, Y15
	VADDPS       Y14, Y6, Y6
	VADDPS       Y15, Y7, Y7
	ADDQ         $4, AX
	ADDQ         R8, DX
	DECQ         CX
	JG           terms

	LEAQ    (DI)(R12*1), BX
	VMOVUPS Y0, (BX)
	VMOVUPS Y1, 32(BX)
	VMOVUPS Y2, (BX)(R8*1)
	VMOVUPS Y3, 32(BX)(R8*1)
	VMOVUPS Y4, (BX)(R8*2)
	VMOVUPS Y5, 32(BX)(R8*2)
	VMOVUPS Y6, (BX)(R9*1)
	VMOVUPS Y7, 32(BX)(R9*1)
	ADDQ    $64, R12
	CMPQ    R12, R8
	JLT     columns

	ADDQ $1024, SI            // 4 rows of x
	LEAQ (DI)(R8*4), DI
	DECQ R10
	JG   rows
	VZEROUPPER
	RET
