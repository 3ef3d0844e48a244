package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// TestToBF16RoundsLikeItsTwin is over every sign, exponent and mantissa of a bfloat16 with what lies behind it, and over all lengths.
// Subnormal numbers may become zero.
func TestToBF16RoundsLikeItsTwin(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		var x []float32
		for top := range uint32(1 << 16) {
			for _, rest := range []uint32{0, 1, 0x7fff, 0x8000, 0x8001, 0xffff} {
				x = append(x, math.Float32frombits(top<<16|rest))
			}
		}
		got, want := make([]byte, 2*len(x)), make([]byte, 2*len(x))
		toBF16(got, x)
		GenericToBF16(want, x)
		for i, v := range x {
			g, w := binary.LittleEndian.Uint16(got[2*i:]), binary.LittleEndian.Uint16(want[2*i:])
			bits := math.Float32bits(v)
			zero := bits&0x7f800000 == 0 && g == uint16(bits>>16)&0x8000
			if g != w && !zero {
				t.Fatalf("%#08x becomes %#04x, want %#04x", bits, g, w)
			}
		}
		for n := range 100 {
			dst := make([]byte, 2*n+7)
			for i := range dst {
				dst[i] = 1
			}
			toBF16(dst, x[1<<18:][:n])
			for i, b := range dst {
				if i >= 2*n && b != 0 || i < 2*n && b != want[1<<19+i] {
					t.Fatalf("of %d values, byte %d is %#02x", n, i, b)
				}
			}
		}
	})
}

// TestQuantizeEqualsItsTwin, to the bit.
func TestQuantizeEqualsItsTwin(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(30)
		for n := range 70 {
			for _, shape := range []func(i int) float32{
				func(int) float32 { return float32(r.NormFloat64()) },
				func(int) float32 { return float32(r.NormFloat64() * math.Exp2(float64(r.IntN(80)-40))) },
				func(i int) float32 { return float32(i) - 0.5 },                      // halves, when the range is a whole number of steps
				func(i int) float32 { return float32(255*(i&1)) + 0.5*float32(i%3) }, // likewise
				func(int) float32 { return 3 },
				func(int) float32 { return 0 },
				func(i int) float32 { return []float32{1, -2, inf, 3}[i%4] },
				func(i int) float32 { return []float32{1, nan, -2, 3, 4}[i%5] },
			} {
				x := make([]float32, n)
				finite := true
				for i := range x {
					x[i] = shape(i)
					finite = finite && x[i]*0 == 0
				}
				got, want := bytes.Repeat([]byte{77}, n+9), bytes.Repeat([]byte{78}, n+9)
				scale, zero := Quantize(got, x)
				wantScale, wantZero := GenericQuantize(want, x)
				if !finite {
					if scale == scale || wantScale == wantScale {
						t.Fatalf("%v has scales %v and %v, want NaN", x, scale, wantScale)
					}
				} else if scale != wantScale || zero != wantZero || !bytes.Equal(got, want) {
					t.Fatalf("%v: got %v, %v, %v, want %v, %v, %v", x, got, scale, zero, want, wantScale, wantZero)
				}
			}
		}
	})
}

// TestInt8ProductsAreExact compares with whole numbers: extremes, whose sums are the largest that can be, and random values.
func TestInt8ProductsAreExact(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(21)
		for _, k := range []int{4096, 2099, 67, 1} {
			exactInt8(t, r, 18, 37, k)
		}
	})
}

