package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// quadCases are rows, columns and values of products.
var quadCases = [][3]int{{1, 8, 8}, {2, 16, 16}, {3, 24, 24}, {4, 32, 40}, {5, 40, 16}, {7, 96, 8}, {99, 48, 32}, {130, 24, 240}, {6, 16, 1152}}

// The kernels give what plain integers do, with weights and bytes that drive the 16-bit sums to their ends too.
func TestQuads(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, c := range quadCases {
			for _, kind := range []string{"random", "most", "least"} {
				t.Run(fmt.Sprint(c, kind), func(t *testing.T) {
					m, n, k := c[0], c[1], c[2]
					r := seeded(m + n + k)
					rows, a := random(r, n*k), make([]byte, m*k)
					for i := range a {
						a[i] = byte(r.Uint32())
					}
					most := [...]int{top, 255}[k/8%2]
					for i := range a {
						a[i] = byte(int(a[i]) % (most + 1))
					}
					if kind != "random" {
						for i := range rows {
							rows[i] = 1
							if kind == "least" {
								rows[i] = -1
							}
						}
						for i := range a {
							a[i] = byte(most)
						}
					}
					bias, scale := random(r, n), random(r, m)
					for i := range scale {
						scale[i] = scale[i]*scale[i] + 0.01
					}
					var q quads
					if !q.pack(rows, bias, n, k, most, 100, 2) {
						t.Fatal("not packed")
					}
					got, want := make([]int16, m*n), make([]int16, m*n)
					q.widenGeneric(want, a, scale, m)
					if n%16 == 0 { // what is convolved comes in whole panels
						q.widenRows(got, a, append(slices.Clone(scale), 1), m) // the kernel's pointer moves past the last
						if !slices.Equal(got, want) {
							t.Errorf("widened to other integers")
						}
					}
					for _, residual := range [][]float32{nil, random(r, m*n)} {
						out, check := guarded(m*n, 3)
						exact := make([]float32, m*n)
						q.narrowRows(out, a, residual, m)
						q.narrowGeneric(exact, a, residual, m)
						check(t)
						sameBits(t, "narrowed", out, exact)
					}
				})
			}
		}
	})
}

// Four weights that meet add up by sign to what fits 16 bits when it is multiplied by the largest byte, for rows of every kind.
func TestQuadRange(t *testing.T) {
	r := seeded(5)
	for k := 8; k <= 64; k += 8 {
		rows := random(r, 40*k)
		for i := range rows {
			switch i / k % 4 {
			case 1:
				rows[i] = float32(math.Abs(float64(rows[i])))
			case 2:
				rows[i] = float32(int(rows[i]*2)) / 2
			case 3:
				rows[i] = -1 + float32(i%2)*1e-3
			}
		}
		var q quads
		size := [...]int{top, 255}[k/8%2]
		if !q.pack(rows, nil, 40, k, size, 1, 1) {
			t.Fatal("not packed")
		}
		for j := range 40 {
			for i := 0; i < k; i += 8 {
				var plus, minus [2]int
				for b := range 8 {
					w := int(int8(q.data[j/16*16*k+(i+b)/4*64+j%16*4+b%4]))
					plus[b/2%2] += max(w, 0)
					minus[b/2%2] -= min(w, 0)
				}
				if most := max(plus[0], plus[1], minus[0], minus[1]); size*most > math.MaxInt16 {
					t.Fatalf("row %d of %d values: four weights add up to %d", j, k, most)
				}
			}
		}
	}
	var q quads
	for _, bad := range []float32{nan, inf, -inf} {
		if rows := random(r, 16); q.pack(append(rows, 1, 2, bad, 4, 5, 6, 7, 8), nil, 3, 8, 255, 1, 1) {
			t.Errorf("a weight of %v was packed", bad)
		}
	}
}

