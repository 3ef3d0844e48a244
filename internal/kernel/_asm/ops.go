package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// v is a new vector register of the set.
func (g *gen) v() reg.VecVirtual {
	if g.lanes == 16 {
		return g.ZMM()
	}
	return g.YMM()
}

// arg loads an argument into a register for numbers or addresses.
func (g *gen) arg(name string) reg.GPVirtual {
	r := g.GP64()
	g.Load(g.Param(name), r)
	return r
}

// spread loads a float32 argument into every lane.
func (g *gen) spread(name string) reg.VecVirtual {
	r := g.v()
	m, err := g.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	g.VBROADCASTSS(m.Addr, r)
	return r
}

// repeated is a read-only vector whose lanes hold the same bits, one per value and file.
func (g *gen) repeated(bits uint32) operand.Mem {
	if m, ok := g.consts[bits]; ok {
		return m
	}
	m := g.StaticGlobal(globalName("c", bits))
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range g.lanes {
		g.AddDatum(4*i, operand.U32(bits))
	}
	g.consts[bits] = m
	return m
}

func (g *gen) float(x float64) operand.Mem { return g.repeated(math.Float32bits(float32(x))) }

// hold loads a constant into a register.
func (g *gen) hold(x float64) reg.VecVirtual {
	r := g.v()
	g.VMOVUPS(g.float(x), r)
	return r
}

// A lane mask says which lanes of a last, partial vector count: nil for all of a whole one.
type mask struct{ of reg.Register }

// partial makes the mask of the first n lanes, n less than there are.
func (g *gen) partial(n reg.GPVirtual) *mask {
	if g.lanes == 16 {
		ones := g.GP32()
		g.MOVL(operand.U32(math.MaxUint32), ones)
		g.BZHIL(n.As32(), ones, ones)
		g.KMOVW(ones, reg.K1)
		return &mask{reg.K1}
	}
	if g.steps == (operand.Mem{}) {
		g.steps = g.StaticGlobal("lanes")
		g.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 16 {
			bits := uint32(0)
			if i < 8 {
				bits = math.MaxUint32
			}
			g.AddDatum(4*i, operand.U32(bits))
		}
	}
	table, m := g.GP64(), g.YMM()
	g.LEAQ(g.steps.Offset(32), table)
	g.SHLQ(operand.Imm(2), n)
	g.SUBQ(n, table)
	g.VMOVDQU(operand.Mem{Base: table}, m)
	return &mask{m}
}

// load reads a vector; the lanes that m leaves out are zero.
func (g *gen) load(from operand.Mem, m *mask) reg.VecVirtual {
	r := g.v()
	switch {
	case m == nil:
		g.VMOVUPS(from, r)
	case g.lanes == 16:
		g.VMOVUPS_Z(from, m.of, r)
	default:
		g.VMASKMOVPS(from, m.of, r)
	}
	return r
}

func (g *gen) store(r reg.Register, to operand.Mem, m *mask) {
	switch {
	case m == nil:
		g.VMOVUPS(r, to)
	case g.lanes == 16:
		g.VMOVUPS(r, m.of, to)
	default:
		g.VMASKMOVPS(r, m.of, to)
	}
}

// keep zeroes the lanes of r that m leaves out.
func (g *gen) keep(r reg.Register, m *mask) {
	switch {
	case m == nil:
	case g.lanes == 16:
		g.VMOVAPS_Z(r, m.of, r)
	default:
		g.VANDPS(m.of, r, r)
	}
}

// fill sets the lanes of r that m leaves out to those of other.
func (g *gen) fill(r, other reg.Register, m *mask) {
	switch {
	case m == nil:
	case g.lanes == 16:
		g.VBLENDMPS(r, other, m.of, r)
	default:
		g.VBLENDVPS(m.of, r, other, r)
	}
}

// A place is where a vector of a slice lies, given the register that points to the slice.
type place = func(p reg.Register) operand.Mem

// walk calls body for n values in steps of a vector: at addresses the present one of a slice, acc is which of accs running values
// the step belongs to. Whole vectors go first, in rounds of accs, the rest under a mask.
func (g *gen) walk(n reg.GPVirtual, accs int, body func(at place, acc int, m *mask)) {
	g.abreast(n, accs, func(at []place, m *mask) {
		for acc, a := range at {
			body(a, acc, m)
		}
	})
}

