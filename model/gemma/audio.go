package gemma

import (
	"math"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// An Audio turns the features of sounds into tokens, one for four frames: the conformer of the Universal Speech Model (Zhang et al. 2023).
// Its keys are those of transformers' Gemma4AudioModel, without the ".linear" of layers that may have bounds. The reference clamps at
// gradient_clipping, which numbers of a working model never reach; that is left out.
type Audio struct {
	First  *Subsampling  `weight:"subsample_conv_projection.layer0"`
	Second *Subsampling  `weight:"subsample_conv_projection.layer1"`
	Input  *nn.Linear    `weight:"subsample_conv_projection.input_proj_linear"`
	Layers []*AudioLayer `weight:"layers"`
	Output *nn.Linear    `weight:"output_proj"`
	Config AudioConfig
}

// A Subsampling is a convolution that halves time and frequency.
type Subsampling struct {
	Conv *tensor.Tensor `weight:"conv.weight"` // [N, C, 3, 3]
	Norm *tensor.Tensor `weight:"norm.weight"` // [N]
	Eps  float32
}

// An AudioLayer is attention and a convolution between the halves of an MLP (Gulati et al. 2020).
type AudioLayer struct {
	Before     *AudioMLP       `weight:"feed_forward1"`
	Attn       *LocalAttention `weight:"self_attn"`
	Conv       *LightConv      `weight:"lconv1d"`
	After      *AudioMLP       `weight:"feed_forward2"`
	BeforeAttn *nn.RMSNorm     `weight:"norm_pre_attn"`
	AfterAttn  *nn.RMSNorm     `weight:"norm_post_attn"`
	Out        *nn.RMSNorm     `weight:"norm_out"`
}

// An AudioMLP is two layers between norms, of which a part is added to what went in.
type AudioMLP struct {
	Norm     *nn.RMSNorm `weight:"pre_layer_norm"`
	Up       *Linear     `weight:"ffw_layer_1"`
	Down     *Linear     `weight:"ffw_layer_2"`
	AfterMLP *nn.RMSNorm `weight:"post_layer_norm"`
	Act      tensor.Activation
	Part     float32
}

// A LocalAttention sees a few tokens around each, and how far they are.
type LocalAttention struct {
	Query    *Linear        `weight:"q_proj"`
	Key      *Linear        `weight:"k_proj"`
	Value    *Linear        `weight:"v_proj"`
	Out      *Linear        `weight:"post"`
	Relative *nn.Linear     `weight:"relative_k_proj"`
	Scale    *tensor.Tensor `weight:"per_dim_scale"` // [C/heads], softened
	config   *AudioConfig
}

// A LightConv is a gate and a convolution of each channel by itself, backwards in time (Wu et al. 2019).
type LightConv struct {
	Norm     *nn.RMSNorm    `weight:"pre_layer_norm"`
	Start    *Linear        `weight:"linear_start"`
	Taps     *tensor.Tensor `weight:"depthwise_conv1d.weight"` // [C, 1, K]
	ConvNorm *nn.RMSNorm    `weight:"conv_norm"`
	End      *Linear        `weight:"linear_end"`
	Act      tensor.Activation
}

// audioEps is what the reference's norms have where it does not pass on the configuration's.
const audioEps = 1e-6

// NewAudio makes a tower without values. c must be valid.
func NewAudio(c AudioConfig) *Audio {
	a := &Audio{
		First: newSubsampling(1, c.Channels[0], c.Eps), Second: newSubsampling(c.Channels[0], c.Channels[1], c.Eps),
		Input: nn.NewLinear(c.Bands/4*c.Channels[1], c.Width, false), Output: nn.NewLinear(c.Width, c.Output, true), Config: c,
	}
	norm := func() *nn.RMSNorm { return nn.NewRMSNorm(c.Width, audioEps) }
	linear := func(k, n int) *Linear { return newLinear(k, n, c.Clipped) }
	mlp := func() *AudioMLP {
		return &AudioMLP{
			Norm: norm(), Up: linear(c.Width, 4*c.Width), Down: linear(4*c.Width, c.Width), AfterMLP: norm(), Act: c.Act, Part: c.Part,
		}
	}
	for range c.Layers {
		a.Layers = append(a.Layers, &AudioLayer{
			Before: mlp(), After: mlp(), BeforeAttn: norm(), AfterAttn: norm(), Out: norm(),
			Attn: &LocalAttention{
				Query: linear(c.Width, c.Width), Key: linear(c.Width, c.Width), Value: linear(c.Width, c.Width), Out: linear(c.Width, c.Width),
				Relative: nn.NewLinear(c.Width, c.Width, false), Scale: tensor.Param(c.Width / c.Heads), config: &a.Config,
			},
			Conv: &LightConv{
				Norm: nn.NewRMSNorm(c.Width, c.Eps), Start: linear(c.Width, 2*c.Width), Taps: tensor.Param(c.Width, 1, c.Taps),
				ConvNorm: nn.NewRMSNorm(c.Width, c.Eps), End: linear(c.Width, c.Width), Act: c.Act,
			},
		})
	}
	return a
}

func newSubsampling(k, n int, eps float32) *Subsampling {
	return &Subsampling{Conv: tensor.Param(n, k, 3, 3), Norm: tensor.Param(n), Eps: eps}
}

// Tokens is how many tokens so many frames become.
func (c *AudioConfig) Tokens(frames int) int { return ((frames+1)/2 + 1) / 2 }

// Subsample maps the features of a sound [frames, bands], all of them heard, to the tokens [n, C] that the first layer sees.
func (a *Audio) Subsample(features *tensor.Tensor) *tensor.Tensor {
	p, frames := features.Pass(), features.Dim(0)
	y := p.Empty(a.Config.Tokens(frames), a.Config.Width)
	m := p.Mark()
	x := a.First.Forward(p.Input(features.Floats(), frames, features.Dim(1), 1))
	x = a.Second.Forward(x)
	copy(y.Floats(), a.Input.Forward(p.Input(x.Floats(), x.Dim(0), x.Dim(1)*x.Dim(2))).Floats())
	return p.Keep(m, y)
}

// Forward maps x [T, F, C] to [⌈T/2⌉, ⌈F/2⌉, N].
func (s *Subsampling) Forward(x *tensor.Tensor) *tensor.Tensor {
	p := x.Pass()
	t, f, n := (x.Dim(0)+1)/2, (x.Dim(1)+1)/2, s.Conv.Dim(0)
	y := p.Empty(t, f, n)
	const most = 64 // rows at once: what they see takes nine times their memory
	for first := 0; first < t; first += most {
		m := p.Mark()
		count := min(most, t-first)
		z := x.Unfold(first, count).Linear(s.Conv, nil, tensor.None).LayerNorm(s.Norm, nil, s.Eps).Activate(tensor.ReLU)
		copy(y.Floats()[first*f*n:], z.Floats())
		p.Keep(m, y)
	}
	return y
}

// Forward maps the tokens x [T, C] of sounds that follow each other to what the tower ends with: [T, Output]. x must not be used
// afterwards.
func (a *Audio) Forward(x *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	p := x.Pass()
	m := p.Mark()
	distances := a.Distances(p)
	for _, l := range a.Layers {
		x = l.Forward(x, distances, seq)
	}
	return p.Keep(m, a.Output.Forward(x))
}

// Distances is what stands for the distances of a token from those that it sees [R, C]: sines, then cosines.
func (a *Audio) Distances(p *tensor.Pass) *tensor.Tensor {
	c := &a.Config
	reach := (c.Chunk + c.Left - 1 + c.Right) / 2
	y, half := p.Empty(reach+1, c.Width), c.Width/2
	step := math.Log(1e4) / float64(max(half-1, 1))
	for r := range reach + 1 {
		row := y.Floats()[r*c.Width:][:c.Width]
		for i := range half {
			sin, cos := math.Sincos(float64(float32(reach-r) * float32(math.Exp(-float64(i)*step))))
			row[i], row[half+i] = float32(sin), float32(cos)
		}
	}
	return y
}

// Forward changes x [T, C] in place.
func (l *AudioLayer) Forward(x, distances *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	p := x.Pass()
	m := p.Mark()
	l.Before.Forward(x)
	x.RMSNormAdd(l.Attn.Forward(l.BeforeAttn.Forward(x), distances, seq), l.AfterAttn.Weight, l.AfterAttn.Eps)
	p.Keep(m, x)
	l.Conv.Forward(x, seq)
	l.After.Forward(x)
	copy(x.Floats(), l.Out.Forward(x).Floats())
	return p.Keep(m, x)
}

// Forward adds what the layers make of x [T, C] to it, in place.
func (l *AudioMLP) Forward(x *tensor.Tensor) *tensor.Tensor {
	p := x.Pass()
	m := p.Mark()
	y := l.AfterMLP.Forward(l.Down.Forward(l.Up.Forward(l.Norm.Forward(x), l.Act), tensor.None))
	return p.Keep(m, x.Add(y.Scale(l.Part)))
}

// Forward maps x [T, C] to the same shape.
func (a *LocalAttention) Forward(x, distances *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	c, p := a.config, x.Pass()
	d := c.Width / c.Heads
	scale := p.Empty(d).Floats()
	for i, v := range a.Scale.Floats() {
		scale[i] = float32(math.Log1p(math.Exp(float64(v))) / math.Sqrt(float64(d)) / math.Ln2)
	}
	q, k, v := a.Query.Forward(x, tensor.None), a.Key.Forward(x, tensor.None), a.Value.Forward(x, tensor.None)
	y := q.AttendLocal(k, v, a.Relative.Forward(distances), scale, seq, tensor.Local{
		Heads: c.Heads, Before: c.Left - 2, After: max(c.Right-1, 0), Own: c.Left - 1, // the reference counts the token itself
		Cap: c.Cap, KeyScale: float32(math.Log1p(math.E) / math.Ln2),
	})
	return a.Out.Forward(y, tensor.None)
}

// Forward adds what the layers make of x [T, C] to it, in place.
func (l *LightConv) Forward(x *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	p := x.Pass()
	m := p.Mark()
	y := l.Start.Forward(l.Norm.Forward(x), tensor.None).GLU().ConvDepth(l.Taps, seq)
	return p.Keep(m, x.Add(l.End.Forward(l.ConvNorm.Forward(y).Activate(l.Act), tensor.None)))
}
