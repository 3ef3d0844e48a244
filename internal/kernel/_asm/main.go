// Command asm writes the assembly of package kernel for amd64 and arm64 and the Go declarations beside it. Run it by go generate in
// internal/kernel; its output is committed.
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

// A set is one vector instruction set: its registers and how names of kernels end.
type set struct {
	name  string
	lanes int // float32 values a register
	vec   func(i int) reg.VecPhysical
}

var (
	avx2   = set{"AVX2", 8, func(i int) reg.VecPhysical { return ymm[i] }}
	avx512 = set{"AVX512", 16, func(i int) reg.VecPhysical { return zmm[i] }}
	vnni   = set{"AVX512VNNI", 16, avx512.vec}
	dpbf16 = set{"AVX512BF16", 16, avx512.vec}
	tiles  = set{"AMX", 16, avx512.vec}

	ymm = [...]reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}
	zmm = [...]reg.VecPhysical{reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31}
)

func (s set) bytes() int { return 4 * s.lanes }

// gen is one kernel under construction. Its methods are the instructions by the names of avo.
type gen struct {
	*build.Context
	set
	labels int
	consts map[uint32]operand.Mem // vectors of one value
	steps  operand.Mem            // eight set lanes, then eight clear ones
}

func newGen(c *build.Context, s set) *gen {
	return &gen{Context: c, set: s, consts: map[uint32]operand.Mem{}}
}

func globalName(prefix string, bits uint32) string { return fmt.Sprintf("%s%08x", prefix, bits) }

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
	g.Doc(doc)
}

// zero clears v.
func (g *gen) zero(v reg.Register) {
	if g.lanes == 16 {
		g.VPXORD(v, v, v)
	} else {
		g.VXORPS(v, v, v)
	}
}

// end returns from a function that used wide registers.
func (g *gen) end() {
	g.VZEROUPPER()
	g.RET()
}

// A family is a pair of files: NAME_amd64.s and NAME_amd64.go.
type family struct {
	name  string
	build func(c *build.Context)
}

func main() {
	var stubs []*ir.File
	for _, f := range families() {
		c := build.NewContext()
		f.build(c)
		file, err := c.Result()
		if err == nil {
			err = pass.Compile.Execute(file)
		}
		if err == nil && strings.Contains(f.name, "avx2") {
			err = onlySixteen(file)
		}
		if err == nil {
			err = write("../"+f.name+"_amd64.s", printer.NewGoAsm(config()), file)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "asm: %s: %v\n", f.name, err)
			os.Exit(1)
		}
		stubs = append(stubs, file)
	}
	all := ir.NewFile()
	for _, s := range stubs {
		all.Sections = append(all.Sections, s.Sections...)
	}
	err := write("../stubs_amd64.go", printer.NewStubs(config()), all)
	if err == nil {
		err = writeNEON()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "asm:", err)
		os.Exit(1)
	}
}

// onlySixteen reports a kernel of AVX2 with more registers than that has: avo takes those of AVX-512 when it needs more.
func onlySixteen(file *ir.File) error {
	for _, f := range file.Functions() {
		for _, i := range f.Instructions() {
			for _, r := range i.Registers() {
				if p := reg.ToPhysical(r); p != nil && r.Kind() == reg.KindVector && p.PhysicalIndex() >= 16 {
					return fmt.Errorf("%s uses %v", f.Name, p.Asm())
				}
			}
		}
	}
	return nil
}

func config() printer.Config {
	return printer.Config{Name: "_asm", Argv: []string{"go", "generate"}, Pkg: "kernel"}
}

// write prints file to path, with the build tag that every generated file has.
func write(path string, p printer.Printer, file *ir.File) error {
	text, err := p.Print(file)
	if err != nil {
		return err
	}
	s := strings.ReplaceAll(string(text), "(t *byte", "(t *tile") // avo knows only the types of Go itself
	s = strings.ReplaceAll(s, "(a *byte", "(a *strip")
	s = strings.ReplaceAll(s, "(s *byte", "(s *band")
	s = strings.ReplaceAll(s, "(w *byte", "(w *window")
	s = strings.ReplaceAll(s, "(l *byte", "(l *lag")
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
