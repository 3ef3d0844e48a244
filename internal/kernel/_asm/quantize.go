package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// quantize writes the kernels that bring rows to bytes, and products of bytes back.
func quantize(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		g.extent()
		g.toBytes()
		g.rescale()
		g.dotLoopAVX2()
	}
}

// finish writes the kernels that bring the sums of another one to C.
func finish(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		g.rescale()
		g.settle()
	}
}

// extent finds the range of values: four running ranges hide the latency of the third instruction.
func (g *gen) extent() {
	g.function("extent"+g.name, "func(x *float32, n int, out *float32)",
		"extent"+g.name+" writes the smallest of x and 0, the largest, and 0 or NaN if a value is not finite, one vector each. n is a multiple of a vector and not 0.")
	x, n, out, zero := g.arg("x"), g.arg("n"), g.arg("out"), g.zeros(1)[0]
	lo, hi, poison := g.zeros(4), g.zeros(4), g.zeros(4)
	g.fours(n, func(vectors int) {
		for i := range vectors {
			v := g.v()
			g.VMOVUPS(at(x, i*g.bytes()), v)
			g.VMINPS(v, lo[i], lo[i])
			g.VMAXPS(v, hi[i], hi[i])
			g.VMULPS(v, zero, v)
			g.VADDPS(v, poison[i], poison[i])
		}
		g.ADDQ(operand.U32(vectors*g.bytes()), x)
	})
	for i := 3; i > 0; i-- {
		g.VMINPS(lo[i], lo[0], lo[0])
		g.VMAXPS(hi[i], hi[0], hi[0])
		g.VADDPS(poison[i], poison[0], poison[0])
	}
	for i, r := range []reg.VecVirtual{lo[0], hi[0], poison[0]} {
		g.VMOVUPS(r, at(out, i*g.bytes()))
	}
	g.end()
}

// fours calls body for four vectors at a time, then for one, until n values are done: n is a multiple of a vector and not 0.
func (g *gen) fours(n reg.GPVirtual, body func(vectors int)) {
	four, one, done := g.label("four"), g.label("one"), g.label("done")
	g.SUBQ(operand.Imm(uint64(4*g.lanes)), n)
	g.JL(one)
	g.place(four)
	body(4)
	g.SUBQ(operand.Imm(uint64(4*g.lanes)), n)
	g.JGE(four)
	g.place(one)
	g.ADDQ(operand.Imm(uint64(4*g.lanes)), n)
	g.JZ(done)
	single := g.label("single")
	g.place(single)
	body(1)
	g.SUBQ(operand.Imm(uint64(g.lanes)), n)
	g.JNZ(single)
	g.place(done)
}

// toBytes rounds x·inverse + offset to uint8, on registers of eight lanes.
func (g *gen) toBytes() {
	g.function("toBytes"+g.name, "func(dst *byte, x *float32, n int, inverse, offset float32)",
		"toBytes"+g.name+" writes x·inverse + offset as uint8, rounded half to even and saturated. n is a multiple of a vector and not 0.")
	dst, x, n := g.arg("dst"), g.arg("x"), g.arg("n")
	inverse, offset, order := g.spread("inverse"), g.spread("offset"), g.YMM()
	table := g.StaticGlobal("order") // packing goes by halves of a register: four bytes each lie as 0 2 4 6, 1 3 5 7
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, from := range []int{0, 4, 1, 5, 2, 6, 3, 7} {
		g.AddDatum(4*i, operand.U32(from))
	}
	g.VMOVDQU(table, order)
	g.fours(n, func(vectors int) {
		v := make([]reg.VecVirtual, vectors)
		for i := range v {
			v[i] = g.YMM()
			g.VMULPS(at(x, i*g.bytes()), inverse, v[i])
			g.VADDPS(v[i], offset, v[i])
			g.VCVTPS2DQ(v[i], v[i])
		}
		if vectors == 4 {
			g.VPACKUSDW(v[1], v[0], v[0])
			g.VPACKUSDW(v[3], v[2], v[2])
			g.VPACKUSWB(v[2], v[0], v[0])
			g.VPERMD(v[0], order, v[0])
			g.VMOVDQU(v[0], at(dst, 0))
		} else {
			lo, hi := v[0].AsX(), g.XMM()
			g.VEXTRACTI128(operand.Imm(1), v[0], hi)
			g.VPACKUSDW(hi, lo, lo)
			g.VPACKUSWB(lo, lo, lo)
			g.VMOVQ(lo, at(dst, 0))
		}
		g.ADDQ(operand.Imm(uint64(vectors*g.lanes)), dst)
		g.ADDQ(operand.U32(vectors*g.bytes()), x)
	})
	g.end()
}

