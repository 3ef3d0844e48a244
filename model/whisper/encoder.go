package whisper

import (
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// taps is the length of the kernel of both convolutions.
const taps = 3

// A Conv is a convolution along time with a kernel of three and a row of zeros on either side. Its weight is [N, 3, C]: the values of
// a tap lie together, other than in a checkpoint ([N, C, 3]).
type Conv struct {
	Weight *tensor.Tensor `weight:"weight"`
	Bias   *tensor.Tensor `weight:"bias"`
}

func newConv(c, n int) *Conv { return &Conv{Weight: tensor.Param(n, taps, c), Bias: tensor.Param(n)} }

// An Encoder hears a window.
type Encoder struct {
	Conv1     *Conv          `weight:"conv1"`
	Conv2     *Conv          `weight:"conv2"`
	Positions *tensor.Tensor `weight:"embed_positions.weight"` // [Frames, C]
	Blocks    []*nn.Block    `weight:"layers"`
	Norm      *nn.LayerNorm  `weight:"layer_norm"`
	act       tensor.Activation
}

func newEncoder(c *Config) *Encoder {
	e := &Encoder{
		Conv1: newConv(c.Bands, c.Width), Conv2: newConv(c.Width, c.Width), Positions: tensor.Param(c.Frames, c.Width),
		Norm: nn.NewLayerNorm(c.Width, eps), act: c.Act,
	}
	for range c.Encoder.Layers {
		b := nn.NewBlock(c.Width, c.Encoder.Heads, c.Encoder.Hidden, c.Act, eps, false)
		b.Attn.Key.Bias = nil
		e.Blocks = append(e.Blocks, b)
	}
	return e
}

// Forward maps log-mel features [B, bands, 2·Frames] to [B, Frames, C].
func (e *Encoder) Forward(mel *tensor.Tensor) *tensor.Tensor {
	p := mel.Pass()
	seq := p.Spans(mel.Dim(0), e.Positions.Dim(0))
	m := p.Mark()
	x := mel.Transpose().Conv1D(e.Conv1.Weight, e.Conv1.Bias, 1, 1, e.act)
	x = p.Keep(m, x.Conv1D(e.Conv2.Weight, e.Conv2.Bias, 2, 1, e.act))
	x = x.AddPositions(e.Positions, seq)
	for _, b := range e.Blocks {
		x = b.Forward(x, seq)
	}
	return p.Keep(m, e.Norm.Forward(x))
}
