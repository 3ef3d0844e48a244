package tensor

import "github.com/chiasm/chiasm/internal/kernel"

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
	ReLU6     = kernel.ReLU6     // x brought into 0 to 6
	HardSwish = kernel.HardSwish // x·ReLU6(x + 3)/6
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

// LayerNorm is (x - mean)/√(var + eps)·gain + bias over each row of x [..., C], gain and bias [C] or nil.
func (x *Tensor) LayerNorm(gain, bias *Tensor, eps float32) *Tensor {
	y := x.eachRow(rowTask{op: layerNorm, gain: values(gain, x), bias: values(bias, x), eps: eps})
	x.recordRows(y, x.cols(), eps, layerNorm, gain, bias)
	return y
}

// Normalize scales each row of x to length 1 (Euclidean); rows shorter than eps are divided by eps.
func (x *Tensor) Normalize(eps float32) *Tensor {
	y := x.eachRow(rowTask{op: normalize, eps: eps})
	x.recordRows(y, x.cols(), eps, normalize, nil, nil)
	return y
}

// Softmax is exp(x)/Σexp(x) over each row of x.
func (x *Tensor) Softmax() *Tensor {
	y := x.eachRow(rowTask{op: softmax})
	x.recordRows(y, x.cols(), 0, softmax, nil, nil)
	return y
}

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
	if p := x.pass; p.learns(table) {
		s := p.record(y, lookupBack)
		s.params[0], s.ints = table, x.ints
	}
	return y
}

// lookupBack adds each row of dY to that of the table.
func lookupBack(p *Pass, s *step) {
	addRows(p.wanted(s.params[0]), s.y.grad, s.ints, s.y.cols())
}

// addRows adds row i of src to row rows[i] of dst.
func addRows(dst, src []float32, rows []int32, c int) {
	for i, r := range rows {
		to := dst[int(r)*c:][:c]
		kernel.Add(to, to, src[i*c:][:c])
	}
}

// Select gathers rows of a computed x [T, C] by rows [n] and returns [n, C].
func (x *Tensor) Select(rows []int32) *Tensor {
	y := in("select", x).Empty(len(rows), x.cols())
	for _, r := range rows {
		if r < 0 || int(r) >= x.Rows() {
			fail("select", "a row of x", r, " of ", x)
		}
	}
	x.eachRowTo(y, rowTask{op: pick, rows: rows})
	if p := x.pass; p.learns(x) {
		p.record(y, selectBack, x).ints = rows
	}
	return y
}

// selectBack adds each row of dY to that of dX.
func selectBack(p *Pass, s *step) {
	addRows(p.gradient(s.x[0]), s.y.grad, s.ints, s.y.cols())
}

// AddPositions adds row t of a table [P, C], a parameter or computed, to token t of every sequence, in place, and returns x.
func (x *Tensor) AddPositions(table *Tensor, seq Spans) *Tensor {
	p, c := in("add positions", x), x.cols()
	check(table.cols() == c && seq.Longest() <= table.shape[0] && seq.Rows() == x.Rows(), "add positions", "a row of positions for every token", table, " for ", x)
	pos := table.Floats()
	to, from := x.own()
	for s := range seq.Len() {
		first, last := int(seq[s])*c, int(seq[s+1])*c
		kernel.Add(to[first:last], from[first:last], pos[:last-first])
	}
	if p.learns(table) {
		s := p.record(x, positionsBack, x)
		s.params[0], s.seq = table, seq
	}
	return x
}

// positionsBack adds the rows of each sequence of dY to those of the table. The gradient by x is that by the result.
func positionsBack(p *Pass, s *step) {
	c, table := s.y.cols(), p.wanted(s.params[0])
	for i := range s.seq.Len() {
		rows := s.y.grad[int(s.seq[i])*c : int(s.seq[i+1])*c]
		kernel.Add(table[:len(rows)], table[:len(rows)], rows)
	}
}

// Add adds y, of the same shape, to x in place, and returns x.
func (x *Tensor) Add(y *Tensor) *Tensor {
	p := in("add", x, y)
	check(x.Len() == y.Len() && x.cols() == y.cols(), "add", "two operands of one shape", x, " and ", y)
	values := y.floats // y may be x
	to, from := x.own()
	kernel.Add(to, from, values)
	if p.learns(y) {
		p.record(x, addBack, x, y)
	}
	return x
}

// addBack adds dX to dY. The gradient by the old x is that by the new.
func addBack(p *Pass, s *step) {
	g := p.gradient(s.x[1])
	kernel.Add(g, g, s.y.grad)
}

// AddRow adds row r of a table parameter [R, C] to every row of x, in place, and returns x.
func (x *Tensor) AddRow(table *Tensor, r int) *Tensor {
	p, c := in("add row", x), x.cols()
	check(table.cols() == c && r >= 0 && r < table.Rows(), "add row", "a row as long as those of x", table, " for ", x)
	row := table.Floats()[r*c:][:c]
	to, from := x.own()
	for i := 0; i < len(from); i += c {
		kernel.Add(to[i:i+c], from[i:i+c], row)
	}
	if p.learns(table) {
		s := p.record(x, rowBack, x)
		s.params[0], s.n = table, r
	}
	return x
}

// rowBack adds every row of dY to that of the table. The gradient by x is that by the result.
func rowBack(p *Pass, s *step) {
	c := s.y.cols()
	row := p.wanted(s.params[0])[s.n*c:][:c]
	for g := s.y.grad; len(g) > 0; g = g[c:] {
		kernel.Add(row, row, g[:c])
	}
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
	if p.learns(x) {
		s := p.record(y, meanBack, x)
		s.seq, s.n = seq, skip
	}
	return y
}

// meanBack adds to each row that the mean saw its share of dY.
func meanBack(p *Pass, s *step) {
	c, g := s.y.cols(), p.gradient(s.x[0])
	for i := range s.seq.Len() {
		first, last := int(s.seq[i])+s.n, int(s.seq[i+1])
		dy := s.y.grad[i*c:][:c]
		kernel.Scale(dy, dy, 1/float32(max(last-first, 1)))
		for r := first; r < last; r++ {
			kernel.Add(g[r*c:][:c], g[r*c:][:c], dy)
		}
	}
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
	if p.learns(x, y) {
		s := p.record(out, dotsBack, x, y)
		s.held[0], s.held[1], s.scale = x.hold(), y.hold(), scale
	}
	return out
}

// dotsBack is dX = scale·dS·Y and dY = scale·dSᵀ·X.
func dotsBack(p *Pass, s *step) {
	x, y, ds := s.x[0], s.x[1], s.y.grad
	n, m, d := x.Rows(), y.Rows(), x.cols()
	kernel.Scale(ds, ds, s.scale)
	if dx := p.wanted(x); dx != nil && n > 0 {
		p.times(FormatF32, dx, d, ds, m, n, s.held[1], d, d, m, true)
	}
	if dy := p.wanted(y); dy != nil && m > 0 {
		before := p.mem.at
		p.times(FormatF32, dy, d, p.turned(ds, n, m), n, m, s.held[0], d, d, n, true)
		p.mem.release(before)
	}
}
