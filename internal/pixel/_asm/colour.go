package main

import "github.com/mmcloughlin/avo/operand"

func (g *gen) colours() {
	g.ycc()
	g.across()
	g.around()
	g.down()
}

// ycc makes 32 pixels at a time. Red is y + v + (26345·v + half)>>16, which is 1.402·v rounded; blue and green likewise.
func (g *gen) ycc() {
	g.function("yccAVX2", "func(dst, y, cb, cr *uint8, n int)", "writes n pixels, 32 at least.")
	dst, py, pu, pv, n := g.arg("dst"), g.arg("y"), g.arg("cb"), g.arg("cr"), g.arg("n")
	zero := g.zero()
	middle, one := g.hold(g.words(128)), g.hold(g.words(1))
	g.steps(n, 32, func(i reg64) {
		at := func(p reg64) vec {
			v := g.YMM()
			g.VMOVDQU(operand.Mem{Base: p, Index: i, Scale: 1}, v)
			return v
		}
		by, bu, bv := at(py), at(pu), at(pv)
		var half [2][3]vec
		for h := range half {
			unpack := func(from vec) vec {
				v := g.YMM()
				if h == 0 {
					g.VPUNPCKLBW(zero, from, v)
				} else {
					g.VPUNPCKHBW(zero, from, v)
				}
				return v
			}
			y, u, v := unpack(by), unpack(bu), unpack(bv)
			g.VPSUBW(middle, u, u)
			g.VPSUBW(middle, v, v)
			// (t·c + half)>>16, from the upper half of 2·t·c
			share := func(t vec, c int) (twice, s vec) {
				twice, s = g.YMM(), g.YMM()
				g.VPADDW(t, t, twice)
				g.VPMULHW(g.words(c), twice, s)
				g.VPADDW(one, s, s)
				g.VPSRAW(operand.Imm(1), s, s)
				return twice, s
			}
			_, red := share(v, 26345)
			g.VPADDW(v, red, red)
			g.VPADDW(y, red, red)
			twice, blue := share(u, -14942)
			g.VPADDW(twice, blue, blue)
			g.VPADDW(y, blue, blue)
			lo, hi := g.interleave(u, v)
			for _, t := range []vec{lo, hi} {
				g.VPMADDWD(g.words(-22554, 18734), t, t)
				g.VPADDD(g.longs(1<<15), t, t)
				g.VPSRAD(operand.Imm(16), t, t)
			}
			green := lo
			g.VPACKSSDW(hi, lo, green)
			g.VPSUBW(v, green, green)
			g.VPADDW(y, green, green)
			half[h] = [3]vec{red, green, blue}
		}
		var rgb [3]vec
		for c := range rgb {
			rgb[c] = half[0][c]
			g.VPACKUSWB(half[1][c], half[0][c], rgb[c])
		}
		g.weave(dst, i, rgb)
	})
	g.end()
}

// weave writes 32 pixels, whose colours lie in three vectors, at pixel i of dst.
func (g *gen) weave(dst, i reg64, rgb [3]vec) {
	p := g.GP64()
	g.LEAQ(operand.Mem{Base: i, Index: i, Scale: 2}, p)
	g.ADDQ(dst, p)
	for part := range 3 {
		var sum vec
		for c := range 3 {
			order := make([]byte, 16)
			for b := range order {
				order[b] = 0x80
				if at := 16*part + b; at%3 == c {
					order[b] = byte(at / 3)
				}
			}
			v := g.YMM()
			g.VPSHUFB(g.bytes(order...), rgb[c], v)
			if c == 0 {
				sum = v
			} else {
				g.VPOR(v, sum, sum)
			}
		}
		g.VMOVDQU(sum.AsX(), operand.Mem{Base: p, Disp: 16 * part})
		g.VEXTRACTI128(operand.Imm(1), sum, operand.Mem{Base: p, Disp: 48 + 16*part})
	}
}

// widened is 16 bytes at p[i] as words.
func (g *gen) widened(p, i reg64, disp int) vec {
	v := g.YMM()
	g.VPMOVZXBW(operand.Mem{Base: p, Index: i, Scale: 1, Disp: disp}, v)
	return v
}

// mixed writes pairs of bytes at dst[2·i]: (3·now + before + b0)>>bits, (3·now + after + b1)>>bits. It destroys its operands.
func (g *gen) mixed(dst, i reg64, before, now, after vec, b0, b1 operand.Op, bits int) {
	three := g.YMM()
	g.VPADDW(now, now, three)
	g.VPADDW(now, three, three)
	g.VPADDW(three, before, before)
	g.VPADDW(three, after, after)
	g.VPADDW(b0, before, before)
	g.VPADDW(b1, after, after)
	g.VPSRLW(operand.Imm(uint64(bits)), before, before)
	g.VPSRLW(operand.Imm(uint64(bits)), after, after)
	g.VPSLLW(operand.Imm(8), after, after)
	g.VPOR(before, after, after)
	g.VMOVDQU(after, operand.Mem{Base: dst, Index: i, Scale: 2})
}

func (g *gen) across() {
	g.function("acrossAVX2", "func(dst, from *uint8, n int)",
		"writes two samples for each of n, 16 at least. It reads one before the first and one behind the last.")
	dst, from, n := g.arg("dst"), g.arg("from"), g.arg("n")
	b0, b1 := g.hold(g.words(1)), g.hold(g.words(2))
	g.steps(n, 16, func(i reg64) {
		g.mixed(dst, i, g.widened(from, i, -1), g.widened(from, i, 0), g.widened(from, i, 1), b0, b1, 2)
	})
	g.end()
}

func (g *gen) around() {
	g.function("aroundAVX2", "func(dst, near, far *uint8, n int)",
		"writes two samples for each of n, 16 at least. It reads one before the first and one behind the last.")
	dst, near, far, n := g.arg("dst"), g.arg("near"), g.arg("far"), g.arg("n")
	b0, b1, three := g.hold(g.words(8)), g.hold(g.words(7)), g.hold(g.words(3))
	g.steps(n, 16, func(i reg64) {
		sum := func(disp int) vec {
			a, b := g.widened(near, i, disp), g.widened(far, i, disp)
			g.VPMULLW(three, a, a)
			g.VPADDW(b, a, a)
			return a
		}
		g.mixed(dst, i, sum(-1), sum(0), sum(1), b0, b1, 4)
	})
	g.end()
}

func (g *gen) down() {
	g.function("downAVX2", "func(dst, near, far *uint8, n, bias int)", "writes (3·near + far + bias)>>2 for n samples, 16 at least.")
	dst, near, far, n := g.arg("dst"), g.arg("near"), g.arg("far"), g.arg("n")
	bias, three := g.YMM(), g.hold(g.words(3))
	g.VMOVQ(g.arg("bias"), bias.AsX())
	g.VPBROADCASTW(bias.AsX(), bias)
	g.steps(n, 16, func(i reg64) {
		a, b := g.widened(near, i, 0), g.widened(far, i, 0)
		g.VPMULLW(three, a, a)
		g.VPADDW(b, a, a)
		g.VPADDW(bias, a, a)
		g.VPSRLW(operand.Imm(2), a, a)
		g.VPACKUSWB(a, a, a)
		g.VPERMQ(operand.Imm(0x08), a, a)
		g.VMOVDQU(a.AsX(), operand.Mem{Base: dst, Index: i, Scale: 1})
	})
	g.end()
}
