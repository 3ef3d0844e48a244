package kernel

import (
	"time"

	"github.com/chiasm/chiasm/internal/cpu"
)

// RegisterLoop does nothing but the multiply-adds of a product in format f in registers, steps times as many as are independent of each
// other, and returns how many operations that was, two each. Timed, it is the peak of one core at the present tier: what a matrix product
// is measured by.
func RegisterLoop(f Format, steps int) (ops int) {
	need(f < formats, "register loop", "expected a format below %d, got %d", int(f), int(formats))
	return registerLoop(layoutOf(tier, f), max(steps, 1))
}

// ReadLoop reads every value of x, whose length should be a multiple of 128, and returns the number of bytes that was. Timed with an
// x larger than the caches it is the bandwidth of the memory for one core.
func ReadLoop(x []float32) (bytes int) {
	if n := len(x) / 128 * 128; n > 0 {
		readLoop(x[:n])
		return 4 * n
	}
	return 0
}

// Peak is the operations a second of RegisterLoop on the calling core, a multiply-add being two: the best of five short runs, some 3 ms
// in all.
func Peak(f Format) float64 {
	steps := 1000
	if tier > cpu.Generic {
		steps = 50000
	}
	best := 0.0
	for range 5 {
		start := time.Now()
		ops := RegisterLoop(f, steps)
		best = max(best, float64(ops)/time.Since(start).Seconds())
	}
	return best
}

// ReadBandwidth is the bytes a second at which the calling core reads x, the best of three passes.
func ReadBandwidth(x []float32) float64 {
	best := 0.0
	for range 3 {
		start := time.Now()
		bytes := ReadLoop(x)
		best = max(best, float64(bytes)/time.Since(start).Seconds())
	}
	return best
}

// fmaLoopGeneric is the same in plain Go, as dot2x4 does it: eight sums.
func fmaLoopGeneric(steps int) (flops int) {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	x, y := float32(0.5), float32(0.25)
	for range steps {
		s0 += x * y
		s1 += x * y
		s2 += x * y
		s3 += x * y
		s4 += x * y
		s5 += x * y
		s6 += x * y
		s7 += x * y
		x, y = y, x
	}
	if s0+s1+s2+s3+s4+s5+s6+s7 < 0 {
		panic("kernel: a sum of positive numbers is negative")
	}
	return 16 * steps
}

func readLoopGeneric(x []float32) {
	var s0, s1, s2, s3 float32
	for i := 0; i+4 <= len(x); i += 4 {
		s0, s1, s2, s3 = max(s0, x[i]), max(s1, x[i+1]), max(s2, x[i+2]), max(s3, x[i+3])
	}
	if s0+s1+s2+s3 < 0 {
		panic("kernel: the largest of zero and others is negative")
	}
}
