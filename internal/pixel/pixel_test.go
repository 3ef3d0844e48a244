package pixel

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

func needFast(t testing.TB) {
	if !Fast() {
		t.Skip("the assembly is not used here")
	}
}

func random(r *rand.Rand, n int) []uint8 {
	b := make([]uint8, n)
	for i := range b {
		b[i] = uint8(r.Uint32())
		switch r.IntN(8) {
		case 0:
			b[i] = 0
		case 1:
			b[i] = 255
		}
	}
	return b
}

// TestRows wants the assembly to write what its twins do, at every length, and nothing beyond.
func TestRows(t *testing.T) {
	needFast(t)
	r := rand.New(rand.NewPCG(1, 2))
	for n := 2; n < 150; n++ {
		a, b, c := random(r, n), random(r, n), random(r, n)
		for name, run := range map[string]func(dst []uint8){
			"across": func(dst []uint8) { Across(dst, a) },
			"around": func(dst []uint8) { Around(dst, a, b) },
			"above":  func(dst []uint8) { Down(dst, a, b, 1) },
			"below":  func(dst []uint8) { Down(dst, a, b, 2) },
			"ycc":    func(dst []uint8) { YCC(dst, a, b, c) },
		} {
			same(t, fmt.Sprintf("%s of %d", name, n), 3*n+64, run)
		}
	}
}

// same runs a kernel by the assembly and by its twin on destinations that hold the same before.
func same(t *testing.T, name string, size int, run func(dst []uint8)) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	x := random(r, size)
	y := bytes.Clone(x)
	run(x)
	back := UseGeneric()
	run(y)
	back()
	for i := range x {
		if x[i] != y[i] {
			t.Fatalf("%s: byte %d: %d, want %d", name, i, x[i], y[i])
		}
	}
}

// TestColours goes through all of YCbCr.
func TestColours(t *testing.T) {
	needFast(t)
	var y, cb, cr [256]uint8
	for i := range y {
		y[i] = uint8(i)
	}
	for u := range 256 {
		for v := range 256 {
			for i := range cb {
				cb[i], cr[i] = uint8(u), uint8(v)
			}
			var got, want [768]uint8
			YCC(got[:], y[:], cb[:], cr[:])
			GenericYCC(want[:], y[:], cb[:], cr[:])
			if got != want {
				t.Fatalf("Cb %d, Cr %d: %v, want %v", u, v, got, want)
			}
		}
	}
}

// blocks makes coefficients of every loudness, sparse and dense, flat ones among them.
func blocks(r *rand.Rand, n int) (coefs []int16, last []uint8, quant *[64]int16) {
	coefs, last, quant = make([]int16, 64*n), make([]uint8, n), new([64]int16)
	most := 1 + r.IntN(1<<r.IntN(16))
	for i := range quant {
		quant[i] = int16(r.IntN(most))
	}
	for i := range last {
		loud, share := 1+r.IntN(1<<r.IntN(16)), 1+r.IntN(20)
		limit := 64
		if r.IntN(3) == 0 {
			limit = 1 + r.IntN(8)
		}
		for k := range limit {
			if r.IntN(share) == 0 {
				coefs[64*i+k] = int16(r.IntN(2*loud+1) - loud)
				if k > 0 {
					last[i] = 63
				}
			}
		}
		coefs[64*i] = int16(r.IntN(2*loud+1) - loud)
	}
	return coefs, last, quant
}

func checkIDCT(t *testing.T, r *rand.Rand) {
	n := 2 * (1 + r.IntN(5))
	coefs, last, quant := blocks(r, n)
	stride := 8*n + r.IntN(9)
	for _, size := range []int{8, 4, 2, 1} {
		same(t, fmt.Sprint("size ", size), 8*stride+32, func(dst []uint8) {
			c := append([]int16(nil), coefs...)
			if size == 8 {
				IDCT(dst, stride, c, last, quant)
			} else {
				Reduce(dst, stride, c, last, quant, size)
			}
			for i, v := range c {
				if v != 0 {
					t.Fatalf("coefficient %d is left: %d", i, v)
				}
			}
		})
	}
}

