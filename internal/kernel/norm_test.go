package kernel

import (
	"fmt"
	"math"
	"testing"
)

// activation64 is the definition in float64, by the formulas of the documentation.
func activation64(act Activation, x float64) float64 {
	s := func(t float64) float64 { return 1 / (1 + math.Exp(-t)) }
	switch act {
	case ReLU:
		if x < 0 {
			return 0
		}
		return x
	case GELU:
		return x * math.Erfc(-x/math.Sqrt2) / 2
	case GELUTanh:
		return x * s(2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)) // = x/2·(1+tanh), without its cancellation
	case QuickGELU:
		return x * s(1.702*x)
	case ReLU6:
		return math.Min(math.Max(x, 0), 6)
	case HardSwish:
		return x * math.Min(math.Max(x+3, 0), 6) / 6
	case SiLU:
		return x * s(x)
	}
	return x
}

var activationsByName = map[string]Activation{"none": None, "relu": ReLU, "gelu": GELU, "gelu tanh": GELUTanh, "quick gelu": QuickGELU, "silu": SiLU, "relu6": ReLU6, "hard swish": HardSwish}

// TestActivationsOverTheirRange sweeps -100..100. The tolerance is absolute near zero and relative beyond: the exponential and the
// error function are approximated to about 2 ulp, and the far left tail may flush to zero.
func TestActivationsOverTheirRange(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for name, act := range activationsByName {
			var x []float32
			for v := -100.0; v <= 100; v += 0.0037 {
				x = append(x, float32(v))
			}
			for e := -40; e < 0; e++ {
				x = append(x, float32(math.Ldexp(1.3, e)), float32(-math.Ldexp(1.1, e)))
			}
			dst := make([]float32, len(x))
			Activate(act, dst, x)
			worst := 0.0
			for i, v := range x {
				want := activation64(act, float64(v))
				err := math.Abs(float64(dst[i]) - want)
				worst = max(worst, err/max(math.Abs(want), math.Abs(float64(v))*0x1p-4, 1e-30))
				near(t, fmt.Sprintf("%s(%v)", name, v), dst[i], want, 4*eps32*math.Abs(want)+2e-7*min(math.Abs(float64(v)), 1)/4)
			}
			t.Logf("%s: worst error %.2g", name, worst)
		}
	})
}

func TestActivationsKeepNaNAndInf(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for name, act := range activationsByName {
			x := make([]float32, 37)
			x[3], x[17], x[36] = nan, inf, nan
			x[4], x[18] = float32(math.Copysign(0, -1)), math.MaxFloat32
			Activate(act, x, x)
			for i, v := range x {
				switch i {
				case 3, 36:
					near(t, name+" of NaN", v, math.NaN(), 0)
				case 17:
					near(t, name+" of Inf", v, activation64(act, math.Inf(1)), 0)
				case 18:
					near(t, name+" of the largest", v, activation64(act, math.MaxFloat32), 0)
				default:
					near(t, name+" of 0", v, 0, 0)
				}
			}
			x[0] = -inf
			Activate(act, x[:1], x[:1])
			if want := float32(activation64(act, math.Inf(-1))); x[0] != want && !(x[0] != x[0] && want != want) {
				t.Errorf("%s(-Inf) = %v, want %v", name, x[0], want)
			}
		}
	})
}

func TestActivateOfAllLengths(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(3)
		for name, act := range activationsByName {
			spans(func(n, off int) {
				x := random(r, n)
				dst, check := guarded(n, off)
				Activate(act, dst, x)
				check(t)
				for i, v := range x {
					near(t, fmt.Sprintf("%s of %d", name, n), dst[i], activation64(act, float64(v)), 4*eps32)
				}
			})
		}
	})
}

// TestLayerNorm allows for the rounding of the mean and of the variance, √n·eps each, times what they are multiplied with.
func TestLayerNorm(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(4)
		spans(func(c, off int) {
			if c == 0 {
				return
			}
			const rows, mean = 3, 10
			x, gamma, beta := random(r, rows*c), random(r, c), random(r, c)
			for i := range x {
				x[i] = x[i]*3 + mean
			}
			for _, affine := range []bool{true, false} {
				dst, check := guarded(rows*c, off)
				if affine {
					LayerNorm(dst, x, gamma, beta, c, 1e-5)
				} else {
					LayerNorm(dst, x, nil, nil, c, 1e-5)
				}
				check(t)
				for row := range rows {
					in := x[row*c:][:c]
					var m, v float64
					for _, a := range in {
						m += float64(a) / float64(c)
					}
					for _, a := range in {
						v += (float64(a) - m) * (float64(a) - m) / float64(c)
					}
					s := 1 / math.Sqrt(v+1e-5)
					for i, a := range in {
						want, tol := (float64(a)-m)*s, 4*eps32*math.Sqrt(float64(c))*(1+mean*s)
						if affine {
							want = want*float64(gamma[i]) + float64(beta[i])
							tol = tol*math.Abs(float64(gamma[i])) + eps32*math.Abs(want)
						}
						near(t, fmt.Sprintf("row %d of %d, value %d", row, c, i), dst[row*c+i], want, tol+2*eps32*math.Abs(want))
					}
				}
			}
		})
	})
}

func TestLayerNormOfAConstantRowIsBeta(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		x := make([]float32, 768)
		beta := make([]float32, 768)
		for i := range x {
			x[i], beta[i] = 3, float32(i)
		}
		LayerNorm(x, x, nil, beta, 768, 1e-5)
		for i := range x {
			near(t, "constant row", x[i], float64(i), 0)
		}
	})
}

