package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sifting writes the kernel that finds the rows which may still be among the nearest. It is for eight lanes.
func sifting(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		g.sift()
	}
}

// sift takes eight rows at a time: their sums meet in one vector, beside which their facts lie in memory.
func (g *gen) sift() {
	g.function("sift"+g.name, "func(mask, codes *byte, facts *float32, stride int, query *int8, of *float32, rows int)",
		"sift"+g.name+" is Sift: of is the numbers of a Sieve in their order. rows is a multiple of 8 and not 0.")
	mask, codes, facts, stride := g.arg("mask"), g.arg("codes"), g.arg("facts"), g.arg("stride")
	query, of, rows := g.arg("query"), g.arg("of"), g.arg("rows")
	third, loop := g.GP64(), g.label("rows")
	g.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, third)
	var q [4]reg.VecVirtual
	for i := range q {
		q[i] = g.YMM()
		g.VMOVDQU(at(query, 32*i), q[i])
	}
	ones := g.YMM()
	g.VPCMPEQW(ones, ones, ones)
	g.VPABSW(ones, ones)
	g.place(loop)
	var sums [8]reg.VecVirtual
	for r := range sums {
		a := g.YMM()
		for i := range q {
			t := a
			if i > 0 {
				t = g.YMM()
			}
			g.VMOVDQU(at(codes, 128*r+32*i), t)
			g.VPMADDUBSW(q[i], t, t)
			if i > 0 {
				g.VPADDW(t, a, a)
			}
		}
		g.VPMADDWD(ones, a, a)
		sums[r] = a
		if r&1 == 1 { // two meet as soon as they are there, and so do the pairs
			g.VPHADDD(sums[r], sums[r-1], sums[r-1])
		}
		if r&3 == 3 {
			g.VPHADDD(sums[r-1], sums[r-3], sums[r-3])
		}
	}
	low, x, y := g.YMM(), g.YMM(), g.YMM()
	g.VPERM2I128(operand.Imm(0x20), sums[4], sums[0], low)
	g.VPERM2I128(operand.Imm(0x31), sums[4], sums[0], x)
	g.VPADDD(low, x, x)
	field := func(i int) reg.VecVirtual {
		v := g.YMM()
		g.VBROADCASTSS(at(of, 4*i), v)
		return v
	}
	g.VPSUBD(field(0), x, x)
	g.VCVTDQ2PS(x, x)
	g.VMULPS(field(1), x, x)
	g.VADDPS(field(2), x, x)
	g.VMULPS(at(facts, 0), x, x)
	g.VADDPS(operand.Mem{Base: facts, Index: stride, Scale: 4}, x, x)
	g.VMULPS(operand.Mem{Base: facts, Index: stride, Scale: 8}, field(3), y)
	g.VADDPS(y, x, x)
	g.VMULPS(operand.Mem{Base: facts, Index: third, Scale: 4}, field(4), y)
	g.VADDPS(y, x, x)
	g.VCMPPS(operand.Imm(13), field(5), x, x)
	bits := g.GP32()
	g.VMOVMSKPS(x, bits)
	g.MOVB(bits.As8(), at(mask, 0))
	g.INCQ(mask)
	g.ADDQ(operand.U32(1024), codes)
	g.ADDQ(operand.Imm(32), facts)
	g.SUBQ(operand.Imm(8), rows)
	g.JNZ(loop)
	g.end()
}
