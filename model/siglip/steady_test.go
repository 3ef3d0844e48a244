//go:build !race

package siglip

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/tensor"
)

// A pass that is used again allocates nothing per text or picture, preprocessing included, also where each has its own size. (Under the
// race detector pools forget on purpose, and it would.)
func TestSteadyStateAllocatesNothing(t *testing.T) {
	b, _ := openNaFlex(t)
	ctx, p := context.Background(), tensor.NewPass(context.Background(), 0)
	ids := [][]int32{b.Encode("a photo of two cats").IDs, b.Encode("two dogs").IDs}
	var imgs []*image.RGB
	for _, name := range []string{"picture0.png", "picture1.png"} {
		img, err := image.Open(filepath.Join(naflex, name), nil)
		if err != nil {
			t.Fatal(err)
		}
		imgs = append(imgs, img)
	}
	run := func() {
		p.Reset(ctx)
		if _, err := b.EmbedText(p, ids); err != nil {
			t.Error(err)
		}
		for _, img := range imgs {
			w, h := b.Processor.SizeOf(img.W, img.H)
			pixels := p.Empty(1, 3, h, w)
			b.Processor.Apply(pixels.Floats(), img)
			b.EmbedImage(pixels)
		}
	}
	for range 3 {
		run()
	}
	if n := testing.AllocsPerRun(20, run); n > 0 {
		t.Errorf("two texts and two pictures allocate %v times", n)
	}
}
