package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func packed(n, k int, w []float32) *Packed { return packedAs(F32, n, k, w) }

func packedAs(f Format, n, k int, w []float32) *Packed {
	p := NewPacked(n, k, f)
	p.SetRows(0, w)
	return p
}

// eachFormat runs test once per tier and format.
func eachFormat(t *testing.T, test func(t *testing.T, f Format)) {
	eachTier(t, func(t *testing.T) {
		for f := range formats {
			t.Run(f.String(), func(t *testing.T) { test(t, f) })
		}
	})
}

// unpacked reads the value in row n and column k of a weight back from its layout.
func (p *Packed) unpacked(n, k int) float64 {
	l := p.layout
	index, j := n/l.width, n%l.width
	at := index*p.panelBytes()/l.format.size() + (k/l.group*l.width+l.column(j))*l.group + k%l.group
	switch l.format {
	case BF16:
		return float64(math.Float32frombits(uint32(p.data[2*at])<<16 | uint32(p.data[2*at+1])<<24))
	case F16:
		return float64(f16(uint16(p.data[2*at]) | uint16(p.data[2*at+1])<<8))
	case W8, I8:
		return float64(int8(p.data[at])) * float64(p.scale[n])
	}
	return float64(floatsOf(p.data)[at])
}

// leftValues is the values of A as the format f at the present tier takes them.
func leftValues(f Format, a []float32, m, k, lda int) []float64 {
	v := make([]float64, m*k)
	for i := range m {
		row := a[i*lda:][:k]
		switch layoutOf(tier, f).left {
		case leftU8, leftS8:
			q := make([]byte, k)
			scale, zero := GenericQuantize(q, row)
			for j, b := range q {
				v[i*k+j] = float64(scale) * float64(int32(b)-zero)
			}
		case leftBF16:
			for j, x := range row {
				v[i*k+j] = float64(math.Float32frombits(uint32(bf16(x)) << 16))
			}
		default:
			for j, x := range row {
				v[i*k+j] = float64(x)
			}
		}
	}
	return v
}

// multiply does a product, its chunks in random order.
func multiply(g *Gemm, workers int) {
	if n := g.Space(); n > 0 {
		g.Buffer = make([]float32, n)
		runAll((*Convert)(g), workers)
	}
	runAll(g, workers)
}

// runAll does a planned product with its chunks in random order.
func runAll(task interface {
	Plan(int) int
	Run(int)
}, workers int) {
	for _, c := range rand.Perm(task.Plan(workers)) {
		task.Run(c)
	}
}

// gemmCase is a product with every operand apart in memory.
type gemmCase struct {
	m, k, lda, ldc, ldr int
	n                   []int
	bias, residual      bool
	act                 Activation
	format              Format
}

func (c gemmCase) columns() (n int) {
	for _, w := range c.n {
		n += w
	}
	return n
}

// check runs c and compares every element with float64, within 4·eps·√K·‖terms‖₂ of the sum, and with the guard around C.
func (c gemmCase) check(t *testing.T, r *rand.Rand) {
	t.Helper()
	n := c.columns()
	a := random(r, (c.m-1)*c.lda+c.k)
	out, guards := guarded((c.m-1)*c.ldc+n, 3)
	for i := range out {
		out[i] = guard
	}
	g := Gemm{C: out, LDC: c.ldc, A: a, LDA: c.lda, M: c.m, Act: c.act}
	var biases [][]float32
	for i, wn := range c.n {
		w := random(r, wn*c.k)
		g.W = append(g.W, packedAs(c.format, wn, c.k, w))
		biases = append(biases, nil)
		if c.bias && i != 1 {
			biases[i] = random(r, wn)
		}
	}
	if c.bias {
		g.Bias = biases
	}
	if c.residual {
		g.Residual, g.LDR = random(r, (c.m-1)*c.ldr+n), c.ldr
	}
	multiply(&g, 2)
	guards(t)
	weights := make([][]float64, len(g.W))
	for i, w := range g.W {
		for at := range w.N * w.K {
			weights[i] = append(weights[i], w.unpacked(at/w.K, at%w.K))
		}
	}
	left := leftValues(c.format, a, c.m, c.k, c.lda)
	for m := range c.m {
		j := 0
		for i, wn := range c.n {
			for row := range wn {
				var sum, size float64
				for k := range c.k {
					p := left[m*c.k+k] * weights[i][row*c.k+k]
					sum += p
					size += p * p
				}
				if biases[i] != nil {
					sum += float64(biases[i][row])
					size += float64(biases[i][row]) * float64(biases[i][row])
				}
				tol := 4*eps32*math.Sqrt(float64(c.k)*size) + 4*eps32*math.Abs(sum)
				sum = activation64(c.act, sum)
				if c.residual {
					sum += float64(g.Residual[m*c.ldr+j])
					tol += eps32 * math.Abs(sum)
				}
				near(t, fmt.Sprintf("%+v: C[%d, %d]", c, m, j), out[m*c.ldc+j], sum, 1.2*tol) // activations have slopes up to 1.13
				j++
			}
		}
		for ; m < c.m-1 && j < c.ldc; j++ {
			if out[m*c.ldc+j] != guard {
				t.Fatalf("%+v: wrote between the rows of C, at %d, %d", c, m, j)
			}
		}
	}
}

