//go:build !race

package clap

import (
	"context"
	"testing"

	"github.com/chiasm/chiasm/tensor"
)

// A pass that is used again allocates nothing per sound or text, the features included. (Under the race detector pools forget on
// purpose, and it would.)
func TestSteadyStateAllocatesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute where the processor is emulated")
	}
	for _, name := range []string{"unfused", "fused"} {
		b := open(t, name)
		ctx, p := context.Background(), tensor.NewPass(context.Background(), 0)
		words := [][]int32{b.Encode(texts[0]).IDs, b.Encode(texts[1]).IDs}
		run := func() {
			p.Reset(ctx)
			if _, err := b.EmbedAudio(p, sounds); err != nil {
				t.Error(err)
			}
			if _, err := b.EmbedText(p, words); err != nil {
				t.Error(err)
			}
		}
		for range 3 {
			run()
		}
		if n := testing.AllocsPerRun(5, run); n > 0 {
			t.Errorf("%s: three sounds and two texts allocate %v times", name, n)
		}
	}
}
