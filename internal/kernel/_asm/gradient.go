package main

import (
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func gradients(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		g.geluGrad()
		g.gateGrad()
		g.normSums()
		g.normGrad()
		g.panelOf()
		g.adam()
	}
}

// geluGrad is dy·(Φ(x) + x·φ(x)), with Φ as gelu has it and φ(x) = exp(-x²/2)/√2π. A subnormal exponential may be 0.
func (g *gen) geluGrad() {
	g.function("geluGrad"+g.name, "func(dst, dy, x *float32, n int)", "geluGrad"+g.name+" writes dy·(Φ(x) + x·φ(x)).")
	dst, dy, p := g.arg("dst"), g.arg("dy"), g.arg("x")
	low, magic, one := g.hold(powerLow), g.hold(powerMagic), g.hold(1)
	g.abreast(g.arg("n"), 3, func(at []place, m *mask) {
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
			g.VFMADD132PS(g.float(erfcSlope/math.Sqrt2), one, t)
			g.VDIVPS(t, one, t)
		}
		q := g.horner(t, erfcPolynomial)
		for i := range q {
			g.VMULPS(t[i], q[i], q[i])
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
			g.VMULPS(g.float(1/math.Sqrt(2*math.Pi)), e[i], e[i])
			g.VFMADD231PS(x, e[i], q[i])
			d := g.load(a(dy), m)
			g.VMULPS(d, q[i], d)
			g.store(d, a(dst), m)
		}
	})
	g.end()
}

// gateGrad is dy·(σ + x·v'·σ·(1-σ)) for σ = 1/(1 + exp(-v)) and v = -s·x·(1 + cube·x²), as [ActivateGrad] of package kernel has it. Beyond
// ±30 σ is 0 or 1 for float32.
func (g *gen) gateGrad() {
	g.function("gateGrad"+g.name, "func(dst, dy, x *float32, n int, s, cube float32)", "gateGrad"+g.name+" writes dy by the derivative of x/(1 + exp(s·x·(1 + cube·x²))).")
	dst, dy, p, s, cube := g.arg("dst"), g.arg("dy"), g.arg("x"), g.spread("s"), g.spread("cube")
	low, high, one, three := g.hold(expLow), g.hold(expHigh), g.hold(1), g.hold(3)
	clamped := func(a place, m *mask) (x, q reg.VecVirtual) { // and 1 + cube·x²
		x, q = g.load(a(p), m), g.v()
		g.VMAXPS(g.float(-30), x, x)
		g.VMINPS(g.float(30), x, x)
		g.VMULPS(x, x, q)
		g.VFMADD213PS(one, cube, q)
		return x, q
	}
	g.abreast(g.arg("n"), 2, func(at []place, m *mask) {
		e := make([]reg.VecVirtual, len(at))
		for i, a := range at {
			x, q := clamped(a, m)
			g.VMULPS(x, q, q)
			g.VMULPS(s, q, q)
			e[i] = q
		}
		g.exp(low, high, e...)
		for i, a := range at {
			x, q := clamped(a, m)
			sigma := e[i]
			g.VADDPS(one, sigma, sigma)
			g.VDIVPS(sigma, one, sigma)
			g.VFMADD213PS(g.float(-2), three, q) // 1 + 3·cube·x²
			g.VMULPS(x, q, q)
			g.VMULPS(s, q, q) // -x·v'
			g.VSUBPS(sigma, one, x)
			g.VMULPS(sigma, x, x)
			g.VFNMADD231PS(q, x, sigma)
			g.VMULPS(g.load(a(dy), m), sigma, sigma)
			g.store(sigma, a(dst), m)
		}
	})
	g.end()
}

// normSums is the first half of the gradient of a layer norm.
func (g *gen) normSums() {
	g.function("normSums"+g.name, "func(out, dgain, dbias, dy, gain, x *float32, n int, mean, scale float32)",
		"normSums"+g.name+" adds dy·(x - mean)·scale to dgain and dy to dbias, and writes the sums of dy·gain and of that times (x - mean)·scale.")
	dgain, dbias, dy, gain, p := g.arg("dgain"), g.arg("dbias"), g.arg("dy"), g.arg("gain"), g.arg("x")
	mean, scale, sum, along := g.spread("mean"), g.spread("scale"), g.zeros(2), g.zeros(2)
	g.walk(g.arg("n"), 2, func(at place, acc int, m *mask) {
		x, d := g.load(at(p), m), g.load(at(dy), m)
		g.VSUBPS(mean, x, x)
		g.VMULPS(scale, x, x)
		s := g.load(at(dgain), m)
		g.VFMADD231PS(x, d, s)
		g.store(s, at(dgain), m)
		b := g.load(at(dbias), m)
		g.VADDPS(d, b, b)
		g.store(b, at(dbias), m)
		g.VMULPS(g.load(at(gain), m), d, d) // zero where m leaves out
		g.VADDPS(d, sum[acc], sum[acc])
		g.VFMADD231PS(x, d, along[acc])
	})
	out := g.arg("out")
	for i, accs := range [][]reg.VecVirtual{sum, along} {
		g.VADDPS(accs[1], accs[0], accs[0])
		one := g.across(accs[0], func(a, b, to operand.Op) { g.VADDPS(a, b, to) })
		g.VMOVSS(one, operand.Mem{Base: out, Disp: 4 * i})
	}
	g.end()
}

