package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type (
	vec   = reg.VecVirtual
	reg64 = reg.GPVirtual
)

// The constants of the transform, with 13 bits of fraction.
const (
	c0298, c0390, c0541, c0765 = 2446, 3196, 4433, 6270
	c0899, c1175, c1501, c1847 = 7373, 9633, 12299, 15137
	c1961, c2053, c2562, c3072 = 16069, 16819, 20995, 25172
)

func (g *gen) transforms() {
	g.idct()
}

// pairs is the sum of products of the words of a and b, interleaved, with two constants: as 32-bit numbers, of the lower
// and of the upper half of each lane.
func (g *gen) pairs(lo, hi vec, x, y int) (vec, vec) {
	l, h := g.YMM(), g.YMM()
	c := g.words(x, y)
	g.VPMADDWD(c, lo, l)
	g.VPMADDWD(c, hi, h)
	return l, h
}

func (g *gen) interleave(a, b vec) (lo, hi vec) {
	lo, hi = g.YMM(), g.YMM()
	g.VPUNPCKLWD(b, a, lo)
	g.VPUNPCKHWD(b, a, hi)
	return lo, hi
}

// butterfly writes (e+o)>>bits and (e-o)>>bits, saturated to 16 bits, of numbers in halves.
func (g *gen) butterfly(elo, ehi, olo, ohi vec, bits int) (sum, difference vec) {
	sl, sh, dl, dh := g.YMM(), g.YMM(), elo, ehi
	g.VPADDD(olo, elo, sl)
	g.VPADDD(ohi, ehi, sh)
	g.VPSUBD(olo, elo, dl)
	g.VPSUBD(ohi, ehi, dh)
	for _, v := range []vec{sl, sh, dl, dh} {
		g.VPSRAD(operand.Imm(uint64(bits)), v, v)
	}
	g.VPACKSSDW(sh, sl, sl)
	g.VPACKSSDW(dh, dl, dl)
	return sl, dl
}

// line is the transform of eight numbers in x[0] to x[7], for the 16 lines that lie in their words. spill is room for four
// vectors.
func (g *gen) line(x [8]vec, bits int, spill operand.Mem) (out [8]vec) {
	z3, z4 := g.YMM(), g.YMM()
	g.VPADDW(x[3], x[7], z3)
	g.VPADDW(x[1], x[5], z4)
	lo, hi := g.interleave(z3, z4)
	for i, v := range []vec{lo, hi} {
		t := g.YMM()
		g.VPMADDWD(g.words(c1175-c1961, c1175), v, t)
		g.VMOVDQU(t, spill.Offset(32*i))
		g.VPMADDWD(g.words(c1175, c1175-c0390), v, v)
		g.VMOVDQU(v, spill.Offset(64+32*i))
	}
	lo, hi = g.interleave(x[2], x[6])
	cl, ch := g.pairs(lo, hi, c0541+c0765, c0541)
	al, ah := g.pairs(lo, hi, c0541, c0541-c1847)
	p, q := g.YMM(), x[0]
	g.VPADDW(x[4], x[0], p)
	g.VPSUBW(x[4], x[0], q)
	half, zero := g.longs(1<<(bits-1)), g.zero()
	widen := func(v vec) (lo, hi vec) {
		lo, hi = g.YMM(), g.YMM()
		g.VPUNPCKLWD(v, zero, lo)
		g.VPUNPCKHWD(v, zero, hi)
		for _, v := range []vec{lo, hi} {
			g.VPSRAD(operand.Imm(3), v, v)
			g.VPADDD(half, v, v)
		}
		return lo, hi
	}
	even := func(l, h, cl, ch vec) (dl, dh vec) { // l, h + c and l, h - c, the first in place of c
		dl, dh = g.YMM(), g.YMM()
		g.VPSUBD(cl, l, dl)
		g.VPSUBD(ch, h, dh)
		g.VPADDD(cl, l, cl)
		g.VPADDD(ch, h, ch)
		return dl, dh
	}
	pl, ph := widen(p)
	e3l, e3h := even(pl, ph, cl, ch)
	ql, qh := widen(q)
	e2l, e2h := even(ql, qh, al, ah)

	odd := func(lo, hi vec, x, y, z int) (l, h vec) {
		l, h = g.pairs(lo, hi, x, y)
		g.VPADDD(spill.Offset(64*z), l, l)
		g.VPADDD(spill.Offset(64*z+32), h, h)
		return l, h
	}
	lo, hi = g.interleave(x[7], x[1])
	ol, oh := odd(lo, hi, -c0899, c1501-c0899, 1)
	out[0], out[7] = g.butterfly(cl, ch, ol, oh, bits)
	ol, oh = odd(lo, hi, c0298-c0899, -c0899, 0)
	out[3], out[4] = g.butterfly(e3l, e3h, ol, oh, bits)
	lo, hi = g.interleave(x[5], x[3])
	ol, oh = odd(lo, hi, -c2562, c3072-c2562, 0)
	out[1], out[6] = g.butterfly(al, ah, ol, oh, bits)
	ol, oh = odd(lo, hi, c2053-c2562, -c2562, 1)
	out[2], out[5] = g.butterfly(e2l, e2h, ol, oh, bits)
	return out
}

