//go:build !purego

#include "textflag.h"

// How many bits are set in each of the numbers 0 to 15, twice.
DATA counts<>+0(SB)/8, $0x0302020102010100
DATA counts<>+8(SB)/8, $0x0403030203020201
DATA counts<>+16(SB)/8, $0x0302020102010100
DATA counts<>+24(SB)/8, $0x0403030203020201
GLOBL counts<>(SB), RODATA|NOPTR, $32

DATA nibble<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL nibble<>(SB), RODATA|NOPTR, $8

DATA ones<>+0(SB)/8, $0x0101010101010101
GLOBL ones<>(SB), RODATA|NOPTR, $8

// func filterAVX2(verify *uint16, runs *run, n int, out *candidate, room int) (done, found int)
//
// A run is 20 bytes: at, n, want, limit, group. How far ahead runs are fetched
// into the cache (8) and how much of each (6 lines: 192 verifiers) was measured.
TEXT ·filterAVX2(SB), NOSPLIT, $0-56
	MOVQ         verify+0(FP), SI
	MOVQ         runs+8(FP), BX
	MOVQ         n+16(FP), CX
	MOVQ         out+24(FP), DI
	MOVQ         room+32(FP), R8
	XORQ         R9, R9              // runs done
	XORQ         R10, R10            // found
	SUBQ         $16, R8             // the most that may be found before a step
	VMOVDQU      counts<>(SB), Y15
	VPBROADCASTQ nibble<>(SB), Y14
	VPBROADCASTQ ones<>(SB), Y13

	// The first runs.
	XORQ R11, R11
warm:
	CMPQ R11, $8
	JGE  next
	CMPQ R11, CX
	JGE  next
	LEAQ (R11)(R11*4), DX
	MOVL (BX)(DX*4), AX
	MOVL 4(BX)(DX*4), R12
	LEAQ (SI)(AX*2), AX
	LEAQ (AX)(R12*2), R12
	LEAQ 384(AX), R13
	CMPQ R12, R13
	CMOVQHI R13, R12
warmline:
	PREFETCHT0 (AX)
	ADDQ $64, AX
	CMPQ AX, R12
	JLT  warmline
	INCQ R11
	JMP  warm

next:
	CMPQ R9, CX
	JGE  finished
	LEAQ (R9)(R9*4), DX
	LEAQ (BX)(DX*4), DX              // this run

	// Ask for the run eight further on.
	LEAQ 8(R9), R11
	CMPQ R11, CX
	JGE  begin
	MOVL 160(DX), AX
	MOVL 164(DX), R12
	LEAQ (SI)(AX*2), AX
	LEAQ (AX)(R12*2), R12
	LEAQ 384(AX), R13
	CMPQ R12, R13
	CMOVQHI R13, R12
aheadline:
	PREFETCHT0 (AX)
	ADDQ $64, AX
	CMPQ AX, R12
	JLT  aheadline

begin:
	MOVL         0(DX), R11          // position
	MOVL         4(DX), R12          // left
	VPBROADCASTW 8(DX), Y12          // want
	VPBROADCASTW 12(DX), Y11         // limit
	LEAQ         (SI)(R11*2), R13

step:
	CMPQ       R10, R8
	JGT        full
	VPXOR      (R13), Y12, Y0
	VPSRLW     $4, Y0, Y1
	VPAND      Y14, Y0, Y0
	VPAND      Y14, Y1, Y1
	VPSHUFB    Y0, Y15, Y0
	VPSHUFB    Y1, Y15, Y1
	VPADDB     Y1, Y0, Y0
	VPMADDUBSW Y13, Y0, Y0           // the distance of each verifier
	VPCMPGTW   Y11, Y0, Y0           // over the limit
	VPMOVMSKB  Y0, AX                // two bits each
	NOTL       AX
	CMPL       R12, $16
	JLT        last
	TESTL      AX, AX
	JNZ        some
more:
	ADDQ $32, R13
	ADDL $16, R11
	SUBL $16, R12
	JNZ  step
	INCQ R9
	JMP  next

last:
	// Fewer than 16 are left: the rest of the bits is not of this run.
	MOVL  R12, R14
	ADDL  R14, R14
	MOVL  $1, R15
	SHLXL R14, R15, R15
	DECL  R15
	ANDL  R15, AX
	MOVL  $16, R12
	JZ    more                       // of ANDL: MOVL leaves the flags

some:
	TZCNTL AX, R14
	BTRL   R14, AX
	MOVL   R14, R15
	INCL   R15
	BTRL   R15, AX
	SHRL   $1, R14
	ADDL   R11, R14
	MOVL   R9, (DI)(R10*8)
	MOVL   R14, 4(DI)(R10*8)
	INCQ   R10
	TESTL  AX, AX
	JNZ    some
	JMP    more

full:
	MOVL R11, 0(DX)
	MOVL R12, 4(DX)

finished:
	MOVQ R9, done+40(FP)
	MOVQ R10, found+48(FP)
	VZEROUPPER
	RET
