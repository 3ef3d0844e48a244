package tensor

import (
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// Linear is act(x·Wᵀ + bias) for x [..., K], a weight parameter [N, K] (further dimensions of the weight count as part of K) and a
// bias [N] or nil. It returns [..., N].
func (x *Tensor) Linear(w, bias *Tensor, act Activation) *Tensor {
	p := in("linear", x)
	y := p.header(F32, x.shape[:x.rank])
	y.shape[y.rank-1] = w.shape[0]
	y.floats, y.at = p.mem.take(y.Len())
	if !p.learns(x, w, bias) {
		p.gemm(y, x, act, nil, w, bias)
		return y
	}
	s := p.record(y, linearBack, x)
	s.params[0], s.params[1] = w, bias
	s.held[0] = x.hold()
	p.gemm(y, x, None, nil, w, bias)
	if act != None { // the way back needs the sums before it
		s.held[1], s.row.act = y.floats, act
		y.floats, y.at = p.mem.take(y.Len())
		p.rowsTo(y.floats, s.held[1], y.cols(), rowTask{op: activate, act: act})
	}
	return y
}

// LinearAdd is residual + x·Wᵀ + bias. The sum may take the memory of residual, which must not be used afterwards.
func (x *Tensor) LinearAdd(w, bias, residual *Tensor) *Tensor {
	p := in("linear add", x, residual)
	check(residual.Rows() == x.Rows() && residual.cols() == w.shape[0], "linear add", "a residual of the result's shape", residual, " for ", x, " and ", w)
	if p.learns(x, w, bias) {
		s := p.record(residual, linearBack, x)
		s.params[0], s.params[1], s.stays = w, bias, true
		s.held[0] = x.hold()
	}
	values, k := x.floats, x.cols() // residual may be x
	to, from := residual.own()
	p.product(kernel.Gemm{
		C: to, LDC: w.shape[0], A: values, LDA: k, M: x.Rows(), Residual: from, LDR: w.shape[0],
	}, k, w, bias)
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
	if p.learns(x) || p.learns(pairs...) {
		s := p.record(y, linearBack, x)
		copy(s.params[:], pairs)
		s.held[0] = x.hold()
	}
	return y
}

// linearBack is dX = Σ dYᵢ·Wᵢ, dWᵢ = dYᵢᵀ·X and dbiasᵢ = Σ rows of dYᵢ, where dYᵢ is the columns of weight i. The gradient by a residual
// is that by the result.
func linearBack(p *Pass, s *step) {
	x, y, dy := s.x[0], s.y, s.y.grad
	m, k, n := x.Rows(), x.cols(), y.cols()
	if m == 0 {
		return
	}
	own := x != y // else dX is added to dY while that is read
	var dx []float32
	fresh := false
	if x.learns && own {
		dx, fresh = p.gradientTo(x)
	}
	before := p.mem.at
	if s.held[1] != nil {
		p.rowsBack(rowGrad{op: activate, act: s.row.act, dx: dy, dy: dy, x: s.held[1], cols: n})
	}
	if x.learns && !own {
		dx, _ = p.mem.take(len(dy))
		fresh = true
	}
	if dx != nil {
		first := 0
		for i := 0; i < len(s.params) && s.params[i] != nil; i += 2 {
			w := s.params[i]
			p.times(w.gradientFormat(), dx, k, dy[first:], n, m, w.stored(), k, k, w.shape[0], !fresh)
			first, fresh = first+w.shape[0], false
		}
	}
	if p.learns(s.params[:]...) {
		p.weightsBack(s, m, k, n)
	}
	if !own && dx != nil {
		kernel.Add(dy, dy, dx)
	}
	p.mem.release(before)
}

// weightsBack adds to the gradients of the weights and biases of a product of x [m, k] with result [m, n].
func (p *Pass) weightsBack(s *step, m, k, n int) {
	if s.params[2] == nil && m >= manyRows && n*k <= smallWeight {
		p.smallBack(s, m, k, n)
		return
	}
	turned := p.turned(s.y.grad, m, n)
	p.turnedWeight(s.params[0].gradientFormat(), s.held[0], k, k, m)
	for i, first := 0, 0; i < len(s.params) && s.params[i] != nil; i += 2 {
		rows := s.params[i].shape[0]
		columns := turned[first*m : (first+rows)*m]
		if dw := p.wanted(s.params[i]); dw != nil {
			p.multiply(dw, k, columns, m, rows, true)
		}
		for j, b := 0, p.wanted(s.params[i+1]); j < len(b); j++ {
			b[j] += kernel.Sum(columns[j*m:][:m])
		}
		first += rows
	}
}

// So many rows and so small a weight make the products of the way back few and long: rows are then shared among the workers.
const manyRows, smallWeight = 8192, 1 << 16

// smallBack is weightsBack for one weight, in blocks of rows whose products are added up in order.
func (p *Pass) smallBack(s *step, m, k, n int) {
	w, bias := p.wanted(s.params[0]), p.wanted(s.params[1])
	t := &p.tape.work.weight
	*t = kernel.WeightGrad{DY: s.y.grad, X: s.held[0], M: m, N: n, K: k, Format: s.params[0].gradientFormat()}
	chunks, size := t.Plan(), n*k+n
	t.Sums, _ = p.mem.take(chunks * size)
	par.Do(t, chunks, p.workers)
	for sums := t.Sums; len(sums) > 0; sums = sums[size:] {
		if w != nil {
			kernel.Add(w, w, sums[:n*k])
		}
		if bias != nil {
			kernel.Add(bias, bias, sums[n*k:size])
		}
	}
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
	p.run(&t.gemm)
}

// run computes g, after its rows were brought to the form that the format wants.
func (p *Pass) run(g *kernel.Gemm) {
	before := p.mem.at
	if n := g.Space(); n > 0 {
		g.Buffer, _ = p.mem.take(n)
		convert := (*kernel.Convert)(g)
		par.Do(convert, convert.Plan(p.workers), p.workers)
	}
	par.Do(g, g.Plan(p.workers), p.workers)
	p.mem.release(before)
}
