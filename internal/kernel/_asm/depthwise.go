package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of kernel.window and kernel.lag; a test of that package compares them.
const (
	windowX, windowRow, windowCol, windowStep = 0, 8, 16, 24
	windowW, windowWRow, windowWCol           = 32, 40, 48
	windowRows, windowCols                    = 56, 64
	windowBias, windowOut, windowOStep        = 72, 80, 88
	windowN, windowLow, windowHigh            = 96, 104, 108
	windowBlocks                              = 112

	lagX, lagXStep, lagY, lagStep = 0, 8, 16, 24
	lagSums, lagCount, lagN       = 32, 40, 48
)

// depthwise writes the kernels of depthwise convolutions: of so many places at once, and of so many taps.
func depthwise(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		for places := 1; places <= 6; places++ {
			g.window(places)
		}
		for taps := 1; taps <= 5; taps++ {
			g.lag(taps)
		}
	}
}

// channels calls body for n channels: count vectors of them at a time, then one, then the rest under a mask. at is the offset in bytes
// of the present ones.
func (g *gen) channels(n, at reg.GPVirtual, count int, body func(vectors int, m *mask)) {
	loop := func(vectors int) {
		top, end := g.label("channels"), g.label("end")
		g.SUBQ(operand.Imm(uint64(vectors*g.lanes)), n)
		g.JL(end)
		g.place(top)
		body(vectors, nil)
		g.ADDQ(operand.U32(vectors*g.bytes()), at)
		g.SUBQ(operand.Imm(uint64(vectors*g.lanes)), n)
		g.JGE(top)
		g.place(end)
		g.ADDQ(operand.Imm(uint64(vectors*g.lanes)), n)
	}
	g.XORQ(at, at)
	if count > 1 {
		loop(count)
	}
	loop(1)
	done := g.label("done")
	g.TESTQ(n, n)
	g.JZ(done)
	body(1, g.partial(n))
	g.place(done)
}

// window makes so many places: for a few channels after the other, all taps.
func (g *gen) window(places int) {
	name := fmt.Sprintf("window%d%s", places, g.name)
	g.function(name, "func(w *byte)", fmt.Sprintf("%s makes %d places of a depthwise convolution.", name, places))
	together := []int{0, 4, 4, 4, 3, 2, 2}[places]
	w, at, n, step := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.Load(g.Param("w"), w)
	field := func(off int) operand.Mem { return operand.Mem{Base: w, Disp: off} }
	g.MOVQ(field(windowN), n)
	low, high := g.v(), g.v()
	g.VBROADCASTSS(field(windowLow), low)
	g.VBROADCASTSS(field(windowHigh), high)
	rows := make([]reg.GPVirtual, (places+2)/3) // a pointer for three places
	for i := range rows {
		rows[i] = g.GP64()
	}
	point := func(from, stride int) {
		g.MOVQ(field(from), rows[0])
		g.ADDQ(at, rows[0])
		g.MOVQ(field(stride), step)
		for i := 1; i < len(rows); i++ {
			g.LEAQ(operand.Mem{Base: rows[i-1], Index: step, Scale: 2}, rows[i])
			g.ADDQ(step, rows[i])
		}
	}
	address := func(place, vector int) operand.Mem {
		m := operand.Mem{Base: rows[place/3], Disp: vector * g.bytes()}
		if place%3 > 0 {
			m.Index, m.Scale = step, uint8(place%3)
		}
		return m
	}
	move := func(by operand.Op) {
		for _, r := range rows {
			g.ADDQ(by, r)
		}
	}
	tap, r, c, skip := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.channels(n, at, together, func(vectors int, m *mask) {
		bias := g.GP64()
		g.MOVQ(field(windowBias), bias)
		sums := make([][]reg.VecVirtual, places)
		for v := range vectors {
			for p := range places {
				if p == 0 {
					sums[0] = append(sums[0], g.load(operand.Mem{Base: bias, Index: at, Scale: 1, Disp: v * g.bytes()}, m))
					continue
				}
				sums[p] = append(sums[p], g.v())
				g.VMOVAPS(sums[0][v], sums[p][v])
			}
		}
		point(windowX, windowStep)
		g.MOVQ(field(windowW), tap)
		g.ADDQ(at, tap)
		g.MOVQ(field(windowRows), r)
		down, along, done := g.label("row"), g.label("tap"), g.label("summed")
		g.TESTQ(r, r)
		g.JZ(done)
		g.place(down)
		g.MOVQ(field(windowCols), c)
		g.place(along)
		for v := range vectors {
			weight := g.load(operand.Mem{Base: tap, Disp: v * g.bytes()}, m)
			for p := range places {
				if m == nil {
					g.VFMADD231PS(address(p, v), weight, sums[p][v])
				} else {
					g.VFMADD231PS(g.load(address(p, v), m), weight, sums[p][v])
				}
			}
		}
		move(field(windowCol))
		g.ADDQ(field(windowWCol), tap)
		g.DECQ(c)
		g.JNZ(along)
		g.MOVQ(field(windowRow), skip)
		move(skip)
		g.ADDQ(field(windowWRow), tap)
		g.DECQ(r)
		g.JNZ(down)
		g.place(done)
		point(windowOut, windowOStep)
		for p := range places {
			for v := range vectors {
				g.VMAXPS(sums[p][v], low, sums[p][v])
				g.VMINPS(sums[p][v], high, sums[p][v])
				g.store(sums[p][v], address(p, v), m)
			}
		}
	})
	g.end()
}

