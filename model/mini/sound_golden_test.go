package mini_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// Every stage of the tower is the reference's: tools/golden/mini_sound.py.
func TestStagesOfSounds(t *testing.T) {
	const words, space = 40, 7
	set, err := weights.Open("testdata/sound.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var names []string
	for i := range words {
		names = append(names, fmt.Sprint("word ", i))
	}
	s := &mini.Sound{
		Ear:     mini.NewEar(mini.EarConfig{Width: 12, Layers: 2, Heads: 3, Hidden: 20, Key: 10}),
		Lexicon: mini.NewLexicon(names, 10),
	}
	var entries []tensor.Entry
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		entries = append(entries, e)
	}
	if err := nn.Bind(s, entries, nil); err != nil {
		t.Fatal(err)
	}
	reference := golden.Open(t, "testdata/sound_golden.safetensors")
	meaning := func(p *tensor.Pass, texts []string) (*tensor.Tensor, error) {
		y := p.Empty(len(texts), space)
		for i, text := range texts {
			copy(y.Floats()[i*space:], reference.Floats("meanings")[slices.Index(names, text)*space:][:space])
		}
		return y, nil
	}
	var spectrum mini.Spectrum
	p := tensor.NewPass(context.Background(), 2)
	for i := range 2 {
		stage := func(name string) string { return fmt.Sprint(name, ".", i) }
		sound := reference.Floats(stage("sound"))
		n := spectrum.Hear(sound)
		reference.Near(stage("frames"), spectrum.Frames[:n*mini.SoundBands], 2e-3) // of levels as low as the rounding of the loudest
		x, seq := s.Ear.Patches(p, [][]float32{spectrum.Frames})
		reference.Near(stage("patches"), x.Floats(), 1e-3)
		reference.Near(stage("key"), s.Ear.Pool(x, seq).Floats(), 5e-4)
		y, err := s.Embed(p, [][]float32{sound}, meaning)
		if err != nil {
			t.Fatal(err)
		}
		reference.Near(stage("vector"), y.Floats(), 5e-4)
	}
}
