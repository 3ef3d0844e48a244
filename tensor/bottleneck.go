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
	// With a StemStride, pictures [B, K, H, W] come in, and Widen is a stem, a convolution [C, K, S, S] with StemPad around it as
	// [Tensor.Windows] has it. Nothing is skipped then.
	StemStride, StemPad int
	// Head, [D, N, 1, 1] with a bias [D], is nil or what the narrowed pixels are mapped by at last, under ReLU6.
	Head, HeadBias *Tensor
}

// Bottleneck maps pictures [B, H, W, K] to [B, H', W', N]: [Tensor.Linear] and [Tensor.Depthwise], each with ReLU6, and Linear. Where
// nothing is recorded and there are pictures or rows enough for all workers, each of them does all three for a band of rows at a time. The
// result is the same to the bit, unless the taps are in int8 and the processor and the shapes are such that the block is computed in
// integers: then it is for any number of workers. A block that does not widen must be given pixels between 0 and 6 then. x must not be
// used afterwards.
func (x *Tensor) Bottleneck(b Bottleneck) *Tensor {
	p := in("bottleneck", x)
	if p.learns(x, b.Widen, b.WidenBias, b.Taps, b.Bias) || p.learns(b.Narrow, b.NarrowBias, b.Head, b.HeadBias) || !b.convolves(x) {
		return b.steps(x)
	}
	if b.integers() {
		b.check(x)
		if q := b.quantized(); q != nil {
			return b.run(x, q)
		}
	}
	if b.StemStride > 0 || b.Head != nil || !b.banded(x) {
		return b.steps(x)
	}
	return b.run(x, nil)
}

// run makes the block in bands: in integers, or in floats where there are none.
func (b *Bottleneck) run(x *Tensor, q *kernel.QuantBlock) *Tensor {
	p := x.pass
	b.check(x)
	h, w, n, k := x.shape[1], x.shape[2], b.Narrow.shape[0], b.Taps.shape[2]
	t := &p.tasks.bottle
	*t = kernel.Bottleneck{
		X: x.floats, WidenBias: valuesOf(b.WidenBias), Bias: valuesOf(b.Bias), NarrowBias: valuesOf(b.NarrowBias), Stride: b.Stride, Skip: b.Skip,
		Quant: q,
	}
	if b.StemStride > 0 {
		t.StemRows, t.StemCols, t.StemStride = b.stem(x.shape[2]), b.stem(x.shape[3]), b.StemStride
		h, w = t.StemRows.Out, t.StemCols.Out
	}
	if b.Head != nil {
		n = b.Head.shape[0]
	}
	t.Rows, t.Cols = kernel.NewSide(h, k, b.Stride, b.Pad), kernel.NewSide(w, k, b.Stride, b.Pad)
	y := p.Empty(x.shape[0], t.Rows.Out, t.Cols.Out, n)
	if p.ctx.Err() != nil {
		return y
	}
	t.Out = y.floats
	if q != nil {
		par.Do(t, t.Plan(p.workers), p.workers)
		return y
	}
	t.Narrow = b.Narrow.packed(p)
	if b.Widen != nil {
		t.Widen = b.Widen.packed(p)
	}
	before := p.mem.at
	t.Taps = p.taps(b.Taps)
	par.Do(t, t.Plan(p.workers), p.workers)
	p.mem.release(before)
	return y
}

// check holds the shapes against each other.
func (b *Bottleneck) check(x *Tensor) {
	c, k := x.cols(), b.Taps.shape[2]
	check(b.Narrow.rank >= 2, "bottleneck", "weight parameters [C, K], [C, 1, T, T] and [N, C]", x, " and ", b.Narrow)
	if b.StemStride > 0 {
		c = x.shape[1] * b.Widen.shape[2] * b.Widen.shape[3]
	}
	if b.Widen != nil {
		check(b.Widen.rank >= 2 && b.Widen.Len() == b.Widen.shape[0]*c, "bottleneck", "a weight whose columns fit the pixels", b.Widen, " for ", x)
		c = b.Widen.shape[0]
	}
	check(b.Taps.param != nil && b.Taps.shape[0] == c && b.Taps.shape[1] == 1 && b.Taps.shape[3] == k && b.Narrow.Len() == b.Narrow.shape[0]*c,
		"bottleneck", "weight parameters [C, K], [C, 1, T, T] and [N, C]", b.Taps, " and ", b.Narrow)
	check(b.Head == nil || b.Head.rank >= 2 && b.Head.Len() == b.Head.shape[0]*b.Narrow.shape[0], "bottleneck", "a head [D, N]", b.Head, " for ", b.Narrow)
}

// stem is a side of the stem.
func (b *Bottleneck) stem(in int) kernel.Side {
	return kernel.NewSide(in, b.Widen.shape[2], b.StemStride, b.StemPad)
}

func valuesOf(t *Tensor) []float32 {
	if t == nil {
		return nil
	}
	return t.Floats()
}

