package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
)

func TestAddAndScale(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(1)
		spans(func(n, off int) {
			a, b := random(r, n), random(r, n)
			dst, check := guarded(n, off)
			Add(dst, a, b)
			check(t)
			for i := range dst {
				near(t, fmt.Sprint("add ", n, i), dst[i], float64(a[i]+b[i]), 0)
			}
			Scale(dst, a, 1.7)
			check(t)
			for i := range dst {
				near(t, fmt.Sprint("scale ", n, i), dst[i], float64(a[i]*1.7), 0)
			}
			Mul(dst, a, b)
			check(t)
			for i := range dst {
				near(t, fmt.Sprint("mul ", n, i), dst[i], float64(a[i]*b[i]), 0)
			}
			Scale(dst, a, 1.7)
			Add(dst, dst, dst) // in place
			check(t)
			for i := range dst {
				near(t, fmt.Sprint("double ", n, i), dst[i], float64(2*(a[i]*1.7)), 0)
			}
		})
	})
}

func TestRotate(t *testing.T) {
	r := seeded(3)
	const h = 5
	x, cos, sin := random(r, 2*h), make([]float32, h), make([]float32, h)
	angles := []float64{0, 0.3, -2, math.Pi / 2, 100}
	for i, a := range angles {
		cos[i], sin[i] = float32(math.Cos(a)), float32(math.Sin(a))
	}
	was := append([]float32(nil), x...)
	Rotate(x, cos, sin)
	for i, angle := range angles { // as a product of complex numbers
		a, b := float64(was[i]), float64(was[h+i])
		near(t, fmt.Sprint("first of pair ", i), x[i], a*math.Cos(angle)-b*math.Sin(angle), 4*eps32*(math.Abs(a)+math.Abs(b)))
		near(t, fmt.Sprint("second of pair ", i), x[h+i], a*math.Sin(angle)+b*math.Cos(angle), 4*eps32*(math.Abs(a)+math.Abs(b)))
	}
	mustPanic(t, "rotate of a row too short", func() { Rotate(x[1:], cos, sin) })
}

func TestDot(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(2)
		spans(func(n, off int) {
			a, _ := guarded(n, off)
			b, _ := guarded(n, off/2)
			copy(a, random(r, n))
			copy(b, random(r, n))
			var sum, size float64
			for i := range a {
				p := float64(a[i]) * float64(b[i])
				sum += p
				size += p * p
			}
			near(t, fmt.Sprint("dot ", n), Dot(a, b), sum, 4*eps32*math.Sqrt(float64(n))*math.Sqrt(size))
			for _, bad := range []float32{nan, inf} {
				if n > 0 {
					a[n/2], b[n/2] = bad, 1
					near(t, "dot of "+fmt.Sprint(bad), Dot(a, b), float64(bad), 0)
				}
			}
		})
	})
	mustPanic(t, "dot of two lengths", func() { Dot(make([]float32, 3), make([]float32, 4)) })
}

func TestFromF16AllNumbers(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		src := make([]byte, 2<<16)
		for i := range 1 << 16 {
			binary.LittleEndian.PutUint16(src[2*i:], uint16(i))
		}
		dst := make([]float32, 1<<16)
		FromF16(dst, src)
		for i, v := range dst {
			e, f := i>>10&31, float64(i&1023)
			want := math.Ldexp(f+1024, e-25)
			switch {
			case e == 0:
				want = math.Ldexp(f, -24)
			case e == 31 && f == 0:
				want = math.Inf(1)
			case e == 31:
				want = math.NaN()
			}
			if i>>15 == 1 {
				want = math.Copysign(want, -1)
			}
			near(t, fmt.Sprintf("f16 %#04x", i), v, want, 0)
			if math.Signbit(float64(v)) != (i>>15 == 1) {
				t.Fatalf("f16 %#04x: sign lost", i)
			}
		}
	})
}

func TestFromBF16AllNumbers(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		src := make([]byte, 2<<16)
		for i := range 1 << 16 {
			binary.LittleEndian.PutUint16(src[2*i:], uint16(i))
		}
		dst := make([]float32, 1<<16)
		FromBF16(dst, src)
		for i, v := range dst {
			if math.Float32bits(v) != uint32(i)<<16 {
				t.Fatalf("bf16 %#04x: got %#08x", i, math.Float32bits(v))
			}
		}
	})
}

func TestConversionsOfAllLengths(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		spans(func(n, off int) {
			raw := make([]byte, 2*n+off)[off:] // misaligned too
			for i := range n {
				binary.LittleEndian.PutUint16(raw[2*i:], uint16(0x3c00+i)) // f16 1 + i/1024
			}
			dst, check := guarded(n, off)
			FromF16(dst, raw)
			check(t)
			for i, v := range dst {
				near(t, fmt.Sprint("f16 ", n, i), v, 1+float64(i)/1024, 0)
			}
			FromBF16(dst, raw)
			check(t)
			for i, v := range dst {
				if math.Float32bits(v) != uint32(0x3c00+i)<<16 {
					t.Fatalf("bf16 of %d: value %d is %v", n, i, v)
				}
			}
		})
	})
	mustPanic(t, "too few bytes", func() { FromF16(make([]float32, 2), make([]byte, 3)) })
}

func TestFromWholeNumbersAndWide(t *testing.T) {
	raw := []byte{0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	for size, want := range map[int]float32{1: -1, 2: -257, 4: -257, 8: -257} {
		dst := make([]float32, 1)
		FromInt(dst, raw[:size], size)
		if dst[0] != want {
			t.Errorf("%d bytes: %v, want %v", size, dst[0], want)
		}
	}
	mustPanic(t, "an integer of 3 bytes", func() { FromInt(make([]float32, 1), raw[:3], 3) })
	dst := make([]float32, 1)
	FromUint8(dst, raw[:1])
	if dst[0] != 255 {
		t.Errorf("uint8: %v", dst[0])
	}
	FromF64(dst, binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.1)))
	if dst[0] != 0.1 {
		t.Errorf("f64: %v", dst[0])
	}
	FromF32(dst, binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.3)))
	if dst[0] != 0.3 {
		t.Errorf("f32: %v", dst[0])
	}
}
