package clip

import (
	"path/filepath"
	"slices"
	"testing"

	reference "github.com/chiasm/chiasm/internal/golden"
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
			all := inputs.IDs("input_ids")
			each := len(all) / (len(inputs.Floats("text.pooled")) / b.Config.Text.Width)
			texts := slices.Collect(slices.Chunk(all, each))
			reference.Tokens(t, b, want, inputs.Floats("pixel_values"), b.Config.Vision.Wide, texts, func(i int) int { return i * each })
		})
	}
}
