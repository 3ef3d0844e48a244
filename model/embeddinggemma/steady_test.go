//go:build !race

package embeddinggemma

import (
	"context"
	"testing"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/tensor"
)

// A pass that is used again allocates nothing per text, picture or sound, preprocessing included. (Under the race detector pools forget
// on purpose, and it would.)
func TestSteadyStateAllocatesNothing(t *testing.T) {
	b, g := open(t)
	img, err := image.Open("testdata/picture0.png", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, p := context.Background(), tensor.NewPass(context.Background(), 0)
	sounds := [][]float32{g.Floats("sound.0"), g.Floats("sound.1")}
	ids := [][]int32{b.Encode("a photo of a cat").IDs, b.Encode("two dogs").IDs}
	w, h := b.Processor.SizeOf(img.W, img.H)
	for what, embed := range map[string]func(){
		"texts": func() {
			if _, err := b.EmbedText(p, ids); err != nil {
				t.Error(err)
			}
		},
		"pictures": func() {
			pixels := p.Empty(2, 3, h, w)
			b.Processor.Apply(pixels.Floats()[:3*h*w], img)
			b.Processor.Apply(pixels.Floats()[3*h*w:], img)
			b.EmbedImage(pixels)
		},
		"sounds": func() {
			if _, err := b.EmbedAudio(p, sounds); err != nil {
				t.Error(err)
			}
		},
	} {
		run := func() {
			p.Reset(ctx)
			embed()
		}
		for range 3 {
			run()
		}
		if n := testing.AllocsPerRun(20, run); n > 0 {
			t.Errorf("two %s allocate %v times", what, n)
		}
	}
}
