package tensor

import "github.com/chiasm/chiasm/internal/kernel"

// Reshaped is x in another shape of as many values, which stay where they are: x must not be used afterwards.
func (x *Tensor) Reshaped(shape ...int) *Tensor {
	p := in("reshape", x)
	y := p.header(F32, shape)
	if y.Len() != x.Len() {
		fail("reshape", "as many values as the tensor has", y, " for ", x)
	}
	y.floats, y.at = x.floats, x.at
	if p.learns(x) {
		x.hold()
		p.record(y, reshapeBack, x)
		y.held = true
	}
	return y
}

// reshapeBack is dY.
func reshapeBack(p *Pass, s *step) {
	g := p.gradient(s.x[0])
	kernel.Add(g, g, s.y.grad)
}

// Blank makes some rows of x zero, in place, and returns x.
func (x *Tensor) Blank(rows []int32) *Tensor {
	p := in("blank", x)
	to, from := x.own()
	if len(to) > 0 && &to[0] != &from[0] {
		copy(to, from)
	}
	if blankRows(to, rows, x.cols()); p.learns(x) {
		p.record(x, blankBack, x).ints = rows
	}
	return x
}

// blankBack makes the rows of dY zero.
func blankBack(_ *Pass, s *step) { blankRows(s.y.grad, s.ints, s.y.cols()) }

func blankRows(x []float32, rows []int32, c int) {
	for _, r := range rows {
		clear(x[int(r)*c:][:c])
	}
}
