package main

import (
	"github.com/mmcloughlin/avo/operand"
)

func (g *gen) interpolate() {
	g.function("values", "func(dst, x, bank *float32, taps, n, phase, whole, rest, phases int, scale float64)",
		"writes n values, 1 at least. From one to the next it goes on by whole samples and rest of phases.")
	dst, x, bank, taps, n := g.arg("dst"), g.arg("x"), g.arg("bank"), g.arg("taps"), g.arg("n")
	phase, whole, rest, phases := g.arg("phase"), g.arg("whole"), g.arg("rest"), g.arg("phases")
	scale := g.XMM()
	g.VMOVSD(g.param("scale"), scale)
	g.SHLQ(operand.Imm(2), taps) // bytes from here on
	g.SHLQ(operand.Imm(2), whole)
	g.times(n, func() {
		place, row, part, whole1 := g.XMM(), g.GP64(), g.YMM(), g.XMM()
		g.VXORPD(place, place, place)
		g.VCVTSI2SDQ(phase, place, place)
		g.VMULSD(scale, place, place)
		g.VCVTTSD2SIQ(place, row)
		g.VXORPD(whole1, whole1, whole1)
		g.VCVTSI2SDQ(row, whole1, whole1)
		g.VSUBSD(whole1, place, place)
		g.VCVTSD2SS(place, place, place)
		g.VBROADCASTSS(place, part)
		g.IMULQ(taps, row)
		g.ADDQ(bank, row)

		sum, t, next := g.YMM(), g.GP64(), g.GP64()
		g.VXORPS(sum, sum, sum)
		g.LEAQ(add(row, taps, 1), next)
		g.XORQ(t, t)
		loop := g.label("taps")
		g.place(loop)
		low, between := g.hold(add(row, t, 1)), g.hold(add(next, t, 1))
		g.VSUBPS(low, between, between)
		g.VFMADD231PS(between, part, low)
		g.VFMADD231PS(add(x, t, 1), low, sum)
		g.ADDQ(operand.Imm(32), t)
		g.CMPQ(t, taps)
		g.JLT(loop)

		half := g.XMM()
		g.VEXTRACTF128(operand.Imm(1), sum, half)
		g.VADDPS(half, sum.AsX(), half)
		g.VMOVHLPS(half, half, sum.AsX())
		g.VADDPS(sum.AsX(), half, half)
		g.VMOVSHDUP(half, sum.AsX())
		g.VADDSS(sum.AsX(), half, half)
		g.VMOVSS(half, at(dst, 0))
		g.ADDQ(operand.Imm(4), dst)

		less, further := g.GP64(), g.GP64()
		g.ADDQ(whole, x)
		g.ADDQ(rest, phase)
		g.MOVQ(phase, less)
		g.LEAQ(at(x, 4), further)
		g.SUBQ(phases, less)
		g.CMOVQGE(less, phase)
		g.CMOVQGE(further, x)
	})
	g.end()
}
