package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// eachTier runs test once per tier of this machine and build.
func eachTier(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	for _, tier := range Tiers() {
		t.Run(tier.String(), func(t *testing.T) {
			defer Use(tier)()
			test(t)
		})
	}
}

const (
	eps32 = 0x1p-23
	guard = -12345.5
)

// guarded is n floats at offset off of a cache line, with guard values around them.
func guarded(n, off int) (s []float32, check func(t *testing.T)) {
	all := aligned(n + off + 40)
	for i := range all {
		all[i] = guard
	}
	lo, hi := 16+off, 16+off+n
	return all[lo:hi:hi], func(t *testing.T) {
		t.Helper()
		for i, v := range all {
			if (i < lo || i >= hi) && v != guard {
				t.Fatalf("length %d, offset %d: wrote %v at %d", n, off, v, i-lo)
			}
		}
	}
}

// spans calls test for lengths 0 to 200 and four offsets, one of them odd.
func spans(test func(n, off int)) {
	for n := range 201 {
		for _, off := range []int{0, 1, 6, 8} {
			test(n, off)
		}
	}
}

func random(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

func seeded(n int) *rand.Rand { return rand.New(rand.NewPCG(uint64(n), 7)) }

// near fails unless got is within tol of want, or both are the same Inf or both NaN.
func near(t *testing.T, what string, got float32, want, tol float64) {
	t.Helper()
	switch {
	case math.IsNaN(want):
		if got != got {
			return
		}
	case float64(got) == want:
		return
	case math.Abs(float64(got)-want) <= tol:
		return
	}
	t.Fatalf("%s: got %v, want %v within %v", what, got, want, tol)
}

// mustPanic runs f and wants an ArgumentError.
func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if _, ok := recover().(*ArgumentError); !ok {
			t.Errorf("%s: no ArgumentError", what)
		}
	}()
	f()
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: value %d is %v, want %v to the bit", what, i, got[i], want[i])
		}
	}
}

var nan, inf = float32(math.NaN()), float32(math.Inf(1))
