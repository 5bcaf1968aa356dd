//go:build !purego

#include "textflag.h"

// Bytes 14 and 15 of each half, eight times: the last of eight words everywhere.
DATA last<>+0(SB)/8, $0x0f0e0f0e0f0e0f0e
DATA last<>+8(SB)/8, $0x0f0e0f0e0f0e0f0e
DATA last<>+16(SB)/8, $0x0f0e0f0e0f0e0f0e
DATA last<>+24(SB)/8, $0x0f0e0f0e0f0e0f0e
GLOBL last<>(SB), RODATA|NOPTR, $32

// func prefixAVX2(dst *uint16, src *uint8, n int)
TEXT ·prefixAVX2(SB), NOSPLIT, $0-24
	MOVQ    dst+0(FP), DI
	MOVQ    src+8(FP), SI
	MOVQ    n+16(FP), CX
	VMOVDQU last<>(SB), Y15
	VPXOR   Y14, Y14, Y14 // the sum so far, in every word

prefix16:
	VPMOVZXBW  (SI), Y0
	VPSLLDQ    $2, Y0, Y1
	VPADDW     Y1, Y0, Y0
	VPSLLDQ    $4, Y0, Y1
	VPADDW     Y1, Y0, Y0
	VPSLLDQ    $8, Y0, Y1
	VPADDW     Y1, Y0, Y0          // sums within each half
	VPERM2I128 $0x08, Y0, Y0, Y1   // nothing, and the low half
	VPSHUFB    Y15, Y1, Y1
	VPADDW     Y1, Y0, Y0          // sums within the 16
	VPERMQ     $0xff, Y0, Y3
	VPSHUFB    Y15, Y3, Y3         // their total
	VPADDW     Y14, Y0, Y0
	VPADDW     Y3, Y14, Y14
	VMOVDQU    Y0, (DI)
	ADDQ       $16, SI
	ADDQ       $32, DI
	SUBQ       $16, CX
	JG         prefix16
	VZEROUPPER
	RET

// DIVIDE makes the quotients Q of the sums S by Y14, whose inverse is Y15, as slide.go
// says: what is left of S after the first product is exact. S is used up.
#define DIVIDE(S, Q) \
	VMULPS       Y15, S, Q \
	VFNMADD231PS Q, Y14, S \
	VFMADD231PS  Y15, S, Q

