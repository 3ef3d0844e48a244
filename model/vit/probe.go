package vit

import (
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Probe pools tokens by attention: a learnt query sees them all, and an MLP follows (the head of SigLIP, Zhai et al. 2023). Its keys
// are those of transformers' SiglipVisionModel, with the rows of in_proj apart.
type Probe struct {
	Query *tensor.Tensor `weight:"probe"` // [1, 1, C]
	Attn  *nn.Attention  `weight:"attention"`
	Norm  *nn.LayerNorm  `weight:"layernorm"`
	MLP   *nn.MLP        `weight:"mlp"`
}

func newProbe(c *Config) *Probe {
	return &Probe{
		Query: tensor.Param(1, 1, c.Width), Attn: nn.NewAttention(c.Width, c.Heads, false),
		Norm: nn.NewLayerNorm(c.Width, c.Eps), MLP: nn.NewMLP(c.Width, c.Hidden, c.Act),
	}
}

// Forward maps the tokens x [T, C] of each sequence to one vector [B, C].
func (h *Probe) Forward(x *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	p := x.Pass()
	b := seq.Len()
	one, queries := p.Spans(b, 1), p.Ints(p.Steps(b, 0), b).Lookup(h.Query)
	kv := x.LinearCat(h.Attn.Key.Weight, h.Attn.Key.Bias, h.Attn.Value.Weight, h.Attn.Value.Bias)
	y := h.Attn.Out.Forward(h.Attn.Query.Forward(queries).AttendTo(kv, one, seq, h.Attn.Heads))
	return h.MLP.Forward(h.Norm.Forward(y), y)
}
