package golden

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/tensor"
)

// Towers are those of a model of pictures and texts that gives vectors, and tokens beside them.
type Towers interface {
	EmbedImage(pixels *tensor.Tensor) *tensor.Tensor
	EmbedImageTokens(pixels *tensor.Tensor, side int) (x, tokens *tensor.Tensor)
	EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error)
	EmbedTextTokens(p *tensor.Pass, texts [][]int32) (x, tokens *tensor.Tensor, seq tensor.Spans, err error)
}

// Tokens compares those of pictures [2, 3, size, size] and of texts with a reference's: its stages image.1, image.2 and image.4, grids of so many places a side, and
// text, of which from(i) is the row at which those of text i begin. Each text has at least two, where it has as many ids, and no more than those. Vectors must have
// the bits that they have alone.
func Tokens(t *testing.T, towers Towers, want *Set, pixels []float32, size int, texts [][]int32, from func(i int) int) {
	t.Helper()
	p := tensor.NewPass(context.Background(), 2)
	pictures := p.Input(pixels, 2, 3, size, size)
	alone := slices.Clone(towers.EmbedImage(pictures).Floats())
	for _, side := range []int{1, 2, 4} {
		x, tokens := towers.EmbedImageTokens(pictures, side)
		want.Near(fmt.Sprintf("image.%d", side), tokens.Floats(), 2e-5)
		if !slices.Equal(x.Floats(), alone) {
			t.Errorf("on a grid of %d the vectors have other bits than alone", side)
		}
	}
	x, tokens, seq, err := towers.EmbedTextTokens(p, texts)
	if err != nil {
		t.Fatal(err)
	}
	words, err := towers.EmbedText(p, texts)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x.Floats(), words.Floats()) {
		t.Error("the vectors of texts have other bits than alone")
	}
	d := tokens.Dim(-1)
	for i, ids := range texts {
		n := int(seq[i+1] - seq[i])
		if n < min(2, len(ids)) || n > len(ids) {
			t.Fatalf("text %d of %d ids has %d tokens", i, len(ids), n)
		}
		whole := want.Floats("text")[from(i)*d:]
		for k, v := range tokens.Floats()[int(seq[i])*d : int(seq[i+1])*d] {
			if diff := v - whole[k]; !(diff < 2e-5 && diff > -2e-5) {
				t.Fatalf("text %d: value %d is %v, want %v", i, k, v, whole[k])
			}
		}
	}
}
