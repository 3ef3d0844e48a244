package chineseclip

import (
	"path/filepath"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
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
			ids, starts := inputs.Lists("ids", "lengths"), []int{0}
			for _, text := range ids {
				starts = append(starts, starts[len(starts)-1]+len(text))
			}
			golden.Tokens(t, b, want, inputs.Floats("pixels"), b.Config.Vision.Wide, ids, func(i int) int { return starts[i] })
		})
	}
}
