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
			g.op("FMOVD.P", address(src, 8), r)
			g.do(c.by, r, r)
			g.op("FMOVQ.P", r, address(dst, 16))
		})
	}
	loop("toBF16NEONBF16", "rounds n numbers to bfloat16, a multiple of eight and not 0.", []string{"dst *byte", "src *float32", "n int"}, 8, func(dst, src x) {
		r := g.vectors(2)
		g.op("FLDPQ.P", address(src, 32), pair(r[0], r[1]))
		g.do(bfcvtn, r[0], r[0])
		g.do(bfcvtnb, r[0], r[1])
		g.op("FMOVQ.P", r[0], address(dst, 16))
	})
	g.transpose()
	g.registerLoops()
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
		g.op("FMOVQ.P", address(rows[i], 16), r[i])
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
		g.op("FMOVQ", r[i], address(dst, 0))
		g.op("ADD", step, dst, dst)
	}
	g.op("SUBS", 4, k, k)
	g.op("BNE", loop)
	g.op("RET")
}

// registerLoops keep the units of an instruction busy: as many independent sums as hide its latency, of numbers with all bits in use.
func (g *neon) registerLoops() {
	loop := func(name, what string, product func(i int, sum, a, b v)) {
		g.function(name, "", "does 24 "+what+" n times, in registers alone.", "n int")
		n, top := g.arg("n"), g.label("loop")
		g.constants()
		a, b := g.float(0.7390851332151607), g.float(-0.9159655941772190)
		sums := make([]v, 24)
		for i := range sums {
			sums[i] = g.float(0.5772156649015329 + float64(i)/7)
		}
		g.place(top)
		for i, s := range sums {
			product(i, s, a, b)
		}
		g.op("SUBS", 1, n, n)
		g.op("BNE", top)
		g.op("RET")
	}
	loop("fmaLoopNEON", "multiply-adds of vectors", func(i int, sum, a, b v) {
		mnemonic := [...]string{"VFMLA", "VFMLS"}[i%2]
		g.op(mnemonic, a.as("S4"), b.as("S4"), sum.as("S4"))
	})
	loop("i8LoopNEONDot", "times 16 products of bytes", func(i int, sum, a, b v) { g.do(sdotLane, sum, a, b, v(i%4)) })
	loop("bf16LoopNEONBF16", "times 16 products of bfloat16", func(_ int, sum, a, b v) { g.do(bfmmla, sum, a, b) })
	loop("i8LoopNEONBF16", "times 32 products of bytes", func(_ int, sum, a, b v) { g.do(usmmla, sum, a, b) })
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
			g.op("FLDPQ.P", address(p[i], 32), pair(r[2*i], r[2*i+1]))
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
