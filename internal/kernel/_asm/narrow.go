package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// narrowing writes the kernels that bring weights to narrower numbers and interleave them. They are for eight lanes.
func narrowing(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		g.toBF16()
		g.pairBF16()
		g.toInt8()
		g.pairTop()
		g.weave()
	}
}

// A stride is how many bytes a pointer moves on each round.
type stride struct {
	p     reg.GPVirtual
	bytes int
}

// eights writes a loop over n values, a multiple of a vector and not 0: body does one vector.
func (g *gen) eights(n reg.GPVirtual, strides []stride, body func()) {
	loop := g.label("loop")
	g.place(loop)
	body()
	for _, s := range strides {
		g.ADDQ(operand.U32(s.bytes), s.p)
	}
	g.SUBQ(operand.Imm(uint64(g.lanes)), n)
	g.JNZ(loop)
}

// roundBF16 leaves bfloat16 numbers, rounded half to even, in the upper halves of the lanes of what it loads. NaN stays NaN.
func (g *gen) roundBF16(from operand.Mem) reg.VecVirtual {
	v, r, quiet, isNaN := g.v(), g.v(), g.v(), g.v()
	g.VMOVUPS(from, v)
	g.VPSRLD(operand.Imm(16), v, r)
	g.VPAND(g.repeated(1), r, r)
	g.VPADDD(g.repeated(0x7fff), r, r)
	g.VPADDD(v, r, r)
	g.VCMPPS(operand.Imm(3), v, v, isNaN)
	g.VPOR(g.repeated(0x400000), v, quiet)
	g.VBLENDVPS(isNaN, quiet, r, r)
	return r
}

func (g *gen) toBF16() {
	g.function("toBF16"+g.name, "func(dst *byte, x *float32, n int)", "toBF16"+g.name+" rounds n values, a multiple of a vector and not 0, to bfloat16.")
	dst, x, n := g.arg("dst"), g.arg("x"), g.arg("n")
	g.eights(n, []stride{{dst, 2 * g.lanes}, {x, 4 * g.lanes}}, func() {
		r := g.roundBF16(at(x, 0))
		hi := g.XMM()
		g.VPSRLD(operand.Imm(16), r, r)
		g.VEXTRACTI128(operand.Imm(1), r, hi)
		g.VPACKUSDW(hi, r.AsX(), r.AsX())
		g.VMOVDQU(r.AsX(), at(dst, 0))
	})
	g.end()
}

func (g *gen) pairBF16() {
	g.function("pairBF16"+g.name, "func(dst, lo, hi *float32, n int)",
		"pairBF16"+g.name+" rounds values to bfloat16, n of lo and n of hi, and puts two beside each other, that of lo first. n is a multiple of a vector and not 0.")
	dst, lo, hi, n := g.arg("dst"), g.arg("lo"), g.arg("hi"), g.arg("n")
	g.eights(n, []stride{{dst, g.bytes()}, {lo, g.bytes()}, {hi, g.bytes()}}, func() {
		a, b := g.roundBF16(at(lo, 0)), g.roundBF16(at(hi, 0))
		g.VPSRLD(operand.Imm(16), a, a)
		g.VPBLENDW(operand.Imm(0xaa), b, a, a)
		g.VMOVUPS(a, at(dst, 0))
	})
	g.end()
}

func (g *gen) toInt8() {
	g.function("toInt8"+g.name, "func(dst *byte, x *float32, n int, inverse float32) int32",
		"toInt8"+g.name+" writes x·inverse as int8, rounded half to even, and returns the sum of these. n is a multiple of a vector and not 0.")
	dst, x, n, inverse, sums := g.arg("dst"), g.arg("x"), g.arg("n"), g.spread("inverse"), g.zeros(1)[0]
	g.eights(n, []stride{{dst, g.lanes}, {x, g.bytes()}}, func() {
		v, hi := g.v(), g.XMM()
		g.VMULPS(at(x, 0), inverse, v)
		g.VCVTPS2DQ(v, v)
		g.VPADDD(v, sums, sums)
		g.VEXTRACTI128(operand.Imm(1), v, hi)
		g.VPACKSSDW(hi, v.AsX(), v.AsX())
		g.VPACKSSWB(v.AsX(), v.AsX(), v.AsX())
		g.VMOVQ(v.AsX(), at(dst, 0))
	})
	sum := g.GP32()
	g.VMOVD(g.across(sums, func(a, b, to operand.Op) { g.VPADDD(a, b, to) }), sum)
	g.Store(sum, g.ReturnIndex(0))
	g.end()
}

