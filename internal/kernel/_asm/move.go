package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func moves(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		g.fromF16()
		g.fromBF16()
		g.toF16()
		g.transpose()
		g.fmaLoop()
		g.readLoop()
	}
}

// widen writes a loop over whole vectors of 16-bit numbers.
func (g *gen) widen(name, doc string, body func(from operand.Mem, v reg.VecVirtual)) {
	g.function(name+g.name, "func(dst *float32, src *byte, n int)", name+g.name+doc)
	dst, src, n, loop := g.arg("dst"), g.arg("src"), g.arg("n"), g.label("loop")
	g.place(loop)
	v := g.v()
	body(operand.Mem{Base: src}, v)
	g.VMOVUPS(v, operand.Mem{Base: dst})
	g.ADDQ(operand.Imm(uint64(2*g.lanes)), src)
	g.ADDQ(operand.Imm(uint64(4*g.lanes)), dst)
	g.SUBQ(operand.Imm(uint64(g.lanes)), n)
	g.JNZ(loop)
	g.end()
}

func (g *gen) fromF16() {
	g.widen("fromF16", " widens n half-precision numbers, a multiple of a vector and not 0.", func(from operand.Mem, v reg.VecVirtual) { g.VCVTPH2PS(from, v) })
}

func (g *gen) fromBF16() {
	g.widen("fromBF16", " widens n bfloat16 numbers, a multiple of a vector and not 0.", func(from operand.Mem, v reg.VecVirtual) {
		g.VPMOVZXWD(from, v)
		g.VPSLLD(operand.Imm(16), v, v)
	})
}

func (g *gen) toF16() {
	g.function("toF16"+g.name, "func(dst *byte, src *float32, n int)", "toF16"+g.name+" rounds n numbers, a multiple of a vector and not 0, to half precision, half to even.")
	dst, src, n, loop := g.arg("dst"), g.arg("src"), g.arg("n"), g.label("loop")
	g.place(loop)
	v := g.v()
	g.VMOVUPS(operand.Mem{Base: src}, v)
	g.VCVTPS2PH(operand.Imm(0), v, operand.Mem{Base: dst})
	g.ADDQ(operand.Imm(uint64(4*g.lanes)), src)
	g.ADDQ(operand.Imm(uint64(2*g.lanes)), dst)
	g.SUBQ(operand.Imm(uint64(g.lanes)), n)
	g.JNZ(loop)
	g.end()
}

// transpose turns as many rows as a vector has lanes into columns.
func (g *gen) transpose() {
	g.function("transpose"+g.name, "func(dst, src *float32, step, ld, k int)",
		"transpose"+g.name+" writes one row of src, ld bytes apart, per lane: vector i, step bytes apart in dst, holds value i of each. k is a multiple of the lanes and not 0.")
	dst, src, step, ld, k := g.arg("dst"), g.arg("src"), g.arg("step"), g.arg("ld"), g.arg("k")
	loop := g.label("loop")
	n := g.lanes
	p := g.GP64()
	g.place(loop)
	g.MOVQ(src, p)
	for _, v := range g.turn(func(load func(m operand.Mem)) {
		load(operand.Mem{Base: p})
		g.ADDQ(ld, p)
	}) {
		g.VMOVUPS(v, operand.Mem{Base: dst})
		g.ADDQ(step, dst)
	}
	g.ADDQ(operand.Imm(uint64(4*n)), src)
	g.SUBQ(operand.Imm(uint64(n)), k)
	g.JNZ(loop)
	g.end()
}

