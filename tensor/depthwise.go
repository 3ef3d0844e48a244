package tensor

import (
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// straight reports whether an activation is made of straight lines whose slope its result tells: 0 at the ends, 1 between them.
func straight(act Activation) bool { return act == None || act == ReLU || act == ReLU6 }

// Depthwise is the convolution of each channel of pictures x [B, H, W, C] with taps of its own, a parameter [C, 1, K, K], plus a bias [C]
// or nil, and an activation of that. Around the pictures lie zeros, pad on each side or [Same]. It returns [B, H', W', C],
// H' = (H + 2·pad - K)/stride + 1.
func (x *Tensor) Depthwise(w, bias *Tensor, stride, pad int, act Activation) *Tensor {
	p := in("depthwise", x)
	if !straight(act) {
		return x.Depthwise(w, bias, stride, pad, None).Activate(act)
	}
	if x.rank != 4 || w.param == nil || w.rank != 4 || w.shape[0] != x.cols() || w.shape[1] != 1 || w.shape[2] != w.shape[3] || bias != nil && bias.Len() != x.cols() {
		fail("depthwise", "pictures [B, H, W, C], a weight parameter [C, 1, K, K] and a bias [C]", x, " and ", w)
	}
	k := w.shape[2]
	if stride < 1 || pad < Same || pad != Same && min(x.shape[1], x.shape[2])+2*pad < k {
		fail("depthwise", "pictures at least as large as the taps", x, " for ", w, ", stride ", stride, ", pad ", pad)
	}
	t := kernel.Depthwise{X: x.floats, C: x.cols(), Stride: stride, Act: act}
	t.Rows, t.Cols = kernel.NewSide(x.shape[1], k, stride, pad), kernel.NewSide(x.shape[2], k, stride, pad)
	y := p.Empty(x.shape[0], t.Rows.Out, t.Cols.Out, t.C)
	t.Out = y.floats
	if p.learns(x, w, bias) {
		s := p.record(y, depthwiseBack, x)
		s.params[0], s.params[1] = w, bias
		if p.learns(w) {
			s.held[0] = x.hold()
		}
		if act != None {
			s.held[1] = y.hold()
		}
		s.row.act = act
		s.ints = p.Integers(2)
		s.ints[0], s.ints[1] = int32(stride), int32(pad)
	}
	if bias != nil {
		t.Bias = bias.Floats()
	}
	p.depthwise(t, w)
	return y
}

// taps is the taps of a weight [C, …, taps] with those of a tap side by side, [taps, C], in memory that lasts until the caller releases it.
func (p *Pass) taps(w *Tensor) []float32 {
	taps, _ := p.mem.take(w.Len())
	n := w.Len() / w.shape[0]
	kernel.Transpose(taps, w.stored(), w.shape[0], n, n)
	return taps
}

// depthwise completes and runs a task with the taps of w.
func (p *Pass) depthwise(t kernel.Depthwise, w *Tensor) {
	if p.ctx.Err() != nil {
		return
	}
	before := p.mem.at
	t.Taps = p.taps(w)
	p.tasks.depth = t
	par.Do(&p.tasks.depth, p.tasks.depth.Plan(), p.workers)
	p.mem.release(before)
}

// depthwiseBack is dX, the sums of what each pixel gave, and dW, the products of the places with what each tap saw. The slope of the
// activation shows in its result.
func depthwiseBack(p *Pass, s *step) {
	x, w, bias, dy := s.x[0], s.params[0], s.params[1], s.y.grad
	if act := s.row.act; act != None {
		p.rowsBack(rowGrad{op: activate, act: act, dx: dy, dy: dy, x: s.held[1], cols: s.y.cols()})
	}
	c, k, stride, pad := x.cols(), w.shape[2], int(s.ints[0]), int(s.ints[1])
	rows, cols := kernel.NewSide(x.shape[1], k, stride, pad), kernel.NewSide(x.shape[2], k, stride, pad)
	if x.learns {
		dx, fresh := p.gradientTo(x)
		before, to := p.mem.at, dx
		if !fresh {
			to, _ = p.mem.take(len(dx))
		}
		p.depthwise(kernel.Depthwise{X: dy, Out: to, C: c, Stride: stride, Rows: rows, Cols: cols, Back: true}, w)
		if !fresh {
			kernel.Add(dx, dx, to)
		}
		p.mem.release(before)
	}
	t := kernel.DepthwiseGrad{X: x.floats, DOut: dy, C: c, Stride: stride, Rows: rows, Cols: cols}
	if s.held[0] != nil {
		t.X = s.held[0]
	}
	p.tapsBack(t, p.wanted(w), p.wanted(bias))
}

// tapsBack adds to the derivatives by taps [C, taps] and biases [C], either of which may be nil.
func (p *Pass) tapsBack(task kernel.DepthwiseGrad, dw, db []float32) {
	if dw == nil && db == nil {
		return
	}
	t, before, c := &p.tape.work.depth, p.mem.at, task.C
	*t = task
	chunks, size := t.Plan()
	t.Sums, _ = p.mem.take(chunks * size)
	par.Do(t, chunks, p.workers)
	sum, _ := p.mem.take(size)
	clear(sum)
	for i := range chunks {
		kernel.Add(sum, sum, t.Sums[i*size:][:size])
	}
	taps := size/c - 1
	for i := range dw {
		dw[i] += sum[i%taps*c+i/taps]
	}
	if db != nil {
		kernel.Add(db, db, sum[size-c:])
	}
	p.mem.release(before)
}
