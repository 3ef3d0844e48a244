package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// quads writes the kernels of blocks that compute in integers: products of bytes of which four at a time fit 16 bits, depthwise convolutions
// of 16-bit numbers, and what brings floats there.
func quads(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		for h := 1; h <= 4; h++ {
			for _, to := range []outcome{widened, narrowed, halved, finished} {
				g.quad(h, to)
			}
		}
		for _, h := range []int{1, 4} {
			for _, to := range []outcome{widened, narrowed, halved} {
				g.pairs(h, to)
			}
		}
		g.centre()
		g.clipped()
		g.levels()
		g.size()
	}
}

// bytesAt addresses memory behind a pointer.
func bytesAt(p reg.Register, disp int) operand.Mem { return operand.Mem{Base: p, Disp: disp} }

// An outcome is what a product of bytes becomes.
type outcome int

const (
	widened  outcome = iota // int16 values
	narrowed                // floats, to which a residual may be added
	halved                  // the same of the first eight columns of a panel
	finished                // floats between 0 and 6
)

// quad multiplies h rows of bytes with a panel of 16 columns, eight values of a row at a time: the products of the first four and of the last
// four are added in 16 bits before they are in 32. Then sums become int16 values between 0 and 32767, or floats.
func (g *gen) quad(h int, to outcome) {
	verb, columns := [...]string{"Widen", "Narrow", "Half", "Finish"}[to], 16
	doc := [...]string{
		"the int16 nearest to sum·(rows·scale) + bias from 0 on at t.c, columns 4 to 7 and 8 to 11 in each other's place; sums begin at t.sums",
		"sum·scale + bias + residual at t.c",
		"sum·scale + bias + residual at t.c, of a panel of 16",
		"sum·(rows·scale) + bias from 0 to 6 at t.c; sums begin at t.sums",
	}[to]
	if to == halved {
		columns = 8
	}
	vectors, scaled := columns/8, to == widened || to == finished
	name := fmt.Sprintf("quad%s%d%s", verb, h, g.name)
	g.function(name, "func(t *byte)", fmt.Sprintf("%s makes tiles of %d rows and %d columns: %s.", name, h, columns, doc))
	t := g.GP64()
	g.Load(g.Param("t"), t)
	field := func(off int) reg.GPVirtual {
		r := g.GP64()
		g.MOVQ(bytesAt(t, off), r)
		return r
	}
	sum := func(r, j int) reg.VecPhysical { return g.vec(vectors*r + j) }
	a0, a1, t0, t1, ones := g.vec(11), g.vec(12), g.vec(13), g.vec(14), g.vec(15)
	lda, out, ldc, count := field(tileLDA), field(tileC), field(tileLDC), field(tileCount)
	rows := []reg.GPVirtual{field(tileA)}
	if h == 4 {
		rows = append(rows, g.GP64())
		g.LEAQ(operand.Mem{Base: rows[0], Index: lda, Scale: 2}, rows[1])
		g.ADDQ(lda, rows[1])
	}
	scales, residual, ldr := g.GP64(), g.GP64(), g.GP64()
	if scaled {
		g.MOVQ(bytesAt(t, tileRows), scales)
	} else {
		g.MOVQ(bytesAt(t, tileResidual), residual)
		g.MOVQ(bytesAt(t, tileLDR), ldr)
	}
	a := func(r, step int) operand.Mem {
		m := operand.Mem{Base: rows[r/3], Disp: 4 * step}
		if r%3 > 0 {
			m.Index, m.Scale = lda, uint8(r%3)
		}
		return m
	}
	again, loop := g.label("again"), g.label("loop")
	g.place(again)
	g.VPCMPEQD(ones, ones, ones)
	g.VPSRLW(operand.Imm(15), ones, ones)
	if scaled {
		start := field(tileSums)
		for i := range 2 * h {
			g.VMOVDQU(bytesAt(start, i%2*32), g.vec(i))
		}
	} else {
		for i := range vectors * h {
			g.zero(g.vec(i))
		}
	}
	k, panel := field(tileK), field(tileB)
	g.align()
	g.place(loop)
	weight := [4]operand.Op{g.vec(8), g.vec(9), g.vec(10), bytesAt(panel, 96)} // of the first four values, and of the others
	if to == halved {
		weight[1], weight[2], weight[3] = nil, g.vec(9), nil
	}
	for i, w := range weight {
		if r, ok := w.(reg.VecPhysical); ok {
			g.VMOVDQU(bytesAt(panel, 32*i), r)
		}
	}
	for r := range h {
		g.VPBROADCASTD(a(r, 0), a0)
		g.VPBROADCASTD(a(r, 1), a1)
		for j := range vectors {
			g.VPMADDUBSW(weight[j], a0, t0)
			g.VPMADDUBSW(weight[2+j], a1, t1)
			g.VPADDW(t1, t0, t0)
			g.VPMADDWD(ones, t0, t0)
			g.VPADDD(t0, sum(r, j), sum(r, j))
		}
	}
	g.ADDQ(operand.U32(128), panel)
	for _, p := range rows {
		g.ADDQ(operand.Imm(8), p)
	}
	g.DECQ(k)
	g.JNZ(loop)

	scale, bias := field(tileScale), field(tileBias)
	for j := range vectors {
		g.VMOVUPS(bytesAt(scale, 32*j), g.vec(8+j))
		g.VMOVUPS(bytesAt(bias, 32*j), g.vec(10+j))
	}
	if scaled {
		g.settleWide(h, scales, out, ldc, to)
		g.ADDQ(operand.Imm(uint64(4*h)), scales)
	} else {
		g.settleNarrow(h, vectors, residual, ldr, out, ldc)
	}
	// The pointers to rows are at their ends: lda further for each of the others.
	for _, p := range rows {
		for range h - 1 {
			g.ADDQ(lda, p)
		}
	}
	g.DECQ(count)
	g.JNZ(again)
	g.end()
}

