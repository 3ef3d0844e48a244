//go:build !amd64 || purego

package kernel

func columnSquares(squares, x, mean []float32) {
	genericColumnSquares(squares, x, mean)
}

func columnNorm(dst, x, mean, scale, shift []float32, low, high float32) {
	genericColumnNorm(dst, x, mean, scale, shift, low, high)
}

func columnGate(g, sum, along, x, mean, scale, shift []float32, low, high float32) {
	genericColumnGate(g, sum, along, x, mean, scale, shift, low, high)
}

func columnBlend(dst, g, x, mean, a, b, d []float32) {
	genericColumnBlend(dst, g, x, mean, a, b, d)
}
