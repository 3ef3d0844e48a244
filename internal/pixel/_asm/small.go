package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// smaller is what thumbnails are made by.
func (g *gen) smaller() {
	g.halve()
	g.forward()
}

func (g *gen) halve() {
	g.function("halveAVX2", "func(dst, up, down *uint8, n int)",
		"writes n pixels, a positive multiple of 4, each the mean of two by two. It reads 4 bytes behind the last ones, and writes 2.")
	dst, up, down, n := g.arg("dst"), g.arg("up"), g.arg("down"), g.arg("n")
	pairs := g.hold(g.bytes(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, 0x80, 0x80, 0x80, 0x80))
	ones, two := g.hold(g.bytes(1)), g.hold(g.words(2))
	loop := g.label("loop")
	g.place(loop)
	sums := func(p reg64) vec {
		v := g.YMM()
		g.VMOVDQU(operand.Mem{Base: p}, v.AsX())
		g.VINSERTI128(operand.Imm(1), operand.Mem{Base: p, Disp: 12}, v, v)
		g.VPSHUFB(pairs, v, v)
		g.VPMADDUBSW(ones, v, v)
		g.ADDQ(operand.Imm(24), p)
		return v
	}
	a, b := sums(up), sums(down)
	g.VPADDW(b, a, a)
	g.VPADDW(two, a, a)
	g.VPSRLW(operand.Imm(2), a, a)
	g.VPACKUSWB(a, a, a)
	g.VMOVQ(a.AsX(), operand.Mem{Base: dst})
	g.VEXTRACTI128(operand.Imm(1), a, a.AsX())
	g.VMOVQ(a.AsX(), operand.Mem{Base: dst, Disp: 6})
	g.ADDQ(operand.Imm(12), dst)
	g.SUBQ(operand.Imm(4), n)
	g.JNE(loop)
	g.end()
}

// float is a read-only vector of one number.
func (g *gen) float(v float32) operand.Mem { return g.longs(int(math.Float32bits(v))) }

func (g *gen) forward() {
	g.function("forwardAVX2", "func(dst *int16, src, factors *float32)", "is Forward.")
	dst, src, factors := g.arg("dst"), g.arg("src"), g.arg("factors")
	var x [8]vec
	for i := range x {
		x[i] = g.YMM()
		g.VMOVUPS(operand.Mem{Base: src, Disp: 32 * i}, x[i])
	}
	x = g.cosines(g.turn(g.cosines(x)))
	for i := 0; i < 8; i += 2 {
		for j := i; j < i+2; j++ {
			g.VMULPS(operand.Mem{Base: factors, Disp: 32 * j}, x[j], x[j])
			g.VADDPS(g.float(16384.5), x[j], x[j])
			g.VCVTTPS2DQ(x[j], x[j])
			g.VPSUBD(g.longs(16384), x[j], x[j])
		}
		g.VPACKSSDW(x[i+1], x[i], x[i])
		g.VPERMQ(operand.Imm(0xd8), x[i], x[i])
		g.VMOVDQU(x[i], operand.Mem{Base: dst, Disp: 16 * i})
	}
	g.end()
}

// cosines transforms columns, by the method of Arai, Agui and Nakajima.
func (g *gen) cosines(x [8]vec) [8]vec {
	add := func(a, b vec) vec { v := g.YMM(); g.VADDPS(b, a, v); return v }
	sub := func(a, b vec) vec { v := g.YMM(); g.VSUBPS(b, a, v); return v }
	mul := func(a vec, c float32) vec { v := g.YMM(); g.VMULPS(g.float(c), a, v); return v }
	s0, d0 := add(x[0], x[7]), sub(x[0], x[7])
	s1, d1 := add(x[1], x[6]), sub(x[1], x[6])
	s2, d2 := add(x[2], x[5]), sub(x[2], x[5])
	s3, d3 := add(x[3], x[4]), sub(x[3], x[4])
	a, b, c, d := add(s0, s3), add(s1, s2), sub(s1, s2), sub(s0, s3)
	z := mul(add(c, d), 0.707106781)
	x[0], x[4], x[2], x[6] = add(a, b), sub(a, b), add(d, z), sub(d, z)
	a, b, c = add(d3, d2), add(d2, d1), add(d1, d0)
	z5 := mul(sub(a, c), 0.382683433)
	z2, z4, z3 := add(mul(a, 0.541196100), z5), add(mul(c, 1.306562965), z5), mul(b, 0.707106781)
	up, down := add(d0, z3), sub(d0, z3)
	x[5], x[3], x[1], x[7] = add(down, z2), sub(down, z2), add(up, z4), sub(up, z4)
	return x
}

// turn makes columns rows.
func (g *gen) turn(x [8]vec) (out [8]vec) {
	var t [8]vec
	for i := 0; i < 8; i += 2 {
		t[i], t[i+1] = g.YMM(), g.YMM()
		g.VUNPCKLPS(x[i+1], x[i], t[i])
		g.VUNPCKHPS(x[i+1], x[i], t[i+1])
	}
	for i := 0; i < 8; i += 4 {
		for h := range 2 {
			lo, hi := g.YMM(), g.YMM()
			g.VSHUFPS(operand.Imm(0x44), t[i+2+h], t[i+h], lo)
			g.VSHUFPS(operand.Imm(0xee), t[i+2+h], t[i+h], hi)
			x[i+2*h], x[i+2*h+1] = lo, hi
		}
	}
	for i := range 4 {
		out[i], out[4+i] = g.YMM(), g.YMM()
		g.VPERM2F128(operand.Imm(0x20), x[4+i], x[i], out[i])
		g.VPERM2F128(operand.Imm(0x31), x[4+i], x[i], out[4+i])
	}
	return out
}
