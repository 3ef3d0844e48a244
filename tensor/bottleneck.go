package tensor

import (
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// A Bottleneck is the parameters of an inverted residual block: what widens pixels, [C, K, 1, 1] with a bias [C] (nil for both, where K is
// C), the taps of each channel, [C, 1, T, T] with a bias [C], and what narrows them, [N, C, 1, 1] with a bias [N]. Biases may be nil.
type Bottleneck struct {
	Widen, WidenBias   *Tensor
	Taps, Bias         *Tensor
	Narrow, NarrowBias *Tensor
	Stride, Pad        int  // of the convolution, as [Tensor.Depthwise] has them
	Skip               bool // pixels are added to what becomes of them
}

// Bottleneck maps pictures [B, H, W, K] to [B, H', W', N]: [Tensor.Linear] and [Tensor.Depthwise], each with ReLU6, and Linear. Where
// nothing is recorded and there are pictures or rows enough for all workers, each of them does all three for a band of rows at a time. The
// result is the same to the bit. x must not be used afterwards.
func (x *Tensor) Bottleneck(b Bottleneck) *Tensor {
	p := in("bottleneck", x)
	if p.learns(x, b.Widen, b.WidenBias, b.Taps, b.Bias) || p.learns(b.Narrow, b.NarrowBias) || !b.banded(x) {
		return b.steps(x)
	}
	c, k := x.cols(), b.Taps.shape[2]
	check(b.Narrow.rank >= 2, "bottleneck", "weight parameters [C, K], [C, 1, T, T] and [N, C]", x, " and ", b.Narrow)
	if b.Widen != nil {
		check(b.Widen.rank >= 2 && b.Widen.Len() == b.Widen.shape[0]*c, "bottleneck", "a weight whose columns fit the pixels", b.Widen, " for ", x)
		c = b.Widen.shape[0]
	}
	check(b.Taps.param != nil && b.Taps.shape[0] == c && b.Taps.shape[1] == 1 && b.Taps.shape[3] == k && b.Narrow.Len() == b.Narrow.shape[0]*c,
		"bottleneck", "weight parameters [C, K], [C, 1, T, T] and [N, C]", b.Taps, " and ", b.Narrow)
	t := &p.tasks.bottle
	*t = kernel.Bottleneck{
		X: x.floats, WidenBias: valuesOf(b.WidenBias), Bias: valuesOf(b.Bias), NarrowBias: valuesOf(b.NarrowBias), Stride: b.Stride, Skip: b.Skip,
		Rows: kernel.NewSide(x.shape[1], k, b.Stride, b.Pad), Cols: kernel.NewSide(x.shape[2], k, b.Stride, b.Pad),
	}
	y := p.Empty(x.shape[0], t.Rows.Out, t.Cols.Out, b.Narrow.shape[0])
	if p.ctx.Err() != nil {
		return y
	}
	t.Out, t.Narrow = y.floats, b.Narrow.packed(p)
	if b.Widen != nil {
		t.Widen = b.Widen.packed(p)
	}
	before := p.mem.at
	t.Taps = p.taps(b.Taps)
	par.Do(t, t.Plan(p.workers), p.workers)
	p.mem.release(before)
	return y
}

func valuesOf(t *Tensor) []float32 {
	if t == nil {
		return nil
	}
	return t.Floats()
}

// banded reports whether the block is to go through bands of rows: not where one picture has so few that workers would widen many of them
// twice.
func (b *Bottleneck) banded(x *Tensor) bool {
	if x.rank != 4 || b.Taps.rank != 4 || b.Stride < 1 || b.Pad < Same || b.Pad != Same && min(x.shape[1], x.shape[2])+2*b.Pad < b.Taps.shape[2] {
		return false // the steps say what is wrong
	}
	strips := (x.pass.workers + x.shape[0] - 1) / max(x.shape[0], 1)
	return strips == 1 || x.shape[1] >= 8*strips*(b.Taps.shape[2]-1)/2
}

// steps is the block in its three steps.
func (b *Bottleneck) steps(x *Tensor) *Tensor {
	y := x
	if b.Widen != nil {
		y = y.Linear(b.Widen, b.WidenBias, ReLU6)
	}
	y = y.Depthwise(b.Taps, b.Bias, b.Stride, b.Pad, ReLU6)
	if b.Skip {
		return y.LinearAdd(b.Narrow, b.NarrowBias, x)
	}
	return y.Linear(b.Narrow, b.NarrowBias, None)
}
