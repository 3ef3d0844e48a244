package main

import "github.com/mmcloughlin/avo/operand"

// How the Go side lays out what the kernel reads. The tests decode nothing right if this is wrong.
const (
	look = 10

	huffCodes   = 8 << look
	huffLast    = huffCodes + 2<<look
	huffAdd     = huffLast + 17*4
	huffSymbols = huffAdd + 17*4

	slotCoefs, slotLast, slotStep, slotSum, slotDC, slotAC, slotBefore = 0, 24, 48, 56, 64, 72, 80
	slotSize                                                           = 88

	longest = 512 // more bytes than a block can take
	alone   = 128
)

// A reader is the state of the bit reader in registers.
type reader struct{ p, buf, n, ones, tops reg64 }

func (g *gen) entropy() { g.units() }

// take drops the bits that were used.
func (g *gen) take(r reader, bits reg64) {
	g.SHLXQ(bits, r.buf, r.buf)
	g.SUBQ(bits, r.n)
}

// refill brings n to 56 at least. slow is where to go where a byte is 0xff, and slow comes back to the returned label.
func (g *gen) refill(r reader, slow operand.LabelRef) (back operand.LabelRef) {
	back = g.label("filled")
	w, t := g.GP64(), g.GP64()
	g.MOVBEQQ(operand.Mem{Base: r.p}, w)
	g.MOVQ(w, t)
	g.NOTQ(t)
	g.SUBQ(r.ones, t)
	g.ANDQ(w, t)
	g.TESTQ(r.tops, t)
	g.JNE(slow)
	g.SHRXQ(r.n, w, w)
	g.ORQ(w, r.buf)
	g.MOVL(operand.U32(63), t.As32())
	g.SUBL(r.n.As32(), t.As32())
	g.SHRL(operand.Imm(3), t.As32())
	g.ADDQ(t, r.p)
	g.ORQ(operand.Imm(56), r.n)
	g.place(back)
	return back
}

// refillBytes is where refill goes: byte by byte, up to a marker, which is too much for this kernel.
func (g *gen) refillBytes(r reader, slow, back, bail operand.LabelRef) {
	plain := g.label("plain")
	c, t := g.GP64(), g.GP64()
	g.place(slow)
	g.CMPQ(r.n, operand.Imm(56))
	g.JG(back)
	g.MOVBQZX(operand.Mem{Base: r.p}, c)
	g.INCQ(r.p)
	g.CMPL(c.As32(), operand.U32(0xff))
	g.JNE(plain)
	g.CMPB(operand.Mem{Base: r.p}, operand.Imm(0))
	g.JNE(bail)
	g.INCQ(r.p)
	g.place(plain)
	g.MOVL(operand.U32(56), t.As32())
	g.SUBL(r.n.As32(), t.As32())
	g.SHLXQ(t, c, c)
	g.ORQ(c, r.buf)
	g.ADDQ(operand.Imm(8), r.n)
	g.JMP(slow)
}

// symbol decodes one code by itself, of any length, and its value, which is 0 where none follows. Without a code it goes
// to bail.
func (g *gen) symbol(r reader, table reg64, bail operand.LabelRef) (symbol, value reg64) {
	symbol, value = g.GP64(), g.GP64()
	i, size := g.GP64(), g.GP64()
	found, loop, none := g.label("found"), g.label("loop"), g.label("none")
	g.MOVQ(r.buf, i)
	g.SHRQ(operand.Imm(64-look), i)
	g.MOVWQZX(operand.Mem{Base: table, Index: i, Scale: 2, Disp: huffCodes}, symbol)
	g.MOVBQZX(symbol.As8(), size)
	g.SHRQ(operand.Imm(8), symbol)
	g.TESTQ(size, size)
	g.JNE(found)
	g.MOVQ(r.buf, i)
	g.SHRQ(operand.Imm(48), i)
	g.MOVL(operand.U32(look), size.As32())
	g.place(loop)
	g.INCQ(size)
	g.CMPQ(size, operand.Imm(16))
	g.JG(bail)
	g.CMPL(i.As32(), operand.Mem{Base: table, Index: size, Scale: 4, Disp: huffLast})
	g.JCC(loop)
	t := g.GP64()
	g.MOVL(operand.U32(16), t.As32())
	g.SUBQ(size, t)
	g.SHRXQ(t, i, i)
	g.ADDL(operand.Mem{Base: table, Index: size, Scale: 4, Disp: huffAdd}, i.As32())
	g.MOVBLZX(i.As8(), i.As32())
	g.MOVBQZX(operand.Mem{Base: table, Index: i, Scale: 1, Disp: huffSymbols}, symbol)
	g.place(found)
	g.take(r, size)

	// The value: its highest bit is 0 if it is negative, and then it is 2^size - 1 too large.
	g.XORL(value.As32(), value.As32())
	g.MOVL(symbol.As32(), size.As32())
	g.ANDL(operand.Imm(15), size.As32())
	g.JEQ(none)
	t = g.GP64()
	g.MOVL(operand.U32(64), t.As32())
	g.SUBL(size.As32(), t.As32())
	g.SHRXQ(t, r.buf, value)
	g.MOVQ(r.buf, i)
	g.NOTQ(i)
	g.SARQ(operand.Imm(63), i) // all ones if negative
	t = g.GP64()
	g.BZHIQ(size, i, t) // 2^size - 1 if negative
	g.SUBQ(t, value)
	g.take(r, size)
	g.place(none)
	return symbol, value
}

