package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of kernel.strip; a test of that package compares them.
const (
	stripRows, stripQ, stripLDQ, stripD                   = 0, 8, 16, 24
	stripKeys, stripN, stripScores, stripLDS              = 32, 40, 48, 56
	stripSeen, stripStep, stripState, stripScale          = 64, 72, 80, 88
	stripValues, stripLDV, stripPanels                    = 96, 104, 112
	stripFrom, stripLDF, stripOut, stripLDO, stripInverse = 120, 128, 136, 144, 152
)

// Offsets of what is kept of a row: four values.
const stateTop, stateNorm, stateShrink, stateInverse, stateSize = 0, 4, 8, 12, 16

// A stored is how keys and values lie in memory.
type stored struct {
	name string
	size int                                                // bytes of a number
	load func(g *gen, from operand.Mem, to reg.VecPhysical) // loads a vector
}

var (
	whole = stored{"", 4, func(g *gen, from operand.Mem, to reg.VecPhysical) { g.VMOVUPS(from, to) }}
	half  = stored{"Half", 2, func(g *gen, from operand.Mem, to reg.VecPhysical) { g.VCVTPH2PS(from, to) }}
)

// attention writes the kernels for strips of up to height rows.
func attention(s set, as stored, height int) func(c *build.Context) {
	return func(c *build.Context) {
		newGen(c, s).scores(as, height)
		newGen(c, s).values(as, height)
	}
}

func softening(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		g.weigh()
		g.packKeys()
		g.packValues()
	}
}

func at(p reg.Register, disp int) operand.Mem { return operand.Mem{Base: p, Disp: disp} }

// field loads a field of what p points at.
func (g *gen) field(p reg.Register, off int) reg.GPVirtual {
	r := g.GP64()
	g.MOVQ(at(p, off), r)
	return r
}

// eachHeight calls body for the number of rows that the strip t has.
func (g *gen) eachHeight(height int, body func(t reg.Register, h int)) {
	t := g.arg("a")
	rows := g.field(t, stripRows)
	labels := make([]operand.LabelRef, height+1)
	for h := height; h > 1; h-- {
		labels[h] = g.label(fmt.Sprintf("rows%d_", h))
		g.CMPQ(rows, operand.Imm(uint64(h)))
		g.JE(labels[h])
	}
	for h := 1; h <= height; h++ {
		if h > 1 {
			g.place(labels[h])
		}
		body(t, h)
		g.end()
	}
}

// triples makes pointers to every third of h rows, ld apart, and returns what addresses a value of a row.
func (g *gen) triples(first, ld reg.GPVirtual, h int) (rows []reg.GPVirtual, value func(r, disp int) operand.Mem) {
	rows = []reg.GPVirtual{first}
	for r := 3; r < h; r += 3 {
		p := g.GP64()
		last := rows[len(rows)-1]
		g.LEAQ(operand.Mem{Base: last, Index: ld, Scale: 2}, p)
		g.ADDQ(ld, p)
		rows = append(rows, p)
	}
	return rows, func(r, disp int) operand.Mem {
		m := at(rows[r/3], disp)
		if r%3 > 0 {
			m.Index, m.Scale = ld, uint8(r%3)
		}
		return m
	}
}

// products adds k products to h rows of sums, as many registers wide as b: panel and wide address step i of two.
func (g *gen) products(as stored, h int, b []reg.VecPhysical, k reg.GPVirtual, panel func(i, j int) operand.Mem, value func(r, i int) operand.Mem, advance func(steps int)) {
	wide := [2]reg.VecPhysical{g.vec(2*h + 2), g.vec(2*h + 3)}
	step := func(i int) {
		for j := range b {
			as.load(g, panel(i, j), b[j])
		}
		for r := range h {
			g.VBROADCASTSS(value(r, i), wide[r%2])
			for j := range b {
				g.VFMADD231PS(b[j], wide[r%2], g.vec(2*r+j))
			}
		}
	}
	loop, rest, done := g.label("loop"), g.label("rest"), g.label("done")
	g.SUBQ(operand.Imm(2), k)
	g.JL(rest)
	g.place(loop)
	step(0)
	step(1)
	advance(2)
	g.SUBQ(operand.Imm(2), k)
	g.JGE(loop)
	g.place(rest)
	g.ADDQ(operand.Imm(2), k)
	g.JZ(done)
	step(0)
	advance(1)
	g.place(done)
}

