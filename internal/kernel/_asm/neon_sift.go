package main

// neonSift writes Sift for processors that multiply bytes, and for the others.
func neonSift(g *neon) {
	g.sift("NEONDot", func(codes, query []v, sum v) {
		for i, c := range codes {
			g.do(sdot, sum, c, query[i])
		}
	})
	// No value of the query is beyond 45, and none of the codes beyond 128: four products together fit 16 bits.
	g.sift("NEON", func(codes, query []v, sum v) {
		taken := g.vs
		p := g.vectors(2)
		for i := 0; i < len(codes); i += 2 {
			to := p[i/2%2]
			g.do(smull8, to, codes[i], query[i])
			g.do(smlal8b, to, codes[i], query[i])
			g.do(smlal8, to, codes[i+1], query[i+1])
			g.do(smlal8b, to, codes[i+1], query[i+1])
			g.do(sadalp, sum, to)
		}
		g.vs = taken
	})
}

// sift takes eight rows at a time. products adds those of 128 codes with the query to the lanes of a sum; both are signed there: the codes
// have their upper bit flipped, which takes 128 from each.
func (g *neon) sift(tier string, products func(codes, query []v, sum v)) {
	g.function("sift"+tier, "", "is Sift: of is the numbers of a Sieve in their order. rows is a multiple of 8 and not 0.",
		"mask *byte", "codes *byte", "facts *float32", "stride int", "query *int8", "of *float32", "rows int")
	mask, codes, facts, stride := g.arg("mask"), g.arg("codes"), []x{g.arg("facts")}, g.arg("stride")
	query, of, rows := g.arg("query"), g.arg("of"), g.arg("rows")
	loop, bits := g.label("rows"), g.x()
	for i := range 3 {
		facts = append(facts, g.x())
		g.op("ADD", stride.String()+"<<2", facts[i], facts[i+1])
	}
	q, c, sums := g.vectors(8), g.vectors(8), g.vectors(5)
	for i := 0; i < len(q); i += 2 {
		g.op("FLDPQ.P", address(query, 32), pair(q[i], q[i+1]))
	}
	n := g.vectors(6)
	for _, r := range n {
		g.op("VLD1R.P", address(of, 4), "["+r.as("S4")+"]")
	}
	flip, powers := g.v(), g.powers(bits)
	g.op("VMOVI", 128, flip.as("B16"))
	offset := n[0] // and what flipping the codes takes from their sum
	g.zero(sums[0])
	products([]v{flip, flip, flip, flip, flip, flip, flip, flip}, q, sums[0])
	g.across(sums[0])
	g.op("VDUP", sums[0].as("S[0]"), sums[0].as("S4"))
	g.op("VADD", sums[0].as("S4"), offset.as("S4"), offset.as("S4"))
	g.place(loop)
	for half := range 2 {
		four := sums[half : half+4] // their sum comes to lie in the first
		for _, s := range four {
			for i := 0; i < len(c); i += 2 {
				g.op("FLDPQ.P", address(codes, 32), pair(c[i], c[i+1]))
			}
			for _, r := range c {
				g.op("VEOR", flip.as("B16"), r.as("B16"), r.as("B16"))
			}
			g.zero(s)
			products(c, q, s)
		}
		g.fourSums(four[0], four[1], four[2], four[3])
	}
	for i, f := range facts {
		g.op("FLDPQ.P", address(f, 32), pair(c[2*i], c[2*i+1]))
	}
	for half, r := range sums[:2] {
		g.op("VSUB", offset.as("S4"), r.as("S4"), r.as("S4"))
		g.do(scvtf, r, r)
		g.do(fmul, r, r, n[1])
		g.do(fadd, r, r, n[2])
		g.do(fmul, r, r, c[half])
		g.do(fadd, r, r, c[2+half])
		for i := 2; i < 4; i++ {
			g.do(fmul, c[2*i+half], c[2*i+half], n[1+i])
			g.do(fadd, r, r, c[2*i+half])
		}
		g.do(fcmge, r, r, n[5])
		g.op("VAND", powers[half].as("B16"), r.as("B16"), r.as("B16"))
	}
	g.op("VORR", sums[1].as("B16"), sums[0].as("B16"), sums[0].as("B16"))
	g.across(sums[0])
	g.op("FMOVS", sums[0], bits)
	g.op("MOVB.P", bits, address(mask, 1))
	g.op("SUBS", 8, rows, rows)
	g.op("BNE", loop)
	g.op("RET")
}

// powers is 1, 2, 4 and 8 in the lanes of one register, 16 to 128 in those of another.
func (g *neon) powers(free x) []v {
	p := g.vectors(2)
	for i, bits := range []string{"$0x0000000200000001", "$0x0000000800000004"} {
		g.op("MOVD", bits, free)
		g.op("VMOV", free, p[0].as([]string{"D[0]", "D[1]"}[i]))
	}
	g.op("VSHL", 4, p[0].as("S4"), p[1].as("S4"))
	return p
}