// units decodes whole units of a sequential scan as long as nothing unusual comes: it stops before a unit that has a
// marker or the end of the data near, or a code that no table holds. Of that unit it may have written something.
func (g *gen) units() {
	g.function("unitsAVX2", "func(data *byte, size int, at *int, slots *byte, count, from, n int, natural *byte) int",
		"decodes n units, from on, of count slots each, and returns how many it did. at is Bits.Pos.")
	r := reader{g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()}
	frame := g.AllocLocal(56)
	limit, slotAt, left, unit := frame, frame.Offset(8), frame.Offset(16), frame.Offset(24)
	saved := frame.Offset(32) // p, buf, n
	g.MOVQ(operand.U64(0x0101010101010101), r.ones)
	g.MOVQ(operand.U64(0x8080808080808080), r.tops)
	state := g.arg("at")
	g.MOVQ(operand.Mem{Base: state}, r.p)
	g.MOVQ(operand.Mem{Base: state, Disp: 8}, r.buf)
	g.MOVQ(operand.Mem{Base: state, Disp: 16}, r.n)
	data, t := g.arg("data"), g.arg("size")
	g.ADDQ(data, r.p)
	g.LEAQ(operand.Mem{Base: data, Index: t, Scale: 1, Disp: -longest}, t)
	g.MOVQ(t, limit)
	t = g.GP64()
	g.XORL(t.As32(), t.As32())
	g.MOVQ(t, unit)

	nextUnit, nextBlock, finish, bail := g.label("unit"), g.label("block"), g.label("finish"), g.label("bail")
	g.place(nextUnit)
	g.MOVQ(r.p, saved)
	g.MOVQ(r.buf, saved.Offset(8))
	g.MOVQ(r.n, saved.Offset(16))
	slot, count, each := g.arg("slots"), g.arg("count"), g.label("each")
	g.MOVQ(slot, slotAt)
	g.MOVQ(count, left)
	t = g.GP64()
	g.place(each)
	g.MOVQ(operand.Mem{Base: slot, Disp: slotSum}, t)
	g.MOVL(operand.Mem{Base: t}, t.As32())
	g.MOVL(t.As32(), operand.Mem{Base: slot, Disp: slotBefore})
	g.ADDQ(operand.Imm(slotSize), slot)
	g.DECQ(count)
	g.JNE(each)

	g.place(nextBlock)
	g.CMPQ(r.p, limit)
	g.JGT(bail)
	slot = g.GP64()
	g.MOVQ(slotAt, slot)
	coefs := g.blockAddress(slot, unit)
	k, sum, table := g.GP64(), g.GP64(), g.GP64()

	// The first coefficient.
	slow0 := g.label("slow")
	back0 := g.refill(r, slow0)
	first, lookups, loop := g.label("first"), g.label("lookups"), g.label("coefs")
	i, e, bits := g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(operand.Mem{Base: slot, Disp: slotDC}, table)
	g.MOVQ(operand.Mem{Base: slot, Disp: slotSum}, sum)
	g.MOVQ(r.buf, i)
	g.SHRQ(operand.Imm(64-look), i)
	g.MOVQ(operand.Mem{Base: table, Index: i, Scale: 8}, e)
	g.TESTQ(e, e)
	g.JEQ(first)
	g.MOVBQZX(e.As8(), bits)
	g.take(r, bits)
	g.SARQ(operand.Imm(32), e)
	g.MOVWLSX(e.As16(), e.As32())
	g.ADDL(operand.Mem{Base: sum}, e.As32())
	g.MOVL(e.As32(), operand.Mem{Base: sum})
	g.MOVW(e.As16(), operand.Mem{Base: coefs})
	acs, natural := g.GP64(), g.GP64()
	start := func() {
		g.MOVQ(operand.Mem{Base: slot, Disp: slotAC}, acs)
		g.Load(g.Param("natural"), natural)
		g.MOVL(operand.U32(1), k.As32())
	}
	start()
	g.JMP(lookups)

	// The others: two looks for each refill.
	slow1 := g.label("slow")
	g.place(loop)
	back1 := g.refill(r, slow1)
	g.place(lookups)
	careful, done := g.label("careful"), g.label("done")
	for range 2 {
		g.lookup(r, acs, natural, coefs, k, careful)
		g.CMPL(k.As32(), operand.Imm(64))
		g.JGE(done)
	}
	g.JMP(loop)

	g.place(done)
	over := g.GP64()
	g.MOVQ(slotAt, over)
	g.lastOf(over, unit, k)
	g.ADDQ(operand.Imm(slotSize), over)
	g.MOVQ(over, slotAt)
	g.DECQ(left)
	g.JNE(nextBlock)
	t = g.GP64()
	g.MOVQ(unit, t)
	g.INCQ(t)
	g.MOVQ(t, unit)
	n := g.arg("n")
	g.CMPQ(t, n)
	g.JLT(nextUnit)
	g.JMP(finish)

	// One code that the pairs lack.
	g.place(careful)
	symbol, value := g.symbol(r, acs, bail)
	end, zeros := g.label("end"), g.label("zeros")
	t = g.GP64()
	g.MOVL(symbol.As32(), t.As32())
	g.SHRL(operand.Imm(4), t.As32())
	g.TESTL(operand.U32(15), symbol.As32())
	g.JEQ(zeros)
	g.ADDQ(t, k)
	g.MOVBQZX(operand.Mem{Base: natural, Index: k, Scale: 1}, t)
	g.MOVW(value.As16(), operand.Mem{Base: coefs, Index: t, Scale: 2})
	g.INCQ(k)
	g.place(end)
	g.CMPL(k.As32(), operand.Imm(64))
	g.JGE(done)
	g.JMP(loop)
	g.place(zeros)
	t = g.GP64()
	more := g.GP64()
	g.MOVL(operand.U32(alone), more.As32())
	g.MOVL(operand.U32(16), t.As32())
	g.CMPL(symbol.As32(), operand.U32(0xf0))
	g.CMOVQEQ(t, more)
	g.ADDQ(more, k)
	g.JMP(end)

	g.place(first)
	_, value = g.symbol(r, table, bail)
	g.ADDL(operand.Mem{Base: sum}, value.As32())
	g.MOVL(value.As32(), operand.Mem{Base: sum})
	g.MOVW(value.As16(), operand.Mem{Base: coefs})
	start()
	g.JMP(loop)

	g.refillBytes(r, slow0, back0, bail)
	g.refillBytes(r, slow1, back1, bail)

	g.place(bail)
	g.MOVQ(saved, r.p)
	g.MOVQ(saved.Offset(8), r.buf)
	g.MOVQ(saved.Offset(16), r.n)
	g.place(finish)
	state, data = g.arg("at"), g.arg("data")
	g.SUBQ(data, r.p)
	g.MOVQ(r.p, operand.Mem{Base: state})
	g.MOVQ(r.buf, operand.Mem{Base: state, Disp: 8})
	g.MOVQ(r.n, operand.Mem{Base: state, Disp: 16})
	t = g.GP64()
	g.MOVQ(unit, t)
	g.Store(t, g.ReturnIndex(0))
	g.RET()
}