// rescale finishes the sums of products of bytes.
func (g *gen) rescale() {
	g.function("rescale"+g.name, "func(t *byte, h int)",
		"rescale"+g.name+" turns h rows of sums of integers, without gaps at t.from, into clip((sum - zero·sums)·rows·scale + bias) + residual at t.c.")
	t, h := g.arg("t"), g.arg("h")
	field := func(off int) reg.GPVirtual {
		r := g.GP64()
		g.MOVQ(operand.Mem{Base: t, Disp: off}, r)
		return r
	}
	at := func(p reg.Register, j int) operand.Mem { return operand.Mem{Base: p, Disp: j * g.bytes()} }
	from, c, ldc := field(tileFrom), field(tileC), field(tileLDC)
	rows, zero := field(tileRows), field(tileZero)
	columns, scale, bias, residual, ldr := field(tileSums), field(tileScale), field(tileBias), field(tileResidual), field(tileLDR)
	var scales, sums [2]reg.VecVirtual
	for j := range 2 {
		scales[j], sums[j] = g.v(), g.v()
		g.VMOVUPS(at(scale, j), scales[j])
		g.VMOVUPS(at(columns, j), sums[j])
	}
	biases := g.optional(bias)
	clip, low, high, free := field(tileClip), g.v(), g.v(), g.label("free")
	g.TESTQ(clip, clip)
	g.JZ(free)
	g.VBROADCASTSS(operand.Mem{Base: clip}, low)
	g.VBROADCASTSS(operand.Mem{Base: clip, Disp: 4}, high)
	g.place(free)
	loop, plain, all := g.label("loop"), g.label("plain"), g.label("all")
	g.place(loop)
	r, z := g.v(), g.v()
	g.VBROADCASTSS(operand.Mem{Base: rows}, r)
	g.VBROADCASTSS(operand.Mem{Base: zero}, z)
	var v [2]reg.VecVirtual
	for j := range 2 {
		v[j] = g.v()
		s := g.v()
		g.VPMULLD(sums[j], z, s)
		g.VMOVUPS(at(from, j), v[j])
		g.VPSUBD(s, v[j], v[j])
		g.VCVTDQ2PS(v[j], v[j])
		g.VMULPS(r, scales[j], s)
		g.VMULPS(s, v[j], v[j])
		g.VADDPS(biases[j], v[j], v[j])
	}
	g.TESTQ(clip, clip)
	g.JZ(all)
	for j := range 2 {
		g.VMAXPS(v[j], low, v[j])
		g.VMINPS(v[j], high, v[j])
	}
	g.place(all)
	g.addResidual(residual, ldr, v, plain)
	for j := range 2 {
		g.VMOVUPS(v[j], at(c, j))
	}
	g.ADDQ(operand.Imm(uint64(2*g.bytes())), from)
	g.ADDQ(ldc, c)
	g.ADDQ(operand.Imm(4), rows)
	g.ADDQ(operand.Imm(4), zero)
	g.DECQ(h)
	g.JNZ(loop)
	g.end()
}

// settle finishes sums of floats that a kernel left without bias and residual.
func (g *gen) settle() {
	g.function("settle"+g.name, "func(t *byte, h int)",
		"settle"+g.name+" turns h rows of sums, without gaps at t.from, into sum + bias + residual at t.c.")
	t, h := g.arg("t"), g.arg("h")
	field := func(off int) reg.GPVirtual {
		r := g.GP64()
		g.MOVQ(operand.Mem{Base: t, Disp: off}, r)
		return r
	}
	from, c, ldc := field(tileFrom), field(tileC), field(tileLDC)
	bias, residual, ldr := field(tileBias), field(tileResidual), field(tileLDR)
	biases := g.optional(bias)
	loop, plain := g.label("loop"), g.label("plain")
	g.place(loop)
	var v [2]reg.VecVirtual
	for j := range 2 {
		v[j] = g.v()
		g.VADDPS(operand.Mem{Base: from, Disp: j * g.bytes()}, biases[j], v[j])
	}
	g.addResidual(residual, ldr, v, plain)
	for j := range 2 {
		g.VMOVUPS(v[j], operand.Mem{Base: c, Disp: j * g.bytes()})
	}
	g.ADDQ(operand.U32(2*g.bytes()), from)
	g.ADDQ(ldc, c)
	g.DECQ(h)
	g.JNZ(loop)
	g.end()
}

// optional is two vectors of values, zero where there are none.
func (g *gen) optional(values reg.Register) (v [2]reg.VecVirtual) {
	none := g.label("none")
	for j := range 2 {
		v[j] = g.v()
		g.zero(v[j])
	}
	g.TESTQ(values, values)
	g.JZ(none)
	for j := range 2 {
		g.VMOVUPS(operand.Mem{Base: values, Disp: j * g.bytes()}, v[j])
	}
	g.place(none)
	return v
}

// addResidual adds a row of the residual to v, if there is one, and steps to the next row.
func (g *gen) addResidual(residual, ldr reg.Register, v [2]reg.VecVirtual, plain operand.LabelRef) {
	g.TESTQ(residual, residual)
	g.JZ(plain)
	for j := range 2 {
		g.VADDPS(operand.Mem{Base: residual, Disp: j * g.bytes()}, v[j], v[j])
	}
	g.ADDQ(ldr, residual)
	g.place(plain)
}
