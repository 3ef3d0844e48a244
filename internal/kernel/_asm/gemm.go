package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of kernel.tile; a test of that package compares them.
const (
	tileA, tileLDA, tileB, tileK       = 0, 8, 16, 24
	tileC, tileLDC, tileFrom, tileBias = 32, 40, 48, 56
	tileResidual, tileLDR              = 64, 72
	tileNext, tileStride               = 80, 88
	tileScale, tileRows                = 96, 104
	tileZero, tileSums                 = 112, 120
	tileClip, tileCount                = 128, 136
)

// A format says how a micro-kernel reads the numbers of a panel and multiplies them.
type format struct {
	name   string          // before the name of the kernel
	bytes  func(s set) int // of a step of K: two registers of numbers
	unroll int
	setup  func(g *gen, h int)
	// load brings a step into b; multiply adds the products with w, the values of a row of A, to two registers of sums.
	load     func(g *gen, panel operand.Mem, b [2]reg.VecPhysical)
	multiply func(g *gen, panel operand.Mem, b [2]reg.VecPhysical, w reg.VecPhysical, sums [2]reg.VecPhysical)
	integer  bool // sums are integers, which another kernel finishes
	// product is one of the products of multiply, for a processor that has an instruction for it: x of the panel, y of A.
	product func(g *gen, x, y, sum reg.VecPhysical)
}

// multiplyFloats is two fused multiply-adds.
func multiplyFloats(g *gen, _ operand.Mem, b [2]reg.VecPhysical, w reg.VecPhysical, sums [2]reg.VecPhysical) {
	for j := range 2 {
		g.VFMADD231PS(b[j], w, sums[j])
	}
}

// loadTwo is a step that needs no more than to be read.
func loadTwo(g *gen, panel operand.Mem, b [2]reg.VecPhysical) {
	for j := range 2 {
		g.VMOVUPS(panel.Offset(j*g.bytes()), b[j])
	}
}

var (
	f32 = format{
		bytes: func(s set) int { return 2 * s.bytes() }, unroll: 2, multiply: multiplyFloats,
		load: loadTwo,
	}
	// bf16 lies in pairs of columns: the lower half of a pair belongs to the first register.
	bf16 = format{
		name: "bf16", bytes: set.bytes, unroll: 2, multiply: multiplyFloats,
		setup: func(g *gen, h int) {
			g.VPCMPEQD(g.vec(15), g.vec(15), g.vec(15))
			g.VPSLLD(operand.Imm(16), g.vec(15), g.vec(15))
		},
		load: func(g *gen, panel operand.Mem, b [2]reg.VecPhysical) {
			g.VMOVDQU(panel, b[1])
			g.VPSLLD(operand.Imm(16), b[1], b[0])
			g.VPAND(g.vec(15), b[1], b[1])
		},
	}
	f16 = format{
		name: "f16", bytes: set.bytes, unroll: 2, multiply: multiplyFloats,
		load: func(g *gen, panel operand.Mem, b [2]reg.VecPhysical) {
			for j := range 2 {
				g.VCVTPH2PS(panel.Offset(j*g.bytes()/2), b[j])
			}
		},
	}
	w8 = format{
		name: "w8", bytes: func(s set) int { return s.bytes() / 2 }, unroll: 4, multiply: multiplyFloats,
		load: func(g *gen, panel operand.Mem, b [2]reg.VecPhysical) {
			for j := range 2 {
				g.VPMOVSXBD(panel.Offset(j*g.lanes), b[j])
				g.VCVTDQ2PS(b[j], b[j])
			}
		},
	}
	// i8 adds pairs of products of a uint8 of A and an int8 in 16 bits, then pairs of these in 32.
	i8 = format{
		name: "i8", bytes: func(s set) int { return 2 * s.bytes() }, unroll: 2, integer: true,
		setup: func(g *gen, h int) {
			g.VPCMPEQD(g.vec(15), g.vec(15), g.vec(15))
			g.VPSRLW(operand.Imm(15), g.vec(15), g.vec(15)) // ones
		},
		multiply: func(g *gen, panel operand.Mem, b [2]reg.VecPhysical, w reg.VecPhysical, sums [2]reg.VecPhysical) {
			for j := range 2 {
				g.VPMADDUBSW(panel.Offset(j*g.bytes()), w, b[j])
			}
			for j := range 2 {
				g.VPMADDWD(g.vec(15), b[j], b[j])
				g.VPADDD(b[j], sums[j], sums[j])
			}
		},
	}
)

