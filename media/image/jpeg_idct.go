package image

import "encoding/binary"

// The inverse transform is libjpeg's accurate integer one (Loeffler, Ligtenberg and Moschytz with 13 bits of fraction),
// columns first, then rows, each rounded. Between the roundings all is linear, so two columns, or two rows, are computed
// at once in one word: the sum of one and 1<<32 times the other goes through additions and multiplications unharmed, as
// long as both results fit into 32 bits.
//
// Where the coefficients are so large that results do not fit, libjpeg's vector code wraps and saturates, and jpegCareful
// does the same.

const (
	jpegC0298, jpegC0390, jpegC0541, jpegC0765 = 2446, 3196, 4433, 6270
	jpegC0899, jpegC1175, jpegC1501, jpegC1847 = 7373, 9633, 12299, 15137
	jpegC1961, jpegC2053, jpegC2562, jpegC3072 = 16069, 16819, 20995, 25172
)

const (
	jpegBoth = 1 + 1<<32 // times a number: that number in both halves of a word

	// After the columns: rounding, and 1<<27 to make both halves positive.
	jpegBias1 = jpegBoth * (1<<10 + 1<<27)
	jpegMask1 = jpegBoth * (1<<17 - 1)
	jpegZero1 = jpegBoth * (1 << 16) // what a zero is then

	// After the rows: rounding, the sample's middle, and 1<<30 to make both halves positive. A sample then has 18 bits of
	// fraction, and is in range if the four bits above its eight are zero.
	jpegBias2 = jpegBoth * (1<<17 + 128<<18 + 1<<30)
	jpegOver2 = jpegBoth * (15 << 26)

	// Coefficients whose squares add up to this keep all results inside 16 bits after the columns: the 8 of a column add
	// up to no more than sqrt(8*jpegTame), none weighs more than 1.388, and two bits of fraction remain. Samples then
	// stay below sqrt(jpegTame), as the transform is orthonormal. A picture's blocks have 64<<14 at most.
	jpegTame = 3_300_000
)

// A jpegStep says what to do with the coefficient at one place in zigzag order: multiply it and add it to a word of the
// block.
type jpegStep struct {
	factor int64 // quant, or quant<<32 for the word's upper half
	quant  int32
	word   uint8 // row*4 + column/2
	odd    uint8 // 1 for the upper half
}

// jpegSteps is indexed by place; places over 63 come from damaged data and mean 63.
type jpegSteps [128]jpegStep

// jpegZigzag is the place in the block, row*8 + column, of each coefficient.
var jpegZigzag = func() (z [64]uint8) {
	x, y, step := 0, 0, 1
	for i := range z {
		z[i] = uint8(8*y + x)
		switch {
		case step == 1 && x == 7:
			y, step = y+1, -1
		case step == 1 && y == 0:
			x, step = x+1, -1
		case step == -1 && y == 7:
			x, step = x+1, 1
		case step == -1 && x == 0:
			y, step = y+1, 1
		default:
			x, y = x+step, y-step
		}
	}
	return z
}()

// newJPEGSteps makes a channel's quantisation ready. A nil table, of a channel without data, makes all coefficients zero.
func newJPEGSteps(quant *[64]uint16) *jpegSteps {
	t := new(jpegSteps)
	for k := range t {
		i := min(k, 63)
		y, x := jpegZigzag[i]/8, jpegZigzag[i]%8
		s := &t[k]
		if quant != nil {
			s.quant = int32(quant[i])
		}
		s.word, s.odd = y*4+x/2, x%2
		s.factor = int64(s.quant) << (32 * s.odd)
	}
	return t
}

// A jpegBlock computes blocks; it holds what need not be allocated for each. words is zero between blocks.
type jpegBlock struct {
	words, rows [32]uint64
}

// draw computes the samples of a block from its entries as [jpegBits.block] makes them, the first of which is for the
// first coefficient, and writes them to dst, 8 rows of 8 that lie stride apart.
func (b *jpegBlock) draw(steps *jpegSteps, entries []uint32, dst []uint8, stride int) {
	if len(entries) <= 1 {
		v := uint8(128)
		if len(entries) == 1 {
			dc := int16(int32(entries[0])>>16*steps[0].quant) << 2
			v = uint8(min(max((int32(dc)+16)>>5+128, 0), 255))
		}
		w := uint64(v) * jpegOnes
		for range 7 {
			binary.LittleEndian.PutUint64(dst, w)
			dst = dst[stride:]
		}
		binary.LittleEndian.PutUint64(dst, w)
		return
	}
	energy := int64(0)
	for _, e := range entries {
		s := &steps[e&127]
		v := int64(int32(e) >> 16)
		q := v * int64(s.quant)
		energy += q * q >> 8 // so that it cannot overflow
		b.words[s.word&31] += uint64(v * s.factor)
	}
	if energy > jpegTame>>8 {
		jpegCareful(steps, entries, dst, stride)
	} else {
		b.across(b.columns(), dst, stride)
	}
	b.words = [32]uint64{}
}

