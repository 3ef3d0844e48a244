package kernel

import (
	"fmt"
	"slices"
	"testing"
)

func TestScanInt8(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(5)
		for _, n := range []int{1, 4} {
			for _, width := range []int{64, 128, 448, 8192} {
				limit := min(8191, 1<<31/(128*width)-1)
				for _, rows := range []int{0, 1, 3, 17} {
					codes, queries := make([]byte, rows*width), make([]int16, n*width)
					for i := range codes {
						codes[i] = byte(int8(r.IntN(255) - 127))
					}
					for i := range queries {
						queries[i] = int16(r.IntN(2*limit+1) - limit)
					}
					if rows == 3 { // the largest sums there are
						for i := range width {
							codes[i], codes[width+i], queries[i] = 127, 0x81, int16(limit)
						}
					}
					got := make([]int32, rows*n)
					ScanInt8(got, codes, queries, n)
					for i := range got {
						var sum int64
						for k := range width {
							sum += int64(int8(codes[i/n*width+k])) * int64(queries[i%n*width+k])
						}
						if int64(got[i]) != sum {
							t.Fatalf("%d queries of width %d: product %d is %d, want %d", n, width, i, got[i], sum)
						}
					}
				}
			}
		}
		mustPanic(t, "a width that is no multiple of 64", func() { ScanInt8(make([]int32, 1), make([]byte, 32), make([]int16, 32), 1) })
		mustPanic(t, "codes of another length", func() { ScanInt8(make([]int32, 1), make([]byte, 65), make([]int16, 64), 1) })
		mustPanic(t, "two queries", func() { ScanInt8(make([]int32, 2), make([]byte, 64), make([]int16, 128), 2) })
	})
}

func TestPick(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(7)
		for _, width := range []int{64, 128, 448} {
			for _, n := range []int{0, 1, 5, 40} {
				codes, query, rows := make([]byte, 50*width), make([]int16, width), make([]uint32, n)
				limit := min(8191, 1<<31/(256*width)-1)
				for i := range codes {
					codes[i] = byte(r.UintN(256))
				}
				for i := range query {
					query[i] = int16(r.IntN(2*limit+1) - limit)
				}
				for i := range rows {
					rows[i] = r.Uint32N(50)
				}
				got, want := make([]int32, n), make([]int32, n)
				PickInt8(got, codes, rows, query)
				GenericPickInt8(want, codes, rows, query)
				if !slices.Equal(got, want) {
					t.Fatalf("%d rows of width %d: %d, want %d", n, width, got, want)
				}
				PickUint8(got, codes, rows, query)
				GenericPickUint8(want, codes, rows, query)
				if !slices.Equal(got, want) {
					t.Fatalf("%d rows of unsigned bytes of width %d: %d, want %d", n, width, got, want)
				}
			}
		}
		mustPanic(t, "a row that is not there", func() { PickInt8(make([]int32, 1), make([]byte, 128), []uint32{2}, make([]int16, 64)) })
	})
}

// Bytes of codes, far more than the caches hold and as many as they do.
func BenchmarkScanInt8(b *testing.B) {
	const width = 512
	for _, rows := range []int{256, 1 << 18} {
		for _, n := range []int{1, 4} {
			b.Run(fmt.Sprintf("rows=%d/queries=%d", rows, n), func(b *testing.B) {
				codes, queries, dst := make([]byte, rows*width), make([]int16, n*width), make([]int32, rows*n)
				for i := range codes {
					codes[i] = byte(i)
				}
				b.SetBytes(int64(len(codes)))
				for b.Loop() {
					ScanInt8(dst, codes, queries, n)
				}
			})
		}
	}
}