// lag adds up the products of places with what they see through so many taps.
func (g *gen) lag(taps int) {
	name := fmt.Sprintf("lag%d%s", taps, g.name)
	g.function(name, "func(l *byte)", fmt.Sprintf("%s adds up products for %d taps.", name, taps))
	together := []int{0, 4, 3, 3, 2, 2}[taps]
	l, at, n, step := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.Load(g.Param("l"), l)
	field := func(off int) operand.Mem { return operand.Mem{Base: l, Disp: off} }
	g.MOVQ(field(lagN), n)
	g.MOVQ(field(lagStep), step)
	base, far := g.GP64(), g.GP64() // of the taps from 0 on, and from 3 on
	address := func(tap, vector int) operand.Mem {
		m := operand.Mem{Base: base, Disp: vector * g.bytes()}
		if tap >= 3 {
			m.Base = far
		}
		if tap%3 > 0 {
			m.Index, m.Scale = step, uint8(tap%3)
		}
		return m
	}
	point := func(from int) {
		g.MOVQ(field(from), base)
		g.ADDQ(at, base)
		if taps > 3 {
			g.LEAQ(operand.Mem{Base: base, Index: step, Scale: 2}, far)
			g.ADDQ(step, far)
		}
	}
	y, count := g.GP64(), g.GP64()
	g.channels(n, at, together, func(vectors int, m *mask) {
		point(lagSums)
		sums := make([][]reg.VecVirtual, taps)
		for t := range taps {
			for v := range vectors {
				sums[t] = append(sums[t], g.load(address(t, v), m))
			}
		}
		point(lagX)
		g.MOVQ(field(lagY), y)
		g.ADDQ(at, y)
		g.MOVQ(field(lagCount), count)
		top := g.label("place")
		g.place(top)
		for v := range vectors {
			place := g.load(operand.Mem{Base: y, Disp: v * g.bytes()}, m)
			for t := range taps {
				if m == nil {
					g.VFMADD231PS(address(t, v), place, sums[t][v])
				} else {
					g.VFMADD231PS(g.load(address(t, v), m), place, sums[t][v])
				}
			}
		}
		g.ADDQ(field(lagXStep), base)
		if taps > 3 {
			g.ADDQ(field(lagXStep), far)
		}
		g.ADDQ(step, y)
		g.DECQ(count)
		g.JNZ(top)
		point(lagSums)
		for t := range taps {
			for v := range vectors {
				g.store(sums[t][v], address(t, v), m)
			}
		}
	})
	g.end()
}
