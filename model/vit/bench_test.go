package vit_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// BenchmarkTower is a whole image tower of CLIP ViT-B/32 in each format of weights. With -cpuprofile it shows what lies beside the
// products.
func BenchmarkTower(b *testing.B) {
	tower := vit.New(vit.Config{
		Width: 768, Layers: 12, Heads: 12, Hidden: 3072, Height: 224, Wide: 224, Patch: 32, Act: tensor.QuickGELU, Eps: 1e-5,
		ClassToken: true, PreNorm: true, Pool: vit.PoolToken,
	})
	nn.Init(tower, 1)
	for _, f := range []tensor.Format{tensor.FormatF32, tensor.FormatBF16, tensor.FormatW8, tensor.FormatI8} {
		nn.SetFormat(tower, f)
		for _, batch := range []int{1, 16} {
			pixels := make([]float32, batch*3*224*224)
			for i := range pixels {
				pixels[i] = float32(i*7919%997)/500 - 1
			}
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("%v/batch=%d/workers=%d", f, batch, workers), func(b *testing.B) {
					p := tensor.NewPass(context.Background(), workers)
					run := func() {
						p.Reset(context.Background())
						tower.Forward(p.Input(pixels, batch, 3, 224, 224))
					}
					run()
					var took []time.Duration
					for b.Loop() {
						start := time.Now()
						run()
						took = append(took, time.Since(start))
					}
					slices.Sort(took)
					b.ReportMetric(took[0].Seconds()*1e3, "best-ms")
					b.ReportMetric(took[len(took)/2].Seconds()*1e3, "median-ms")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}
