package tensor

import "github.com/chiasm/chiasm/internal/kernel"

// RMSNorm is x/√(mean(x²) + eps)·gain over every width values of a row of x [..., C], gain [width] or nil for 1 (Zhang & Sennrich 2019).
func (x *Tensor) RMSNorm(gain *Tensor, width int, eps float32) *Tensor {
	y := x.eachRow(x.rmsTask(gain, width, eps))
	x.recordRows(y, width, eps, rmsNorm, gain, nil)
	return y
}

// RMSNormAdd is x plus the norm of y [..., C], of the same shape, in place.
func (x *Tensor) RMSNormAdd(y, gain *Tensor, eps float32) *Tensor {
	p := in("rms norm", x, y)
	m := p.Mark()
	x.Add(y.RMSNorm(gain, y.cols(), eps))
	return p.Keep(m, x)
}

func (x *Tensor) rmsTask(gain *Tensor, width int, eps float32) rowTask {
	task := rowTask{op: rmsNorm, width: width, eps: eps}
	if width < 1 || x.cols()%width != 0 {
		fail("rms norm", "a width that divides the rows", width, " for ", x)
	}
	if gain != nil {
		if gain.Len() != width {
			fail("rms norm", "a gain of the width", gain, " for ", width)
		}
		task.gain = gain.Floats()
	}
	return task
}

// Activate is a function of every value of x, in place.
func (x *Tensor) Activate(act Activation) *Tensor {
	p := in("activate", x)
	if p.learns(x) && act != None {
		s := p.record(x, activateBack, x)
		s.held[0], s.row.act = x.hold(), act
	}
	x.inPlace(rowTask{op: activate, act: act})
	return x
}

// activateBack is dY·act'(x).
func activateBack(p *Pass, s *step) {
	p.rowsBack(rowGrad{op: activate, act: s.row.act, dx: s.y.grad, dy: s.y.grad, x: s.held[0], cols: s.y.cols()})
}

// Tanh is the hyperbolic tangent of every value of x, in place.
func (x *Tensor) Tanh() *Tensor {
	p := in("tanh", x)
	x.inPlace(rowTask{op: tanh})
	if p.learns(x) {
		p.record(x, tanhBack, x).held[0] = x.hold()
	}
	return x
}

// tanhBack is dY·(1 - tanh²).
func tanhBack(_ *Pass, s *step) {
	for i, y := range s.held[0] {
		s.y.grad[i] *= 1 - y*y
	}
}

// Mul multiplies x by y, of the same shape, value by value, in place, and returns x.
func (x *Tensor) Mul(y *Tensor) *Tensor {
	p := in("mul", x, y)
	check(x.Len() == y.Len() && x.cols() == y.cols(), "mul", "two operands of one shape", x, " and ", y)
	values := y.floats // y may be x
	if p.learns(x, y) {
		s := p.record(x, mulBack, x, y)
		s.held[0], s.held[1] = x.hold(), y.hold()
	}
	x.inPlace(rowTask{op: multiply, gain: values})
	return x
}

// mulBack is dX = dZ·y and dY = dZ·x; of a square, twice that.
func mulBack(p *Pass, s *step) {
	g := rowGrad{op: multiply, dx: s.y.grad, dy: s.y.grad, x: s.held[0], y: s.held[1], cols: s.y.cols()}
	if s.x[0] == s.x[1] {
		p.rowsBack(g)
		kernel.Scale(s.y.grad, s.y.grad, 2)
		return
	}
	g.other = p.wanted(s.x[1])
	p.rowsBack(g)
}

// Clamp is x brought into low to high.
func (x *Tensor) Clamp(low, high float32) *Tensor {
	y := x.eachRow(rowTask{op: clamp, low: low, high: high})
	if p := x.pass; p.learns(x) {
		s := p.record(y, clampBack, x)
		s.held[0], s.row = x.hold(), rowTask{low: low, high: high}
	}
	return y
}

