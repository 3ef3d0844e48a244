package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func (g *gen) transforms() {
	g.load()
	g.pass("two", 2, g.two)
	g.pass("four", 4, g.four)
	g.pass("five", 5, g.five)
	g.split()
}

// load transposes as many samples as a vector holds.
func (g *gen) load() {
	g.function("load", "func(cells, frames, window *byte, n int)",
		"puts n samples of each of eight slices of float32 into lanes, times the window. n is a multiple of 8 and not 0.")
	cells, frames, window, n, i := g.arg("cells"), g.arg("frames"), g.arg("window"), g.arg("n"), g.GP64()
	var from [lanes]reg64
	for f := range from {
		from[f] = g.GP64()
		g.MOVQ(at(frames, 24*f), from[f])
	}
	samples := 32 / g.size
	g.XORQ(i, i)
	loop := g.label("loop")
	g.place(loop)
	w := g.hold(at(window, 0))
	for part := range g.parts() {
		x := make([]vec, samples)
		for f := range x {
			x[f] = g.YMM()
			m := add(from[part*samples+f], i, 4)
			if g.size == 4 {
				g.mul(m, w, x[f])
			} else {
				g.VCVTPS2PD(m, x[f])
				g.mul(w, x[f], x[f])
			}
		}
		for k, v := range g.transpose(x) {
			g.VMOVUPS(v, at(cells, k*g.row()+32*part))
		}
	}
	g.ADDQ(imm(samples*g.row()), cells)
	g.ADDQ(operand.Imm(32), window)
	g.ADDQ(imm(samples), i)
	g.CMPQ(i, n)
	g.JLT(loop)
	g.end()
}

// A cplx is a vector of real and one of imaginary parts.
type cplx struct{ r, i vec }

func (g *gen) complex(m operand.Mem) cplx {
	high := m
	high.Disp += g.row()
	return cplx{g.hold(m), g.hold(high)}
}

func (g *gen) store(c cplx, m operand.Mem) {
	g.VMOVUPS(c.r, m)
	m.Disp += g.row()
	g.VMOVUPS(c.i, m)
}

// both is a + b, and leaves a - b in a.
func (g *gen) both(a, b cplx) cplx {
	sum := cplx{g.YMM(), g.YMM()}
	g.plus(b.r, a.r, sum.r)
	g.minus(b.r, a.r, a.r)
	g.plus(b.i, a.i, sum.i)
	g.minus(b.i, a.i, a.i)
	return sum
}

// turned is m - i·n, and leaves m + i·n in m.
func (g *gen) turned(m, n cplx) cplx {
	u := cplx{g.YMM(), g.YMM()}
	g.plus(n.i, m.r, u.r)
	g.minus(n.i, m.r, m.r)
	g.minus(n.r, m.i, u.i)
	g.plus(n.r, m.i, m.i)
	return u
}

// A place is where outputs and factors of a butterfly lie.
type place struct {
	y, s, s3 reg.Register
	w        reg.Register // nil where factors are 1
	disp     int          // of the vector within a row
}

// out writes output k, times its factor.
func (g *gen) out(p place, k int, u cplx) {
	var to operand.Mem
	switch k {
	case 0:
		to = at(p.y, 0)
	case 3:
		to = add(p.y, p.s3, 1)
	default:
		to = add(p.y, p.s, uint8(k))
	}
	to.Disp = p.disp
	if k == 0 || p.w == nil {
		g.store(u, to)
		return
	}
	v := cplx{g.YMM(), g.YMM()}
	t := g.spread(at(p.w, 2*(k-1)*g.size))
	g.mul(t, u.r, v.r)
	g.mul(t, u.i, v.i)
	t = g.spread(at(p.w, (2*k-1)*g.size))
	g.fnma(t, u.i, v.r)
	g.fma(t, u.r, v.i)
	g.store(v, to)
}

// pass walks over the butterflies of a pass. Those of the first factor, 1, come first.
func (g *gen) pass(name string, radix int, butterfly func(in []cplx, p place)) {
	g.function(name, "func(y, x, w *byte, m, stride int)", "does a pass of radix "+string(rune('0'+radix))+".")
	y, x, w, m, stride := g.arg("y"), g.arg("x"), g.arg("w"), g.arg("m"), g.arg("stride")
	s, s3, jump, ms, ms3, q := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(stride, s)
	g.IMUL3Q(imm(g.cell()), s, s)
	g.MOVQ(m, ms)
	g.IMULQ(s, ms)
	g.LEAQ(add(s, s, 2), s3)
	g.LEAQ(add(ms, ms, 2), ms3)
	switch radix { // outputs of a factor lie radix strides before those of the next
	case 2:
		g.MOVQ(s, jump)
	case 4:
		g.MOVQ(s3, jump)
	default:
		g.LEAQ(add(s3, s, 1), jump)
	}
	some := func(p place) {
		g.MOVQ(stride, q)
		g.times(q, func() {
			for part := range g.parts() {
				p.disp = 32 * part
				var in []cplx
				for _, m := range []operand.Mem{at(x, 0), add(x, ms, 1), add(x, ms, 2), add(x, ms3, 1), add(x, ms, 4)}[:radix] {
					m.Disp = p.disp
					in = append(in, g.complex(m))
				}
				butterfly(in, p)
			}
			g.ADDQ(imm(g.cell()), x)
			g.ADDQ(imm(g.cell()), y)
		})
		g.ADDQ(jump, y)
	}
	some(place{y: y, s: s, s3: s3})
	done := g.label("done")
	g.DECQ(m)
	g.JZ(done)
	g.times(m, func() {
		g.ADDQ(imm(2*(radix-1)*g.size), w)
		some(place{y: y, s: s, s3: s3, w: w})
	})
	g.place(done)
	g.end()
}