// scores multiplies rows of queries with panels of keys.
func (g *gen) scores(as stored, height int) {
	name, step := "scores"+as.name+g.name, as.size*g.lanes
	g.function(name, "func(a *byte)", name+" writes the scaled inner products of the queries of a strip with n keys, and of what fills up their last vector.")
	g.eachHeight(height, func(t reg.Register, h int) {
		ld, panel, n, out, lds := g.field(t, stripLDQ), g.field(t, stripKeys), g.field(t, stripN), g.field(t, stripScores), g.field(t, stripLDS)
		rows, value := g.triples(g.field(t, stripQ), ld, h)
		k, p := g.GP64(), g.GP64()
		part := func(vectors int) {
			b := []reg.VecPhysical{g.vec(2 * h), g.vec(2*h + 1)}[:vectors]
			for r := range h {
				for j := range b {
					g.zero(g.vec(2*r + j))
				}
			}
			g.MOVQ(at(t, stripD), k)
			g.products(as, h, b, k,
				func(i, j int) operand.Mem { return at(panel, (2*i+j)*step) },
				func(r, i int) operand.Mem { return value(r, 4*i) },
				func(steps int) {
					g.ADDQ(operand.U32(2*steps*step), panel)
					for _, row := range rows {
						g.ADDQ(operand.Imm(uint64(4*steps)), row)
					}
				})
			g.VBROADCASTSS(at(t, stripScale), b[0])
			g.MOVQ(out, p)
			for r := range h {
				for j := range b {
					g.VMULPS(b[0], g.vec(2*r+j), g.vec(2*r+j))
					g.VMOVUPS(g.vec(2*r+j), at(p, j*g.bytes()))
				}
				if r < h-1 {
					g.ADDQ(lds, p)
				}
			}
		}
		loop, narrow, done := g.label("panel"), g.label("narrow"), g.label("scored")
		g.place(loop)
		g.CMPQ(n, operand.Imm(uint64(g.lanes)))
		g.JLE(narrow)
		part(2)
		g.SUBQ(operand.Imm(uint64(2*g.lanes)), n)
		g.JLE(done)
		g.ADDQ(operand.U32(2*g.bytes()), out)
		g.MOVQ(at(t, stripD), k)
		g.SHLQ(operand.Imm(2), k)
		for _, row := range rows {
			g.SUBQ(k, row)
		}
		g.JMP(loop)
		g.place(narrow)
		part(1)
		g.place(done)
	})
}