// abreast calls body for n values: first for as many whole vectors at a time as count says, then for one, then for the rest under a
// mask. A body that goes instruction by instruction over its vectors, rather than vector by vector, keeps a processor busy which looks
// ahead less far than a chain of dependent instructions is long.
func (g *gen) abreast(n reg.GPVirtual, count int, body func(at []place, m *mask)) {
	i, limit := g.GP64(), g.GP64()
	places := make([]place, count)
	for step := range places {
		places[step] = func(p reg.Register) operand.Mem {
			return operand.Mem{Base: p, Index: i, Scale: 4, Disp: step * g.bytes()}
		}
	}
	g.XORQ(i, i)
	loop := func(steps int) {
		top, end := g.label("loop"), g.label("end")
		g.MOVQ(n, limit)
		g.SUBQ(operand.Imm(uint64(steps*g.lanes)), limit)
		g.CMPQ(i, limit)
		g.JG(end)
		g.place(top)
		body(places[:steps], nil)
		g.ADDQ(operand.Imm(uint64(steps*g.lanes)), i)
		g.CMPQ(i, limit)
		g.JLE(top)
		g.place(end)
	}
	if count > 1 {
		loop(count)
	}
	loop(1)
	done := g.label("done")
	g.SUBQ(i, n)
	g.JZ(done)
	body(places[:1], g.partial(n))
	g.place(done)
}

// loads reads a vector at each place of the slice at p.
func (g *gen) loads(at []place, p reg.Register, m *mask) []reg.VecVirtual {
	s := make([]reg.VecVirtual, len(at))
	for i, a := range at {
		s[i] = g.load(a(p), m)
	}
	return s
}

// vs is n new vector registers.
func (g *gen) vs(n int) []reg.VecVirtual {
	s := make([]reg.VecVirtual, n)
	for i := range s {
		s[i] = g.v()
	}
	return s
}

// horner is a polynomial of each of x, coefficients from the highest down.
func (g *gen) horner(x []reg.VecVirtual, coefficients []float64) []reg.VecVirtual {
	p := g.vs(len(x))
	for i := range p {
		g.VMOVUPS(g.float(coefficients[0]), p[i])
	}
	for _, c := range coefficients[1:] {
		var from operand.Op = g.float(c)
		if len(x) > 2 {
			from = g.hold(c)
		}
		for i := range p {
			g.VFMADD213PS(from, x[i], p[i])
		}
	}
	return p
}

// fold combines the running values of a reduction and its lanes into one, always in the same order, and returns it.
func (g *gen) fold(accs []reg.VecVirtual, op func(a, b, to operand.Op)) {
	for len(accs) > 1 {
		half := len(accs) / 2
		for i := range half {
			op(accs[i+half], accs[i], accs[i])
		}
		accs = accs[:half]
	}
	g.Store(g.across(accs[0], op), g.ReturnIndex(0))
}

// across combines the lanes of a, which it spoils, into the first lane of what it returns.
func (g *gen) across(a reg.VecVirtual, op func(a, b, to operand.Op)) reg.Register {
	if g.lanes == 16 {
		hi := g.YMM()
		g.VEXTRACTF64X4(operand.Imm(1), a, hi)
		op(hi, a.AsY(), a.AsY())
	}
	hi := g.XMM()
	g.VEXTRACTF128(operand.Imm(1), a.AsY(), hi)
	op(hi, a.AsX(), a.AsX())
	g.VPSHUFD(operand.Imm(0x4e), a.AsX(), hi)
	op(hi, a.AsX(), a.AsX())
	g.VPSHUFD(operand.Imm(0xb1), a.AsX(), hi)
	op(hi, a.AsX(), a.AsX())
	return a.AsX()
}

// zeros is n cleared registers.
func (g *gen) zeros(n int) []reg.VecVirtual {
	s := make([]reg.VecVirtual, n)
	for i := range s {
		s[i] = g.v()
		g.zero(s[i])
	}
	return s
}

func vector(s set) func(c *build.Context) {
	return func(c *build.Context) {
		g := newGen(c, s)
		g.add()
		g.mul()
		g.scale()
		g.dot()
		g.sum()
		g.squares()
		g.affine()
		g.largest()
	}
}

func (g *gen) add() {
	g.function("add"+g.name, "func(dst, a, b *float32, n int)", "add"+g.name+" writes a + b.")
	dst, a, b := g.arg("dst"), g.arg("a"), g.arg("b")
	g.walk(g.arg("n"), 1, func(at place, _ int, m *mask) {
		x, y := g.load(at(a), m), g.load(at(b), m)
		g.VADDPS(y, x, x)
		g.store(x, at(dst), m)
	})
	g.end()
}

