package gemma

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// released is the text tower of EmbeddingGemma 2, but for the size of its vocabulary.
func released(b *testing.B) *Text {
	c, err := ParseTextConfig([]byte(`{"vocab_size": 1000}`))
	if err != nil {
		b.Fatal(err)
	}
	return NewText(*c)
}

// Benchmarks of whole towers of the released shapes. With -cpuprofile they show what lies beside the products.
func BenchmarkText(b *testing.B) {
	t := released(b)
	nn.Init(t, 1)
	for _, l := range t.Layers {
		l.Scalar.Store(tensor.F32, []byte{0, 0, 0x80, 0x3f}, nil) // 1
	}
	for _, f := range []tensor.Format{tensor.FormatF32, tensor.FormatI8} {
		nn.SetFormat(t, f)
		for _, n := range []int{12, 256, 2048} {
			ids := make([]int32, n)
			for i := range ids {
				ids[i] = int32(i * 7919 % 1000)
			}
			measure(b, fmt.Sprintf("%v/tokens=%d", f, n), func(p *tensor.Pass) {
				x, err := t.Embed(p, ids)
				if err != nil {
					b.Fatal(err)
				}
				seq := p.Spans(1, n)
				t.Pool(t.Forward(x, seq), seq)
			})
		}
	}
}

func BenchmarkVision(b *testing.B) {
	c, err := ParseVisionConfig([]byte("{}"))
	if err != nil {
		b.Fatal(err)
	}
	v := NewVision(*c)
	nn.Init(v, 1)
	pixels := make([]float32, 3*672*960)
	for i := range pixels {
		pixels[i] = float32(i*7919%997) / 997
	}
	measure(b, "pixels=960x672", func(p *tensor.Pass) { v.Forward(p.Input(pixels, 1, 3, 672, 960)) })
}

func BenchmarkAudio(b *testing.B) {
	c, err := ParseAudioConfig([]byte(`{"use_clipped_linears": false}`))
	if err != nil {
		b.Fatal(err)
	}
	a := NewAudio(*c)
	nn.Init(a, 1)
	features := make([]float32, 1000*128)
	for i := range features {
		features[i] = float32(i*7919%997)/500 - 1
	}
	measure(b, "frames=1000", func(p *tensor.Pass) {
		x := a.Subsample(p.Input(features, 1000, 128))
		a.Forward(x, p.Spans(1, x.Rows()))
	})
}

func measure(b *testing.B, name string, forward func(p *tensor.Pass)) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(b *testing.B) {
			p := tensor.NewPass(context.Background(), workers)
			forward(p)
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				p.Reset(context.Background())
				forward(p)
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(took[0].Seconds()*1e3, "best-ms")
			b.ReportMetric(took[len(took)/2].Seconds()*1e3, "median-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}
