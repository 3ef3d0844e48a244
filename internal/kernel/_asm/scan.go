package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// scans writes the kernels that compare one query, or four, with rows of signed bytes.
func scans(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		g.scan(1)
		g.scan(4)
		g.pick("Int8", func(m, v operand.Op) { g.VPMOVSXBW(m, v) })
		g.pick("Uint8", func(m, v operand.Op) { g.VPMOVZXBW(m, v) })
	}
}

// scan widens the bytes to 16 bits and multiplies pairs of them. One query has several sums, to hide the latency of adding.
func (g *gen) scan(queries int) {
	name := fmt.Sprintf("scan%d%s", queries, g.name)
	g.function(name, "func(dst *int32, codes *byte, query *int16, rows, width int)",
		fmt.Sprintf("%s writes the inner products of rows of codes with %d of queries, whose lengths are the width, a multiple of 64. rows is not 0.", name, queries))
	dst, codes, query, rows, width := g.arg("dst"), g.arg("codes"), g.arg("query"), g.arg("rows"), g.arg("width")
	sums := 4 / queries
	all := g.zeros(queries * sums)
	row, k, q := g.label("row"), g.label("k"), g.GP64()
	left, third := g.GP64(), g.GP64()
	if queries > 1 {
		g.LEAQ(operand.Mem{Base: width, Index: width, Scale: 2}, third) // a query is two bytes a value: the fourth begins at three times that
	}
	query4 := func(j, disp int) operand.Mem {
		switch j {
		case 1:
			return operand.Mem{Base: q, Index: width, Scale: 2, Disp: disp}
		case 2:
			return operand.Mem{Base: q, Index: width, Scale: 4, Disp: disp}
		case 3:
			return operand.Mem{Base: q, Index: third, Scale: 2, Disp: disp}
		}
		return operand.Mem{Base: q, Disp: disp}
	}
	g.place(row)
	for _, a := range all {
		g.zero(a)
	}
	g.MOVQ(query, q)
	g.MOVQ(width, left)
	g.place(k)
	for i := range 64 / (2 * g.lanes) {
		x := g.v()
		g.VPMOVSXBW(at(codes, i*2*g.lanes), x)
		for j := range queries {
			a, product := all[j*sums+i%sums], x
			if j < queries-1 {
				product = g.v()
			}
			g.VPMADDWD(query4(j, i*4*g.lanes), x, product)
			g.VPADDD(product, a, a)
		}
	}
	g.ADDQ(operand.Imm(64), codes)
	g.ADDQ(operand.U32(128), q)
	g.SUBQ(operand.Imm(64), left)
	g.JNZ(k)
	for j := range queries {
		accs := all[j*sums : (j+1)*sums]
		for n := len(accs); n > 1; n /= 2 {
			for i := range n / 2 {
				g.VPADDD(accs[n/2+i], accs[i], accs[i])
			}
		}
		sum := g.across(accs[0], func(a, b, to operand.Op) { g.VPADDD(a, b, to) }).(reg.Vec)
		g.VMOVD(sum.AsX(), operand.Mem{Base: dst, Disp: 4 * j})
	}
	g.ADDQ(operand.Imm(uint64(4*queries)), dst)
	g.DECQ(rows)
	g.JNZ(row)
	g.end()
}

// ahead is how many rows before its turn a row is fetched from memory.
const ahead = 6

// pick is scan for one query and rows that lie anywhere: they are fetched some turns before they are read.
func (g *gen) pick(kind string, widen func(m, v operand.Op)) {
	g.function("pick"+kind+g.name, "func(dst *int32, codes *byte, rows *uint32, n int, query *int16, width int)",
		"pick"+kind+g.name+" writes the inner products of n rows of codes, which rows names, with a query of the width, a multiple of 64. n is not 0.")
	dst, codes, rows, n, query, width := g.arg("dst"), g.arg("codes"), g.arg("rows"), g.arg("n"), g.arg("query"), g.arg("width")
	sums := make([]reg.VecVirtual, 64/(2*g.lanes))
	for i := range sums {
		sums[i] = g.v()
	}
	row, fetch, fetched, k := g.label("row"), g.label("fetch"), g.label("fetched"), g.label("k")
	c, q, left := g.GP64(), g.GP64(), g.GP64()
	address := func(disp int) {
		g.MOVL(operand.Mem{Base: rows, Disp: disp}, c.As32())
		g.IMULQ(width, c)
		g.ADDQ(codes, c)
	}
	g.place(row)
	g.CMPQ(n, operand.Imm(ahead))
	g.JLE(fetched)
	address(4 * ahead)
	g.MOVQ(width, left)
	g.place(fetch)
	g.PREFETCHT0(operand.Mem{Base: c})
	g.ADDQ(operand.Imm(64), c)
	g.SUBQ(operand.Imm(64), left)
	g.JNZ(fetch)
	g.place(fetched)
	address(0)
	for _, a := range sums {
		g.zero(a)
	}
	g.MOVQ(query, q)
	g.MOVQ(width, left)
	g.place(k)
	for i := range 64 / (2 * g.lanes) {
		x := g.v()
		widen(at(c, i*2*g.lanes), x)
		g.VPMADDWD(at(q, i*4*g.lanes), x, x)
		g.VPADDD(x, sums[i], sums[i])
	}
	g.ADDQ(operand.Imm(64), c)
	g.ADDQ(operand.U32(128), q)
	g.SUBQ(operand.Imm(64), left)
	g.JNZ(k)
	for m := len(sums); m > 1; m /= 2 {
		for i := range m / 2 {
			g.VPADDD(sums[m/2+i], sums[i], sums[i])
		}
	}
	sum := g.across(sums[0], func(a, b, to operand.Op) { g.VPADDD(a, b, to) }).(reg.Vec)
	g.VMOVD(sum.AsX(), at(dst, 0))
	g.ADDQ(operand.Imm(4), dst)
	g.ADDQ(operand.Imm(4), rows)
	g.DECQ(n)
	g.JNZ(row)
	g.end()
}