// turn transposes a square of numbers of 32 bits: it calls row once per row, and returns the columns. row loads from one address and
// moves on.
func (g *gen) turn(row func(load func(m operand.Mem))) []reg.VecVirtual {
	if g.lanes == 8 {
		return g.turn8(row)
	}
	n := g.lanes
	r, t := make([]reg.VecVirtual, n), make([]reg.VecVirtual, n)
	for i := range n {
		r[i] = g.v()
		row(func(m operand.Mem) { g.VMOVUPS(m, r[i]) })
	}
	next := func(i int) reg.VecVirtual { t[i] = g.v(); return t[i] }
	for i := 0; i < n; i += 2 {
		g.VUNPCKLPS(r[i+1], r[i], next(i))
		g.VUNPCKHPS(r[i+1], r[i], next(i+1))
	}
	r, t = t, make([]reg.VecVirtual, n)
	for i := 0; i < n; i += 4 {
		g.VUNPCKLPD(r[i+2], r[i], next(i))
		g.VUNPCKHPD(r[i+2], r[i], next(i+1))
		g.VUNPCKLPD(r[i+3], r[i+1], next(i+2))
		g.VUNPCKHPD(r[i+3], r[i+1], next(i+3))
	}
	r, t = t, make([]reg.VecVirtual, n)
	// Now lane L of four of r[4i+c] has value 4L+c of the rows 4i to 4i+3.
	for c := range 4 {
		for half := range 2 {
			g.VSHUFF32X4(operand.Imm(0x88), r[8*half+4+c], r[8*half+c], next(8*half+c))
			g.VSHUFF32X4(operand.Imm(0xdd), r[8*half+4+c], r[8*half+c], next(8*half+4+c))
		}
	}
	r, t = t, make([]reg.VecVirtual, n)
	for c := range 4 {
		for odd := range 2 {
			g.VSHUFF32X4(operand.Imm(0x88), r[8+4*odd+c], r[4*odd+c], next(4*odd+c))
			g.VSHUFF32X4(operand.Imm(0xdd), r[8+4*odd+c], r[4*odd+c], next(8+4*odd+c))
		}
	}
	return t
}

// turn8 is turn for eight lanes: rows i and i+4 meet in one register as they are loaded, so that two rounds of shuffles do.
func (g *gen) turn8(row func(load func(m operand.Mem))) []reg.VecVirtual {
	var r, t [8]reg.VecVirtual // r[4h+i] holds values 4h to 4h+3 of rows i and i+4
	for i := range 8 {
		row(func(m operand.Mem) {
			for h := range 2 {
				m := m.Offset(16 * h)
				if i < 4 {
					r[4*h+i] = g.YMM()
					g.VMOVUPS(m, r[4*h+i].AsX())
				} else {
					v := r[4*h+i-4]
					g.VINSERTF128(operand.Imm(1), m, v, v)
				}
			}
		})
	}
	columns := make([]reg.VecVirtual, 8)
	for h := 0; h < 8; h += 4 {
		for i := h; i < h+4; i += 2 {
			t[i], t[i+1] = g.YMM(), r[i]
			g.VUNPCKLPS(r[i+1], r[i], t[i])
			g.VUNPCKHPS(r[i+1], r[i], t[i+1])
		}
		for c := h; c < h+4; c += 2 {
			a := h + c%4/2
			columns[c], columns[c+1] = g.YMM(), t[a]
			g.VUNPCKLPD(t[a+2], t[a], columns[c])
			g.VUNPCKHPD(t[a+2], t[a], columns[c+1])
		}
	}
	return columns
}

// fmaLoop keeps the multiply-add units busy: as many independent sums as hide their latency, of numbers with all bits in use. A loop
// over zeros would draw less power and run at a clock that no product ever sees.
func (g *gen) fmaLoop() {
	g.function("fmaLoop"+g.name, "func(n int)", "fmaLoop"+g.name+" does 12 multiply-adds of vectors n times, in registers alone.")
	n, loop := g.arg("n"), g.label("loop")
	sums, x, y := g.zeros(12), g.hold(0.7390851332151607), g.hold(-0.9159655941772190)
	for i, s := range sums {
		g.VMOVUPS(g.float(0.5772156649015329+float64(i)/7), s)
	}
	g.place(loop)
	for i, s := range sums {
		if i%2 == 0 {
			g.VFMADD213PS(x, y, s) // s = y·s + x stays below 1, and changes its bits until it settles
		} else {
			g.VFMADD231PS(x, y, s)
		}
	}
	g.DECQ(n)
	g.JNZ(loop)
	g.end()
}

// readLoop touches every value: four streams, a quarter of the whole each.
func (g *gen) readLoop() {
	g.function("readLoop"+g.name, "func(x *float32, n int)", "readLoop"+g.name+" reads four streams of n bytes, a multiple of 128 and not 0.")
	p, n, left, loop := []reg.GPVirtual{g.arg("x")}, g.arg("n"), g.GP64(), g.label("loop")
	for i := range 3 {
		p = append(p, g.GP64())
		g.LEAQ(operand.Mem{Base: p[i], Index: n, Scale: 1}, p[i+1])
	}
	sums := g.zeros(4)
	g.MOVQ(n, left)
	g.place(loop)
	for d := 0; d < 128; d += g.bytes() {
		for i := range p {
			g.VORPS(operand.Mem{Base: p[i], Disp: d}, sums[i], sums[i])
		}
	}
	for i := range p {
		g.SUBQ(operand.I8(-128), p[i])
	}
	g.SUBQ(operand.U32(128), left)
	g.JNZ(loop)
	g.end()
}