// i8Dot adds four products of a uint8 of A and an int8 to each sum, bf16Dot two products of bfloat16.
var (
	i8Dot   = dot("i8", true, func(g *gen, x, y, sum reg.VecPhysical) { g.VPDPBUSD(x, y, sum) })
	bf16Dot = dot("bf16", false, func(g *gen, x, y, sum reg.VecPhysical) { g.evex(vdpbf16ps, x, y, sum) })
)

func dot(name string, integer bool, product func(g *gen, x, y, sum reg.VecPhysical)) format {
	return format{
		name: name, bytes: func(s set) int { return 2 * s.bytes() }, unroll: 2, integer: integer, load: loadTwo, product: product,
		multiply: func(g *gen, _ operand.Mem, b [2]reg.VecPhysical, w reg.VecPhysical, sums [2]reg.VecPhysical) {
			for j := range 2 {
				product(g, b[j], w, sums[j])
			}
		},
	}
}

// gemm writes the micro-kernels for tiles of the heights lo to hi, two registers wide.
func gemm(s set, f format, lo, hi int) func(c *build.Context) {
	return func(c *build.Context) {
		for h := lo; h <= hi; h++ {
			newGen(c, s).gemmTile(f, h)
		}
	}
}

// gemmTile multiplies h rows of A with a block of a panel: each of the 2h registers of sums takes its products a step of K, in order.
// Two registers hold a step of the panel; of A, four bytes that make up a step are broadcast at once.
func (g *gen) gemmTile(f format, h int) {
	name := fmt.Sprintf("%sGemm%d%s", f.name, h, g.name)
	if f.name == "" {
		name = fmt.Sprintf("gemm%d%s", h, g.name)
	}
	g.function(name, "func(t *byte)", fmt.Sprintf("%s makes tiles of %d rows and %d columns, one below the other.", name, h, 2*g.lanes))
	const leanFrom = 10
	unroll, size, stepBytes := f.unroll, g.bytes(), f.bytes(g.set)
	at := func(p reg.Register, disp int) operand.Mem { return operand.Mem{Base: p, Disp: disp} }
	sum := func(r, j int) reg.VecPhysical { return g.vec(2*r + j) }
	b := [2]reg.VecPhysical{g.vec(2 * h), g.vec(2*h + 1)}
	wide := [2]reg.VecPhysical{g.vec(2*h + 2), g.vec(2*h + 3)}
	if f.setup != nil {
		wide[1] = wide[0] // the last register is taken
		f.setup(g, h)
	}

	t := g.GP64()
	g.Load(g.Param("t"), t)
	field := func(off int) reg.GPVirtual {
		r := g.GP64()
		g.MOVQ(at(t, off), r)
		return r
	}

	again := g.label("again")
	g.place(again)
	// The sums so far, or zero.
	from := field(tileFrom)
	fresh, ready := g.label("fresh"), g.label("ready")
	g.TESTQ(from, from)
	g.JZ(fresh)
	for i := range 2 * h {
		g.VMOVUPS(at(from, i*size), g.vec(i))
	}
	g.JMP(ready)
	g.place(fresh)
	for i := range 2 * h {
		g.zero(g.vec(i))
	}
	g.place(ready)

	// Rows of A: one pointer for three rows.
	lda := field(tileLDA)
	rows := []reg.GPVirtual{field(tileA)}
	for r := 3; r < h; r += 3 {
		p := g.GP64()
		last := rows[len(rows)-1]
		g.LEAQ(operand.Mem{Base: last, Index: lda, Scale: 2}, p)
		g.ADDQ(lda, p)
		rows = append(rows, p)
	}
	a := func(r, step int) operand.Mem {
		m := operand.Mem{Base: rows[r/3], Disp: 4 * step}
		if r%3 > 0 {
			m.Index, m.Scale = lda, uint8(r%3)
		}
		return m
	}
	if !f.integer && g.lanes == 8 {
		g.MOVQ(at(t, tileC), reg.RAX)
		g.own(h, reg.RAX, field(tileLDC))
	}
	panel, next, stride, k := field(tileB), field(tileNext), field(tileStride), field(tileK)
	step := func(i int) {
		if f.load != nil {
			f.load(g, at(panel, i*stepBytes), b)
		}
		for r := range h {
			w := wide[r%2]
			g.VBROADCASTSS(a(r, i), w)
			f.multiply(g, at(panel, i*stepBytes), b, w, [2]reg.VecPhysical{sum(r, 0), sum(r, 1)})
		}
	}
	advance := func(n int) {
		g.ADDQ(operand.U32(n*stepBytes), panel)
		for _, p := range rows {
			g.ADDQ(operand.U32(4*n), p)
		}
	}
	loop, lean, rest, one, done := g.label("loop"), g.label("lean"), g.label("rest"), g.label("one"), g.label("done")
	round := func(top operand.LabelRef, fetch int) {
		g.place(top)
		for line := range fetch {
			g.PREFETCHT1(at(next, 64*line))
		}
		g.ADDQ(stride, next)
		for i := range unroll {
			step(i)
		}
		advance(unroll)
		g.SUBQ(operand.Imm(uint64(unroll)), k)
		g.JGE(top)
	}
	g.SUBQ(operand.Imm(uint64(unroll)), k)
	g.JL(rest)
	if h >= leanFrom { // of many tiles each fetches little, and what it need not do saves power, thus clock
		g.CMPQ(stride, operand.Imm(64))
		g.JBE(lean)
	}
	round(loop, unroll*stepBytes/64)
	if h >= leanFrom {
		g.JMP(rest)
		round(lean, 1)
	}
	g.place(rest)
	g.ADDQ(operand.Imm(uint64(unroll)), k)
	g.JZ(done)
	g.place(one)
	step(0)
	advance(1)
	g.SUBQ(operand.Imm(1), k)
	g.JNZ(one)
	g.place(done)

	if !f.integer {
		g.finishFloats(h, field, b)
	}
	out, ldc := field(tileC), field(tileLDC)
	for r := range h {
		for j := range 2 {
			g.VMOVUPS(sum(r, j), at(out, j*size))
		}
		g.ADDQ(ldc, out)
	}
	g.MOVQ(next, at(t, tileNext))
	g.DECQ(at(t, tileCount))
	last := g.label("last")
	g.JZ(last)
	g.MOVQ(out, at(t, tileC))
	g.below(t, h)
	g.JMP(again)
	g.place(last)
	g.end()
}

