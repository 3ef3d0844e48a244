package fusion

import (
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Concat is early fusion of vectors: one hidden layer sees all of them side by side, zeros for those that are missing.
type Concat struct {
	Hidden *nn.Linear `weight:"hidden"`
}

// NewConcat makes a layer for m vectors of length c, without values. It gives vectors of length 2c.
func NewConcat(m, c int) *Concat { return &Concat{nn.NewLinear(m*c, 2*c, true)} }

// Forward fuses vectors [n, C] of N samples, each sample's of a set in one row, into [N, 2C].
func (l *Concat) Forward(p *tensor.Pass, n int, vectors []Set) *tensor.Tensor {
	x := beside(p, n, l.Hidden.Weight.Dim(1)/len(vectors), vectors)
	return x.Linear(l.Hidden.Weight, l.Hidden.Bias, tensor.GELU)
}

// An LMF is low-rank tensor fusion (Liu et al. 2018): the outer product of all vectors, each with a 1 behind it, times a weight tensor that is
// a sum of Rank products of one factor per modality, so that neither is ever made: Σᵣ wᵣ·Πₘ(Fₘᵣ·[xₘ; 1]) + b. A missing modality is left out
// of the product.
type LMF struct {
	Factors []*nn.Linear   `weight:"factors"` // of each modality, [Rank·C, C]; the bias is the column of the 1
	Sum     *tensor.Tensor `weight:"fusion_weights"`
	Bias    *tensor.Tensor `weight:"fusion_bias"`
}

// NewLMF makes a layer for m vectors of length c, without values. It gives vectors of length c.
func NewLMF(m, c, rank int) *LMF {
	l := &LMF{Sum: tensor.Param(1, rank), Bias: tensor.Param(1, c)}
	for range m {
		l.Factors = append(l.Factors, nn.NewLinear(c, rank*c, true))
	}
	return l
}

// begin makes each factor the column of the 1 and little more: a training begins near the sum of what the modalities say, from which their products grow,
// where a product of factors that are all about 0 would say next to nothing.
func (l *LMF) begin() {
	for _, f := range l.Factors {
		b := f.Bias.Own()
		for i := range b {
			b[i] = 1
		}
		f.Bias.Changed()
	}
}

// Forward fuses vectors as [Concat.Forward] does, into [N, C].
func (l *LMF) Forward(p *tensor.Pass, n int, vectors []Set) *tensor.Tensor {
	c, rank := l.Bias.Dim(1), l.Sum.Dim(1)
	var product *tensor.Tensor
	for m, v := range vectors {
		if v.X == nil {
			continue
		}
		factor := ones(p, n, rank*c, v.Of).AddRows(l.Factors[m].Forward(v.X), v.Of)
		if product == nil {
			product = factor
		} else {
			product = product.Mul(factor)
		}
	}
	if product == nil {
		product = ones(p, n, rank*c, nil)
	}
	y := product.Reshaped(n, rank, c).Transpose() // [N, C, Rank]
	return y.Linear(l.Sum, nil, tensor.None).Reshaped(n, c).AddRow(l.Bias, 0)
}

// ones is rows of 1, but for those of some samples, which are 0.
func ones(p *tensor.Pass, n, c int, but []int32) *tensor.Tensor {
	x := p.Empty(n, c)
	for i := range x.Floats() {
		x.Floats()[i] = 1
	}
	return x.Blank(but)
}

// A GMU is a gated multimodal unit (Arevalo et al. 2017), in its form for any number of modalities: Σₘ σ(Gₘ·[x₁ … x_M])·tanh(Wₘ·xₘ), so that
// what all modalities show decides how much each counts. A missing modality is a zero in the gates and left out of the sum.
type GMU struct {
	Values []*nn.Linear `weight:"values"` // [C, C]
	Gates  []*nn.Linear `weight:"gates"`  // [C, M·C]
}

// NewGMU makes a layer for m vectors of length c, without values. It gives vectors of length c.
func NewGMU(m, c int) *GMU {
	l := &GMU{}
	for range m {
		l.Values = append(l.Values, nn.NewLinear(c, c, true))
		l.Gates = append(l.Gates, nn.NewLinear(m*c, c, true))
	}
	return l
}

// Forward fuses vectors as [Concat.Forward] does, into [N, C].
func (l *GMU) Forward(p *tensor.Pass, n int, vectors []Set) *tensor.Tensor {
	c := l.Values[0].Weight.Dim(0)
	all, sum := beside(p, n, c, vectors), zeros(p, n, c)
	for m, v := range vectors {
		if v.X == nil {
			continue
		}
		k := len(v.Of)
		pair := zeros(p, 2*k, c)
		pair.AddRows(l.Values[m].Forward(v.X).Tanh(), p.Steps(k, 2))
		pair.AddRows(l.Gates[m].Forward(all.Select(v.Of)), odd(p, k))
		sum.AddRows(pair.Reshaped(k, 2*c).GLU(), v.Of)
	}
	return sum
}

// odd is 1, 3, 5 …
func odd(p *tensor.Pass, n int) []int32 {
	rows := p.Steps(n, 2)
	for i := range rows {
		rows[i]++
	}
	return rows
}
