package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sifting writes the kernel that finds the rows which may still be among the nearest, for each of the sets.
func sifting(sets ...set) func(c *build.Context) {
	return func(c *build.Context) {
		for _, s := range sets {
			newGen(c, s).sift()
		}
	}
}

// sift takes as many rows at a time as there are lanes: their sums meet in one vector, beside which their facts lie in memory.
func (g *gen) sift() {
	doc := "sift" + g.name + " is Sift: of is the numbers of a Sieve in their order. rows is a multiple of 8 and not 0."
	if g.lanes == 16 {
		doc = "sift" + g.name + " is Sift: of is the numbers of a Sieve in their order. rows is a multiple of 16 and not 0."
	}
	g.function("sift"+g.name, "func(mask, codes *byte, facts *float32, stride int, query *int8, of *float32, rows int)", doc)
	mask, codes, facts, stride := g.arg("mask"), g.arg("codes"), g.arg("facts"), g.arg("stride")
	query, of, rows := g.arg("query"), g.arg("of"), g.arg("rows")
	third, loop := g.GP64(), g.label("rows")
	g.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, third)
	q := make([]reg.VecVirtual, 128/g.bytes())
	for i := range q {
		q[i] = g.v()
		g.bytesAt(at(query, i*g.bytes()), q[i])
	}
	products := g.siftProducts(q)
	g.place(loop)
	sums := make([]reg.VecVirtual, g.lanes)
	for r := range sums {
		sums[r] = products(func(i int) operand.Mem { return at(codes, 128*r+i*g.bytes()) })
		for n := 2; n <= 4 && (r+1)%n == 0; n *= 2 { // two meet as soon as they are there, and so do the pairs
			g.neighbours(sums[r+1-n/2], sums[r+1-n])
		}
	}
	x, y := g.quarters(sums), g.v()
	field := func(i int) reg.VecVirtual {
		v := g.v()
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
	bits := g.GP32()
	if g.lanes == 16 {
		g.VCMPPS(operand.Imm(13), field(5), x, reg.K1)
		g.KMOVW(reg.K1, bits)
		g.MOVW(bits.As16(), at(mask, 0))
	} else {
		g.VCMPPS(operand.Imm(13), field(5), x, x)
		g.VMOVMSKPS(x, bits)
		g.MOVB(bits.As8(), at(mask, 0))
	}
	g.ADDQ(operand.Imm(uint64(g.lanes/8)), mask)
	g.ADDQ(operand.U32(uint32(128*g.lanes)), codes)
	g.ADDQ(operand.Imm(uint64(g.bytes())), facts)
	g.SUBQ(operand.Imm(uint64(g.lanes)), rows)
	g.JNZ(loop)
	g.end()
}

// siftProducts returns what writes the sums of products of a row's codes, unsigned bytes, with the query q, of signed ones: four to a lane of
// 32 bits.
func (g *gen) siftProducts(q []reg.VecVirtual) func(codes func(i int) operand.Mem) reg.VecVirtual {
	if g.name == vnni.name {
		return func(codes func(i int) operand.Mem) reg.VecVirtual {
			a, c := g.v(), g.v()
			g.zero(a)
			for i := range q {
				g.bytesAt(codes(i), c)
				g.VPDPBUSD(q[i], c, a)
			}
			return a
		}
	}
	ones := g.v()
	if g.lanes == 16 {
		g.bytesAt(g.repeated(0x00010001), ones)
	} else {
		g.VPCMPEQW(ones, ones, ones)
		g.VPABSW(ones, ones)
	}
	return func(codes func(i int) operand.Mem) reg.VecVirtual {
		a := g.v()
		for i := range q {
			t := a
			if i > 0 {
				t = g.v()
			}
			g.bytesAt(codes(i), t)
			g.VPMADDUBSW(q[i], t, t)
			if i > 0 {
				g.VPADDW(t, a, a)
			}
		}
		g.VPMADDWD(ones, a, a)
		return a
	}
}

// neighbours leaves the sums of two neighbours in a, in each 128 bits first those of a, then those of b.
func (g *gen) neighbours(b, a reg.VecVirtual) {
	if g.lanes < 16 {
		g.VPHADDD(b, a, a)
		return
	}
	odd := g.v()
	g.VSHUFPS(operand.Imm(0xdd), b, a, odd)
	g.VSHUFPS(operand.Imm(0x88), b, a, a)
	g.VPADDD(odd, a, a)
}

// quarters adds up the 128 bits that every fourth of the sums consists of, and puts the results side by side.
func (g *gen) quarters(sums []reg.VecVirtual) reg.VecVirtual {
	x, y := g.v(), g.v()
	if g.lanes < 16 {
		g.VPERM2I128(operand.Imm(0x20), sums[4], sums[0], y)
		g.VPERM2I128(operand.Imm(0x31), sums[4], sums[0], x)
		g.VPADDD(y, x, x)
		return x
	}
	meet := func(b, a, to reg.VecVirtual) {
		odd := g.v()
		g.VSHUFI32X4(operand.Imm(0xdd), b, a, odd)
		g.VSHUFI32X4(operand.Imm(0x88), b, a, to)
		g.VPADDD(odd, to, to)
	}
	meet(sums[4], sums[0], x)
	meet(sums[12], sums[8], y)
	meet(y, x, x)
	return x
}

// bytesAt loads a vector of integers.
func (g *gen) bytesAt(from operand.Mem, to reg.VecVirtual) {
	if g.lanes == 16 {
		g.VMOVDQU32(from, to)
	} else {
		g.VMOVDQU(from, to)
	}
}
