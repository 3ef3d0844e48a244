package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

func (g *gen) mels() {
	g.sums()
	g.roots()
	g.logarithm()
}

func (g *gen) sums() {
	g.function("sums", "func(dst, power *byte, starts, fours *int32, weights *byte, n int)", "writes the sums of n filters, 1 at least.")
	dst, power, starts, fours, w, n := g.arg("dst"), g.arg("power"), g.arg("starts"), g.arg("fours"), g.arg("weights"), g.arg("n")
	g.times(n, func() {
		p, left := g.GP64(), g.GP64()
		g.MOVLQSX(at(starts, 0), p)
		g.IMUL3Q(imm(g.row()), p, p)
		g.ADDQ(power, p)
		g.MOVLQSX(at(fours, 0), left)
		acc := make([]vec, 2*g.parts()) // of even and of odd bins, of each part of a row
		for i := range acc {
			acc[i] = g.YMM()
			g.VXORPS(acc[i], acc[i], acc[i])
		}
		done := g.label("done")
		g.TESTQ(left, left)
		g.JZ(done)
		g.times(left, func() {
			for k := range 4 {
				v := g.spread(at(w, g.size*k))
				for part := range g.parts() {
					g.fma(at(p, g.row()*k+32*part), v, acc[2*part+k%2])
				}
			}
			g.ADDQ(imm(4*g.size), w)
			g.ADDQ(imm(4*g.row()), p)
		})
		g.place(done)
		for part := range g.parts() {
			g.plus(acc[2*part+1], acc[2*part], acc[2*part])
			g.VMOVUPS(acc[2*part], at(dst, 32*part))
		}
		g.ADDQ(imm(g.row()), dst)
		g.ADDQ(operand.Imm(4), starts)
		g.ADDQ(operand.Imm(4), fours)
	})
	g.end()
}

func (g *gen) roots() {
	g.function("roots", "func(rows *byte, n int)", "takes the square roots of n rows, 1 at least.")
	x, n := g.arg("rows"), g.arg("n")
	g.times(n, func() {
		for disp := 0; disp < g.row(); disp += 32 {
			v := g.YMM()
			g.sqrt(at(x, disp), v)
			g.VMOVUPS(v, at(x, disp))
		}
		g.ADDQ(imm(g.row()), x)
	})
	g.end()
}

// logarithm splits x = 2ᵉ·m, 1 ≤ m < 2. With c = √2 and s = (m - c)/(m + c), ln x = e·ln 2 + ln c + 2·(s + s³/3 + s⁵/5 …),
// where |s| is at most 0.1716: terms up to s¹³ leave an error of 5e-13 of the last summand, those up to s⁷ one of 2e-8.
func (g *gen) logarithm() {
	float := pick(g, "float32", "float64")
	g.function("log", "func(to *float32, rows *byte, n int, floor, offset, factor "+float+")", "writes factor·ln(max(x, floor) + offset) of n rows, 1 at least.")
	to, x, n := g.arg("to"), g.arg("rows"), g.arg("n")
	floor, offset, factor := g.spread(g.param("floor")), g.spread(g.param("offset")), g.spread(g.param("factor"))
	g.times(n, func() {
		for part := range g.parts() {
			v := g.YMM()
			g.max(at(x, 32*part), floor, v)
			g.plus(offset, v, v)
			p := g.ln(v)
			g.mul(factor, p, p)
			if g.size == 4 {
				g.VMOVUPS(p, at(to, 0))
				continue
			}
			narrow := g.XMM()
			g.VCVTPD2PSY(p, narrow)
			g.VMOVUPS(narrow, at(to, 16*part))
		}
		g.ADDQ(imm(g.row()), x)
		g.ADDQ(operand.Imm(4*lanes), to)
	})
	g.end()
}

func (g *gen) ln(v vec) vec {
	e, m := g.YMM(), g.YMM()
	mantissa := pick(g, 23, 52)
	bias := uint64(pick(g, 127, 1023))
	g.shift(operand.Imm(uint64(mantissa)), v, e)
	if g.size == 4 {
		g.VPSUBD(g.repeated(bias), e, e)
		g.VCVTDQ2PS(e, e)
	} else { // the lowest bits of 2⁵² are a whole number
		g.VPOR(g.float(1<<52), e, e)
		g.minus(g.float(float64(1<<52+bias)), e, e)
	}
	g.VPAND(g.repeated(1<<mantissa-1), v, m)
	g.VPOR(g.repeated(bias<<mantissa), m, m)
	s, square, p := g.YMM(), g.YMM(), g.YMM()
	g.minus(g.float(math.Sqrt2), m, s)
	g.plus(g.float(math.Sqrt2), m, m)
	g.div(m, s, s)
	g.mul(s, s, square)
	terms := pick(g, 7, 13)
	g.VMOVUPS(g.float(2/float64(terms)), p)
	for k := terms - 2; k > 0; k -= 2 {
		g.horner(g.float(2/float64(k)), square, p)
	}
	g.horner(g.float(math.Ln2/2), s, p)
	g.fma(g.float(math.Ln2), e, p)
	return p
}

func (g *gen) raise() {
	g.function("raise", "func(v *float32, n int, floor, add, factor float32)", "writes (max(v, floor) + add)·factor. n is a multiple of 8 and not 0.")
	p, n := g.arg("v"), g.arg("n")
	floor, add, factor := g.spread(g.param("floor")), g.spread(g.param("add")), g.spread(g.param("factor"))
	g.SHRQ(operand.Imm(3), n)
	g.times(n, func() {
		v := g.YMM()
		g.max(at(p, 0), floor, v)
		g.plus(add, v, v)
		g.mul(factor, v, v)
		g.VMOVUPS(v, at(p, 0))
		g.ADDQ(operand.Imm(32), p)
	})
	g.end()
}
