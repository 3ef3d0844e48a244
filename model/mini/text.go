package mini

import (
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Text is the tower of texts: the mean of the vectors of a text's pieces, and a layer with a hidden one beside it that makes up for what
// the mean forgets.
type Text struct {
	Pieces *tensor.Tensor `weight:"pieces"` // [vocabulary, W]
	Direct *nn.Linear     `weight:"direct"` // [D, W]
	Up     *nn.Linear     `weight:"up"`     // [hidden, W]
	Down   *nn.Linear     `weight:"down"`   // [D, hidden]
}

// NewText makes a tower without values.
func NewText(c *Config) *Text {
	return &Text{
		Pieces: tensor.Param(c.Vocabulary, c.TextWidth),
		Direct: nn.NewLinear(c.TextWidth, c.Dimension, true), Up: nn.NewLinear(c.TextWidth, c.TextHidden, true), Down: nn.NewLinear(c.TextHidden, c.Dimension, true),
	}
}

// Forward maps texts, the ids of their pieces, to vectors [B, D]. A text without pieces gets the vector of saying nothing.
func (t *Text) Forward(p *tensor.Pass, texts [][]int32) *tensor.Tensor {
	seq := p.Spans(len(texts), 0)
	for i, text := range texts {
		seq[i+1] = seq[i] + int32(len(text))
	}
	ids := p.Integers(seq.Rows())
	for i, text := range texts {
		copy(ids[seq[i]:], text)
	}
	x := p.Ints(ids, len(ids)).Lookup(t.Pieces).MeanRows(seq, 0)
	return x.Linear(t.Up.Weight, t.Up.Bias, tensor.GELU).LinearAdd(t.Down.Weight, t.Down.Bias, t.Direct.Forward(x))
}