func (g *gen) mul() {
	g.function("mul"+g.name, "func(dst, a, b *float32, n int)", "mul"+g.name+" writes a·b.")
	dst, a, b := g.arg("dst"), g.arg("a"), g.arg("b")
	g.walk(g.arg("n"), 1, func(at place, _ int, m *mask) {
		x, y := g.load(at(a), m), g.load(at(b), m)
		g.VMULPS(y, x, x)
		g.store(x, at(dst), m)
	})
	g.end()
}

func (g *gen) scale() {
	g.function("scale"+g.name, "func(dst, x *float32, n int, s float32)", "scale"+g.name+" writes x·s.")
	dst, a, s := g.arg("dst"), g.arg("x"), g.spread("s")
	g.walk(g.arg("n"), 1, func(at place, _ int, m *mask) {
		x := g.load(at(a), m)
		g.VMULPS(s, x, x)
		g.store(x, at(dst), m)
	})
	g.end()
}

func (g *gen) dot() {
	g.function("dot"+g.name, "func(a, b *float32, n int) float32", "dot"+g.name+" is the inner product.")
	a, b, accs := g.arg("a"), g.arg("b"), g.zeros(4)
	g.walk(g.arg("n"), 4, func(at place, acc int, m *mask) {
		x, y := g.load(at(a), m), g.load(at(b), m)
		g.VFMADD231PS(x, y, accs[acc])
	})
	g.fold(accs, func(a, b, to operand.Op) { g.VADDPS(a, b, to) })
	g.end()
}

func (g *gen) sum() {
	g.function("sum"+g.name, "func(x *float32, n int) float32", "sum"+g.name+" is Σx.")
	x, accs := g.arg("x"), g.zeros(4)
	g.walk(g.arg("n"), 4, func(at place, acc int, m *mask) {
		g.VADDPS(g.load(at(x), m), accs[acc], accs[acc])
	})
	g.fold(accs, func(a, b, to operand.Op) { g.VADDPS(a, b, to) })
	g.end()
}

func (g *gen) squares() {
	g.function("squares"+g.name, "func(x *float32, n int, mean float32) float32", "squares"+g.name+" is Σ(x - mean)².")
	p, mean, accs := g.arg("x"), g.spread("mean"), g.zeros(4)
	g.walk(g.arg("n"), 4, func(at place, acc int, m *mask) {
		x := g.load(at(p), m)
		g.VSUBPS(mean, x, x)
		g.keep(x, m)
		g.VFMADD231PS(x, x, accs[acc])
	})
	g.fold(accs, func(a, b, to operand.Op) { g.VADDPS(a, b, to) })
	g.end()
}

func (g *gen) affine() {
	g.function("affine"+g.name, "func(dst, x, gamma, beta *float32, n int, mean, scale float32)", "affine"+g.name+" writes (x - mean)·scale·gamma + beta.")
	dst, p, gamma, beta := g.arg("dst"), g.arg("x"), g.arg("gamma"), g.arg("beta")
	mean, scale := g.spread("mean"), g.spread("scale")
	g.walk(g.arg("n"), 1, func(at place, _ int, m *mask) {
		x := g.load(at(p), m)
		g.VSUBPS(mean, x, x)
		g.VMULPS(scale, x, x)
		g.VFMADD213PS(g.load(at(beta), m), g.load(at(gamma), m), x)
		g.store(x, at(dst), m)
	})
	g.end()
}

func (g *gen) largest() {
	g.function("largest"+g.name, "func(x *float32, n int) float32", "largest"+g.name+" is the largest value, -Inf for none; it may pass over NaN.")
	x, low := g.arg("x"), g.hold(math.Inf(-1))
	accs := make([]reg.VecVirtual, 4)
	for i := range accs {
		accs[i] = g.v()
		g.VMOVAPS(low, accs[i])
	}
	g.walk(g.arg("n"), 4, func(at place, acc int, m *mask) {
		v := g.load(at(x), m)
		g.fill(v, low, m)
		g.VMAXPS(v, accs[acc], accs[acc])
	})
	g.fold(accs, func(a, b, to operand.Op) { g.VMAXPS(a, b, to) })
	g.end()
}
