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

// bound is that of a row, each step rounded once.
func bound(s *Sieve, codes []byte, a, b, c, d float32) float32 {
	sum := -s.Offset
	for k, q := range s.Query {
		sum += int32(q) * int32(codes[k])
	}
	times := func(x, y float32) float64 { return float64(float32(float64(x) * float64(y))) }
	plus := func(x float64, y float32) float32 { return float32(x + float64(y)) }
	x := plus(times(float32(sum), s.Scale), s.Loose)
	x = plus(times(x, a), b)
	x = plus(times(c, s.Third), x)
	return plus(times(d, s.Fourth), x)
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
			facts[5], facts[rows+6], facts[2*rows+7] = nan, nan, inf
			got, want := make([]byte, rows/8), make([]byte, rows/8)
			floors := []float32{-inf, -3, 0, 0.5, 7, inf}
			for i := range 8 { // the bounds of some rows, which these still reach, and the next numbers, which they do not
				b := bound(&s, codes[i*SieveWidth:(i+1)*SieveWidth], facts[i], facts[rows+i], facts[2*rows+i], facts[3*rows+i])
				floors = append(floors, b, math.Nextafter32(b, inf))
			}
			for _, floor := range floors {
				s.Floor = floor
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

// TestSiftSums meets each sum exactly, where the codes and the query are as large as they may be wherever they lie.
func TestSiftSums(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		const rows = 24
		codes, facts := make([]byte, rows*SieveWidth), make([]float32, 4*rows)
		for i := range rows {
			facts[i] = 1
			for k := range SieveWidth {
				codes[i*SieveWidth+k] = [...]byte{0, 255, byte(2 * k), 128}[i%4]
			}
		}
		got, want := make([]byte, rows/8), make([]byte, rows/8)
		for alone := range 8 {
			for _, large := range []int8{LaneLimit, -LaneLimit} {
				s := Sieve{Scale: 1}
				for lane := range 16 {
					s.Query[alone/2*32+2*lane+alone%2] = large
				}
				for i := range rows {
					var sum int32
					for k, q := range s.Query {
						sum += int32(q) * int32(codes[i*SieveWidth+k])
					}
					s.Offset = sum
					for floor := range 2 {
						s.Floor = float32(floor)
						Sift(got, codes, facts, rows, &s)
						GenericSift(want, codes, facts, rows, &s)
						if !bytes.Equal(got, want) || want[i/8]>>(i%8)&1 != byte(1-floor) {
							t.Fatalf("value %d of each lane %d, row %d, floor %d: %08b, want %08b", alone, large, i, floor, got, want)
						}
					}
				}
			}
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
