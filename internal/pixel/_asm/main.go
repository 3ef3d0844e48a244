// Command asm writes the assembly of package pixel for amd64 and the Go declarations beside it. Run it by go generate in
// internal/pixel; its output is committed.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"
)

// gen is one file of kernels under construction. Its methods are the instructions by the names of avo.
type gen struct {
	*build.Context
	labels int
	consts map[string]operand.Mem // vectors in read-only memory
}

// label makes a name for a jump that is new in this function.
func (g *gen) label(what string) operand.LabelRef {
	g.labels++
	return operand.LabelRef(fmt.Sprintf("%s%d", what, g.labels))
}

// place puts l here.
func (g *gen) place(l operand.LabelRef) { g.Label(string(l)) }

// function begins a function of the given Go signature.
func (g *gen) function(name, signature, doc string) {
	g.labels = 0
	g.Function(name)
	g.Attributes(attr.NOSPLIT)
	g.Pragma("noescape")
	g.SignatureExpr(signature)
	g.Doc(name + " " + doc)
}

// end returns from a function that used wide registers.
func (g *gen) end() {
	g.VZEROUPPER()
	g.RET()
}

// arg loads an argument into a register for numbers or addresses.
func (g *gen) arg(name string) reg.GPVirtual {
	r := g.GP64()
	g.Load(g.Param(name), r)
	return r
}

// bytes is a read-only vector of 32 bytes: the given ones again and again.
func (g *gen) bytes(b ...byte) operand.Mem {
	key := string(b)
	if m, ok := g.consts[key]; ok {
		return m
	}
	m := g.StaticGlobal(fmt.Sprintf("c%d", len(g.consts)))
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 32 {
		g.AddDatum(i, operand.U8(b[i%len(b)]))
	}
	g.consts[key] = m
	return m
}

// words is a read-only vector of 16-bit numbers, the given ones again and again.
func (g *gen) words(w ...int) operand.Mem {
	var b []byte
	for _, v := range w {
		b = append(b, byte(v), byte(v>>8))
	}
	return g.bytes(b...)
}

// longs is a read-only vector of one 32-bit number.
func (g *gen) longs(v int) operand.Mem { return g.bytes(byte(v), byte(v>>8), byte(v>>16), byte(v>>24)) }

// hold loads a constant into a register.
func (g *gen) hold(m operand.Mem) reg.VecVirtual {
	v := g.YMM()
	g.VMOVDQU(m, v)
	return v
}

// zero is a cleared register.
func (g *gen) zero() reg.VecVirtual {
	v := g.YMM()
	g.VPXOR(v, v, v)
	return v
}

// steps calls body with the places 0, step, 2·step … of n values, n at least step; the last place is n - step, so that it
// may overlap the one before.
func (g *gen) steps(n reg.GPVirtual, step int, body func(i reg.GPVirtual)) {
	i, loop, more, done := g.GP64(), g.label("loop"), g.label("more"), g.label("done")
	last := g.GP64()
	g.LEAQ(operand.Mem{Base: n, Disp: -step}, last)
	g.XORQ(i, i)
	g.place(loop)
	body(i)
	g.CMPQ(i, last)
	g.JEQ(done)
	g.ADDQ(operand.Imm(uint64(step)), i)
	g.CMPQ(i, last)
	g.JLE(more)
	g.MOVQ(last, i)
	g.place(more)
	g.JMP(loop)
	g.place(done)
}

// families lists the files.
var families = []struct {
	name  string
	build func(g *gen)
}{
	{"idct", (*gen).transforms},
	{"colour", (*gen).colours},
	{"units", (*gen).entropy},
	{"resample", (*gen).resampling},
	{"small", (*gen).smaller},
}

func main() {
	all := ir.NewFile()
	for _, f := range families {
		c := build.NewContext()
		f.build(&gen{Context: c, consts: map[string]operand.Mem{}})
		file, err := c.Result()
		if err == nil {
			err = pass.Compile.Execute(file)
		}
		if err == nil {
			err = write("../"+f.name+"_amd64.s", printer.NewGoAsm(config()), file)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "asm: %s: %v\n", f.name, err)
			os.Exit(1)
		}
		all.Sections = append(all.Sections, file.Sections...)
	}
	if err := write("../stubs_amd64.go", printer.NewStubs(config()), all); err != nil {
		fmt.Fprintln(os.Stderr, "asm:", err)
		os.Exit(1)
	}
}

func config() printer.Config {
	return printer.Config{Name: "_asm", Argv: []string{"go", "generate"}, Pkg: "pixel"}
}

// write prints file to path, with the build tag that every generated file has.
func write(path string, p printer.Printer, file *ir.File) error {
	text, err := p.Print(file)
	if err != nil {
		return err
	}
	s := strings.ReplaceAll(string(text), "slots *byte", "slots *Slot") // avo knows only the types of Go itself
	i := strings.Index(s, "\n")
	s = s[:i+1] + "\n//go:build !purego\n" + s[i+1:]
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, s); err != nil {
		return err
	}
	return out.Close()
}
