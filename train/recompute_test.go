package train_test

import (
	"context"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// Towers that forget what their layers compute, and compute it again on the way back, give the same results and gradients, bit by bit.
func TestRecompute(t *testing.T) {
	ctx := context.Background()
	for name, m := range towers(t) {
		nn.Init(m.model, 3)
		params := func(yield func(string, *tensor.Tensor) bool) {
			for name, p := range nn.Params(m.model) {
				if p.Len() > 1 && !yield(name, p) {
					return
				}
			}
		}
		var results [2][]float32
		var gradients [2][]tensor.Learnt
		for i := range 2 {
			g := tensor.NewGradients(params)
			p := tensor.NewPass(ctx, 1+i).Record(g).Recompute(i == 1)
			for range 2 { // the second time in memory that was used
				p.Reset(ctx)
				g.Clear()
				y := m.run(p)
				seed := make([]float32, y.Len())
				for j := range seed {
					seed[j] = float32(j%7) - 3
				}
				results[i] = slices.Clone(y.Floats())
				y.Seed(seed)
				p.Backward()
			}
			gradients[i] = g.All()
		}
		if !slices.Equal(results[0], results[1]) {
			t.Errorf("%s: other results", name)
		}
		for i, l := range gradients[0] {
			if !slices.Equal(l.Gradient, gradients[1][i].Gradient) {
				t.Errorf("%s: other gradients of %s", name, l.Name)
			}
		}
	}
}

// deep is a tower of many layers, and a step of it.
func deep(layers int, recompute, frozen bool) (p *tensor.Pass, step func() *tensor.Tensor) {
	c := vit.Config{
		Width: 32, Layers: layers, Heads: 2, Hidden: 128, Height: 64, Wide: 64, Patch: 8, Act: tensor.GELU, Eps: 1e-6, ClassToken: true, PreNorm: true, Pool: vit.PoolMean,
	}
	m := vit.New(c)
	nn.Init(m, 1)
	g := tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) {
		for name, p := range nn.Params(m) {
			if !frozen && !yield(name, p) {
				return
			}
		}
	})
	ctx := context.Background()
	p = tensor.NewPass(ctx, 1).Record(g).Recompute(recompute)
	pixels, seed := make([]float32, 4*3*64*64), make([]float32, 4*32)
	for i := range pixels {
		pixels[i] = float32(i%13) - 6
	}
	return p, func() *tensor.Tensor {
		p.Reset(ctx)
		y := m.Forward(p.Input(pixels, 4, 3, 64, 64))
		if y.Learns() {
			y.Seed(seed)
			p.Backward()
		}
		return y
	}
}

// What a tower of twelve layers needs to learn falls to less than a quarter, and a step allocates nothing.
func TestRecomputeMemory(t *testing.T) {
	var bytes [2]int
	for i := range 2 {
		p, step := deep(12, i == 1, false)
		for range 3 {
			step()
		}
		bytes[i] = p.Bytes()
		if raceEnabled {
			continue
		}
		if n := testing.AllocsPerRun(5, func() { step() }); n > 0 {
			t.Errorf("recompute %v: a step allocates %v times", i == 1, n)
		}
	}
	t.Logf("%.1f MB, recomputed %.1f MB", float64(bytes[0])/1e6, float64(bytes[1])/1e6)
	if bytes[1] > bytes[0]/4 {
		t.Errorf("%d bytes, recomputed %d", bytes[0], bytes[1])
	}
}

// A frozen tower stays one that depends on nothing learnt.
func TestRecomputeFrozen(t *testing.T) {
	_, step := deep(2, true, true)
	if step().Learns() {
		t.Error("a frozen tower's result claims to depend on what is learnt")
	}
}
