package tensor_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/tensor"
)

// Dropout keeps its share of the values and their mean, makes the same choices again from the same seed with any number of workers, others
// at the next call, and goes back through what it kept.
func TestDropout(t *testing.T) {
	const n, rate = 40000, 0.3
	values := make([]float32, n)
	for i := range values {
		values[i] = 1 + float32(i%7)
	}
	g := tensor.NewGradients(func(func(string, *tensor.Tensor) bool) {})
	drop := func(workers int, seed uint64) (first, second []float32) {
		p := tensor.NewPass(context.Background(), workers).Record(g).Random(seed)
		x := p.Input(values, 4, n/4).Watch()
		y, z := x.Dropout(rate), x.Dropout(rate)
		seeds := make([]float32, n)
		for i := range seeds {
			seeds[i] = values[i] / 2
		}
		first, second = slices.Clone(y.Floats()), slices.Clone(z.Floats())
		y.Seed(seeds)
		p.Backward()
		for i, v := range x.Gradient() {
			if v != first[i]/2 {
				t.Fatalf("the derivative by value %d is %v, want %v", i, v, first[i]/2)
			}
		}
		return first, second
	}
	a, b := drop(1, 5)
	again, _ := drop(3, 5)
	other, _ := drop(1, 6)
	if !slices.Equal(a, again) {
		t.Error("the same seed makes other choices on three workers")
	}
	for name, list := range map[string][]float32{"the next call": b, "another seed": other} {
		same := 0
		for i := range a {
			if (a[i] == 0) == (list[i] == 0) {
				same++
			}
		}
		if want := 1 - 2*rate*(1-rate); math.Abs(float64(same)/n-want) > 0.02 {
			t.Errorf("%s makes the same choice for %d of %d values", name, same, n)
		}
	}
	kept, sum, all := 0, 0.0, 0.0
	for i, v := range a {
		if v != 0 {
			kept++
		}
		sum, all = sum+float64(v), all+float64(values[i])
	}
	if math.Abs(float64(kept)/n-(1-rate)) > 0.01 || math.Abs(sum/all-1) > 0.02 {
		t.Errorf("%d of %d values are kept, their sum is %v of all", kept, n, sum/all)
	}
	p := tensor.NewPass(context.Background(), 1)
	if x := p.Input(values, n); x.Dropout(rate) != x {
		t.Error("a pass that does not choose at random drops values")
	}
	p.Random(1)
	p.Reset(context.Background())
	if x := p.Input(values, n); x.Dropout(rate) != x {
		t.Error("a pass that was reset drops values")
	}
}

// dropped is a layer that drops values twice.
type dropped struct{ w *tensor.Tensor }

func (d *dropped) Forward(x *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	if p := x.Pass(); p.Recomputes() {
		return p.Through(d, x, seq)
	}
	return x.Dropout(0.4).Linear(d.w, nil, tensor.GELU).Dropout(0.3)
}

// A layer that is computed once more on the way back drops the same values.
func TestDropoutRecomputed(t *testing.T) {
	layers := [2]dropped{{tensor.Param(8, 8)}, {tensor.Param(8, 8)}}
	for i, l := range layers {
		l.w.Store(tensor.F32, make([]byte, 4*l.w.Len()), nil)
		for j, v := 0, l.w.Own(); j < len(v); j++ {
			v[j] = float32((3*i+j*j)%11)/10 - 0.4
		}
	}
	learn := func(recompute bool) []float32 {
		g := tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) {
			_ = yield("0", layers[0].w) && yield("1", layers[1].w)
		})
		p := tensor.NewPass(context.Background(), 1).Recompute(recompute).Record(g).Random(9)
		x := p.Empty(5, 8)
		for i := range x.Floats() {
			x.Floats()[i] = float32(i%9) / 5
		}
		seq := tensor.Spans{0, 5}
		y := layers[1].Forward(layers[0].Forward(x, seq), seq)
		y.Seed(slices.Repeat([]float32{1}, y.Len()))
		p.Backward()
		return slices.Concat(y.Floats(), g.Of(layers[0].w), g.Of(layers[1].w))
	}
	if !slices.Equal(learn(false), learn(true)) {
		t.Error("recomputed layers give other gradients")
	}
}
