// Command asm writes the assembly of package wave for amd64 and the Go declarations beside it. Run it by go generate in
// internal/wave; its output is committed.
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

type (
	reg64 = reg.GPVirtual
	vec   = reg.VecVirtual
)

const lanes = 8

// gen is one file of kernels under construction. Its methods are the instructions by the names of avo, and those of ops.go.
type gen struct {
	*build.Context
	size   int // bytes of a number
	labels int
	consts map[uint64]operand.Mem // vectors of one value
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
	name += g.name() + "AVX2"
	g.Function(name)
	g.Attributes(attr.NOSPLIT)
	g.Pragma("noescape")
	g.SignatureExpr(signature)
	g.Doc(name + " " + doc)
}

// name is of the numbers, for the names of kernels; nothing for kernels that have no kinds.
func (g *gen) name() string {
	if g.size == 0 {
		return ""
	}
	return fmt.Sprintf("F%d", 8*g.size)
}

// end returns from a function that used wide registers.
func (g *gen) end() {
	g.VZEROUPPER()
	g.RET()
}

// arg loads an argument into a register for numbers or addresses.
func (g *gen) arg(name string) reg64 {
	r := g.GP64()
	g.Load(g.Param(name), r)
	return r
}

// at is the vector at p.
func at(p reg.Register, disp int) operand.Mem { return operand.Mem{Base: p, Disp: disp} }

// add is where p + scale·index lies.
func add(p, index reg.Register, scale uint8) operand.Mem {
	return operand.Mem{Base: p, Index: index, Scale: scale}
}

// times repeats body n times, n at least 1.
func (g *gen) times(n reg64, body func()) {
	loop := g.label("loop")
	g.place(loop)
	body()
	g.DECQ(n)
	g.JNZ(loop)
}

// families lists the files.
var families = []struct {
	name  string
	size  int
	build func(g *gen)
}{
	{"fft_f32", 4, (*gen).transforms},
	{"fft_f64", 8, (*gen).transforms},
	{"mel_f32", 4, (*gen).mels},
	{"mel_f64", 8, (*gen).mels},
	{"raise", 0, (*gen).raise},
	{"interpolate", 0, (*gen).interpolate},
}

func main() {
	all := ir.NewFile()
	for _, f := range families {
		c := build.NewContext()
		f.build(&gen{Context: c, size: f.size, consts: map[uint64]operand.Mem{}})
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
	return printer.Config{Name: "_asm", Argv: []string{"go", "generate"}, Pkg: "wave"}
}

// write prints file to path, with the build tag that every generated file has.
func write(path string, p printer.Printer, file *ir.File) error {
	text, err := p.Print(file)
	if err != nil {
		return err
	}
	s := string(text)
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
