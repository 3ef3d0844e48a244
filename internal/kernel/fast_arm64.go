//go:build !purego

package kernel

import "github.com/chiasm/chiasm/internal/cpu"

// Every function below picks the kernel of the tier: those above NEON add only products. Slices are checked, equally long and not empty.

func add(dst, a, b []float32) {
	if tier == cpu.Generic {
		GenericAdd(dst, a, b)
	} else {
		addNEON(&dst[0], &a[0], &b[0], len(dst))
	}
}

func mul(dst, a, b []float32) {
	if tier == cpu.Generic {
		GenericMul(dst, a, b)
	} else {
		mulNEON(&dst[0], &a[0], &b[0], len(dst))
	}
}

func scale(dst, x []float32, s float32) {
	if tier == cpu.Generic {
		GenericScale(dst, x, s)
	} else {
		scaleNEON(&dst[0], &x[0], len(dst), s)
	}
}

func dot(a, b []float32) float32 {
	if tier == cpu.Generic {
		return GenericDot(a, b)
	}
	return dotNEON(&a[0], &b[0], len(a))
}

func sum(x []float32) float32 { return sumNEON(&x[0], len(x)) }

// squares is Σ(x - mean)².
func squares(x []float32, mean float32) float32 { return squaresNEON(&x[0], len(x), mean) }

// affine is (x - mean)·scale·gamma + beta.
func affine(dst, x, gamma, beta []float32, mean, scale float32) {
	affineNEON(&dst[0], &x[0], &gamma[0], &beta[0], len(x), mean, scale)
}

// largest is the largest value.
func largest(x []float32) float32 { return largestNEON(&x[0], len(x)) }

// expSum writes exp(s·x - top) and returns the sum.
func expSum(dst, x []float32, s, top float32) float32 {
	return expSumNEON(&dst[0], &x[0], len(dst), s, top)
}

func activate(act Activation, dst, x []float32) {
	if tier == cpu.Generic {
		GenericActivate(act, dst, x)
		return
	}
	d, p, n := &dst[0], &x[0], len(dst)
	switch act {
	case ReLU:
		reluNEON(d, p, n)
	case GELU:
		geluNEON(d, p, n)
	case GELUTanh:
		geluTanhNEON(d, p, n)
	case QuickGELU:
		gateNEON(d, p, n, -1.702)
	case SiLU:
		gateNEON(d, p, n, -1)
	case ReLU6:
		relu6NEON(d, p, n)
	case HardSwish:
		hardSwishNEON(d, p, n)
	}
}

// lanes is how many float32 values a register holds.
func lanes(cpu.Tier) int { return 4 }

// widenF16 widens n numbers, a multiple of the lanes.
func widenF16(dst *float32, src *byte, n int) { fromF16NEON(dst, src, n) }

// narrowF16 is not called: nothing keeps half precision here.
func narrowF16(*byte, *float32, int) {}

// widenBF16 does likewise.
func widenBF16(dst *float32, src *byte, n int) { fromBF16NEON(dst, src, n) }

// transpose turns as many rows of k values as there are lanes into columns; distances are in bytes.
func transpose(_ cpu.Tier, dst, src *float32, step, ld, k int) { transposeNEON(dst, src, step, ld, k) }

// extent writes the smallest of x and 0, the largest, and 0 or NaN if a value is not finite, eight each, for n a multiple of eight.
func extent(x *float32, n int, out *float32) { extentNEON(x, n, out) }

// toBytes writes x·inverse + offset as uint8, for n a multiple of eight.
func toBytes(dst *byte, x *float32, n int, inverse, offset float32) {
	toBytesNEON(dst, x, n, inverse, offset)
}

func toBF16(dst []byte, x []float32) {
	if n := len(x) &^ 7; n > 0 && tier >= cpu.NEONBF16 {
		toBF16NEONBF16(&dst[0], &x[0], n)
		dst, x = dst[2*n:], x[n:]
	}
	GenericToBF16(dst, x)
}

// registerLoop is the loop of the instruction that the products of a layout live on, those of floats on multiply-adds.
func registerLoop(l *layout, steps int) (ops int) {
	vectors := 24 * steps // of products
	switch {
	case tier == cpu.Generic:
		return fmaLoopGeneric(steps)
	case l.format == BF16 && l.tier == cpu.NEONBF16:
		bf16LoopNEONBF16(steps)
		return vectors * 16 * 2
	case l.format == I8 && l.tier == cpu.NEONBF16:
		i8LoopNEONBF16(steps)
		return vectors * 32 * 2
	case l.tier == cpu.NEONDot:
		i8LoopNEONDot(steps)
		return vectors * 16 * 2
	}
	fmaLoopNEON(steps)
	return vectors * 4 * 2
}

// block computes rows m0 to m1 of the panels first to last-1.
func (g *Gemm) block(m0, m1, first, last int) { g.tiles(m0, m1, first, last) }

func readLoop(x []float32) {
	if tier == cpu.Generic {
		readLoopGeneric(x)
	} else {
		readLoopNEON(&x[0], len(x))
	}
}

func scanInt8(dst []int32, codes []byte, queries []int16, n, width int) {
	d, c, q, rows := &dst[0], &codes[0], &queries[0], len(dst)/n
	switch {
	case tier == cpu.Generic:
		GenericScanInt8(dst, codes, queries, n, width)
	case n == 1:
		scan1NEON(d, c, q, rows, width)
	default:
		scan4NEON(d, c, q, rows, width)
	}
}

func pickInt8(dst []int32, codes []byte, rows []uint32, query []int16) {
	if tier == cpu.Generic {
		GenericPickInt8(dst, codes, rows, query)
	} else {
		pickInt8NEON(&dst[0], &codes[0], &rows[0], len(rows), &query[0], len(query))
	}
}

func pickUint8(dst []int32, codes []byte, rows []uint32, query []int16) {
	if tier == cpu.Generic {
		GenericPickUint8(dst, codes, rows, query)
	} else {
		pickUint8NEON(&dst[0], &codes[0], &rows[0], len(rows), &query[0], len(query))
	}
}

func sift(mask, codes []byte, facts []float32, stride int, s *Sieve) {
	m, c, f, q, of, rows := &mask[0], &codes[0], &facts[0], &s.Query[0], &s.numbers()[0], 8*len(mask)
	switch {
	case tier == cpu.Generic:
		GenericSift(mask, codes, facts, stride, s)
	case tier >= cpu.NEONDot:
		siftNEONDot(m, c, f, stride, q, of, rows)
	default:
		siftNEON(m, c, f, stride, q, of, rows)
	}
}
