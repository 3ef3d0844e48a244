package wave

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// eachWay runs the test with the assembly, where there is some, and with the twins.
func eachWay(t *testing.T, test func(t *testing.T)) {
	if Fast() {
		t.Run("assembly", test)
	}
	t.Run("generic", func(t *testing.T) {
		defer UseGeneric()()
		test(t)
	})
}

// frames are random samples for every lane, loaded with a window of ones.
func frames[T Float](f *FFT[T], seed uint64) (*[Lanes][]float32, *Work[T]) {
	r := rand.New(rand.NewPCG(seed, 1))
	var x [Lanes][]float32
	window := make([]T, f.n)
	for i := range window {
		window[i] = 1
	}
	for l := range x {
		x[l] = make([]float32, f.n)
		for i := range x[l] {
			x[l][i] = 2*r.Float32() - 1
		}
	}
	w := f.NewWork()
	f.Load(w, &x, window)
	return &x, w
}

// The power spectrum must be the definition's, in each lane for itself.
func TestPowerSpectrumIsTheDefinitions(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		for _, n := range []int{2, 4, 8, 10, 16, 20, 40, 50, 64, 100, 250, 400, 512, 1000, 1024} {
			checkPower[float32](t, n, 1e-6)
			checkPower[float64](t, n, 1e-14)
		}
	})
}

func checkPower[T Float](t *testing.T, n int, within float64) {
	f := NewFFT[T](n)
	x, w := frames(f, uint64(n))
	power := make([]Row[T], n/2+1)
	f.Power(power, w)
	for k := range power {
		for l := range Lanes {
			var re, im, energy float64
			for i, v := range x[l] {
				s, c := math.Sincos(-2 * math.Pi * float64(i*k%n) / float64(n))
				re += float64(v) * c
				im += float64(v) * s
				energy += float64(v) * float64(v)
			}
			if want := re*re + im*im; !(math.Abs(float64(power[k][l])-want) <= within*float64(n)*energy) {
				t.Fatalf("%T, %d samples, bin %d, lane %d: got %v, want %v", power[0], n, k, l, power[k][l], want)
			}
		}
	}
}

// A frame shorter than the transform is windowed, and zeros follow whatever was there before.
func TestLoad(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		for n := 2; n <= 64; n += 2 {
			checkLoad[float32](t, n)
			checkLoad[float64](t, n)
		}
	})
}

func checkLoad[T Float](t *testing.T, n int) {
	f := NewFFT[T](64)
	x, w := frames(f, 9)
	window := make([]T, n)
	for i := range window {
		window[i] = 1 / T(i+1)
	}
	for l := range x {
		x[l] = x[l][:n]
	}
	f.Load(w, x, window)
	for i := range 64 {
		for l := range Lanes {
			got, want := w.a[i/2].R[l], T(0)
			if i%2 > 0 {
				got = w.a[i/2].I[l]
			}
			if i < n {
				want = T(x[l][i]) * window[i]
			}
			if got != want {
				t.Fatalf("%T, %d samples, sample %d of lane %d: got %v, want %v", got, n, i, l, got, want)
			}
		}
	}
}

// Sums must weigh what they are told to, whatever the lengths of filters.
func TestSums(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		checkSums[float32](t, 1e-6)
		checkSums[float64](t, 1e-14)
	})
}

func checkSums[T Float](t *testing.T, within float64) {
	r := rand.New(rand.NewPCG(3, 4))
	const bins = 40
	var starts []int
	var weights [][]float64
	for n := range 20 {
		w := make([]float64, n)
		for i := range w {
			w[i] = r.Float64()
		}
		starts, weights = append(starts, r.IntN(bins-n+1)), append(weights, w)
	}
	starts, weights = append(starts, bins-1), append(weights, []float64{1})
	b := NewBank[T](starts, weights)
	power, sums := b.NewPower(bins), make([]Row[T], b.Filters())
	for k := range bins {
		for l := range Lanes {
			power[k][l] = T(r.Float64())
		}
	}
	b.Sums(sums, power)
	for i, w := range weights {
		for l := range Lanes {
			want := 0.0
			for k, v := range w {
				want += v * float64(power[starts[i]+k][l])
			}
			if !(math.Abs(float64(sums[i][l])-want) <= within*(1+want)) {
				t.Errorf("%T, filter %d, lane %d: got %v, want %v", sums[0], i, l, sums[i][l], want)
			}
		}
	}
}

// What is written must be the logarithm.
func TestLogarithms(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		checkLogs[float32](t, 5e-7, 2e-7)
		checkLogs[float64](t, 1e-12, 6e-8) // which is the rounding to 32 bits
	})
}

