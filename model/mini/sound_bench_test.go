package mini_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// BenchmarkSound is one second of sound, through a tower of the size that ships, its text tower apart.
func BenchmarkSound(b *testing.B) {
	var words []string
	for i := range 36000 {
		words = append(words, fmt.Sprint(i))
	}
	s := &mini.Sound{Ear: mini.NewEar(mini.EarConfig{Width: 96, Layers: 4, Heads: 4, Hidden: 384, Key: 128}), Lexicon: mini.NewLexicon(words, 128)}
	nn.Init(s, 1)
	sound := tones()[3][:mini.SoundRate]
	ctx := context.Background()
	for _, f := range tensor.NativeFormats() {
		b.Run(fmt.Sprint(f), func(b *testing.B) {
			nn.SetFormat(s, f)
			p := tensor.NewPass(ctx, 1)
			b.ReportAllocs()
			for b.Loop() {
				p.Reset(ctx)
				if _, err := s.Embed(p, [][]float32{sound}, zeros); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("spectrum", func(b *testing.B) {
		var spectrum mini.Spectrum
		for b.Loop() {
			spectrum.Hear(sound)
		}
	})
}

// zeros is a meaning that costs nothing.
func zeros(p *tensor.Pass, texts []string) (*tensor.Tensor, error) {
	return p.Empty(len(texts), 256), nil
}
