package kernel

import "math"

// ActivateGrad writes dy·act'(x) to dx, which may be dy: the derivative of [Activate] by x.
func ActivateGrad(act Activation, dx, dy, x []float32) {
	sameLength("activate gradient", len(x), len(dx))
	sameLength("activate gradient: dy", len(dy), len(dx))
	need(act < activations, "activate gradient", "expected an activation below %d, got %d", int(act), int(activations))
	switch act {
	case None:
		copy(dx, dy)
		return
	case ReLU, ReLU6:
		for i, v := range x {
			if v <= 0 || act == ReLU6 && v >= 6 {
				dx[i] = 0
			} else {
				dx[i] = dy[i]
			}
		}
		return
	case HardSwish:
		for i, v := range x {
			switch {
			case v <= -3:
				dx[i] = 0
			case v < 3:
				dx[i] = dy[i] * float32(v/3+0.5)
			default:
				dx[i] = dy[i]
			}
		}
		return
	}
	if len(x) == 0 {
		return
	}
	switch act {
	case GELU:
		geluGrad(dx, dy, x)
	case QuickGELU:
		gateGrad(dx, dy, x, 1.702, 0)
	case GELUTanh:
		gateGrad(dx, dy, x, 2*float32(math.Sqrt(2/math.Pi)), 0.044715)
	default:
		gateGrad(dx, dy, x, 1, 0)
	}
}

const gradBlock = 256

// genericGateGrad is for x·σ(v) with v = rate·(x + cube·x³): σ + x·σ·(1-σ)·v'.
func genericGateGrad(dx, dy, x []float32, rate, cube float32) {
	var e [gradBlock]float32
	for len(x) > 0 {
		n := min(gradBlock, len(x))
		gateBlock(e[:n], dx[:n], dy[:n], x[:n], rate, cube)
		dx, dy, x = dx[n:], dy[n:], x[n:]
	}
}

func gateBlock(e, dx, dy, x []float32, rate, cube float32) {
	for i, v := range x {
		v = max(-30, min(30, v)) // beyond, σ is 0 or 1 for float32
		e[i] = v + float32(cube*v)*float32(v*v)
	}
	exponentials(e, e, -rate, 0)
	for i, v := range x {
		s := 1 / (1 + e[i])
		slope := rate * float32(1+float32(3*cube)*float32(v*v))
		if v < -30 || v > 30 {
			slope = 0
		}
		dx[i] = dy[i] * float32(s+float32(v*slope)*float32(s*(1-s)))
	}
}

// genericGELUGrad is dy·(Φ(x) + x·φ(x)).
func genericGELUGrad(dx, dy, x []float32) {
	var e, y [gradBlock]float32
	for len(x) > 0 {
		n := min(gradBlock, len(x))
		geluBlock(e[:n], y[:n], dx, dy, x[:n])
		dx, dy, x = dx[n:], dy[n:], x[n:]
	}
}

// geluBlock does a block. Φ is act(x)/x, and its series about 0.
func geluBlock(e, y, dx, dy, x []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	const density = 0.3989422804014327 // φ(0) = 1/√(2π)
	activate(GELU, y, x)
	for i, v := range x {
		v = max(-30, min(30, v))
		e[i] = v * v
	}
	exponentials(e, e, -0.5, 0)
	for i, v := range x {
		var phi float32
		if q := v * v; q < 1.0/16 {
			phi = 0.5 + density*v*float32(1-q*float32(1.0/6-q*float32(1.0/40-q*float32(1.0/336))))
		} else {
			phi = y[i] / v
		}
		if v > 30 || v < -30 {
			dx[i] = dy[i] * phi
			continue
		}
		dx[i] = dy[i] * float32(phi+float32(density*v)*e[i])
	}
}