func (g *gen) two(in []cplx, p place) {
	g.out(p, 0, g.both(in[0], in[1]))
	g.out(p, 1, in[0])
}

func (g *gen) four(in []cplx, p place) {
	even, odd := g.both(in[0], in[2]), g.both(in[1], in[3])
	g.out(p, 0, g.both(even, odd))
	g.out(p, 2, even)
	g.out(p, 1, g.turned(in[0], in[1]))
	g.out(p, 3, in[0])
}

func (g *gen) five(in []cplx, p place) {
	a, d4, d3 := in[0], in[1], in[2]
	b4, c3 := g.both(d4, in[4]), g.both(d3, in[3])
	c := func(k int) operand.Mem { return g.float(math.Cos(2 * math.Pi * float64(k) / 5)) }
	s := func(k int) operand.Mem { return g.float(math.Sin(2 * math.Pi * float64(k) / 5)) }
	sum, p1, q1 := cplx{g.YMM(), g.YMM()}, cplx{g.YMM(), g.YMM()}, cplx{g.YMM(), g.YMM()}
	parts := func(do func(a, b4, c3, sum, p1 vec)) {
		do(a.r, b4.r, c3.r, sum.r, p1.r)
		do(a.i, b4.i, c3.i, sum.i, p1.i)
	}
	parts(func(a, b4, c3, sum, p1 vec) {
		g.plus(b4, a, sum)
		g.plus(c3, sum, sum)
	})
	g.out(p, 0, sum)
	parts(func(a, b4, c3, _, p1 vec) { // p1 = a + c1·b4 + c2·c3, and a becomes p2 = a + c2·b4 + c1·c3
		g.VMOVAPS(a, p1)
		g.fma(c(1), b4, p1)
		g.fma(c(2), c3, p1)
		g.fma(c(2), b4, a)
		g.fma(c(1), c3, a)
	})
	for _, part := range [][3]vec{{d4.r, d3.r, q1.r}, {d4.i, d3.i, q1.i}} { // q1 = s1·d4 + s2·d3, and d4 becomes q2 = s2·d4 - s1·d3
		d4, d3, q1 := part[0], part[1], part[2]
		g.mul(s(1), d4, q1)
		g.fma(s(2), d3, q1)
		g.mul(s(2), d4, d4)
		g.fnma(s(1), d3, d4)
	}
	g.out(p, 1, g.turned(p1, q1))
	g.out(p, 4, p1)
	g.out(p, 2, g.turned(a, d4))
	g.out(p, 3, a)
}

// split goes from both ends to the middle.
func (g *gen) split() {
	g.function("split", "func(dst, x, turns *byte, half int)", "writes the power of the bins from 1 to half - 1, of which there is one at least.")
	low, z, w, h := g.arg("dst"), g.arg("x"), g.arg("turns"), g.arg("half")
	high, zh, n := g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(h, n)
	g.SHRQ(operand.Imm(1), n)
	g.IMUL3Q(imm(g.row()), h, high)
	g.LEAQ(add(z, high, 2), zh)
	g.ADDQ(low, high)
	quarter := g.hold(g.float(0.25))
	g.times(n, func() {
		g.ADDQ(imm(g.row()), low)
		g.ADDQ(imm(g.cell()), z)
		g.ADDQ(imm(2*g.size), w)
		g.SUBQ(imm(g.row()), high)
		g.SUBQ(imm(g.cell()), zh)
		c, s := g.spread(at(w, 0)), g.spread(at(w, g.size))
		for disp := 0; disp < g.row(); disp += 32 {
			g.bins(g.complex(at(z, disp)), g.complex(at(zh, disp)), c, s, quarter, at(low, disp), at(high, disp))
		}
	})
	g.end()
}

// bins writes the power of a bin and of that as far from the other end; c and s turn the odd samples' part.
func (g *gen) bins(a, b cplx, c, s, quarter vec, low, high operand.Mem) {
	e, o, t := cplx{g.YMM(), g.YMM()}, cplx{g.YMM(), g.YMM()}, cplx{g.YMM(), g.YMM()} // twice as large
	g.plus(b.r, a.r, e.r)
	g.minus(b.i, a.i, e.i)
	g.plus(b.i, a.i, o.r)
	g.minus(a.r, b.r, o.i)
	g.mul(c, o.r, t.r)
	g.fnma(s, o.i, t.r)
	g.mul(s, o.r, t.i)
	g.fma(c, o.i, t.i)
	sum := g.both(e, t)
	for _, x := range []struct {
		v  cplx
		to operand.Mem
	}{{sum, low}, {e, high}} {
		g.mul(x.v.r, x.v.r, x.v.r)
		g.fma(x.v.i, x.v.i, x.v.r)
		g.mul(quarter, x.v.r, x.v.r)
		g.VMOVUPS(x.v.r, x.to)
	}
}
