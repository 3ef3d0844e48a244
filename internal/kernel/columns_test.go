package kernel

import (
	"math"
	"testing"
)

// A row of several narrow ones, its numbers repeated and its end cut off, is the same as its parts.
func TestColumns(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, size := range [][3]int{{1, 1, 1}, {7, 3, 1}, {9, 16, 1}, {11, 5, 4}, {70, 37, 1}, {5, 24, 3}} {
			rows, c, repeat := size[0], size[1], size[2]
			r := seeded(rows * c)
			x, g := random(r, rows*c), random(r, rows*c)
			mean, scale, shift, a, b, d := random(r, c), random(r, c), random(r, c), random(r, c), random(r, c), random(r, c)
			wide := func(v []float32) (w []float32) {
				for range repeat {
					w = append(w, v...)
				}
				return w
			}
			const low, high = -0.5, 0.75
			normed, check := guarded(rows*c, 1)
			ColumnNorm(normed, x, wide(mean), wide(scale), wide(shift), low, high)
			check(t)
			gated := append([]float32(nil), g...)
			sum, along := make([]float32, repeat*c), make([]float32, repeat*c)
			ColumnGate(gated, sum, along, x, wide(mean), wide(scale), wide(shift), low, high)
			blended, check := guarded(rows*c, 3)
			ColumnBlend(blended, g, x, wide(mean), wide(a), wide(b), wide(d))
			check(t)
			sums, alongs := make([]float64, c), make([]float64, c)
			for i, v := range x {
				j := i % c
				centred := float64(v) - float64(mean[j])
				y := centred*float64(scale[j]) + float64(shift[j])
				near(t, "norm", normed[i], math.Max(low, math.Min(high, y)), 1e-5)
				gate := float64(g[i])
				if y <= low || y >= high {
					gate = 0
				}
				near(t, "gate", gated[i], gate, 0)
				sums[j] += gate
				alongs[j] += gate * centred
				near(t, "blend", blended[i], float64(g[i])*float64(a[j])+centred*float64(b[j])+float64(d[j]), 1e-5)
			}
			for j := range c {
				for i := 1; i < repeat; i++ {
					sum[j] += sum[i*c+j]
					along[j] += along[i*c+j]
				}
				near(t, "sum", sum[j], sums[j], 1e-4)
				near(t, "along", along[j], alongs[j], 1e-4)
			}
			moments, squares := make([]float32, c), make([]float32, c)
			ColumnMoments(moments, squares, x)
			for j := range c {
				m, s := 0.0, 0.0
				for i := j; i < len(x); i += c {
					m += float64(x[i]) / float64(rows)
				}
				for i := j; i < len(x); i += c {
					s += (float64(x[i]) - m) * (float64(x[i]) - m)
				}
				near(t, "mean", moments[j], m, 1e-5)
				near(t, "squares", squares[j], s, 1e-4)
			}
		}
	})
	mustPanic(t, "columns", func() {
		ColumnNorm(make([]float32, 4), make([]float32, 4), make([]float32, 2), make([]float32, 1), make([]float32, 2), 0, 1)
	})
	mustPanic(t, "rows", func() { ColumnMoments(make([]float32, 3), make([]float32, 3), make([]float32, 4)) })
}
