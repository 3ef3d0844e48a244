package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// attentionCase makes an Attention over random rows: tq[s] queries and tk[s] keys for each sequence.
type attentionCase struct {
	heads, d int
	tq, tk   []int // tk nil: the same as tq
	causal   bool
	mask     bool
	biases   int  // how many matrices of bias, each larger than the longest sequence by 0 and 3
	snug     bool // … or by nothing
	kheads   int  // 0: as many as heads
	window   int
}

func (c attentionCase) make(r *rand.Rand) (a Attention) {
	width := c.heads * c.d
	kwidth := width
	if c.kheads > 0 {
		kwidth = c.kheads * c.d
	}
	starts := func(n []int) (s []int32, rows int) {
		s = []int32{0}
		for _, n := range n {
			rows += n
			s = append(s, int32(rows))
		}
		return s, rows
	}
	a = Attention{Heads: c.heads, KHeads: c.kheads, D: c.d, Causal: c.causal, Window: c.window, Scale: float32(1 / math.Sqrt(float64(c.d)))}
	var queries, keys int
	a.Starts, queries = starts(c.tq)
	keys = queries
	if c.tk != nil {
		a.KStarts, keys = starts(c.tk)
	}
	a.LDQ, a.LDK, a.LDV, a.LDO = width+1, kwidth+2, kwidth+3, width+4
	a.Q, a.K, a.V = random(r, queries*a.LDQ), random(r, keys*a.LDK), random(r, keys*a.LDV)
	a.Out = make([]float32, queries*a.LDO)
	for i := range a.Out {
		a.Out[i] = guard
	}
	if c.mask {
		a.Mask = random(r, keys)
		for i := range a.Mask {
			if i%5 == 4 {
				a.Mask[i] = float32(math.Inf(-1))
			}
		}
	}
	if c.biases > 0 {
		a.BiasN = c.biases
		for i := range c.tq {
			a.BiasT = max(a.BiasT, c.tq[i])
			a.BiasS = max(a.BiasS, int(a.keysOf(i)))
		}
		if !c.snug {
			a.BiasS += 3
		}
		a.Bias = random(r, a.BiasN*a.Heads*a.BiasT*a.BiasS)
	}
	return a
}

func (a *Attention) keysOf(sequence int) int32 {
	if starts := a.KStarts; starts != nil {
		return starts[sequence+1] - starts[sequence]
	}
	return a.Starts[sequence+1] - a.Starts[sequence]
}

// check compares with plain attention in float64. Scores carry an error of about eps·√D·|q||k|·scale, which the exponential turns
// into a relative one of the weights; the weighted sum adds eps·√T times the size of the values.
func (c attentionCase) check(t *testing.T, a *Attention) {
	t.Helper()
	tk, ks := c.tk, a.KStarts
	if tk == nil {
		tk, ks = c.tq, a.Starts
	}
	for s, tq := range c.tq {
		for i := range tq {
			row := int(a.Starts[s]) + i
			for h := range c.heads {
				n := tk[s]
				if c.causal {
					n = max(0, min(n, i+1+tk[s]-tq))
				}
				first, kh := 0, h
				if own := i + tk[s] - tq; c.window > 0 {
					first, n = max(0, own-c.window), max(0, min(n, own+c.window+1))
				}
				if c.kheads > 0 {
					kh = h / (c.heads / c.kheads)
				}
				out := make([]float64, c.d)
				score, top, sum := make([]float64, n), math.Inf(-1), 0.0
				for j := first; j < n; j++ {
					for x := range c.d {
						score[j] += float64(a.Q[row*a.LDQ+h*c.d+x]) * float64(a.K[(int(ks[s])+j)*a.LDK+kh*c.d+x])
					}
					score[j] *= float64(a.Scale)
					if a.Mask != nil {
						score[j] += float64(a.Mask[int(ks[s])+j])
					}
					if a.Bias != nil {
						score[j] += float64(a.Bias[(((s%a.BiasN)*c.heads+h)*a.BiasT+i)*a.BiasS+j])
					}
					top = max(top, score[j])
				}
				for j := first; j < n; j++ {
					w := math.Exp(score[j] - top)
					sum += w
					for x := range c.d {
						out[x] += w * float64(a.V[(int(ks[s])+j)*a.LDV+kh*c.d+x])
					}
				}
				tol := 4 * eps32 * (math.Sqrt(float64(c.d)) + math.Sqrt(float64(n)) + 8) * 2
				for x := range c.d {
					if n > first {
						out[x] /= sum
					}
					near(t, fmt.Sprintf("%+v: sequence %d query %d head %d value %d", c, s, i, h, x), a.Out[row*a.LDO+h*c.d+x], out[x], tol)
				}
			}
			for _, v := range a.Out[row*a.LDO+c.heads*c.d:][:4] {
				if v != guard {
					t.Fatalf("%+v: wrote beside the heads", c)
				}
			}
		}
	}
}

