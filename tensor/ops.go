package tensor

import (
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// Activation is a function applied to every value.
type Activation = kernel.Activation

// The activations that published models use.
const (
	None      = kernel.None
	ReLU      = kernel.ReLU
	GELU      = kernel.GELU      // x·Φ(x), by the error function
	GELUTanh  = kernel.GELUTanh  // its tanh approximation
	QuickGELU = kernel.QuickGELU // x·σ(1.702x)
	SiLU      = kernel.SiLU      // x·σ(x)
)

// in checks that every operand is a computed F32 tensor of one pass, and returns that pass.
func in(op string, xs ...*Tensor) *Pass {
	p := xs[0].pass
	for _, x := range xs {
		check(x.pass != nil && x.pass == p, op, "operands computed in one pass", x)
		check(x.dtype == F32, op, "F32 operands", x)
	}
	return p
}

// Linear is act(x·Wᵀ + bias) for x [..., K], a weight parameter [N, K] (further dimensions of the weight count as part of K) and a
// bias [N] or nil. It returns [..., N].
func (x *Tensor) Linear(w, bias *Tensor, act Activation) *Tensor {
	p := in("linear", x)
	y := p.header(F32, x.shape[:x.rank])
	y.shape[y.rank-1] = w.shape[0]
	y.floats, y.at = p.mem.take(y.Len())
	p.gemm(y, x, act, nil, w, bias)
	return y
}

// LinearAdd is residual + x·Wᵀ + bias. The sum may take the memory of residual, which must not be used afterwards.
func (x *Tensor) LinearAdd(w, bias, residual *Tensor) *Tensor {
	p := in("linear add", x, residual)
	check(residual.Rows() == x.Rows() && residual.cols() == w.shape[0], "linear add", "a residual of the result's shape", residual, " for ", x, " and ", w)
	p.gemm(residual, x, None, residual.floats, w, bias)
	return residual
}

// LinearCat is x through several weights [Nᵢ, K] at once, their results side by side: [..., ΣNᵢ]. pairs holds weight and bias (or
// nil) in turns.
func (x *Tensor) LinearCat(pairs ...*Tensor) *Tensor {
	p := in("linear", x)
	n := 0
	for i := 0; i < len(pairs); i += 2 {
		n += pairs[i].shape[0]
	}
	y := p.header(F32, x.shape[:x.rank])
	y.shape[y.rank-1] = n
	y.floats, y.at = p.mem.take(y.Len())
	p.gemm(y, x, None, nil, pairs...)
	return y
}

func (p *Pass) gemm(y, x *Tensor, act Activation, residual []float32, pairs ...*Tensor) {
	p.product(kernel.Gemm{
		C: y.floats, LDC: y.cols(), A: x.floats, LDA: x.cols(), M: x.Rows(), Act: act, Residual: residual, LDR: y.cols(),
	}, x.cols(), pairs...)
}

// product completes g, whose rows have k values, with pairs of weight and bias, and runs it.
func (p *Pass) product(g kernel.Gemm, k int, pairs ...*Tensor) {
	t := &p.tasks
	n := len(pairs) / 2
	if n > len(t.w) {
		fail("linear", "at most four weights", n)
	}
	for i := range n {
		w, bias := pairs[2*i], pairs[2*i+1]
		if w.rank < 2 || w.Len() != w.shape[0]*k {
			fail("linear", "a weight whose columns fit the rows", w, " for rows of ", k)
		}
		t.w[i], t.bias[i] = w.packed(p), nil
		if bias != nil {
			check(bias.Len() == w.shape[0], "linear", "a bias as long as the weight has rows", bias, " for ", w)
			t.bias[i] = bias.Floats()
		}
	}
	if p.ctx.Err() != nil || g.M == 0 {
		return
	}
	g.W, g.Bias = t.w[:n], t.bias[:n]
	t.gemm = g
	before := p.mem.at
	if n := t.gemm.Space(); n > 0 {
		t.gemm.Buffer, _ = p.mem.take(n)
		convert := (*kernel.Convert)(&t.gemm)
		par.Do(convert, convert.Plan(p.workers), p.workers)
	}
	par.Do(&t.gemm, t.gemm.Plan(p.workers), p.workers)
	p.mem.release(before)
}

// LayerNorm is (x - mean)/√(var + eps)·gain + bias over each row of x [..., C], gain and bias [C] or nil.
func (x *Tensor) LayerNorm(gain, bias *Tensor, eps float32) *Tensor {
	return x.eachRow(rowTask{op: layerNorm, gain: values(gain, x), bias: values(bias, x), eps: eps})
}

// Normalize scales each row of x to length 1 (Euclidean); rows shorter than eps are divided by eps.
func (x *Tensor) Normalize(eps float32) *Tensor {
	return x.eachRow(rowTask{op: normalize, eps: eps})
}

// Softmax is exp(x)/Σexp(x) over each row of x.
func (x *Tensor) Softmax() *Tensor { return x.eachRow(rowTask{op: softmax}) }

// values is the values of a parameter as long as a row of x, nil for nil.
func values(param, x *Tensor) []float32 {
	if param == nil {
		return nil
	}
	check(param.Len() == x.cols(), "layer norm", "gain and bias as long as a row", param, " for ", x)
	return param.Floats()
}

// Lookup gathers rows of a table parameter [..., C] by the ids of x [T] and returns [T, C]. An id outside the table panics: the caller
// checks what comes from outside.
func (x *Tensor) Lookup(table *Tensor) *Tensor {
	check(x.pass != nil && x.dtype == I32, "lookup", "integers of a pass", x)
	check(table.param != nil && table.rank >= 2, "lookup", "a table parameter [..., C]", table)
	y := x.pass.Empty(len(x.ints), table.cols())
	for i, id := range x.ints {
		if id < 0 || int(id) >= table.Rows() {
			fail("lookup", "an id inside the table", id, " for ", table)
		}
		table.read(y.floats[i*table.cols():][:table.cols()], int(id)*table.cols())
	}
	return y
}

// Select gathers rows of a computed x [T, C] by rows [n] and returns [n, C].
func (x *Tensor) Select(rows []int32) *Tensor {
	y := in("select", x).Empty(len(rows), x.cols())
	for _, r := range rows {
		if r < 0 || int(r) >= x.Rows() {
			fail("select", "a row of x", r, " of ", x)
		}
	}
	return x.eachRowTo(y, rowTask{op: pick, rows: rows})
}

// AddPositions adds row t of a table [P, C], a parameter or computed, to token t of every sequence, in place, and returns x.
func (x *Tensor) AddPositions(table *Tensor, seq Spans) *Tensor {
	in("add positions", x)
	c := x.cols()
	check(table.cols() == c && seq.Longest() <= table.shape[0] && seq.Rows() == x.Rows(), "add positions", "a row of positions for every token", table, " for ", x)
	pos := table.Floats()
	for s := range seq.Len() {
		rows := x.floats[int(seq[s])*c : int(seq[s+1])*c]
		kernel.Add(rows, rows, pos[:len(rows)])
	}
	return x
}

// Add adds y, of the same shape, to x in place, and returns x.
func (x *Tensor) Add(y *Tensor) *Tensor {
	in("add", x, y)
	check(x.Len() == y.Len() && x.cols() == y.cols(), "add", "two operands of one shape", x, " and ", y)
	kernel.Add(x.floats, x.floats, y.floats)
	return x
}

// AddRow adds row r of a table parameter [R, C] to every row of x, in place, and returns x.
func (x *Tensor) AddRow(table *Tensor, r int) *Tensor {
	in("add row", x)
	c := x.cols()
	check(table.cols() == c && r >= 0 && r < table.Rows(), "add row", "a row as long as those of x", table, " for ", x)
	row := table.Floats()[r*c:][:c]
	for i := 0; i < len(x.floats); i += c {
		kernel.Add(x.floats[i:i+c], x.floats[i:i+c], row)
	}
	return x
}

// MeanRows is the mean of each sequence's rows, leaving out its first skip rows: [B, C].
func (x *Tensor) MeanRows(seq Spans, skip int) *Tensor {
	p := in("mean", x)
	c := x.cols()
	y := p.Empty(seq.Len(), c)
	for s := range seq.Len() {
		sum := y.floats[s*c:][:c]
		clear(sum)
		first, last := int(seq[s])+skip, int(seq[s+1])
		for r := first; r < last; r++ {
			kernel.Add(sum, sum, x.floats[r*c:][:c])
		}
		kernel.Scale(sum, sum, 1/float32(max(last-first, 1)))
	}
	return y
}

// Dots is the matrix of inner products of the rows of x [n, D] and y [m, D], times scale: [n, m].
func (x *Tensor) Dots(y *Tensor, scale float32) *Tensor {
	p := in("dots", x, y)
	d := x.cols()
	check(y.cols() == d, "dots", "rows of one length", x, " and ", y)
	out := p.Empty(x.Rows(), y.Rows())
	for i := range x.Rows() {
		for j := range y.Rows() {
			out.floats[i*y.Rows()+j] = scale * kernel.Dot(x.floats[i*d:][:d], y.floats[j*d:][:d])
		}
	}
	return out
}
