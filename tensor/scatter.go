package tensor

import "github.com/chiasm/chiasm/internal/kernel"

// AddRows adds row i of y [n, C] to row rows[i] of x [..., C], in place, and returns x: the other way round than [Tensor.Select].
func (x *Tensor) AddRows(y *Tensor, rows []int32) *Tensor {
	p, c := in("add rows", x, y), x.cols()
	check(y.cols() == c && y.Rows() == len(rows), "add rows", "as many rows of the same length as row numbers", y, " for ", x)
	for _, r := range rows {
		if r < 0 || int(r) >= x.Rows() {
			fail("add rows", "a row of x", r, " of ", x)
		}
	}
	check(x != y, "add rows", "two tensors", x)
	values := y.floats
	to, from := x.own()
	if len(to) > 0 && &to[0] != &from[0] {
		copy(to, from)
	}
	addRows(to, values, rows, c)
	if p.learns(y) {
		p.record(x, addRowsBack, x, y).ints = rows
	}
	return x
}

// addRowsBack adds to each row of dY that of dX which it went to. The gradient by the old x is that by the new.
func addRowsBack(p *Pass, s *step) {
	c, g := s.y.cols(), p.gradient(s.x[1])
	for i, r := range s.ints {
		to := g[i*c:][:c]
		kernel.Add(to, to, s.y.grad[int(r)*c:][:c])
	}
}
