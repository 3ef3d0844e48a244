package tensor

import "github.com/chiasm/chiasm/internal/kernel"

// RMSNorm is x/√(mean(x²) + eps)·gain over every width values of a row of x [..., C], gain [width] or nil for 1 (Zhang & Sennrich 2019).
func (x *Tensor) RMSNorm(gain *Tensor, width int, eps float32) *Tensor {
	return x.eachRow(x.rmsTask(gain, width, eps))
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
	in("activate", x)
	return x.eachRowTo(x, rowTask{op: activate, act: act})
}

// Mul multiplies x by y, of the same shape, value by value, in place, and returns x.
func (x *Tensor) Mul(y *Tensor) *Tensor {
	in("mul", x, y)
	check(x.Len() == y.Len() && x.cols() == y.cols(), "mul", "two operands of one shape", x, " and ", y)
	return x.eachRowTo(x, rowTask{op: multiply, gain: y.floats})
}

// Clamp is x brought into low to high.
func (x *Tensor) Clamp(low, high float32) *Tensor {
	return x.eachRow(rowTask{op: clamp, low: low, high: high})
}

// Rotate turns each head of width values of the rows of x [T, H·width] by its place, in place: the rotary position embedding (Su et al.
// 2021). places holds one number per row, or several: then each axis turns its equal share of the head. cos and sin have a row of
// width/(2·axes) values for every place. A value is paired with the one half a share further.
func (x *Tensor) Rotate(cos, sin []float32, width int, places []int32) *Tensor {
	in("rotate", x)
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
	return x.eachRowTo(x, rowTask{op: rotate, gain: cos, bias: sin, width: width, places: places})
}

// Scaled is x times s.
func (x *Tensor) Scaled(s float32) *Tensor {
	y := in("scale", x).Empty(x.shape[:x.rank]...)
	kernel.Scale(y.floats, x.floats, s)
	return y
}

// Scale multiplies x by s, in place, and returns x.
func (x *Tensor) Scale(s float32) *Tensor {
	in("scale", x)
	kernel.Scale(x.floats, x.floats, s)
	return x
}

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
	return y
}
