package clip

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	reference "github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/tensor"
)

// Tokens are transformers' last hidden states after norm and projection, on grids that are smaller than the patches' and not; the vectors beside
// them have the bits that they have alone.
func TestTokens(t *testing.T) {
	for _, name := range []string{"transformers", "transformers-f16"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", name)
			b, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			inputs, want := reference.Open(t, filepath.Join(dir, "golden.safetensors")), reference.Open(t, filepath.Join(dir, "tokens.safetensors"))
			p := tensor.NewPass(context.Background(), 2)
			size := b.Config.Vision.Wide
			pixels := p.Input(inputs.Floats("pixel_values"), 2, 3, size, size)
			alone := slices.Clone(b.EmbedImage(pixels).Floats())
			for _, side := range []int{1, 2, 4} {
				x, tokens := b.EmbedImageTokens(pixels, side)
				want.Near(fmt.Sprintf("image.%d", side), tokens.Floats(), 2e-5)
				if !slices.Equal(x.Floats(), alone) {
					t.Errorf("on a grid of %d the vectors have other bits than alone", side)
				}
			}
			var texts [][]int32
			for ids := range slices.Chunk(inputs.IDs("input_ids"), len(inputs.IDs("input_ids"))/(len(inputs.Floats("text.pooled"))/b.Config.Text.Width)) {
				texts = append(texts, ids)
			}
			x, tokens, seq, err := b.EmbedTextTokens(p, texts)
			if err != nil {
				t.Fatal(err)
			}
			words, err := b.EmbedText(p, texts)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(x.Floats(), words.Floats()) {
				t.Error("the vectors of texts have other bits than alone")
			}
			d := b.Config.D
			for i, ids := range texts {
				n := int(seq[i+1] - seq[i])
				if n < 2 || n > len(ids) {
					t.Errorf("text %d has %d tokens, want 2 to all of them", i, n)
				}
				whole := want.Floats("text")[i*len(ids)*d:]
				near(t, fmt.Sprintf("text %d", i), tokens.Floats()[int(seq[i])*d:int(seq[i+1])*d], whole[:n*d])
			}
		})
	}
}

func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if d := got[i] - want[i]; !(d < 2e-5 && d > -2e-5) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}
