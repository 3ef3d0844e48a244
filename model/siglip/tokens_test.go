package siglip

import (
	"path/filepath"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
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
			var ids [][]int32
			for _, text := range texts {
				fitted, _ := b.Fit(b.Encode(text).IDs)
				ids = append(ids, fitted)
			}
			all := b.Config.Text.Context
			golden.Tokens(t, b, want, inputs.Floats("pixels"), b.Config.Vision.Wide, ids, func(i int) int {
				if b.Config.Text.PadLeft {
					return (i+1)*all - len(ids[i])
				}
				return i * all
			})
		})
	}
}