// values adds up rows of values by their weights.
func (g *gen) values(as stored, height int) {
	name, step := "values"+as.name+g.name, as.size*g.lanes
	g.function(name, "func(a *byte)", name+" writes from·shrink + weights·values, by choice times the inverse of the norm, of a strip. It moves values, from and out on.")
	g.eachHeight(height, func(t reg.Register, h int) {
		ld, lds := g.field(t, stripLDV), g.field(t, stripLDS)
		loop, fresh, ready, plain := g.label("panel"), g.label("fresh"), g.label("ready"), g.label("plain")
		b := []reg.VecPhysical{g.vec(2 * h), g.vec(2*h + 1)}
		each := func(p, ld reg.GPVirtual, do func(r, j int, m operand.Mem)) {
			for r := range h {
				for j := range b {
					do(r, j, at(p, j*g.bytes()))
				}
				if r < h-1 {
					g.ADDQ(ld, p)
				}
			}
		}
		g.place(loop)
		from := g.field(t, stripFrom)
		g.TESTQ(from, from)
		g.JZ(fresh)
		state := g.field(t, stripState)
		each(from, g.field(t, stripLDF), func(r, j int, m operand.Mem) {
			g.VBROADCASTSS(at(state, r*stateSize+stateShrink), b[0])
			g.VMULPS(m, b[0], g.vec(2*r+j))
		})
		g.ADDQ(operand.U32(2*g.bytes()), at(t, stripFrom))
		g.JMP(ready)
		g.place(fresh)
		for i := range 2 * h {
			g.zero(g.vec(i))
		}
		g.place(ready)

		rows, value := g.triples(g.field(t, stripScores), lds, h)
		v, k := g.field(t, stripValues), g.field(t, stripN)
		g.products(as, h, b, k,
			func(i, j int) operand.Mem {
				m := at(v, j*step)
				if i > 0 {
					m.Index, m.Scale = ld, 1
				}
				return m
			},
			func(r, i int) operand.Mem { return value(r, 4*i) },
			func(steps int) {
				g.LEAQ(operand.Mem{Base: v, Index: ld, Scale: uint8(steps)}, v)
				for _, row := range rows {
					g.ADDQ(operand.Imm(uint64(4*steps)), row)
				}
			})

		g.CMPQ(at(t, stripInverse), operand.Imm(0))
		g.JE(plain)
		state = g.field(t, stripState)
		for r := range h {
			g.VBROADCASTSS(at(state, r*stateSize+stateInverse), b[0])
			for j := range b {
				g.VMULPS(b[0], g.vec(2*r+j), g.vec(2*r+j))
			}
		}
		g.place(plain)
		each(g.field(t, stripOut), g.field(t, stripLDO), func(r, j int, m operand.Mem) { g.VMOVUPS(g.vec(2*r+j), m) })
		g.ADDQ(operand.U32(2*step), at(t, stripValues))
		g.ADDQ(operand.U32(2*g.bytes()), at(t, stripOut))
		g.DECQ(at(t, stripPanels))
		g.JNZ(loop)
	})
}

// 2ˣ for x of -½ to ½, coefficients from the highest down: fitted to a relative error of 2e-9.
var powerPolynomial = []float64{0.00015353361591867454, 0.0013398874519425508, 0.0096184373597827, 0.05550332470792867, 0.24022647913597905, 0.6931472028552759, 1}

// Below powerLow power is 0; powerMagic has the lowest bit of its fraction at 1, and adds the bias of exponents.
const powerLow, powerMagic = -127, 3<<22 + 127

// power replaces each of x, at most 0 or about it, by 2ˣ; below 2⁻¹²⁷ it is 0.
func (g *gen) power(low, magic reg.VecVirtual, x ...reg.VecVirtual) {
	n, f := g.vs(len(x)), g.vs(len(x))
	for i := range x {
		g.VMAXPS(x[i], low, x[i]) // the second operand of the processor's order, NaN too
	}
	for i := range x {
		g.VADDPS(magic, x[i], n[i])
	}
	for i := range x {
		g.VSUBPS(magic, n[i], f[i])
	}
	for i := range x {
		g.VSUBPS(f[i], x[i], x[i])
	}
	p := g.horner(x, powerPolynomial)
	for i := range x {
		g.VPSLLD(operand.Imm(23), n[i], n[i]) // the lowest bits of n hold the exponent of the result, 0 for 2⁻¹²⁷
	}
	for i := range x {
		g.VMULPS(n[i], p[i], x[i])
	}
}

