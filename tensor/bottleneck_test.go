package tensor

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/internal/kernel"
)

// storedRandom makes a parameter of random values.
func storedRandom(r *rand.Rand, size float64, shape ...int) *Tensor {
	t := Param(shape...)
	v := make([]float32, t.Len())
	for i := range v {
		v[i] = float32(size * r.NormFloat64())
	}
	t.Store(F32, EntryOf("", v).Data, nil)
	return t
}

// A block whose taps are in int8 is computed in integers where the processor can, near to the floats; values stored anew, and weights that
// may change from pass to pass, are seen at once.
func TestBottleneckInIntegers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	b := Bottleneck{
		Widen: storedRandom(r, 0.3, 48, 8, 1, 1), WidenBias: storedRandom(r, 1, 48), Taps: storedRandom(r, 0.3, 48, 1, 3, 3), Bias: storedRandom(r, 1, 48),
		Narrow: storedRandom(r, 0.2, 8, 48, 1, 1), NarrowBias: storedRandom(r, 1, 8), Stride: 1, Pad: Same, Skip: true,
	}
	pixels := make([]float32, 3*9*7*8)
	for i := range pixels {
		pixels[i] = float32(r.NormFloat64())
	}
	run := func(f Format, workers int) []float32 {
		b.Taps.SetFormat(f)
		p := NewPass(context.Background(), workers)
		return slices.Clone(p.Input(slices.Clone(pixels), 3, 9, 7, 8).Bottleneck(b).Floats())
	}
	compare := func(what string) (off float64) {
		exact, got := run(FormatF32, 1), run(FormatI8, 1)
		far, size := 0.0, 0.0
		for i, v := range got {
			far, size = far+math.Pow(float64(v-exact[i]), 2), size+math.Pow(float64(exact[i]), 2)
		}
		if off = math.Sqrt(far / size); !(off < 0.02) {
			t.Errorf("%s: %v of what floats give off", what, off)
		}
		for _, workers := range []int{2, 8} {
			if !slices.Equal(run(FormatI8, workers), got) {
				t.Errorf("%s: %d workers give other bits", what, workers)
			}
		}
		return off
	}
	if off := compare("first"); kernel.Quantizes() != (off > 0) {
		t.Errorf("%v off, while the kernels compute in integers: %v", off, kernel.Quantizes())
	}
	again := storedRandom(r, 0.2, 8, 48, 1, 1)
	b.Narrow.Store(F32, again.Bytes(), nil)
	compare("stored anew")
	b.WidenBias.Own()[3] = 5
	b.WidenBias.Changed()
	if off := compare("a changing bias"); off != 0 {
		t.Errorf("a block that learns is computed in integers")
	}
}

// A stem and a head are the products they stand for, to the bit in floats and near to it in integers, also where the head has no form in
// integers or the weights are others than before.
func TestBottleneckStem(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	pixels := make([]float32, 2*3*19*12)
	for i := range pixels {
		pixels[i] = float32(r.NormFloat64())
	}
	for _, d := range []int{0, 32, 24} {
		b := Bottleneck{
			Widen: storedRandom(r, 0.2, 16, 3, 3, 3), WidenBias: storedRandom(r, 1, 16), Taps: storedRandom(r, 0.3, 16, 1, 3, 3), Bias: storedRandom(r, 1, 16),
			Narrow: storedRandom(r, 0.2, 8, 16, 1, 1), NarrowBias: storedRandom(r, 1, 8), Stride: 1, Pad: Same, StemStride: 2, StemPad: Same,
		}
		if d > 0 {
			b.Head, b.HeadBias = storedRandom(r, 0.4, d, 8, 1, 1), storedRandom(r, 1, d)
		}
		steps := func() []float32 {
			p := NewPass(context.Background(), 1)
			x := p.Input(slices.Clone(pixels), 2, 3, 19, 12).Windows(3, 2, Same).Linear(b.Widen, b.WidenBias, ReLU6)
			x = x.Depthwise(b.Taps, b.Bias, 1, Same, ReLU6).Linear(b.Narrow, b.NarrowBias, None)
			if d > 0 {
				x = x.Linear(b.Head, b.HeadBias, ReLU6)
			}
			return slices.Clone(x.Floats())
		}
		run := func(f Format, workers int) []float32 {
			b.Taps.SetFormat(f)
			p := NewPass(context.Background(), workers)
			return slices.Clone(p.Input(slices.Clone(pixels), 2, 3, 19, 12).Bottleneck(b).Floats())
		}
		for range 2 {
			want := steps()
			got := run(FormatI8, 1)
			if !slices.Equal(run(FormatF32, 1), want) {
				t.Errorf("head of %d: other bits in floats", d)
			}
			far, size := 0.0, 0.0
			for i, v := range got {
				far, size = far+math.Pow(float64(v-want[i]), 2), size+math.Pow(float64(want[i]), 2)
			}
			if off := math.Sqrt(far / size); !(off < 0.03) || kernel.Quantizes() != (off > 0) {
				t.Errorf("head of %d: %v of what floats give off", d, off)
			}
			if !slices.Equal(run(FormatI8, 3), got) {
				t.Errorf("head of %d: 3 workers give other bits", d)
			}
			again := storedRandom(r, 0.2, 16, 3, 3, 3)
			b.Widen.Store(F32, again.Bytes(), nil)
		}
	}
}
