package bert

import (
	"fmt"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// An Encoder maps texts to a vector per token.
type Encoder struct {
	Word     *tensor.Tensor `weight:"embeddings.word_embeddings.weight"`       // [V, C]
	Position *tensor.Tensor `weight:"embeddings.position_embeddings.weight"`   // [P, C]
	Type     *tensor.Tensor `weight:"embeddings.token_type_embeddings.weight"` // [2, C], nil for none
	Norm     *nn.LayerNorm  `weight:"embeddings.LayerNorm"`
	Distance *tensor.Tensor `weight:"encoder.relative_attention_bias.weight"` // [Buckets, H], nil for none
	Blocks   []*nn.Block    `weight:"encoder.layers"`
	Config   Config
}

// New makes an encoder without values. c must be valid.
func New(c Config) *Encoder {
	e := &Encoder{
		Word: tensor.Param(c.Vocab, c.Width), Position: tensor.Param(c.Positions, c.Width), Norm: nn.NewLayerNorm(c.Width, c.Eps), Config: c,
	}
	if c.Types > 0 {
		e.Type = tensor.Param(c.Types, c.Width)
	}
	if c.Buckets > 0 {
		e.Distance = tensor.Param(c.Buckets, c.Heads)
	}
	for range c.Layers {
		b := nn.NewBlock(c.Width, c.Heads, c.Hidden, c.Act, c.Eps, false)
		b.PostNorm = true
		e.Blocks = append(e.Blocks, b)
	}
	return e
}

// Forward maps texts, given as ids with their special tokens and without padding, to a vector per token [T, C], one text after the
// other as the spans say. Padding is never computed: a text's vectors do not depend on its neighbours.
func (e *Encoder) Forward(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, tensor.Spans, error) {
	x, seq, err := e.tokens(p, texts)
	if err != nil {
		return nil, nil, err
	}
	return e.layers(x, seq, len(e.Blocks)), seq, nil
}

// First is the vectors of the first tokens alone, [B, C]: the last layer computes no others.
func (e *Encoder) First(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	x, seq, err := e.tokens(p, texts)
	if err != nil {
		return nil, err
	}
	first, last := seq[:len(texts)], len(e.Blocks)-1
	if e.Distance != nil {
		return e.layers(x, seq, last+1).Select(first), nil
	}
	return e.Blocks[last].Pool(e.layers(x, seq, last), first, p.Spans(len(texts), 1), seq), nil
}

// tokens is the tokens of texts [T, C] that the first layer sees.
func (e *Encoder) tokens(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, tensor.Spans, error) {
	seq := p.Spans(len(texts), 0)
	for i, ids := range texts {
		if len(ids) == 0 || len(ids) > e.Config.Context() {
			return nil, nil, fmt.Errorf("bert: text %d has %d tokens, want 1 to %d", i, len(ids), e.Config.Context())
		}
		seq[i+1] = seq[i] + int32(len(ids))
	}
	flat, places := p.Integers(seq.Rows()), p.Integers(seq.Rows())
	for i, ids := range texts {
		for j, id := range ids {
			if id < 0 || int(id) >= e.Config.Vocab {
				return nil, nil, fmt.Errorf("bert: text %d has the token id %d, want 0 to %d: the tokenizer does not belong to the model", i, id, e.Config.Vocab-1)
			}
			flat[int(seq[i])+j], places[int(seq[i])+j] = id, int32(e.Config.First+j)
		}
	}
	return e.embed(p, flat, places), seq, nil
}

func (e *Encoder) embed(p *tensor.Pass, ids, places []int32) *tensor.Tensor {
	m := p.Mark()
	x := p.Ints(ids, len(ids)).Lookup(e.Word).Add(p.Ints(places, len(places)).Lookup(e.Position))
	if e.Type != nil {
		x = x.AddRow(e.Type, 0)
	}
	return p.Keep(m, e.Norm.Forward(x))
}

// layers is what the first n layers make of tokens x [T, C].
func (e *Encoder) layers(x *tensor.Tensor, seq tensor.Spans, n int) *tensor.Tensor {
	p := x.Pass()
	m := p.Mark()
	bias := e.bias(p, seq.Longest())
	for _, b := range e.Blocks[:n] {
		x = b.ForwardBiased(x, bias, seq)
	}
	return p.Keep(m, x)
}
