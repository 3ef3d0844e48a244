package chineseclip

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/tensor"
)

// Tokens are transformers' last hidden states after norm and projection; the vectors beside them have the bits that they have alone.
func TestTokens(t *testing.T) {
	for _, name := range models {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", name)
			b, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			inputs, want := golden.Open(t, filepath.Join(dir, "golden.safetensors")), golden.Open(t, filepath.Join(dir, "tokens.safetensors"))
			p := tensor.NewPass(context.Background(), 2)
			size := b.Config.Vision.Wide
			pixels := p.Input(inputs.Floats("pixels"), 2, 3, size, size)
			alone := slices.Clone(b.EmbedImage(pixels).Floats())
			for _, side := range []int{1, 2, 4} {
				x, tokens := b.EmbedImageTokens(pixels, side)
				want.Near(fmt.Sprintf("image.%d", side), tokens.Floats(), 2e-5)
				if !slices.Equal(x.Floats(), alone) {
					t.Errorf("on a grid of %d the vectors have other bits than alone", side)
				}
			}
			ids := inputs.Lists("ids", "lengths")
			x, tokens, _, err := b.EmbedTextTokens(p, ids)
			if err != nil {
				t.Fatal(err)
			}
			want.Near("text", tokens.Floats(), 2e-5)
			words, err := b.EmbedText(p, ids)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range words.Floats() { // pooled in the last layer
				if x.Floats()[i] != v {
					t.Fatalf("value %d of the vectors of texts is %v, alone %v", i, x.Floats()[i], v)
				}
			}
		})
	}
}
