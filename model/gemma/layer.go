package gemma

import (
	"math"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Linear is x·Wᵀ, in some towers with what goes in and what comes out brought into bounds.
type Linear struct {
	Weight    *tensor.Tensor `weight:"weight"`    // [N, K]
	InputMin  *tensor.Tensor `weight:"input_min"` // [], as those below; nil for no bounds
	InputMax  *tensor.Tensor `weight:"input_max"`
	OutputMin *tensor.Tensor `weight:"output_min"`
	OutputMax *tensor.Tensor `weight:"output_max"`
}

func newLinear(k, n int, clipped bool) *Linear {
	l := &Linear{Weight: tensor.Param(n, k)}
	if clipped {
		l.InputMin, l.InputMax, l.OutputMin, l.OutputMax = tensor.Param(), tensor.Param(), tensor.Param(), tensor.Param()
	}
	return l
}

// Forward is act of the layer, for x [..., K]: [..., N].
func (l *Linear) Forward(x *tensor.Tensor, act tensor.Activation) *tensor.Tensor {
	if l.InputMin == nil {
		return x.Linear(l.Weight, nil, act)
	}
	x = clamp(x, l.InputMin, l.InputMax)
	x = clamp(x.Linear(l.Weight, nil, tensor.None), l.OutputMin, l.OutputMax)
	if act != tensor.None {
		x = x.Activate(act)
	}
	return x
}

// clamp leaves x as it is where there are no bounds.
func clamp(x, low, high *tensor.Tensor) *tensor.Tensor {
	l, h := low.Floats()[0], high.Floats()[0]
	if math.IsInf(float64(l), -1) && math.IsInf(float64(h), 1) {
		return x
	}
	return x.Clamp(l, h)
}

// An Attention has queries that share keys, normalises queries, keys and values by head, and turns queries and keys by their places.
type Attention struct {
	Query     *Linear     `weight:"q_proj"`
	Key       *Linear     `weight:"k_proj"`
	Value     *Linear     `weight:"v_proj"`
	Out       *Linear     `weight:"o_proj"`
	QueryNorm *nn.RMSNorm `weight:"q_norm"`
	KeyNorm   *nn.RMSNorm `weight:"k_norm"`
	Heads     tensor.Heads
	rotary    *nn.Rotary
}

func newAttention(c int, h tensor.Heads, eps float32, clipped bool, rotary *nn.Rotary) *Attention {
	h.Scale = 1 // the norm of the queries has learnt it
	return &Attention{
		Query: newLinear(c, h.Queries*h.D, clipped), Key: newLinear(c, h.Keys*h.D, clipped), Value: newLinear(c, h.Keys*h.D, clipped),
		Out: newLinear(h.Queries*h.D, c, clipped), QueryNorm: nn.NewRMSNorm(h.D, eps), KeyNorm: nn.NewRMSNorm(h.D, eps),
		Heads: h, rotary: rotary,
	}
}

// Places is where the tokens of a batch stand.
type Places struct {
	Seq   tensor.Spans
	At    []int32 // of each token, a number per axis
	Limit int     // above all of them
}

// Forward lets the tokens x [T, C] of each sequence see one another: [T, C].
func (a *Attention) Forward(x *tensor.Tensor, at Places) *tensor.Tensor {
	q := a.rotary.Forward(a.QueryNorm.Forward(a.Query.Forward(x, tensor.None)), at.At, at.Limit)
	k := a.rotary.Forward(a.KeyNorm.Forward(a.Key.Forward(x, tensor.None)), at.At, at.Limit)
	v := a.Value.Forward(x, tensor.None).RMSNorm(nil, a.Heads.D, a.KeyNorm.Eps)
	return a.Out.Forward(q.AttendHeads(k, v, at.Seq, a.Heads), tensor.None)
}

// An MLP multiplies its hidden layer by a gate.
type MLP struct {
	Gate *Linear `weight:"gate_proj"`
	Up   *Linear `weight:"up_proj"`
	Down *Linear `weight:"down_proj"`
	Act  tensor.Activation
}

func newMLP(c, hidden int, act tensor.Activation, clipped bool) *MLP {
	return &MLP{Gate: newLinear(c, hidden, clipped), Up: newLinear(c, hidden, clipped), Down: newLinear(hidden, c, clipped), Act: act}
}

// Forward maps x [T, C] to the same shape.
func (m *MLP) Forward(x *tensor.Tensor) *tensor.Tensor {
	return m.Down.Forward(m.Gate.Forward(x, m.Act).Mul(m.Up.Forward(x, tensor.None)), tensor.None)
}

// A Block is attention and an MLP, each between two norms.
type Block struct {
	Attn       *Attention  `weight:"self_attn"`
	MLP        *MLP        `weight:"mlp"`
	BeforeAttn *nn.RMSNorm `weight:"input_layernorm"`
	AfterAttn  *nn.RMSNorm `weight:"post_attention_layernorm"`
	BeforeMLP  *nn.RMSNorm `weight:"pre_feedforward_layernorm"`
	AfterMLP   *nn.RMSNorm `weight:"post_feedforward_layernorm"`
}

func newBlock(c, hidden int, h tensor.Heads, act tensor.Activation, eps float32, clipped bool, rotary *nn.Rotary) Block {
	norm := func() *nn.RMSNorm { return nn.NewRMSNorm(c, eps) }
	return Block{
		Attn: newAttention(c, h, eps, clipped, rotary), MLP: newMLP(c, hidden, act, clipped),
		BeforeAttn: norm(), AfterAttn: norm(), BeforeMLP: norm(), AfterMLP: norm(),
	}
}

// Forward adds what the layer makes of x [T, C] to x, in place.
func (b *Block) Forward(x *tensor.Tensor, at Places) *tensor.Tensor {
	p := x.Pass()
	m := p.Mark()
	y := b.Attn.Forward(b.BeforeAttn.Forward(x), at)
	x.RMSNormAdd(y, b.AfterAttn.Weight, b.AfterAttn.Eps)
	p.Keep(m, x)
	y = b.MLP.Forward(b.BeforeMLP.Forward(x))
	x.RMSNormAdd(y, b.AfterMLP.Weight, b.AfterMLP.Eps)
	return p.Keep(m, x)
}