// weigh turns scores into weights.
func (g *gen) weigh() {
	g.function("weigh"+g.name, "func(a *byte)",
		"weigh"+g.name+" turns the scores of a strip, exponents of 2, into weights: 2 to the power of score less largest score, 0 for keys that a row does not see. It keeps the state of the rows.")
	t := g.arg("a")
	rows, s, lds, state := g.field(t, stripRows), g.field(t, stripScores), g.field(t, stripLDS), g.field(t, stripState)
	seen := g.field(t, stripSeen)
	low, magic := g.hold(powerLow), g.hold(powerMagic)
	loop, first, both := g.label("row"), g.label("first"), g.label("both")
	c, n := g.GP64(), g.GP64()
	g.place(loop)

	zero := g.GP64() // how many keys this row sees
	g.XORQ(zero, zero)
	g.MOVQ(seen, c)
	g.CMPQ(c, at(t, stripN))
	g.CMOVQGT(at(t, stripN), c)
	g.TESTQ(c, c)
	g.CMOVQLT(zero, c)

	none, least := g.hold(math.Inf(-1)), g.hold(-math.MaxFloat32)
	tops := []reg.VecVirtual{g.v(), g.v()}
	for _, top := range tops {
		g.VMOVAPS(none, top)
	}
	g.MOVQ(c, n)
	g.walk(n, 2, func(at place, acc int, m *mask) {
		v := g.load(at(s), m)
		g.fill(v, none, m)
		g.VMAXPS(v, tops[acc], tops[acc])
	})
	g.VMAXPS(tops[1], tops[0], tops[0])
	top, shrink := g.v(), g.v()
	g.VBROADCASTSS(g.across(tops[0], func(a, b, to operand.Op) { g.VMAXPS(a, b, to) }), top)
	g.CMPQ(at(t, stripFrom), operand.Imm(0))
	g.JE(first)
	g.VBROADCASTSS(at(state, stateTop), shrink)
	g.VMAXPS(shrink, top, top)
	g.VMOVSS(top.AsX(), at(state, stateTop))
	g.VMAXPS(top, least, top) // a mask may hide all: then 2 to the power of -Inf less this is 0
	g.VSUBPS(top, shrink, shrink)
	g.power(low, magic, shrink)
	g.VMOVSS(shrink.AsX(), at(state, stateShrink))
	g.JMP(both)
	g.place(first)
	g.VMOVSS(top.AsX(), at(state, stateTop))
	g.VMAXPS(top, least, top)
	g.zero(shrink)
	g.VMOVSS(shrink.AsX(), at(state, stateNorm))
	g.place(both)

	sums := g.zeros(2)
	end := g.GP64()
	g.MOVQ(c, n)
	g.abreast(n, 3, func(at []place, m *mask) {
		x := g.loads(at, s, m)
		for i := range x {
			g.VSUBPS(top, x[i], x[i])
		}
		g.power(low, magic, x...)
		for i := range x {
			g.keep(x[i], m)
			g.VMOVUPS(x[i], at[i](s))
			g.VADDPS(x[i], sums[i%2], sums[i%2])
		}
	})

	// Zeros for the rest of n.
	clear, cleared, nothing := g.label("clear"), g.label("cleared"), g.v()
	g.zero(nothing)
	g.ADDQ(operand.Imm(uint64(g.lanes-1)), c)
	g.ANDQ(operand.I8(int8(-g.lanes)), c)
	g.MOVQ(at(t, stripN), end)
	g.place(clear)
	g.CMPQ(c, end)
	g.JGE(cleared)
	g.VMOVUPS(nothing, operand.Mem{Base: s, Index: c, Scale: 4})
	g.ADDQ(operand.Imm(uint64(g.lanes)), c)
	g.JMP(clear)
	g.place(cleared)

	g.VADDPS(sums[1], sums[0], sums[0])
	sum, one := g.across(sums[0], func(a, b, to operand.Op) { g.VADDPS(a, b, to) }), g.XMM()
	g.VMULSS(at(state, stateNorm), shrink.AsX(), shrink.AsX())
	g.VADDSS(shrink.AsX(), sum, sum)
	g.VMOVSS(sum, at(state, stateNorm))
	g.VMOVSS(g.float(1), one)
	g.VDIVSS(sum, one, one)
	g.VMOVSS(one, at(state, stateInverse))

	g.ADDQ(lds, s)
	g.ADDQ(operand.Imm(stateSize), state)
	g.ADDQ(at(t, stripStep), seen)
	g.DECQ(rows)
	g.JNZ(loop)
	g.end()
}

