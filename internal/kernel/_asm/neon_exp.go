package main

import "math"

// An exponent holds the constants of exp that stay in registers.
type exponent struct{ low, high, log2e, ln2, ln2rest v }

func (g *neon) newExponent() exponent {
	g.constants()
	return exponent{low: g.float(expLow), high: g.float(expHigh), log2e: g.float(math.Log2E), ln2: g.float(0.693359375), ln2rest: g.float(-2.12194440e-4)}
}

// exp replaces x by its exponential, as the one for amd64 does.
func (g *neon) exp(e exponent, x v) {
	taken := g.vs
	n, i := g.v(), g.v()
	g.do(fmax, x, x, e.low)
	g.do(fmin, x, x, e.high)
	g.do(fmul, n, x, e.log2e)
	g.do(fcvtns, i, n)
	g.do(scvtf, n, i)
	g.op("VFMLS", e.ln2.as("S4"), n.as("S4"), x.as("S4"))
	g.op("VFMLS", e.ln2rest.as("S4"), n.as("S4"), x.as("S4"))
	p := g.horner(x, expPolynomial)
	g.do(fmul, n, x, x)
	g.multiplyAdd(n, p, x)
	g.do(fadd, x, x, g.float(1))
	// 2ⁿ in two factors, so that subnormal results and overflow come out right.
	bias := g.repeated(127)
	g.do(halve, n, i)
	g.op("VSUB", n.as("S4"), i.as("S4"), i.as("S4"))
	for _, f := range []v{n, i} {
		g.op("VADD", bias.as("S4"), f.as("S4"), f.as("S4"))
		g.op("VSHL", 23, f.as("S4"), f.as("S4"))
		g.do(fmul, x, x, f)
	}
	g.vs = taken
}

// horner is a polynomial of x whose coefficients begin with that of the highest power.
func (g *neon) horner(x v, coefficients []float64) v {
	p := g.float(coefficients[0])
	for _, c := range coefficients[1:] {
		next := g.float(c)
		g.multiplyAdd(p, x, next)
		p = next
	}
	return p
}

func neonExponential(g *neon) {
	g.function("expSumNEON", "float32", "writes exp(s·x - top) and returns the sum.", "dst *float32", "x *float32", "n int", "s float32", "top float32")
	dst, p, factor, top, accs := g.arg("dst"), g.arg("x"), g.spread("s"), g.spread("top"), g.zeros(2)
	g.do(fneg, top, top)
	e := g.newExponent()
	g.walk(g.arg("n"), 2, func(acc int, s span) {
		x, y := g.load(p, s), g.copyOf(top)
		g.multiplyAdd(factor, x, y)
		g.exp(e, y)
		g.store(y, dst, s)
		g.keep(y, s)
		g.do(fadd, accs[acc], accs[acc], y)
	})
	g.fold(accs, fadd, faddp)

	g.function("reluNEON", "", "writes max(x, 0), NaN for NaN.", "dst *float32", "x *float32", "n int")
	dst, p = g.arg("dst"), g.arg("x")
	zero := g.zeros(1)[0]
	g.walk(g.arg("n"), 1, func(_ int, s span) {
		x := g.load(p, s)
		g.do(fmax, x, x, zero)
		g.store(x, dst, s)
	})
	g.op("RET")

	g.function("relu6NEON", "", "writes min(max(x, 0), 6), NaN for NaN.", "dst *float32", "x *float32", "n int")
	dst, p = g.arg("dst"), g.arg("x")
	g.constants()
	zero = g.zeros(1)[0]
	six := g.float(6)
	g.walk(g.arg("n"), 1, func(_ int, s span) {
		x := g.load(p, s)
		g.do(fmax, x, x, zero)
		g.do(fmin, x, x, six)
		g.store(x, dst, s)
	})
	g.op("RET")

	g.function("hardSwishNEON", "", "writes x·min(max(x + 3, 0), 6)/6.", "dst *float32", "x *float32", "n int")
	dst, p = g.arg("dst"), g.arg("x")
	g.constants()
	zero, six = g.zeros(1)[0], g.float(6)
	three, sixth := g.float(3), g.float(1.0/6)
	g.walk(g.arg("n"), 1, func(_ int, s span) {
		x, y := g.load(p, s), g.v()
		g.do(fadd, y, x, three)
		g.do(fmax, y, y, zero)
		g.do(fmin, y, y, six)
		g.do(fmul, x, x, sixth)
		g.do(fmul, x, x, y)
		g.store(x, dst, s)
	})
	g.op("RET")

	g.gates()
	g.gelu()
}

// gates are x·σ(y): SiLU and QuickGELU have y = -s·x.
func (g *neon) gates() {
	gate := func(dst, p x, inner func(x, y v)) {
		e := g.newExponent()
		g.walk(g.arg("n"), 1, func(_ int, s span) {
			x, y := g.load(p, s), g.v()
			inner(x, y)
			g.exp(e, y)
			g.do(fadd, y, y, g.float(1))
			g.do(fdiv, x, x, y)
			g.store(x, dst, s)
		})
		g.op("RET")
	}
	g.function("gateNEON", "", "writes x/(1 + exp(s·x)).", "dst *float32", "x *float32", "n int", "s float32")
	factor := g.spread("s")
	gate(g.arg("dst"), g.arg("x"), func(x, y v) { g.do(fmul, y, x, factor) })

	g.function("geluTanhNEON", "", "writes x/(1 + exp(-2√(2/π)·(x + 0.044715·x³))).", "dst *float32", "x *float32", "n int")
	k := -2 * math.Sqrt(2/math.Pi)
	gate(g.arg("dst"), g.arg("x"), func(x, y v) {
		inner := g.float(k)
		g.do(fmul, y, x, x)
		g.multiplyAdd(g.float(0.044715*k), y, inner) // k + 0.044715·k·x²
		g.do(fmul, y, x, inner)
	})
}

// gelu is x·Φ(x), where Φ(-|x|) = erfc(|x|/√2)/2.
func (g *neon) gelu() {
	g.function("geluNEON", "", "writes x·Φ(x).", "dst *float32", "x *float32", "n int")
	dst, p := g.arg("dst"), g.arg("x")
	g.constants()
	low, magic := g.float(powerLow), g.float(powerMagic)
	g.walk(g.arg("n"), 1, func(_ int, s span) {
		x, t, one := g.load(p, s), g.v(), g.float(1)
		g.do(fabs, t, x)
		d := g.copyOf(one)
		g.multiplyAdd(g.float(erfcSlope/math.Sqrt2), t, d)
		g.do(fdiv, t, one, d)
		q := g.horner(t, erfcPolynomial)
		g.do(fmul, q, q, t)
		y := g.v()
		g.do(fmul, y, x, x)
		g.do(fmul, y, y, g.float(-math.Log2E/2))
		g.power(low, magic, y)
		g.do(fmul, q, q, y) // Φ(-|x|)
		g.do(fsub, one, one, q)
		negative := t
		g.do(cmlt, negative, x)
		g.op("VBIT", negative.as("B16"), q.as("B16"), one.as("B16"))
		g.do(fmul, x, x, one)
		g.store(x, dst, s)
	})
	g.op("RET")
}
