package kernel

import (
	"fmt"
	"slices"

	"github.com/chiasm/chiasm/internal/cpu"
)

// tier is the kernel switch: which instructions the kernels use.
var tier = cpu.Level()

// triedTier is the tier of the kernels of attention and of Sift. Those for AVX-512 have not run on a real processor yet: AVX2 stands in for them
// unless CHIASM_CPU names a tier.
var triedTier = triedTierOf(tier)

func triedTierOf(t cpu.Tier) cpu.Tier {
	if name, _ := cpu.Forced(); name == "" && t >= cpu.AVX512 && t <= cpu.AMX {
		return cpu.AVX2
	}
	return t
}

// Tier is the tier that the kernels use.
func Tier() cpu.Tier { return tier }

// Tiers lists the tiers that this build can run on this machine, best first; Generic is always the last.
func Tiers() []cpu.Tier {
	all := slices.Clone(cpu.Offered())
	slices.Reverse(all)
	return all
}

// Use makes the kernels use tier t, which must be one of Tiers, and returns a function that goes back to the tier before. It is for
// tests and benchmarks: no kernel may be running, and what was packed before keeps its own layout.
func Use(t cpu.Tier) (back func()) {
	if !slices.Contains(cpu.Offered(), t) {
		panic(&ArgumentError{"use", fmt.Sprintf("expected one of the tiers %v, got %v", cpu.Offered(), t)})
	}
	before, tried := tier, triedTier
	tier, triedTier = t, t
	return func() { tier, triedTier = before, tried }
}

// An ArgumentError is a mistake of the caller: lengths that do not fit each other. Functions of this package panic with it.
type ArgumentError struct{ Op, Text string }

func (e *ArgumentError) Error() string { return "kernel: " + e.Op + ": " + e.Text }

// need panics with an ArgumentError unless ok.
func need(ok bool, op, format string, got, want int) {
	if !ok {
		panic(&ArgumentError{op, fmt.Sprintf(format, want, got)})
	}
}

// sameLength checks that a slice of length got is as long as the result.
func sameLength(op string, got, want int) {
	need(got == want, op, "expected %d values, got %d", got, want)
}

// wholeRows checks a destination and a source of rows of length c, and returns how many there are.
func wholeRows(op string, dst, x []float32, c int) int {
	sameLength(op, len(x), len(dst))
	if len(dst) == 0 {
		return 0
	}
	need(c > 0 && len(dst)%c == 0, op, "expected whole rows of %d values, got %d", len(dst), c)
	return len(dst) / c
}
