package tensor

import (
	"math"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

type rowOp uint8

const (
	layerNorm rowOp = iota
	normalize
	softmax
	pick
	rmsNorm
	activate
	multiply
	clamp
	tanh
	rotate
)

// A rowTask applies a function to blocks of rows.
type rowTask struct {
	op         rowOp
	act        Activation
	dst, src   []float32
	gain, bias []float32 // of multiply, gain is the other operand; of rotate, they are cosines and sines
	eps        float32
	rows       []int32 // of src, to pick
	low, high  float32
	places     []int32 // axes of each row
	width      int     // of what of a row is normalised or rotated by itself
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
	case rmsNorm:
		kernel.RMSNorm(dst, src, t.gain, t.width, t.eps)
	case activate:
		kernel.Activate(t.act, dst, src)
	case multiply:
		kernel.Mul(dst, src, t.gain[from:to])
	case clamp:
		for i, v := range src {
			dst[i] = max(t.low, min(t.high, v))
		}
	case tanh:
		for i, v := range src {
			dst[i] = float32(math.Tanh(float64(v)))
		}
	case rotate:
		t.rotate(dst, from/t.cols)
	}
}

// rotate turns the heads of the rows from row on, each axis in its share of a head.
func (t *rowTask) rotate(rows []float32, row int) {
	axes := len(t.places) * t.cols / len(t.src)
	half := t.width / axes / 2
	for i := 0; i < len(rows); i += 2 * half {
		place := int(t.places[(row+i/t.cols)*axes+i/(2*half)%axes])
		kernel.Rotate(rows[i:i+2*half], t.gain[place*half:][:half], t.bias[place*half:][:half])
	}
}

// eachRow runs a row task from x to a new tensor of its shape.
func (x *Tensor) eachRow(task rowTask) *Tensor {
	return x.eachRowTo(in("rows", x).Empty(x.shape[:x.rank]...), task)
}

// eachRowTo runs it from x to y.
func (x *Tensor) eachRowTo(y *Tensor, task rowTask) *Tensor {
	x.pass.rowsTo(y.floats, x.floats, x.cols(), task)
	return y
}

// inPlace runs it on x. It returns the values that x had.
func (x *Tensor) inPlace(task rowTask) (was []float32) {
	to, from := x.own()
	x.pass.rowsTo(to, from, x.cols(), task)
	return from
}

// rowsTo runs a row task from src to dst, which may be src, rows of cols values.
func (p *Pass) rowsTo(dst, src []float32, cols int, task rowTask) {
	if p.ctx.Err() != nil || len(dst) == 0 {
		return
	}
	t := &p.tasks.rows
	*t = task
	t.dst, t.src, t.cols = dst, src, cols
	t.step = rowStep(cols)
	par.Do(t, (len(dst)/cols+t.step-1)/t.step, p.workers)
}

// rowStep is how many rows make a chunk: some 10 µs, more than a fork costs.
func rowStep(cols int) int { return max(1, 16384/cols) }
