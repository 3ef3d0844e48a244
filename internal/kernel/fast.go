//go:build (amd64 || arm64) && !purego

package kernel

import (
	"math"

	"github.com/chiasm/chiasm/internal/cpu"
)

// What the processors with vector instructions have in common: functions over the kernels that the files of each one pick.

func layerNorm(dst, x, gamma, beta []float32, eps float32) {
	if tier == cpu.Generic || gamma == nil || beta == nil { // published models have both
		GenericLayerNorm(dst, x, gamma, beta, eps)
		return
	}
	n := float32(len(x))
	mean := sum(x) / n
	scale := float32(1 / math.Sqrt(float64(squares(x, mean)/n)+float64(eps)))
	affine(dst, x, gamma, beta, mean, scale)
}

func total(x []float32) float32 {
	if tier == cpu.Generic {
		return GenericSum(x)
	}
	return sum(x)
}

// rmsNorm leaves squares that float32 cannot hold to the generic twin.
func rmsNorm(dst, x, gain []float32, eps float32) {
	if tier > cpu.Generic {
		if s := squares(x, 0); !(s < 1e-24) && !(s > 1e36) {
			scale(dst, x, float32(1/math.Sqrt(float64(s/float32(len(x)))+float64(eps))))
			if gain != nil {
				mul(dst, dst, gain)
			}
			return
		}
	}
	GenericRMSNorm(dst, x, gain, eps)
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

func highest(x []float32) float32 {
	if tier == cpu.Generic {
		return maxGeneric(x)
	}
	return largest(x)
}

func exponentials(dst, x []float32, s, top float32) float32 {
	if tier == cpu.Generic {
		return GenericExpSum(dst, x, s, top)
	}
	return expSum(dst, x, s, top)
}

func fromF16(dst []float32, src []byte) {
	if n := len(dst) &^ (lanes(tier) - 1); n > 0 && tier > cpu.Generic {
		widenF16(&dst[0], &src[0], n)
		dst, src = dst[n:], src[2*n:]
	}
	GenericFromF16(dst, src)
}

func toF16(dst []byte, src []float32) {
	if n := len(src) &^ (lanes(tier) - 1); n > 0 && tier > cpu.Generic && readsHalf {
		narrowF16(&dst[0], &src[0], n)
		dst, src = dst[2*n:], src[n:]
	}
	GenericToF16(dst, src)
}

func fromBF16(dst []float32, src []byte) {
	if n := len(dst) &^ (lanes(tier) - 1); n > 0 && tier > cpu.Generic {
		widenBF16(&dst[0], &src[0], n)
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
		transpose(t, &panel[at], &rows[0], 4*width, 4*ld, whole)
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
	lo, hi, poison := extentOf(x)
	scale, inverse, zero := steps(lo, hi)
	toBytes(&dst[0], &x[0], n, inverse, float32(zero))
	toBytesGeneric(dst[n:], x[n:], inverse, float32(zero))
	return scale + poison, zero
}

// extentOf is the smallest of x and 0, the largest, and 0, or NaN if a value is not finite.
func extentOf(x []float32) (lo, hi, poison float32) {
	n := len(x) &^ 7
	if n > 0 {
		var ends [24]float32
		extent(&x[0], n, &ends[0])
		for i := range 8 {
			lo, hi, poison = min(lo, ends[i]), max(hi, ends[8+i]), poison+ends[16+i]
		}
	}
	for _, v := range x[n:] {
		lo, hi, poison = min(lo, v), max(hi, v), poison+v*0
	}
	return lo, hi, poison
}
