package efficientnet_test

import (
	"context"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/model/efficientnet"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// Blocks that are computed again on the way back give the same gradients and running statistics, bit by bit.
func TestRecompute(t *testing.T) {
	c, err := efficientnet.Named("efficientnet_lite0")
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Stem, c.Head, c.Classes = 0.25, 8, 24, 0
	pixels := make([]float32, 2*3*40*40)
	for i := range pixels {
		pixels[i] = float32(i*7919%101)/50 - 1
	}
	var found [2]map[string][]float32
	var bytes [2]int
	for i := range 2 {
		m := efficientnet.New(c)
		nn.Init(m, 1)
		g := tensor.NewGradients(nn.Params(m))
		p := tensor.NewPass(context.Background(), 2).Record(g).Recompute(i == 1)
		y := m.Features(p.Input(pixels, 2, 3, 40, 40))
		seed := make([]float32, y.Len())
		for j := range seed {
			seed[j] = float32(j%5) - 2
		}
		found[i] = map[string][]float32{"features": slices.Clone(y.Floats())}
		y.Seed(seed)
		p.Backward()
		for _, l := range g.All() {
			found[i][l.Name+" gradient"] = l.Gradient
		}
		for name, v := range nn.Params(m) {
			found[i][name] = v.Floats()
		}
		bytes[i] = p.Bytes()
	}
	for name, v := range found[0] {
		if !slices.Equal(v, found[1][name]) {
			t.Errorf("%s differs", name)
		}
	}
	t.Logf("%d bytes, recomputed %d", bytes[0], bytes[1])
}