func TestGemmOfManySizes(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		r := seeded(10)
		step := 1
		if testing.Short() {
			step = 5
		}
		for m := 1; m <= 40; m++ {
			n, k := 1+r.IntN(100), 1+r.IntN(80)
			gemmCase{format: f, m: m, k: k, lda: k + r.IntN(5), ldc: n + r.IntN(5), ldr: n + 3, n: []int{n}, bias: m%2 == 0, residual: m%3 == 0}.check(t, r)
		}
		for n := 1; n <= 70; n += step {
			m, k := 1+r.IntN(20), 1+r.IntN(40)
			gemmCase{format: f, m: m, k: k, lda: k, ldc: n + 2, ldr: n, n: []int{n}, bias: true, residual: n%2 == 0, act: Activation(n % int(activations))}.check(t, r)
		}
		for k := 1; k <= 70; k += step {
			gemmCase{format: f, m: 9, k: k, lda: k, ldc: 33, ldr: 33, n: []int{33}}.check(t, r)
		}
	})
}

func TestGemmWithSeveralWeightsAndBlocks(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		r := seeded(11)
		rows := 460 // several blocks
		if testing.Short() {
			rows = 115
		}
		for _, act := range []Activation{None, GELU} {
			for _, residual := range []bool{false, true} {
				gemmCase{format: f, m: 5, k: 40, lda: 40, ldc: 120, ldr: 111, n: []int{64, 7, 40}, bias: true, residual: residual, act: act}.check(t, r)
				gemmCase{format: f, m: 23, k: 1700, lda: 1701, ldc: 97, ldr: 97, n: []int{96, 1}, bias: true, residual: residual, act: act}.check(t, r)
				gemmCase{format: f, m: rows, k: 300, lda: 300, ldc: 50, ldr: 50, n: []int{50}, bias: true, residual: residual, act: act}.check(t, r)
			}
		}
	})
}

func TestGemmOfNothing(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		if n := (&Gemm{W: []*Packed{NewPacked(3, 4, F32)}, LDA: 4, LDC: 3}).Plan(2); n != 0 {
			t.Errorf("%d chunks for no rows", n)
		}
		if n := (&Gemm{W: []*Packed{NewPacked(0, 4, F32)}, LDA: 4, M: 1, A: make([]float32, 4)}).Plan(2); n != 0 {
			t.Errorf("%d chunks for no columns", n)
		}
		c := []float32{7, 7, 7}
		multiply(&Gemm{W: []*Packed{NewPacked(3, 0, F32)}, Bias: [][]float32{{1, 2, 3}}, C: c, LDC: 3, M: 1}, 1) // an empty sum is 0
		sameBits(t, "K = 0", c, []float32{1, 2, 3})
	})
}

