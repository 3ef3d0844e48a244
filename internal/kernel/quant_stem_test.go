package kernel

import (
	"fmt"
	"math"
	"testing"
)

// stemCases are pictures through a stem and a block: how many, channels, height, width, the stem's stride and padding, the columns of a head.
var stemCases = []struct{ pictures, k, h, w, stride, pad, d int }{
	{2, 3, 16, 16, 2, -1, 0}, {1, 3, 17, 23, 2, -1, 32}, {1, 1, 9, 40, 2, 1, 0}, {2, 4, 11, 6, 1, 1, 16}, {1, 3, 10, 12, 3, 0, 0}, {1, 3, 3, 3, 2, -1, 16}, {1, 2, 5, 35, 1, 2, 0},
}

// stemCase is such pictures, the block in integers, and what floats make of it.
func stemCase(t *testing.T, i int) (b Bottleneck, exact []float32) {
	const c, n = 32, 16
	s, r := stemCases[i], seeded(i)
	x := random(r, s.pictures*s.k*s.h*s.w)
	shrunk := func(n, k int) []float32 {
		w := random(r, n*k)
		for i := range w {
			w[i] /= float32(math.Sqrt(float64(k)))
		}
		return w
	}
	v := BlockValues{
		K: s.k, Stem: true, C: c, N: n, Rows: 3, Cols: 3, Widen: shrunk(c, 9*s.k), WidenBias: random(r, c), Taps: shrunk(9, c), Bias: random(r, c),
		Narrow: shrunk(n, c), NarrowBias: random(r, n),
	}
	for i := range v.Taps {
		v.Taps[i] *= 2
	}
	last := n
	if s.d > 0 {
		v.D, v.Head, v.HeadBias, last = s.d, shrunk(s.d, n), random(r, s.d), s.d
	}
	b = Bottleneck{X: x, Stride: 1, StemStride: s.stride, StemRows: NewSide(s.h, 3, s.stride, s.pad), StemCols: NewSide(s.w, 3, s.stride, s.pad)}
	h, w := b.StemRows.Out, b.StemCols.Out
	b.Rows, b.Cols = NewSide(h, 3, 1, -1), NewSide(w, 3, 1, -1)
	b.Out = make([]float32, s.pictures*h*w*last)
	if b.Quant = NewQuantBlock(&v); b.Quant == nil {
		t.Fatal("the block has no form in integers")
	}
	seen := make([]float32, s.pictures*h*w*c) // by the definition of a convolution
	for at := range seen {
		j, col, row, picture := at%c, at/c%w, at/c/w%h, at/c/w/h
		sum := float64(v.WidenBias[j])
		for tap := range 9 * s.k {
			y, x := row*s.stride-b.StemRows.Pad+tap/3%3, col*s.stride-b.StemCols.Pad+tap%3
			if y >= 0 && y < s.h && x >= 0 && x < s.w {
				sum += float64(b.X[((picture*s.k+tap/9)*s.h+y)*s.w+x]) * float64(v.Widen[j*9*s.k+tap])
			}
		}
		seen[at] = float32(min(max(sum, 0), 6))
	}
	f := Bottleneck{
		X: seen, Out: make([]float32, s.pictures*h*w*n), Taps: v.Taps, Bias: v.Bias, Narrow: packedAs(F32, n, c, v.Narrow), NarrowBias: v.NarrowBias,
		Stride: 1, Rows: b.Rows, Cols: b.Cols,
	}
	for i := range f.Plan(1) {
		f.Run(i)
	}
	if exact = f.Out; s.d > 0 {
		exact = make([]float32, len(b.Out))
		multiply(&Gemm{
			C: exact, LDC: s.d, A: f.Out, LDA: n, M: len(f.Out) / n, W: []*Packed{packedAs(F32, s.d, n, v.Head)}, Bias: [][]float32{v.HeadBias}, Act: ReLU6,
		}, 1)
	}
	return b, exact
}

// A stem before a block and a head behind it are like a block alone: the same bits everywhere, and near to floats, at the edges too.
func TestQuantStem(t *testing.T) {
	for i, c := range stemCases {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			b, exact := stemCase(t, i)
			sameEverywhere(t, &b, exact)
		})
	}
}

// A pixel that is not finite spoils the rows that see it, and no other unless its row held the picture's largest.
func TestQuantStemNotFinite(t *testing.T) {
	b, _ := stemCase(t, 1)
	b.X[0] = 9 // the largest, which all are scaled by
	for i := range b.Plan(1) {
		b.Run(i)
	}
	whole := b.Out
	for _, bad := range []float32{nan, -inf} {
		b.X[6*23+5] = bad // what the stem makes of rows 2 and 3 or of row 3 sees it, and those beside
		for workers := 1; workers <= 3; workers += 2 {
			b.Out = make([]float32, len(whole))
			for i := range b.Plan(workers) {
				b.Run(i)
			}
			for i, v := range b.Out {
				y, spoilt := i/(b.Cols.Out*32), false
				for row := max(y-1, 0); row <= y+1; row++ {
					top := row*2 - b.StemRows.Pad
					spoilt = spoilt || row < b.Rows.In && top <= 6 && 6 < top+3
				}
				if spoilt != (v != v) || !spoilt && v != whole[i] {
					t.Fatalf("%v in row 6, %d workers: row %d has %v, before %v", bad, workers, y, v, whole[i])
				}
			}
		}
	}
}