// transpose turns rows of eight words into columns, in each lane.
func (g *gen) transpose(x [8]vec) (out [8]vec) {
	var t [8]vec
	for i := range 4 {
		t[i], t[4+i] = g.interleave(x[2*i], x[2*i+1]) // columns 0 to 3 of rows 2i and 2i+1, and 4 to 7
	}
	for half := range 2 {
		a, b := t[4*half], t[4*half+1]
		c, d := t[4*half+2], t[4*half+3]
		ab0, ab1, cd0, cd1 := g.YMM(), g.YMM(), g.YMM(), g.YMM()
		g.VPUNPCKLDQ(b, a, ab0)
		g.VPUNPCKHDQ(b, a, ab1)
		g.VPUNPCKLDQ(d, c, cd0)
		g.VPUNPCKHDQ(d, c, cd1)
		for i, v := range [][2]vec{{ab0, cd0}, {ab1, cd1}} {
			o := &out[4*half+2*i]
			*o, out[4*half+2*i+1] = g.YMM(), g.YMM()
			g.VPUNPCKLQDQ(v[1], v[0], *o)
			g.VPUNPCKHQDQ(v[1], v[0], out[4*half+2*i+1])
		}
	}
	return out
}

// idct transforms two blocks at a time, one in each lane.
func (g *gen) idct() {
	g.function("idctAVX2", "func(dst *uint8, stride int, coefs *int16, last *uint8, quant *int16, n int)",
		"transforms n blocks, an even number and not 0, and clears their coefficients.")
	spill := g.AllocLocal(128)
	dst, stride, coefs, last, quant, n := g.arg("dst"), g.arg("stride"), g.arg("coefs"), g.arg("last"), g.arg("quant"), g.arg("n")
	stride3 := g.GP64()
	g.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	loop, flat, next, loud, calm, done := g.label("loop"), g.label("flat"), g.label("next"), g.label("loud"), g.label("calm"), g.label("done")
	g.place(loop)
	g.CMPW(operand.Mem{Base: last}, operand.Imm(0))
	g.JEQ(flat)

	// Rows in, times the quantisation.
	row := func(i int) vec {
		v, q := g.YMM(), g.YMM()
		g.VBROADCASTI128(operand.Mem{Base: coefs, Disp: 16 * i}, v)
		g.VINSERTI128(operand.Imm(1), operand.Mem{Base: coefs, Disp: 128 + 16*i}, v, v)
		g.VBROADCASTI128(operand.Mem{Base: quant, Disp: 16 * i}, q)
		g.VPMULLW(q, v, v)
		return v
	}
	var x [8]vec
	x[0] = row(0)
	short := g.YMM() // as it is when two bits are pushed out
	g.VPSLLW(operand.Imm(2), x[0], short)
	g.VPSRAW(operand.Imm(2), short, short)
	differs := g.YMM()
	g.VPXOR(short, x[0], differs)
	g.VPTEST(differs, differs)
	g.JNE(loud)
	g.place(calm)
	for i := 1; i < 8; i++ {
		x[i] = row(i)
	}
	y := g.line(x, 11, spill)
	y = g.line(g.transpose(y), 18, spill)
	g.clear(coefs, 8)

	// Bytes, and rows again.
	pack := func(a, b vec) vec { g.VPACKSSWB(b, a, a); return a }
	unpack := func(f func(ops ...operand.Op), a, b vec) vec {
		v := g.YMM()
		f(b, a, v)
		return v
	}
	a, b, c, d := pack(y[0], y[2]), pack(y[1], y[3]), pack(y[4], y[6]), pack(y[5], y[7])
	w01, w23 := unpack(g.VPUNPCKLBW, a, b), unpack(g.VPUNPCKHBW, a, b)
	w45, w67 := unpack(g.VPUNPCKLBW, c, d), unpack(g.VPUNPCKHBW, c, d)
	q0, q4 := unpack(g.VPUNPCKLWD, w01, w23), unpack(g.VPUNPCKHWD, w01, w23)
	r0, r4 := unpack(g.VPUNPCKLWD, w45, w67), unpack(g.VPUNPCKHWD, w45, w67)
	rows := [4]vec{unpack(g.VPUNPCKLDQ, q0, r0), unpack(g.VPUNPCKHDQ, q0, r0), unpack(g.VPUNPCKLDQ, q4, r4), unpack(g.VPUNPCKHDQ, q4, r4)}
	middle := g.hold(g.bytes(128))
	p := g.GP64()
	g.LEAQ(operand.Mem{Base: dst, Index: stride, Scale: 4}, p)
	for i, v := range rows {
		g.VPXOR(middle, v, v)
		g.VPERMQ(operand.Imm(0xd8), v, v)
		base := dst
		if i >= 2 {
			base = p
		}
		if i%2 == 0 {
			g.VMOVDQU(v.AsX(), operand.Mem{Base: base})
			g.VEXTRACTI128(operand.Imm(1), v, operand.Mem{Base: base, Index: stride, Scale: 1})
		} else {
			g.VMOVDQU(v.AsX(), operand.Mem{Base: base, Index: stride, Scale: 2})
			g.VEXTRACTI128(operand.Imm(1), v, operand.Mem{Base: base, Index: stride3, Scale: 1})
		}
	}
	g.place(next)
	g.ADDQ(operand.Imm(16), dst)
	g.ADDQ(operand.U32(256), coefs)
	g.ADDQ(operand.Imm(2), last)
	g.SUBQ(operand.Imm(2), n)
	g.JNE(loop)
	g.JMP(done)

	g.place(flat)
	g.flat(dst, stride, stride3, coefs, quant)
	g.JMP(next)

	// A block whose rows 1 to 7 are empty takes x[0] without the two bits.
	g.place(loud)
	for lane := range 2 {
		full := g.label("full")
		v := g.XMM()
		g.VMOVDQU(operand.Mem{Base: coefs, Disp: 128*lane + 16}, v)
		for i := 2; i < 8; i++ {
			g.VPOR(operand.Mem{Base: coefs, Disp: 128*lane + 16*i}, v, v)
		}
		g.VPTEST(v, v)
		g.JNE(full)
		g.VPBLENDD(operand.Imm(uint64(0x0f<<(4*lane))), short, x[0], x[0])
		g.place(full)
	}
	g.JMP(calm)
	g.place(done)
	g.end()
}

