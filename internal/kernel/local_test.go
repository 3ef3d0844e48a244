package kernel

import (
	"fmt"
	"math"
	"testing"
)

// TestLocal compares with plain attention in float64.
func TestLocal(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(30)
		const heads, d, n = 3, 10, 3 * 10
		for _, c := range []struct{ before, after, distances, own int }{{4, 0, 5, 4}, {3, 2, 4, 2}, {0, 0, 0, 0}, {100, 100, 7, 1}} {
			a := Local{
				Heads: heads, D: d, Starts: []int32{0, 1, 1, 40, 59}, Before: c.before, After: c.after, Own: c.own,
				Q: random(r, 59*n), K: random(r, 59*n), V: random(r, 59*n), Out: make([]float32, 59*n),
				Rel: random(r, c.distances*n), QScale: random(r, d), KScale: 0.7, Cap: 2,
			}
			chunks := a.Plan()
			for i := range chunks {
				a.Run(chunks - 1 - i) // in any order
			}
			for s := range 4 {
				for row := int(a.Starts[s]); row < int(a.Starts[s+1]); row++ {
					k0, k1 := max(int(a.Starts[s]), row-c.before), min(int(a.Starts[s+1]), row+c.after+1)
					for h := range heads {
						var sum float64
						want := make([]float64, d)
						for k := k0; k < k1; k++ {
							score := 0.0
							for i := range d {
								key := 0.7 * float64(a.K[k*n+h*d+i])
								if at := c.own + k - row; at >= 0 && at < c.distances {
									key += float64(a.Rel[at*n+h*d+i])
								}
								score += float64(a.Q[row*n+h*d+i]) * float64(a.QScale[i]) * key
							}
							w := math.Exp(2 * math.Tanh(score/2))
							sum += w
							for i := range d {
								want[i] += w * float64(a.V[k*n+h*d+i])
							}
						}
						for i := range d {
							near(t, fmt.Sprintf("%+v: row %d head %d", c, row, h), a.Out[row*n+h*d+i], want[i]/sum, 1e-5)
						}
					}
				}
			}
		}
	})
	mustPanic(t, "local attention without rows", func() { (&Local{Heads: 1, D: 2, Starts: []int32{0, 1}, QScale: make([]float32, 2)}).Plan() })
}
