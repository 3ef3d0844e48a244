//go:build !purego

package wave

import "unsafe"

// assembly says that this build has it.
const assembly = true

// short reports whether T is float32.
func short[T Float]() bool {
	var v T
	return unsafe.Sizeof(v) == 4
}

// at is where x begins, for the assembly, which knows what lies there.
func at[E any](x []E) *byte { return (*byte)(unsafe.Pointer(unsafe.SliceData(x))) }

func load[T Float](cells []Cell[T], frames *[Lanes][]float32, window []T) {
	n := 0
	if fast {
		n = len(window) &^ 7
	}
	switch {
	case n == 0:
	case short[T]():
		loadF32AVX2(at(cells), at(frames[:]), at(window), n)
	default:
		loadF64AVX2(at(cells), at(frames[:]), at(window), n)
	}
	if n == len(window) {
		return
	}
	var rest [Lanes][]float32
	for l, x := range frames {
		rest[l] = x[n:]
	}
	GenericLoad(cells[n/2:], &rest, window[n:])
}

func (p *pass[T]) do(y, x []Cell[T]) {
	if !fast {
		p.generic(y, x)
		return
	}
	kernel := twoF64AVX2
	switch {
	case p.radix == 5 && short[T]():
		kernel = fiveF32AVX2
	case p.radix == 5:
		kernel = fiveF64AVX2
	case p.radix == 4 && short[T]():
		kernel = fourF32AVX2
	case p.radix == 4:
		kernel = fourF64AVX2
	case short[T]():
		kernel = twoF32AVX2
	}
	kernel(at(y), at(x), at(p.w), p.m, p.stride)
}

func split[T Float](dst []Row[T], z []Cell[T], turns []turn[T]) {
	switch {
	case !fast:
		GenericSplit(dst, z, turns)
	case short[T]():
		splitF32AVX2(at(dst), at(z), at(turns), len(z))
	default:
		splitF64AVX2(at(dst), at(z), at(turns), len(z))
	}
}

func (b *Bank[T]) sums(dst, power []Row[T]) {
	switch {
	case !fast:
		b.GenericSums(dst, power)
	case short[T]():
		sumsF32AVX2(at(dst), at(power), &b.starts[0], &b.fours[0], at(b.weights), len(dst))
	default:
		sumsF64AVX2(at(dst), at(power), &b.starts[0], &b.fours[0], at(b.weights), len(dst))
	}
}

func roots[T Float](x []Row[T]) {
	switch {
	case !fast:
		GenericRoots(x)
	case short[T]():
		rootsF32AVX2(at(x), len(x))
	default:
		rootsF64AVX2(at(x), len(x))
	}
}

func logarithms[T Float](dst []float32, x []Row[T], g Log) {
	switch {
	case !fast:
		GenericLogs(dst, x, g)
	case short[T]():
		logF32AVX2(&dst[0], at(x), len(x), float32(g.Floor), float32(g.Offset), float32(g.Factor))
	default:
		logF64AVX2(&dst[0], at(x), len(x), g.Floor, g.Offset, g.Factor)
	}
}

func raise(x []float32, floor, add, factor float32) {
	n := 0
	if fast {
		n = len(x) &^ 7
	}
	if n > 0 {
		raiseAVX2(&x[0], n, floor, add, factor)
	}
	GenericRaise(x[n:], floor, add, factor)
}

func (p *Interpolation) values(dst, x []float32, phase int) {
	if !fast {
		p.GenericValues(dst, x, phase)
		return
	}
	valuesAVX2(&dst[0], &x[0], &p.Bank[0], p.Taps, len(dst), phase, p.Step/p.Phases, p.Step%p.Phases, p.Phases, float64(p.Fine)/float64(p.Phases))
}
