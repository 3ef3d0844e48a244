package efficientnet

import (
	"context"
	"fmt"
	"testing"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// lite is a tower of a variant with random weights.
func lite(b *testing.B, number int) *Tower {
	c, err := Named(fmt.Sprint("efficientnet-lite", number))
	if err != nil {
		b.Fatal(err)
	}
	t := New(c)
	nn.Init(t, 1)
	return t
}

// BenchmarkFeatures is one picture, and sixteen, through Lite0.
func BenchmarkFeatures(b *testing.B) {
	for _, f := range []tensor.Format{tensor.FormatF32, tensor.FormatBF16, tensor.FormatI8} {
		for _, n := range []int{1, 16} {
			b.Run(fmt.Sprintf("%v/batch %d", f, n), func(b *testing.B) {
				t := lite(b, 0)
				t.Fold()
				nn.SetFormat(t, f)
				pixels := make([]float32, n*3*t.Config.Size*t.Config.Size)
				for i := range pixels {
					pixels[i] = float32(i*7919%256)/128 - 1
				}
				p := tensor.NewPass(context.Background(), 0)
				for b.Loop() {
					p.Reset(context.Background())
					t.Features(p.Input(pixels, n, 3, t.Config.Size, t.Config.Size))
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n)/1000, "ms/picture")
			})
		}
	}
}

// BenchmarkStep is a forward and backward pass of Lite0, batch norms measuring.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{16} {
		b.Run(fmt.Sprint("batch ", n), func(b *testing.B) {
			t := lite(b, 0)
			g := tensor.NewGradients(nn.Params(t))
			pixels := make([]float32, n*3*t.Config.Size*t.Config.Size)
			for i := range pixels {
				pixels[i] = float32(i*7919%256)/128 - 1
			}
			seed := make([]float32, n*t.Config.Head)
			for i := range seed {
				seed[i] = float32(i%7) - 3
			}
			p := tensor.NewPass(context.Background(), 0).Record(g)
			for b.Loop() {
				p.Reset(context.Background())
				t.Features(p.Input(pixels, n, 3, t.Config.Size, t.Config.Size)).Seed(seed)
				p.Backward()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/step")
		})
	}
}