func TestAttentionOfManyShapes(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(20)
		for _, c := range []attentionCase{
			{heads: 1, d: 1, tq: []int{1}},
			{heads: 2, d: 8, tq: []int{5, 0, 3, 1}},
			{heads: 2, d: 64, tq: []int{50}},
			{heads: 3, d: 64, tq: []int{77, 10, 33}, causal: true},
			{heads: 2, d: 32, tq: []int{14, 15, 28, 29, 31, 32, 33}, causal: true},
			{heads: 1, d: 80, tq: []int{40, 17}},
			{heads: 1, d: 40, tq: []int{19}, mask: true},
			{heads: 2, d: 33, tq: []int{300}, causal: true},
			{heads: 1, d: 64, tq: []int{600}},
			{heads: 4, kheads: 2, d: 24, tq: []int{21, 400}},
			{heads: 3, kheads: 1, d: 40, tq: []int{1, 2}, tk: []int{37, 9}, causal: true},
			{heads: 1, d: 16, tq: []int{40, 700, 3}, window: 1},
			{heads: 2, kheads: 1, d: 32, tq: []int{1100}, window: 37},
			{heads: 1, d: 16, tq: []int{900}, window: 400, causal: true, mask: true},
			{heads: 1, d: 24, tq: []int{700, 350}, window: 64, biases: 1},
			{heads: 1, d: 24, tq: []int{9, 5}, tk: []int{3, 700}, window: 2, causal: true},
			{heads: 1, d: 24, tq: []int{9}, tk: []int{3}, window: 4},
			{heads: 1, d: 16, tq: []int{520}, causal: true, mask: true},
			{heads: 2, d: 24, tq: []int{1, 4}, tk: []int{37, 300}},
			{heads: 2, d: 24, tq: []int{1, 4, 2}, tk: []int{37, 300, 0}, causal: true},
			{heads: 1, d: 24, tq: []int{9}, tk: []int{3}, causal: true},
			{heads: 1, d: 128, tq: []int{20}, tk: []int{45}, mask: true},
			{heads: 2, d: 24, tq: []int{64, 64, 64, 64, 64}, biases: 3, snug: true},
			{heads: 3, d: 33, tq: []int{5, 0, 70, 33}, biases: 2},
			{heads: 2, d: 16, tq: []int{12}, tk: []int{19}, biases: 1, mask: true},
			{heads: 1, d: 64, tq: []int{700, 40}, biases: 1, causal: true},
			{heads: 2, d: 40, tq: []int{1, 400}, biases: 1, causal: true, mask: true},
		} {
			for _, workers := range []int{1, 8} {
				if testing.Short() && workers == 1 {
					continue
				}
				a := c.make(r)
				runAll(&a, workers)
				c.check(t, &a)
			}
		}
	})
}

// TestAttentionDependsOnItsOwnSequence is the law: a sequence gives the same bits alone, in a ragged batch, and split among workers.
func TestAttentionDependsOnItsOwnSequence(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(21)
		for _, causal := range []bool{false, true} {
			c := attentionCase{heads: 2, d: 64, tq: []int{7, 300, 50, 1, 129}, causal: causal, biases: 1}
			whole := c.make(r)
			runAll(&whole, 1)
			for s, n := range c.tq {
				for _, workers := range []int{1, 16} {
					one := whole
					at := int(whole.Starts[s])
					one.Q, one.K, one.V = whole.Q[at*one.LDQ:], whole.K[at*one.LDK:], whole.V[at*one.LDV:]
					one.Out = make([]float32, n*one.LDO)
					one.Starts, one.KStarts = []int32{0, int32(n)}, nil
					runAll(&one, workers)
					for i := range n {
						sameBits(t, fmt.Sprintf("sequence %d row %d", s, i), one.Out[i*one.LDO:][:128], whole.Out[(at+i)*one.LDO:][:128])
					}
				}
			}
		}
	})
}

// TestCausalPrefix is the law that text after the end may be dropped: the first rows do not change.
func TestCausalPrefix(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		c := attentionCase{heads: 2, d: 64, tq: []int{77}, causal: true}
		long := c.make(seeded(22))
		runAll(&long, 2)
		for n := 1; n < 77; n++ {
			short := long
			short.Starts, short.KStarts = []int32{0, int32(n)}, nil
			short.Out = make([]float32, n*long.LDO)
			runAll(&short, 2)
			for i := range n {
				sameBits(t, fmt.Sprintf("%d of 77", n), short.Out[i*long.LDO:][:128], long.Out[i*long.LDO:][:128])
			}
		}
	})
}

func TestAttentionKeepsNaN(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		c := attentionCase{heads: 2, d: 32, tq: []int{20}}
		a := c.make(seeded(23))
		a.K[3*a.LDK+5] = nan // head 0
		a.V[4*a.LDV+40] = inf
		runAll(&a, 1)
		for i := range 20 {
			near(t, "NaN in a key of head 0", a.Out[i*a.LDO], math.NaN(), 0)
			near(t, "Inf in a value of head 1", a.Out[i*a.LDO+40], math.Inf(1), 0)
			if v := a.Out[i*a.LDO+41]; v != v || math.IsInf(float64(v), 0) {
				t.Fatalf("its neighbour became %v", v)
			}
		}
	})
}

func TestAttentionAllocatesNothing(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		c := attentionCase{heads: 2, d: 64, tq: []int{50, 20}, biases: 2}
		a := c.make(seeded(24))
		run := func() {
			for c := range a.Plan(2) {
				a.Run(c)
			}
		}
		run()
		if n := testing.AllocsPerRun(10, run); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
	mustPanic(t, "short K", func() {
		(&Attention{Heads: 1, D: 4, Starts: []int32{0, 2}, Q: make([]float32, 8), LDQ: 4, K: make([]float32, 7), LDK: 4, V: make([]float32, 8), LDV: 4, Out: make([]float32, 8), LDO: 4}).Plan(1)
	})
	mustPanic(t, "short bias", func() {
		c := attentionCase{heads: 2, d: 4, tq: []int{5}, biases: 1}
		a := c.make(seeded(25))
		a.Bias = a.Bias[1:]
		a.Plan(1)
	})
	mustPanic(t, "narrow bias", func() {
		c := attentionCase{heads: 2, d: 4, tq: []int{5}, biases: 1}
		a := c.make(seeded(25))
		a.BiasS = 4
		a.Plan(1)
	})
}
