package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"testing"
)

// TestConversionsEqualTheirTwins: the kernels that bring A into another form write what the plain Go does, to the bit.
func TestConversionsEqualTheirTwins(t *testing.T) {
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
				got, want = bytes.Repeat([]byte{77}, 2*n+6), bytes.Repeat([]byte{78}, 2*n+6)
				toBF16(got, x)
				GenericToBF16(want, x)
				if !bytes.Equal(got, want) {
					t.Fatalf("%v in bf16: got %v, want %v", x, got, want)
				}
			}
		}
	})
}

// TestToBF16AllNumbers is over every upper half of a float32, with lower halves around the middle.
func TestToBF16AllNumbers(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		x, got := make([]float32, 1<<16), make([]byte, 2<<16)
		for _, low := range []uint32{0, 1, 0x7fff, 0x8000, 0x8001, 0xffff} {
			for i := range x {
				x[i] = math.Float32frombits(uint32(i)<<16 | low)
			}
			toBF16(got, x)
			for i, v := range x {
				if h := binary.LittleEndian.Uint16(got[2*i:]); h != bf16(v) {
					t.Fatalf("%#08x: got %#04x, want %#04x", math.Float32bits(v), h, bf16(v))
				}
			}
		}
	})
}

// TestIntegerProductsAreExact: a product in int8 is the sum of the integers, scaled, to the bit; the largest of both kinds too.
func TestIntegerProductsAreExact(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(31)
		for _, c := range []struct{ m, n, k int }{{1, 1, 1}, {1, 33, 17}, {2, 16, 64}, {5, 50, 67}, {13, 40, 2100}, {7, 16, 4099}} {
			for _, extreme := range []bool{false, true} {
				a, w := random(r, c.m*c.k), random(r, c.n*c.k)
				if extreme {
					for i := range a {
						a[i] = float32(i % 3 / 2) // 0 or 1: bytes of 0 or 255
					}
					for i := range w {
						w[i] = float32(1 - i/c.k%2*2) // 1 or -1
					}
				}
				p, bias := packedAs(I8, c.n, c.k, w), random(r, c.n)
				out := make([]float32, c.m*c.n)
				multiply(&Gemm{C: out, LDC: c.n, A: a, LDA: c.k, M: c.m, W: []*Packed{p}, Bias: [][]float32{bias}}, 2)
				q := make([]byte, c.k)
				for m := range c.m {
					scale, zero := GenericQuantize(q, a[m*c.k:][:c.k])
					for n := range c.n {
						var sum, column int32
						for k, v := range q {
							i := int32(p.unpacked(n, k)/float64(p.scale[n]) + math.Copysign(0.25, p.unpacked(n, k)))
							sum += int32(v) * i
							column += i
						}
						want := rescale(sum, zero, column, scale, p.scale[n]) + bias[n]
						sameBits(t, fmt.Sprintf("%+v: C[%d, %d]", c, m, n), out[m*c.n+n:][:1], []float32{want})
					}
				}
			}
		}
	})
}
