package tensor

import (
	"unsafe"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// A tape is what a recording pass remembers of its operations, in their order, to go back through them.
//
// A tensor that an operation changes in place stays one tensor: on the way back its gradient is, at each step, the one by the values
// that it had there. So an operation on the way back turns the gradient by its result into those by its operands, and adds them up.
type tape struct {
	into  *Gradients // nil: the pass does not record
	steps []step
	free  [][]float32 // memory of gradients that were used up
	work  work

	events    int  // how often something was remembered
	done      bool // the way back has been gone
	recompute bool
	within    bool        // of a layer that goes through Through
	inside    [][]float32 // free, there
}

// A step is one recorded operation: its result, and what the way back needs.
type step struct {
	back   func(p *Pass, s *step)
	y      *Tensor
	stays  bool         // y is an operand too, changed in place: its gradient lives on
	x      [3]*Tensor   // computed operands; nil for none
	params [8]*Tensor   // parameters; nil for none
	held   [3][]float32 // values as they were
	ints   []int32
	seq    Spans
	row    rowTask
	attend kernel.Attention
	layer  Layer
	n      int
	scale  float32
}

// work is the tasks of the way back, kept so that handing one to the workers allocates nothing.
type work struct {
	turned kernel.Turned
	list   [1]*kernel.Packed
	gemm   kernel.Gemm
	attend kernel.AttentionGrad
	rows   rowGrad
	turn   turnTask
	depth  kernel.DepthwiseGrad
	weight kernel.WeightGrad
}

// Record makes p remember its operations from now on, resets included, for [Pass.Backward] to add to the gradients of into; nil ends
// it. It returns p. What does not depend on a parameter of into, or on a tensor that [Tensor.Watch] marked, is not remembered.
//
// Recording changes no result. It takes memory: what [Pass.Keep] would free stays, and operations in place take new memory where the
// way back needs the old values. Row numbers and spans that were given to operations must stay as they are until the pass is reset.
// An operation without a way back panics, and so does Record once the pass holds anything: it is for a new one, or after a reset.
func (p *Pass) Record(into *Gradients) *Pass {
	if p.used > 0 {
		fail("record", "a pass that holds nothing yet", p.used, " tensors")
	}
	p.tape.reset()
	p.tape.into = into
	return p
}

func (t *tape) reset() {
	clear(t.steps)
	clear(t.free[:cap(t.free)])
	clear(t.inside[:cap(t.inside)])
	t.steps, t.free, t.work, t.done, t.within = t.steps[:0], t.free[:0], work{}, false, false
}

// Watch makes a recording pass compute the derivative by x too, which is an input of it, for [Tensor.Gradient]. It returns x.
func (x *Tensor) Watch() *Tensor {
	check(x.pass != nil && x.pass.tape.into != nil && x.dtype == F32, "watch", "F32 values of a recording pass", x)
	x.learns = true
	return x
}

// Learns reports whether a derivative by x is wanted: it is watched, or a recording pass computed it from something that is learnt.
func (x *Tensor) Learns() bool { return x.learns }

// Gradient is the derivative by a computed tensor, once the way back has come to it: nil if it has not, or if x is neither watched nor
// where it began.
func (x *Tensor) Gradient() []float32 { return x.grad }

// Seed adds to the derivative of the loss by x, where the way back begins. It panics if x depends on nothing that is learnt or
// watched. Several tensors of a pass may be seeded.
func (x *Tensor) Seed(gradient []float32) {
	check(x.learns, "seed", "a tensor that depends on what is learnt, in a recording pass", x)
	if len(gradient) != x.Len() {
		fail("seed", "as many values as the tensor has", len(gradient), " for ", x)
	}
	g := x.pass.gradient(x)
	kernel.Add(g, g, gradient)
}

// Backward goes back through what was recorded since the last reset, from the seeded tensors on, and adds to the gradients of
// [Pass.Record]. The pass cannot record more until it is reset. Products with a weight whose format is BF16 are computed in that format,
// those with its transpose and those that make its gradient, as is its own; all others in F32. Sums are made in an order that does not depend on the number of workers. When the context is cancelled, the gradients are of no use.
func (p *Pass) Backward() {
	if p.tape.into == nil {
		fail("backward", "a recording pass", "one that does not record")
	}
	p.back(0)
	p.tape.done = true
}

// back goes back through the steps from first on and forgets them.
func (p *Pass) back(first int) {
	t := &p.tape
	for i := len(t.steps) - 1; i >= first && p.ctx.Err() == nil; i-- {
		t.steps = t.steps[:i+1] // a step may record others
		s := &t.steps[i]
		if s.y.grad == nil {
			continue // nothing came of it
		}
		s.back(p, s)
		if !s.stays {
			t.free = append(t.free, s.y.grad)
			s.y.grad = nil
		}
	}
	clear(t.steps[first:cap(t.steps)])
	t.steps = t.steps[:first]
}

// Records reports whether the pass remembers its operations.
func (p *Pass) Records() bool { return p.tape.into != nil }

// Learns reports whether a recording pass learns one of the parameters.
func (p *Pass) Learns(params ...*Tensor) bool { return p.learns(params...) }

// learns reports whether a derivative is wanted by any of the operands, computed ones or parameters, of which some may be nil.
func (p *Pass) learns(operands ...*Tensor) bool {
	if p.tape.into == nil {
		return false
	}
	for _, x := range operands {
		if x != nil && (x.learns || x.param != nil && p.tape.into.of[x] != nil) {
			return true
		}
	}
	return false
}

// forward is for operations without a way back: it panics where one would be needed.
func (p *Pass) forward(op string, operands ...*Tensor) {
	if p.learns(operands...) {
		fail(op, "an operation with a gradient, in a recording pass", "one that has none")
	}
}

// record adds a step that made y of the operands x to the tape, for the caller to complete.
func (p *Pass) record(y *Tensor, back func(p *Pass, s *step), x ...*Tensor) *step {
	if p.tape.done {
		fail("record", "a pass that was reset after Backward", "more operations")
	}
	p.tape.events++
	n := len(p.tape.steps)
	if n < cap(p.tape.steps) {
		p.tape.steps = p.tape.steps[:n+1]
	} else {
		p.tape.steps = append(p.tape.steps, step{})
	}
	s := &p.tape.steps[n]
	*s = step{back: back, y: y}
	for i, t := range x {
		s.x[i] = t
		s.stays = s.stays || t == y
	}
	y.learns = true
	return s
}

// hold is the values of x, which nobody will change.
func (x *Tensor) hold() []float32 {
	if x.param != nil {
		return x.Floats()
	}
	x.held = true
	return x.floats
}

// own gives an operation in place the memory to write x to, and the values that it has: the same, unless the tape holds them.
func (x *Tensor) own() (to, from []float32) {
	from = x.floats
	if x.held {
		x.floats, x.at = x.pass.mem.take(x.Len())
		x.held = false
		x.pass.tape.events++
	}
	return x.floats, from
}

// gradient is the derivative by x to add to, zero at first.
func (p *Pass) gradient(x *Tensor) []float32 {
	g, fresh := p.gradientTo(x)
	if fresh {
		clear(g)
	}
	return g
}

// gradientTo is the same, but of unspecified values if it is fresh.
func (p *Pass) gradientTo(x *Tensor) (g []float32, fresh bool) {
	if x.grad != nil {
		return x.grad, false
	}
	n := x.Len()
	for i, f := range p.tape.free {
		if len(f) == n {
			last := len(p.tape.free) - 1
			p.tape.free[i] = p.tape.free[last]
			p.tape.free = p.tape.free[:last]
			x.grad = f
			return f, true
		}
	}
	x.grad, _ = p.mem.take(n)
	return x.grad, true
}

// wanted is the derivative by an operand to add to, nil if nobody wants it: of a computed tensor or of a parameter.
func (p *Pass) wanted(x *Tensor) []float32 {
	switch {
	case x == nil:
		return nil
	case x.param != nil:
		return p.tape.into.Of(x)
	case x.learns:
		return p.gradient(x)
	}
	return nil
}

// detached panics if values lie in the memory of a tensor with a gradient: brought into the pass anew they would have none.
func (p *Pass) detached(values []float32) {
	if p.tape.into == nil || len(values) == 0 {
		return
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(values)))
	for i := range p.used {
		x := &p.tensors[i/slab][i%slab]
		if !x.learns || len(x.floats) == 0 {
			continue
		}
		if from := uintptr(unsafe.Pointer(unsafe.SliceData(x.floats))); at >= from && at < from+4*uintptr(len(x.floats)) {
			fail("input", "values from outside of a recording pass", "those of ", x, ", whose gradient would be lost")
		}
	}
}

