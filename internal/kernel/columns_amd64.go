//go:build !purego

package kernel

import "github.com/chiasm/chiasm/internal/cpu"

func columnSquares(squares, x, mean []float32) {
	switch simd(tier) {
	case cpu.AVX512:
		columnSquaresAVX512(&squares[0], &x[0], &mean[0], len(x))
	case cpu.AVX2:
		columnSquaresAVX2(&squares[0], &x[0], &mean[0], len(x))
	default:
		genericColumnSquares(squares, x, mean)
	}
}

func columnNorm(dst, x, mean, scale, shift []float32, low, high float32) {
	switch simd(tier) {
	case cpu.AVX512:
		columnNormAVX512(&dst[0], &x[0], &mean[0], &scale[0], &shift[0], len(x), low, high)
	case cpu.AVX2:
		columnNormAVX2(&dst[0], &x[0], &mean[0], &scale[0], &shift[0], len(x), low, high)
	default:
		genericColumnNorm(dst, x, mean, scale, shift, low, high)
	}
}

func columnGate(g, sum, along, x, mean, scale, shift []float32, low, high float32) {
	switch simd(tier) {
	case cpu.AVX512:
		columnGateAVX512(&g[0], &sum[0], &along[0], &x[0], &mean[0], &scale[0], &shift[0], len(x), low, high)
	case cpu.AVX2:
		columnGateAVX2(&g[0], &sum[0], &along[0], &x[0], &mean[0], &scale[0], &shift[0], len(x), low, high)
	default:
		genericColumnGate(g, sum, along, x, mean, scale, shift, low, high)
	}
}

func columnBlend(dst, g, x, mean, a, b, d []float32) {
	switch simd(tier) {
	case cpu.AVX512:
		columnBlendAVX512(&dst[0], &g[0], &x[0], &mean[0], &a[0], &b[0], &d[0], len(x))
	case cpu.AVX2:
		columnBlendAVX2(&dst[0], &g[0], &x[0], &mean[0], &a[0], &b[0], &d[0], len(x))
	default:
		genericColumnBlend(dst, g, x, mean, a, b, d)
	}
}
