package train

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/tensor"
)

// A LoRA is low-rank adaptation (Hu et al. 2021): of a weight W [N, K] only a product of two small matrices is learnt, so that it becomes
// W + Alpha/Rank·B·A with A [Rank, K] and B [N, Rank].
//
// The layers stay as they are and know nothing of it. Their weight holds the sum, which is made anew after each step: a product costs what
// it costs without adapters, recording changes no result, and a model that is saved is saved merged. Learning needs the memory of one
// gradient for each adapted weight, but of no moments.
type LoRA struct {
	Rank     int
	Alpha    float64  // 0 for Rank
	Patterns []string // of the names of the weights to adapt, as [Matches] takes them, such as "*_proj.weight"
}

// Adapters are the low-rank matrices of a model.
type Adapters struct {
	scale   float32
	list    []adapter
	workers int
	product product
	small   []float32 // a matrix of an adapter, scaled or turned
}

// An adapter belongs to one weight.
type adapter struct {
	name string
	w    *tensor.Tensor // holds base + scale·b·a
	base []float32      // its values before
	a, b *tensor.Tensor
}

// Adapt gives the parameters that match adapters, which change nothing at first: A is uniform with variance 1/(3K), B is 0, as in peft. It
// is an error if a pattern matches nothing, or something that is not a matrix.
func (l LoRA) Adapt(params iter.Seq2[string, *tensor.Tensor], seed uint64, workers int) (*Adapters, error) {
	if l.Rank < 1 {
		return nil, fmt.Errorf("train: adapters of rank %d, want 1 or more", l.Rank)
	}
	alpha := l.Alpha
	if alpha == 0 {
		alpha = float64(l.Rank)
	}
	x := &Adapters{scale: float32(alpha / float64(l.Rank)), workers: workers}
	random := rand.New(rand.NewPCG(seed, 0x10a))
	if list := Unmatched(params, l.Patterns...); len(list) > 0 {
		return nil, fmt.Errorf("train: %q matches no parameter to adapt", list[0])
	}
	for name, w := range Only(params, l.Patterns...) {
		if w.Rank() != 2 {
			return nil, fmt.Errorf("train: %s is to be adapted and is %v, want a matrix [N, K]", name, w.Shape())
		}
		n, k := w.Dim(0), w.Dim(1)
		a := adapter{name, w, slices.Clone(w.Own()), zeros(l.Rank, k), zeros(n, l.Rank)}
		bound := 1 / math.Sqrt(float64(k))
		for i, v := 0, a.a.Own(); i < len(v); i++ {
			v[i] = float32((2*random.Float64() - 1) * bound)
		}
		x.list = append(x.list, a)
	}
	return x, nil
}

// zeros is a parameter of zeros of its own.
func zeros(shape ...int) *tensor.Tensor {
	t := tensor.Param(shape...)
	t.Store(tensor.F32, make([]byte, 4*t.Len()), nil)
	t.Own()
	return t
}

// Params is the matrices, by the names that peft gives them.
func (x *Adapters) Params() iter.Seq2[string, *tensor.Tensor] {
	return func(yield func(string, *tensor.Tensor) bool) {
		for _, a := range x.list {
			layer := strings.TrimSuffix(a.name, ".weight")
			if !yield(layer+".lora_A.weight", a.a) || !yield(layer+".lora_B.weight", a.b) {
				return
			}
		}
	}
}

// Gradients is those of the adapters and of other parameters that are learnt beside them, such as the scale of a [Contrast]. A recording pass
// computes the derivatives by the adapted weights too, for [Adapters.Back].
func (x *Adapters) Gradients(others iter.Seq2[string, *tensor.Tensor]) *tensor.Gradients {
	g := tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) {
		for name, p := range x.Params() {
			if !yield(name, p) {
				return
			}
		}
		if others == nil {
			return
		}
		for name, p := range others {
			if !slices.ContainsFunc(x.list, func(a adapter) bool { return a.w == p }) && !yield(name, p) {
				return
			}
		}
	})
	for _, a := range x.list {
		g.Through(a.w)
	}
	return g
}

// Apply makes each weight the sum. It is for after each change of the matrices.
func (x *Adapters) Apply() {
	for _, a := range x.list {
		n, k, rank := a.w.Dim(0), a.w.Dim(1), a.a.Dim(0)
		x.small = resize(x.small, n*rank)
		kernel.Scale(x.small, a.b.Own(), x.scale)
		x.product.run(a.w.Own(), a.base, x.small, n, a.a.Own(), k, rank, x.workers)
		a.w.Changed()
	}
}

// Back turns the derivatives by the adapted weights into those by the matrices: dA = scale·Bᵀ·dW and dB = scale·dW·Aᵀ. It is for after the
// way back, before a step.
func (x *Adapters) Back(g *tensor.Gradients) {
	for _, a := range x.list {
		if !g.Reached(a.w) {
			continue
		}
		n, k, rank := a.w.Dim(0), a.w.Dim(1), a.a.Dim(0)
		dw, da, db := g.Of(a.w), g.Of(a.a), g.Of(a.b)
		x.small = resize(x.small, max(n, k)*rank)
		turned := x.small[:n*rank]
		kernel.Transpose(turned, a.b.Own(), n, rank, rank)
		kernel.Scale(turned, turned, x.scale)
		x.product.run(da, da, turned, rank, dw, k, n, x.workers)
		turned = x.small[:k*rank]
		kernel.Transpose(turned, a.a.Own(), rank, k, k)
		kernel.Scale(turned, turned, x.scale)
		x.product.run(db, db, dw, n, turned, rank, k, x.workers)
	}
}

// A product is c [m, n] = base + a·b, for a [m, k] and b [k, n]; its memory is kept.
type product struct {
	turned kernel.Turned
	gemm   kernel.Gemm
	list   [1]*kernel.Packed
	memory []float32
}

// run computes it; base may be c.
func (p *product) run(c, base, a []float32, m int, b []float32, n, k, workers int) {
	if workers <= 0 {
		workers = par.Workers()
	}
	p.memory = resize(p.memory, kernel.TurnedSpace(n, k, kernel.F32))
	par.Do(&p.turned, p.turned.Plan(n, k, kernel.F32, b, n, p.memory), workers)
	p.list[0] = &p.turned.Packed
	p.gemm = kernel.Gemm{C: c, LDC: n, A: a, LDA: k, M: m, W: p.list[:], Residual: base, LDR: n}
	par.Do(&p.gemm, p.gemm.Plan(workers), workers)
}

// resize is memory of n values, that of s if it holds as many.
func resize(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