// normGrad is the second half.
func (g *gen) normGrad() {
	g.function("normGrad"+g.name, "func(dx, dy, gain, x *float32, n int, mean, a, b, c float32)",
		"normGrad"+g.name+" adds a·dy·gain + b·(x - mean) + c to dx.")
	dx, dy, gain, p := g.arg("dx"), g.arg("dy"), g.arg("gain"), g.arg("x")
	mean, a, b, c := g.spread("mean"), g.spread("a"), g.spread("b"), g.spread("c")
	g.walk(g.arg("n"), 2, func(at place, _ int, m *mask) {
		d := g.load(at(dy), m)
		g.VMULPS(g.load(at(gain), m), d, d)
		g.VFMADD213PS(c, a, d) // a·d + c
		x := g.load(at(p), m)
		g.VSUBPS(mean, x, x)
		g.VFMADD231PS(b, x, d)
		to := g.load(at(dx), m)
		g.VADDPS(d, to, to)
		g.store(to, at(dx), m)
	})
	g.end()
}

// adam has no product fused with a sum: it gives the bits of its twin.
func (g *gen) adam() {
	g.function("adam"+g.name, "func(v, d, first, second *float32, n int, shorten, keep1, take1, keep2, take2, shrink, rate, correct, eps float32)",
		"adam"+g.name+" is a step of Adam by the gradients d.")
	v, d, first, second := g.arg("v"), g.arg("d"), g.arg("first"), g.arg("second")
	s := map[string]reg.VecVirtual{}
	for _, name := range []string{"shorten", "keep1", "take1", "keep2", "take2", "shrink", "rate", "correct", "eps"} {
		s[name] = g.spread(name)
	}
	g.walk(g.arg("n"), 1, func(at place, _ int, m *mask) {
		x := g.load(at(d), m)
		g.VMULPS(s["shorten"], x, x)
		y, z := g.load(at(first), m), g.v()
		g.VMULPS(s["keep1"], y, y)
		g.VMULPS(s["take1"], x, z)
		g.VADDPS(z, y, y)
		g.store(y, at(first), m)
		g.VMULPS(x, x, x)
		g.VMULPS(s["take2"], x, x)
		z = g.load(at(second), m)
		g.VMULPS(s["keep2"], z, z)
		g.VADDPS(x, z, z)
		g.store(z, at(second), m)
		g.VSQRTPS(z, z)
		g.VMULPS(s["correct"], z, z)
		g.VADDPS(s["eps"], z, z)
		g.VMULPS(s["rate"], y, y)
		g.VDIVPS(z, y, y)
		x = g.load(at(v), m)
		g.VMULPS(s["shrink"], x, x)
		g.VSUBPS(y, x, x)
		g.store(x, at(v), m)
	})
	g.end()
}

// panelOf packs a panel of the transpose of a matrix.
func (g *gen) panelOf() {
	g.function("panelOf"+g.name, "func(dst, src *float32, ld, n int)",
		"panelOf"+g.name+" copies n rows, not 0, of two vectors each, ld bytes apart, to dst without gaps.")
	dst, src, ld, n, loop := g.arg("dst"), g.arg("src"), g.arg("ld"), g.arg("n"), g.label("loop")
	g.place(loop)
	for i := range 2 {
		v := g.v()
		g.VMOVUPS(operand.Mem{Base: src, Disp: i * g.bytes()}, v)
		g.VMOVUPS(v, operand.Mem{Base: dst, Disp: i * g.bytes()})
	}
	g.ADDQ(ld, src)
	g.ADDQ(operand.Imm(uint64(2*g.bytes())), dst)
	g.DECQ(n)
	g.JNZ(loop)
	g.end()
}