// What brings floats to integers gives what the plain loops do.
func TestQuantInputs(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, c := range [][2]int{{1, 8}, {3, 16}, {5, 24}, {2, 192}} {
			r := seeded(c[0])
			x := random(r, c[0]*c[1])
			clear(x[:c[1]/2])
			got, want := make([]byte, len(x)), make([]byte, len(x))
			scale, exact := make([]float32, c[0]), make([]float32, c[0])
			centre(got, scale, x, c[1])
			centreGeneric(want, exact, x, c[1])
			if sameBits(t, "scale", scale, exact); !slices.Equal(got, want) {
				t.Fatalf("%v: bytes %v, want %v", c, got, want)
			}
			for _, bad := range []float32{nan, inf, -inf} {
				y := slices.Clone(x)
				y[len(y)-1] = bad
				centre(got, scale, y, c[1])
				if last := scale[c[0]-1]; last-last == 0 {
					t.Errorf("the scale of a row with %v is %v", bad, last)
				}
			}
		}
		for _, n := range []int{16, 48, 160} {
			x := random(seeded(n), n)
			for i := range x {
				x[i] *= 5
			}
			x[3], x[9] = 1e30, -1e30
			got, want := make([]int16, n), make([]int16, n)
			a, b := clipped(got, x, six/6.), clippedGeneric(want, x, six/6.)
			if a != b || !slices.Equal(got, want) {
				t.Fatalf("%d: %v %v, want %v %v", n, a, got, b, want)
			}
			x[n-1] = nan
			if a := clipped(got, x, 1); a < infinite {
				t.Errorf("%d: NaN has size %x", n, a)
			}
		}
	})
}

// quantCases are blocks in shapes that the integers have, and in the last two that have edges alone.
var quantCases = []bottleneckCase{
	{depthCase{2, 9, 13, 48, 3, 1, -1}, 8, 8, true, true},
	{depthCase{1, 14, 10, 32, 5, 1, -1}, 16, 16, true, true},
	{depthCase{3, 11, 12, 48, 3, 2, -1}, 24, 16, false, true},
	{depthCase{1, 12, 11, 16, 5, 2, 2}, 8, 40, false, true},
	{depthCase{2, 8, 9, 32, 3, 1, 1}, 32, 16, false, false},
	{depthCase{1, 6, 6, 16, 2, 3, 0}, 8, 24, false, true}, // rows that no band sees
	{depthCase{1, 1, 1, 16, 5, 1, -1}, 8, 8, true, true},
}

// quantCase is a block with random values in floats and in integers.
func quantCase(t *testing.T, c *bottleneckCase) (b Bottleneck, v BlockValues) {
	r := seeded(c.c)
	if !c.widened {
		c.in = c.c
	}
	shrunk := func(n, k int) []float32 {
		w := random(r, n)
		for i := range w {
			w[i] /= float32(math.Sqrt(float64(k)))
		}
		return w
	}
	x := random(r, c.pictures*c.h*c.w*c.in)
	v = BlockValues{
		K: c.in, C: c.c, N: c.out, Rows: c.k, Cols: c.k, Taps: shrunk(c.k*c.k*c.c, c.k*c.k), Bias: random(r, c.c), Narrow: shrunk(c.out*c.c, c.c), NarrowBias: random(r, c.out),
	}
	if c.widened {
		v.Widen, v.WidenBias = shrunk(c.c*c.in, c.in), random(r, c.c)
	} else {
		for i := range x {
			x[i] = min(max(3*x[i], 0), 6)
		}
	}
	q := NewQuantBlock(&v)
	if q == nil {
		t.Fatal("the block has no form in integers")
	}
	rows, cols := NewSide(c.h, c.k, c.stride, c.pad), NewSide(c.w, c.k, c.stride, c.pad)
	return Bottleneck{X: x, Stride: c.stride, Rows: rows, Cols: cols, Skip: c.skip, Quant: q, Out: make([]float32, c.pictures*rows.Out*cols.Out*c.out)}, v
}

