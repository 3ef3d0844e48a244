package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dots writes what a tier that adds up products of short numbers has beside its micro-kernels.
func dots(s set, f format) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		g.dotLoop(f, func(i int, x, y reg.VecPhysical) { f.product(g, y, x, g.vec(i)) })
		if f.name == bf16Dot.name {
			g.convertBF16()
		}
	}
}

// convertBF16 rounds float32 to bfloat16.
func (g *gen) convertBF16() {
	g.function("toBF16"+g.name, "func(dst *byte, x *float32, n int)",
		"toBF16"+g.name+" rounds n numbers to bfloat16, half to even, subnormal ones to zero. n is a multiple of a vector and not 0.")
	dst, x, n, loop := g.arg("dst"), g.arg("x"), g.arg("n"), g.label("loop")
	g.place(loop)
	g.VMOVUPS(operand.Mem{Base: x}, reg.Z0)
	g.evex(vcvtneps2bf16, reg.Z0, nil, reg.Y1)
	g.VMOVDQU(reg.Y1, operand.Mem{Base: dst})
	g.ADDQ(operand.Imm(uint64(g.bytes())), x)
	g.ADDQ(operand.Imm(uint64(g.bytes()/2)), dst)
	g.SUBQ(operand.Imm(uint64(g.lanes)), n)
	g.JNZ(loop)
	g.end()
}

// dotLoop is fmaLoop for a format that multiplies short numbers, whose bits are mixed. The last registers hold what the format sets up.
func (g *gen) dotLoop(f format, product func(i int, x, y reg.VecPhysical)) {
	name := f.name + "Loop" + g.name
	g.function(name, "func(n int)", name+" does 12 products of vectors with their sums n times, in registers alone.")
	n, loop, x, y := g.arg("n"), g.label("loop"), g.vec(12), g.vec(13)
	for i := range 12 {
		g.zero(g.vec(i))
	}
	if f.setup != nil {
		f.setup(g, 1)
	}
	g.VMOVUPS(g.repeated(0x3f3dbe97), x)
	g.VMOVUPS(g.repeated(0xbf6bbf6d), y)
	g.place(loop)
	for i := range 12 {
		product(i, x, y)
	}
	g.DECQ(n)
	g.JNZ(loop)
	g.end()
}

// dotLoop of AVX2 needs registers on the way.
func (g *gen) dotLoopAVX2() {
	g.dotLoop(i8, func(i int, x, y reg.VecPhysical) {
		s, t := g.vec(i%8), g.vec(8+i%4)
		g.VPMADDUBSW(y, x, t)
		g.VPMADDWD(g.vec(15), t, t)
		g.VPADDD(t, s, s)
	})
}
