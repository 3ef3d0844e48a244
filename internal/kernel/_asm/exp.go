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
		g.relu6()
		g.hardSwish()
		g.gate()
		g.geluTanh()
		g.gelu()
	}
}

// Bounds of the argument of exp, beyond which the result is 0 and Inf.
const expLow, expHigh = -105, 89

// exp(x) = 1 + x + x²·p(x) near 0; the highest power first.
var expPolynomial = []float64{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

// exp replaces each of x by its exponential: x = n·ln 2 + r, and a polynomial for r (Cephes' expf: about 1 ulp). low and high hold the
// bounds; they are first operands of min and max because these return the second when one is NaN.
func (g *gen) exp(low, high reg.VecVirtual, x ...reg.VecVirtual) {
	n := g.vs(len(x))
	for i, x := range x {
		g.VMAXPS(x, low, x)
		g.VMINPS(x, high, x)
		g.VMULPS(g.float(math.Log2E), x, n[i])
		if g.lanes == 16 {
			g.VRNDSCALEPS(operand.Imm(0), n[i], n[i])
		} else {
			g.VROUNDPS(operand.Imm(0), n[i], n[i])
		}
	}
	for _, part := range []float64{0.693359375, -2.12194440e-4} {
		for i := range x {
			g.VFNMADD231PS(g.float(part), n[i], x[i])
		}
	}
	p := g.horner(x, expPolynomial)
	for i, x := range x {
		square := g.v()
		g.VMULPS(x, x, square)
		g.VFMADD213PS(x, square, p[i])
		g.VADDPS(g.float(1), p[i], p[i])
	}
	for i, x := range x {
		if g.lanes == 16 {
			g.VSCALEFPS(n[i], p[i], x)
			continue
		}
		// 2ⁿ in two factors, so that subnormal results and overflow come out right.
		g.VCVTPS2DQ(n[i], n[i])
		g.VPSRAD(operand.Imm(1), n[i], x)
		g.VPSUBD(x, n[i], n[i])
		for _, e := range []reg.VecVirtual{x, n[i]} {
			g.VPADDD(g.repeated(127), e, e)
			g.VPSLLD(operand.Imm(23), e, e)
			g.VMULPS(e, p[i], p[i])
		}
		g.VMOVAPS(p[i], x)
	}
}

func (g *gen) expSum() {
	g.function("expSum"+g.name, "func(dst, x *float32, n int, s, top float32) float32", "expSum"+g.name+" writes exp(s·x - top) and returns the sum.")
	dst, p, s, top, accs := g.arg("dst"), g.arg("x"), g.spread("s"), g.spread("top"), g.zeros(2)
	low, high := g.hold(expLow), g.hold(expHigh)
	g.abreast(g.arg("n"), len(accs), func(at []place, m *mask) {
		x := g.loads(at, p, m)
		for _, x := range x {
			g.VFMSUB213PS(top, s, x)
		}
		g.exp(low, high, x...)
		for i, x := range x {
			g.store(x, at[i](dst), m)
			g.keep(x, m)
			g.VADDPS(x, accs[i], accs[i])
		}
	})
	g.fold(accs, func(a, b, to operand.Op) { g.VADDPS(a, b, to) })
	g.end()
}

func (g *gen) relu() {
	g.function("relu"+g.name, "func(dst, x *float32, n int)", "relu"+g.name+" writes max(x, 0), NaN for NaN.")
	dst, p, zero := g.arg("dst"), g.arg("x"), g.zeros(1)[0]
	g.walk(g.arg("n"), 1, func(at place, _ int, m *mask) {
		x := g.load(at(p), m)
		g.VMAXPS(x, zero, x)
		g.store(x, at(dst), m)
	})
	g.end()
}

func (g *gen) relu6() {
	g.function("relu6"+g.name, "func(dst, x *float32, n int)", "relu6"+g.name+" writes min(max(x, 0), 6), NaN for NaN.")
	dst, p, zero, six := g.arg("dst"), g.arg("x"), g.zeros(1)[0], g.hold(6)
	g.walk(g.arg("n"), 1, func(at place, _ int, m *mask) {
		x := g.load(at(p), m)
		g.VMAXPS(x, zero, x)
		g.VMINPS(x, six, x)
		g.store(x, at(dst), m)
	})
	g.end()
}

func (g *gen) hardSwish() {
	g.function("hardSwish"+g.name, "func(dst, x *float32, n int)", "hardSwish"+g.name+" writes x·min(max(x + 3, 0), 6)/6.")
	dst, p, zero, six, three, sixth := g.arg("dst"), g.arg("x"), g.zeros(1)[0], g.hold(6), g.hold(3), g.hold(1.0/6)
	g.walk(g.arg("n"), 1, func(at place, _ int, m *mask) {
		x, y := g.load(at(p), m), g.v()
		g.VADDPS(three, x, y)
		g.VMAXPS(y, zero, y)
		g.VMINPS(y, six, y)
		g.VMULPS(sixth, x, x)
		g.VMULPS(y, x, x)
		g.store(x, at(dst), m)
	})
	g.end()
}

// gates writes x/(1 + exp(y)), where exponent sets y, and ends the function.
func (g *gen) gates(exponent func(x, y reg.VecVirtual)) {
	dst, p := g.arg("dst"), g.arg("x")
	low, high := g.hold(expLow), g.hold(expHigh)
	g.abreast(g.arg("n"), 3, func(at []place, m *mask) {
		e := g.vs(len(at))
		for i, a := range at {
			exponent(g.load(a(p), m), e[i])
		}
		g.exp(low, high, e...)
		for i, a := range at {
			x := g.load(a(p), m)
			g.VADDPS(g.float(1), e[i], e[i])
			g.VDIVPS(e[i], x, x)
			g.store(x, a(dst), m)
		}
	})
	g.end()
}

// gate is SiLU for s = -1 and QuickGELU for s = -1.702.
func (g *gen) gate() {
	g.function("gate"+g.name, "func(dst, x *float32, n int, s float32)", "gate"+g.name+" writes x/(1 + exp(s·x)).")
	s := g.spread("s")
	g.gates(func(x, y reg.VecVirtual) { g.VMULPS(s, x, y) })
}

func (g *gen) geluTanh() {
	g.function("geluTanh"+g.name, "func(dst, x *float32, n int)", "geluTanh"+g.name+" writes x/(1 + exp(-2√(2/π)·(x + 0.044715·x³))).")
	k := -2 * math.Sqrt(2/math.Pi)
	g.gates(func(x, y reg.VecVirtual) {
		inner := g.hold(0.044715 * k)
		g.VMULPS(x, x, y)
		g.VFMADD213PS(g.float(k), y, inner) // k + 0.044715·k·x²
		g.VMULPS(x, inner, y)
	})
}

// erfc(z)·exp(z²)/2 = t·p(t) for t = 1/(1 + 0.43·z), coefficients from the highest down: fitted to a relative error of 9e-8 for z of 0
// to 9.6, beyond which exp(-z²) vanishes.
const erfcSlope = 0.43

var erfcPolynomial = []float64{0.03684134511, -0.1551337936, 0.1917610806, -0.04277777272, 0.1233768266, 0.1024894265, 0.1221854772, 0.1212574518}

// gelu is x·Φ(x), where Φ(-|x|) = erfc(|x|/√2)/2.
func (g *gen) gelu() {
	g.function("gelu"+g.name, "func(dst, x *float32, n int)", "gelu"+g.name+" writes x·Φ(x).")
	dst, p := g.arg("dst"), g.arg("x")
	low, magic, one := g.hold(powerLow), g.hold(powerMagic), g.hold(1)
	g.abreast(g.arg("n"), 4, func(at []place, m *mask) {
		e := g.vs(len(at))
		for i, a := range at {
			x := g.load(a(p), m)
			g.VMULPS(x, x, e[i])
			g.VMULPS(g.float(-math.Log2E/2), e[i], e[i])
		}
		g.power(low, magic, e...)
		t := g.loads(at, p, m)
		for _, t := range t {
			g.VANDPS(g.repeated(math.MaxInt32), t, t)
			g.VFMADD132PS(g.float(erfcSlope/math.Sqrt2), one, t) // t·c + 1
			g.VDIVPS(t, one, t)
		}
		q := g.horner(t, erfcPolynomial)
		for i := range q {
			g.VMULPS(t[i], e[i], e[i])
		}
		for i := range q {
			g.VMULPS(e[i], q[i], q[i]) // Φ(-|x|)
		}
		for i, a := range at {
			x, rest := g.load(a(p), m), t[i]
			g.VSUBPS(q[i], one, rest)
			if g.lanes == 16 {
				g.VPMOVD2M(x, reg.K2)
				g.VBLENDMPS(q[i], rest, reg.K2, q[i])
			} else {
				g.VBLENDVPS(x, q[i], rest, q[i])
			}
			g.VMULPS(q[i], x, x)
			g.store(x, a(dst), m)
		}
	})
	g.end()
}