// pairTop finds the largest sum of the sizes of two neighbours.
func (g *gen) pairTop() {
	g.function("pairTop"+g.name, "func(x *float32, n int) float32",
		"pairTop"+g.name+" is the largest |x[i]| + |x[i+1]| over even i. n is a multiple of a vector and not 0.")
	x, n, top, size := g.arg("x"), g.arg("n"), g.zeros(1)[0], g.v()
	g.VMOVUPS(g.repeated(0x7fffffff), size)
	g.eights(n, []stride{{x, g.bytes()}}, func() {
		v, other := g.v(), g.v()
		g.VANDPS(at(x, 0), size, v)
		g.VPERMILPS(operand.Imm(0xb1), v, other)
		g.VADDPS(other, v, v)
		g.VMAXPS(v, top, top)
	})
	g.Store(g.across(top, func(a, b, to operand.Op) { g.VMAXPS(a, b, to) }), g.ReturnIndex(0))
	g.end()
}

// weave transposes sixteen rows of bytes, eight columns at once: rows meet in pairs, then in fours, which are then numbers of 32 bits.
func (g *gen) weave() {
	g.function("weave"+g.name, "func(dst, src *byte, ld, n int)", "weave"+g.name+" turns sixteen rows of n bytes, ld apart, into n rows of sixteen without gaps. n is a multiple of 8 and not 0.")
	dst, src, ld, n, p := g.arg("dst"), g.arg("src"), g.arg("ld"), g.arg("n"), g.GP64()
	g.eights(n, []stride{{dst, 128}, {src, 8}}, func() {
		g.MOVQ(src, p)
		var lo, hi [4]reg.VecVirtual // columns 0 to 3 and 4 to 7 of four rows
		for q := range 4 {
			var row [4]reg.VecVirtual
			for i := range row {
				row[i] = g.XMM()
				g.VMOVQ(at(p, 0), row[i])
				g.ADDQ(ld, p)
			}
			g.VPUNPCKLBW(row[1], row[0], row[0])
			g.VPUNPCKLBW(row[3], row[2], row[2])
			lo[q], hi[q] = row[1], row[0]
			g.VPUNPCKLWD(row[2], row[0], lo[q])
			g.VPUNPCKHWD(row[2], row[0], hi[q])
		}
		for h, c := range [][4]reg.VecVirtual{lo, hi} {
			a, b := g.XMM(), g.XMM()
			g.columns(c, a, b, dst, 64*h)
		}
	})
	g.end()
}

// columns writes four columns of sixteen bytes, whose fours c holds.
func (g *gen) columns(c [4]reg.VecVirtual, a, b reg.VecVirtual, dst reg.Register, disp int) {
	g.VPUNPCKLDQ(c[1], c[0], a)
	g.VPUNPCKLDQ(c[3], c[2], b)
	g.VPUNPCKHDQ(c[1], c[0], c[0])
	g.VPUNPCKHDQ(c[3], c[2], c[2])
	for i, pair := range [][2]reg.VecVirtual{{a, b}, {c[0], c[2]}} {
		g.VPUNPCKLQDQ(pair[1], pair[0], c[1])
		g.VPUNPCKHQDQ(pair[1], pair[0], c[3])
		g.VMOVDQU(c[1], at(dst, disp+32*i))
		g.VMOVDQU(c[3], at(dst, disp+32*i+16))
	}
}
