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
	g.idct4()
	g.idct2()
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

// row is row i of two blocks, times the quantisation.
func (g *gen) row(coefs, quant reg64, i int) vec {
	v, q := g.YMM(), g.YMM()
	g.VBROADCASTI128(operand.Mem{Base: coefs, Disp: 16 * i}, v)
	g.VINSERTI128(operand.Imm(1), operand.Mem{Base: coefs, Disp: 128 + 16*i}, v, v)
	g.VBROADCASTI128(operand.Mem{Base: quant, Disp: 16 * i}, q)
	g.VPMULLW(q, v, v)
	return v
}

// rows is row 0 and those others that count. A block in which these are empty has row 0 without the two highest bits, as
// libjpeg-turbo pushes them out then.
func (g *gen) rows(coefs, quant reg64, others []int) (x [8]vec) {
	calm := g.label("calm")
	x[0] = g.row(coefs, quant, 0)
	short, differs := g.YMM(), g.YMM()
	g.VPSLLW(operand.Imm(2), x[0], short)
	g.VPSRAW(operand.Imm(2), short, short)
	g.VPXOR(short, x[0], differs)
	g.VPTEST(differs, differs)
	g.JEQ(calm)
	for lane := range 2 {
		full := g.label("full")
		v := g.XMM()
		g.VMOVDQU(operand.Mem{Base: coefs, Disp: 128*lane + 16*others[0]}, v)
		for _, i := range others[1:] {
			g.VPOR(operand.Mem{Base: coefs, Disp: 128*lane + 16*i}, v, v)
		}
		g.VPTEST(v, v)
		g.JNE(full)
		g.VPBLENDD(operand.Imm(uint64(0x0f<<(4*lane))), short, x[0], x[0])
		g.place(full)
	}
	g.place(calm)
	for _, i := range others {
		x[i] = g.row(coefs, quant, i)
	}
	return x
}

