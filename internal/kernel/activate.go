package kernel

import "math"

// Activation is a function of one number, applied to every value.
type Activation uint8

// The activations that published models use.
const (
	None      Activation = iota
	ReLU                 // max(x, 0)
	GELU                 // x·Φ(x), by the error function
	GELUTanh             // x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
	QuickGELU            // x·σ(1.702·x)
	SiLU                 // x·σ(x)
	ReLU6                // min(max(x, 0), 6)
	HardSwish            // x·min(max(x + 3, 0), 6)/6
	activations
)

// Activate writes act(x) to dst, which may be x.
func Activate(act Activation, dst, x []float32) {
	sameLength("activate", len(x), len(dst))
	need(act < activations, "activate", "expected an activation below %d, got %d", int(act), int(activations))
	if act == None {
		copy(dst, x)
		return
	}
	if len(dst) > 0 {
		activate(act, dst, x)
	}
}

// GenericActivate defines Activate.
func GenericActivate(act Activation, dst, x []float32) {
	for i, v := range x {
		dst[i] = float32(scalarActivation(act, float64(v)))
	}
}

func scalarActivation(act Activation, x float64) float64 {
	switch act {
	case ReLU:
		if x < 0 {
			return 0
		}
		return x // NaN too
	case GELU:
		return x * 0.5 * math.Erfc(-x/math.Sqrt2)
	case GELUTanh:
		return x * sigmoid(2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)) // (1 + tanh t)/2 = σ(2t)
	case QuickGELU:
		return x * sigmoid(1.702*x)
	case SiLU:
		return x * sigmoid(x)
	case ReLU6:
		return min(max(x, 0), 6)
	case HardSwish:
		return x * min(max(x+3, 0), 6) / 6
	}
	return x
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
