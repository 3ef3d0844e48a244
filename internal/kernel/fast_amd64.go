//go:build !purego

package kernel

import "github.com/chiasm/chiasm/internal/cpu"

// simd is the tier whose kernels over vectors of float32 serve tier t: those above AVX-512 add only products.
func simd(t cpu.Tier) cpu.Tier { return min(t, cpu.AVX512) }

// Every function below picks the kernel of the tier. Slices are checked, equally long and not empty.

func add(dst, a, b []float32) {
	switch simd(tier) {
	case cpu.AVX512:
		addAVX512(&dst[0], &a[0], &b[0], len(dst))
	case cpu.AVX2:
		addAVX2(&dst[0], &a[0], &b[0], len(dst))
	default:
		GenericAdd(dst, a, b)
	}
}

func mul(dst, a, b []float32) {
	switch simd(tier) {
	case cpu.AVX512:
		mulAVX512(&dst[0], &a[0], &b[0], len(dst))
	case cpu.AVX2:
		mulAVX2(&dst[0], &a[0], &b[0], len(dst))
	default:
		GenericMul(dst, a, b)
	}
}

func scale(dst, x []float32, s float32) {
	switch simd(tier) {
	case cpu.AVX512:
		scaleAVX512(&dst[0], &x[0], len(dst), s)
	case cpu.AVX2:
		scaleAVX2(&dst[0], &x[0], len(dst), s)
	default:
		GenericScale(dst, x, s)
	}
}

func dot(a, b []float32) float32 {
	switch simd(tier) {
	case cpu.AVX512:
		return dotAVX512(&a[0], &b[0], len(a))
	case cpu.AVX2:
		return dotAVX2(&a[0], &b[0], len(a))
	}
	return GenericDot(a, b)
}

func scanInt8(dst []int32, codes []byte, queries []int16, n, width int) {
	d, c, q, rows := &dst[0], &codes[0], &queries[0], len(dst)/n
	switch t := simd(tier); {
	case t == cpu.AVX512 && n == 1:
		scan1AVX512(d, c, q, rows, width)
	case t == cpu.AVX512:
		scan4AVX512(d, c, q, rows, width)
	case t == cpu.AVX2 && n == 1:
		scan1AVX2(d, c, q, rows, width)
	case t == cpu.AVX2:
		scan4AVX2(d, c, q, rows, width)
	default:
		GenericScanInt8(dst, codes, queries, n, width)
	}
}

func pickInt8(dst []int32, codes []byte, rows []uint32, query []int16) {
	switch simd(tier) {
	case cpu.AVX512:
		pickInt8AVX512(&dst[0], &codes[0], &rows[0], len(rows), &query[0], len(query))
	case cpu.AVX2:
		pickInt8AVX2(&dst[0], &codes[0], &rows[0], len(rows), &query[0], len(query))
	default:
		GenericPickInt8(dst, codes, rows, query)
	}
}

func pickUint8(dst []int32, codes []byte, rows []uint32, query []int16) {
	switch simd(tier) {
	case cpu.AVX512:
		pickUint8AVX512(&dst[0], &codes[0], &rows[0], len(rows), &query[0], len(query))
	case cpu.AVX2:
		pickUint8AVX2(&dst[0], &codes[0], &rows[0], len(rows), &query[0], len(query))
	default:
		GenericPickUint8(dst, codes, rows, query)
	}
}

func sift(mask, codes []byte, facts []float32, stride int, s *Sieve) {
	if triedTier == cpu.Generic {
		GenericSift(mask, codes, facts, stride, s)
		return
	}
	m, c, f, rows := mask, codes, facts, 0
	if triedTier >= cpu.AVX512 { // which takes sixteen rows at a time
		rows = 16 * (len(mask) / 2)
		m, c, f = mask[rows/8:], codes[rows*SieveWidth:], facts[rows:]
	}
	query, of := &s.Query[0], &s.numbers()[0]
	switch {
	case rows == 0:
	case triedTier >= cpu.AVX512VNNI:
		siftAVX512VNNI(&mask[0], &codes[0], &facts[0], stride, query, of, rows)
	default:
		siftAVX512(&mask[0], &codes[0], &facts[0], stride, query, of, rows)
	}
	if len(m) > 0 {
		siftAVX2(&m[0], &c[0], &f[0], stride, query, of, 8*len(m))
	}
}

func sum(x []float32) float32 {
	if tier >= cpu.AVX512 {
		return sumAVX512(&x[0], len(x))
	}
	return sumAVX2(&x[0], len(x))
}

// squares is Σ(x - mean)².
func squares(x []float32, mean float32) float32 {
	if tier >= cpu.AVX512 {
		return squaresAVX512(&x[0], len(x), mean)
	}
	return squaresAVX2(&x[0], len(x), mean)
}

// affine is (x - mean)·scale·gamma + beta.
func affine(dst, x, gamma, beta []float32, mean, scale float32) {
	if tier >= cpu.AVX512 {
		affineAVX512(&dst[0], &x[0], &gamma[0], &beta[0], len(x), mean, scale)
	} else {
		affineAVX2(&dst[0], &x[0], &gamma[0], &beta[0], len(x), mean, scale)
	}
}

