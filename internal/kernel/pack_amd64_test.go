//go:build !purego

package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/internal/cpu"
)

// oddWeights is n rows of k values with what rounding may stumble over: halves, zeros, subnormals; and, in some rows, NaN and Inf.
func oddWeights(r *rand.Rand, n, k int, finite bool) []float32 {
	w := random(r, n*k)
	for i := range w {
		switch r.IntN(12) {
		case 0:
			w[i] = math.Float32frombits(math.Float32bits(w[i])&0xffff0000 | 0x8000) // half way between two bfloat16
		case 1:
			w[i] *= 1e-40
		case 2:
			w[i] = 0
		}
	}
	for row := range n {
		if c := r.IntN(8); c == 0 {
			clear(w[row*k:][:k])
		} else if c == 1 && !finite {
			w[row*k+r.IntN(k)] = []float32{nan, inf, -inf, math.Float32frombits(0xff800001)}[r.IntN(4)]
		}
	}
	return w
}

// TestPackingTogetherEqualsOneByOne compares, for each layout of amd64, the rows that kernels pack together with the scalar twins'.
func TestPackingTogetherEqualsOneByOne(t *testing.T) {
	if !slices.Contains(Tiers(), cpu.AVX2) {
		t.Skip("no AVX2")
	}
	r := seeded(40)
	for i := range layouts {
		l := &layouts[i]
		if l.format == F32 || !sameProcessor(l.tier, cpu.AVX2) {
			continue
		}
		for _, n := range []int{1, 7, 8, 16, 31, 32, 40, 77} {
			for _, k := range []int{1, 3, 8, 9, 31, 64, 130, 600} {
				name := fmt.Sprintf("tier %v format %v: %d rows of %d", l.tier, l.format, n, k)
				rows := oddWeights(r, n, k, false)
				empty := func() *Packed {
					p := &Packed{N: n, K: k, layout: l}
					p.place(make([]byte, p.size()))
					return p
				}
				got, want, pieces := empty(), empty(), empty()
				got.SetRows(0, rows)
				for at := 0; at < n; {
					c := min(1+r.IntN(20), n-at)
					pieces.SetRows(at, rows[at*k:(at+c)*k])
					at += c
				}
				for j := range n {
					row, panel, column := rows[j*k:][:k], want.data[j/l.width*want.panelBytes():], l.column(j%l.width)
					if l.format == BF16 {
						packBF16(panel, row, column, l)
						continue
					}
					if l.format == F16 {
						for i, v := range row {
							binary.LittleEndian.PutUint16(panel[2*(i*l.width+column):], f16Of(v))
						}
						continue
					}
					s, sum := packInt8(panel, row, column, l)
					if want.scale[j] = s; want.sums != nil {
						want.sums[j] = sum
					}
				}
				for _, p := range []*Packed{got, pieces} {
					if !bytes.Equal(p.data, want.data) || !slices.Equal(p.sums, want.sums) {
						t.Fatal(name + ": other numbers than one by one")
					}
					for j, s := range want.scale {
						near(t, name+": scale", p.scale[j], float64(s), 0)
					}
				}
			}
		}
	}
}