// align makes what follows begin a line of the cache.
func (g *gen) align() {
	g.Instruction(&ir.Instruction{Opcode: "PCALIGN", Operands: []operand.Op{operand.Imm(64)}})
}

// settleWide writes h rows of sums as int16, or as floats between 0 and 6: scales are in registers 8 and 9, biases in 10 and 11. Packing
// takes four columns of each register in turns.
func (g *gen) settleWide(h int, scales, out, ldc reg.GPVirtual, to outcome) {
	top, row, by, zero := g.vec(12), g.vec(13), g.vec(14), g.vec(15)
	if to == finished {
		g.zero(zero)
		g.VMOVUPS(g.float(6), top)
	} else {
		g.VMOVUPS(g.float(32767), top)
	}
	for r := range h {
		g.VBROADCASTSS(bytesAt(scales, 4*r), row)
		for j := range 2 {
			s := g.vec(2*r + j)
			g.VCVTDQ2PS(s, s)
			g.VMULPS(g.vec(8+j), row, by)
			g.VFMADD213PS(g.vec(10+j), by, s)
			g.VMINPS(top, s, s)
			if to == finished {
				g.VMAXPS(zero, s, s)
				g.VMOVUPS(s, bytesAt(out, 32*j))
			} else {
				g.VCVTPS2DQ(s, s)
			}
		}
		if to != finished {
			s := g.vec(2 * r)
			g.VPACKUSDW(g.vec(2*r+1), s, s) // which makes 0 of what is less
			g.VMOVDQU(s, bytesAt(out, 0))
		}
		g.ADDQ(ldc, out)
	}
}

// settleNarrow writes h rows of sums as floats, likewise.
func (g *gen) settleNarrow(h, vectors int, residual, ldr, out, ldc reg.GPVirtual) {
	for i := range vectors * h {
		s := g.vec(i)
		g.VCVTDQ2PS(s, s)
		g.VMULPS(g.vec(8+i%vectors), s, s)
		g.VADDPS(g.vec(10+i%vectors), s, s)
	}
	plain := g.label("plain")
	g.TESTQ(residual, residual)
	g.JZ(plain)
	for r := range h {
		for j := range vectors {
			g.VADDPS(bytesAt(residual, 32*j), g.vec(vectors*r+j), g.vec(vectors*r+j))
		}
		g.ADDQ(ldr, residual)
	}
	g.place(plain)
	for r := range h {
		for j := range vectors {
			g.VMOVUPS(g.vec(vectors*r+j), bytesAt(out, 32*j))
		}
		g.ADDQ(ldc, out)
	}
}

