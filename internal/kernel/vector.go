package kernel

// Add writes a + b to dst, which may be either.
func Add(dst, a, b []float32) {
	sameLength("add", len(a), len(dst))
	sameLength("add", len(b), len(dst))
	if len(dst) > 0 {
		add(dst, a, b)
	}
}

// GenericAdd defines Add.
func GenericAdd(dst, a, b []float32) {
	for i, v := range a {
		dst[i] = v + b[i]
	}
}

// Mul writes a·b, value by value, to dst, which may be either.
func Mul(dst, a, b []float32) {
	sameLength("mul", len(a), len(dst))
	sameLength("mul", len(b), len(dst))
	if len(dst) > 0 {
		mul(dst, a, b)
	}
}

// GenericMul defines Mul.
func GenericMul(dst, a, b []float32) {
	for i, v := range a {
		dst[i] = v * b[i]
	}
}

// Scale writes x·s to dst, which may be x.
func Scale(dst, x []float32, s float32) {
	sameLength("scale", len(x), len(dst))
	if len(dst) > 0 {
		scale(dst, x, s)
	}
}

// GenericScale defines Scale.
func GenericScale(dst, x []float32, s float32) {
	for i, v := range x {
		dst[i] = v * s
	}
}

// Dot is the inner product of a and b, which are of one length.
func Dot(a, b []float32) float32 {
	sameLength("dot", len(b), len(a))
	if len(a) == 0 {
		return 0
	}
	return dot(a, b)
}

// GenericDot defines Dot.
func GenericDot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for len(a) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}
