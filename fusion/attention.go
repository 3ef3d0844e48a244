package fusion

import (
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

const eps = 1e-5 // of norms

func block(c, heads int) *nn.Block { return nn.NewBlock(c, heads, 2*c, tensor.GELU, eps, false) }

func blocks(n, c, heads int) (list []*nn.Block) {
	for range n {
		list = append(list, block(c, heads))
	}
	return list
}

func norms(n, c int) (list []*nn.LayerNorm) {
	for range n {
		list = append(list, nn.NewLayerNorm(c, eps))
	}
	return list
}

// across is a block whose tokens x see others, those of the same sample, in place of one another: both go through its first norm, as in MulT.
func across(b *nn.Block, x, others *tensor.Tensor, queries, seq tensor.Spans) *tensor.Tensor {
	normed := b.Norm1.Forward(x)
	x = b.Attn.Pool(b.Norm1.Forward(others), normed, x, queries, seq)
	return b.MLP.Forward(b.Norm2.Forward(x), x)
}

// seeing is the tokens of a after layers in which they see those of b. Tokens of samples that b lacks stay what they are.
func seeing(p *tensor.Pass, layers []*nn.Block, a, b Set) *tensor.Tensor {
	inA, inB, alone := meet(p, a, b)
	y := zeros(p, a.X.Rows(), a.X.Dim(-1))
	if len(alone) > 0 {
		rows, _ := a.part(p, alone)
		y.AddRows(a.X.Select(rows), rows)
	}
	if len(inA) == 0 {
		return y
	}
	rowsA, queries := a.part(p, inA)
	rowsB, seq := b.part(p, inB)
	x, others := a.X.Select(rowsA), b.X.Select(rowsB)
	for _, layer := range layers {
		x = across(layer, x, others, queries, seq)
	}
	return y.AddRows(x, rowsA)
}

// A Joint is early fusion of tokens: a transformer over those of all modalities together, whose mean is what it has found.
type Joint struct {
	Layers []*nn.Block   `weight:"layers"`
	Norm   *nn.LayerNorm `weight:"norm"`
}

// NewJoint makes a layer for tokens of length c, without values. It gives vectors of length c.
func NewJoint(layers, c, heads int) *Joint {
	return &Joint{blocks(layers, c, heads), nn.NewLayerNorm(c, eps)}
}

// Forward fuses the tokens of N samples into [N, C].
func (l *Joint) Forward(p *tensor.Pass, n int, sets []Set) *tensor.Tensor {
	c := l.Norm.Weight.Len()
	all, _ := joined(p, n, sets, -1)
	if all.X == nil {
		return zeros(p, n, c)
	}
	x := all.X
	for _, b := range l.Layers {
		x = b.Forward(x, all.Seq)
	}
	return zeros(p, n, c).AddRows(l.Norm.Forward(x).MeanRows(all.Seq, 0), all.Of)
}

// A MulT is pairwise cross-modal attention (Tsai et al. 2019): each modality sees each other one in layers of their own, always its first
// tokens; what it got of the others side by side goes through layers of self-attention; the modalities' means side by side go through an MLP
// with a residual. Beyond the paper, a modality that sees nothing, since the other is missing, keeps what it is.
type MulT struct {
	Cross [][]*nn.Block   `weight:"cross"` // of target a and source b, a·(M-1) + b, less one if b comes after a
	Self  [][]*nn.Block   `weight:"self"`  // of each target, of width (M-1)·C
	Norms []*nn.LayerNorm `weight:"norms"`
	Out   *nn.MLP         `weight:"out"`
}

// NewMulT makes a layer for m modalities, 2 or more, with tokens of length c, without values. It gives vectors of length m·(m-1)·c.
func NewMulT(m, layers, c, heads int) *MulT {
	l := &MulT{Norms: norms(m, (m-1)*c), Out: nn.NewMLP(m*(m-1)*c, m*(m-1)*c, tensor.ReLU)}
	for range m {
		for range m - 1 {
			l.Cross = append(l.Cross, blocks(layers, c, heads))
		}
		l.Self = append(l.Self, blocks(1, (m-1)*c, heads))
	}
	return l
}

// Forward fuses the tokens of N samples into [N, M·(M-1)·C].
func (l *MulT) Forward(p *tensor.Pass, n int, sets []Set) *tensor.Tensor {
	others := len(sets) - 1
	targets := make([]Set, len(sets))
	wide := l.Norms[0].Weight.Len()
	for a, s := range sets {
		if s.X == nil {
			continue
		}
		side := make([]Set, 0, others)
		for b := range sets {
			if b == a {
				continue
			}
			x := seeing(p, l.Cross[a*others+len(side)], s, sets[b])
			side = append(side, Set{x, every(p, x.Rows()), nil})
		}
		x := beside(p, s.X.Rows(), wide/others, side)
		for _, b := range l.Self[a] {
			x = b.Forward(x, s.Seq)
		}
		targets[a] = Set{l.Norms[a].Forward(x).MeanRows(s.Seq, 0), s.Of, nil}
	}
	x := beside(p, n, wide, targets)
	return l.Out.Forward(x, x)
}

// every is 0, 1, 2 …
func every(p *tensor.Pass, n int) []int32 { return p.Steps(n, 1) }

// A CoAttention lets each modality see the tokens of all others together, then its own, in every layer (Lu et al. 2019, ViLBERT); the means
// of the modalities side by side are what it has found.
type CoAttention struct {
	Cross [][]*nn.Block   `weight:"cross"` // by layer, by modality
	Self  [][]*nn.Block   `weight:"self"`
	Norms []*nn.LayerNorm `weight:"norms"`
}

// NewCoAttention makes a layer for m modalities with tokens of length c, without values. It gives vectors of length m·c.
func NewCoAttention(m, layers, c, heads int) *CoAttention {
	l := &CoAttention{Norms: norms(m, c)}
	for range layers {
		l.Cross, l.Self = append(l.Cross, blocks(m, c, heads)), append(l.Self, blocks(m, c, heads))
	}
	return l
}

// Forward fuses the tokens of N samples into [N, M·C].
func (l *CoAttention) Forward(p *tensor.Pass, n int, sets []Set) *tensor.Tensor {
	for i := range l.Cross {
		next := make([]Set, len(sets))
		for m, s := range sets {
			if s.X == nil {
				continue
			}
			others, _ := joined(p, n, sets, m)
			x := seeing(p, l.Cross[i][m:m+1], s, others)
			next[m] = Set{l.Self[i][m].Forward(x, s.Seq), s.Of, s.Seq}
		}
		sets = next
	}
	return beside(p, n, l.Norms[0].Weight.Len(), means(l.Norms, sets))
}

// means is the mean of each sample's tokens after a norm.
func means(norms []*nn.LayerNorm, sets []Set) []Set {
	out := make([]Set, len(sets))
	for m, s := range sets {
		if s.X != nil {
			out[m] = Set{norms[m].Forward(s.X).MeanRows(s.Seq, 0), s.Of, nil}
		}
	}
	return out
}

// An MBT is fusion by attention bottlenecks (Nagrani et al. 2021): the modalities have layers of their own and meet only in a few tokens, which
// each sees beside its own and changes, and which then become the mean of what the modalities of the sample made of them. The mean of
// the modalities' means is what it has found. Here every layer fuses, and means take the place of class tokens.
type MBT struct {
	Bottleneck *tensor.Tensor  `weight:"bottleneck"` // [tokens, C]
	Layers     [][]*nn.Block   `weight:"layers"`     // by layer, by modality
	Norms      []*nn.LayerNorm `weight:"norms"`
}

// NewMBT makes a layer for m modalities with tokens of length c, without values. It gives vectors of length c. What one modality shows
// reaches another in the second layer.
func NewMBT(m, layers, bottlenecks, c, heads int) *MBT {
	l := &MBT{Bottleneck: tensor.Param(bottlenecks, c), Norms: norms(m, c)}
	for range layers {
		l.Layers = append(l.Layers, blocks(m, c, heads))
	}
	return l
}

// Forward fuses the tokens of N samples into [N, C].
func (l *MBT) Forward(p *tensor.Pass, n int, sets []Set) *tensor.Tensor {
	k, c := l.Bottleneck.Dim(0), l.Bottleneck.Dim(1)
	ids := p.Integers(n * k)
	for i := range ids {
		ids[i] = int32(i % k)
	}
	shared := p.Ints(ids, n*k).Lookup(l.Bottleneck)
	for _, layer := range l.Layers {
		next, sum := make([]Set, len(sets)), zeros(p, n*k, c)
		for m, s := range sets {
			if s.X == nil {
				continue
			}
			rows := p.Integers(len(s.Of) * k)
			for i := range rows {
				rows[i] = s.Of[i/k]*int32(k) + int32(i%k)
			}
			pair := []Set{s, {shared.Select(rows), s.Of, p.Spans(len(s.Of), k)}}
			all, where := joined(p, n, pair, -1)
			x := layer[m].Forward(all.X, all.Seq)
			next[m] = Set{x.Select(where[0]), s.Of, s.Seq}
			sum.AddRows(x.Select(where[1]), rows)
		}
		shared = sum.Mul(shares(p, n, k*c, sets).Reshaped(n*k, c))
		sets = next
	}
	return mean(p, n, c, means(l.Norms, sets))
}
