package kernel

// Rotate turns the pairs (x[i], x[i+h]) of a row of 2h values by angles whose cosines and sines are given, h of each, in place: the rotary
// position embedding of Su et al. 2021 with halves, as transformers' models pair them.
func Rotate(x, cos, sin []float32) {
	h := len(cos)
	sameLength("rotate: sines", len(sin), h)
	sameLength("rotate", len(x), 2*h)
	a, b := x[:h:h], x[h:]
	b, sin = b[:h], sin[:h]
	for i, c := range cos {
		u, v, s := a[i], b[i], sin[i]
		a[i] = float32(u*c) - float32(v*s) // the conversions keep processors that fuse from giving other bits
		b[i] = float32(v*c) + float32(u*s)
	}
}
