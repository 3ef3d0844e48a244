package main

// neonQuantize writes the kernels that bring rows to bytes, and products of bytes back.
func neonQuantize(g *neon) {
	g.extent()
	g.toBytes()
	g.rescale()
}

// extent finds the range of values.
func (g *neon) extent() {
	g.function("extentNEON", "",
		"writes the smallest of x and 0, the largest, and 0 or NaN if a value is not finite, eight each. n is a multiple of eight and not 0.",
		"x *float32", "n int", "out *float32")
	p, n, out, loop := g.arg("x"), g.arg("n"), g.arg("out"), g.label("loop")
	zero, r, x := g.zeros(1)[0], g.zeros(6), g.vectors(2)
	g.place(loop)
	g.op("FLDPQ.P", address(p, 32), pair(x[0], x[1]))
	for i := range x {
		g.do(fmin, r[i], r[i], x[i])
		g.do(fmax, r[2+i], r[2+i], x[i])
		g.multiplyAdd(x[i], zero, r[4+i])
	}
	g.op("SUBS", 8, n, n)
	g.op("BNE", loop)
	for i := range 3 {
		g.op("FSTPQ", pair(r[2*i], r[2*i+1]), address(out, 32*i))
	}
	g.op("RET")
}

// toBytes rounds x·inverse + offset to uint8, eight values at once.
func (g *neon) toBytes() {
	g.function("toBytesNEON", "", "writes x·inverse + offset as uint8, rounded half to even and saturated. n is a multiple of eight and not 0.",
		"dst *byte", "x *float32", "n int", "inverse float32", "offset float32")
	dst, p, n, loop := g.arg("dst"), g.arg("x"), g.arg("n"), g.label("loop")
	inverse, offset, x := g.spread("inverse"), g.spread("offset"), g.vectors(2)
	g.place(loop)
	g.op("FLDPQ.P", address(p, 32), pair(x[0], x[1]))
	for _, r := range x {
		g.do(fmul, r, r, inverse)
		g.do(fadd, r, r, offset)
		g.do(fcvtns, r, r)
	}
	g.do(sqxtun, x[0], x[0])
	g.do(sqxtunb, x[0], x[1])
	g.do(uqxtn, x[0], x[0])
	g.op("FMOVD.P", x[0], address(dst, 8))
	g.op("SUBS", 8, n, n)
	g.op("BNE", loop)
	g.op("RET")
}

// rescale finishes the sums of products of bytes.
func (g *neon) rescale() {
	g.function("rescaleNEON", "", "turns h rows of sums of integers, without gaps at t.from, into (sum - zero·sums)·rows·scale + bias + residual at t.c.",
		"t *tile", "h int")
	t, h := g.arg("t"), g.arg("h")
	field := func(off int) x {
		r := g.x()
		g.op("MOVD", address(t, off), r)
		return r
	}
	from, c, ldc := field(tileFrom), field(tileC), field(tileLDC)
	rows, zero := field(tileRows), field(tileZero)
	columns, scale, bias, residual, ldr := field(tileSums), field(tileScale), field(tileBias), field(tileResidual), field(tileLDR)
	four := func(p x, to []v) {
		for j := 0; j < 4; j += 2 {
			g.op("FLDPQ", address(p, 16*j), pair(to[j], to[j+1]))
		}
	}
	scales, sums, biases := g.vectors(4), g.vectors(4), g.zeros(4)
	four(scale, scales)
	four(columns, sums)
	loop, plain := g.label("loop"), g.label("plain")
	g.op("CBZ", bias, loop)
	four(bias, biases)
	g.place(loop)
	r, z := g.v(), g.v()
	g.op("VLD1R.P", address(rows, 4), "["+r.as("S4")+"]")
	g.op("VLD1R.P", address(zero, 4), "["+z.as("S4")+"]")
	x, s := g.vectors(4), g.vectors(4)
	four(from, x)
	for j := range x {
		g.do(mls, x[j], sums[j], z)
		g.do(scvtf, x[j], x[j])
		g.do(fmul, s[j], r, scales[j])
		g.do(fmul, x[j], x[j], s[j])
		g.do(fadd, x[j], x[j], biases[j])
	}
	g.op("CBZ", residual, plain)
	four(residual, s)
	for j := range x {
		g.do(fadd, x[j], x[j], s[j])
	}
	g.op("ADD", ldr, residual, residual)
	g.place(plain)
	for j := 0; j < 4; j += 2 {
		g.op("FSTPQ", pair(x[j], x[j+1]), address(c, 16*j))
	}
	g.op("ADD", 64, from, from)
	g.op("ADD", ldc, c, c)
	g.op("SUBS", 1, h, h)
	g.op("BNE", loop)
	g.op("RET")
}
