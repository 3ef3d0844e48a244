package kernel

import (
	"fmt"
	"slices"
	"testing"
)

// A bottleneckCase is a block of pictures in a shape.
type bottleneckCase struct {
	depthCase     // c is what the pixels are widened to
	in, out       int
	skip, widened bool
}

var bottleneckCases = []bottleneckCase{
	{depthCase{2, 9, 13, 40, 3, 1, -1}, 8, 8, true, true},
	{depthCase{1, 14, 10, 37, 5, 1, -1}, 13, 13, true, true},
	{depthCase{3, 11, 12, 48, 3, 2, -1}, 24, 17, false, true},
	{depthCase{1, 12, 11, 33, 5, 2, 2}, 5, 40, false, true},
	{depthCase{2, 8, 9, 32, 3, 1, 1}, 32, 16, false, false},
	{depthCase{1, 6, 6, 18, 2, 3, 0}, 7, 3, false, true}, // rows that no band sees
	{depthCase{1, 1, 1, 16, 5, 1, -1}, 4, 4, true, true},
}

// The three steps of a block, each over whole pictures, are its definition, for bands of any height and any number of workers.
func TestBottleneck(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		for _, c := range bottleneckCases {
			t.Run(fmt.Sprint(c), func(t *testing.T) {
				r := seeded(c.c)
				if !c.widened {
					c.in = c.c
				}
				rows, cols := NewSide(c.h, c.k, c.stride, c.pad), NewSide(c.w, c.k, c.stride, c.pad)
				x := random(r, c.pictures*c.h*c.w*c.in)
				b := Bottleneck{
					X: x, Taps: random(r, c.k*c.k*c.c), Bias: random(r, c.c), Narrow: packedAs(f, c.out, c.c, random(r, c.out*c.c)),
					NarrowBias: random(r, c.out), Stride: c.stride, Rows: rows, Cols: cols, Skip: c.skip,
				}
				places := c.pictures * rows.Out * cols.Out
				wide, convolved, want := x, make([]float32, places*c.c), make([]float32, places*c.out)
				if c.widened {
					b.Widen, b.WidenBias = packedAs(f, c.c, c.in, random(r, c.c*c.in)), random(r, c.c)
					m := c.pictures * c.h * c.w
					wide = make([]float32, m*c.c)
					multiply(&Gemm{C: wide, LDC: c.c, A: x, LDA: c.in, M: m, W: []*Packed{b.Widen}, Bias: [][]float32{b.WidenBias}, Act: ReLU6}, 1)
				}
				d := &Depthwise{X: wide, Out: convolved, Taps: b.Taps, Bias: b.Bias, C: c.c, Stride: c.stride, Rows: rows, Cols: cols, Act: ReLU6}
				for i := range d.Plan() {
					d.Run(i)
				}
				g := &Gemm{C: want, LDC: c.out, A: convolved, LDA: c.c, M: places, W: []*Packed{b.Narrow}, Bias: [][]float32{b.NarrowBias}}
				if c.skip {
					g.Residual, g.LDR = x, c.in
				}
				multiply(g, 1)
				for workers := 1; workers <= 3; workers += 2 {
					for _, band := range []int{0, 1, 2} {
						out, check := guarded(len(want), 3)
						b.Out = out
						chunks := b.Plan(workers)
						if band > 0 {
							b.band = band
						}
						for i := range chunks {
							b.Run(chunks - 1 - i)
						}
						check(t)
						if !slices.Equal(out, want) {
							t.Fatalf("%d workers, bands of %d rows: other bits than the three steps", workers, band)
						}
					}
				}
			})
		}
	})
}

func TestBottleneckChecks(t *testing.T) {
	good := func() *Bottleneck {
		s := NewSide(4, 3, 1, 1)
		return &Bottleneck{
			X: make([]float32, 2*16*2), Out: make([]float32, 2*16*2), Widen: NewPacked(6, 2, F32), Taps: make([]float32, 9*6), Narrow: NewPacked(2, 6, F32),
			Stride: 1, Rows: s, Cols: s, Skip: true,
		}
	}
	if n := good().Plan(1); n != 2 {
		t.Fatalf("%d chunks of two pictures", n)
	}
	for name, spoil := range map[string]func(b *Bottleneck){
		"a picture and a half": func(b *Bottleneck) { b.X = b.X[:48] },
		"too short a result":   func(b *Bottleneck) { b.Out = b.Out[:60] },
		"other channels":       func(b *Bottleneck) { b.Widen = NewPacked(5, 2, F32) },
		"too few taps":         func(b *Bottleneck) { b.Taps = b.Taps[:53] },
		"a short bias":         func(b *Bottleneck) { b.NarrowBias = make([]float32, 1) },
		"no stride":            func(b *Bottleneck) { b.Stride = 0 },
		"another shape to add": func(b *Bottleneck) { b.Narrow, b.Out = NewPacked(3, 6, F32), make([]float32, 96) },
	} {
		b := good()
		spoil(b)
		mustPanic(t, name, func() { b.Plan(1) })
	}
}
