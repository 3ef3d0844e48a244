//go:build !purego

package pixel

// assembly says that this build has it.
const assembly = true

func idct(dst []uint8, stride int, coefs []int16, last []uint8, quant *[64]int16) {
	if !fast {
		GenericIDCT(dst, stride, coefs, last, quant)
		return
	}
	idctAVX2(&dst[0], stride, &coefs[0], &last[0], &quant[0], len(last))
}

// The kernels below are called only where fast is set.

func across(dst, from []uint8)           { acrossAVX2(&dst[0], &from[0], len(from)) }
func around(dst, near, far []uint8)      { aroundAVX2(&dst[0], &near[0], &far[0], len(near)) }
func down(dst, near, far []uint8, b int) { downAVX2(&dst[0], &near[0], &far[0], len(near), b) }
func ycc(dst, y, cb, cr []uint8)         { yccAVX2(&dst[0], &y[0], &cb[0], &cr[0], len(y)) }

// longest is more bytes than a block can take.
const longest = 512

// units decodes as many units as the assembly can, and leaves everything as it is before the next.
func (b *Bits) units(slots []Slot, from, n int) int {
	if b.Marker != 0 || len(b.Data) < longest || len(slots) == 0 {
		return 0
	}
	done := unitsAVX2(&b.Data[0], len(b.Data), &b.Pos, &slots[0], len(slots), from, n, &Natural[0])
	if done < n {
		for i := range slots {
			s := &slots[i]
			*s.Sum = s.before
			clear(s.Coefs[64*(from+done)*s.Step:][:64])
		}
	}
	return done
}

// across4 makes m rows, 1 to 4.
func (t *Taps) across4(dst, src []uint8, stride, m int) {
	out := 3 * len(t.First)
	d := func(i int) *uint8 { return &dst[min(i, m-1)*out] }
	s := func(i int) *uint8 { return &src[min(i, m-1)*stride] }
	across4AVX2(d(0), d(1), d(2), d(3), s(0), s(1), s(2), s(3), &t.First[0], &t.groups[0], &t.packed[0], 16*t.fours(), len(t.First))
}

// downSum sums rows from the beginning of src.
func (t *Taps) downSum(dst, src []uint8, stride, i int) {
	downSumAVX2(&dst[0], &src[0], stride, int(t.Count[i]), &t.packed[8*i*t.fours()], len(dst))
}

// reduce makes blocks of 4 by 4 or 2 by 2.
func reduce(dst []uint8, stride int, coefs []int16, n int, quant *[64]int16, size int) {
	if size == 4 {
		idct4AVX2(&dst[0], stride, &coefs[0], &quant[0], n)
	} else {
		idct2AVX2(&dst[0], stride, &coefs[0], &quant[0], n)
	}
}

func halve(dst, up, down []uint8, n int) { halveAVX2(&dst[0], &up[0], &down[0], n) }

func forward(dst *[64]int16, src, factors *[64]float32) {
	forwardAVX2(&dst[0], &src[0], &factors[0])
}
