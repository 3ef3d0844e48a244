package main

import "github.com/mmcloughlin/avo/operand"

const low, precision = 11, 22

func (g *gen) resampling() {
	g.sumAcross()
	g.sumDown()
}

// whole joins the sums of lower and of upper halves in lo.
func (g *gen) whole(lo, hi vec) {
	g.VPSLLD(operand.Imm(low), hi, hi)
	g.VPADDD(hi, lo, lo)
}

// sumAcross keeps, for each of four rows, the sums of red of even and of odd pairs of pixels, of green and of blue.
func (g *gen) sumAcross() {
	g.function("across4AVX2", "func(d0, d1, d2, d3, s0, s1, s2, s3 *uint8, first, groups *int32, packed *int16, step, n int)",
		"makes n pixels of four rows. The weights of a pixel lie step bytes behind those of the one before.")
	d := g.AllocLocal(8)
	var src [4]reg64
	for i, name := range []string{"s0", "s1", "s2", "s3"} {
		src[i] = g.arg(name)
	}
	first, groups, weights, zero := g.arg("first"), g.arg("groups"), g.arg("packed"), g.GP64()
	g.XORL(zero.As32(), zero.As32())
	g.MOVQ(zero, d)
	var order []byte
	for c := range 3 {
		for p := range 4 {
			order = append(order, byte(3*p+c), 0x80)
		}
	}
	mask := g.hold(g.bytes(append(order, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80)...))
	outer, inner := g.label("pixel"), g.label("group")
	g.place(outer)
	var lo, hi [4]vec
	for i := range 4 {
		lo[i], hi[i] = g.zero(), g.zero()
	}
	i, left, w := g.GP64(), g.GP64(), g.GP64()
	g.MOVLQSX(operand.Mem{Base: first}, i)
	g.LEAQ(operand.Mem{Base: i, Index: i, Scale: 2}, i)
	g.MOVL(operand.Mem{Base: groups}, left.As32())
	g.MOVQ(weights, w)
	g.place(inner)
	wl, wh := g.YMM(), g.YMM()
	g.VPBROADCASTQ(operand.Mem{Base: w}, wl)
	g.VPBROADCASTQ(operand.Mem{Base: w, Disp: 8}, wh)
	for r := range 4 {
		p, t := g.YMM(), g.YMM()
		g.VBROADCASTI128(operand.Mem{Base: src[r], Index: i, Scale: 1}, p)
		g.VPSHUFB(mask, p, p)
		g.VPMADDWD(wl, p, t)
		g.VPMADDWD(wh, p, p)
		g.VPADDD(t, lo[r], lo[r])
		g.VPADDD(p, hi[r], hi[r])
	}
	g.ADDQ(operand.Imm(12), i)
	g.ADDQ(operand.Imm(16), w)
	g.DECL(left.As32())
	g.JNE(inner)

	for r := range 4 {
		g.whole(lo[r], hi[r])
	}
	g.VPHADDD(lo[1], lo[0], lo[0]) // red and green of row 0, of row 1; blue of row 0, of row 1
	g.VPHADDD(lo[3], lo[2], lo[2])
	for _, v := range []vec{lo[0], lo[2]} {
		g.VPADDD(g.longs(1<<(precision-1)), v, v)
		g.VPSRAD(operand.Imm(precision), v, v)
	}
	g.VPACKSSDW(lo[2], lo[0], lo[0])
	g.VPACKUSWB(lo[0], lo[0], lo[0])
	rg, b, at, to := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.VMOVQ(lo[0].AsX(), rg)
	blue := g.XMM()
	g.VEXTRACTI128(operand.Imm(1), lo[0], blue)
	g.VMOVQ(blue, b)
	g.MOVQ(d, at)
	for r, name := range []string{"d0", "d1", "d2", "d3"} {
		if r > 0 {
			g.SHRQ(operand.Imm(16), rg)
			g.SHRQ(operand.Imm(16), b)
		}
		g.Load(g.Param(name), to)
		g.MOVW(rg.As16(), operand.Mem{Base: to, Index: at, Scale: 1})
		g.MOVB(b.As8(), operand.Mem{Base: to, Index: at, Scale: 1, Disp: 2})
	}
	g.ADDQ(operand.Imm(3), at)
	g.MOVQ(at, d)
	g.ADDQ(operand.Imm(4), first)
	g.ADDQ(operand.Imm(4), groups)
	step, n := g.GP64(), g.GP64()
	g.Load(g.Param("step"), step)
	g.ADDQ(step, weights)
	g.Load(g.Param("n"), n)
	g.LEAQ(operand.Mem{Base: n, Index: n, Scale: 2}, n)
	g.CMPQ(at, n)
	g.JLT(outer)
	g.end()
}

