package pixel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestHalve(t *testing.T) {
	needFast(t)
	r := rand.New(rand.NewPCG(5, 6))
	for n := range 70 {
		up, down := random(r, 6*n), random(r, 6*n)
		same(t, fmt.Sprint("pixels ", n), 3*n+64, func(dst []uint8) { Halve(dst[:3*n], up, down) })
	}
}

// TestForward compares with the sums that define the cosine transform, and the assembly with its twin.
func TestForward(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 50 {
		var x, factors [64]float32
		for i := range x {
			x[i] = float32(r.IntN(256) - 128)
			factors[i] = float32(1 / (8 * CosineScales[i/8] * CosineScales[i%8] * float64(1+r.IntN(40))))
		}
		var got, generic [64]int16
		Forward(&got, &x, &factors)
		GenericForward(&generic, &x, &factors)
		if got != generic {
			t.Fatalf("%v, want %v", got, generic)
		}
		for u := range 8 {
			for v := range 8 {
				var sum float64
				for i, s := range x {
					sum += float64(s) * math.Cos(float64(2*(i%8)+1)*float64(u)*math.Pi/16) * math.Cos(float64(2*(i/8)+1)*float64(v)*math.Pi/16)
				}
				scale := 2.0
				if u == 0 {
					scale /= math.Sqrt2
				}
				if v == 0 {
					scale /= math.Sqrt2
				}
				want := sum * scale * CosineScales[u] * CosineScales[v] * float64(factors[8*u+v])
				if d := float64(got[8*u+v]) - want; math.Abs(d) > 0.501 {
					t.Fatalf("row %d, column %d: %d, want %v", v, u, got[8*u+v], want)
				}
			}
		}
	}
}