// A block in integers has the same bits on every tier, for bands of any height and any number of workers, and is near to the block in floats.
func TestQuantBlock(t *testing.T) {
	for _, c := range quantCases {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			b, v := quantCase(t, &c)
			exact := b
			exact.Quant, exact.Out = nil, make([]float32, len(b.Out))
			exact.Taps, exact.Bias, exact.WidenBias, exact.NarrowBias = v.Taps, v.Bias, v.WidenBias, v.NarrowBias
			exact.Narrow = packedAs(F32, c.out, c.c, v.Narrow)
			if c.widened {
				exact.Widen = packedAs(F32, c.c, c.in, v.Widen)
			}
			for i := range exact.Plan(1) {
				exact.Run(i)
			}
			var want []float32
			eachTier(t, func(t *testing.T) {
				for workers := 1; workers <= 3; workers++ {
					for _, band := range []int{0, 1, 2} {
						out, check := guarded(len(b.Out), 3)
						b.Out = out
						chunks := b.Plan(workers)
						if band > 0 {
							b.band = band
						}
						for i := range chunks {
							b.Run(chunks - 1 - i)
						}
						check(t)
						if want == nil {
							want = slices.Clone(out)
						}
						if !slices.Equal(out, want) {
							t.Fatalf("%d workers, bands of %d rows: other bits", workers, band)
						}
					}
				}
			})
			far, size := 0.0, 0.0
			for i, v := range want {
				far += math.Pow(float64(v-exact.Out[i]), 2)
				size += math.Pow(float64(exact.Out[i]), 2)
			}
			if off := math.Sqrt(far / size); !(off < 0.03) {
				t.Errorf("%v of what floats give off", off)
			}
		})
	}
}

// What is not finite spoils the rows that see it, for any number of workers, and nothing else.
func TestQuantBlockNotFinite(t *testing.T) {
	for _, c := range []bottleneckCase{quantCases[0], quantCases[4]} {
		b, _ := quantCase(t, &c)
		for i := range b.Plan(1) {
			b.Run(i)
		}
		whole := b.Out
		for _, bad := range []float32{nan, inf} {
			row := 5
			b.X[(row*c.w+2)*c.in+1] = bad
			for workers := 1; workers <= 3; workers += 2 {
				b.Out = make([]float32, len(whole))
				for i := range b.Plan(workers) {
					b.Run(i)
				}
				for i, v := range b.Out {
					y := i / (b.Cols.Out * c.out)
					if spoilt := y >= row-1 && y <= row+1; spoilt != (v != v) || !spoilt && v != whole[i] {
						t.Fatalf("%v in row %d, %d workers: row %d has %v, before %v", bad, row, workers, y, v, whole[i])
					}
				}
			}
		}
	}
}

// Shapes and values that have no form in integers.
func TestNoQuantBlock(t *testing.T) {
	good := func() *BlockValues {
		return &BlockValues{K: 8, C: 16, N: 8, Rows: 3, Cols: 3, Widen: make([]float32, 128), Taps: make([]float32, 144), Narrow: make([]float32, 128), Bias: make([]float32, 16)}
	}
	if NewQuantBlock(good()) == nil {
		t.Fatal("zeros have a form in integers")
	}
	for name, spoil := range map[string]func(v *BlockValues){
		"odd channels": func(v *BlockValues) { v.K, v.Widen = 7, v.Widen[:112] },
		"half a vector": func(v *BlockValues) {
			v.C, v.Widen, v.Taps, v.Narrow, v.Bias = 8, v.Widen[:64], v.Taps[:72], v.Narrow[:64], nil
		},
		"NaN in the taps": func(v *BlockValues) { v.Taps[5] = nan },
		"infinite bias":   func(v *BlockValues) { v.Bias[5] = inf },
		"a bias too far":  func(v *BlockValues) { v.Bias[5] = 1e9 },
		"NaN in weights":  func(v *BlockValues) { v.Narrow[7] = nan },
		"no widening":     func(v *BlockValues) { v.Widen = nil },
	} {
		v := good()
		if spoil(v); NewQuantBlock(v) != nil {
			t.Errorf("%s: has a form in integers", name)
		}
	}
	v := good()
	v.Taps = v.Taps[1:]
	mustPanic(t, "a tap too few", func() { NewQuantBlock(v) })
}
