package main

func neonMoves(g *neon) {
	// widen and narrow write loops over whole vectors.
	loop := func(name, doc string, params []string, step int, body func(dst, src x)) {
		g.function(name, "", doc, params...)
		dst, src, n, top := g.arg("dst"), g.arg("src"), g.arg("n"), g.label("loop")
		g.place(top)
		body(dst, src)
		g.op("SUBS", step, n, n)
		g.op("BNE", top)
		g.op("RET")
	}
	widen := []string{"dst *float32", "src *byte", "n int"}
	for _, c := range []struct {
		name, kind string
		by         encoding
	}{{"fromF16NEON", "half-precision", fcvtl}, {"fromBF16NEON", "bfloat16", shll}} {
		loop(c.name, "widens n "+c.kind+" numbers, a multiple of four and not 0.", widen, 4, func(dst, src x) {
			r := g.v()
			g.op("FMOVD.P", word(src, 8), r)
			g.do(c.by, r, r)
			g.op("FMOVQ.P", r, word(dst, 16))
		})
	}
	loop("toBF16NEONBF16", "rounds n numbers to bfloat16, a multiple of eight and not 0.", []string{"dst *byte", "src *float32", "n int"}, 8, func(dst, src x) {
		r := g.vectors(2)
		g.op("FLDPQ.P", word(src, 32), pair(r[0], r[1]))
		g.do(bfcvtn, r[0], r[0])
		g.do(bfcvtnb, r[0], r[1])
		g.op("FMOVQ.P", r[0], word(dst, 16))
	})
	g.transpose()
	g.fmaLoop()
	g.readLoop()
}

// transpose turns four rows into columns.
func (g *neon) transpose() {
	g.function("transposeNEON", "",
		"writes one row of src, ld bytes apart, per lane: vector i, step bytes apart in dst, holds value i of each of four. k is a multiple of four and not 0.",
		"dst *float32", "src *float32", "step int", "ld int", "k int")
	dst, ld, step, k, loop := g.arg("dst"), g.arg("ld"), g.arg("step"), g.arg("k"), g.label("loop")
	rows, r, t := []x{g.arg("src")}, g.vectors(4), g.vectors(4)
	for i := range 3 {
		rows = append(rows, g.x())
		g.op("ADD", ld, rows[i], rows[i+1])
	}
	g.place(loop)
	for i := range r {
		g.op("FMOVQ.P", word(rows[i], 16), r[i])
	}
	zip := func(half, lanes string, a, b, to v) { g.op("VZIP"+half, b.as(lanes), a.as(lanes), to.as(lanes)) }
	for i := range 2 {
		zip("1", "S4", r[2*i], r[2*i+1], t[2*i])
		zip("2", "S4", r[2*i], r[2*i+1], t[2*i+1])
	}
	for i := range 2 {
		zip("1", "D2", t[i], t[2+i], r[2*i])
		zip("2", "D2", t[i], t[2+i], r[2*i+1])
	}
	for i := range r {
		g.op("FMOVQ", r[i], word(dst, 0))
		g.op("ADD", step, dst, dst)
	}
	g.op("SUBS", 4, k, k)
	g.op("BNE", loop)
	g.op("RET")
}

// fmaLoop keeps the multiply-add units busy: as many independent sums as hide their latency, of numbers with all bits in use.
func (g *neon) fmaLoop() {
	g.function("fmaLoopNEON", "", "does 24 multiply-adds of vectors n times, in registers alone.", "n int")
	n, loop := g.arg("n"), g.label("loop")
	g.constants()
	a, b := g.float(0.7390851332151607), g.float(-0.9159655941772190)
	sums := make([]v, 24)
	for i := range sums {
		sums[i] = g.float(0.5772156649015329 + float64(i)/7)
	}
	g.place(loop)
	for i, s := range sums {
		mnemonic := "VFMLA"
		if i%2 == 1 {
			mnemonic = "VFMLS"
		}
		g.op(mnemonic, a.as("S4"), b.as("S4"), s.as("S4"))
	}
	g.op("SUBS", 1, n, n)
	g.op("BNE", loop)
	g.op("RET")
}

// readLoop touches every value: four streams, a quarter of the whole each.
func (g *neon) readLoop() {
	g.function("readLoopNEON", "", "reads four streams of n bytes, a multiple of 128 and not 0.", "x *float32", "n int")
	p, n, loop := []x{g.arg("x")}, g.arg("n"), g.label("loop")
	for i := range 3 {
		p = append(p, g.x())
		g.op("ADD", n, p[i], p[i+1])
	}
	sums, r := g.zeros(4), g.vectors(8)
	g.place(loop)
	for range 4 {
		for i := range p {
			g.op("FLDPQ.P", word(p[i], 32), pair(r[2*i], r[2*i+1]))
		}
		for i, s := range sums {
			for j := range 2 {
				g.op("VORR", r[2*i+j].as("B16"), s.as("B16"), s.as("B16"))
			}
		}
	}
	g.op("SUBS", 128, n, n)
	g.op("BNE", loop)
	g.op("RET")
}
