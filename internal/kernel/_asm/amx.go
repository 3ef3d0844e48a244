package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of kernel.band; a test of that package compares them.
const (
	bandConfig                = 0
	bandA, bandLDA, bandSteps = 64, 72, 80
	bandC, bandApart, bandAdd = 88, 96, 104
	bandLower, bandLines      = 112, 120
	bandPanels                = 128
	bandB, bandNext           = 136, 200
)

// The plan of the tile registers: four of sums, a square; two of rows of A; two of columns of the panel.
const (
	sum00, sum01, sum10, sum11 = tmm(0), tmm(1), tmm(2), tmm(3)
	upper, lower               = tmm(4), tmm(5)
	west, east                 = tmm(6), tmm(7)
)

func amx(product raw, name string) func(c *build.Context) {
	return func(c *build.Context) {
		newGen(c, tiles).band(product, name)
		newGen(c, tiles).tileLoop(product, name)
	}
}

func field(base reg.Register, disp int) operand.Mem { return operand.Mem{Base: base, Disp: disp} }

// band multiplies up to 32 rows of A with several panels. Raw instructions need registers that are fixed beforehand. The tiles are
// configured and released in one call: a goroutine may go on in another thread after it.
func (g *gen) band(product raw, name string) {
	g.function(name+"Band"+g.name, "func(s *byte)", name+"Band"+g.name+" makes the sums of a band, [panels, h, 32].")
	const row, half = 128, 16 * 128 // bytes of sums
	s, rowA, rowLower, lda, b, c, cLower := reg.RAX, reg.RBX, reg.R9, reg.RDX, reg.RSI, reg.RDI, reg.R11
	index, k, next, lines, apart := reg.R12, reg.RCX, reg.R10, reg.R13, reg.R8
	rows := func(base, distance reg.Register, disp int) operand.Mem {
		return operand.Mem{Base: base, Index: distance, Scale: 1, Disp: disp}
	}
	g.Load(g.Param("s"), s)
	g.loadConfig(field(s, bandConfig))
	g.MOVQ(field(s, bandLDA), lda)
	g.MOVQ(field(s, bandC), c)
	g.MOVQ(operand.U32(row), apart)
	g.XORQ(index, index)

	panel, tall, end := g.label("panel"), g.label("tall"), g.label("end")
	g.place(panel)
	g.MOVQ(operand.Mem{Base: s, Index: index, Scale: 8, Disp: bandB}, b)
	g.MOVQ(operand.Mem{Base: s, Index: index, Scale: 8, Disp: bandNext}, next)
	g.MOVQ(field(s, bandA), rowA)
	g.MOVQ(field(s, bandSteps), k)
	g.MOVQ(field(s, bandLower), rowLower)
	g.TESTQ(rowLower, rowLower)
	g.JNZ(tall)
	for _, two := range []bool{false, true} {
		sums := []tmm{sum00, sum01}
		at := []operand.Mem{rows(c, apart, 0), rows(c, apart, 64)}
		if two {
			g.place(tall)
			g.LEAQ(field(c, half), cLower)
			sums = append(sums, sum10, sum11)
			at = append(at, rows(cLower, apart, 0), rows(cLower, apart, 64))
		}
		zero, ready, step, stored := g.label("zero"), g.label("ready"), g.label("step"), g.label("stored")
		g.CMPQ(field(s, bandAdd), operand.Imm(0))
		g.JEQ(zero)
		for i, t := range sums {
			g.loadTile(at[i], t)
		}
		g.JMP(ready)
		g.place(zero)
		for _, t := range sums {
			g.tile(tilezero, t)
		}
		g.place(ready)
		g.TESTQ(k, k)
		g.JZ(stored)
		g.place(step)
		g.fetch(field(s, bandLines), lines, next)
		g.loadTile(rows(rowA, lda, 0), upper)
		g.loadTile(rows(b, apart, 0), west)
		g.tile(product, west, upper, sum00)
		g.loadTile(rows(b, apart, 64), east)
		g.tile(product, east, upper, sum01)
		g.ADDQ(operand.Imm(64), rowA)
		g.ADDQ(operand.U32(half), b)
		if two {
			g.loadTile(rows(rowLower, lda, 0), lower)
			g.tile(product, west, lower, sum10)
			g.tile(product, east, lower, sum11)
			g.ADDQ(operand.Imm(64), rowLower)
		}
		g.DECQ(k)
		g.JNZ(step)
		g.place(stored)
		for i, t := range sums {
			g.storeTile(t, at[i])
		}
		if !two {
			g.JMP(end)
		}
	}
	g.place(end)
	g.ADDQ(field(s, bandApart), c)
	g.INCQ(index)
	g.CMPQ(index, field(s, bandPanels))
	g.JLT(panel)
	g.tile(tilerelease)
	g.RET()
}

// fetch brings a number of cache lines from next on into the second cache.
func (g *gen) fetch(count operand.Mem, left, next reg.Register) {
	top, done := g.label("fetch"), g.label("fetched")
	g.MOVQ(count, left)
	g.TESTQ(left, left)
	g.JZ(done)
	g.place(top)
	g.PREFETCHT1(field(next, 0))
	g.ADDQ(operand.Imm(64), next)
	g.DECQ(left)
	g.JNZ(top)
	g.place(done)
}

// tileLoop does nothing but products of tiles: what a product is measured by.
func (g *gen) tileLoop(product raw, name string) {
	g.function(name+"Loop"+g.name, "func(s *byte, n int)", name+"Loop"+g.name+" multiplies tiles of 16 rows of s.a and s.b[0] four times, n times over.")
	s, a, b, n, lda, apart := reg.RAX, reg.RBX, reg.RSI, reg.RCX, reg.RDX, reg.R8
	loop := g.label("loop")
	g.Load(g.Param("s"), s)
	g.Load(g.Param("n"), n)
	g.loadConfig(field(s, bandConfig))
	g.MOVQ(field(s, bandA), a)
	g.MOVQ(field(s, bandB), b)
	g.MOVQ(field(s, bandLDA), lda)
	g.MOVQ(operand.U32(64), apart)
	sums := []tmm{sum00, sum01, sum10, sum11}
	for _, t := range sums {
		g.tile(tilezero, t)
	}
	for i, t := range []tmm{upper, lower, west, east} {
		g.loadTile(operand.Mem{Base: []reg.Register{a, b}[i/2], Index: []reg.Register{lda, apart}[i/2], Scale: 1}, t)
	}
	g.place(loop)
	for i, t := range sums {
		g.tile(product, west+tmm(i%2), upper+tmm(i/2), t)
	}
	g.DECQ(n)
	g.JNZ(loop)
	g.tile(tilerelease)
	g.RET()
}