// blockIndex is the number of the slot's block in the present unit.
func (g *gen) blockIndex(slot reg64, unit operand.Mem) reg64 {
	i := g.GP64()
	g.Load(g.Param("from"), i)
	g.ADDQ(unit, i)
	g.IMULQ(operand.Mem{Base: slot, Disp: slotStep}, i)
	return i
}

func (g *gen) blockAddress(slot reg64, unit operand.Mem) reg64 {
	i := g.blockIndex(slot, unit)
	g.SHLQ(operand.Imm(7), i)
	g.ADDQ(operand.Mem{Base: slot, Disp: slotCoefs}, i)
	return i
}

// lastOf notes whether a block has more than its first coefficient: it has not if an end came alone at place 1.
func (g *gen) lastOf(slot reg64, unit operand.Mem, k reg64) {
	i := g.blockIndex(slot, unit)
	g.ADDQ(operand.Mem{Base: slot, Disp: slotLast}, i)
	g.CMPL(k.As32(), operand.U32(1+alone))
	g.SETNE(operand.Mem{Base: i})
}

// lookup takes what the next bits mean, one coefficient or two, or goes to careful.
func (g *gen) lookup(r reader, table, natural, coefs, k reg64, careful operand.LabelRef) {
	i, second, first, v, bits := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(r.buf, i)
	g.SHRQ(operand.Imm(64-look), i)
	at := func(disp int) operand.Mem { return operand.Mem{Base: table, Index: i, Scale: 8, Disp: disp} }
	g.MOVBQZX(at(2), second)
	g.ADDL(k.As32(), second.As32())
	g.CMPL(second.As32(), operand.Imm(63))
	g.JGE(careful)
	g.MOVBQZX(at(0), bits)
	g.take(r, bits)
	g.MOVBQZX(at(1), first)
	g.ADDL(k.As32(), first.As32())
	g.MOVBQZX(operand.Mem{Base: natural, Index: first, Scale: 1}, first)
	g.MOVWQZX(at(4), v)
	g.MOVW(v.As16(), operand.Mem{Base: coefs, Index: first, Scale: 2})
	g.MOVBQZX(operand.Mem{Base: natural, Index: second, Scale: 1}, second)
	g.MOVWQZX(at(6), v)
	g.MOVW(v.As16(), operand.Mem{Base: coefs, Index: second, Scale: 2})
	g.MOVBQZX(at(3), v)
	g.ADDL(v.As32(), k.As32())
}