// func meansAVX2(dst *float32, hi, lo *uint16, n int, count, inverse float32)
TEXT ·meansAVX2(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         hi+8(FP), SI
	MOVQ         lo+16(FP), DX
	MOVQ         n+24(FP), CX
	VBROADCASTSS count+32(FP), Y14
	VBROADCASTSS inverse+36(FP), Y15

means16:
	VMOVDQU      (SI), Y0
	VPSUBW       (DX), Y0, Y0
	VPMOVZXWD    X0, Y1
	VEXTRACTI128 $1, Y0, X2
	VPMOVZXWD    X2, Y2
	VCVTDQ2PS    Y1, Y1
	VCVTDQ2PS    Y2, Y2
	DIVIDE(Y1, Y3)
	DIVIDE(Y2, Y4)
	VMOVUPS      Y3, (DI)
	VMOVUPS      Y4, 32(DI)
	ADDQ         $32, SI
	ADDQ         $32, DX
	ADDQ         $64, DI
	SUBQ         $16, CX
	JG           means16
	VZEROUPPER
	RET

// func slideAVX2(dst, sum, enter, leave *float32, n int, count, inverse float32)
TEXT ·slideAVX2(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         sum+8(FP), SI
	MOVQ         enter+16(FP), DX
	MOVQ         leave+24(FP), BX
	MOVQ         n+32(FP), CX
	VBROADCASTSS count+40(FP), Y14
	VBROADCASTSS inverse+44(FP), Y15
	XORQ         AX, AX

slide16:
	VMOVUPS      (SI)(AX*4), Y0
	VMOVUPS      32(SI)(AX*4), Y1
	VADDPS       (DX)(AX*4), Y0, Y0
	VADDPS       32(DX)(AX*4), Y1, Y1
	VSUBPS       (BX)(AX*4), Y0, Y0
	VSUBPS       32(BX)(AX*4), Y1, Y1
	VMOVUPS      Y0, (SI)(AX*4)
	VMOVUPS      Y1, 32(SI)(AX*4)
	DIVIDE(Y0, Y2)
	DIVIDE(Y1, Y3)
	VMOVUPS      Y2, (DI)(AX*4)
	VMOVUPS      Y3, 32(DI)(AX*4)
	ADDQ         $16, AX
	CMPQ         AX, CX
	JLT          slide16
	VZEROUPPER
	RET

// func transposeAVX2(dst *float32, dstStride int, src *float32, srcStride, n int)
TEXT ·transposeAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ dstStride+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ srcStride+24(FP), R9
	MOVQ n+32(FP), CX
	SHLQ $2, R8
	SHLQ $2, R9
	LEAQ (R9)(R9*2), R10
	LEAQ (R8)(R8*2), R11

transpose4:
	LEAQ        (SI)(R9*4), BX
	VMOVUPS     (SI), X0
	VMOVUPS     (SI)(R9*1), X1
	VMOVUPS     (SI)(R9*2), X2
	VMOVUPS     (SI)(R10*1), X3
	VINSERTF128 $1, (BX), Y0, Y0
	VINSERTF128 $1, (BX)(R9*1), Y1, Y1
	VINSERTF128 $1, (BX)(R9*2), Y2, Y2
	VINSERTF128 $1, (BX)(R10*1), Y3, Y3
	VUNPCKLPS   Y1, Y0, Y4
	VUNPCKHPS   Y1, Y0, Y5
	VUNPCKLPS   Y3, Y2, Y6
	VUNPCKHPS   Y3, Y2, Y7
	VUNPCKLPD   Y6, Y4, Y0
	VUNPCKHPD   Y6, Y4, Y1
	VUNPCKLPD   Y7, Y5, Y2
	VUNPCKHPD   Y7, Y5, Y3
	VMOVUPS     Y0, (DI)
	VMOVUPS     Y1, (DI)(R8*1)
	VMOVUPS     Y2, (DI)(R8*2)
	VMOVUPS     Y3, (DI)(R11*1)
	ADDQ        $16, SI
	LEAQ        (DI)(R8*4), DI
	SUBQ        $4, CX
	JG          transpose4
	VZEROUPPER
	RET

// func alongAVX2(dst, src *float32, gaps *int32, box int, count, inverse float32)
TEXT ·alongAVX2(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         gaps+16(FP), R8
	MOVQ         box+24(FP), CX
	VBROADCASTSS count+32(FP), Y14
	VBROADCASTSS inverse+36(FP), Y15
	MOVQ         SI, DX              // what leaves
	VXORPS       Y0, Y0, Y0
	VXORPS       Y1, Y1, Y1

fill:
	VADDPS (SI), Y0, Y0
	VADDPS 32(SI), Y1, Y1
	ADDQ   $64, SI
	DECQ   CX
	JG     fill
	MOVQ   $64, R9

sample:
	MOVLQSX (R8), CX
	ADDQ    $4, R8
	TESTQ   CX, CX
	JLE     take

advance:
	VADDPS (SI), Y0, Y0
	VADDPS 32(SI), Y1, Y1
	VSUBPS (DX), Y0, Y0
	VSUBPS 32(DX), Y1, Y1
	ADDQ   $64, SI
	ADDQ   $64, DX
	DECQ   CX
	JG     advance

take:
	VMOVAPS      Y0, Y4
	VMOVAPS      Y1, Y5
	DIVIDE(Y4, Y2)
	DIVIDE(Y5, Y3)
	VMOVUPS      Y2, (DI)
	VMOVUPS      Y3, 32(DI)
	ADDQ         $64, DI
	DECQ         R9
	JG           sample
	VZEROUPPER
	RET

// One, to count by.
DATA one<>+0(SB)/4, $0x3f800000
GLOBL one<>(SB), RODATA|NOPTR, $4

// func boxAVX2(dst, src *float32, n, box int, count, inverse float32)
TEXT ·boxAVX2(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), R9
	MOVQ         box+24(FP), R8
	VBROADCASTSS count+32(FP), Y14
	VBROADCASTSS inverse+36(FP), Y15
	VBROADCASTSS one<>(SB), Y13
	VXORPS       Y12, Y12, Y12   // how many the sums hold
	VXORPS       Y0, Y0, Y0
	VXORPS       Y1, Y1, Y1
	MOVQ         SI, DX          // what leaves
	SUBQ         R8, R9          // whole boxes but one
	MOVQ         R8, R10
	SHRQ         $1, R10         // ahead-1 is half the box, rounded down
	MOVQ         R10, CX
	TESTQ        CX, CX
	JLE          grow

	// Sums that nothing is made of yet.
enter:
	VADDPS (SI), Y0, Y0
	VADDPS 32(SI), Y1, Y1
	VADDPS Y13, Y12, Y12
	ADDQ   $64, SI
	DECQ   CX
	JG     enter

	// Boxes cut off on the left, and the first whole one.
grow:
	SUBQ R10, R8

grown:
	VADDPS  (SI), Y0, Y0
	VADDPS  32(SI), Y1, Y1
	VADDPS  Y13, Y12, Y12
	VDIVPS  Y12, Y0, Y2
	VDIVPS  Y12, Y1, Y3
	VMOVUPS Y2, (DI)
	VMOVUPS Y3, 32(DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	DECQ    R8
	JG      grown
	TESTQ   R9, R9
	JLE     shrink

slide:
	VADDPS       (SI), Y0, Y0
	VADDPS       32(SI), Y1, Y1
	VSUBPS       (DX), Y0, Y0
	VSUBPS       32(DX), Y1, Y1
	VMOVAPS      Y0, Y4
	VMOVAPS      Y1, Y5
	DIVIDE(Y4, Y2)
	DIVIDE(Y5, Y3)
	VMOVUPS      Y2, (DI)
	VMOVUPS      Y3, 32(DI)
	ADDQ         $64, SI
	ADDQ         $64, DX
	ADDQ         $64, DI
	DECQ         R9
	JG           slide

	// Boxes cut off on the right.
shrink:
	TESTQ R10, R10
	JLE   done

shrunk:
	VSUBPS  (DX), Y0, Y0
	VSUBPS  32(DX), Y1, Y1
	VSUBPS  Y13, Y12, Y12
	VDIVPS  Y12, Y0, Y2
	VDIVPS  Y12, Y1, Y3
	VMOVUPS Y2, (DI)
	VMOVUPS Y3, 32(DI)
	ADDQ    $64, DX
	ADDQ    $64, DI
	DECQ    R10
	JG      shrunk

done:
	VZEROUPPER
	RET