// TestGemmRowsDependOnNothingElse is the law: a row's result is the same to the bit whatever the other rows, their number, the chunking
// and the neighbours among the weights.
func TestGemmRowsDependOnNothingElse(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		r := seeded(12)
		const k, n = 1811, 96
		most, rows := 260, []int{1, 2, 3, 7, 10, 13, 14, 15, 29, 50, 77, 225}
		if testing.Short() {
			most, rows = 130, []int{1, 2, 5, 16, 121}
		}
		a, w, bias := random(r, most*k), packedAs(f, n, k, random(r, n*k)), [][]float32{random(r, n)}
		for _, act := range []Activation{None, QuickGELU} {
			whole := make([]float32, most*n)
			multiply(&Gemm{C: whole, LDC: n, A: a, LDA: k, M: most, W: []*Packed{w}, Bias: bias, Act: act}, 1)
			for _, m := range rows {
				for _, workers := range []int{1, 2, 5} {
					at := r.IntN(most - m + 1)
					part := make([]float32, m*n)
					multiply(&Gemm{C: part, LDC: n, A: a[at*k:], LDA: k, M: m, W: []*Packed{w}, Bias: bias, Act: act}, workers)
					sameBits(t, fmt.Sprintf("%d rows", m), part, whole[at*n:])
				}
			}
			three := make([]float32, 3*n*10)
			multiply(&Gemm{C: three, LDC: 3 * n, A: a, LDA: k, M: 10, W: []*Packed{w, w, w}, Bias: [][]float32{bias[0], bias[0], bias[0]}, Act: act}, 2)
			for m := range 10 {
				for j := range 3 {
					sameBits(t, "side by side", three[(3*m+j)*n:][:n], whole[m*n:][:n])
				}
			}
		}
	})
}

func TestGemmIntoItsResidual(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		r := seeded(13)
		for _, act := range []Activation{None, SiLU} {
			const m, n, k = 37, 75, 900
			a, w, res := random(r, m*k), packedAs(f, n, k, random(r, n*k)), random(r, m*n)
			g := Gemm{C: make([]float32, m*n), LDC: n, A: a, LDA: k, M: m, W: []*Packed{w}, Act: act, Residual: res, LDR: n}
			multiply(&g, 2)
			want := g.C
			g.C = append([]float32(nil), res...)
			g.Residual = g.C
			multiply(&g, 2)
			sameBits(t, "in place", g.C, want)
		}
	})
}

func TestGemmKeepsNaNAndInf(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		tol := 1e-5
		if f == I8 {
			tol = 0.3
		}
		for _, bad := range []float32{nan, inf} {
			a := make([]float32, 20*64)
			for i := range a {
				a[i] = 1
			}
			w := make([]float32, 40*64)
			for i := range w {
				w[i] = 0.5
			}
			a[7*64+33] = bad
			for act := range activations {
				c := make([]float32, 20*40)
				multiply(&Gemm{C: c, LDC: 40, A: a, LDA: 64, M: 20, W: []*Packed{packedAs(f, 40, 64, w)}, Act: act}, 1)
				for i, v := range c {
					want := activation64(act, 32)
					if i/40 == 7 {
						if want = activation64(act, float64(bad)); f == I8 {
							want = math.NaN() // the whole row has no scale
						}
					}
					near(t, fmt.Sprint(bad, " in row 7, element ", i), v, want, tol)
				}
			}
		}
	})
}

func TestSetRowsInPieces(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		r := seeded(14)
		const n, k = 109, 35
		rows := random(r, n*k)
		whole, pieces := packedAs(f, n, k, rows), NewPacked(n, k, f)
		for at := 0; at < n; {
			c := min(1+r.IntN(50), n-at)
			pieces.SetRows(at, rows[at*k:(at+c)*k])
			at += c
		}
		sameBits(t, "pieces", pieces.memory.floats, whole.memory.floats)
		for i, v := range rows {
			want, off := float64(v), 0.0
			switch f {
			case BF16:
				off = math.Abs(want) / 256
			case F16:
				off = math.Abs(want)/2048 + 0x1p-25
			case W8, I8:
				off = float64(whole.scale[i/k]) * 0.5001
			}
			near(t, fmt.Sprint("value ", i), float32(whole.unpacked(i/k, i%k)), want, off)
		}
		if f == I8 {
			for j := range n {
				sum := 0.0
				for i := range k {
					sum += whole.unpacked(j, i)
				}
				near(t, fmt.Sprint("sum ", j), float32(whole.sums[j])*whole.scale[j], sum, 1e-4)
			}
		}
		whole.Release()
		whole.Release()
	})
	mustPanic(t, "rows beyond the weight", func() { NewPacked(2, 2, F32).SetRows(1, make([]float32, 4)) })
}

