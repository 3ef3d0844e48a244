package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// walks writes the depthwise convolutions.
func walks(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		for vectors := 1; vectors <= 2; vectors++ {
			g.steps16(vectors, false)
			g.steps16(vectors, true)
		}
	}
}

// steps16 makes places of a depthwise convolution of 16-bit numbers: 16 channels, or 32, of a run of them, then the next channels. A window's
// n is how many places there are. Behind 16 biases lie the 16 factors that make bytes; fine sums stay 16-bit numbers, up to what lies there.
func (g *gen) steps16(vectors int, fine bool) {
	name, doc := fmt.Sprintf("walk%d%s", 16*vectors, g.name), "bytes"
	if fine {
		name, doc = fmt.Sprintf("walkFine%d%s", 16*vectors, g.name), "16-bit numbers"
	}
	g.function(name, "func(w *byte)", fmt.Sprintf("%s makes w.n places of w.blocks times %d channels of a depthwise convolution of 16-bit numbers, as %s.", name, 16*vectors, doc))
	w, n, step := g.GP64(), g.GP64(), g.GP64()
	g.Load(g.Param("w"), w)
	field := func(off int) operand.Mem { return operand.Mem{Base: w, Disp: off} }
	x, out, bias := g.GP64(), g.GP64(), g.GP64()
	blocks := g.label("block")
	g.place(blocks)
	g.MOVQ(field(windowN), n)
	g.MOVQ(field(windowX), x)
	g.MOVQ(field(windowOut), out)
	g.MOVQ(field(windowBias), bias)
	most := g.v()
	if !fine {
		g.VMOVDQU(g.repeated(0x7f7f7f7f), most)
	}
	tap, r, c, skip, wskip, col := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(field(windowCols), c)
	g.MOVQ(field(windowRow), skip)
	g.MOVQ(field(windowWRow), wskip)
	g.MOVQ(field(windowCol), col)                   // taps lie as far apart as pixels
	pointers := []reg.GPVirtual{g.GP64(), g.GP64()} // one for three places
	body := func(places int) {
		rows := pointers[:(places+2)/3]
		point := func(from reg.GPVirtual, stride int) {
			g.MOVQ(from, rows[0])
			g.MOVQ(field(stride), step)
			if len(rows) > 1 {
				g.LEAQ(operand.Mem{Base: from, Index: step, Scale: 2}, rows[1])
				g.ADDQ(step, rows[1])
			}
		}
		address := func(place, vector int) operand.Mem {
			m := operand.Mem{Base: rows[place/3], Disp: vector * 32}
			if place%3 > 0 {
				m.Index, m.Scale = step, uint8(place%3)
			}
			return m
		}
		sums := make([][]reg.VecVirtual, places)
		for p := range places {
			for v := range vectors {
				sums[p] = append(sums[p], g.v())
				g.VMOVDQU(bytesAt(bias, 64*v), sums[p][v])
			}
		}
		point(x, windowStep)
		g.MOVQ(field(windowW), tap)
		g.MOVQ(field(windowRows), r)
		down, along, done := g.label("row"), g.label("tap"), g.label("summed")
		g.TESTQ(r, r)
		g.JZ(done)
		one := func() {
			for v := range vectors {
				weight := g.v()
				g.VMOVDQU(bytesAt(tap, 32*v), weight)
				for p := range places {
					product := g.v()
					g.VPMULHRSW(address(p, v), weight, product)
					g.VPADDW(product, sums[p][v], sums[p][v])
				}
			}
			for _, p := range rows {
				g.ADDQ(col, p)
			}
			g.ADDQ(col, tap)
		}
		nextRow := func(top operand.LabelRef) {
			for _, p := range rows {
				g.ADDQ(skip, p)
			}
			g.ADDQ(wskip, tap)
			g.DECQ(r)
			g.JNZ(top)
		}
		for _, taps := range []int{3, 5} { // without a loop of their own
			top, other := g.label("row"), g.label("other")
			g.CMPQ(c, operand.Imm(uint64(taps)))
			g.JNE(other)
			g.place(top)
			for range taps {
				one()
			}
			nextRow(top)
			g.JMP(done)
			g.place(other)
		}
		left := g.GP64()
		g.place(down)
		g.MOVQ(c, left)
		g.place(along)
		one()
		g.DECQ(left)
		g.JNZ(along)
		nextRow(down)
		g.place(done)
		point(out, windowOStep)
		for v := range vectors {
			factors := g.v()
			g.VMOVDQU(bytesAt(bias, 64*v+32), factors)
			for p := range places {
				if fine {
					g.VPMINSW(factors, sums[p][v], sums[p][v])
				} else {
					g.VPMULHRSW(factors, sums[p][v], sums[p][v])
				}
			}
		}
		if fine {
			zero := g.zeros(1)[0]
			for p := range places {
				for v, s := range sums[p] {
					g.VPMAXSW(zero, s, s)
					g.VMOVDQU(s, address(p, v))
				}
			}
		}
		for p := range places {
			s := sums[p][0]
			if fine {
				break
			}
			if vectors == 2 {
				g.VPACKUSWB(sums[p][1], s, s)
				g.VPERMQ(operand.Imm(0xd8), s, s)
				g.VPMINUB(most, s, s)
				g.VMOVDQU(s, address(p, 0))
			} else {
				high := g.XMM()
				g.VEXTRACTI128(operand.Imm(1), s, high)
				g.VPACKUSWB(high, s.AsX(), s.AsX())
				g.VPMINUB(most.AsX(), s.AsX(), s.AsX())
				g.VMOVDQU(s.AsX(), address(p, 0))
			}
		}
		g.IMUL3Q(operand.Imm(uint64(places)), step, step)
		g.ADDQ(step, out)
		g.MOVQ(field(windowStep), step)
		g.IMUL3Q(operand.Imm(uint64(places)), step, step)
		g.ADDQ(step, x)
	}
	for _, places := range []int{6, 3, 1} {
		more, fewer := g.label("more"), g.label("fewer")
		g.place(more)
		g.CMPQ(n, operand.Imm(uint64(places)))
		g.JL(fewer)
		body(places)
		g.SUBQ(operand.Imm(uint64(places)), n)
		g.JMP(more)
		g.place(fewer)
	}
	size := 16
	if fine {
		size = 32
	}
	for _, by := range [][2]int{{windowX, 32}, {windowW, 32}, {windowOut, size}, {windowBias, 64}} {
		g.ADDQ(operand.U32(by[1]*vectors), field(by[0]))
	}
	g.DECQ(field(windowBlocks))
	g.JNZ(blocks)
	g.end()
}