// convolves reports whether the shapes and steps are those of a convolution; else the three steps say what is wrong.
func (b *Bottleneck) convolves(x *Tensor) bool {
	if x.rank != 4 || b.Taps.rank != 4 || b.Stride < 1 || b.Pad < Same || b.StemStride < 0 {
		return false
	}
	h, w := x.shape[1], x.shape[2]
	if b.StemStride > 0 {
		if b.Widen == nil || b.Widen.rank != 4 || b.Widen.shape[2] != b.Widen.shape[3] || b.StemPad < Same || b.Skip || !fits(x.shape[2], x.shape[3], b.Widen.shape[2], b.StemPad) {
			return false
		}
		h, w = b.stem(x.shape[2]).Out, b.stem(x.shape[3]).Out
	}
	return fits(h, w, b.Taps.shape[2], b.Pad)
}

// fits reports whether a convolution with so many taps along a side has a place on a picture.
func fits(h, w, taps, pad int) bool { return pad == Same || min(h, w)+2*pad >= taps }

// banded reports whether the block is to go through bands of rows: not where one picture has so few that workers would widen many of them
// twice.
func (b *Bottleneck) banded(x *Tensor) bool {
	strips := (x.pass.workers + x.shape[0] - 1) / max(x.shape[0], 1)
	return strips == 1 || x.shape[1] >= 8*strips*(b.Taps.shape[2]-1)/2
}

// steps is the block in its steps, of which the three between a stem and a head may go through bands.
func (b *Bottleneck) steps(x *Tensor) *Tensor {
	if b.StemStride > 0 || b.Head != nil {
		middle := *b
		middle.StemStride, middle.StemPad, middle.Head, middle.HeadBias = 0, 0, nil, nil
		if b.StemStride > 0 {
			m := x.pass.Mark()
			x = x.pass.Keep(m, x.Windows(b.Widen.shape[2], b.StemStride, b.StemPad).Linear(b.Widen, b.WidenBias, ReLU6))
			middle.Widen, middle.WidenBias = nil, nil
		}
		if x = x.Bottleneck(middle); b.Head != nil {
			x = x.Linear(b.Head, b.HeadBias, ReLU6)
		}
		return x
	}
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

// A quantBlock is a block in integers, nil where it has no such form, and the editions of the parameters that it was made of.
type quantBlock struct {
	block    *kernel.QuantBlock
	editions [8]uint64
}

func (b *Bottleneck) parameters() [8]*Tensor {
	return [8]*Tensor{b.Widen, b.WidenBias, b.Taps, b.Bias, b.Narrow, b.NarrowBias, b.Head, b.HeadBias}
}

// integers reports whether the block is to be computed in integers, if it has a form in them.
func (b *Bottleneck) integers() bool {
	if b.Taps.param == nil || b.Taps.param.format != FormatI8 || !kernel.Quantizes() {
		return false
	}
	for _, t := range b.parameters() {
		if t != nil && t.Owned() { // it may change from pass to pass
			return false
		}
	}
	return true
}

// quantized is the block in integers, made on first use.
func (b *Bottleneck) quantized() *kernel.QuantBlock {
	var editions [8]uint64
	for i, t := range b.parameters() {
		if t != nil && t.param != nil {
			editions[i] = t.param.edition.Load()
		}
	}
	b.Taps.param.mu.Lock()
	defer b.Taps.param.mu.Unlock()
	slot := &b.Taps.param.quant[0]
	if b.StemStride > 0 || b.Head != nil { // without which it is made if with them it has no such form
		slot = &b.Taps.param.quant[1]
	}
	if q := *slot; q != nil && q.editions == editions {
		return q.block
	}
	block := b.quantize()
	*slot = &quantBlock{block, editions}
	for _, t := range [...]*Tensor{b.Widen, b.Narrow, b.Head} {
		if t != nil && t.param.forget != nil && block != nil {
			t.param.forget()
		}
	}
	return block
}

// quantize brings the block to integers.
func (b *Bottleneck) quantize() *kernel.QuantBlock {
	c, k := b.Taps.shape[0], b.Taps.shape[2]
	v := kernel.BlockValues{
		K: c, C: c, N: b.Narrow.shape[0], Rows: k, Cols: k, Taps: make([]float32, b.Taps.Len()), Narrow: make([]float32, b.Narrow.Len()),
		WidenBias: valuesOf(b.WidenBias), NarrowBias: valuesOf(b.NarrowBias), Bias: valuesOf(b.Bias),
	}
	taps := make([]float32, b.Taps.Len())
	b.Taps.read(taps, 0)
	kernel.Transpose(v.Taps, taps, c, k*k, k*k)
	b.Narrow.read(v.Narrow, 0)
	if b.Widen != nil {
		v.K, v.Widen = b.Widen.Len()/c, make([]float32, b.Widen.Len())
		b.Widen.read(v.Widen, 0)
	}
	if b.StemStride > 0 {
		if v.Stem, v.K = true, b.Widen.shape[1]; b.Widen.shape[2] != 3 {
			return nil
		}
	}
	if b.Head != nil {
		v.D, v.Head, v.HeadBias = b.Head.shape[0], make([]float32, b.Head.Len()), valuesOf(b.HeadBias)
		b.Head.read(v.Head, 0)
	}
	return kernel.NewQuantBlock(&v)
}
