package kernel

import "math"

// LayerNormGrad adds the derivatives of [LayerNorm] by x, gamma and beta to dx, dgamma and dbeta, given that by its result, dy. Each
// of the three may be nil, if nobody wants it, and gamma for 1.
func LayerNormGrad(dx, dgamma, dbeta, dy, x, gamma []float32, c int, eps float32) {
	normGrads("layer norm gradient", dx, dgamma, dbeta, dy, x, gamma, c, eps, true)
}

// RMSNormGrad adds the derivatives of [RMSNorm] by x and gain to dx and dgain, given that by its result, dy. Either may be nil, if nobody
// wants it, and gain for 1.
func RMSNormGrad(dx, dgain, dy, x, gain []float32, c int, eps float32) {
	normGrads("rms norm gradient", dx, dgain, nil, dy, x, gain, c, eps, false)
}

// normGrads goes row by row. What nobody wants of the sums by gain and bias goes to memory that is forgotten.
func normGrads(op string, dx, dgain, dbias, dy, x, gain []float32, c int, eps float32, centred bool) {
	rows := wholeRows(op, dy, x, c)
	if rows == 0 {
		return
	}
	s := takeScratch(2 * c)
	defer s.release()
	sum, shift := dgain, dbias
	if sum == nil {
		sum = s.floats[:c]
	}
	if shift == nil {
		shift = s.floats[c:][:c]
	}
	for r := range rows {
		x, dy, dx := x[r*c:][:c], dy[r*c:][:c], rowOf(dx, r, c)
		if dx == nil || gain == nil || !normGrad(dx, sum, shift, dy, x, gain, eps, centred) {
			genericNormGrad(dx, dgain, dbias, dy, x, gain, eps, centred)
		}
	}
}

// rowOf is row r of x, nil for nil.
func rowOf(x []float32, r, c int) []float32 {
	if x == nil {
		return nil
	}
	return x[r*c:][:c]
}

// genericNormGrad is for one row of (x - mean)·scale·gain + bias: with g = dy·gain and n the normalised row,
// scale·(g - mean(g) - n·mean(g·n)). A norm that is not centred takes off no mean, and the mean of g is left out.
func genericNormGrad(dx, dgain, dbias, dy, x, gain []float32, eps float32, centred bool) {
	c := float64(len(x))
	var mean, squares float64
	if centred {
		for _, v := range x {
			mean += float64(v) / c
		}
	}
	for _, v := range x {
		squares += (float64(v) - mean) * (float64(v) - mean)
	}
	scale := 1 / math.Sqrt(squares/c+float64(eps))
	if dbias != nil {
		add(dbias, dbias, dy)
	}
	var sum, along float64
	for i, v := range x {
		n, g := (float64(v)-mean)*scale, float64(dy[i])
		if dgain != nil {
			dgain[i] += float32(g * n)
		}
		if gain != nil {
			g *= float64(gain[i])
		}
		sum += g
		along += g * n
	}
	if dx == nil {
		return
	}
	sum, along = sum/c, along/c
	if !centred {
		sum = 0
	}
	for i, v := range x {
		n, g := (float64(v)-mean)*scale, float64(dy[i])
		if gain != nil {
			g *= float64(gain[i])
		}
		dx[i] += float32(scale * (g - sum - n*along))
	}
}

// SoftmaxGrad adds the derivative of [Softmax] by x to dx, given that by its result, dy, and the result y: y·(dy - Σ dy·y).
func SoftmaxGrad(dx, dy, y []float32, c int) {
	for r := range wholeRows("softmax gradient", dx, y, c) {
		dy, y, dx := dy[r*c:][:c], y[r*c:][:c], dx[r*c:][:c]
		along := Dot(dy, y)
		for i, v := range y {
			dx[i] += v * float32(dy[i]-along)
		}
	}
}

// NormalizeGrad adds the derivative of [Normalize] by x to dx, given that by its result, dy, and the result y: (dy - y·Σ dy·y)/‖x‖, or
// dy/eps for a row shorter than eps.
func NormalizeGrad(dx, dy, x, y []float32, c int, eps float32) {
	for r := range wholeRows("normalize gradient", dx, x, c) {
		dy, x, y, dx := dy[r*c:][:c], x[r*c:][:c], y[r*c:][:c], dx[r*c:][:c]
		norm, along := norm2(x), float32(0)
		if norm > eps {
			along = Dot(dy, y)
		} else {
			norm = eps
		}
		for i, v := range y {
			dx[i] += float32(dy[i]-v*along) / norm
		}
	}
}
