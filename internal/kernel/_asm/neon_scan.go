package main

import "fmt"

// neonScans writes the kernels that compare one query, or four, with rows of bytes.
func neonScans(g *neon) {
	signed := func(g *neon, c, low, high v) {
		g.do(sxtl8, low, c)
		g.do(sxtl8b, high, c)
	}
	unsigned := func(g *neon, c, low, high v) {
		g.op("VUXTL", c.as("B8"), low.as("H8"))
		g.op("VUXTL2", c.as("B16"), high.as("H8"))
	}
	g.scan(1, signed)
	g.scan(4, signed)
	g.pick("Int8", signed)
	g.pick("Uint8", unsigned)
}

// A widening brings the 16 bytes of c to 16 bits each.
type widening func(g *neon, c, low, high v)

// products multiplies the next 64 bytes of a row with those of each query, and adds them to its sums.
func (g *neon) products(codes x, queries []x, sums [][]v, widen widening) {
	taken := g.vs
	for i := range 4 {
		c, wide, q := g.v(), g.vectors(2), g.vectors(2)
		g.op("FMOVQ.P", address(codes, 16), c)
		widen(g, c, wide[0], wide[1])
		for j, s := range sums {
			g.op("FLDPQ.P", address(queries[j], 32), pair(q[0], q[1]))
			for half := range 2 {
				a := s[(2*i+half)%len(s)]
				g.do(smlal, a, wide[half], q[half])
				g.do(smlalb, a, wide[half], q[half])
			}
		}
		g.vs = taken
	}
}

// scan has several sums of each query, to hide the latency of adding.
func (g *neon) scan(queries int, widen widening) {
	name := fmt.Sprintf("scan%dNEON", queries)
	g.function(name, "", fmt.Sprintf("writes the inner products of rows of codes with %d of queries, whose lengths are the width, a multiple of 64. rows is not 0.", queries),
		"dst *int32", "codes *byte", "query *int16", "rows int", "width int")
	dst, codes, query, rows, width := g.arg("dst"), g.arg("codes"), g.arg("query"), g.arg("rows"), g.arg("width")
	row, k, left := g.label("row"), g.label("k"), g.x()
	at, sums := make([]x, queries), make([][]v, queries)
	for j := range at {
		at[j], sums[j] = g.x(), g.vectors(max(2, 4/queries))
	}
	g.place(row)
	g.op("MOVD", query, at[0])
	for j := range at[1:] {
		g.op("ADD", fmt.Sprintf("%v<<1", width), at[j], at[j+1])
	}
	for _, s := range sums {
		for _, a := range s {
			g.zero(a)
		}
	}
	g.op("MOVD", width, left)
	g.place(k)
	g.products(codes, at, sums, widen)
	g.op("SUBS", 64, left, left)
	g.op("BNE", k)
	for _, s := range sums {
		g.addUp(s)
	}
	if queries == 4 {
		g.fourSums(sums[0][0], sums[1][0], sums[2][0], sums[3][0])
		g.op("FMOVQ.P", sums[0][0], address(dst, 16))
	} else {
		g.across(sums[0][0])
		g.op("FMOVS.P", sums[0][0], address(dst, 4))
	}
	g.op("SUBS", 1, rows, rows)
	g.op("BNE", row)
	g.op("RET")
}

// addUp leaves the sum of s in its first register.
func (g *neon) addUp(s []v) {
	for ; len(s) > 1; s = s[:len(s)/2] {
		for i := range len(s) / 2 {
			g.op("VADD", s[len(s)/2+i].as("S4"), s[i].as("S4"), s[i].as("S4"))
		}
	}
}

// across leaves the sum of the lanes of r in the first.
func (g *neon) across(r v) { g.op("VADDV", r.as("S4"), fmt.Sprintf("V%d", int(r))) }

// fourSums brings the sums of the lanes of four vectors into a.
func (g *neon) fourSums(a, b, c, d v) {
	g.op("VADDP", b.as("S4"), a.as("S4"), a.as("S4"))
	g.op("VADDP", d.as("S4"), c.as("S4"), c.as("S4"))
	g.op("VADDP", c.as("S4"), a.as("S4"), a.as("S4"))
}

// pick is scan for one query and rows that lie anywhere: they are fetched some turns before they are read.
func (g *neon) pick(kind string, widen widening) {
	g.function("pick"+kind+"NEON", "", "writes the inner products of n rows of codes, which rows names, with a query of the width, a multiple of 64. n is not 0.",
		"dst *int32", "codes *byte", "rows *uint32", "n int", "query *int16", "width int")
	dst, codes, rows, n, query, width := g.arg("dst"), g.arg("codes"), g.arg("rows"), g.arg("n"), g.arg("query"), g.arg("width")
	row, fetch, fetched, k := g.label("row"), g.label("fetch"), g.label("fetched"), g.label("k")
	c, q, left, sums := g.x(), g.x(), g.x(), g.vectors(4)
	where := func(offset int) {
		g.op("MOVWU", address(rows, offset), c)
		g.op("MADD", width, codes, c, c)
	}
	g.place(row)
	g.op("CMP", ahead, n)
	g.op("BLE", fetched)
	where(4 * ahead)
	g.op("MOVD", width, left)
	g.place(fetch)
	g.op("PRFM", address(c, 0), "PLDL1KEEP")
	g.op("ADD", 64, c, c)
	g.op("SUBS", 64, left, left)
	g.op("BNE", fetch)
	g.place(fetched)
	where(0)
	for _, a := range sums {
		g.zero(a)
	}
	g.op("MOVD", query, q)
	g.op("MOVD", width, left)
	g.place(k)
	g.products(c, []x{q}, [][]v{sums}, widen)
	g.op("SUBS", 64, left, left)
	g.op("BNE", k)
	g.addUp(sums)
	g.across(sums[0])
	g.op("FMOVS.P", sums[0], address(dst, 4))
	g.op("ADD", 4, rows, rows)
	g.op("SUBS", 1, n, n)
	g.op("BNE", row)
	g.op("RET")
}
