package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of kernel.tile; a test of that package compares them.
const (
	tileA, tileLDA, tileB, tileK       = 0, 8, 16, 24
	tileC, tileLDC, tileFrom, tileBias = 32, 40, 48, 56
	tileResidual, tileLDR              = 64, 72
	tileNext, tileStride               = 80, 88
)

// gemm writes the micro-kernels for tiles of the heights lo to hi, two registers wide.
func gemm(s set, lo, hi int) func(c *build.Context) {
	return func(c *build.Context) {
		for h := lo; h <= hi; h++ {
			newGen(c, s).gemmTile(h)
		}
	}
}

// gemmTile multiplies h rows of A with a block of a panel: each of the 2h registers of sums takes one fused multiply-add a step of K,
// in order. Two registers hold a row of the panel, the values of A are broadcast one by one.
func (g *gen) gemmTile(h int) {
	g.function(fmt.Sprintf("gemm%d%s", h, g.name), "func(t *byte)", fmt.Sprintf("gemm%d%s makes a tile of %d rows and %d columns.", h, g.name, h, 2*g.lanes))
	const (
		unroll   = 2
		leanFrom = 10
	)
	size := g.bytes()
	at := func(p reg.Register, disp int) operand.Mem { return operand.Mem{Base: p, Disp: disp} }
	sum := func(r, j int) reg.VecPhysical { return g.vec(2*r + j) }
	b := [2]reg.VecPhysical{g.vec(2 * h), g.vec(2*h + 1)}
	wide := [2]reg.VecPhysical{g.vec(2*h + 2), g.vec(2*h + 3)}

	t := g.GP64()
	g.Load(g.Param("t"), t)
	field := func(off int) reg.GPVirtual {
		r := g.GP64()
		g.MOVQ(at(t, off), r)
		return r
	}

	// The sums so far, or zero.
	from := field(tileFrom)
	fresh, ready := g.label("fresh"), g.label("ready")
	g.TESTQ(from, from)
	g.JZ(fresh)
	for i := range 2 * h {
		g.VMOVUPS(at(from, i*size), g.vec(i))
	}
	g.JMP(ready)
	g.place(fresh)
	for i := range 2 * h {
		g.zero(g.vec(i))
	}
	g.place(ready)

	// Rows of A: one pointer for three rows.
	lda := field(tileLDA)
	rows := []reg.GPVirtual{field(tileA)}
	for r := 3; r < h; r += 3 {
		p := g.GP64()
		last := rows[len(rows)-1]
		g.LEAQ(operand.Mem{Base: last, Index: lda, Scale: 2}, p)
		g.ADDQ(lda, p)
		rows = append(rows, p)
	}
	a := func(r, step int) operand.Mem {
		m := operand.Mem{Base: rows[r/3], Disp: 4 * step}
		if r%3 > 0 {
			m.Index, m.Scale = lda, uint8(r%3)
		}
		return m
	}
	panel, next, stride, k := field(tileB), field(tileNext), field(tileStride), field(tileK)
	step := func(i int) {
		for j := range 2 {
			g.VMOVUPS(at(panel, (2*i+j)*size), b[j])
		}
		for r := range h {
			w := wide[r%2]
			g.VBROADCASTSS(a(r, i), w)
			for j := range 2 {
				g.VFMADD231PS(b[j], w, sum(r, j))
			}
		}
	}
	advance := func(n int) {
		g.ADDQ(operand.U32(2*n*size), panel)
		for _, p := range rows {
			g.ADDQ(operand.U32(4*n), p)
		}
	}
	loop, lean, rest, one, done := g.label("loop"), g.label("lean"), g.label("rest"), g.label("one"), g.label("done")
	round := func(top operand.LabelRef, fetch int) {
		g.place(top)
		for line := range fetch {
			g.PREFETCHT1(at(next, 64*line))
		}
		g.ADDQ(stride, next)
		for i := range unroll {
			step(i)
		}
		advance(unroll)
		g.SUBQ(operand.Imm(unroll), k)
		g.JGE(top)
	}
	g.SUBQ(operand.Imm(unroll), k)
	g.JL(rest)
	if h >= leanFrom { // of many tiles each fetches little, and what it need not do saves power, thus clock
		g.CMPQ(stride, operand.Imm(64))
		g.JBE(lean)
	}
	round(loop, unroll*2*size/64)
	if h >= leanFrom {
		g.JMP(rest)
		round(lean, 1)
	}
	g.place(rest)
	g.ADDQ(operand.Imm(unroll), k)
	g.JZ(done)
	g.place(one)
	step(0)
	advance(1)
	g.SUBQ(operand.Imm(1), k)
	g.JNZ(one)
	g.place(done)

	// Bias, residual, store.
	bias := field(tileBias)
	plain := g.label("plain")
	g.TESTQ(bias, bias)
	g.JZ(plain)
	for j := range 2 {
		g.VMOVUPS(at(bias, j*size), b[j])
	}
	for r := range h {
		for j := range 2 {
			g.VADDPS(b[j], sum(r, j), sum(r, j))
		}
	}
	g.place(plain)
	residual := field(tileResidual)
	store := g.label("store")
	g.TESTQ(residual, residual)
	g.JZ(store)
	ldr := field(tileLDR)
	for r := range h {
		for j := range 2 {
			g.VADDPS(at(residual, j*size), sum(r, j), sum(r, j))
		}
		if r < h-1 {
			g.ADDQ(ldr, residual)
		}
	}
	g.place(store)
	out, ldc := field(tileC), field(tileLDC)
	for r := range h {
		for j := range 2 {
			g.VMOVUPS(sum(r, j), at(out, j*size))
		}
		if r < h-1 {
			g.ADDQ(ldc, out)
		}
	}
	g.end()
}
