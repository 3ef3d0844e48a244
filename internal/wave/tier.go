package wave

import "github.com/chiasm/chiasm/internal/cpu"

// fast is the kernel switch: whether the assembly is used.
var fast = assembly && cpu.Level() >= cpu.AVX2

// Fast reports whether the assembly is used.
func Fast() bool { return fast }

// UseGeneric makes the kernels use their twins, and returns a function that goes back to what was before. It is for tests
// and benchmarks: no kernel may be running.
func UseGeneric() (back func()) {
	before := fast
	fast = false
	return func() { fast = before }
}