// idct transforms two blocks at a time, one in each lane.
func (g *gen) idct() {
	g.function("idctAVX2", "func(dst *uint8, stride int, coefs *int16, last *uint8, quant *int16, n int)",
		"transforms n blocks, an even number and not 0, and clears their coefficients.")
	spill := g.AllocLocal(128)
	dst, stride, coefs, last, quant, n := g.arg("dst"), g.arg("stride"), g.arg("coefs"), g.arg("last"), g.arg("quant"), g.arg("n")
	stride3 := g.GP64()
	g.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	loop, flat, next, done := g.label("loop"), g.label("flat"), g.label("next"), g.label("done")
	g.place(loop)
	g.CMPW(operand.Mem{Base: last}, operand.Imm(0))
	g.JEQ(flat)

	x := g.rows(coefs, quant, []int{1, 2, 3, 4, 5, 6, 7})
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

// blocks is the loop over pairs of blocks of size by size samples: body gets the registers.
func (g *gen) blocks(size int, body func(dst, stride, coefs, quant reg64)) {
	dst, stride, coefs, quant, n := g.arg("dst"), g.arg("stride"), g.arg("coefs"), g.arg("quant"), g.arg("n")
	loop := g.label("loop")
	g.place(loop)
	body(dst, stride, coefs, quant)
	g.clear(coefs, 8)
	g.ADDQ(operand.Imm(uint64(2*size)), dst)
	g.ADDQ(operand.U32(256), coefs)
	g.SUBQ(operand.Imm(2), n)
	g.JNE(loop)
	g.end()
}

// high is a number in the upper halves of the longs of v, times 1<<bits.
func (g *gen) high(v vec, bits int) vec {
	g.VPSRAD(operand.Imm(uint64(16-bits)), v, v)
	return v
}

// line4 is the transform of eight numbers to four, without the fifth: of the words 0 and 4, 1 and 3, 2 and 6, 5 and 7
// interleaved, the former in upper halves of longs. The results are longs.
func (g *gen) line4(x0, x13, x26, x57 vec, bits int) (out [4]vec) {
	twice := func(c, d operand.Mem) vec {
		a, b := g.YMM(), g.YMM()
		g.VPMADDWD(c, x13, a)
		g.VPMADDWD(d, x57, b)
		g.VPADDD(b, a, a)
		return a
	}
	o2 := twice(g.words(20995, 7373), g.words(-4926, -4176))
	o0 := twice(g.words(8697, -17799), g.words(11893, -1730))
	g.VPMADDWD(g.words(15137, -6270), x26, x26)
	p := g.high(x0, 14)
	g.VPADDD(g.longs(1<<(bits-1)), p, p)
	q := g.YMM()
	g.VPSUBD(x26, p, q)
	g.VPADDD(x26, p, p)
	for i := range out {
		out[i] = g.YMM()
	}
	g.VPADDD(o2, p, out[0])
	g.VPSUBD(o2, p, out[3])
	g.VPADDD(o0, q, out[1])
	g.VPSUBD(o0, q, out[2])
	for _, v := range out {
		g.VPSRAD(operand.Imm(uint64(bits)), v, v)
	}
	return out
}

func (g *gen) idct4() {
	g.function("idct4AVX2", "func(dst *uint8, stride int, coefs, quant *int16, n int)",
		"transforms n blocks, an even number and not 0, to 4 by 4 samples, and clears their coefficients.")
	g.blocks(4, func(dst, stride, coefs, quant reg64) {
		x := g.rows(coefs, quant, []int{1, 2, 3, 5, 6, 7})
		zero := g.zero()
		x0l, x0h := g.interleave(zero, x[0])
		x13l, x13h := g.interleave(x[1], x[3])
		x26l, x26h := g.interleave(x[2], x[6])
		x57l, x57h := g.interleave(x[5], x[7])
		lo := g.line4(x0l, x13l, x26l, x57l, 12)
		hi := g.line4(x0h, x13h, x26h, x57h, 12)
		for i := range lo {
			g.VPACKSSDW(hi[i], lo[i], lo[i])
		}
		// Columns, two in each lane: four words each.
		a0, a4 := g.interleave(lo[0], lo[1])
		b0, b4 := g.interleave(lo[2], lo[3])
		unpack := func(f func(ops ...operand.Op), a, b vec) vec {
			v := g.YMM()
			f(b, a, v)
			return v
		}
		c01, c23 := unpack(g.VPUNPCKLDQ, a0, b0), unpack(g.VPUNPCKHDQ, a0, b0)
		c45, c67 := unpack(g.VPUNPCKLDQ, a4, b4), unpack(g.VPUNPCKHDQ, a4, b4)
		zero = g.zero()
		y := g.line4(unpack(g.VPUNPCKLWD, zero, c01), unpack(g.VPUNPCKHWD, c01, c23), unpack(g.VPUNPCKLWD, c23, c67), unpack(g.VPUNPCKHWD, c45, c67), 19)
		g.VPACKSSDW(y[2], y[0], y[0])
		g.VPACKSSDW(y[3], y[1], y[1])
		l, h := g.interleave(y[0], y[1])
		r := unpack(g.VPUNPCKLDQ, l, h)
		s := unpack(g.VPUNPCKHDQ, l, h)
		g.VPACKSSWB(s, r, r)
		g.VPXOR(g.bytes(128), r, r)
		order := g.YMM()
		g.VMOVDQU(g.bytes(0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0, 3, 0, 0, 0, 7, 0, 0, 0), order)
		g.VPERMD(r, order, r)
		p := g.GP64()
		g.LEAQ(operand.Mem{Base: dst, Index: stride, Scale: 2}, p)
		upper := g.XMM()
		g.VEXTRACTI128(operand.Imm(1), r, upper)
		g.VMOVQ(r.AsX(), operand.Mem{Base: dst})
		g.VPEXTRQ(operand.Imm(1), r.AsX(), operand.Mem{Base: dst, Index: stride, Scale: 1})
		g.VMOVQ(upper, operand.Mem{Base: p})
		g.VPEXTRQ(operand.Imm(1), upper, operand.Mem{Base: p, Index: stride, Scale: 1})
	})
}

func (g *gen) idct2() {
	g.function("idct2AVX2", "func(dst *uint8, stride int, coefs, quant *int16, n int)",
		"transforms n blocks, an even number and not 0, to 2 by 2 samples, and clears their coefficients.")
	g.blocks(2, func(dst, stride, coefs, quant reg64) {
		x0, x1, x3, x5, x7 := g.row(coefs, quant, 0), g.row(coefs, quant, 1), g.row(coefs, quant, 3), g.row(coefs, quant, 5), g.row(coefs, quant, 7)
		zero := g.zero()
		x0l, x0h := g.interleave(zero, x0)
		l13, h13 := g.interleave(x1, x3)
		l57, h57 := g.interleave(x5, x7)
		near, far := g.words(29692, -10426), g.words(6967, -5906)
		column := func(x0, x13, x57 vec) (a, b vec) { // longs
			g.VPMADDWD(near, x13, x13)
			g.VPMADDWD(far, x57, x57)
			g.VPADDD(x57, x13, x13)
			a, b = g.high(x0, 15), g.YMM()
			g.VPADDD(g.longs(1<<12), a, a)
			g.VPSUBD(x13, a, b)
			g.VPADDD(x13, a, a)
			g.VPSRAD(operand.Imm(13), a, a)
			g.VPSRAD(operand.Imm(13), b, b)
			return a, b
		}
		al, bl := column(x0l, l13, l57)
		ah, bh := column(x0h, h13, h57)
		first := g.YMM() // column 0 of both rows, 32 bits wide
		g.VPUNPCKLDQ(bl, al, first)
		g.VPACKSSDW(ah, al, al)
		g.VPACKSSDW(bh, bl, bl)
		weights := g.hold(g.words(0, 29692, 0, -10426, 0, 6967, 0, -5906))
		g.VPMADDWD(weights, al, al)
		g.VPMADDWD(weights, bl, bl)
		g.VPHADDD(bl, al, al)
		g.VPHADDD(al, al, al)
		g.VPSLLD(operand.Imm(15), first, first)
		g.VPADDD(g.longs(1<<19), first, first)
		d := g.YMM()
		g.VPSUBD(al, first, d)
		g.VPADDD(al, first, first)
		g.VPUNPCKLDQ(d, first, first) // row 0, row 1
		g.VPSRAD(operand.Imm(20), first, first)
		g.VPACKSSDW(first, first, first)
		g.VPACKSSWB(first, first, first)
		g.VPXOR(g.bytes(128), first, first)
		upper := g.XMM()
		g.VEXTRACTI128(operand.Imm(1), first, upper)
		g.VPUNPCKLWD(upper, first.AsX(), upper)
		g.VMOVD(upper, operand.Mem{Base: dst})
		g.VPEXTRD(operand.Imm(1), upper, operand.Mem{Base: dst, Index: stride, Scale: 1})
	})
}
