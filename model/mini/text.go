package mini

import (
	"math"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Text is the tower of texts: the mean of the vectors of a text's pieces, and a layer with a hidden one beside it that makes up for what
// the mean forgets. It learnt to say the mean of all that a text may mean, which is the shorter the less is sure. The last value of a vector
// is what is missing to a length of 1, the doubt: pictures have none, so that no picture is near to a text that nothing is known of.
type Text struct {
	Pieces *tensor.Tensor `weight:"pieces"` // [vocabulary, W]
	Direct *nn.Linear     `weight:"direct"` // [D-1, W]
	Up     *nn.Linear     `weight:"up"`     // [hidden, W]
	Down   *nn.Linear     `weight:"down"`   // [D-1, hidden]
}

// NewText makes a tower without values.
func NewText(c *Config) *Text {
	meaning := c.Dimension - 1
	return &Text{
		Pieces: tensor.Param(c.Vocabulary, c.TextWidth),
		Direct: nn.NewLinear(c.TextWidth, meaning, true), Up: nn.NewLinear(c.TextWidth, c.TextHidden, true), Down: nn.NewLinear(c.TextHidden, meaning, true),
	}
}

// Forward maps texts, the ids of their pieces, to vectors [B, D] of length 1. A text without pieces gets the vector of saying nothing.
func (t *Text) Forward(p *tensor.Pass, texts [][]int32) *tensor.Tensor {
	means := t.Meaning(p, texts)
	n := means.Dim(1)
	out := p.Empty(len(texts), n+1)
	for i := range texts {
		sum, v := 0.0, out.Floats()[i*(n+1):][:n+1]
		for k, x := range means.Floats()[i*n:][:n] {
			v[k] = x
			sum += float64(x) * float64(x)
		}
		v[n] = float32(math.Sqrt(max(0, 1-sum)))
	}
	return out.Normalize(1e-12)
}

// Meaning is what texts mean [B, D-1], the shorter the less is sure. It can be learnt.
func (t *Text) Meaning(p *tensor.Pass, texts [][]int32) *tensor.Tensor {
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
