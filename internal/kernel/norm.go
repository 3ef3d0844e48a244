package kernel

import "math"

// LayerNorm writes (x - mean)/√(var + eps)·gamma + beta of each row of c values to dst, which may be x. The variance is that of the
// row, not an estimate. gamma and beta have c values, or are nil for 1 and 0.
func LayerNorm(dst, x, gamma, beta []float32, c int, eps float32) {
	rows := wholeRows("layer norm", dst, x, c)
	if gamma != nil {
		sameLength("layer norm: gamma", len(gamma), c)
	}
	if beta != nil {
		sameLength("layer norm: beta", len(beta), c)
	}
	for r := range rows {
		layerNorm(dst[r*c:][:c], x[r*c:][:c], gamma, beta, eps)
	}
}

// GenericLayerNorm defines LayerNorm for one row.
func GenericLayerNorm(dst, x, gamma, beta []float32, eps float32) {
	var sum, squares float64
	for _, v := range x {
		sum += float64(v)
	}
	mean := sum / float64(len(x))
	for _, v := range x {
		squares += (float64(v) - mean) * (float64(v) - mean)
	}
	scale := 1 / math.Sqrt(squares/float64(len(x))+float64(eps))
	for i, v := range x {
		y := float32((float64(v) - mean) * scale)
		if gamma != nil {
			y *= gamma[i]
		}
		if beta != nil {
			y += beta[i]
		}
		dst[i] = y
	}
}

// RMSNorm writes x/√(mean(x²) + eps)·gain of each row of c values to dst, which may be x. gain has c values, or is nil for 1.
func RMSNorm(dst, x, gain []float32, c int, eps float32) {
	rows := wholeRows("rms norm", dst, x, c)
	if gain != nil {
		sameLength("rms norm: gain", len(gain), c)
	}
	for r := range rows {
		rmsNorm(dst[r*c:][:c], x[r*c:][:c], gain, eps)
	}
}

// GenericRMSNorm defines RMSNorm for one row.
func GenericRMSNorm(dst, x, gain []float32, eps float32) {
	var squares float64
	for _, v := range x {
		squares += float64(v) * float64(v)
	}
	GenericScale(dst, x, float32(1/math.Sqrt(squares/float64(len(x))+float64(eps))))
	if gain != nil {
		GenericMul(dst, dst, gain)
	}
}

// Softmax writes exp(x)/Σexp(x) of each row of c values to dst, which may be x. A row with a NaN or +Inf is NaN throughout, as is one
// of -Inf alone.
func Softmax(dst, x []float32, c int) {
	for r := range wholeRows("softmax", dst, x, c) {
		softmax(dst[r*c:][:c], x[r*c:][:c])
	}
}

// GenericSoftmax defines Softmax for one row.
func GenericSoftmax(dst, x []float32) {
	top := maxGeneric(x)
	var sum float64
	for i, v := range x {
		e := math.Exp(float64(v) - float64(top))
		dst[i] = float32(e)
		sum += e
	}
	GenericScale(dst, dst, float32(1/sum))
}

// Max is the largest value of x, -Inf for none. If there is a NaN it may be passed over.
func Max(x []float32) float32 {
	if len(x) == 0 {
		return float32(math.Inf(-1))
	}
	return highest(x)
}

// ExpSum writes exp(s·x - top) to dst, which may be x, and returns the sum.
func ExpSum(dst, x []float32, s, top float32) float32 {
	sameLength("exp sum", len(x), len(dst))
	if len(dst) == 0 {
		return 0
	}
	return exponentials(dst, x, s, top)
}

// GenericExpSum defines ExpSum.
func GenericExpSum(dst, x []float32, s, top float32) float32 {
	var sum float64
	for i, v := range x {
		e := math.Exp(float64(s)*float64(v) - float64(top))
		dst[i] = float32(e)
		sum += e
	}
	return float32(sum)
}

// maxGeneric is the largest value, NaN if there is one, -Inf for none.
func maxGeneric(x []float32) float32 {
	top := float32(math.Inf(-1))
	for _, v := range x {
		top = max(top, v)
	}
	return top
}

// Normalize writes x/max(‖x‖₂, eps) of each row of c values to dst, which may be x.
func Normalize(dst, x []float32, c int, eps float32) {
	for r := range wholeRows("normalize", dst, x, c) {
		row := x[r*c:][:c]
		norm := max(norm2(row), eps) // the built-in max keeps NaN
		Scale(dst[r*c:][:c], row, 1/norm)
	}
}

// GenericNormalize defines Normalize for one row.
func GenericNormalize(dst, x []float32, eps float32) {
	GenericScale(dst, x, 1/max(norm2Generic(x), eps))
}

func norm2Generic(x []float32) float32 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return float32(math.Sqrt(sum))
}
