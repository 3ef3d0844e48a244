package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columns writes the kernels over rows whose columns have numbers of their own.
func columns(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		g.columnSquares()
		g.columnNorm()
		g.columnGate()
		g.columnBlend()
	}
}

func (g *gen) columnSquares() {
	g.function("columnSquares"+g.name, "func(squares, x, mean *float32, n int)", "columnSquares"+g.name+" adds (x - mean)².")
	squares, p, mean := g.arg("squares"), g.arg("x"), g.arg("mean")
	g.walk(g.arg("n"), 2, func(at place, _ int, m *mask) {
		x, sum := g.load(at(p), m), g.load(at(squares), m)
		g.VSUBPS(g.load(at(mean), m), x, x)
		g.VFMADD231PS(x, x, sum)
		g.store(sum, at(squares), m)
	})
	g.end()
}

func (g *gen) columnNorm() {
	g.function("columnNorm"+g.name, "func(dst, x, mean, scale, shift *float32, n int, low, high float32)", "columnNorm"+g.name+" writes (x - mean)·scale + shift within low and high.")
	dst, p, mean, scale, shift := g.arg("dst"), g.arg("x"), g.arg("mean"), g.arg("scale"), g.arg("shift")
	low, high := g.spread("low"), g.spread("high")
	g.walk(g.arg("n"), 2, func(at place, _ int, m *mask) {
		x := g.load(at(p), m)
		g.VSUBPS(g.load(at(mean), m), x, x)
		g.VFMADD213PS(g.load(at(shift), m), g.load(at(scale), m), x)
		g.VMAXPS(x, low, x)
		g.VMINPS(x, high, x)
		g.store(x, at(dst), m)
	})
	g.end()
}

func (g *gen) columnGate() {
	g.function("columnGate"+g.name, "func(d, sum, along, x, mean, scale, shift *float32, n int, low, high float32)",
		"columnGate"+g.name+" clears d where (x - mean)·scale + shift is beyond low or high, and adds it to sum, and times x - mean to along.")
	to, sum, along, p := g.arg("d"), g.arg("sum"), g.arg("along"), g.arg("x")
	mean, scale, shift := g.arg("mean"), g.arg("scale"), g.arg("shift")
	low, high := g.spread("low"), g.spread("high")
	g.walk(g.arg("n"), 2, func(at place, _ int, m *mask) {
		x, y, d := g.load(at(p), m), g.v(), g.load(at(to), m)
		g.VSUBPS(g.load(at(mean), m), x, x)
		g.VMOVAPS(x, y)
		g.VFMADD213PS(g.load(at(shift), m), g.load(at(scale), m), y)
		g.inside(d, y, low, high)
		g.store(d, at(to), m)
		s, a := g.load(at(sum), m), g.load(at(along), m)
		g.VADDPS(d, s, s)
		g.store(s, at(sum), m)
		g.VFMADD231PS(d, x, a)
		g.store(a, at(along), m)
	})
	g.end()
}

// inside clears the lanes of d whose y is not between low and high.
func (g *gen) inside(d, y, low, high reg.VecVirtual) {
	const notAtMost, notAtLeast = operand.U8(0x16), operand.U8(0x19) // NaN passes
	if g.lanes == 16 {
		g.VCMPPS(notAtMost, low, y, reg.K2)
		g.VCMPPS(notAtLeast, high, y, reg.K3)
		g.KANDW(reg.K2, reg.K3, reg.K2)
		g.VMOVAPS_Z(d, reg.K2, d)
		return
	}
	above, below := g.v(), g.v()
	g.VCMPPS(notAtMost, low, y, above)
	g.VCMPPS(notAtLeast, high, y, below)
	g.VANDPS(above, d, d)
	g.VANDPS(below, d, d)
}

func (g *gen) columnBlend() {
	g.function("columnBlend"+g.name, "func(dst, e, x, mean, a, b, d *float32, n int)", "columnBlend"+g.name+" writes e·a + (x - mean)·b + d.")
	dst, from, p, mean := g.arg("dst"), g.arg("e"), g.arg("x"), g.arg("mean")
	a, b, d := g.arg("a"), g.arg("b"), g.arg("d")
	g.walk(g.arg("n"), 2, func(at place, _ int, m *mask) {
		x, y := g.load(at(p), m), g.load(at(from), m)
		g.VSUBPS(g.load(at(mean), m), x, x)
		g.VFMADD213PS(g.load(at(d), m), g.load(at(b), m), x)
		g.VFMADD132PS(g.load(at(a), m), x, y)
		g.store(y, at(dst), m)
	})
	g.end()
}
