package pixel

// Reduce is [IDCT] to blocks of size by size samples: 4, 2 or 1, a half, a quarter or an eighth of the picture's size. It
// is what libjpeg-turbo does for a scaled picture, and drops the frequencies that do not show.
func Reduce(dst []uint8, stride int, coefs []int16, last []uint8, quant *[64]int16, size int) {
	n := len(last)
	if n == 0 {
		return
	}
	if size != 4 && size != 2 && size != 1 || n%2 != 0 || len(coefs) < 64*n || stride < size*n || len(dst) < (size-1)*stride+size*n {
		panic("pixel: Reduce: expected a size of 4, 2 or 1, an even number of blocks, and room for them")
	}
	if fast && size > 1 {
		reduce(dst, stride, coefs, n, quant, size)
		return
	}
	GenericReduce(dst, stride, coefs, last, quant, size)
}

// GenericReduce defines Reduce.
func GenericReduce(dst []uint8, stride int, coefs []int16, last []uint8, quant *[64]int16, size int) {
	for i := range last {
		block, out := (*[64]int16)(coefs[64*i:]), dst[size*i:]
		switch size {
		case 4:
			transform4(out, stride, block, quant)
		case 2:
			transform2(out, stride, block, quant)
		default: // the mean, which libjpeg takes modulo 1024
			out[0] = sample((int32(block[0])*int32(quant[0]) + 4) >> 3 << 22 >> 22)
			if last[i] == 0 {
				block[0] = 0
				continue
			}
		}
		*block = [64]int16{}
	}
}

func transform4(dst []uint8, stride int, block, quant *[64]int16) {
	var mid [4][8]int16
	others := int16(0) // whether a row but 0 and 4 holds anything
	for i, v := range block {
		if i >= 8 && i>>3 != 4 {
			others |= v
		}
	}
	for x := range 8 {
		at := func(y int) int16 { return block[8*y+x] * quant[8*y+x] }
		if others == 0 {
			for y := range mid {
				mid[y][x] = at(0) << 2
			}
			continue
		}
		for y, v := range line4(at(0), at(1), at(2), at(3), at(5), at(6), at(7), 12) {
			mid[y][x] = v
		}
	}
	for y, m := range mid {
		for x, v := range line4(m[0], m[1], m[2], m[3], m[5], m[6], m[7], 19) {
			dst[y*stride+x] = sample(int32(v))
		}
	}
}

// line4 transforms eight numbers, of which the fifth does not matter, to four.
func line4(w0, w1, w2, w3, w5, w6, w7 int16, bits int) [4]int16 {
	x1, x2, x3, x5, x6, x7 := int32(w1), int32(w2), int32(w3), int32(w5), int32(w6), int32(w7)
	x0, even := int32(w0)<<14+1<<(bits-1), x2*15137-x6*6270
	p, q := x0+even, x0-even
	o2 := x1*20995 + x3*7373 - x5*4926 - x7*4176
	o0 := x1*8697 - x3*17799 + x5*11893 - x7*1730
	return [4]int16{pack((p + o2) >> bits), pack((q + o0) >> bits), pack((q - o0) >> bits), pack((p - o2) >> bits)}
}

func transform2(dst []uint8, stride int, block, quant *[64]int16) {
	var mid [2][8]int16
	var first [2]int32
	for _, x := range [5]int{0, 1, 3, 5, 7} {
		at := func(y int) int32 { return int32(block[8*y+x] * quant[8*y+x]) }
		even, odd := at(0)<<15+1<<12, at(1)*29692-at(3)*10426+at(5)*6967-at(7)*5906
		a, b := (even+odd)>>13, (even-odd)>>13
		if x == 0 {
			first = [2]int32{a, b}
		}
		mid[0][x], mid[1][x] = pack(a), pack(b)
	}
	for y, m := range mid {
		even := first[y]<<15 + 1<<19
		odd := int32(m[1])*29692 - int32(m[3])*10426 + int32(m[5])*6967 - int32(m[7])*5906
		dst[y*stride], dst[y*stride+1] = sample(int32(pack((even+odd)>>20))), sample(int32(pack((even-odd)>>20)))
	}
}
