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