// columns transforms two columns at a time from words to rows. It reports whether columns 4 to 7 have anything; if not,
// their results are not written.
func (b *jpegBlock) columns() bool {
	right, skipped := false, false
	for j := 3; j >= 0; j-- {
		in, out := b.words[j:][:29], b.rows[j:][:29]
		x0, x1, x2, x3, x4, x5, x6, x7 := in[0], in[4], in[8], in[12], in[16], in[20], in[24], in[28]
		upper, lower := x1|x2|x3, x4|x5|x6|x7
		if upper|lower == 0 { // only row 0, or nothing
			if j >= 2 && !right && x0 == 0 {
				skipped = skipped || j == 3
				continue
			}
			right = right || j >= 2
			v := (x0<<13 + jpegBias1) >> 11 & jpegMask1
			out[0], out[4], out[8], out[12] = v, v, v, v
			out[16], out[20], out[24], out[28] = v, v, v, v
			continue
		}
		right = right || j >= 2
		x0 = x0<<13 + jpegBias1
		var e0, e1, e2, e3, o0, o1, o2, o3 uint64
		if lower == 0 {
			a, c := x2*jpegC0541, x2*(jpegC0541+jpegC0765)
			e0, e1, e2, e3 = x0+c, x0+a, x0-a, x0-c
			s := (x1 + x3) * jpegC1175
			o0 = s + x1*(jpegC1501-jpegC0899-jpegC0390)
			o1 = s - x3*(jpegC2562+jpegC1961-jpegC3072)
			o2 = s - x3*jpegC2562 - x1*jpegC0390
			o3 = s - x1*jpegC0899 - x3*jpegC1961
		} else {
			x4 <<= 13
			z := (x2 + x6) * jpegC0541
			a, c := z-x6*jpegC1847, z+x2*jpegC0765
			p, q := x0+x4, x0-x4
			e0, e1, e2, e3 = p+c, q+a, q-a, p-c
			z1, z2, z3, z4 := x7+x1, x5+x3, x7+x3, x5+x1
			z5 := (z3 + z4) * jpegC1175
			z1, z2 = z1*jpegC0899, z2*jpegC2562
			z3, z4 = z5-z3*jpegC1961, z5-z4*jpegC0390
			o3 = x7*jpegC0298 - z1 + z3
			o2 = x5*jpegC2053 - z2 + z4
			o1 = x3*jpegC3072 - z2 + z3
			o0 = x1*jpegC1501 - z1 + z4
		}
		out[0], out[28] = (e0+o0)>>11&jpegMask1, (e0-o0)>>11&jpegMask1
		out[4], out[24] = (e1+o1)>>11&jpegMask1, (e1-o1)>>11&jpegMask1
		out[8], out[20] = (e2+o2)>>11&jpegMask1, (e2-o2)>>11&jpegMask1
		out[12], out[16] = (e3+o3)>>11&jpegMask1, (e3-o3)>>11&jpegMask1
	}
	if right && skipped {
		for i := 3; i < len(b.rows); i += 4 {
			b.rows[i] = jpegZero1
		}
	}
	return right
}

