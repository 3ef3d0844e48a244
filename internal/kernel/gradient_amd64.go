//go:build !purego

package kernel

import (
	"math"

	"github.com/chiasm/chiasm/internal/cpu"
)

func geluGrad(dx, dy, x []float32) {
	switch n := len(x); simd(tier) {
	case cpu.AVX512:
		geluGradAVX512(&dx[0], &dy[0], &x[0], n)
	case cpu.AVX2:
		geluGradAVX2(&dx[0], &dy[0], &x[0], n)
	default:
		genericGELUGrad(dx, dy, x)
	}
}

// gateGrad is for v = rate·x·(1 + cube·x²).
func gateGrad(dx, dy, x []float32, rate, cube float32) {
	switch n := len(x); simd(tier) {
	case cpu.AVX512:
		gateGradAVX512(&dx[0], &dy[0], &x[0], n, -rate, cube)
	case cpu.AVX2:
		gateGradAVX2(&dx[0], &dy[0], &x[0], n, -rate, cube)
	default:
		genericGateGrad(dx, dy, x, rate, cube)
	}
}

// normGrad is genericNormGrad for a row all of whose derivatives are wanted, by assembly; false where there is none, or where float32
// does not hold the squares.
func normGrad(dx, dgain, dbias, dy, x, gain []float32, eps float32, centred bool) bool {
	if tier == cpu.Generic {
		return false
	}
	n := float32(len(x))
	mean := float32(0)
	if centred {
		mean = sum(x) / n
	}
	s := squares(x, mean)
	if !(s >= 1e-24 && s <= 1e36) {
		return false
	}
	scale := float32(1 / math.Sqrt(float64(s/n)+float64(eps)))
	var out [2]float32 // Σ dy·gain, and of that times the normalised row
	if tier >= cpu.AVX512 {
		normSumsAVX512(&out[0], &dgain[0], &dbias[0], &dy[0], &gain[0], &x[0], len(x), mean, scale)
	} else {
		normSumsAVX2(&out[0], &dgain[0], &dbias[0], &dy[0], &gain[0], &x[0], len(x), mean, scale)
	}
	along, shift := -scale*scale*(out[1]/n), float32(0)
	if centred {
		shift = -scale * (out[0] / n)
	}
	if tier >= cpu.AVX512 {
		normGradAVX512(&dx[0], &dy[0], &gain[0], &x[0], len(x), mean, scale, along, shift)
	} else {
		normGradAVX2(&dx[0], &dy[0], &gain[0], &x[0], len(x), mean, scale, along, shift)
	}
	return true
}

func adam(a *Adam, v, g, first, second []float32) {
	switch n := len(v); simd(tier) {
	case cpu.AVX512:
		adamAVX512(&v[0], &g[0], &first[0], &second[0], n, a.Shorten, a.Keep1, a.Take1, a.Keep2, a.Take2, a.Shrink, a.Rate, a.Correct, a.Eps)
	case cpu.AVX2:
		adamAVX2(&v[0], &g[0], &first[0], &second[0], n, a.Shorten, a.Keep1, a.Take1, a.Keep2, a.Take2, a.Shrink, a.Rate, a.Correct, a.Eps)
	default:
		genericAdam(a, v, g, first, second)
	}
}

// turnWhole packs a panel of whole width by assembly, K filled up to a multiple of align aside; false where there is none.
func (t *Turned) turnWhole(panel []byte, from []float32) bool {
	l := t.layout
	w := l.width
	switch {
	case l.tier == cpu.Generic:
		return false
	case l.format == F32 && w == 32:
		panelOfAVX512(&floatsOf(panel)[0], &from[0], 4*t.ld, t.K)
	case l.format == F32:
		panelOfAVX2(&floatsOf(panel)[0], &from[0], 4*t.ld, t.K)
	case l.paired:
		for k := range t.K {
			row := from[k*t.ld:][:w]
			pairBF16AVX2(&floatsOf(panel)[k*w/2], &row[0], &row[w/2], w/2)
		}
	case l.group == 2:
		for k := 0; k < t.K; k += 2 {
			row, next := from[k*t.ld:][:w], zeroRow[:w]
			if k+1 < t.K {
				next = from[(k+1)*t.ld:][:w]
			}
			pairBF16AVX2(&floatsOf(panel)[k/2*w], &row[0], &next[0], w)
		}
	default:
		return false
	}
	return true
}

var zeroRow [32]float32 // never written
