package train_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/chiasm/chiasm/model/bert"
	"github.com/chiasm/chiasm/model/gemma"
	"github.com/chiasm/chiasm/model/siglip"
	"github.com/chiasm/chiasm/model/text"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A tower is a model and what it makes of some input.
type tower struct {
	model any
	run   func(p *tensor.Pass) *tensor.Tensor
}

func must(t *testing.T) func(x *tensor.Tensor, err error) *tensor.Tensor {
	return func(x *tensor.Tensor, err error) *tensor.Tensor {
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// towers covers the layers and the ways to pool that models have beyond CLIP's.
func towers(t *testing.T) map[string]tower {
	texts := [][]int32{{1, 2, 3, 4, 9}, {5}, {7, 8, 1}}
	pixels := make([]float32, 2*3*14*9)
	for i := range pixels {
		pixels[i] = float32((i*7919)%101)/50 - 1
	}
	image := func(p *tensor.Pass) *tensor.Tensor { return p.Input(pixels, 2, 3, 14, 9) }
	s := siglip.New(siglip.Config{
		Text:   text.Config{Width: 12, Layers: 2, Heads: 2, Hidden: 20, Vocab: 10, Context: 6, Act: tensor.GELUTanh, Eps: 1e-6, Pool: text.PoolLast, PadLeft: true},
		Vision: vit.Config{Width: 12, Layers: 2, Heads: 3, Hidden: 20, Height: 14, Wide: 9, Patch: 4, Act: tensor.GELUTanh, Eps: 1e-6, PatchBias: true, Pool: vit.PoolProbe},
	})
	mean := vit.New(vit.Config{
		Width: 8, Layers: 1, Heads: 2, Hidden: 12, Height: 14, Wide: 9, Patch: 4, Act: tensor.SiLU, Eps: 1e-6, ClassToken: true,
		BarePositions: true, NoQKVBias: true, Pool: vit.PoolMean, NormPooled: true,
	})
	b := bert.New(bert.Config{Width: 12, Layers: 2, Heads: 3, Hidden: 18, Vocab: 10, Positions: 8, Types: 2, Act: tensor.GELU, Eps: 1e-12})
	g := gemma.NewText(gemma.TextConfig{
		Width: 12, Hidden: 16, Heads: 4, Vocab: 10, Input: 6, Dimension: 5, Positions: 8, Act: tensor.GELUTanh, Eps: 1e-6,
		Layers: []gemma.LayerConfig{{Keys: 2, D: 4, Window: 2, Theta: 100}, {Keys: 1, D: 6, Theta: 1000}},
	})
	return map[string]tower{
		"siglip":       {s.Text, func(p *tensor.Pass) *tensor.Tensor { return must(t)(s.Text.Forward(p, texts)) }},
		"probe":        {s.Vision, func(p *tensor.Pass) *tensor.Tensor { return s.Vision.Forward(image(p)) }},
		"mean":         {mean, func(p *tensor.Pass) *tensor.Tensor { return mean.Forward(image(p)) }},
		"bert, first":  {b, func(p *tensor.Pass) *tensor.Tensor { return must(t)(b.First(p, texts)) }},
		"bert, tokens": {b, func(p *tensor.Pass) *tensor.Tensor { x, _, err := b.Forward(p, texts); return must(t)(x, err) }},
		"gemma": {g, func(p *tensor.Pass) *tensor.Tensor {
			var flat []int32
			var seq tensor.Spans
			for _, ids := range texts {
				flat, seq = append(flat, ids...), seq.Append(len(ids))
			}
			return g.Pool(g.Forward(must(t)(g.Embed(p, flat)), seq), seq)
		}},
	}
}

// Each parameter's gradient along a random direction is what differences of the result give. Recording changes no bit of the result.
func TestGradientsOfTowers(t *testing.T) {
	ctx := context.Background()
	for name, m := range towers(t) {
		t.Run(name, func(t *testing.T) {
			nn.Init(m.model, 3)
			r := rand.New(rand.NewPCG(1, 2))
			g := tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) {
				for name, p := range nn.Params(m.model) {
					for i := range p.Own() {
						p.Own()[i] += float32(r.NormFloat64()) / 10
					}
					if p.Changed(); p.Len() > 1 && !yield(name, p) { // a scalar of gemma's layers scales and is not learnt
						return
					}
				}
			})
			p := tensor.NewPass(ctx, 2).Record(g)
			y := m.run(p)
			seed := make([]float32, y.Len())
			for i := range seed {
				seed[i] = float32(r.NormFloat64())
			}
			plain := tensor.NewPass(ctx, 1)
			loss := func() (sum float64) {
				plain.Reset(ctx)
				for i, v := range m.run(plain).Floats() {
					sum += float64(v) * float64(seed[i])
				}
				return sum
			}
			for i, v := range m.run(plain).Floats() {
				if math.Float32bits(v) != math.Float32bits(y.Floats()[i]) {
					t.Fatalf("value %d is %v, recorded %v", i, v, y.Floats()[i])
				}
			}
			y.Seed(seed)
			p.Backward()
			if names := g.Unreached(); len(names) > 0 {
				t.Errorf("no gradient came to %v", names)
			}
			worst := 0.0
			for _, l := range g.All() {
				was := append([]float32(nil), l.Param.Own()...)
				direction := make([]float64, len(was))
				along, length := 0.0, 0.0
				for i := range was {
					direction[i] = r.NormFloat64()
					along += direction[i] * float64(l.Gradient[i])
					length += direction[i] * direction[i]
				}
				central := func(h float64) float64 {
					at := func(h float64) float64 {
						for i := range was {
							l.Param.Own()[i] = was[i] + float32(h*direction[i]/math.Sqrt(length))
						}
						l.Param.Changed()
						return loss()
					}
					slope := (at(h) - at(-h)) / (2 * h)
					copy(l.Param.Own(), was)
					l.Param.Changed()
					return slope
				}
				const h = 1.0 / 64
				want := (4*central(h/2) - central(h)) / 3
				d := math.Abs(along/math.Sqrt(length)-want) / (1 + math.Abs(want))
				if worst = max(worst, d); !(d <= 1e-3) {
					t.Errorf("%s: got %v, differences give %v", l.Name, along/math.Sqrt(length), want)
				}
			}
			t.Logf("worst difference %.2g", worst)
		})
	}
}