// sumDown sums 16 samples of four rows at a time.
func (g *gen) sumDown() {
	g.function("downSumAVX2", "func(dst, src *uint8, stride, rows int, packed *int16, n int)",
		"sums n samples, 16 at least, of rows rows, 1 at least.")
	dst, src, stride, n := g.arg("dst"), g.arg("src"), g.arg("stride"), g.arg("n")
	g.steps(n, 16, func(i reg64) {
		p, w, left := g.GP64(), g.GP64(), g.GP64()
		g.LEAQ(operand.Mem{Base: src, Index: i, Scale: 1}, p)
		g.Load(g.Param("packed"), w)
		g.Load(g.Param("rows"), left)
		var lo, hi [2]vec // of the first and the last 8 samples
		for h := range 2 {
			lo[h], hi[h] = g.zero(), g.zero()
		}
		pairs, single, odd, done := g.label("pairs"), g.label("single"), g.label("odd"), g.label("summed")
		add := func(a, b vec, disp int) {
			l, h := g.XMM(), g.XMM()
			g.VPUNPCKLBW(b.AsX(), a.AsX(), l)
			g.VPUNPCKHBW(b.AsX(), a.AsX(), h)
			wl, wh := g.YMM(), g.YMM()
			g.VPBROADCASTD(operand.Mem{Base: w, Disp: disp}, wl)
			g.VPBROADCASTD(operand.Mem{Base: w, Disp: disp + 8}, wh)
			for j, x := range []vec{l, h} {
				v, t := g.YMM(), g.YMM()
				g.VPMOVZXBW(x, v)
				g.VPMADDWD(wl, v, t)
				g.VPMADDWD(wh, v, v)
				g.VPADDD(t, lo[j], lo[j])
				g.VPADDD(v, hi[j], hi[j])
			}
		}
		row := func() vec {
			v := g.XMM()
			g.VMOVDQU(operand.Mem{Base: p}, v)
			g.ADDQ(stride, p)
			return v
		}
		for k := range 2 { // pairs 0 and 1 of a group of four
			if k == 0 {
				g.place(pairs)
			}
			g.CMPQ(left, operand.Imm(2))
			if k == 0 {
				g.JLT(single)
			} else {
				g.JLT(odd)
			}
			a, b := row(), row()
			add(a, b, 4*k)
			g.SUBQ(operand.Imm(2), left)
		}
		g.ADDQ(operand.Imm(16), w)
		g.JMP(pairs)
		g.place(odd)
		g.ADDQ(operand.Imm(4), w)
		g.place(single)
		g.TESTQ(left, left)
		g.JEQ(done)
		a, b := row(), g.XMM()
		g.VPXOR(b, b, b)
		add(a, b, 0)
		g.place(done)
		for h := range 2 {
			g.whole(lo[h], hi[h])
			g.VPADDD(g.longs(1<<(precision-1)), lo[h], lo[h])
			g.VPSRAD(operand.Imm(precision), lo[h], lo[h])
		}
		v := lo[0]
		g.VPACKSSDW(lo[1], v, v)
		g.VPERMQ(operand.Imm(0xd8), v, v)
		g.VPACKUSWB(v, v, v)
		g.VPERMQ(operand.Imm(0x08), v, v)
		g.VMOVDQU(v.AsX(), operand.Mem{Base: dst, Index: i, Scale: 1})
	})
	g.end()
}
