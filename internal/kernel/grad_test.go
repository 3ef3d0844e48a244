package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// The derivative of every activation over its range, against differences of the definition in float64.
func TestActivateGrad(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for name, act := range activationsByName {
			var x, dy []float32
			for v := -100.0; v <= 100; v += 0.0137 {
				x, dy = append(x, float32(v)), append(dy, float32(math.Cos(v)))
			}
			dx := make([]float32, len(x))
			ActivateGrad(act, dx, dy, x)
			for i, v := range x {
				const h = 1e-4
				f := func(d float64) float64 { return activation64(act, float64(v)+d) }
				want := float64(dy[i]) * (8*(f(h)-f(-h)) - (f(2*h) - f(-2*h))) / (12 * h)
				kinks := map[Activation][]float64{ReLU: {0}, ReLU6: {0, 6}, HardSwish: {-3, 3}}
				if slices.ContainsFunc(kinks[act], func(k float64) bool { return math.Abs(float64(v)-k) < 3*h }) {
					continue
				}
				near(t, name, dx[i], want, 2e-6)
			}
			same := append([]float32(nil), dy...)
			ActivateGrad(act, same, same, x)
			sameBits(t, name+" in place", same, dx)
		}
	})
}

func TestTransposeAndSum(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, size := range [][2]int{{1, 1}, {3, 17}, {8, 8}, {64, 5}, {33, 70}} {
			rows, cols := size[0], size[1]
			ld := cols + 3
			x := random(seeded(rows), rows*ld)
			dst, check := guarded(rows*cols, 1)
			Transpose(dst, x, rows, cols, ld)
			check(t)
			var sum float64
			for i, v := range dst {
				if want := x[i%rows*ld+i/rows]; v != want {
					t.Fatalf("%v: value %d is %v, want %v", size, i, v, want)
				}
				sum += float64(v)
			}
			near(t, "sum", Sum(dst), sum, 1e-4)
		}
		if Sum(nil) != 0 {
			t.Error("the sum of nothing is not 0")
		}
	})
}

// A product with the transpose of a matrix, packed in the caller's memory, is that with the matrix packed as a weight.
func TestTurned(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, f := range []Format{F32, BF16} {
			for _, size := range [][2]int{{1, 1}, {5, 17}, {70, 33}, {64, 96}} {
				n, k, m := size[0], size[1], 9
				r := seeded(n)
				b, a := random(r, k*(n+2)), random(r, m*k)
				rows := make([]float32, n*k)
				Transpose(rows, b, k, n, n+2)
				w := NewPacked(n, k, f)
				w.SetRows(0, rows)
				var turned Turned
				memory := aligned(TurnedSpace(n, k, f))
				for i := range memory {
					memory[i] = float32(math.NaN()) // as of another use
				}
				for i := range turned.Plan(n, k, f, b, n+2, memory) {
					turned.Run(i)
				}
				sameBits(t, f.String(), productOf(&turned.Packed, a, m), productOf(w, a, m))
			}
		}
	})
}

// productOf is a·wᵀ for a of m rows.
func productOf(w *Packed, a []float32, m int) []float32 {
	g := Gemm{C: make([]float32, m*w.N), LDC: w.N, A: a, LDA: w.K, M: m, W: []*Packed{w}}
	g.Buffer = aligned(g.Space())
	convert := (*Convert)(&g)
	for i := range convert.Plan(1) {
		convert.Run(i)
	}
	for i := range g.Plan(1) {
		g.Run(i)
	}
	return g.C
}

// A step of Adam gives the same bits on every tier, and is Adam.
func TestAdam(t *testing.T) {
	const n = 1003
	a := Adam{Shorten: 0.5, Keep1: 0.9, Take1: 0.1, Keep2: 0.98, Take2: 0.02, Shrink: 0.999, Rate: 1e-2, Correct: 1.3, Eps: 1e-6}
	make4 := func() (s [4][]float32) {
		r := seeded(7)
		for i := range s {
			s[i] = random(r, n)
		}
		for i, v := range s[3] {
			s[3][i] = v * v
		}
		return s
	}
	want := make4()
	genericAdam(&a, want[0], want[1], want[2], want[3])
	was := make4()
	for i := range n {
		g := float64(was[1][i]) / 2
		first, second := 0.9*float64(was[2][i])+0.1*g, 0.98*float64(was[3][i])+0.02*g*g
		near(t, "value", want[0][i], 0.999*float64(was[0][i])-1e-2*first/(1.3*math.Sqrt(second)+1e-6), 1e-6)
	}
	eachTier(t, func(t *testing.T) {
		got := make4()
		a.Step(got[0], got[1], got[2], got[3])
		for i := range got {
			sameBits(t, "array", got[i], want[i])
		}
	})
}

// The derivative by a small weight of a product of many rows, in blocks of rows, is that by the definition.
func TestWeightGrad(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, size := range [][3]int{{1, 1, 1}, {300, 5, 3}, {2*weightRows + 77, 19, 7}} {
			m, n, k := size[0], size[1], size[2]
			r := seeded(m)
			for f, tolerance := range map[Format]float64{F32: 1e-3, BF16: 1} {
				g := &WeightGrad{DY: random(r, m*n), X: random(r, m*k), M: m, N: n, K: k, Format: f}
				chunks := g.Plan()
				var check func(*testing.T)
				g.Sums, check = guarded(chunks*(n*k+n), 1)
				for i := range chunks {
					g.Run(i)
				}
				check(t)
				for i := range n*k + n {
					var got, want float64
					for chunk := range chunks {
						got += float64(g.Sums[chunk*(n*k+n)+i])
					}
					for row := range m {
						if i < n*k {
							want += float64(g.DY[row*n+i/k]) * float64(g.X[row*k+i%k])
						} else {
							want += float64(g.DY[row*n+i-n*k])
						}
					}
					near(t, fmt.Sprint("derivative ", i, " of ", size, " in ", f), float32(got), want, tolerance)
				}
			}
		}
	})
}
