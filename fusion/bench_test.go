package fusion

import (
	"context"
	"math/rand/v2"
	"testing"
)

// BenchmarkFit is 20 steps of 32 samples of two modalities of 16 tokens, for each method.
func BenchmarkFit(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	d := &Data{Task: Task{Single, 10}, Modalities: []Modality{{Name: "a", Width: 8, Tokens: 16}, {Name: "b", Width: 32, Tokens: 16}}}
	for i := range 128 {
		s := Sample{Class: int32(i % 10)}
		for _, m := range d.Modalities {
			s.Features = append(s.Features, noise(r, m.Width*m.Tokens))
		}
		d.Samples = append(d.Samples, s)
	}
	for _, method := range Methods {
		b.Run(string(method), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := New(Config{Method: method, Task: d.Task, Modalities: d.Modalities, Dropout: 0.1})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := (Training{Steps: 20, EvaluateEvery: 20}).Fit(context.Background(), m, d, d.With(d.Samples[:32])); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
