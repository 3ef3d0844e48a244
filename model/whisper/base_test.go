package whisper

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	reference "github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/tensor"
)

// TestRealNetwork compares the published base model with the reference on features that a formula makes, those of tools/golden/whisper_base.py.
func TestRealNetwork(t *testing.T) {
	b, err := Open(filepath.Join(realModels(t), "whisper-base"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	want := reference.Open(t, "testdata/base.safetensors")
	p := tensor.NewPass(context.Background(), 0)
	mel := p.Empty(1, 80, 3000)
	for band := range 80 {
		for frame := range 3000 {
			x, y := float64(frame), float64(band)
			mel.Floats()[band*3000+frame] = float32(0.5*math.Sin(0.7*y+0.05*x) + 0.3*math.Cos(0.011*x*y))
		}
	}
	heard := b.Encode(mel)
	want.Near("encoder", heard.Floats(), 1e-3) // the largest is 25
	d := b.NewDecoder()
	d.Hear(heard)
	b.Model.Config.Alignment = []Head{{3, 1}, {4, 2}, {5, 6}}
	ids := want.IDs("ids")
	weights, logits := d.Align(p, 0, ids, every(len(ids)))
	want.Near("logits", logits.Floats(), 1e-3) // the largest is 34
	want.Near("heads", weights.Floats(), 1e-5)
	want.Near("logits", d.Start(p, []int32{0}, [][]int32{ids}, every(len(ids))).Floats(), 1e-3)
}
