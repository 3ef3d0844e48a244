package main

import (
	"fmt"
	"strings"
)

// An encoding is an instruction that Go's assembler lacks: its bits without the registers, by the Arm Architecture Reference Manual for
// A-profile, C7.2, and how GNU's assembler writes it. The registers are the destination, then the sources in the order of the manual; a
// last number is the lane of the last register, a word of four bytes. A test of package kernel disassembles what comes out.
type encoding struct {
	bits uint32
	text string
}

var (
	fadd   = encoding{0x4e20d400, "fadd v%d.4s, v%d.4s, v%d.4s"}
	fsub   = encoding{0x4ea0d400, "fsub v%d.4s, v%d.4s, v%d.4s"}
	fmul   = encoding{0x6e20dc00, "fmul v%d.4s, v%d.4s, v%d.4s"}
	fdiv   = encoding{0x6e20fc00, "fdiv v%d.4s, v%d.4s, v%d.4s"}
	fmax   = encoding{0x4e20f400, "fmax v%d.4s, v%d.4s, v%d.4s"} // NaN if one is
	fmin   = encoding{0x4ea0f400, "fmin v%d.4s, v%d.4s, v%d.4s"}
	faddp  = encoding{0x6e20d400, "faddp v%d.4s, v%d.4s, v%d.4s"} // sums of neighbours
	fmaxp  = encoding{0x6e20f400, "fmaxp v%d.4s, v%d.4s, v%d.4s"}
	mls    = encoding{0x6ea09400, "mls v%d.4s, v%d.4s, v%d.4s"}
	fabs   = encoding{0x4ea0f800, "fabs v%d.4s, v%d.4s"}
	fneg   = encoding{0x6ea0f800, "fneg v%d.4s, v%d.4s"}
	fcvtns = encoding{0x4e21a800, "fcvtns v%d.4s, v%d.4s"} // to integers, half to even
	scvtf  = encoding{0x4e21d800, "scvtf v%d.4s, v%d.4s"}
	fcmge  = encoding{0x6e20e400, "fcmge v%d.4s, v%d.4s, v%d.4s"}
	cmlt   = encoding{0x4ea0a800, "cmlt v%d.4s, v%d.4s, #0"} // integers
	halve  = encoding{0x4f3f0400, "sshr v%d.4s, v%d.4s, #1"}

	// Numbers become longer, or shorter with saturation; a second instruction serves the upper half.
	sxtl8   = encoding{0x0f08a400, "sxtl v%d.8h, v%d.8b"}
	sxtl8b  = encoding{0x4f08a400, "sxtl2 v%d.8h, v%d.16b"}
	sxtl16  = encoding{0x0f10a400, "sxtl v%d.4s, v%d.4h"}
	sxtl16b = encoding{0x4f10a400, "sxtl2 v%d.4s, v%d.8h"}
	shll    = encoding{0x2e613800, "shll v%d.4s, v%d.4h, #16"}
	shllb   = encoding{0x6e613800, "shll2 v%d.4s, v%d.8h, #16"}
	fcvtl   = encoding{0x0e217800, "fcvtl v%d.4s, v%d.4h"}
	sqxtun  = encoding{0x2e612800, "sqxtun v%d.4h, v%d.4s"}
	sqxtunb = encoding{0x6e612800, "sqxtun2 v%d.8h, v%d.4s"}
	uqxtn   = encoding{0x2e214800, "uqxtn v%d.8b, v%d.8h"}

	// Sums of products of two registers, and of neighbours, all of integers that become longer on the way.
	smull8  = encoding{0x0e20c000, "smull v%d.8h, v%d.8b, v%d.8b"}
	smlal8  = encoding{0x0e208000, "smlal v%d.8h, v%d.8b, v%d.8b"}
	smlal8b = encoding{0x4e208000, "smlal2 v%d.8h, v%d.16b, v%d.16b"}
	smlal   = encoding{0x0e608000, "smlal v%d.4s, v%d.4h, v%d.4h"}
	smlalb  = encoding{0x4e608000, "smlal2 v%d.4s, v%d.8h, v%d.8h"}
	sadalp  = encoding{0x4e606800, "sadalp v%d.4s, v%d.8h"}
	sdot    = encoding{0x4e809400, "sdot v%d.4s, v%d.16b, v%d.16b"} // of four bytes each; FEAT_DotProd

	// Products with one lane of the last register.
	fmlaLane = encoding{0x4f801000, "fmla v%d.4s, v%d.4s, v%d.s[%d]"}
	fmulLane = encoding{0x4f809000, "fmul v%d.4s, v%d.4s, v%d.s[%d]"}
	sdotLane = encoding{0x4f80e000, "sdot v%d.4s, v%d.16b, v%d.4b[%d]"} // of four bytes each; FEAT_DotProd

	// Products of two rows with two columns, into two rows of two sums.
	bfmmla = encoding{0x6e40ec00, "bfmmla v%d.4s, v%d.8h, v%d.8h"}   // rows and columns of four bf16; FEAT_BF16
	usmmla = encoding{0x4e80ac00, "usmmla v%d.4s, v%d.16b, v%d.16b"} // rows of eight uint8, columns of eight int8; FEAT_I8MM

	bfcvtn  = encoding{0x0ea16800, "bfcvtn v%d.4h, v%d.4s"} // FEAT_BF16
	bfcvtnb = encoding{0x4ea16800, "bfcvtn2 v%d.8h, v%d.4s"}
)

// do writes an encoded instruction.
func (g *neon) do(e encoding, registers ...v) {
	bits := e.bits
	shown := make([]any, len(registers))
	for i, r := range registers {
		shown[i] = int(r)
		switch i {
		case 0:
			bits |= uint32(r)
		case 1:
			bits |= uint32(r) << 5
		case 2:
			bits |= uint32(r) << 16
		case 3: // the lane: H and L
			bits |= uint32(r)>>1<<11 | uint32(r)&1<<21
		}
	}
	if strings.Count(e.text, "%d") != len(registers) {
		panic("neon: wrong number of registers: " + e.text)
	}
	fmt.Fprintf(g.text, "\tWORD $0x%08x // %s\n", bits, fmt.Sprintf(e.text, shown...))
}
