package tensor

import (
	"math"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// A BatchNorm is the parameters of [Tensor.BatchNorm], all [C].
type BatchNorm struct {
	Gain, Bias *Tensor
	Mean, Var  *Tensor // of the columns of all rows seen so far: statistics
	Eps        float32
	Momentum   float32 // the part of a batch in new statistics
	Frozen     bool    // the statistics are used and stay as they are, even if gain and bias are learnt
}

// BatchNorm is act((x - mean)/√(var + eps)·gain + bias) over each column of x [..., C] (Ioffe & Szegedy 2015). Mean and variance are
// those that the layer keeps, unless a recording pass learns its gain or bias: then they are those of the rows of x, and the way back
// brings them into those kept. So a forward pass changes no parameter, and frozen layers are what they are in inference.
func (x *Tensor) BatchNorm(n BatchNorm, act Activation) *Tensor {
	p, c := in("batch norm", x), x.cols()
	if !straight(act) {
		return x.BatchNorm(n, None).Activate(act)
	}
	for _, t := range [...]*Tensor{n.Gain, n.Bias, n.Mean, n.Var} {
		check(t.param != nil && t.Len() == c, "batch norm", "parameters as long as a row", t, " for ", x)
	}
	y := p.Empty(x.shape[:x.rank]...)
	measures := !n.Frozen && p.learns(n.Gain, n.Bias)
	var v columns
	before := p.mem.at
	if p.learns(x, n.Gain, n.Bias) {
		s := p.record(y, batchNormBack, x)
		v = p.columns(c)
		s.held[0], s.held[1] = x.hold(), v.all
		s.params[0], s.params[1], s.params[2], s.params[3] = n.Gain, n.Bias, n.Mean, n.Var
		s.row.act, s.scale, s.n = act, n.Momentum, 0
		if measures {
			s.n = 1
		}
		before = p.mem.at
	} else {
		v = p.columns(c)
	}
	if p.ctx.Err() != nil || x.Len() == 0 {
		return y
	}
	if measures {
		p.measure(v, x.floats)
	} else {
		copy(v.mean, n.Mean.Floats())
		copy(v.variance, n.Var.Floats())
	}
	gain, bias := n.Gain.Floats(), n.Bias.Floats()
	for i := range c {
		v.slope[i] = float32(1 / math.Sqrt(float64(v.variance[i])+float64(n.Eps)))
		v.scale[i], v.shift[i] = gain[i]*v.slope[i], bias[i]
	}
	v.repeat()
	p.columnsOf(columnTask{op: columnNorm, columns: v, dst: y.floats, x: x.floats, act: act})
	p.mem.release(before)
	return y
}

// columns is what is known of each column, repeated so that several narrow rows make a wide one.
type columns struct {
	all                []float32 // the rest lies in it
	mean, scale, shift []float32 // [times·c]
	slope, variance    []float32 // 1/√(var + eps), and var
	c                  int
}

// wideRow is how long a row is made at least.
const wideRow = 256

// times is how many rows of c values make a wide one.
func times(c int) int { return max(1, wideRow/max(c, 1)) }

// columns takes memory for c columns.
func (p *Pass) columns(c int) columns {
	all, _ := p.mem.take(5 * times(c) * c)
	return columnsIn(all, c)
}

func columnsIn(all []float32, c int) columns {
	n := times(c) * c
	return columns{all: all, mean: all[:n], scale: all[n : 2*n], shift: all[2*n : 3*n], slope: all[3*n : 4*n], variance: all[4*n:], c: c}
}

// repeat copies the numbers of the first narrow row to the others.
func (v *columns) repeat() {
	for _, s := range [][]float32{v.mean, v.scale, v.shift, v.slope, v.variance} {
		for i := v.c; i < len(s); i += v.c {
			copy(s[i:], s[:v.c])
		}
	}
}

// measure sets mean and variance to those of the columns of x. Chunks of rows are measured alone and put together in order (Chan et al.
// 1983).
func (p *Pass) measure(v columns, x []float32) {
	c, before := v.c, p.mem.at
	t := columnTask{op: columnMoments, columns: v, x: x}
	t.sums, _ = p.mem.take(2 * c * t.chunks())
	p.columnsOf(t)
	t.plan()
	for i := range c {
		var n, mean, squares float64
		for chunk := range t.chunks() {
			from := chunk * t.step
			rows := float64((min(from+t.step, len(x)) - from) / c)
			m, s := float64(t.sums[2*c*chunk+i]), float64(t.sums[2*c*chunk+c+i])
			d := m - mean
			n += rows
			mean += d * rows / n
			squares += s + d*d*rows*(n-rows)/n
		}
		v.mean[i], v.variance[i] = float32(mean), float32(squares/n)
	}
	p.mem.release(before)
}

// batchNormBack: with d the derivative by what is normalised, dy where the activation passes it, dgain = Σ d·n and dbias = Σ d over the
// normalised columns n, and dX = scale·d, of a measured batch scale·(d - mean(d) - n·mean(d·n)). It brings measured statistics into those
// kept.
func batchNormBack(p *Pass, s *step) {
	x, dy, c := s.held[0], s.y.grad, s.y.cols()
	v, before := columnsIn(s.held[1], c), p.mem.at
	var dx []float32
	fresh := false
	if s.x[0].learns {
		dx, fresh = p.gradientTo(s.x[0])
		before = p.mem.at
	}
	t := columnTask{op: columnGate, columns: v, x: x, dst: dy, act: s.row.act}
	width := len(v.mean)
	t.sums, _ = p.mem.take(2 * width * t.chunks())
	p.columnsOf(t)
	work, _ := p.mem.take(3 * width)
	a, b, d := work[:width], work[width:2*width], work[2*width:]
	gain, bias, rows := p.wanted(s.params[0]), p.wanted(s.params[1]), float64(len(x)/c)
	for i := range c {
		var sum, along float64
		for j := i; j < len(t.sums); j += c {
			if j/width%2 == 0 {
				sum += float64(t.sums[j])
			} else {
				along += float64(t.sums[j])
			}
		}
		slope := float64(v.slope[i])
		if gain != nil {
			gain[i] += float32(along * slope)
		}
		if bias != nil {
			bias[i] += float32(sum)
		}
		a[i], b[i], d[i] = v.scale[i], 0, 0
		if s.n != 0 {
			b[i] = -float32(float64(v.scale[i]) * slope * slope * along / rows)
			d[i] = -float32(float64(v.scale[i]) * sum / rows)
		}
	}
	if s.n != 0 {
		keep(s.params[2], v.mean, s.scale, 1)
		keep(s.params[3], v.variance, s.scale, rows/max(rows-1, 1)) // the variance of what the rows are a sample of
	}
	if dx != nil {
		for i := c; i < width; i += c {
			copy(a[i:], a[:c])
			copy(b[i:], b[:c])
			copy(d[i:], d[:c])
		}
		to := dx
		if !fresh {
			to = dy
		}
		p.columnsOf(columnTask{op: columnBlend, columns: v, x: x, dst: to, y: dy, a: a, b: b, d: d})
		if !fresh {
			kernel.Add(dx, dx, dy)
		}
	}
	p.mem.release(before)
}

// keep brings a part of measured numbers into those kept.
func keep(kept *Tensor, measured []float32, part float32, factor float64) {
	for i, v := range kept.Own() {
		kept.Own()[i] = v + part*(float32(float64(measured[i])*factor)-v)
	}
	kept.Changed()
}

type columnOp uint8

const (
	columnNorm columnOp = iota
	columnMoments
	columnGate
	columnBlend
)

// A columnTask applies a function of columns to blocks of rows.
type columnTask struct {
	op columnOp
	columns
	act       Activation
	dst, x, y []float32
	a, b, d   []float32
	sums      []float32 // of each chunk
	step      int       // values a chunk
}

// plan sets the size of chunks, which does not depend on the number of workers.
func (t *columnTask) plan() {
	wide := len(t.mean)
	t.step = wide * max(1, 32768/wide)
}

func (t *columnTask) chunks() int {
	t.plan()
	return (len(t.x) + t.step - 1) / t.step
}

// columnsOf runs t.
func (p *Pass) columnsOf(t columnTask) {
	t.plan()
	p.tasks.column = t
	par.Do(&p.tasks.column, p.tasks.column.chunks(), p.workers)
}

// Run does chunk i.
func (t *columnTask) Run(i int) {
	from := i * t.step
	to := min(from+t.step, len(t.x))
	x := t.x[from:to]
	low, high := float32(math.Inf(-1)), float32(math.Inf(1))
	if t.act != None {
		low = 0
	}
	if t.act == ReLU6 {
		high = 6
	}
	switch t.op {
	case columnNorm:
		kernel.ColumnNorm(t.dst[from:to], x, t.mean, t.scale, t.shift, low, high)
	case columnMoments:
		sums := t.sums[2*t.c*i:][:2*t.c]
		kernel.ColumnMoments(sums[:t.c], sums[t.c:], x)
	case columnGate:
		wide := len(t.mean)
		sums := t.sums[2*wide*i:][:2*wide]
		clear(sums)
		kernel.ColumnGate(t.dst[from:to], sums[:wide], sums[wide:], x, t.mean, t.scale, t.shift, low, high)
	case columnBlend:
		kernel.ColumnBlend(t.dst[from:to], t.y[from:to], x, t.mean, t.a, t.b, t.d)
	}
}