func exactInt8(t *testing.T, r *rand.Rand, m, n, k int) {
	t.Helper()
	a, w := random(r, m*k), random(r, n*k)
	for i := range 4 * k {
		sign := [...]float32{1, -1, float32(1 - i&1*2), float32(1 - i>>1&1*2)}[i/k]
		a[i], w[i] = sign, sign // 255 and 0 on the left, ±127 on the right
	}
	p := packedAs(I8, n, k, w)
	c := make([]float32, m*n)
	multiply(&Gemm{C: c, LDC: n, A: a, LDA: k, M: m, W: []*Packed{p}}, 2)
	whole := make([]int32, n*k)
	for i := range whole {
		whole[i] = int32(math.Round(p.unpacked(i/k, i%k) / float64(p.scale[i/k])))
	}
	for i := range m {
		q := make([]byte, k)
		scale, zero := GenericQuantize(q, a[i*k:][:k])
		for j := range n {
			sum, column := int32(0), int32(0)
			for at, v := range whole[j*k:][:k] {
				sum, column = sum+int32(q[at])*v, column+v
			}
			if want := rescale(sum, zero, column, scale, p.scale[j]); c[i*n+j] != want {
				t.Fatalf("K = %d: C[%d, %d] is %v, want %v exactly (a sum of %d)", k, i, j, c[i*n+j], want, sum)
			}
		}
	}
}

// TestProductsBesideTheCollector has many goroutines multiply while others collect garbage and change places: nothing that a kernel
// keeps in the processor may be lost or mixed up on the way.
func TestProductsBesideTheCollector(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for _, f := range []Format{BF16, I8} {
		t.Run(fmt.Sprint(Tier(), " ", f), func(t *testing.T) {
			const n, k, goroutines, rounds = 96, 700, 12, 12
			r := seeded(22)
			p := packedAs(f, n, k, random(r, n*k))
			var products, others sync.WaitGroup
			done := make(chan struct{})
			for i := range 3 {
				others.Go(func() {
					for {
						select {
						case <-done:
							return
						default:
						}
						if i == 0 {
							runtime.GC()
						}
						_ = make([]byte, 1<<16)
						runtime.Gosched()
					}
				})
			}
			for i := range goroutines {
				m := 1 + 7*i
				a, want := random(r, m*k), make([]float32, m*n)
				multiply(&Gemm{C: want, LDC: n, A: a, LDA: k, M: m, W: []*Packed{p}}, 1)
				products.Go(func() {
					for range rounds {
						c := make([]float32, m*n)
						multiply(&Gemm{C: c, LDC: n, A: a, LDA: k, M: m, W: []*Packed{p}}, 1)
						for j := range c {
							if c[j] != want[j] {
								t.Errorf("%d rows: value %d is %v, want %v", m, j, c[j], want[j])
								return
							}
						}
					}
				})
			}
			products.Wait()
			close(done)
			others.Wait()
		})
	}
}

// TestToF16RoundsLikeItsTwin is over every number in half precision, what lies beside it and in the middle to the next, and over all
// lengths.
func TestToF16RoundsLikeItsTwin(t *testing.T) {
	var x []float32
	var exact []uint16
	for h := range 1 << 16 {
		v := f16(uint16(h))
		exact = append(exact, uint16(h))
		b := math.Float32bits(v)
		x = append(x, v, math.Float32frombits(b+1), math.Float32frombits(b^0x1000), math.Float32frombits(b^0x1001), math.Float32frombits(b^0xfff))
	}
	for i, h := range exact {
		if got := f16Of(x[5*i]); got != h && x[5*i] == x[5*i] {
			t.Fatalf("%v is %#x, want %#x", x[5*i], got, h)
		}
	}
	x = append(x, 65519.996, 65520, 1e9, -1e-9, 0x1p-25, 0x1.000002p-25, float32(math.Inf(-1)), nan)
	want := make([]byte, 2*len(x))
	GenericToF16(want, x)
	eachTier(t, func(t *testing.T) {
		got := make([]byte, 2*len(x))
		ToF16(got, x)
		for i := range x {
			if g, w := binary.LittleEndian.Uint16(got[2*i:]), binary.LittleEndian.Uint16(want[2*i:]); g != w {
				t.Fatalf("%v (%#x) is %#x, want %#x", x[i], math.Float32bits(x[i]), g, w)
			}
		}
		for n := range 40 {
			dst := make([]byte, 2*n+2)
			ToF16(dst[:2*n], x[:n])
			if !bytes.Equal(dst[:2*n], want[:2*n]) || dst[2*n] != 0 {
				t.Fatalf("%d numbers: %v, want %v", n, dst, want[:2*n])
			}
		}
	})
}