// below moves a tile to the h rows after its own.
func (g *gen) below(t reg.Register, h int) {
	at := func(disp int) operand.Mem { return operand.Mem{Base: t, Disp: disp} }
	move := func(pointer, distance int) {
		by := g.GP64()
		g.MOVQ(at(distance), by)
		g.IMUL3Q(operand.Imm(uint64(h)), by, by)
		g.ADDQ(by, at(pointer))
	}
	move(tileA, tileLDA)
	for _, optional := range []int{tileFrom, tileResidual} {
		none := g.label("none")
		g.CMPQ(at(optional), operand.Imm(0))
		g.JE(none)
		if optional == tileFrom {
			g.ADDQ(operand.U32(2*h*g.bytes()), at(tileFrom))
		} else {
			move(tileResidual, tileLDR)
		}
		g.place(none)
	}
}

// own fetches the h rows of C, to write to: they come while the products are made, and do not hold up the stores of the next tiles.
func (g *gen) own(h int, c reg.GPPhysical, ldc reg.GPVirtual) {
	for r := range h {
		g.fetchToWrite(c)
		if r < h-1 {
			g.ADDQ(ldc, c)
		}
	}
}

// finishFloats multiplies the sums of h rows by the scales of their columns, adds the bias, clips and adds the residual, each if there is one.
func (g *gen) finishFloats(h int, field func(off int) reg.GPVirtual, b [2]reg.VecPhysical) {
	at := func(p reg.Register, j int) operand.Mem { return operand.Mem{Base: p, Disp: j * g.bytes()} }
	each := func(off int, op func(a, b, c operand.Op)) {
		skip, values := g.label("skip"), field(off)
		g.TESTQ(values, values)
		g.JZ(skip)
		for j := range 2 {
			g.VMOVUPS(at(values, j), b[j])
		}
		for r := range h {
			for j := range 2 {
				op(b[j], g.vec(2*r+j), g.vec(2*r+j))
			}
		}
		g.place(skip)
	}
	each(tileScale, func(a, b, c operand.Op) { g.VMULPS(a, b, c) })
	each(tileBias, func(a, b, c operand.Op) { g.VADDPS(a, b, c) })
	all, clip := g.label("all"), field(tileClip)
	g.TESTQ(clip, clip)
	g.JZ(all)
	for j := range 2 {
		g.VBROADCASTSS(operand.Mem{Base: clip, Disp: 4 * j}, b[j])
	}
	for i := range 2 * h { // NaN stays: it is the second operand
		g.VMAXPS(g.vec(i), b[0], g.vec(i))
		g.VMINPS(g.vec(i), b[1], g.vec(i))
	}
	g.place(all)
	residual := field(tileResidual)
	store := g.label("store")
	g.TESTQ(residual, residual)
	g.JZ(store)
	ldr := field(tileLDR)
	for r := range h {
		for j := range 2 {
			g.VADDPS(at(residual, j), g.vec(2*r+j), g.vec(2*r+j))
		}
		if r < h-1 {
			g.ADDQ(ldr, residual)
		}
	}
	g.place(store)
}
