package main

import (
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func exponential(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		g.expSum()
		g.relu()
		g.gate()
		g.geluTanh()
		g.gelu()
	}
}

// Bounds of the argument of exp, beyond which the result is 0 and Inf.
const expLow, expHigh = -105, 89

// exp(x) = 1 + x + x²·p(x) near 0; the highest power first.
var expPolynomial = []float64{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

// exp replaces x by its exponential: x = n·ln 2 + r, and a polynomial for r (Cephes' expf: about 1 ulp). low and high hold the bounds;
// they are first operands of min and max because these return the second when one is NaN.
func (g *gen) exp(x, low, high reg.VecVirtual) {
	n, p, square := g.v(), g.v(), g.v()
	g.VMAXPS(x, low, x)
	g.VMINPS(x, high, x)
	g.VMULPS(g.float(math.Log2E), x, n)
	if g.lanes == 16 {
		g.VRNDSCALEPS(operand.Imm(0), n, n)
	} else {
		g.VROUNDPS(operand.Imm(0), n, n)
	}
	g.VFNMADD231PS(g.float(0.693359375), n, x)
	g.VFNMADD231PS(g.float(-2.12194440e-4), n, x)
	g.VMOVUPS(g.float(expPolynomial[0]), p)
	for _, c := range expPolynomial[1:] {
		g.VFMADD213PS(g.float(c), x, p)
	}
	g.VMULPS(x, x, square)
	g.VFMADD213PS(x, square, p)
	g.VADDPS(g.float(1), p, p)
	if g.lanes == 16 {
		g.VSCALEFPS(n, p, x)
		return
	}
	// 2ⁿ in two factors, so that subnormal results and overflow come out right.
	half := g.v()
	g.VCVTPS2DQ(n, n)
	g.VPSRAD(operand.Imm(1), n, half)
	g.VPSUBD(half, n, n)
	for _, e := range []reg.VecVirtual{half, n} {
		g.VPADDD(g.repeated(127), e, e)
		g.VPSLLD(operand.Imm(23), e, e)
		g.VMULPS(e, p, p)
	}
	g.VMOVAPS(p, x)
}

func (g *gen) expSum() {
	g.function("expSum"+g.name, "func(dst, x *float32, n int, s, top float32) float32", "expSum"+g.name+" writes exp(s·x - top) and returns the sum.")
	dst, p, s, top, accs := g.arg("dst"), g.arg("x"), g.spread("s"), g.spread("top"), g.zeros(2)
	low, high := g.hold(expLow), g.hold(expHigh)
	g.walk(g.arg("n"), 2, func(at func(reg.Register) operand.Mem, acc int, m *mask) {
		x := g.load(at(p), m)
		g.VFMSUB213PS(top, s, x)
		g.exp(x, low, high)
		g.store(x, at(dst), m)
		g.keep(x, m)
		g.VADDPS(x, accs[acc], accs[acc])
	})
	g.fold(accs, func(a, b, to operand.Op) { g.VADDPS(a, b, to) })
	g.end()
}

func (g *gen) relu() {
	g.function("relu"+g.name, "func(dst, x *float32, n int)", "relu"+g.name+" writes max(x, 0), NaN for NaN.")
	dst, p, zero := g.arg("dst"), g.arg("x"), g.zeros(1)[0]
	g.walk(g.arg("n"), 1, func(at func(reg.Register) operand.Mem, _ int, m *mask) {
		x := g.load(at(p), m)
		g.VMAXPS(x, zero, x)
		g.store(x, at(dst), m)
	})
	g.end()
}

// gate is SiLU for s = -1 and QuickGELU for s = -1.702.
func (g *gen) gate() {
	g.function("gate"+g.name, "func(dst, x *float32, n int, s float32)", "gate"+g.name+" writes x/(1 + exp(s·x)).")
	dst, p, s := g.arg("dst"), g.arg("x"), g.spread("s")
	low, high := g.hold(expLow), g.hold(expHigh)
	g.walk(g.arg("n"), 1, func(at func(reg.Register) operand.Mem, _ int, m *mask) {
		x, e := g.load(at(p), m), g.v()
		g.VMULPS(s, x, e)
		g.exp(e, low, high)
		g.VADDPS(g.float(1), e, e)
		g.VDIVPS(e, x, x)
		g.store(x, at(dst), m)
	})
	g.end()
}

func (g *gen) geluTanh() {
	g.function("geluTanh"+g.name, "func(dst, x *float32, n int)", "geluTanh"+g.name+" writes x/(1 + exp(-2√(2/π)·(x + 0.044715·x³))).")
	dst, p := g.arg("dst"), g.arg("x")
	low, high := g.hold(expLow), g.hold(expHigh)
	k := -2 * math.Sqrt(2/math.Pi)
	g.walk(g.arg("n"), 1, func(at func(reg.Register) operand.Mem, _ int, m *mask) {
		x, e, inner := g.load(at(p), m), g.v(), g.hold(0.044715*k)
		g.VMULPS(x, x, e)
		g.VFMADD213PS(g.float(k), e, inner) // k + 0.044715·k·x²
		g.VMULPS(x, inner, e)
		g.exp(e, low, high)
		g.VADDPS(g.float(1), e, e)
		g.VDIVPS(e, x, x)
		g.store(x, at(dst), m)
	})
	g.end()
}

// erfc(z)·exp(z²) = t·Σcᵢ·tⁱ for t = 1/(1 + 0.4·z), fitted to a relative error of 8e-9 for z of 0 to 10.
var erfcPolynomial = []float64{0.22570691601790613, 0.224951879149476, 0.21492038143573275, 0.12967316111725163, 0.2720862373148636,
	-0.28440651902043684, 0.5474864005697199, -0.49885196785146085, 0.19803136623614184, -0.029597847152212566}

// gelu is x·Φ(x), where Φ(-|x|) = erfc(|x|/√2)/2.
func (g *gen) gelu() {
	g.function("gelu"+g.name, "func(dst, x *float32, n int)", "gelu"+g.name+" writes x·Φ(x).")
	dst, p := g.arg("dst"), g.arg("x")
	low, high := g.hold(expLow), g.hold(expHigh)
	g.walk(g.arg("n"), 1, func(at func(reg.Register) operand.Mem, _ int, m *mask) {
		x, t, e, q := g.load(at(p), m), g.v(), g.v(), g.v()
		g.VANDPS(g.repeated(math.MaxInt32), x, t)
		g.VMOVUPS(g.float(1), q)
		g.VFMADD132PS(g.float(0.4/math.Sqrt2), q, t) // t·c + 1
		g.VDIVPS(t, q, t)
		n := len(erfcPolynomial)
		g.VMOVUPS(g.float(erfcPolynomial[n-1]/2), q)
		for i := n - 2; i >= 0; i-- {
			g.VFMADD213PS(g.float(erfcPolynomial[i]/2), t, q)
		}
		g.VMULPS(t, q, q)
		g.VMULPS(x, x, e)
		g.VMULPS(g.float(-0.5), e, e)
		g.exp(e, low, high)
		g.VMULPS(e, q, q) // Φ(-|x|)
		one := g.hold(1)
		g.VSUBPS(q, one, one)
		if g.lanes == 16 {
			g.VPMOVD2M(x, reg.K2)
			g.VBLENDMPS(q, one, reg.K2, q)
		} else {
			g.VBLENDVPS(x, q, one, q)
		}
		g.VMULPS(q, x, x)
		g.store(x, at(dst), m)
	})
	g.end()
}