// times writes a·b, or with sum set adds it, to c [m, n], for a [m, k] and b [k, n]; rows lie ldc, lda and ldb apart. Both packing b,
// in format f, and the product are shared among the workers.
func (p *Pass) times(f Format, c []float32, ldc int, a []float32, lda, m int, b []float32, ldb, n, k int, sum bool) {
	before := p.mem.at
	p.turnedWeight(f, b, ldb, n, k)
	p.multiply(c, ldc, a, lda, m, sum)
	p.mem.release(before)
}

// turnedWeight packs b [k, n], whose rows lie ldb apart, for multiply, in memory that lasts until the caller releases it.
func (p *Pass) turnedWeight(f Format, b []float32, ldb, n, k int) {
	w := &p.tape.work
	memory, _ := p.mem.take(kernel.TurnedSpace(n, k, f))
	par.Do(&w.turned, w.turned.Plan(n, k, f, b, ldb, memory), p.workers)
}

// multiply is times for a b that was packed before.
func (p *Pass) multiply(c []float32, ldc int, a []float32, lda, m int, sum bool) {
	w := &p.tape.work
	w.list[0] = &w.turned.Packed
	w.gemm = kernel.Gemm{C: c, LDC: ldc, A: a, LDA: lda, M: m, W: w.list[:]}
	if sum {
		w.gemm.Residual, w.gemm.LDR = c, ldc
	}
	p.run(&w.gemm)
}

// turned is the transpose [cols, rows] of x, in memory that lasts until the caller releases it.
func (p *Pass) turned(x []float32, rows, cols int) []float32 {
	dst, _ := p.mem.take(rows * cols)
	t := &p.tape.work.turn
	*t = turnTask{dst: dst, src: x, rows: rows, cols: cols}
	par.Do(t, (cols+turnStep-1)/turnStep, p.workers)
	return dst
}

const turnStep = 64 // columns a chunk

type turnTask struct {
	dst, src   []float32
	rows, cols int
}

// Run does chunk i.
func (t *turnTask) Run(i int) {
	first := i * turnStep
	kernel.Transpose(t.dst[first*t.rows:], t.src[first:], t.rows, min(turnStep, t.cols-first), t.cols)
}
