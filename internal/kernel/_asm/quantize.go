package main

import (
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

// extent finds the range of values.
func (g *gen) extent() {
	g.function("extent"+g.name, "func(x *float32, n int, out *float32)",
		"extent"+g.name+" writes the smallest of x and 0, the largest, and 0 or NaN if a value is not finite, one vector each. n is a multiple of a vector and not 0.")
	x, n, out, loop := g.arg("x"), g.arg("n"), g.arg("out"), g.label("loop")
	zero, v := g.v(), g.v()
	r := g.zeros(3)
	g.zero(zero)
	g.place(loop)
	g.VMOVUPS(operand.Mem{Base: x}, v)
	g.VMINPS(v, r[0], r[0])
	g.VMAXPS(v, r[1], r[1])
	g.VMULPS(v, zero, v)
	g.VADDPS(v, r[2], r[2])
	g.ADDQ(operand.Imm(uint64(g.bytes())), x)
	g.SUBQ(operand.Imm(uint64(g.lanes)), n)
	g.JNZ(loop)
	for i := range r {
		g.VMOVUPS(r[i], operand.Mem{Base: out, Disp: i * g.bytes()})
	}
	g.end()
}

// toBytes rounds x·inverse + offset to uint8, eight values at once.
func (g *gen) toBytes() {
	g.function("toBytes"+g.name, "func(dst *byte, x *float32, n int, inverse, offset float32)",
		"toBytes"+g.name+" writes x·inverse + offset as uint8, rounded half to even and saturated. n is a multiple of a vector and not 0.")
	dst, x, n, loop := g.arg("dst"), g.arg("x"), g.arg("n"), g.label("loop")
	inverse, offset, v := g.spread("inverse"), g.spread("offset"), g.YMM()
	lo, hi := g.XMM(), g.XMM()
	g.place(loop)
	g.VMULPS(operand.Mem{Base: x}, inverse, v)
	g.VADDPS(v, offset, v)
	g.VCVTPS2DQ(v, v)
	g.VEXTRACTI128(operand.Imm(1), v, hi)
	g.VEXTRACTI128(operand.Imm(0), v, lo)
	g.VPACKUSDW(hi, lo, lo)
	g.VPACKUSWB(lo, lo, lo)
	g.VMOVQ(lo, operand.Mem{Base: dst})
	g.ADDQ(operand.Imm(8), dst)
	g.ADDQ(operand.Imm(32), x)
	g.SUBQ(operand.Imm(8), n)
	g.JNZ(loop)
	g.end()
}

// rescale finishes the sums of products of bytes.
func (g *gen) rescale() {
	g.function("rescale"+g.name, "func(t *byte, h int)",
		"rescale"+g.name+" turns h rows of sums of integers, without gaps at t.from, into (sum - zero·sums)·rows·scale + bias + residual at t.c.")
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
	loop, plain := g.label("loop"), g.label("plain")
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
