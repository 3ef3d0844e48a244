package pixel

// Halve writes the pixels of red, green and blue that a row of dst has room for: each is the mean, rounded up, of two of the row up and two of the row
// down, which have twice as many.
func Halve(dst, up, down []uint8) {
	n := len(dst) / 3
	if len(dst) != 3*n || len(up) < 6*n || len(down) < 6*n {
		panic("pixel: Halve: expected rows of twice as many pixels")
	}
	done := 0
	if fast && n > 4 {
		done = (n - 1) / 4 * 4 // there is a pixel more, where the assembly reads and writes too much
		halve(dst, up, down, done)
	}
	GenericHalve(dst[3*done:], up[6*done:], down[6*done:])
}

// GenericHalve defines Halve.
func GenericHalve(dst, up, down []uint8) {
	for len(dst) >= 3 {
		u, d := up[:6], down[:6]
		for c := range 3 {
			dst[c] = uint8((uint32(u[c]) + uint32(u[c+3]) + uint32(d[c]) + uint32(d[c+3]) + 2) >> 2)
		}
		dst, up, down = dst[3:], up[6:], down[6:]
	}
}

// CosineScales is what [Forward] multiplies each row and column by, beside what the cosine transform does.
var CosineScales = [8]float64{1, 1.387039845, 1.306562965, 1.175875602, 1, 0.785694958, 0.541196100, 0.275899379}

// Forward is the cosine transform of 8 rows of 8 samples, each result times its factor and rounded, which must be less than 16384 in size. Results
// and factors lie column by column: that of row v and column u is number 8u+v.
func Forward(dst *[64]int16, src, factors *[64]float32) {
	if fast {
		forward(dst, src, factors)
		return
	}
	GenericForward(dst, src, factors)
}

// GenericForward defines Forward.
func GenericForward(dst *[64]int16, src, factors *[64]float32) {
	x := *src
	for i := range 8 {
		cosines(x[i:], 8)
	}
	for i := 0; i < 64; i += 8 {
		cosines(x[i:i+8], 1)
	}
	for u := range 8 {
		for v := range 8 {
			dst[8*u+v] = int16(int32(float32(x[8*v+u]*factors[8*u+v])+16384.5) - 16384)
		}
	}
}

// cosines transforms eight values, by the method of Arai, Agui and Nakajima: five multiplications. Each product is rounded by itself.
func cosines(x []float32, step int) {
	_ = x[7*step]
	s0, d0 := x[0]+x[7*step], x[0]-x[7*step]
	s1, d1 := x[step]+x[6*step], x[step]-x[6*step]
	s2, d2 := x[2*step]+x[5*step], x[2*step]-x[5*step]
	s3, d3 := x[3*step]+x[4*step], x[3*step]-x[4*step]
	a, b, c, d := s0+s3, s1+s2, s1-s2, s0-s3
	z := float32((c + d) * 0.707106781)
	x[0], x[4*step], x[2*step], x[6*step] = a+b, a-b, d+z, d-z
	a, b, c = d3+d2, d2+d1, d1+d0
	z5 := float32((a - c) * 0.382683433)
	z2, z4, z3 := float32(0.541196100*a)+z5, float32(1.306562965*c)+z5, float32(b*0.707106781)
	up, down := d0+z3, d0-z3
	x[5*step], x[3*step], x[step], x[7*step] = down+z2, down-z2, up+z4, up-z4
}
