//go:build !purego

package kernel

import "github.com/chiasm/chiasm/internal/cpu"

// stripSize is the columns of a panel of keys and values, and the rows of a strip at most.
func stripSize(t cpu.Tier) (width, height int) {
	if t >= cpu.AVX512 {
		return 32, 8
	}
	return 16, 6
}

// readsHalf: scores and weighted take keys and values in half precision.
const readsHalf = true

func scores(t cpu.Tier, s *strip, half bool) {
	switch {
	case t >= cpu.AVX512 && half:
		scoresHalfAVX512(s)
	case t >= cpu.AVX512:
		scoresAVX512(s)
	case half:
		scoresHalfAVX2(s)
	default:
		scoresAVX2(s)
	}
}

func weigh(t cpu.Tier, s *strip) {
	if t >= cpu.AVX512 {
		weighAVX512(s)
	} else {
		weighAVX2(s)
	}
}

func weighted(t cpu.Tier, s *strip, half bool) {
	switch {
	case t >= cpu.AVX512 && half:
		valuesHalfAVX512(s)
	case t >= cpu.AVX512:
		valuesAVX512(s)
	case half:
		valuesHalfAVX2(s)
	default:
		valuesAVX2(s)
	}
}

// packKeys writes n rows of d values, ld bytes apart, as columns of panels of size bytes. d is a multiple of the lanes, and not 0.
func packKeys(t cpu.Tier, dst, src *float32, size, ld, n, d int) {
	if t >= cpu.AVX512 {
		packKeysAVX512(dst, src, size, ld, n, d)
	} else {
		packKeysAVX2(dst, src, size, ld, n, d)
	}
}

// packValues copies n rows of d values, ld bytes apart, to rows without gaps. d is a multiple of the width of a panel, and not 0.
func packValues(t cpu.Tier, dst, src *float32, ld, n, d int) {
	if t >= cpu.AVX512 {
		packValuesAVX512(dst, src, ld, n, d)
	} else {
		packValuesAVX2(dst, src, ld, n, d)
	}
}
