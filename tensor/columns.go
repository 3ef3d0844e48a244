package tensor

import "github.com/chiasm/chiasm/internal/kernel"

// Columns is values first to first+n-1 of each row of x [..., C]: [..., n].
func (x *Tensor) Columns(first, n int) *Tensor {
	p, c := in("columns", x), x.cols()
	if first < 0 || n < 1 || first+n > c {
		fail("columns", "columns of x", first, " to ", first+n, " of ", x)
	}
	y := p.header(F32, x.shape[:x.rank])
	y.shape[y.rank-1] = n
	y.floats, y.at = p.mem.take(y.Len())
	for i := range x.Rows() {
		copy(y.floats[i*n:][:n], x.floats[i*c+first:])
	}
	if p.learns(x) {
		p.record(y, columnsBack, x).n = first
	}
	return y
}

// columnsBack adds dY where its values came from.
func columnsBack(p *Pass, s *step) {
	x, dy := s.x[0], s.y.grad
	g, c, n := p.gradient(x), x.cols(), s.y.cols()
	for i := range x.Rows() {
		to := g[i*c+s.n:][:n]
		kernel.Add(to, to, dy[i*n:][:n])
	}
}
