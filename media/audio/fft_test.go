package audio

import (
	"math"
	"testing"
)

// The power spectrum must be the definition's, in each lane for itself.
func TestPowerSpectrumIsTheDefinitions(t *testing.T) {
	for _, n := range []int{2, 4, 8, 10, 16, 20, 40, 50, 64, 400, 512, 1000, 1024} {
		f := newFFT(n)
		w := f.newWork()
		samples := noise(n*lanes, uint64(n))
		for i := range n / 2 {
			for l := range lanes {
				w.a[i].r[l], w.a[i].i[l] = float64(samples[l*n+2*i]), float64(samples[l*n+2*i+1])
			}
		}
		power := make([]row, n/2+1)
		f.power(power, w)
		for k := range power {
			for l := range lanes {
				var re, im float64
				for i, v := range samples[l*n : (l+1)*n] {
					s, c := math.Sincos(-2 * math.Pi * float64(i*k%n) / float64(n))
					re += float64(v) * c
					im += float64(v) * s
				}
				if want := re*re + im*im; math.Abs(power[k][l]-want) > 1e-12*float64(n*n) {
					t.Fatalf("%d samples, bin %d, lane %d: got %v, want %v", n, k, l, power[k][l], want)
				}
			}
		}
	}
}

// The logarithm must be math.Log's all but exactly.
func TestLogarithm(t *testing.T) {
	check := func(x float64) {
		got := row{x, x, x, x}
		ln(&got)
		want := math.Log(x)
		if d := math.Abs(got[3] - want); !(d <= 1e-15+4e-15*math.Abs(want)) {
			t.Errorf("ln %v: got %v, want %v, off by %v", x, got[3], want, d)
		}
	}
	for _, x := range []float64{1e-300, 1e-10, 0.5, 1 - 1e-16, 1, 1 + 1e-15, 1.9999999999, 2, 10, 1e300} {
		check(x)
	}
	for i := range 100000 {
		check(math.Exp(float64(i)/500 - 100))
	}
}

func BenchmarkFFT(b *testing.B) {
	for _, n := range []int{400, 512, 1024} {
		b.Run(map[int]string{400: "400", 512: "512", 1024: "1024"}[n], func(b *testing.B) {
			f := newFFT(n)
			w := f.newWork()
			power := make([]row, n/2+1)
			for b.Loop() {
				f.power(power, w)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lanes), "ns/frame")
		})
	}
}
