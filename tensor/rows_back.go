package tensor

import (
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// recordRows remembers that y is a function op of parts of width values of the rows of x, with gain and bias, or nil.
func (x *Tensor) recordRows(y *Tensor, width int, eps float32, op rowOp, gain, bias *Tensor) {
	p := x.pass
	if !p.learns(x, gain, bias) {
		return
	}
	s := p.record(y, rowsBack, x)
	s.params[0], s.params[1] = gain, bias
	s.row, s.n = rowTask{op: op, eps: eps}, width
	if s.held[0] = x.hold(); op == softmax || op == normalize {
		s.held[1] = y.hold()
	}
}

// rowsBack goes back through such a function; the kernels say what it is.
func rowsBack(p *Pass, s *step) {
	g := rowGrad{op: s.row.op, eps: s.row.eps, dx: p.wanted(s.x[0]), dy: s.y.grad, x: s.held[0], y: s.held[1], cols: s.n}
	if gain := s.params[0]; gain != nil {
		g.gain = gain.Floats()
	}
	p.parametersBack(g, p.wanted(s.params[0]), p.wanted(s.params[1]))
}

// A rowGrad goes back through a function of rows, in blocks of them.
type rowGrad struct {
	op         rowOp
	act        Activation
	dx, dy     []float32 // dx is nil if nobody wants it
	x, y       []float32 // what the function saw and what it made; of multiply, x and y are the operands
	other      []float32 // of multiply, the derivative by y, or nil
	gain       []float32
	eps        float32
	low, high  float32
	sums       []float32 // of each chunk, the derivatives by gain and bias; nil if nobody wants them
	cols, step int
}

// rowsBack runs t.
func (p *Pass) rowsBack(t rowGrad) {
	if len(t.dy) == 0 {
		return
	}
	w := &p.tape.work.rows
	*w = t
	w.step = rowStep(t.cols)
	par.Do(w, w.chunks(), p.workers)
}

func (t *rowGrad) chunks() int { return (len(t.dy)/t.cols + t.step - 1) / t.step }

// parametersBack runs t and adds to the derivatives by gain and bias, either of which may be nil. Chunks have sums of their own, which
// are added up in order.
func (p *Pass) parametersBack(t rowGrad, gain, bias []float32) {
	if gain == nil && bias == nil {
		p.rowsBack(t)
		return
	}
	before, c := p.mem.at, t.cols
	t.step = rowStep(c)
	t.sums, _ = p.mem.take(2 * c * t.chunks())
	clear(t.sums)
	p.rowsBack(t)
	for sums := t.sums; len(sums) > 0; sums = sums[2*c:] {
		if gain != nil {
			kernel.Add(gain, gain, sums[:c])
		}
		if bias != nil {
			kernel.Add(bias, bias, sums[c:2*c])
		}
	}
	p.mem.release(before)
}

// Run does chunk i.
func (t *rowGrad) Run(i int) {
	from := i * t.step * t.cols
	to := min(from+t.step*t.cols, len(t.dy))
	part := func(s []float32) []float32 {
		if s == nil {
			return nil
		}
		return s[from:to]
	}
	dx, dy, x, y, c := part(t.dx), part(t.dy), part(t.x), part(t.y), t.cols
	var gain, bias []float32
	if t.sums != nil {
		sums := t.sums[2*c*i:][:2*c]
		gain, bias = sums[:c], sums[c:]
	}
	switch t.op {
	case layerNorm:
		kernel.LayerNormGrad(dx, gain, bias, dy, x, t.gain, c, t.eps)
	case rmsNorm:
		kernel.RMSNormGrad(dx, gain, dy, x, t.gain, c, t.eps)
	case normalize:
		kernel.NormalizeGrad(dx, dy, x, y, c, t.eps)
	case softmax:
		kernel.SoftmaxGrad(dx, dy, y, c)
	case activate:
		kernel.ActivateGrad(t.act, dx, dy, x)
	case multiply:
		if other := part(t.other); other != nil {
			for j, v := range dy {
				other[j] += v * x[j]
			}
		}
		kernel.Mul(dx, dy, y)
	case clamp:
		for j, v := range x {
			if v >= t.low && v <= t.high {
				dx[j] += dy[j]
			}
		}
	}
}
