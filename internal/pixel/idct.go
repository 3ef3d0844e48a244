package pixel

// The inverse transform is libjpeg's accurate integer one (Loeffler, Ligtenberg and Moschytz with 13 bits of fraction),
// columns first, then rows, each rounded. Numbers wrap and saturate at 16 bits where libjpeg-turbo's vector code does,
// which matters for coefficients that no encoder makes from a picture.

const (
	c0298, c0390, c0541, c0765 = 2446, 3196, 4433, 6270
	c0899, c1175, c1501, c1847 = 7373, 9633, 12299, 15137
	c1961, c2053, c2562, c3072 = 16069, 16819, 20995, 25172
)

// IDCT computes a row of len(last) blocks, an even number: dst has 8 rows that lie stride apart, 8 samples for each block.
// coefs holds 64 coefficients a block, row by row, quant what to multiply them with; last is 0 for a block in which only
// the first coefficient may be other than zero. The coefficients are cleared.
func IDCT(dst []uint8, stride int, coefs []int16, last []uint8, quant *[64]int16) {
	n := len(last)
	if n == 0 {
		return
	}
	if n%2 != 0 || len(coefs) < 64*n || stride < 8*n || len(dst) < 7*stride+8*n {
		panic("pixel: IDCT: expected an even number of blocks, and room for them")
	}
	idct(dst, stride, coefs, last, quant)
}

// GenericIDCT defines IDCT.
func GenericIDCT(dst []uint8, stride int, coefs []int16, last []uint8, quant *[64]int16) {
	for i, k := range last {
		block := (*[64]int16)(coefs[64*i:])
		if k == 0 {
			v := sample((int32(block[0]*quant[0]<<2) + 16) >> 5)
			block[0] = 0
			for y := range 8 {
				row := dst[y*stride+8*i:][:8]
				for x := range row {
					row[x] = v
				}
			}
			continue
		}
		transform(dst[8*i:], stride, block, quant)
		*block = [64]int16{}
	}
}

// transform computes one block.
func transform(dst []uint8, stride int, block, quant *[64]int16) {
	var mid [64]int16
	below := int16(0) // whether rows 1 to 7 hold anything
	for _, v := range block[8:] {
		below |= v
	}
	for x := range 8 {
		in, q, out := block[x:], quant[x:], mid[x:]
		if below == 0 {
			v := in[0] * q[0] << 2
			for y := range 8 {
				out[8*y] = v
			}
			continue
		}
		line(out, 8, 11, in[0]*q[0], in[8]*q[8], in[16]*q[16], in[24]*q[24], in[32]*q[32], in[40]*q[40], in[48]*q[48], in[56]*q[56])
	}
	for y := range 8 {
		var out [8]int16
		in := mid[8*y:][:8]
		line(out[:], 1, 18, in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7])
		row := dst[y*stride:][:8]
		for x, v := range out {
			row[x] = sample(int32(v))
		}
	}
}

// line transforms eight numbers, drops bits of the results and writes them step apart.
func line(out []int16, step, bits int, w0, w1, w2, w3, w4, w5, w6, w7 int16) {
	x1, x2, x3, x5, x6, x7 := int32(w1), int32(w2), int32(w3), int32(w5), int32(w6), int32(w7)
	half := int32(1) << (bits - 1)
	p, q := int32(w0+w4)<<13+half, int32(w0-w4)<<13+half
	c, a := x2*(c0541+c0765)+x6*c0541, x2*c0541+x6*(c0541-c1847)
	e0, e1, e2, e3 := p+c, q+a, q-a, p-c
	z3, z4 := int32(w7+w3), int32(w5+w1)
	z3, z4 = z3*(c1175-c1961)+z4*c1175, z3*c1175+z4*(c1175-c0390)
	o0 := z4 - x7*c0899 + x1*(c1501-c0899)
	o1 := z3 - x5*c2562 + x3*(c3072-c2562)
	o2 := z4 + x5*(c2053-c2562) - x3*c2562
	o3 := z3 + x7*(c0298-c0899) - x1*c0899
	_ = out[7*step]
	out[0], out[7*step] = pack((e0+o0)>>bits), pack((e0-o0)>>bits)
	out[step], out[6*step] = pack((e1+o1)>>bits), pack((e1-o1)>>bits)
	out[2*step], out[5*step] = pack((e2+o2)>>bits), pack((e2-o2)>>bits)
	out[3*step], out[4*step] = pack((e3+o3)>>bits), pack((e3-o3)>>bits)
}

// pack saturates to 16 bits.
func pack(v int32) int16 { return int16(min(max(v, -32768), 32767)) }

// sample turns a number around 0 into a sample.
func sample(v int32) uint8 { return uint8(min(max(v+128, 0), 255)) }
