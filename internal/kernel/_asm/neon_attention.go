package main

func neonAttention(g *neon) {
	g.values()
	g.weigh()
}

// values adds up rows of values by their weights.
func (g *neon) values() {
	g.function("valuesNEON", "", "writes from·shrink + weights·values, by choice times the inverse of the norm, of a strip of up to 6 rows.", "a *strip")
	m := &neonTile{neon: g, f: neonF32, t: g.arg("a"), apart: true}
	h, panels, state, ldf, ldo := m.field(stripRows), m.field(stripPanels), m.field(stripState), m.field(stripLDF), m.field(stripLDO)
	values, from, out := m.field(stripValues), m.field(stripFrom), m.field(stripOut)
	m.stride, m.panel, m.k = m.field(stripLDV), g.x(), g.x()
	for range neonHeight {
		m.rows = append(m.rows, g.x())
	}
	g.eachHeight(h, func(height int) {
		m.share(height)
		loop, fresh, ready, plain := g.label("panel"), g.label("fresh"), g.label("ready"), g.label("plain")
		p, ld := m.rows[0], m.k // free until the products begin and after they end
		factor := func(r, of int) v {
			b := m.b[0][0]
			g.op("FMOVS", address(state, r*stateSize+of), b)
			return b
		}
		g.place(loop)
		g.op("CBZ", from, fresh)
		g.op("MOVD", from, p)
		for r, s := range m.sums {
			by := factor(r, stateShrink)
			for j := 0; j < 4; j += 2 {
				g.op("FLDPQ", address(p, 16*j), pair(s[j], s[j+1]))
			}
			for _, to := range s {
				g.do(fmulLane, to, to, by, 0)
			}
			g.op("ADD", ldf, p, p)
		}
		g.op("ADD", 64, from, from)
		g.op("B", ready)
		g.place(fresh)
		for _, s := range m.sums {
			for _, r := range s {
				g.zero(r)
			}
		}
		g.place(ready)

		g.op("MOVD", address(m.t, stripLDS), ld)
		g.op("MOVD", address(m.t, stripScores), m.rows[0])
		for r := range height - 1 {
			g.op("ADD", ld, m.rows[r], m.rows[r+1])
		}
		g.op("MOVD", values, m.panel)
		g.op("MOVD", address(m.t, stripN), m.k)
		m.products()

		g.op("MOVD", address(m.t, stripInverse), p)
		g.op("CBZ", p, plain)
		for r, s := range m.sums {
			by := factor(r, stateInverse)
			for _, to := range s {
				g.do(fmulLane, to, to, by, 0)
			}
		}
		g.place(plain)
		g.op("MOVD", out, p)
		for _, s := range m.sums {
			for j := 0; j < 4; j += 2 {
				g.op("FSTPQ", pair(s[j], s[j+1]), address(p, 16*j))
			}
			g.op("ADD", ldo, p, p)
		}
		g.op("ADD", 64, values, values)
		g.op("ADD", 64, out, out)
		g.op("SUBS", 1, panels, panels)
		g.op("BNE", loop)
		g.op("RET")
	})
}

// weigh makes weights of scores as the one for amd64 does.
func (g *neon) weigh() {
	g.function("powerNEON", "float32", "replaces x by 2 to the power of x - top, which is at most 0 or about it, and returns the sum.", "x *float32", "n int", "top float32")
	g.constants()
	from, to, top, sums := g.arg("x"), g.arg("x"), g.spread("top"), g.zeros(2)
	low, magic := g.float(powerLow), g.float(powerMagic)
	g.walk(g.arg("n"), 2, func(acc int, s span) {
		x := g.load(from, s)
		g.do(fsub, x, x, top)
		g.power(low, magic, x)
		g.store(x, to, s)
		g.keep(x, s)
		g.do(fadd, sums[acc], sums[acc], x)
	})
	g.fold(sums, fadd, faddp)
}

// power replaces x, at most 0 or about it, by 2ˣ; below 2⁻¹²⁷ it is 0.
func (g *neon) power(low, magic, x v) {
	taken := g.vs
	n, f := g.v(), g.v()
	g.do(fmax, x, x, low)
	g.do(fadd, n, x, magic)
	g.do(fsub, f, n, magic)
	g.do(fsub, f, x, f)
	p := g.horner(f, powerPolynomial)
	g.op("VSHL", 23, n.as("S4"), n.as("S4")) // the lowest bits of n hold the exponent of the result, 0 for 2⁻¹²⁷
	g.do(fmul, x, n, p)
	g.vs = taken
}
