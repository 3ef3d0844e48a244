package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A raw instruction is one that neither avo nor Go's assembler knows. It is written as bytes with its mnemonic beside them, in Go's
// order of operands; a test of package kernel has objdump read the bytes back.
type raw struct {
	name   string
	prefix byte // that the encoding stands for: 0, 1, 2 and 3 for none, 66, F3 and F2
	code   byte // in the map 0F 38
	isa    string
}

var (
	vdpbf16ps     = raw{"VDPBF16PS", 2, 0x52, "AVX512_BF16"}
	vcvtneps2bf16 = raw{"VCVTNEPS2BF16", 2, 0x72, "AVX512_BF16"}
	ldtilecfg     = raw{"LDTILECFG", 0, 0x49, "AMX_TILE"}
	tilerelease   = raw{"TILERELEASE", 0, 0x49, "AMX_TILE"}
	tilezero      = raw{"TILEZERO", 3, 0x49, "AMX_TILE"}
	tileloadd     = raw{"TILELOADD", 3, 0x4b, "AMX_TILE"}
	tilestored    = raw{"TILESTORED", 2, 0x4b, "AMX_TILE"}
	tdpbf16ps     = raw{"TDPBF16PS", 2, 0x5c, "AMX_BF16"}
	tdpbusd       = raw{"TDPBUSD", 1, 0x5e, "AMX_INT8"}
	prefetchw     = raw{"PREFETCHW", 0, 0x0d, "PREFETCHWT1"} // in the map 0F
)

// A tmm is one of the eight tile registers.
type tmm int

func (t tmm) String() string { return fmt.Sprintf("TMM%d", int(t)) }

func number(r reg.Register) int { return int(reg.ToPhysical(r).PhysicalIndex()) }

// evex is an instruction on 512-bit registers, the sources first: one source if other is nil.
func (g *gen) evex(i raw, source, other, to reg.Register) {
	operands := []string{source.Asm(), to.Asm()}
	v, inputs := 0, []operand.Op{source, to}
	if other != nil {
		operands = []string{source.Asm(), other.Asm(), to.Asm()}
		v, inputs = number(other), append(inputs, other)
	}
	m, r := number(source), number(to)
	bytes := []byte{
		0x62,
		inverted(r, 3)<<7 | inverted(m, 4)<<6 | inverted(m, 3)<<5 | inverted(r, 4)<<4 | 2,
		byte(^v&15)<<3 | 1<<2 | i.prefix,
		2<<5 | inverted(v, 4)<<3, // 512 bits, no mask
		i.code,
		3<<6 | byte(r&7)<<3 | byte(m&7),
	}
	g.emit(i, bytes, operands, inputs, []operand.Op{to})
}

// inverted is bit number n of x, turned round as the prefixes hold it.
func inverted(x, n int) byte { return byte(^x >> n & 1) }

// tile is an instruction on tile registers: third, second and first as Go orders them. What is left out stands for zero.
func (g *gen) tile(i raw, operands ...tmm) {
	var of [3]tmm // third, second, first
	copy(of[3-len(operands):], operands)
	names := make([]string, len(operands))
	for j, o := range operands {
		names[j] = o.String()
	}
	g.emit(i, vex(i, int(of[0]), 0, 0, 3<<6|byte(of[2])<<3|byte(of[1])), names, nil, nil)
}

// move is an instruction on a tile register and rows in memory, index bytes apart. LDTILECFG has no tile register and no index.
func (g *gen) move(i raw, m operand.Mem, t tmm, operands ...string) {
	base, inputs := number(m.Base), []operand.Op{m.Base}
	modrm, sib, x := byte(t)<<3|byte(base&7), []byte(nil), 0
	if m.Index != nil {
		x = number(m.Index)
		modrm = byte(t)<<3 | 4
		sib, inputs = []byte{byte(x&7)<<3 | byte(base&7)}, append(inputs, m.Index)
	}
	if m.Disp != 0 || base&7 == 5 {
		modrm |= 1 << 6
		sib = append(sib, byte(int8(m.Disp)))
	}
	g.emit(i, append(vex(i, 0, base, x, modrm), sib...), operands, inputs, nil)
}

func (g *gen) loadConfig(m operand.Mem)        { g.move(ldtilecfg, m, 0, m.Asm()) }
func (g *gen) loadTile(m operand.Mem, t tmm)   { g.move(tileloadd, m, t, m.Asm(), t.String()) }
func (g *gen) storeTile(t tmm, to operand.Mem) { g.move(tilestored, to, t, t.String(), to.Asm()) }

// fetchToWrite brings the line at p, one of the first eight registers but SP and BP, to the first cache for this core alone.
func (g *gen) fetchToWrite(p reg.Register) {
	m := operand.Mem{Base: p}
	g.emit(prefetchw, []byte{0x0f, prefetchw.code, 1<<3 | byte(number(p))}, []string{m.Asm()}, []operand.Op{p}, nil)
}

// vex is the prefix, opcode and ModRM of a 128-bit instruction; v is the operand in the prefix, base and index those of the memory.
func vex(i raw, v, base, index int, modrm byte) []byte {
	return []byte{0xc4, 1<<7 | inverted(index, 3)<<6 | inverted(base, 3)<<5 | 2, byte(^v&15)<<3 | i.prefix, i.code, modrm}
}

func (g *gen) emit(i raw, bytes []byte, operands []string, inputs, outputs []operand.Op) {
	text := make([]string, len(bytes))
	for j, b := range bytes {
		text[j] = fmt.Sprintf("BYTE $0x%02x", b)
	}
	line := strings.Join(text, "; ") + " // " + strings.TrimSpace(i.name+" "+strings.Join(operands, ", "))
	g.Instruction(&ir.Instruction{Opcode: line, Inputs: inputs, Outputs: outputs, ISA: []string{i.isa}})
}