func TestGemmRefusesWhatDoesNotFit(t *testing.T) {
	w := NewPacked(4, 8, F32)
	for what, g := range map[string]Gemm{
		"no weight":      {M: 1},
		"short A":        {M: 2, A: make([]float32, 15), LDA: 8, C: make([]float32, 8), LDC: 4, W: []*Packed{w}},
		"short C":        {M: 2, A: make([]float32, 16), LDA: 8, C: make([]float32, 7), LDC: 4, W: []*Packed{w}},
		"narrow rows":    {M: 1, A: make([]float32, 8), LDA: 8, C: make([]float32, 8), LDC: 3, W: []*Packed{w}},
		"rows in place":  {M: 2, A: make([]float32, 16), C: make([]float32, 8), LDC: 4, W: []*Packed{w}},
		"two Ks":         {M: 1, A: make([]float32, 8), LDA: 8, C: make([]float32, 9), LDC: 8, W: []*Packed{w, NewPacked(4, 7, F32)}},
		"bias":           {M: 1, A: make([]float32, 8), LDA: 8, C: make([]float32, 4), LDC: 4, W: []*Packed{w}, Bias: [][]float32{{1}}},
		"short residual": {M: 1, A: make([]float32, 8), LDA: 8, C: make([]float32, 4), LDC: 4, W: []*Packed{w}, Residual: make([]float32, 3), LDR: 4},
		"not converted":  {M: 1, A: make([]float32, 8), LDA: 8, C: make([]float32, 4), LDC: 4, W: []*Packed{NewPacked(4, 8, I8)}},
		"two formats":    {M: 1, A: make([]float32, 8), LDA: 8, C: make([]float32, 8), LDC: 8, W: []*Packed{w, NewPacked(4, 8, BF16)}},
	} {
		mustPanic(t, what, func() { g.Plan(1) })
	}
}

func TestGemmAllocatesNothing(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		const m, n, k = 50, 96, 600
		w := []*Packed{NewPacked(n, k, f)}
		g := &Gemm{C: make([]float32, m*n), LDC: n, A: make([]float32, m*k), LDA: k, M: m, W: w, Act: GELU}
		g.Residual, g.LDR = g.C, n
		g.Buffer = make([]float32, g.Space())
		run := func() {
			c := (*Convert)(g)
			for i := range c.Plan(2) {
				c.Run(i)
			}
			for c := range g.Plan(2) {
				g.Run(c)
			}
		}
		run()
		if n := testing.AllocsPerRun(10, run); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// TestInt8NeverSaturates multiplies the largest values that a row can hold: every sum must come out as exact integers do.
func TestInt8NeverSaturates(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		const k = 4096
		for _, sign := range []float32{1, -1} {
			w, a := make([]float32, 2*k), make([]float32, k)
			for i := range a {
				a[i], w[i] = 1, sign*0.5 // all at the top
				if w[k+i] = sign; i%2 == 1 {
					w[k+i] = 0 // the largest beside nothing
				}
			}
			c := make([]float32, 2)
			p := packedAs(I8, 2, k, w)
			multiply(&Gemm{C: c, LDC: 2, A: a, LDA: k, M: 1, W: []*Packed{p}}, 1)
			for n, v := range c {
				want := 0.0
				for i := range k {
					want += p.unpacked(n, i)
				}
				near(t, "sum", v, want, k*1e-6)
			}
		}
	})
}

// Weights that half precision can hold give the bits of a product in F32 when they are stored in it, where both have kernels of one shape.
func TestHalfWeightsLoseNothing(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		if !Native(F16) {
			t.Skip("no kernels of one shape")
		}
		r := seeded(41)
		for _, c := range []struct{ m, n, k int }{{1, 16, 512}, {5, 51, 1031}, {1, 7, 3}, {13, 40, 600}, {6, 33, 64}} {
			rows := random(r, c.n*c.k)
			short := make([]byte, 2*len(rows))
			ToF16(short, rows)
			FromF16(rows, short)
			var got [2][]float32
			a := random(r, c.m*c.k)
			for i, f := range []Format{F32, F16} {
				w := NewPacked(c.n, c.k, f)
				for first := 0; first < c.n; first += 5 { // in pieces that don't fall together with panels
					w.SetRows(first, rows[first*c.k:min(first+5, c.n)*c.k])
				}
				got[i] = make([]float32, c.m*c.n)
				multiply(&Gemm{C: got[i], LDC: c.n, A: a, LDA: c.k, M: c.m, W: []*Packed{w}, Act: GELU}, 2)
			}
			sameBits(t, "product", got[1], got[0])
		}
	})
}
