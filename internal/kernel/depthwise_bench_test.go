package kernel

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// BenchmarkDepthwise is the layers of EfficientNet-Lite0, in multiply-adds a nanosecond of processor time, the best of all runs.
func BenchmarkDepthwise(b *testing.B) {
	for _, c := range []depthCase{{1, 112, 112, 32, 3, 1, -1}, {1, 112, 112, 96, 3, 2, -1}, {1, 56, 56, 144, 3, 1, -1}, {1, 28, 28, 240, 5, 1, -1}, {1, 14, 14, 480, 3, 1, -1}, {1, 14, 14, 672, 5, 1, -1}, {1, 7, 7, 1152, 5, 1, -1}} {
		rows, cols := NewSide(c.h, c.k, c.stride, c.pad), NewSide(c.w, c.k, c.stride, c.pad)
		r := seeded(1)
		d := &Depthwise{X: random(r, c.h*c.w*c.c), Out: make([]float32, rows.Out*cols.Out*c.c), Taps: random(r, c.k*c.k*c.c), C: c.c, Stride: c.stride, Rows: rows, Cols: cols, Act: ReLU6}
		b.Run(fmt.Sprintf("%dx%dx%d of %d by %d", c.h, c.w, c.c, c.k, c.stride), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			least := time.Hour
			for b.Loop() {
				start := threadTime()
				for i := range d.Plan() {
					d.Run(i)
				}
				least = min(least, threadTime()-start)
			}
			b.ReportMetric(float64(len(d.Out)*c.k*c.k)/float64(least.Nanoseconds()), "mul-add/ns")
		})
	}
}
