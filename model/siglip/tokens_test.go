package siglip

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/tensor"
)

// Tokens are transformers' last hidden states, those of texts through the head and without padding; the vectors beside them have the bits that
// they have alone.
func TestTokens(t *testing.T) {
	for _, name := range []string{"siglip", "siglip2"} {
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
			var ids [][]int32
			for _, text := range texts {
				fitted, _ := b.Fit(b.Encode(text).IDs)
				ids = append(ids, fitted)
			}
			x, tokens, seq, err := b.EmbedTextTokens(p, ids)
			if err != nil {
				t.Fatal(err)
			}
			words, err := b.EmbedText(p, ids)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(x.Floats(), words.Floats()) {
				t.Error("the vectors of texts have other bits than alone")
			}
			d, all := b.Dimension(), b.Config.Text.Context
			for i := range ids {
				n, first := len(ids[i]), i*all
				if int(seq[i+1]-seq[i]) != n {
					t.Fatalf("text %d of %d ids has %d tokens", i, n, seq[i+1]-seq[i])
				}
				if b.Config.Text.PadLeft {
					first += all - n
				}
				for k, v := range tokens.Floats()[int(seq[i])*d : int(seq[i+1])*d] {
					if diff := v - want.Floats("text")[first*d+k]; !(diff < 2e-5 && diff > -2e-5) {
						t.Fatalf("text %d: value %d is %v, off by %v", i, k, v, diff)
					}
				}
			}
		})
	}
}
