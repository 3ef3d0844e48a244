package train_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// BenchmarkStep is a step of two layers of ViT-B/32 over eight pictures, and of ViT-Ti/16 over four: forward, back, and with AdamW.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name         string
		config       vit.Config
		images, side int
	}{
		{"B32", vit.Config{Width: 768, Layers: 2, Heads: 12, Hidden: 3072, Patch: 32, Act: tensor.QuickGELU}, 8, 224},
		{"Ti16", vit.Config{Width: 192, Layers: 4, Heads: 3, Hidden: 768, Patch: 16, Act: tensor.GELU}, 4, 224},
	} {
		c.config.Height, c.config.Wide, c.config.ClassToken, c.config.Pool, c.config.Eps = c.side, c.side, true, vit.PoolMean, 1e-5
		m := vit.New(c.config)
		nn.Init(m, 1)
		g := tensor.NewGradients(nn.Params(m))
		optimiser := (&train.AdamW{Workers: 1}).Minimize(g)
		pixels := make([]float32, c.images*3*c.side*c.side)
		for i := range pixels {
			pixels[i] = float32(i*7919%101)/50 - 1
		}
		seed := make([]float32, c.images*c.config.Width)
		for i := range seed {
			seed[i] = float32(i%17)/8 - 1
		}
		ctx := context.Background()
		for stages := 1; stages <= 3; stages++ {
			b.Run(fmt.Sprint(c.name, [...]string{"", "/forward", "/back", "/adamw"}[stages]), func(b *testing.B) {
				p := tensor.NewPass(ctx, 1)
				if stages > 1 {
					p.Record(g)
				}
				for b.Loop() {
					p.Reset(ctx)
					y := m.Forward(p.Input(pixels, c.images, 3, c.side, c.side))
					if stages > 1 {
						y.Seed(seed)
						p.Backward()
					}
					if stages > 2 {
						if _, err := optimiser.Step(1e-6); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(float64(b.N*c.images)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}

// BenchmarkContrast is the loss over 1,024 pairs of vectors and the way back to them.
func BenchmarkContrast(b *testing.B) {
	const n, d = 1024, 256
	c := &train.Contrast{LogScale: scalar(3)}
	g := tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) { yield("scale", c.LogScale) })
	values := [2][]float32{make([]float32, n*d), make([]float32, n*d)}
	for k := range values {
		for i := range values[k] {
			values[k][i] = float32((i+k)*7919%101)/50 - 1
		}
	}
	ctx := context.Background()
	p := tensor.NewPass(ctx, 1).Record(g)
	batch := make(train.Batch, 2)
	for b.Loop() {
		p.Reset(ctx)
		for i := range batch {
			batch[i].X = p.Input(values[i], n, d).Watch().Normalize(1e-12)
		}
		if _, err := c.Learn(batch, 1, g); err != nil {
			b.Fatal(err)
		}
		p.Backward()
	}
}
