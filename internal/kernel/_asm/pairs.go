package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pairs multiplies h rows of 16-bit numbers with a panel of 16 columns, four values of a row at a time: t.k times, t.stride bytes from one to
// the next.
func (g *gen) pairs(h int, to outcome) {
	verb, doc, vectors := "Narrow", "sum·scale + bias + residual at t.c", 2
	switch to {
	case widened:
		verb, doc = "Widen", "the int16 nearest to sum·(rows·scale) + bias from 0 on at t.c, columns 4 to 7 and 8 to 11 in each other's place"
	case halved:
		verb, doc, vectors = "Half", "sum·scale + bias + residual at t.c, of a panel of 16", 1
	}
	name := fmt.Sprintf("pairs%s%d%s", verb, h, g.name)
	g.function(name, "func(t *byte)", fmt.Sprintf("%s makes tiles of %d rows and %d columns of 16-bit numbers: %s.", name, h, 8*vectors, doc))
	t := g.GP64()
	g.Load(g.Param("t"), t)
	field := func(off int) reg.GPVirtual {
		r := g.GP64()
		g.MOVQ(bytesAt(t, off), r)
		return r
	}
	value, product := g.vec(11), g.vec(12)
	lda, stride, out, ldc, count := field(tileLDA), field(tileStride), field(tileC), field(tileLDC), field(tileCount)
	first, residual, ldr := field(tileA), field(tileResidual), field(tileLDR)
	rows := []reg.GPVirtual{g.GP64(), g.GP64()}[:(h+2)/3]
	again, loop := g.label("again"), g.label("loop")
	g.place(again)
	for i := range vectors * h {
		g.zero(g.vec(i))
	}
	k, panel := field(tileK), field(tileB)
	g.MOVQ(first, rows[0])
	if len(rows) > 1 {
		g.LEAQ(operand.Mem{Base: first, Index: lda, Scale: 2}, rows[1])
		g.ADDQ(lda, rows[1])
	}
	g.align()
	g.place(loop)
	for pair := range 2 {
		for j := range vectors {
			g.VMOVDQU(bytesAt(panel, 64*pair+32*j), g.vec(8+j))
		}
		for r := range h {
			m := operand.Mem{Base: rows[r/3], Disp: 4 * pair}
			if r%3 > 0 {
				m.Index, m.Scale = lda, uint8(r%3)
			}
			g.VPBROADCASTD(m, value)
			for j := range vectors {
				g.VPMADDWD(g.vec(8+j), value, product)
				g.VPADDD(product, g.vec(vectors*r+j), g.vec(vectors*r+j))
			}
		}
	}
	g.ADDQ(operand.U32(128), panel)
	for _, p := range rows {
		g.ADDQ(stride, p)
	}
	g.DECQ(k)
	g.JNZ(loop)
	scale, bias := field(tileScale), field(tileBias)
	for j := range vectors {
		g.VMOVUPS(bytesAt(scale, 32*j), g.vec(8+j))
		g.VMOVUPS(bytesAt(bias, 32*j), g.vec(10+j))
	}
	if to == widened {
		g.settleWide(h, field(tileRows), out, ldc, widened)
	} else {
		g.settleNarrow(h, vectors, residual, ldr, out, ldc)
	}
	for range h {
		g.ADDQ(lda, first)
	}
	g.DECQ(count)
	g.JNZ(again)
	g.end()
}

// levels brings values to int16 of both signs.
func (g *gen) levels() {
	g.function("levels"+g.name, "func(dst *int16, x *float32, n int, scale float32)",
		"levels"+g.name+" writes x·scale as int16, as far as it fits. n is a multiple of 16 and not 0.")
	dst, x, n, by := g.arg("dst"), g.arg("x"), g.arg("n"), g.spread("scale")
	loop := g.label("loop")
	g.place(loop)
	v := g.vs(2)
	for j := range v {
		g.VMULPS(bytesAt(x, 32*j), by, v[j])
		g.VCVTPS2DQ(v[j], v[j])
	}
	g.VPACKSSDW(v[1], v[0], v[0])
	g.VPERMQ(operand.Imm(0xd8), v[0], v[0])
	g.VMOVDQU(v[0], bytesAt(dst, 0))
	g.ADDQ(operand.Imm(64), x)
	g.ADDQ(operand.Imm(32), dst)
	g.SUBQ(operand.Imm(16), n)
	g.JNZ(loop)
	g.end()
}

// size finds the largest size of values.
func (g *gen) size() {
	g.function("size"+g.name, "func(x *float32, n int) uint32", "size"+g.name+" is the bits of the largest size of x. n is a multiple of 16 and not 0.")
	x, n, sign := g.arg("x"), g.arg("n"), g.v()
	g.VMOVUPS(g.repeated(0x7fffffff), sign)
	most := g.zeros(2)
	loop := g.label("loop")
	g.place(loop)
	for j := range most {
		v := g.v()
		g.VANDPS(bytesAt(x, 32*j), sign, v)
		g.VPMAXSD(v, most[j], most[j])
	}
	g.ADDQ(operand.Imm(64), x)
	g.SUBQ(operand.Imm(16), n)
	g.JNZ(loop)
	bits := g.GP32()
	g.VPMAXSD(most[1], most[0], most[0])
	g.VMOVD(g.across(most[0], func(a, b, to operand.Op) { g.VPMAXSD(a, b, to) }).(reg.VecVirtual).AsX(), bits)
	g.Store(bits, g.ReturnIndex(0))
	g.end()
}
