package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
)

// Instructions of either kind of numbers, in the order of operands of avo: the last is where the result goes.

func (g *gen) row() int  { return lanes * g.size }
func (g *gen) cell() int { return 2 * g.row() }

// parts is how many vectors a row has.
func (g *gen) parts() int { return g.row() / 32 }

// pick does one of two.
func pick[T any](g *gen, f32, f64 T) T {
	if g.size == 8 {
		return f64
	}
	return f32
}

func (g *gen) plus(b, a, dst operand.Op)  { pick(g, g.VADDPS, g.VADDPD)(b, a, dst) }
func (g *gen) minus(b, a, dst operand.Op) { pick(g, g.VSUBPS, g.VSUBPD)(b, a, dst) } // a - b
func (g *gen) mul(b, a, dst operand.Op)   { pick(g, g.VMULPS, g.VMULPD)(b, a, dst) }
func (g *gen) div(b, a, dst operand.Op)   { pick(g, g.VDIVPS, g.VDIVPD)(b, a, dst) } // a / b
func (g *gen) max(b, a, dst operand.Op)   { pick(g, g.VMAXPS, g.VMAXPD)(b, a, dst) } // b when one is NaN
func (g *gen) sqrt(x, dst operand.Op)     { pick(g, g.VSQRTPS, g.VSQRTPD)(x, dst) }
func (g *gen) shift(n, x, dst operand.Op) { pick(g, g.VPSRLD, g.VPSRLQ)(n, x, dst) }

// fma adds b·a to dst, fnma takes it away; horner makes dst a·dst + b.
func (g *gen) fma(b, a, dst operand.Op)    { pick(g, g.VFMADD231PS, g.VFMADD231PD)(b, a, dst) }
func (g *gen) fnma(b, a, dst operand.Op)   { pick(g, g.VFNMADD231PS, g.VFNMADD231PD)(b, a, dst) }
func (g *gen) horner(b, a, dst operand.Op) { pick(g, g.VFMADD213PS, g.VFMADD213PD)(b, a, dst) }

// imm is a number of up to 31 bits: avo takes operand.Imm(128) for one of 8 bits, which is -128.
func imm(n int) operand.Constant { return operand.U32(n) }

// spread is a number in every lane.
func (g *gen) spread(m operand.Mem) vec {
	r := g.YMM()
	pick(g, g.VBROADCASTSS, g.VBROADCASTSD)(m, r)
	return r
}

// param is where an argument lies.
func (g *gen) param(name string) operand.Mem {
	m, err := g.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return m.Addr
}

// hold loads a vector into a register.
func (g *gen) hold(m operand.Mem) vec {
	v := g.YMM()
	g.VMOVUPS(m, v)
	return v
}

// repeated is a read-only vector whose lanes hold the same bits.
func (g *gen) repeated(bits uint64) operand.Mem {
	if m, ok := g.consts[bits]; ok {
		return m
	}
	m := g.StaticGlobal(fmt.Sprintf("c%x", bits))
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 32 / g.size {
		g.AddDatum(i*g.size, pick[operand.Constant](g, operand.U32(bits), operand.U64(bits)))
	}
	g.consts[bits] = m
	return m
}

func (g *gen) float(x float64) operand.Mem {
	return g.repeated(pick(g, uint64(math.Float32bits(float32(x))), math.Float64bits(x)))
}

// transpose makes 8 rows of 32-bit numbers, or 4 of 64-bit ones, columns.
func (g *gen) transpose(x []vec) []vec {
	if g.size == 4 {
		x = append(g.pairs(x[:4]), g.pairs(x[4:])...)
	} else {
		x = g.interleave(x[0], x[1], x[2], x[3], g.VUNPCKLPD, g.VUNPCKHPD)
	}
	half := len(x) / 2
	out := make([]vec, len(x))
	for k := range out {
		out[k] = g.YMM()
		g.VPERM2F128(operand.Imm(uint64(0x20+0x11*(k/half))), x[half+k%half], x[k%half], out[k])
	}
	return out
}

// interleave joins a with b and c with d: low numbers of both pairs' halves, then high ones: low a b, high a b, low c d, high c d.
func (g *gen) interleave(a, b, c, d vec, low, high func(ops ...operand.Op)) []vec {
	out := []vec{g.YMM(), g.YMM(), g.YMM(), g.YMM()}
	low(b, a, out[0])
	high(b, a, out[1])
	low(d, c, out[2])
	high(d, c, out[3])
	return out
}

// pairs transposes four rows within halves of 4 numbers.
func (g *gen) pairs(x []vec) []vec {
	t := g.interleave(x[0], x[1], x[2], x[3], g.VUNPCKLPS, g.VUNPCKHPS)
	return g.interleave(t[0], t[2], t[1], t[3], g.VUNPCKLPD, g.VUNPCKHPD)
}