// largest is the largest value; it may pass over NaN.
func largest(x []float32) float32 {
	if tier >= cpu.AVX512 {
		return largestAVX512(&x[0], len(x))
	}
	return largestAVX2(&x[0], len(x))
}

// expSum writes exp(s·x - top) and returns the sum.
func expSum(dst, x []float32, s, top float32) float32 {
	if tier >= cpu.AVX512 {
		return expSumAVX512(&dst[0], &x[0], len(dst), s, top)
	}
	return expSumAVX2(&dst[0], &x[0], len(dst), s, top)
}

func activate(act Activation, dst, x []float32) {
	switch simd(tier) {
	case cpu.AVX512:
		activateAVX512(act, &dst[0], &x[0], len(dst))
	case cpu.AVX2:
		activateAVX2(act, &dst[0], &x[0], len(dst))
	default:
		GenericActivate(act, dst, x)
	}
}

func activateAVX512(act Activation, dst, x *float32, n int) {
	switch act {
	case ReLU:
		reluAVX512(dst, x, n)
	case GELU:
		geluAVX512(dst, x, n)
	case GELUTanh:
		geluTanhAVX512(dst, x, n)
	case QuickGELU:
		gateAVX512(dst, x, n, -1.702)
	case SiLU:
		gateAVX512(dst, x, n, -1)
	case ReLU6:
		relu6AVX512(dst, x, n)
	case HardSwish:
		hardSwishAVX512(dst, x, n)
	}
}

func activateAVX2(act Activation, dst, x *float32, n int) {
	switch act {
	case ReLU:
		reluAVX2(dst, x, n)
	case GELU:
		geluAVX2(dst, x, n)
	case GELUTanh:
		geluTanhAVX2(dst, x, n)
	case QuickGELU:
		gateAVX2(dst, x, n, -1.702)
	case SiLU:
		gateAVX2(dst, x, n, -1)
	case ReLU6:
		relu6AVX2(dst, x, n)
	case HardSwish:
		hardSwishAVX2(dst, x, n)
	}
}

// lanes is how many float32 values a register of the tier holds.
func lanes(t cpu.Tier) int {
	if t >= cpu.AVX512 {
		return 16
	}
	return 8
}

// widenF16 widens n numbers, a multiple of the lanes.
func widenF16(dst *float32, src *byte, n int) {
	if tier >= cpu.AVX512 {
		fromF16AVX512(dst, src, n)
	} else {
		fromF16AVX2(dst, src, n)
	}
}

// narrowF16 rounds n numbers, a multiple of the lanes.
func narrowF16(dst *byte, src *float32, n int) {
	if tier >= cpu.AVX512 {
		toF16AVX512(dst, src, n)
	} else {
		toF16AVX2(dst, src, n)
	}
}

// widenBF16 does likewise.
func widenBF16(dst *float32, src *byte, n int) {
	if tier >= cpu.AVX512 {
		fromBF16AVX512(dst, src, n)
	} else {
		fromBF16AVX2(dst, src, n)
	}
}

// transpose turns as many rows of k values as there are lanes into columns; distances are in bytes.
func transpose(t cpu.Tier, dst, src *float32, step, ld, k int) {
	if t >= cpu.AVX512 {
		transposeAVX512(dst, src, step, ld, k)
	} else {
		transposeAVX2(dst, src, step, ld, k)
	}
}

// extent writes the smallest of x and 0, the largest, and 0 or NaN if a value is not finite, eight each, for n a multiple of eight.
func extent(x *float32, n int, out *float32) { extentAVX2(x, n, out) }

// toBytes writes x·inverse + offset as uint8, for n a multiple of eight.
func toBytes(dst *byte, x *float32, n int, inverse, offset float32) {
	toBytesAVX2(dst, x, n, inverse, offset)
}

func toBF16(dst []byte, x []float32) {
	if n := len(x) &^ 15; n > 0 && tier >= cpu.AVX512BF16 {
		toBF16AVX512BF16(&dst[0], &x[0], n)
		dst, x = dst[2*n:], x[n:]
	}
	GenericToBF16(dst, x)
}

// registerLoop is the loop of the instruction that the products of a layout live on, those of floats on multiply-adds.
func registerLoop(l *layout, steps int) (ops int) {
	vectors := 12 * steps // of products
	switch {
	case l.tier == cpu.AMX:
		return tileLoop(l, steps)
	case l.tier == cpu.AVX512BF16:
		bf16LoopAVX512BF16(steps)
		return vectors * 16 * 2 * 2
	case l.tier == cpu.AVX512VNNI:
		i8LoopAVX512VNNI(steps)
		return vectors * 16 * 4 * 2
	case l.left == leftU8 && l.tier == cpu.AVX2:
		i8LoopAVX2(steps)
		return vectors * 8 * 4 * 2
	case tier >= cpu.AVX512:
		fmaLoopAVX512(steps)
		return vectors * 16 * 2
	case tier == cpu.AVX2:
		fmaLoopAVX2(steps)
		return vectors * 8 * 2
	}
	return fmaLoopGeneric(steps)
}

func readLoop(x []float32) {
	switch simd(tier) {
	case cpu.AVX512:
		readLoopAVX512(&x[0], len(x))
	case cpu.AVX2:
		readLoopAVX2(&x[0], len(x))
	default:
		readLoopGeneric(x)
	}
}
