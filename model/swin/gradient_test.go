package swin_test

import (
	"context"
	"math"
	"testing"

	"github.com/chiasm/chiasm/model/swin"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// Recording changes no bit, and the gradient of every parameter says how the result changes along a direction, tables of biases included.
func TestGradients(t *testing.T) {
	tower := swin.New(small)
	nn.Init(tower, 1)
	for _, w := range nn.Params(tower) {
		for i := range w.Own() {
			w.Own()[i] += float32(i*37%19)/95 - 0.1
		}
		w.Changed()
	}
	places := tower.Places(0)
	forward := func(p *tensor.Pass) *tensor.Tensor {
		return tower.Forward(tokens(p, places, 8, 2), 2)
	}
	g := tensor.NewGradients(nn.Params(tower))
	p := tensor.NewPass(context.Background(), 2).Record(g)
	y := forward(p)
	seed := make([]float32, y.Len())
	for i := range seed {
		seed[i] = float32(i%5) - 1.5
	}
	plain := tensor.NewPass(context.Background(), 2)
	loss := func() (sum float64) {
		plain.Reset(context.Background())
		for i, v := range forward(plain).Floats() {
			sum += float64(v) * float64(seed[i])
		}
		return sum
	}
	for i, v := range forward(plain).Floats() {
		if v != y.Floats()[i] {
			t.Fatalf("recording changes value %d from %v to %v", i, v, y.Floats()[i])
		}
	}
	y.Seed(seed)
	p.Backward()
	if names := g.Unreached(); len(names) > 0 {
		t.Fatalf("parameters %v were not reached", names)
	}
	for _, l := range g.All() {
		v, length, want := l.Param.Own(), 0.0, 0.0
		for _, d := range l.Gradient {
			length += float64(d) * float64(d)
		}
		if length = math.Sqrt(length); length < 1e-4 {
			continue // as that of a bias of keys
		}
		const h = 1.0 / 64
		move := func(by float64) {
			for i, d := range l.Gradient {
				v[i] += float32(by * float64(d) / length)
			}
			l.Param.Changed()
		}
		move(h)
		want = loss()
		move(-2 * h)
		want = (want - loss()) / (2 * h)
		move(h)
		if math.Abs(want-length) > 0.01*length+1e-3 {
			t.Errorf("%s: the result changes by %v along a gradient of length %v", l.Name, want, length)
		}
	}
}
