package nn

import "github.com/chiasm/chiasm/tensor"

// A Linear is x·Wᵀ + b with W [N, K] and b [N]; Bias may be nil.
type Linear struct {
	Weight *tensor.Tensor `weight:"weight"`
	Bias   *tensor.Tensor `weight:"bias"`
}

// NewLinear makes a layer from K inputs to N outputs, without values.
func NewLinear(k, n int, bias bool) *Linear {
	l := &Linear{Weight: tensor.Param(n, k)}
	if bias {
		l.Bias = tensor.Param(n)
	}
	return l
}

// Forward maps x [..., K] to [..., N].
func (l *Linear) Forward(x *tensor.Tensor) *tensor.Tensor {
	return x.Linear(l.Weight, l.Bias, tensor.None)
}

// A LayerNorm normalises each row to mean 0 and variance 1, then scales and shifts it (Ba et al. 2016).
type LayerNorm struct {
	Weight *tensor.Tensor `weight:"weight"`
	Bias   *tensor.Tensor `weight:"bias"`
	Eps    float32
}

// NewLayerNorm makes a layer for rows of length c, without values.
func NewLayerNorm(c int, eps float32) *LayerNorm {
	return &LayerNorm{Weight: tensor.Param(c), Bias: tensor.Param(c), Eps: eps}
}

// Forward maps x [..., C] to the same shape.
func (l *LayerNorm) Forward(x *tensor.Tensor) *tensor.Tensor {
	return x.LayerNorm(l.Weight, l.Bias, l.Eps)
}

// An Attention is multi-head self-attention (Vaswani et al. 2017).
type Attention struct {
	Query  *Linear `weight:"q_proj"`
	Key    *Linear `weight:"k_proj"`
	Value  *Linear `weight:"v_proj"`
	Out    *Linear `weight:"out_proj"`
	Heads  int
	Causal bool // a token sees itself and what is before it
}

// NewAttention makes a layer for rows of length c, without values.
func NewAttention(c, heads int, causal bool) *Attention {
	return &Attention{
		Query: NewLinear(c, c, true), Key: NewLinear(c, c, true), Value: NewLinear(c, c, true), Out: NewLinear(c, c, true),
		Heads: heads, Causal: causal,
	}
}

// Forward lets the tokens x [T, C] of each sequence see one another and adds the result to residual [T, C], whose memory it may take.
func (a *Attention) Forward(x, residual *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	return a.ForwardBiased(x, residual, nil, seq)
}

// ForwardBiased is Forward with a bias [n, H, T, T] for pairs of tokens, as [tensor.Tensor.AttendBiased] takes it, or nil.
func (a *Attention) ForwardBiased(x, residual, bias *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	y := x.LinearCat(a.Query.Weight, a.Query.Bias, a.Key.Weight, a.Key.Bias, a.Value.Weight, a.Value.Bias)
	y = y.AttendBiased(seq, a.Heads, a.Causal, bias)
	return y.LinearAdd(a.Out.Weight, a.Out.Bias, residual)
}

// Pool is Forward for the picked rows alone, picked [n, C], which see every token x [T, C] of their sequence: n says which of
// the picked rows each sequence owns. The rest of the result is not computed.
func (a *Attention) Pool(x, picked, residual *tensor.Tensor, n, seq tensor.Spans) *tensor.Tensor {
	kv := x.LinearCat(a.Key.Weight, a.Key.Bias, a.Value.Weight, a.Value.Bias)
	return a.Query.Forward(picked).AttendTo(kv, n, seq, a.Heads).LinearAdd(a.Out.Weight, a.Out.Bias, residual)
}

// An MLP is two linear layers with an activation between them.
type MLP struct {
	Up   *Linear `weight:"fc1"`
	Down *Linear `weight:"fc2"`
	Act  tensor.Activation
}

// NewMLP makes a layer for rows of length c with a hidden layer, without values.
func NewMLP(c, hidden int, act tensor.Activation) *MLP {
	return &MLP{Up: NewLinear(c, hidden, true), Down: NewLinear(hidden, c, true), Act: act}
}

// Forward maps x [T, C] and adds the result to residual [T, C], whose memory it may take.
func (m *MLP) Forward(x, residual *tensor.Tensor) *tensor.Tensor {
	return x.Linear(m.Up.Weight, m.Up.Bias, m.Act).LinearAdd(m.Down.Weight, m.Down.Bias, residual)
}

// A Block is one transformer layer. It normalises before attention and before the MLP, or with PostNorm after each, as the first
// transformers did.
type Block struct {
	Norm1    *LayerNorm `weight:"layer_norm1"`
	Attn     *Attention `weight:"self_attn"`
	Norm2    *LayerNorm `weight:"layer_norm2"`
	MLP      *MLP       `weight:"mlp"`
	PostNorm bool
}

// NewBlock makes a layer for rows of length c, without values.
func NewBlock(c, heads, hidden int, act tensor.Activation, eps float32, causal bool) *Block {
	return &Block{
		Norm1: NewLayerNorm(c, eps), Attn: NewAttention(c, heads, causal),
		Norm2: NewLayerNorm(c, eps), MLP: NewMLP(c, hidden, act),
	}
}

// Forward maps x [T, C] to the same shape; x must not be used afterwards.
func (b *Block) Forward(x *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	return b.ForwardBiased(x, nil, seq)
}

// ForwardBiased is Forward with a bias for the attention, as [Attention.ForwardBiased] takes it.
func (b *Block) ForwardBiased(x, bias *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	p := x.Pass()
	if bias == nil && p.Recomputes() {
		return p.Through(b, x, seq)
	}
	m := p.Mark()
	if b.PostNorm {
		x = b.Norm1.Forward(b.Attn.ForwardBiased(x, x, bias, seq))
		return p.Keep(m, b.Norm2.Forward(b.MLP.Forward(x, x)))
	}
	x = b.Attn.ForwardBiased(b.Norm1.Forward(x), x, bias, seq)
	x = b.MLP.Forward(b.Norm2.Forward(x), x)
	return p.Keep(m, x)
}

// Pool is Forward for one row of each sequence, which sees every token of its sequence: what a tower's last layer needs when only
// that row is read. rows [B] are row numbers in x [T, C], each the whole view of its sequence (in a causal tower its last token). It
// returns [B, C].
func (b *Block) Pool(x *tensor.Tensor, rows []int32, one, seq tensor.Spans) *tensor.Tensor {
	p := x.Pass()
	m := p.Mark()
	if b.PostNorm {
		y := x.Select(rows)
		y = b.Norm1.Forward(b.Attn.Pool(x, y, y, one, seq))
		return p.Keep(m, b.Norm2.Forward(b.MLP.Forward(y, y)))
	}
	normed := b.Norm1.Forward(x)
	y := b.Attn.Pool(normed, normed.Select(rows), x.Select(rows), one, seq)
	y = b.MLP.Forward(b.Norm2.Forward(y), y)
	return p.Keep(m, y)
}
