package kernel

import "math"

// LayerNormGrad adds the derivatives of [LayerNorm] by x, gamma and beta to dx, dgamma and dbeta, given that by its result, dy. Each
// of the three may be nil, if nobody wants it, and gamma for 1.
func LayerNormGrad(dx, dgamma, dbeta, dy, x, gamma []float32, c int, eps float32) {
	rows := wholeRows("layer norm gradient", dy, x, c)
	for r := range rows {
		x, dy := x[r*c:][:c], dy[r*c:][:c]
		var sum, squares float64
		for _, v := range x {
			sum += float64(v)
		}
		mean := sum / float64(c)
		for _, v := range x {
			squares += (float64(v) - mean) * (float64(v) - mean)
		}
		scale := 1 / math.Sqrt(squares/float64(c)+float64(eps))
		if dbeta != nil {
			add(dbeta, dbeta, dy)
		}
		normGrad(rowOf(dx, r, c), dgamma, dy, x, gamma, mean, scale, true)
	}
}

// RMSNormGrad adds the derivatives of [RMSNorm] by x and gain to dx and dgain, given that by its result, dy. Either may be nil, if nobody
// wants it, and gain for 1.
func RMSNormGrad(dx, dgain, dy, x, gain []float32, c int, eps float32) {
	rows := wholeRows("rms norm gradient", dy, x, c)
	for r := range rows {
		x, dy := x[r*c:][:c], dy[r*c:][:c]
		var squares float64
		for _, v := range x {
			squares += float64(v) * float64(v)
		}
		scale := 1 / math.Sqrt(squares/float64(c)+float64(eps))
		normGrad(rowOf(dx, r, c), dgain, dy, x, gain, 0, scale, false)
	}
}

// rowOf is row r of x, nil for nil.
func rowOf(x []float32, r, c int) []float32 {
	if x == nil {
		return nil
	}
	return x[r*c:][:c]
}

// normGrad is for one row of (x - mean)·scale·gain: with g = dy·gain and n the normalised row, scale·(g - mean(g) - n·mean(g·n)). The
// mean of g is left out for a norm that does not take off the mean.
func normGrad(dx, dgain, dy, x, gain []float32, mean, scale float64, centred bool) {
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
	c := float64(len(x))
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
