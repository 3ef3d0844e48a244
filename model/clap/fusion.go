package clap

import (
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// stretches is how many parts of a long sound are seen beside the whole. Their patches cover as many times the duration.
const stretches = 3

// A Fusion joins what is seen of the whole of a sound with what is seen of stretches of it, by attentional feature fusion (Dai et al.
// 2021). Its keys are those of transformers' ClapAudioPatchEmbed, with convolutions and batch norms folded into linear layers.
type Fusion struct {
	Patch  *nn.Linear  `weight:"mel_conv2d"`              // [C, 1, P, 3P]
	Local  *Bottleneck `weight:"fusion_model.local_att"`  // of each token
	Global *Bottleneck `weight:"fusion_model.global_att"` // of their mean
	places []int32     // of each row: its patch; -1 for none
	cols   int         // of patches
}

// A Bottleneck is two linear layers with a ReLU between them.
type Bottleneck struct {
	Down *nn.Linear `weight:"down"`
	Up   *nn.Linear `weight:"up"`
}

// Forward maps x [..., C] to the same shape.
func (b *Bottleneck) Forward(x *tensor.Tensor) *tensor.Tensor {
	return b.Up.Forward(x.Linear(b.Down.Weight, b.Down.Bias, tensor.ReLU))
}

func newFusion(c *Config, places []int32) *Fusion {
	width, inner := c.Swin.Width, c.Swin.Width/c.Shrink
	bottleneck := func() *Bottleneck {
		return &Bottleneck{nn.NewLinear(width, inner, true), nn.NewLinear(inner, width, true)}
	}
	return &Fusion{
		Patch: &nn.Linear{Weight: tensor.Param(width, 1, c.Patch, stretches*c.Patch), Bias: tensor.Param(width)},
		Local: bottleneck(), Global: bottleneck(), places: places, cols: c.Swin.Cols,
	}
}

// Forward joins the tokens x [B·T, C] of b whole sounds, whose memory it takes, with the patches [B·T, P·3P] of their stretches.
func (f *Fusion) Forward(x, patches *tensor.Tensor, b int) *tensor.Tensor {
	p, c := x.Pass(), x.Dim(-1)
	local := f.Patch.Forward(patches)
	sum, mean := p.Empty(x.Rows(), c), p.Empty(b, c)
	clear(mean.Floats())
	for i, row := 0, 0; i < b; i++ {
		total, tokens := mean.Floats()[i*c:][:c], 0
		for _, place := range f.places {
			at := row * c
			row++
			if place < 0 || int(place)%f.cols >= f.cols/stretches*stretches {
				clear(local.Floats()[at:][:c]) // no stretch reaches here
			}
			kernel.Add(sum.Floats()[at:][:c], x.Floats()[at:][:c], local.Floats()[at:][:c])
			if place >= 0 {
				kernel.Add(total, total, sum.Floats()[at:][:c])
				tokens++
			}
		}
		kernel.Scale(total, total, 1/float32(tokens))
	}
	global := f.Global.Forward(mean)
	each := f.Local.Forward(sum)
	n := len(f.places)
	for row := range b * n {
		at := row * c
		blend(x.Floats()[at:][:c], local.Floats()[at:][:c], each.Floats()[at:][:c], global.Floats()[row/n*c:][:c], sum.Floats()[at:][:c])
	}
	return x
}

// blend makes x into 2·w·x + 2·(1-w)·y with w = σ(a + b). It uses a and tmp as scratch.
func blend(x, y, a, b, tmp []float32) {
	kernel.Add(a, a, b)
	kernel.Activate(kernel.SiLU, tmp, a) // a·σ(a)
	for i, v := range a {
		w := float32(0.5)
		if v != 0 {
			w = tmp[i] / v
		}
		x[i] = 2*x[i]*w + 2*y[i]*(1-w)
	}
}