// TestRMSNorm allows for the rounding of the sum of squares.
func TestRMSNorm(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(6)
		spans(func(c, off int) {
			if c == 0 {
				return
			}
			const rows = 3
			x, gain := random(r, rows*c), random(r, c)
			clear(x[c : 2*c]) // a row without length stays as it is
			for _, g := range [][]float32{gain, nil} {
				dst, check := guarded(rows*c, off)
				RMSNorm(dst, x, g, c, 1e-6)
				check(t)
				for row := range rows {
					in := x[row*c:][:c]
					var squares float64
					for _, v := range in {
						squares += float64(v) * float64(v) / float64(c)
					}
					for i, v := range in {
						want := float64(v) / math.Sqrt(squares+1e-6)
						if g != nil {
							want *= float64(g[i])
						}
						near(t, fmt.Sprintf("row %d of %d, value %d", row, c, i), dst[row*c+i], want, 4*eps32*math.Sqrt(float64(c))*math.Abs(want))
					}
				}
			}
		})
		big := []float32{3e30, 4e30} // whose squares float32 cannot hold
		RMSNorm(big, big, nil, 2, 1e-6)
		near(t, "of large numbers", big[1], 4/math.Sqrt(12.5), 1e-6)
	})
}

func TestSoftmax(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(5)
		spans(func(c, off int) {
			if c == 0 {
				return
			}
			x := random(r, 2*c)
			for i := range x {
				x[i] *= 10
			}
			dst, check := guarded(2*c, off)
			Softmax(dst, x, c)
			check(t)
			for row := range 2 {
				in, top, sum := x[row*c:][:c], math.Inf(-1), 0.0
				for _, v := range in {
					top = max(top, float64(v))
				}
				for _, v := range in {
					sum += math.Exp(float64(v) - top)
				}
				for i, v := range in {
					want := math.Exp(float64(v)-top) / sum
					// x - top rounds once: relative eps·|x-top| of the result
					near(t, fmt.Sprintf("softmax of %d", c), dst[row*c+i], want, want*eps32*(6+(top-float64(v)))+1e-37)
				}
			}
		})
	})
}

func TestMaxAndExpSum(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(9)
		spans(func(n, off int) {
			x, _ := guarded(n, off)
			copy(x, random(r, n))
			top := math.Inf(-1)
			for i, v := range x {
				if i%7 == 3 {
					v, x[i] = -inf, -inf
				}
				top = max(top, float64(v))
			}
			near(t, fmt.Sprint("max of ", n), Max(x), top, 0)
			dst, check := guarded(n, off/2)
			var want float64
			got := ExpSum(dst, x, 2.5, 1.25)
			check(t)
			for i, v := range x {
				e := math.Exp(2.5*float64(v) - 1.25)
				near(t, fmt.Sprint("exponential of ", v), dst[i], e, e*eps32*16+1e-37)
				want += e
			}
			near(t, fmt.Sprint("sum of ", n), got, want, want*eps32*24+1e-37)
		})
	})
	mustPanic(t, "exponentials of two lengths", func() { ExpSum(make([]float32, 3), make([]float32, 4), 1, 0) })
}

func TestSoftmaxAtTheEdges(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, c := range []struct{ in, want []float32 }{
			{[]float32{0, -inf, 0}, []float32{0.5, 0, 0.5}},
			{[]float32{1e38, 1e38, -1e38, 3}, []float32{0.5, 0.5, 0, 0}},
			{[]float32{-1e38}, []float32{1}},
			{[]float32{1, nan, 2}, []float32{nan, nan, nan}},
			{[]float32{1, inf, 2}, []float32{0, nan, 0}},
			{[]float32{-inf, -inf}, []float32{nan, nan}},
		} {
			got := make([]float32, len(c.in))
			Softmax(got, c.in, len(c.in))
			for i, w := range c.want {
				if len(c.in) == 3 && c.in[1] == inf {
					if i == 1 {
						near(t, "softmax with Inf", got[i], math.NaN(), 0)
					}
					continue
				}
				near(t, fmt.Sprint("softmax of ", c.in), got[i], float64(w), 1e-7)
			}
		}
	})
}

func TestNormalize(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(6)
		spans(func(c, off int) {
			if c == 0 {
				return
			}
			x := random(r, 2*c)
			dst, check := guarded(2*c, off)
			Normalize(dst, x, c, 1e-12)
			check(t)
			for row := range 2 {
				var sum float64
				for _, v := range x[row*c:][:c] {
					sum += float64(v) * float64(v)
				}
				for i, v := range x[row*c:][:c] {
					want := float64(v) / math.Sqrt(sum)
					near(t, fmt.Sprint("normalize ", c), dst[row*c+i], want, eps32*(3+math.Sqrt(float64(c))/2)*math.Abs(want))
				}
			}
		})
		x := []float32{3e-20, 4e-20}
		Normalize(x, x, 2, 1e-12)
		near(t, "short row", x[1], 4e-8, 1e-14)
		x = []float32{1, nan}
		Normalize(x, x, 2, 1e-12)
		near(t, "row with NaN", x[0], math.NaN(), 0)
	})
	mustPanic(t, "half a row", func() { Normalize(make([]float32, 3), make([]float32, 3), 2, 0) })
}
