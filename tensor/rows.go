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
	pick
)

// A rowTask applies a function to blocks of rows.
type rowTask struct {
	op         rowOp
	dst, src   []float32
	gain, bias []float32
	eps        float32
	rows       []int32 // of src, to pick
	cols, step int     // length of a row, rows a chunk
}

// Run does chunk i.
func (t *rowTask) Run(i int) {
	from := i * t.step * t.cols
	to := min(from+t.step*t.cols, len(t.dst))
	dst := t.dst[from:to]
	if t.op == pick {
		for j, r := range t.rows[i*t.step : to/t.cols] {
			copy(dst[j*t.cols:][:t.cols], t.src[int(r)*t.cols:])
		}
		return
	}
	src := t.src[from:to]
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
	y := in("rows", x).Empty(x.shape[:x.rank]...)
	y.fromRows(x, task)
	return y
}

// fromRows runs a row task from x to y.
func (y *Tensor) fromRows(x *Tensor, task rowTask) {
	p := y.pass
	if p.ctx.Err() != nil || y.Len() == 0 {
		return
	}
	t := &p.tasks.rows
	*t = task
	t.dst, t.src, t.cols = y.floats, x.floats, x.cols()
	t.step = max(1, 16384/t.cols) // some 10 µs a chunk: more than a fork costs
	par.Do(t, (y.Rows()+t.step-1)/t.step, p.workers)
}