// centre brings rows to bytes around 128.
func (g *gen) centre() {
	g.function("centre"+g.name, "func(dst *byte, scale, x *float32, k, rows int)",
		"centre"+g.name+" writes rows of k values as x/scale + 128, the scale being a 127th of the largest size in a row. k is a multiple of 8 and neither is 0.")
	dst, scale, x, k, rows := g.arg("dst"), g.arg("scale"), g.arg("x"), g.arg("k"), g.arg("rows")
	sign, least, levels, middle := g.v(), g.v(), g.v(), g.XMM()
	g.VMOVUPS(g.repeated(0x7fffffff), sign)
	g.VMOVUPS(g.repeated(math.Float32bits(0x1p-100)), least)
	g.VMOVUPS(g.repeated(math.Float32bits(127)), levels)
	g.VMOVDQU(g.repeated(0x80808080), middle)
	row, n, from := g.label("row"), g.GP64(), g.GP64()
	g.place(row)
	top := g.v()
	g.VMOVAPS(least, top)
	g.MOVQ(x, from)
	g.MOVQ(k, n)
	look := g.label("look")
	g.place(look)
	v := g.v()
	g.VANDPS(bytesAt(from, 0), sign, v)
	g.VPMAXSD(v, top, top) // as integers sizes are in order, infinities and NaN last
	g.ADDQ(operand.Imm(32), from)
	g.SUBQ(operand.Imm(8), n)
	g.JNZ(look)
	half := g.XMM()
	g.VEXTRACTI128(operand.Imm(1), top, half)
	one := g.XMM()
	g.VPMAXSD(half, top.AsX(), one)
	for _, order := range []uint64{0x4e, 0xb1} {
		g.VPSHUFD(operand.Imm(order), one, half)
		g.VPMAXSD(half, one, one)
	}
	inverse, step := g.XMM(), g.XMM()
	g.VDIVSS(levels.AsX(), one, step)
	g.VMOVSS(step, bytesAt(scale, 0))
	g.VDIVSS(one, levels.AsX(), inverse)
	each := g.v()
	g.VBROADCASTSS(inverse, each)
	g.MOVQ(k, n)
	write := g.label("write")
	g.place(write)
	q := g.v()
	g.VMULPS(bytesAt(x, 0), each, q)
	g.VCVTPS2DQ(q, q)
	high := g.XMM()
	g.VEXTRACTI128(operand.Imm(1), q, high)
	low := q.AsX()
	g.VPACKSSDW(high, low, low)
	g.VPACKSSWB(low, low, low)
	g.VPXOR(middle, low, low)
	g.VMOVQ(low, bytesAt(dst, 0))
	g.ADDQ(operand.Imm(32), x)
	g.ADDQ(operand.Imm(8), dst)
	g.SUBQ(operand.Imm(8), n)
	g.JNZ(write)
	g.ADDQ(operand.Imm(4), scale)
	g.DECQ(rows)
	g.JNZ(row)
	g.end()
}

// clipped brings values to int16.
func (g *gen) clipped() {
	g.function("clipped"+g.name, "func(dst *int16, x *float32, n int, scale float32) uint32",
		"clipped"+g.name+" writes x·scale as int16 from 0 to 32767 and returns the bits of the largest size. n is a multiple of 16 and not 0.")
	dst, x, n, by := g.arg("dst"), g.arg("x"), g.arg("n"), g.spread("scale")
	sign, top, zero, largest := g.v(), g.v(), g.zeros(1)[0], g.zeros(1)[0]
	g.VMOVUPS(g.repeated(0x7fffffff), sign)
	g.VMOVUPS(g.repeated(math.Float32bits(32767)), top)
	loop := g.label("loop")
	g.place(loop)
	var v [2]reg.VecVirtual
	for j := range v {
		v[j] = g.v()
		size := g.v()
		g.VMOVUPS(bytesAt(x, 32*j), v[j])
		g.VANDPS(v[j], sign, size)
		g.VPMAXSD(size, largest, largest)
		g.VMULPS(v[j], by, v[j])
		g.VMINPS(top, v[j], v[j])
		g.VCVTPS2DQ(v[j], v[j])
	}
	g.VPACKSSDW(v[1], v[0], v[0])
	g.VPMAXSW(zero, v[0], v[0])
	g.VPERMQ(operand.Imm(0xd8), v[0], v[0])
	g.VMOVDQU(v[0], bytesAt(dst, 0))
	g.ADDQ(operand.Imm(64), x)
	g.ADDQ(operand.Imm(32), dst)
	g.SUBQ(operand.Imm(16), n)
	g.JNZ(loop)
	half, one, bits := g.XMM(), g.XMM(), g.GP32()
	g.VEXTRACTI128(operand.Imm(1), largest, half)
	g.VPMAXSD(half, largest.AsX(), one)
	for _, order := range []uint64{0x4e, 0xb1} {
		g.VPSHUFD(operand.Imm(order), one, half)
		g.VPMAXSD(half, one, one)
	}
	g.VMOVD(one, bits)
	g.Store(bits, g.ReturnIndex(0))
	g.end()
}