// packKeys turns keys into columns of panels.
func (g *gen) packKeys() {
	g.function("packKeys"+g.name, "func(dst, src *float32, size, ld, n, d int)",
		"packKeys"+g.name+" writes n rows of d values, ld bytes apart, as columns of panels of two vectors, size bytes each; what is left of the last vector is as its last row. d is a multiple of a vector and not 0.")
	dst, src, n := g.arg("dst"), g.arg("src"), g.arg("n")
	keys, columns, odd, done := g.label("keys"), g.label("columns"), g.label("odd"), g.label("done")
	step := 2 * g.bytes()
	half, to, from, k, last := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.XORQ(half, half)
	g.place(keys)
	g.Load(g.Param("d"), k)
	g.MOVQ(dst, to)
	g.MOVQ(src, from)
	g.MOVQ(operand.U64(uint64(g.lanes)), last)
	g.CMPQ(n, last)
	g.CMOVQLT(n, last)
	g.DECQ(last)
	ld := g.arg("ld")
	g.IMULQ(ld, last)
	g.ADDQ(src, last)
	g.place(columns)
	p := g.GP64()
	g.MOVQ(from, p)
	columnsOf := g.turn(func(load func(m operand.Mem)) {
		load(at(p, 0))
		g.ADDQ(ld, p)
		g.CMPQ(p, last)
		g.CMOVQHI(last, p)
	})
	for i, v := range columnsOf {
		g.VMOVUPS(v, at(to, i*step))
	}
	g.ADDQ(operand.U32(g.lanes*step), to)
	g.ADDQ(operand.Imm(uint64(4*g.lanes)), from)
	g.ADDQ(operand.Imm(uint64(4*g.lanes)), last)
	g.SUBQ(operand.Imm(uint64(g.lanes)), k)
	g.JNZ(columns)

	g.SUBQ(operand.Imm(uint64(g.lanes)), n)
	g.JLE(done)
	g.MOVQ(ld, k)
	g.SHLQ(operand.Imm(uint64(log2(g.lanes))), k)
	g.ADDQ(k, src)
	g.XORQ(operand.Imm(1), half)
	g.JZ(odd)
	g.ADDQ(operand.Imm(uint64(g.bytes())), dst)
	g.JMP(keys)
	g.place(odd)
	size := g.arg("size")
	g.ADDQ(size, dst)
	g.SUBQ(operand.Imm(uint64(g.bytes())), dst)
	g.JMP(keys)
	g.place(done)
	g.end()
}

func log2(n int) int {
	if n == 1 {
		return 0
	}
	return 1 + log2(n/2)
}

// packValues brings rows together.
func (g *gen) packValues() {
	g.function("packValues"+g.name, "func(dst, src *float32, ld, n, d int)", "packValues"+g.name+" copies n rows of d values, ld bytes apart, to rows without gaps. d is a multiple of two vectors and not 0.")
	dst, src, ld, n, d := g.arg("dst"), g.arg("src"), g.arg("ld"), g.arg("n"), g.arg("d")
	rows, columns, k := g.label("rows"), g.label("columns"), g.GP64()
	g.SHLQ(operand.Imm(2), d)
	g.SUBQ(d, ld)
	g.place(rows)
	g.MOVQ(d, k)
	g.place(columns)
	for j := range 2 {
		v := g.v()
		g.VMOVUPS(at(src, j*g.bytes()), v)
		g.VMOVUPS(v, at(dst, j*g.bytes()))
	}
	g.ADDQ(operand.U32(2*g.bytes()), src)
	g.ADDQ(operand.U32(2*g.bytes()), dst)
	g.SUBQ(operand.U32(2*g.bytes()), k)
	g.JNZ(columns)
	g.ADDQ(ld, src)
	g.DECQ(n)
	g.JNZ(rows)
	g.end()
}
