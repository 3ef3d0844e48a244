//go:build !purego

package kernel

import (
	"math"

	"github.com/chiasm/chiasm/internal/cpu"
)

// simd is the tier whose kernels over vectors of float32 serve tier t: those above AVX-512 add only products.
func simd(t cpu.Tier) cpu.Tier { return min(t, cpu.AVX512) }

// Every function below picks the kernel of the tier. Slices are checked, equally long and not empty.

func add(dst, a, b []float32) {
	switch simd(tier) {
	case cpu.AVX512:
		addAVX512(&dst[0], &a[0], &b[0], len(dst))
	case cpu.AVX2:
		addAVX2(&dst[0], &a[0], &b[0], len(dst))
	default:
		GenericAdd(dst, a, b)
	}
}

func scale(dst, x []float32, s float32) {
	switch simd(tier) {
	case cpu.AVX512:
		scaleAVX512(&dst[0], &x[0], len(dst), s)
	case cpu.AVX2:
		scaleAVX2(&dst[0], &x[0], len(dst), s)
	default:
		GenericScale(dst, x, s)
	}
}

func dot(a, b []float32) float32 {
	switch simd(tier) {
	case cpu.AVX512:
		return dotAVX512(&a[0], &b[0], len(a))
	case cpu.AVX2:
		return dotAVX2(&a[0], &b[0], len(a))
	}
	return GenericDot(a, b)
}

func sum(x []float32) float32 {
	if tier >= cpu.AVX512 {
		return sumAVX512(&x[0], len(x))
	}
	return sumAVX2(&x[0], len(x))
}

// squares is Σ(x - mean)².
func squares(x []float32, mean float32) float32 {
	if tier >= cpu.AVX512 {
		return squaresAVX512(&x[0], len(x), mean)
	}
	return squaresAVX2(&x[0], len(x), mean)
}

func layerNorm(dst, x, gamma, beta []float32, eps float32) {
	if tier == cpu.Generic || gamma == nil || beta == nil { // published models have both
		GenericLayerNorm(dst, x, gamma, beta, eps)
		return
	}
	n := float32(len(x))
	mean := sum(x) / n
	scale := float32(1 / math.Sqrt(float64(squares(x, mean)/n)+float64(eps)))
	if tier >= cpu.AVX512 {
		affineAVX512(&dst[0], &x[0], &gamma[0], &beta[0], len(x), mean, scale)
	} else {
		affineAVX2(&dst[0], &x[0], &gamma[0], &beta[0], len(x), mean, scale)
	}
}

// norm2 leaves squares that float32 cannot hold to the generic twin.
func norm2(x []float32) float32 {
	if tier > cpu.Generic {
		if s := squares(x, 0); !(s < 1e-24) && !(s > 1e36) {
			return float32(math.Sqrt(float64(s)))
		}
	}
	return norm2Generic(x)
}

func softmax(dst, x []float32) {
	if tier == cpu.Generic {
		GenericSoftmax(dst, x)
		return
	}
	scale(dst, dst, 1/expSum(dst, x, 1, largest(x)))
}

// largest is the largest value; it may pass over NaN.
func largest(x []float32) float32 {
	if tier >= cpu.AVX512 {
		return largestAVX512(&x[0], len(x))
	}
	return largestAVX2(&x[0], len(x))
}

// expSum writes exp(s·x - top) and returns the sum.
func expSum(dst, x []float32, s, top float32) float32 {
	if tier >= cpu.AVX512 {
		return expSumAVX512(&dst[0], &x[0], len(dst), s, top)
	}
	return expSumAVX2(&dst[0], &x[0], len(dst), s, top)
}

func activate(act Activation, dst, x []float32) {
	switch simd(tier) {
	case cpu.AVX512:
		activateAVX512(act, &dst[0], &x[0], len(dst))
	case cpu.AVX2:
		activateAVX2(act, &dst[0], &x[0], len(dst))
	default:
		GenericActivate(act, dst, x)
	}
}

func activateAVX512(act Activation, dst, x *float32, n int) {
	switch act {
	case ReLU:
		reluAVX512(dst, x, n)
	case GELU:
		geluAVX512(dst, x, n)
	case GELUTanh:
		geluTanhAVX512(dst, x, n)
	case QuickGELU:
		gateAVX512(dst, x, n, -1.702)
	case SiLU:
		gateAVX512(dst, x, n, -1)
	}
}

