package clap

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// published is a model of the shape of laion/clap-htsat-unfused with random weights.
func published(t testing.TB) *Model {
	t.Helper()
	c, err := ParseConfig([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	c.Low, c.Text.Layers, c.Text.Vocab = 50, 1, 8 // the text tower is another story
	m := New(*c)
	nn.Init(m, 1)
	return m
}

// BenchmarkSound is the sound tower of the published models in each format of weights: of the features, and of ten seconds of sound.
// Its products and attention are 11.8 billion operations.
func BenchmarkSound(b *testing.B) {
	m := published(b)
	ten := sounds[1]
	for _, f := range []tensor.Format{tensor.FormatF32, tensor.FormatBF16, tensor.FormatW8, tensor.FormatI8} {
		nn.SetFormat(m, f)
		for _, workers := range []int{1, 2} {
			p := tensor.NewPass(context.Background(), workers)
			features := make([]float32, 1001*64)
			m.front.Features(features, ten)
			for name, run := range map[string]func(){
				"tower": func() { m.SoundHead.Forward(m.Sound.Forward(p.Input(features, 1, 1, 1001, 64))) },
				"sound": func() {
					if _, err := m.EmbedAudio(p, [][]float32{ten}); err != nil {
						b.Error(err)
					}
				},
			} {
				b.Run(fmt.Sprintf("%v/%s/workers=%d", f, name, workers), func(b *testing.B) {
					best := math.Inf(1)
					var took []float64
					for b.Loop() {
						p.Reset(context.Background())
						start := time.Now()
						run()
						took = append(took, time.Since(start).Seconds()*1e3)
						best = min(best, took[len(took)-1])
					}
					slices.Sort(took)
					b.ReportMetric(best, "best-ms")
					b.ReportMetric(took[len(took)/2], "median-ms")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}
