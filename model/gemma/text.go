package gemma

import (
	"fmt"
	"math"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Text is the tower that all modalities go through: text comes in as ids, anything else as tokens of its width. Its keys are those of
// transformers' EmbeddingGemma2TextModel, but for the projection of the per-layer inputs, whose rows are apart (see [Entries]).
type Text struct {
	Token      *tensor.Tensor `weight:"embed_tokens.weight"` // [V, C]
	Layers     []*TextLayer   `weight:"layers"`
	Norm       *nn.RMSNorm    `weight:"norm"`
	InputNorm  *nn.RMSNorm    `weight:"ple.per_layer_projection_norm"`
	Projection *nn.Linear     `weight:"embedding_projection"`
	Config     TextConfig
}

// A TextLayer is a [Block] that is followed by a gate upon what went into the tower.
type TextLayer struct {
	Block  `weight:""`
	Input  *Linear        `weight:"ple_input"` // of what went into the tower
	Gate   *Linear        `weight:"ple_block.per_layer_input_gate"`
	Out    *Linear        `weight:"ple_block.per_layer_projection"`
	Norm   *nn.RMSNorm    `weight:"ple_block.post_per_layer_input_norm"`
	Scalar *tensor.Tensor `weight:"layer_scalar"` // [1]
	inputs *nn.RMSNorm    // the tower's
}

// NewText makes a tower without values. c must be valid.
func NewText(c TextConfig) *Text {
	t := &Text{
		Token: tensor.Param(c.Vocab, c.Width), Norm: nn.NewRMSNorm(c.Width, c.Eps), InputNorm: nn.NewRMSNorm(c.Input, c.Eps),
		Projection: nn.NewLinear(c.Width, c.Dimension, false), Config: c,
	}
	turns := map[rotaryKey]*nn.Rotary{}
	for _, l := range c.Layers {
		key := rotaryKey{l.Theta, l.D}
		if turns[key] == nil {
			turns[key] = &nn.Rotary{Theta: l.Theta, Width: l.D}
		}
		t.Layers = append(t.Layers, &TextLayer{
			Block: newBlock(c.Width, c.Hidden, tensor.Heads{Queries: c.Heads, Keys: l.Keys, D: l.D, Window: l.Window}, c.Act, c.Eps, false, turns[key]),
			Input: newLinear(c.Width, c.Input, false), Gate: newLinear(c.Width, c.Input, false), Out: newLinear(c.Input, c.Width, false),
			Norm: nn.NewRMSNorm(c.Width, c.Eps), Scalar: tensor.Param(1), inputs: t.InputNorm,
		})
	}
	return t
}

type rotaryKey struct {
	theta float64
	width int
}

// Embed turns ids into the tokens [T, C] that the first layer sees.
func (t *Text) Embed(p *tensor.Pass, ids []int32) (*tensor.Tensor, error) {
	for _, id := range ids {
		if id < 0 || int(id) >= t.Config.Vocab {
			return nil, fmt.Errorf("gemma: the token id %d, want 0 to %d: the tokenizer does not belong to the model", id, t.Config.Vocab-1)
		}
	}
	return p.Ints(ids, len(ids)).Lookup(t.Token).Scale(float32(math.Sqrt(float64(t.Config.Width)))), nil
}

// Forward maps the tokens inputs [T, C] of each sequence to what the last layer makes of them [T, C], normalised.
func (t *Text) Forward(inputs *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	p := inputs.Pass()
	m := p.Mark()
	at, x := InOrder(p, seq), inputs.Scaled(1)
	for _, l := range t.Layers {
		x = l.Forward(x, inputs, at)
	}
	return p.Keep(m, t.Norm.Forward(x))
}

// InOrder is the places of tokens that follow each other in every sequence.
func InOrder(p *tensor.Pass, seq tensor.Spans) Places {
	at := Places{Seq: seq, At: p.Integers(seq.Rows()), Limit: seq.Longest()}
	for s := range seq.Len() {
		for i := seq[s]; i < seq[s+1]; i++ {
			at.At[i] = i - seq[s]
		}
	}
	return at
}

// Forward changes x [T, C] in place, by itself and by the tower's inputs [T, C].
func (l *TextLayer) Forward(x, inputs *tensor.Tensor, at Places) *tensor.Tensor {
	p := x.Pass()
	x = l.Block.Forward(x, at)
	m := p.Mark()
	// The reference projects the inputs for all layers at once, which would be much to keep.
	in := l.Input.Forward(inputs, tensor.None).Scale(float32(1 / math.Sqrt(float64(inputs.Dim(-1)))))
	y := l.Gate.Forward(x, l.MLP.Act).Mul(l.inputs.Forward(in))
	x.RMSNormAdd(l.Out.Forward(y, tensor.None), l.Norm.Weight, l.Norm.Eps)
	return p.Keep(m, x.Scale(l.Scalar.Floats()[0]))
}

// Pool maps what [Text.Forward] returns to a vector of each sequence [B, Dimension]. The reference projects every token and takes the
// mean of that, which is the same.
func (t *Text) Pool(x *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	return t.Projection.Forward(x.MeanRows(seq, 0))
}
