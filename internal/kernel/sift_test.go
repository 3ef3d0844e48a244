package kernel

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

// sieve draws a query, as long in each lane as it may be, and rows with facts around it.
func sieve(r *rand.Rand, rows int) (s Sieve, codes []byte, facts []float32) {
	for lane := range 16 {
		var x [8]float64
		sum := 0.0
		for i := range x {
			x[i] = r.NormFloat64()
			sum += x[i] * x[i]
		}
		for i := range x {
			s.Query[i/2*32+2*lane+i%2] = int8(x[i] / math.Sqrt(sum) * LaneLimit) // towards 0
		}
	}
	for _, q := range s.Query {
		s.Offset += 128 * int32(q)
	}
	s.Scale, s.Loose, s.Third, s.Fourth, s.Floor = 0.01, 0.3, 2, -1, 7
	codes, facts = make([]byte, rows*SieveWidth), make([]float32, 4*rows)
	for i := range codes {
		codes[i] = byte(r.UintN(256))
	}
	for i := range facts {
		facts[i] = float32(r.NormFloat64())
	}
	return s, codes, facts
}

func TestSift(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(6)
		for _, rows := range []int{8, 16, 128, 1000} {
			s, codes, facts := sieve(r, rows)
			for lane := range 16 { // the largest sums there are
				for i := range 8 {
					k := i/2*32 + 2*lane + i%2
					codes[k], codes[SieveWidth+k] = 0, 255
					if s.Query[k] > 0 {
						codes[k], codes[SieveWidth+k] = 255, 0
					}
				}
			}
			got, want := make([]byte, rows/8), make([]byte, rows/8)
			for _, floor := range []float64{math.Inf(-1), -3, 0, 0.5, 7, math.Inf(1)} {
				s.Floor = float32(floor)
				Sift(got, codes, facts, rows, &s)
				GenericSift(want, codes, facts, rows, &s)
				if !bytes.Equal(got, want) {
					t.Fatalf("%d rows, floor %v: %08b, want %08b", rows, floor, got, want)
				}
			}
			mustPanic(t, "facts of fewer rows", func() { Sift(got, codes, facts, rows+1, &s) })
			mustPanic(t, "codes of more rows", func() { Sift(got[1:], codes, facts, rows, &s) })
		}
	})
}

// Bytes of codes that lie in the cache, as for every query but the first of several, and more than it holds.
func BenchmarkSift(b *testing.B) {
	for _, rows := range []int{128, 1 << 19} {
		b.Run(map[bool]string{true: "cached", false: "memory"}[rows < 1000], func(b *testing.B) {
			s, codes, facts := sieve(seeded(6), rows)
			s.Floor = 1000
			mask := make([]byte, rows/8)
			b.SetBytes(int64(len(codes)))
			for b.Loop() {
				Sift(mask, codes, facts, rows, &s)
			}
		})
	}
}
