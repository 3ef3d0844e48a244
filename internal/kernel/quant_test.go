package kernel

import (
	"fmt"
	"math"
	"math/big"
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
					if n%16 == 0 { // what is convolved, and what a head makes, comes in whole panels
						if !q.pack(rows, bias, n, k, most, 100, 2, true) {
							t.Fatal("not packed")
						}
						got, want := make([]int16, m*n), make([]int16, m*n)
						q.widenGeneric(want, a, scale, m)
						scale := append(slices.Clone(scale), 1) // the kernel's pointer moves past the last
						if q.widenRows(got, a, scale, m); !slices.Equal(got, want) {
							t.Errorf("widened to other integers")
						}
						if !q.pack(rows, bias, n, k, most, 1, 2, false) {
							t.Fatal("not packed")
						}
						exact := make([]float32, m*n)
						out, check := guarded(m*n, 3)
						q.finishRows(out, a, scale, m)
						q.finishGeneric(exact, a, scale, m)
						check(t)
						sameBits(t, "finished", out, exact)
					}
					if !q.pack(rows, bias, n, k, most, 100, 2, false) {
						t.Fatal("not packed")
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

// Products of 16-bit numbers are what plain integers give, and no sum leaves 32 bits when all drive it to its end.
func TestPairs(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, c := range [][3]int{{1, 8, 4}, {5, 16, 32}, {7, 24, 48}, {130, 40, 16}} {
			m, n, k := c[0], c[1], c[2]
			for _, kind := range []string{"random", "most", "least"} {
				r := seeded(m)
				rows, a := make([]float64, n*k), make([]int16, m*k)
				for i := range rows {
					rows[i] = map[string]float64{"random": r.NormFloat64(), "most": 1, "least": -1}[kind]
				}
				for i := range a {
					if a[i] = math.MaxInt16; kind == "random" {
						a[i] = int16(r.IntN(1 << 15))
					}
				}
				var q pairs
				if !q.pack(rows, random(r, n), n, k, 1, false) {
					t.Fatal("not packed")
				}
				for _, residual := range [][]float32{nil, random(r, m*n)} {
					got, check := guarded(m*n, 3)
					q.narrowRows(got, a, residual, m)
					check(t)
					exact := make([]float32, m*n)
					q.narrowGeneric(exact, a, residual, m)
					sameBits(t, fmt.Sprint(c, kind), got, exact)
					if at := q.bias[n-1] + float32(map[string]float64{"most": 1, "least": -1}[kind]*math.MaxInt16*float64(k)); kind != "random" && residual == nil {
						near(t, "the last sum", got[m*n-1], float64(at), math.Abs(float64(at))*1e-3)
					}
				}
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
		if !q.pack(rows, nil, 40, k, size, 1, 1, false) {
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
		if rows := random(r, 16); q.pack(append(rows, 1, 2, bad, 4, 5, 6, 7, 8), nil, 3, 8, 255, 1, 1, false) {
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
			x[3] = -4
			levels(got, x[:n-1], 900)
			levelsGeneric(want, x[:n-1], 900)
			if !slices.Equal(got[:n-1], want[:n-1]) || size(x[1:]) != sizeGeneric(x[1:]) {
				t.Fatalf("%d: %v of size %x, want %v of size %x", n, got, size(x[1:]), want, sizeGeneric(x[1:]))
			}
			x[n-1] = nan
			if size(x) < infinite {
				t.Errorf("%d: NaN has size %x", n, size(x))
			}
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
	{depthCase{1, 9, 10, 64, 3, 1, -1}, 24, 24, true, true}, // channels enough for bytes to be narrowed
	{depthCase{2, 7, 7, 80, 5, 2, -1}, 16, 40, false, true},
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
			sameEverywhere(t, &b, exact.Out)
		})
	}
}

// sameEverywhere holds a block in integers against itself on every tier, in bands and strips, and against floats.
func sameEverywhere(t *testing.T, b *Bottleneck, exact []float32) {
	t.Helper()
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
		far += math.Pow(float64(v-exact[i]), 2)
		size += math.Pow(float64(exact[i]), 2)
	}
	if off := math.Sqrt(far / size); !(off < 0.03) {
		t.Errorf("%v of what floats give off", off)
	}
}

// One rounding: what is right for every float64 that a sum falls between is what sums of exact numbers are.
func TestFMA32(t *testing.T) {
	r := seeded(9)
	exact := func(a, b, c float32) float32 {
		x, y := new(big.Float).SetPrec(2000).SetFloat64(float64(a)), new(big.Float).SetPrec(2000).SetFloat64(float64(b))
		v, _ := x.Mul(x, y).Add(x, new(big.Float).SetFloat64(float64(c))).Float32()
		return v
	}
	for range 20000 {
		a, b := float32(r.IntN(1<<20)-1<<19), float32(r.NormFloat64())
		c := float32(math.Ldexp(r.NormFloat64(), r.IntN(60)-20))
		if r.IntN(2) == 0 { // near to the middle between two floats
			c = float32(math.Float32frombits(math.Float32bits(a*b)&^0xfff)) * float32(math.Ldexp(1, r.IntN(5)*8-16))
		}
		if got, want := fma32(a, b, c), exact(a, b, c); got != want {
			t.Fatalf("%v·%v + %v is %v, want %v", a, b, c, got, want)
		}
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
		"half a head":     func(v *BlockValues) { v.D, v.Head = 8, make([]float32, 64) },
		"NaN in the head": func(v *BlockValues) { v.D, v.Head = 16, append(make([]float32, 127), nan) },
		"NaN in the stem": func(v *BlockValues) { v.K, v.Stem, v.Widen = 1, true, append(make([]float32, 143), nan) },
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
