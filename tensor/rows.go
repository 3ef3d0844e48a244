package tensor

import (
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

type rowOp uint8

const (
	layerNorm rowOp = iota
	normalize
	softmax
)

// A rowTask applies a function to blocks of rows.
type rowTask struct {
	op         rowOp
	dst, src   []float32
	gain, bias []float32
	eps        float32
	cols, step int // length of a row, rows a chunk
}

// Run does chunk i.
func (t *rowTask) Run(i int) {
	from := i * t.step * t.cols
	to := min(from+t.step*t.cols, len(t.src))
	dst, src := t.dst[from:to], t.src[from:to]
	switch t.op {
	case layerNorm:
		kernel.LayerNorm(dst, src, t.gain, t.bias, t.cols, t.eps)
	case normalize:
		kernel.Normalize(dst, src, t.cols, t.eps)
	case softmax:
		kernel.Softmax(dst, src, t.cols)
	}
}

// eachRow runs a row task from x to a new tensor of its shape.
func (x *Tensor) eachRow(task rowTask) *Tensor {
	p := in("rows", x)
	y := p.Empty(x.shape[:x.rank]...)
	if p.ctx.Err() != nil || y.Len() == 0 {
		return y
	}
	t := &p.tasks.rows
	*t = task
	t.dst, t.src, t.cols = y.floats, x.floats, x.cols()
	t.step = max(1, 16384/t.cols) // some 10 µs a chunk: more than a fork costs
	par.Do(t, (x.Rows()+t.step-1)/t.step, p.workers)
	return y
}