// clear writes zeros over n vectors.
func (g *gen) clear(p reg.GPVirtual, n int) {
	zero := g.zero()
	for i := range n {
		g.VMOVDQU(zero, operand.Mem{Base: p, Disp: 32 * i})
	}
}

// flat fills two blocks that have a first coefficient only.
func (g *gen) flat(dst, stride, stride3, coefs, quant reg.GPVirtual) {
	row := g.XMM()
	splat, zero := g.GP64(), g.GP32()
	q := g.GP32()
	g.MOVQ(operand.U64(0x0101010101010101), splat)
	g.XORL(zero, zero)
	for lane := range 2 {
		v, limit := g.GP32(), g.GP32()
		g.MOVWLSX(operand.Mem{Base: coefs, Disp: 128 * lane}, v)
		g.MOVW(zero.As16(), operand.Mem{Base: coefs, Disp: 128 * lane})
		g.MOVWLSX(operand.Mem{Base: quant}, q)
		g.IMULL(q, v)
		g.SHLL(operand.Imm(2), v)
		g.MOVWLSX(v.As16(), v)
		g.ADDL(operand.Imm(16), v)
		g.SARL(operand.Imm(5), v)
		g.ADDL(operand.U32(128), v)
		g.CMOVLLT(zero, v)
		g.MOVL(operand.U32(255), limit)
		g.CMPL(v, limit)
		g.CMOVLGT(limit, v)
		g.IMULQ(splat, v.As64())
		if lane == 0 {
			g.VMOVQ(v.As64(), row)
		} else {
			g.VPINSRQ(operand.Imm(1), v.As64(), row, row)
		}
	}
	p := g.GP64()
	g.LEAQ(operand.Mem{Base: dst, Index: stride, Scale: 4}, p)
	for _, base := range []reg.GPVirtual{dst, p} {
		g.VMOVDQU(row, operand.Mem{Base: base})
		g.VMOVDQU(row, operand.Mem{Base: base, Index: stride, Scale: 1})
		g.VMOVDQU(row, operand.Mem{Base: base, Index: stride, Scale: 2})
		g.VMOVDQU(row, operand.Mem{Base: base, Index: stride3, Scale: 1})
	}
}