// across transforms two rows at a time from rows to dst. Without right, columns 4 to 7 are empty.
func (b *jpegBlock) across(right bool, dst []uint8, stride int) {
	const m, low = jpegBoth * 255, 1<<32 - 1
	for y := 0; y < 8; y += 2 {
		in := b.rows[4*y:][:8]
		x0 := (in[0]&low|in[4]<<32)<<13 + (jpegBias2 - jpegZero1<<13)
		x1 := in[0]>>32 | in[4]&^low - jpegZero1
		x2 := in[1]&low | in[5]<<32 - jpegZero1
		x3 := in[1]>>32 | in[5]&^low - jpegZero1
		var e0, e1, e2, e3, o0, o1, o2, o3 uint64
		if right {
			x4 := (in[2]&low | in[6]<<32 - jpegZero1) << 13
			x5 := in[2]>>32 | in[6]&^low - jpegZero1
			x6 := in[3]&low | in[7]<<32 - jpegZero1
			x7 := in[3]>>32 | in[7]&^low - jpegZero1
			z := (x2 + x6) * jpegC0541
			a, c := z-x6*jpegC1847, z+x2*jpegC0765
			p, q := x0+x4, x0-x4
			e0, e1, e2, e3 = p+c, q+a, q-a, p-c
			z1, z2, z3, z4 := x7+x1, x5+x3, x7+x3, x5+x1
			z5 := (z3 + z4) * jpegC1175
			z1, z2 = z1*jpegC0899, z2*jpegC2562
			z3, z4 = z5-z3*jpegC1961, z5-z4*jpegC0390
			o3 = x7*jpegC0298 - z1 + z3
			o2 = x5*jpegC2053 - z2 + z4
			o1 = x3*jpegC3072 - z2 + z3
			o0 = x1*jpegC1501 - z1 + z4
		} else {
			a, c := x2*jpegC0541, x2*(jpegC0541+jpegC0765)
			e0, e1, e2, e3 = x0+c, x0+a, x0-a, x0-c
			s := (x1 + x3) * jpegC1175
			o0 = s + x1*(jpegC1501-jpegC0899-jpegC0390)
			o1 = s - x3*(jpegC2562+jpegC1961-jpegC3072)
			o2 = s - x3*jpegC2562 - x1*jpegC0390
			o3 = s - x1*jpegC0899 - x3*jpegC1961
		}
		v0, v1, v2, v3 := e0+o0, e1+o1, e2+o2, e3+o3
		v4, v5, v6, v7 := e3-o3, e2-o2, e1-o1, e0-o0
		if (v0|v1|v2|v3|v4|v5|v6|v7)&jpegOver2 != 0 {
			v0, v1, v2, v3 = jpegTrim2(v0), jpegTrim2(v1), jpegTrim2(v2), jpegTrim2(v3)
			v4, v5, v6, v7 = jpegTrim2(v4), jpegTrim2(v5), jpegTrim2(v6), jpegTrim2(v7)
		}
		c := v0>>18&m | v1>>18&m<<8 | v2>>18&m<<16 | v3>>18&m<<24
		d := v4>>18&m | v5>>18&m<<8 | v6>>18&m<<16 | v7>>18&m<<24
		binary.LittleEndian.PutUint64(dst, c&low|d<<32)
		dst = dst[stride:]
		binary.LittleEndian.PutUint64(dst, c>>32|d&^low)
		if y < 6 {
			dst = dst[stride:]
		}
	}
}

// jpegTrim2 brings both samples of a word into range.
//
//go:noinline
func jpegTrim2(v uint64) uint64 {
	const zero = 1 << 12 // 1<<30 without the fraction
	a, b := int(v>>18&0x3fff), int(v>>50)
	a, b = min(max(a, zero), zero+255), min(max(b, zero), zero+255)
	return uint64(a)<<18 | uint64(b)<<50
}

// jpegCareful computes a block with the 16-bit arithmetic of libjpeg's vector code, which matters for coefficients that
// no encoder makes from a picture.
func jpegCareful(steps *jpegSteps, entries []uint32, dst []uint8, stride int) {
	var in, mid [64]int16
	flat := true
	for _, e := range entries {
		s := &steps[e&127]
		i := 2*int(s.word&31) + int(s.odd&1)
		in[i] = int16(int32(e) >> 16 * s.quant)
		flat = flat && i < 8
	}
	for x := range 8 {
		if flat {
			for y := range 8 {
				mid[8*y+x] = in[x] << 2
			}
			continue
		}
		jpegLine(mid[x:], in[x:], 8, 11)
	}
	for y := range 8 {
		var line [8]int16
		jpegLine(line[:], mid[8*y:], 1, 18)
		for x, v := range line {
			dst[y*stride+x] = uint8(min(max(int(v), -128), 127) + 128)
		}
	}
}

// jpegLine transforms 8 numbers that lie step apart and drops bits of the results.
func jpegLine(out, in []int16, step, bits int) {
	x := func(i int) int32 { return int32(in[i*step]) }
	x0, x1, x2, x3, x4, x5, x6, x7 := x(0), x(1), x(2), x(3), x(4), x(5), x(6), x(7)
	p, q := int32(int16(x0+x4))<<13, int32(int16(x0-x4))<<13
	c, a := x2*(jpegC0541+jpegC0765)+x6*jpegC0541, x2*jpegC0541+x6*(jpegC0541-jpegC1847)
	e := [4]int32{p + c, q + a, q - a, p - c}
	z3, z4 := int32(int16(x7+x3)), int32(int16(x5+x1))
	z3, z4 = z3*(jpegC1175-jpegC1961)+z4*jpegC1175, z3*jpegC1175+z4*(jpegC1175-jpegC0390)
	o := [4]int32{
		z4 - x7*jpegC0899 + x1*(jpegC1501-jpegC0899),
		z3 - x5*jpegC2562 + x3*(jpegC3072-jpegC2562),
		z4 + x5*(jpegC2053-jpegC2562) - x3*jpegC2562,
		z3 + x7*(jpegC0298-jpegC0899) - x1*jpegC0899,
	}
	half := int32(1) << (bits - 1)
	for i := range 4 {
		out[i*step] = jpegPack((e[i] + o[i] + half) >> bits)
		out[(7-i)*step] = jpegPack((e[i] - o[i] + half) >> bits)
	}
}

// jpegPack saturates to 16 bits.
func jpegPack(v int32) int16 { return int16(min(max(v, -32768), 32767)) }