// clampBack is dY where x is within the bounds.
func clampBack(p *Pass, s *step) {
	p.rowsBack(rowGrad{op: clamp, dx: p.gradient(s.x[0]), dy: s.y.grad, x: s.held[0], low: s.row.low, high: s.row.high, cols: s.y.cols()})
}

// Rotate turns each head of width values of the rows of x [T, H·width] by its place, in place: the rotary position embedding (Su et al.
// 2021). places holds one number per row, or several: then each axis turns its equal share of the head. cos and sin have a row of
// width/(2·axes) values for every place. A value is paired with the one half a share further.
func (x *Tensor) Rotate(cos, sin []float32, width int, places []int32) *Tensor {
	p := in("rotate", x)
	rows := max(x.Rows(), 1)
	axes := len(places) / rows
	if axes < 1 || len(places) != axes*x.Rows() || width < 1 || width%(2*axes) != 0 || x.cols()%width != 0 {
		fail("rotate", "places for every row and heads of pairs", len(places), " places and heads of ", width, " for ", x)
	}
	half := width / axes / 2
	for _, at := range places {
		if at < 0 || (int(at)+1)*half > min(len(cos), len(sin)) {
			fail("rotate", "a place with angles", at, " of ", len(cos)/half)
		}
	}
	task := rowTask{op: rotate, gain: cos, bias: sin, width: width, places: places}
	x.inPlace(task)
	if p.learns(x) {
		p.record(x, rotateBack, x).row = task
	}
	return x
}

// rotateBack turns dY the other way.
func rotateBack(p *Pass, s *step) {
	t, c, g := &s.row, s.y.cols(), s.y.grad
	axes := len(t.places) * c / len(g)
	half := t.width / axes / 2
	for i := 0; i < len(g); i += 2 * half {
		place := int(t.places[i/c*axes+i/(2*half)%axes])
		cos, sin := t.gain[place*half:][:half], t.bias[place*half:][:half]
		a, b := g[i:][:half], g[i+half:][:half]
		for j, u := range a {
			v := b[j]
			a[j], b[j] = float32(u*cos[j])+float32(v*sin[j]), float32(v*cos[j])-float32(u*sin[j])
		}
	}
}

// Scaled is x times s.
func (x *Tensor) Scaled(s float32) *Tensor {
	y := in("scale", x).Empty(x.shape[:x.rank]...)
	kernel.Scale(y.floats, x.floats, s)
	if p := x.pass; p.learns(x) {
		p.record(y, scaledBack, x).scale = s
	}
	return y
}

// scaledBack is s·dY.
func scaledBack(p *Pass, s *step) {
	g := p.gradient(s.x[0])
	kernel.Scale(s.y.grad, s.y.grad, s.scale)
	kernel.Add(g, g, s.y.grad)
}

// Scale multiplies x by s, in place, and returns x.
func (x *Tensor) Scale(s float32) *Tensor {
	p := in("scale", x)
	to, from := x.own()
	kernel.Scale(to, from, s)
	if p.learns(x) {
		p.record(x, scaleBack, x).scale = s
	}
	return x
}

// scaleBack is s·dY.
func scaleBack(_ *Pass, s *step) { kernel.Scale(s.y.grad, s.y.grad, s.scale) }

// Leading is the first n values of each row of x [..., C].
func (x *Tensor) Leading(n int) *Tensor {
	p, c := in("leading", x), x.cols()
	if n < 0 || n > c {
		fail("leading", "no more values than a row has", n, " of ", x)
	}
	y := p.header(F32, x.shape[:x.rank])
	y.shape[y.rank-1] = n
	y.floats, y.at = p.mem.take(y.Len())
	for r := range x.Rows() {
		copy(y.floats[r*n:][:n], x.floats[r*c:][:n])
	}
	if p.learns(x) {
		p.record(y, leadingBack, x)
	}
	return y
}

// leadingBack adds dY to the first values of each row.
func leadingBack(p *Pass, s *step) {
	g, c, n := p.gradient(s.x[0]), s.x[0].cols(), s.y.cols()
	for r := range s.y.Rows() {
		kernel.Add(g[r*c:][:n], g[r*c:][:n], s.y.grad[r*n:][:n])
	}
}