func TestIDCT(t *testing.T) {
	needFast(t)
	r := rand.New(rand.NewPCG(5, 6))
	for range 20000 {
		checkIDCT(t, r)
	}
}

func FuzzIDCT(f *testing.F) {
	needFast(f)
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { checkIDCT(t, rand.New(rand.NewPCG(a, b))) })
}

// taps makes weights of every size for m outputs over n source positions.
func taps(r *rand.Rand, n, m int) *Taps {
	t := &Taps{Size: 1 + r.IntN(min(n, 60))}
	for range m {
		count := 1 + r.IntN(t.Size)
		t.First = append(t.First, int32(r.IntN(n-count+1)))
		t.Count = append(t.Count, int32(count))
		for j := range t.Size {
			w := 0
			if j < count {
				w = (r.IntN(5<<20) - 1<<20) / (1 + count/4) // sums stay inside 32 bits, and leave the samples' range
			}
			t.Weight = append(t.Weight, int32(w))
		}
	}
	t.Pack()
	return t
}

func TestResample(t *testing.T) {
	needFast(t)
	r := rand.New(rand.NewPCG(13, 14))
	for range 2000 {
		n, m, rows := 1+r.IntN(90), 1+r.IntN(40), 1+r.IntN(9)
		across, down := taps(r, n, m), taps(r, rows, 5)
		stride := 3*n + r.IntN(3)
		src := random(r, rows*stride+r.IntN(40))
		same(t, "Across", 3*m*rows+20, func(dst []uint8) { across.Across(dst, src, 3, stride, rows) })
		for i := range down.First {
			same(t, "Down", 3*n, func(dst []uint8) { down.Down(dst, src, stride, i) })
		}
	}
}

func BenchmarkResample(b *testing.B) {
	r := rand.New(rand.NewPCG(15, 16))
	const n, m, count, rows = 4000, 298, 54, 64
	across := &Taps{Size: count}
	for i := range m {
		across.First, across.Count = append(across.First, int32(i*(n-count)/m)), append(across.Count, count)
		for range count {
			across.Weight = append(across.Weight, int32(r.IntN(1<<17)))
		}
	}
	across.Pack()
	src, dst := random(r, 3*n*rows+16), make([]uint8, 3*n*rows)
	b.Run("Across", func(b *testing.B) {
		b.SetBytes(3 * n * rows)
		for b.Loop() {
			across.Across(dst, src, 3, 3*n, rows)
		}
	})
	b.Run("Down", func(b *testing.B) { // 54 rows for each row of the result
		b.SetBytes(3 * m * count)
		for b.Loop() {
			across.Down(dst[:3*m], src, 3*m, 0)
		}
	})
}

func BenchmarkIDCT(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	const n = 64
	var coefs, work [64 * n]int16
	var last [n]uint8
	quant := new([64]int16)
	for i := range last {
		last[i] = 20
		for k := range 20 {
			coefs[64*i+k] = int16(r.IntN(9) - 4)
		}
	}
	for i := range quant {
		quant[i] = int16(5 + i)
	}
	dst := make([]uint8, 64*n)
	b.SetBytes(64 * n)
	for b.Loop() {
		work = coefs
		IDCT(dst, 8*n, work[:], last[:], quant)
	}
}

func BenchmarkRows(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	const n = 4000
	y, u, v := random(r, n), random(r, n), random(r, n)
	dst := make([]uint8, 3*n)
	for name, run := range map[string]func(){
		"YCC":    func() { YCC(dst, y, u, v) },
		"Across": func() { Across(dst, y[:n/2]) },
		"Around": func() { Around(dst, y[:n/2], u) },
		"Down":   func() { Down(dst, y, u, 1) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(n)
			for b.Loop() {
				run()
			}
		})
	}
}
