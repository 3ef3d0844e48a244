package main

import "math"

// walk calls body for n values in steps of four: acc is which of accs running values the step belongs to. Whole vectors go first, in
// rounds of accs, then what is left one by one. Each step reads and writes at pointers that it moves on by load and store.
func (g *neon) walk(n x, accs int, body func(acc int, s span)) {
	each := func(steps int, s span) {
		taken := g.vs
		for i := range steps {
			body(i, s)
			g.vs = taken
		}
	}
	loop := func(steps int) {
		top, end := g.label("loop"), g.label("end")
		g.op("SUBS", 4*steps, n, n)
		g.op("BLT", end)
		g.place(top)
		each(steps, vector4)
		g.op("SUBS", 4*steps, n, n)
		g.op("BGE", top)
		g.place(end)
		g.op("ADDS", 4*steps, n, n)
	}
	if accs > 1 {
		loop(accs)
	}
	loop(1)
	top, done := g.label("one"), g.label("done")
	g.op("BEQ", done)
	g.place(top)
	each(1, single)
	g.op("SUBS", 1, n, n)
	g.op("BNE", top)
	g.place(done)
}

// A span is how much of a vector a step of walk works on.
type span int

const (
	single  span = 1 // the first lane; the others repeat it
	vector4 span = 4
)

// load reads the next values at p.
func (g *neon) load(p x, s span) v {
	r := g.v()
	if s == single {
		g.op("VLD1R.P", address(p, 4), "["+r.as("S4")+"]")
	} else {
		g.op("FMOVQ.P", address(p, 16), r)
	}
	return r
}

func (g *neon) store(r v, p x, s span) {
	if s == single {
		g.op("FMOVS.P", r, address(p, 4))
	} else {
		g.op("FMOVQ.P", r, address(p, 16))
	}
}

// keep zeroes the lanes of r that do not count.
func (g *neon) keep(r v, s span) {
	if s == single {
		g.op("FMOVS", r, r)
	}
}

// multiplyAdd adds a·b to sum, rounded once.
func (g *neon) multiplyAdd(a, b, sum v) { g.op("VFMLA", a.as("S4"), b.as("S4"), sum.as("S4")) }

// copyOf is a new register with the value of r.
func (g *neon) copyOf(r v) v {
	c := g.v()
	g.op("VORR", r.as("B16"), r.as("B16"), c.as("B16"))
	return c
}

// fold combines the running values of a reduction and its lanes into one, always in the same order, and returns it.
func (g *neon) fold(accs []v, op, neighbours encoding) {
	for len(accs) > 1 {
		half := len(accs) / 2
		for i := range half {
			g.do(op, accs[i], accs[i], accs[i+half])
		}
		accs = accs[:half]
	}
	for range 2 {
		g.do(neighbours, accs[0], accs[0], accs[0])
	}
	g.result(accs[0])
	g.op("RET")
}

func neonVector(g *neon) {
	g.function("addNEON", "", "writes a + b.", "dst *float32", "a *float32", "b *float32", "n int")
	dst, a, b := g.arg("dst"), g.arg("a"), g.arg("b")
	g.walk(g.arg("n"), 1, func(_ int, s span) {
		x, y := g.load(a, s), g.load(b, s)
		g.do(fadd, x, x, y)
		g.store(x, dst, s)
	})
	g.op("RET")

	g.function("mulNEON", "", "writes a·b.", "dst *float32", "a *float32", "b *float32", "n int")
	dst, a, b = g.arg("dst"), g.arg("a"), g.arg("b")
	g.walk(g.arg("n"), 1, func(_ int, s span) {
		x, y := g.load(a, s), g.load(b, s)
		g.do(fmul, x, x, y)
		g.store(x, dst, s)
	})
	g.op("RET")

	g.function("scaleNEON", "", "writes x·s.", "dst *float32", "x *float32", "n int", "s float32")
	dst, a = g.arg("dst"), g.arg("x")
	factor := g.spread("s")
	g.walk(g.arg("n"), 1, func(_ int, s span) {
		x := g.load(a, s)
		g.do(fmul, x, x, factor)
		g.store(x, dst, s)
	})
	g.op("RET")

	g.function("affineNEON", "", "writes (x - mean)·scale·gamma + beta.",
		"dst *float32", "x *float32", "gamma *float32", "beta *float32", "n int", "mean float32", "scale float32")
	dst, a = g.arg("dst"), g.arg("x")
	gamma, beta, mean, scale := g.arg("gamma"), g.arg("beta"), g.spread("mean"), g.spread("scale")
	g.walk(g.arg("n"), 1, func(_ int, s span) {
		x, y := g.load(a, s), g.load(beta, s)
		g.do(fsub, x, x, mean)
		g.do(fmul, x, x, scale)
		g.multiplyAdd(g.load(gamma, s), x, y)
		g.store(y, dst, s)
	})
	g.op("RET")

	g.reductions()
}

func (g *neon) reductions() {
	g.function("dotNEON", "float32", "is the inner product.", "a *float32", "b *float32", "n int")
	a, b, accs := g.arg("a"), g.arg("b"), g.zeros(4)
	g.walk(g.arg("n"), 4, func(acc int, s span) {
		x, y := g.load(a, s), g.load(b, s)
		g.keep(x, s)
		g.keep(y, s)
		g.multiplyAdd(x, y, accs[acc])
	})
	g.fold(accs, fadd, faddp)

	g.function("sumNEON", "float32", "is Σx.", "x *float32", "n int")
	a, accs = g.arg("x"), g.zeros(4)
	g.walk(g.arg("n"), 4, func(acc int, s span) {
		x := g.load(a, s)
		g.keep(x, s)
		g.do(fadd, accs[acc], accs[acc], x)
	})
	g.fold(accs, fadd, faddp)

	g.function("squaresNEON", "float32", "is Σ(x - mean)².", "x *float32", "n int", "mean float32")
	a, accs = g.arg("x"), g.zeros(4)
	mean := g.spread("mean")
	g.walk(g.arg("n"), 4, func(acc int, s span) {
		x := g.load(a, s)
		g.do(fsub, x, x, mean)
		g.keep(x, s)
		g.multiplyAdd(x, x, accs[acc])
	})
	g.fold(accs, fadd, faddp)

	g.function("largestNEON", "float32", "is the largest value, -Inf for none, NaN if there is one.", "x *float32", "n int")
	g.constants()
	a, accs = g.arg("x"), nil
	for range 4 {
		accs = append(accs, g.float(math.Inf(-1)))
	}
	g.walk(g.arg("n"), 4, func(acc int, s span) { g.do(fmax, accs[acc], accs[acc], g.load(a, s)) })
	g.fold(accs, fmax, fmaxp)
}

// pair is two registers that move together.
func pair(a, b v) string { return "(" + a.String() + ", " + b.String() + ")" }