func checkLogs[T Float](t *testing.T, absolute, relative float64) {
	check := func(g Log, x ...float64) {
		t.Helper()
		rows := make([]Row[T], (len(x)+Lanes-1)/Lanes)
		for i := range Lanes * len(rows) {
			rows[i/Lanes][i%Lanes] = T(x[min(i, len(x)-1)])
		}
		dst := make([]float32, Lanes*len(rows))
		Logs(dst, rows, g)
		for i := range x {
			want := g.Factor * math.Log(max(float64(rows[i/Lanes][i%Lanes]), g.Floor)+g.Offset)
			if d := math.Abs(float64(dst[i]) - want); !(d <= absolute*g.Factor+relative*math.Abs(want)) {
				t.Errorf("%T, %+v of %v: got %v, want %v, off by %v", rows[0][0], g, x[i], dst[i], want, d)
			}
		}
	}
	check(Log{Factor: 1}, 1e-37, 1e-10, 0.5, 1-1e-16, 1, 1+1e-15, 1.9999999999, 2, 10, 1e37)
	check(Log{Floor: 1e-10, Factor: 10 / math.Ln10}, 0, 1e-11, 1e-9, 3)
	check(Log{Offset: 1e-3, Factor: 1}, 0, 1e-11, 1e-3, 3, 4, 5)
	var many []float64
	for i := range 80000 {
		many = append(many, math.Exp(float64(i)/500-80))
	}
	check(Log{Factor: 1}, many...)
}

// The twin's logarithm is math.Log's all but exactly.
func TestLn(t *testing.T) {
	for i := range 100000 {
		x := math.Exp(float64(i)/500 - 100)
		got, want := ln(x), math.Log(x)
		if d := math.Abs(got - want); !(d <= 1e-15+4e-15*math.Abs(want)) {
			t.Errorf("ln %v: got %v, want %v, off by %v", x, got, want, d)
		}
	}
}

func TestRootsAndRaise(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		for n := range 40 {
			checkRoots[float32](t, n)
			checkRoots[float64](t, n)
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(i) - 20
			}
			Raise(x, -3, 4, 0.25)
			for i, v := range x {
				if want := (max(float32(i)-20, -3) + 4) / 4; v != want {
					t.Errorf("raised: got %v, want %v", v, want)
				}
			}
		}
	})
}

func checkRoots[T Float](t *testing.T, n int) {
	rows := make([]Row[T], n)
	for i := range rows {
		rows[i] = Row[T]{T(i), 1, 4, 2, 9, 0, 16, 25}
	}
	Roots(rows)
	for i, got := range rows {
		if want := (Row[T]{T(math.Sqrt(float64(i))), 1, 2, T(math.Sqrt2), 3, 0, 4, 5}); got != want {
			t.Errorf("roots: got %v, want %v", got, want)
		}
	}
}

// Values must be what the two filters around each place give, and the samples that they need be just enough.
func TestInterpolation(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for _, c := range [][2]int{{441, 160}, {160, 441}, {7, 7}, {1, 3}, {50, 3}} {
			for taps := 8; taps <= 32; taps += 8 {
				p := Interpolation{Step: c[0], Phases: c[1], Taps: taps, Fine: 5, Bank: make([]float32, 6*taps)}
				for i := range p.Bank {
					p.Bank[i] = r.Float32()
				}
				phase, dst := r.IntN(c[1]), make([]float32, 50)
				x := make([]float32, (phase+49*c[0])/c[1]+taps)
				for i := range x {
					x[i] = r.Float32()
				}
				p.Values(dst, x, phase)
				for i, got := range dst {
					at := phase + i*c[0]
					place := float64(at%c[1]) / float64(c[1]) * 5
					row, want := int(place), 0.0
					for k := range taps {
						low, high := float64(p.Bank[row*taps+k]), float64(p.Bank[(row+1)*taps+k])
						want += float64(x[at/c[1]+k]) * (low + (place-float64(row))*(high-low))
					}
					if math.Abs(float64(got)-want) > 1e-5 {
						t.Fatalf("%v, %d taps, value %d: got %v, want %v", c, taps, i, got, want)
					}
				}
			}
		}
	})
}

func TestCallersMistakesPanic(t *testing.T) {
	f := NewFFT[float64](8)
	for name, do := range map[string]func(){
		"an odd size":       func() { NewFFT[float32](14) },
		"frames too long":   func() { f.Load(f.NewWork(), &[Lanes][]float32{}, make([]float64, 8)) },
		"no space for bins": func() { f.Power(nil, f.NewWork()) },
		"too few samples": func() {
			(&Interpolation{1, 1, 8, 1, make([]float32, 16)}).Values(make([]float32, 2), make([]float32, 8), 0)
		},
		"no space for logs": func() { Logs(nil, make([]Row[float64], 1), Log{}) },
		"no power": func() {
			NewBank[float32]([]int{3}, [][]float64{{1}}).Sums(make([]Row[float32], 1), make([]Row[float32], 3))
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("expected a panic")
				}
			}()
			do()
		})
	}
}

func BenchmarkPower(b *testing.B) {
	for _, n := range []int{400, 512, 1024} {
		b.Run(fmt.Sprint("f32-", n), benchmarkPower[float32](n))
		b.Run(fmt.Sprint("f64-", n), benchmarkPower[float64](n))
	}
}

func benchmarkPower[T Float](n int) func(b *testing.B) {
	return func(b *testing.B) {
		f := NewFFT[T](n)
		_, w := frames(f, 1)
		power := make([]Row[T], n/2+1)
		for b.Loop() {
			f.Power(power, w)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*Lanes), "ns/frame")
	}
}
