package kernel

import (
	"fmt"
	"math"
	"testing"
)

// A depthCase is a depthwise convolution of pictures in a shape.
type depthCase struct{ pictures, h, w, c, k, stride, pad int }

var depthCases = []depthCase{
	{1, 1, 1, 1, 1, 1, 0}, {2, 7, 7, 37, 3, 1, -1}, {1, 14, 15, 40, 5, 1, -1}, {2, 11, 12, 19, 3, 2, -1}, {1, 9, 10, 70, 5, 2, -1}, {1, 8, 9, 33, 5, 2, 2},
	{2, 6, 30, 24, 3, 2, 1}, {1, 4, 3, 8, 3, 1, 0}, {1, 5, 2, 9, 7, 1, 3}, {1, 6, 9, 16, 2, 3, 0}, {1, 3, 3, 5, 1, 2, 0}, {3, 2, 40, 21, 4, 1, 3},
}

// defined is the convolution as its definition reads: each place asks each tap for its pixel.
func (c depthCase) defined(x, taps, bias []float32, rows, cols Side, see func(out, in, tap int)) []float64 {
	y := make([]float64, c.pictures*rows.Out*cols.Out*c.c)
	for i := range y {
		ch, ox, oy, b := i%c.c, i/c.c%cols.Out, i/c.c/cols.Out%rows.Out, i/c.c/cols.Out/rows.Out
		y[i] = float64(bias[ch])
		for t := range c.k * c.k {
			iy, ix := oy*c.stride-rows.Pad+t/c.k, ox*c.stride-cols.Pad+t%c.k
			if iy < 0 || iy >= c.h || ix < 0 || ix >= c.w {
				continue
			}
			in, tap := ((b*c.h+iy)*c.w+ix)*c.c+ch, t*c.c+ch
			y[i] += float64(x[in]) * float64(taps[tap])
			see(i, in, tap)
		}
	}
	return y
}

func TestDepthwise(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, c := range depthCases {
			t.Run(fmt.Sprint(c), func(t *testing.T) {
				r := seeded(c.c)
				rows, cols := NewSide(c.h, c.k, c.stride, c.pad), NewSide(c.w, c.k, c.stride, c.pad)
				x, taps, bias := random(r, c.pictures*c.h*c.w*c.c), random(r, c.k*c.k*c.c), random(r, c.c)
				dy := random(r, c.pictures*rows.Out*cols.Out*c.c)
				dx, dw, db := make([]float64, len(x)), make([]float64, len(taps)), make([]float64, c.c)
				want := c.defined(x, taps, bias, rows, cols, func(out, in, tap int) {
					dx[in] += float64(dy[out]) * float64(taps[tap])
					dw[tap] += float64(dy[out]) * float64(x[in])
				})
				for i, v := range dy {
					db[i%c.c] += float64(v)
				}
				run := func(d *Depthwise) {
					for i := range d.Plan() {
						d.Run(i)
					}
				}
				for _, act := range []Activation{None, ReLU, ReLU6} {
					out, check := guarded(len(dy), 3)
					run(&Depthwise{X: x, Out: out, Taps: taps, Bias: bias, C: c.c, Stride: c.stride, Rows: rows, Cols: cols, Act: act})
					check(t)
					for i, v := range out {
						near(t, "value", v, activation64(act, want[i]), 1e-5)
					}
				}
				back, check := guarded(len(x), 1)
				run(&Depthwise{X: dy, Out: back, Taps: taps, C: c.c, Stride: c.stride, Rows: rows, Cols: cols, Back: true})
				check(t)
				for i, v := range back {
					near(t, "derivative by a pixel", v, dx[i], 1e-5)
				}
				g := &DepthwiseGrad{X: x, DOut: dy, C: c.c, Stride: c.stride, Rows: rows, Cols: cols}
				chunks, size := g.Plan()
				g.Sums, check = guarded(chunks*size, 2)
				for i := range chunks {
					g.Run(i)
				}
				check(t)
				for i := range size {
					var sum float32
					for chunk := range chunks {
						sum += g.Sums[chunk*size+i]
					}
					want := append(dw, db...)[i]
					near(t, "derivative by a tap", sum, want, 1e-5*math.Max(1, math.Abs(want)))
				}
			})
		}
	})
}

func TestDepthwiseBadSizes(t *testing.T) {
	good := func() *Depthwise {
		s := NewSide(4, 3, 1, -1)
		return &Depthwise{X: make([]float32, 32), Out: make([]float32, 32), Taps: make([]float32, 18), C: 2, Stride: 1, Rows: s, Cols: s}
	}
	if good().Plan() != 1 {
		t.Error("the good one is not one chunk")
	}
	for what, spoil := range map[string]func(d *Depthwise){
		"taps":       func(d *Depthwise) { d.Taps = d.Taps[1:] },
		"bias":       func(d *Depthwise) { d.Bias = make([]float32, 3) },
		"x":          func(d *Depthwise) { d.X = d.X[1:] },
		"out":        func(d *Depthwise) { d.Out = d.Out[2:] },
		"stride":     func(d *Depthwise) { d.Stride = 0 },
		"activation": func(d *Depthwise) { d.Act = GELU },
	} {
		d := good()
		spoil(d)
		mustPanic(t, what, func() { d.Plan() })
	}
}
