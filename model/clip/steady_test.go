//go:build !race

package clip

import (
	"context"
	"testing"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/tensor"
)

// A pass that is used again allocates nothing per picture or text, preprocessing included. (Under the race detector pools forget on
// purpose, and it would.)
func TestSteadyStateAllocatesNothing(t *testing.T) {
	b, err := Open(source("testdata/transformers"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	img, err := image.Open("testdata/pictures/wide.png", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, p := context.Background(), tensor.NewPass(context.Background(), 0)
	texts := [][]int32{b.Encode("a photo of a cat").IDs, b.Encode("two dogs").IDs}
	run := func() {
		p.Reset(ctx)
		pixels := p.Empty(2, 3, 32, 32)
		b.Processor.Apply(pixels.Floats()[:3*32*32], img)
		b.Processor.Apply(pixels.Floats()[3*32*32:], img)
		b.EmbedImage(pixels)
		if _, err := b.EmbedText(p, texts); err != nil {
			t.Error(err)
		}
	}
	for range 3 {
		run()
	}
	if n := testing.AllocsPerRun(20, run); n > 0 {
		t.Errorf("two pictures and two texts allocate %v times", n)
	}
}