func activateAVX2(act Activation, dst, x *float32, n int) {
	switch act {
	case ReLU:
		reluAVX2(dst, x, n)
	case GELU:
		geluAVX2(dst, x, n)
	case GELUTanh:
		geluTanhAVX2(dst, x, n)
	case QuickGELU:
		gateAVX2(dst, x, n, -1.702)
	case SiLU:
		gateAVX2(dst, x, n, -1)
	}
}

// lanes is how many float32 values a register of the tier holds.
func lanes(t cpu.Tier) int {
	if t >= cpu.AVX512 {
		return 16
	}
	return 8
}

func fromF16(dst []float32, src []byte) {
	if n := len(dst) &^ (lanes(tier) - 1); n > 0 && tier > cpu.Generic {
		if tier >= cpu.AVX512 {
			fromF16AVX512(&dst[0], &src[0], n)
		} else {
			fromF16AVX2(&dst[0], &src[0], n)
		}
		dst, src = dst[n:], src[2*n:]
	}
	GenericFromF16(dst, src)
}

func fromBF16(dst []float32, src []byte) {
	if n := len(dst) &^ (lanes(tier) - 1); n > 0 && tier > cpu.Generic {
		if tier >= cpu.AVX512 {
			fromBF16AVX512(&dst[0], &src[0], n)
		} else {
			fromBF16AVX2(&dst[0], &src[0], n)
		}
		dst, src = dst[n:], src[2*n:]
	}
	GenericFromBF16(dst, src)
}

// packPanel writes rows of k values, ld apart, as columns at, at+1 … of a panel [k, width]: as many rows at once as a register has
// lanes, what is left over one by one.
func packPanel(t cpu.Tier, panel, rows []float32, k, ld, at, width int) {
	l := lanes(t)
	whole := k &^ (l - 1)
	for t > cpu.Generic && whole > 0 && at%l == 0 && len(rows) >= (l-1)*ld+k {
		if t >= cpu.AVX512 {
			transposeAVX512(&panel[at], &rows[0], 4*width, 4*ld, whole)
		} else {
			transposeAVX2(&panel[at], &rows[0], 4*width, 4*ld, whole)
		}
		if whole < k {
			packPanelGeneric(panel[whole*width:], rows[whole:(l-1)*ld+k], k-whole, ld, at, width)
		}
		rows, at = rows[min(l*ld, len(rows)):], at+l
	}
	packPanelGeneric(panel, rows, k, ld, at, width)
}

func quantize(dst []byte, x []float32) (scale float32, zero int32) {
	n := len(x) &^ 7
	if tier == cpu.Generic || n == 0 {
		return GenericQuantize(dst, x)
	}
	var ends [24]float32
	extentAVX2(&x[0], n, &ends[0])
	lo, hi, poison := float32(0), float32(0), float32(0)
	for i := range 8 {
		lo, hi, poison = min(lo, ends[i]), max(hi, ends[8+i]), poison+ends[16+i]
	}
	for _, v := range x[n:] {
		lo, hi, poison = min(lo, v), max(hi, v), poison+v*0
	}
	scale, inverse, zero := steps(lo, hi)
	toBytesAVX2(&dst[0], &x[0], n, inverse, float32(zero))
	toBytesGeneric(dst[n:], x[n:], inverse, float32(zero))
	return scale + poison, zero
}

func toBF16(dst []byte, x []float32) { GenericToBF16(dst, x) }

func fmaLoop(steps int) (flops int) {
	switch simd(tier) {
	case cpu.AVX512:
		fmaLoopAVX512(steps)
	case cpu.AVX2:
		fmaLoopAVX2(steps)
	default:
		return fmaLoopGeneric(steps)
	}
	return steps * 12 * lanes(tier) * 2
}

func readLoop(x []float32) {
	switch simd(tier) {
	case cpu.AVX512:
		readLoopAVX512(&x[0], len(x))
	case cpu.AVX2:
		readLoopAVX2(&x[0], len(x))
	default:
		readLoopGeneric(x)
	}
}
