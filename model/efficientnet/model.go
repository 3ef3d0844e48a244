package efficientnet

import (
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Tower maps pictures to vectors and to classes. Its keys are those of timm's EfficientNet.
type Tower struct {
	Stem   *nn.Linear    `weight:"conv_stem"` // [C, 3, 3, 3]
	Norm1  *nn.BatchNorm `weight:"bn1"`
	Stages [][]*Block    `weight:"blocks"`
	Head   *nn.Linear    `weight:"conv_head"` // [D, C, 1, 1]
	Norm2  *nn.BatchNorm `weight:"bn2"`
	Class  *nn.Linear    `weight:"classifier"` // [classes, D]; may be nil
	Config Config
}

// A Block widens pixels, convolves each channel, and narrows the pixels again (Sandler et al. 2018). A block of the first stage does not
// widen: its pointwise convolution narrows. The norms are nil once they are folded.
type Block struct {
	Point  *nn.Linear    `weight:"conv_pw"` // [C', C, 1, 1]
	Norm1  *nn.BatchNorm `weight:"bn1"`
	Depth  *nn.Linear    `weight:"conv_dw"` // [C', 1, K, K]
	Norm2  *nn.BatchNorm `weight:"bn2"`
	Narrow *nn.Linear    `weight:"conv_pwl"` // [C, C', 1, 1]; nil in the first stage
	Norm3  *nn.BatchNorm `weight:"bn3"`

	stride, pad int
	skip        bool // the result is added to what came in
}

// New makes a tower without values. c must be valid.
func New(c Config) *Tower {
	norm := func(n int) *nn.BatchNorm { return nn.NewBatchNorm(n, c.Eps, c.Momentum) }
	conv := func(shape ...int) *nn.Linear { return &nn.Linear{Weight: tensor.Param(shape...)} }
	t := &Tower{Stem: conv(c.Stem, 3, 3, 3), Norm1: norm(c.Stem), Config: c}
	in := c.Stem
	for _, s := range c.stages() {
		var blocks []*Block
		for i := range s.blocks {
			wide, out := in*s.expand, s.channels
			b := &Block{Depth: conv(wide, 1, s.kernel, s.kernel), stride: 1, pad: c.pad(s.kernel), skip: i > 0}
			if i == 0 {
				b.stride = s.stride
				b.skip = s.stride == 1 && in == out
			}
			if s.expand == 1 {
				b.Point, b.Norm1, b.Norm2 = conv(out, wide, 1, 1), norm(wide), norm(out)
			} else {
				b.Point, b.Narrow = conv(wide, in, 1, 1), conv(out, wide, 1, 1)
				b.Norm1, b.Norm2, b.Norm3 = norm(wide), norm(wide), norm(out)
			}
			blocks, in = append(blocks, b), out
		}
		t.Stages = append(t.Stages, blocks)
	}
	t.Head, t.Norm2 = conv(c.Head, in, 1, 1), norm(c.Head)
	if c.Classes > 0 {
		t.Class = nn.NewLinear(c.Head, c.Classes, true)
	}
	return t
}

// pad is the padding of a convolution with so many taps along a side.
func (c *Config) pad(taps int) int {
	if c.Same {
		return tensor.Same
	}
	return taps / 2
}

// Forward maps pixels [B, H, W, C] to [B, H', W', C']. x must not be used afterwards.
func (b *Block) Forward(x *tensor.Tensor) *tensor.Tensor {
	p := x.Pass()
	if p.Recomputes() {
		return p.Through((*layer)(b), x, nil)
	}
	m := p.Mark()
	if b.Norm2 == nil { // they are folded
		return p.Keep(m, x.Bottleneck(b.folded()))
	}
	if b.Narrow == nil {
		return p.Keep(m, b.add(b.depth(x, b.Norm1), x, b.Point, b.Norm2))
	}
	y := b.depth(b.Point.Normed(x, b.Norm1, tensor.ReLU6), b.Norm2)
	return p.Keep(m, b.add(y, x, b.Narrow, b.Norm3))
}

// folded is the parameters of a block whose norms are.
func (b *Block) folded() tensor.Bottleneck {
	f := tensor.Bottleneck{Taps: b.Depth.Weight, Bias: b.Depth.Bias, Stride: b.stride, Pad: b.pad, Skip: b.skip}
	if b.Narrow == nil {
		f.Narrow, f.NarrowBias = b.Point.Weight, b.Point.Bias
		return f
	}
	f.Widen, f.WidenBias, f.Narrow, f.NarrowBias = b.Point.Weight, b.Point.Bias, b.Narrow.Weight, b.Narrow.Bias
	return f
}

// A layer is a block for [tensor.Pass.Through].
type layer Block

// Forward is that of the block.
func (l *layer) Forward(x *tensor.Tensor, _ tensor.Spans) *tensor.Tensor {
	return (*Block)(l).Forward(x)
}

// depth convolves each channel.
func (b *Block) depth(x *tensor.Tensor, norm *nn.BatchNorm) *tensor.Tensor {
	return norm.Forward(x.Depthwise(b.Depth.Weight, b.Depth.Bias, b.stride, b.pad, tensor.None), tensor.ReLU6)
}

// add narrows y and adds it to what came in, x, if the block does so.
func (b *Block) add(y, x *tensor.Tensor, l *nn.Linear, norm *nn.BatchNorm) *tensor.Tensor {
	if y = l.Normed(y, norm, tensor.None); b.skip {
		return x.Add(y)
	}
	return y
}

// Embed maps pictures [B, 3, H, W] to the pixels [B, H/2, W/2, C] that the first block sees.
func (t *Tower) Embed(pixels *tensor.Tensor) *tensor.Tensor {
	p := pixels.Pass()
	m := p.Mark()
	return p.Keep(m, t.Stem.Normed(pixels.Windows(3, 2, t.Config.pad(3)), t.Norm1, tensor.ReLU6))
}

// Features maps pictures [B, 3, H, W] to their vectors [B, D], means over the places of the last convolution.
func (t *Tower) Features(pixels *tensor.Tensor) *tensor.Tensor {
	p, b := pixels.Pass(), pixels.Dim(0)
	few := p.Workers()
	if p.Records() || b <= few {
		return t.features(pixels)
	}
	// A picture for each worker at a time, so that what passes from block to block stays in a cache.
	y, size := p.Empty(b, t.Config.Head), pixels.Len()/b
	for i := 0; i < b; i += few {
		m, n := p.Mark(), min(few, b-i)
		x := p.Input(pixels.Floats()[i*size:(i+n)*size], n, 3, pixels.Dim(2), pixels.Dim(3))
		copy(y.Floats()[i*t.Config.Head:], t.features(x).Floats())
		p.Keep(m, y)
	}
	return y
}

func (t *Tower) features(pixels *tensor.Tensor) *tensor.Tensor {
	p := pixels.Pass()
	m := p.Mark()
	x := t.Map(pixels)
	return p.Keep(m, x.MeanRows(p.Spans(x.Dim(0), x.Dim(1)*x.Dim(2)), 0))
}

// FeaturesOn is [Tower.Features] with those of each place of a grid of side by side places beside them, [B·side·side, D].
func (t *Tower) FeaturesOn(pixels *tensor.Tensor, side int) (features, places *tensor.Tensor) {
	x := t.Map(pixels)
	p, b, h, w := x.Pass(), x.Dim(0), x.Dim(1), x.Dim(2)
	return x.MeanRows(p.Spans(b, h*w), 0), nn.GridMeans(x, b, 0, h, w, side)
}

// Map maps pictures [B, 3, H, W] to what the last convolution sees at each place, [B, H/32, W/32, D].
func (t *Tower) Map(pixels *tensor.Tensor) *tensor.Tensor {
	p := pixels.Pass()
	m := p.Mark()
	if t.folded() && !p.Recomputes() {
		return p.Keep(m, t.mapFolded(pixels))
	}
	x := t.Embed(pixels)
	for _, stage := range t.Stages {
		for _, b := range stage {
			x = b.Forward(x)
		}
	}
	return p.Keep(m, t.Head.Normed(x, t.Norm2, tensor.ReLU6))
}

// folded reports whether there are no norms.
func (t *Tower) folded() bool { return t.Norm1 == nil && t.Norm2 == nil }

// mapFolded is Map without norms: the stem belongs to the first block, which does not widen, and the head to the last.
func (t *Tower) mapFolded(x *tensor.Tensor) *tensor.Tensor {
	p := x.Pass()
	for i, stage := range t.Stages {
		for j, b := range stage {
			f, m := b.folded(), p.Mark()
			if i == 0 && j == 0 {
				f.Widen, f.WidenBias, f.StemStride, f.StemPad = t.Stem.Weight, t.Stem.Bias, 2, t.Config.pad(3)
			}
			if i == len(t.Stages)-1 && j == len(stage)-1 {
				f.Head, f.HeadBias = t.Head.Weight, t.Head.Bias
			}
			x = p.Keep(m, x.Bottleneck(f))
		}
	}
	return x
}

// Logits maps vectors [B, D] to the scores of the classes [B, classes].
func (t *Tower) Logits(features *tensor.Tensor) *tensor.Tensor { return t.Class.Forward(features) }

// Fold puts every norm into the convolution before it. The tower is for inference only from then on. No pass may be using it.
func (t *Tower) Fold() {
	t.Norm1 = t.Stem.Fold(t.Norm1)
	for _, stage := range t.Stages {
		for _, b := range stage {
			if b.Narrow == nil {
				b.Norm1, b.Norm2 = b.Depth.Fold(b.Norm1), b.Point.Fold(b.Norm2)
			} else {
				b.Norm1, b.Norm2, b.Norm3 = b.Point.Fold(b.Norm1), b.Depth.Fold(b.Norm2), b.Narrow.Fold(b.Norm3)
			}
		}
	}
	t.Norm2 = t.Head.Fold(t.Norm2)
}
