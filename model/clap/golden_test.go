package clap

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/tensor"
)

// texts and sounds are those of tools/golden/clap.py.
var (
	texts  = []string{"a dog barks", "", "It's raining on a tin roof while a distant train whistles; somebody hums: naïve!"}
	sounds = [][]float32{sound(62400, 3), sound(480000, 1), sound(700001, 2)}
)

func sound(samples, pitch int) []float32 {
	x := make([]float32, samples)
	for i := range x {
		x[i] = float32((i*i>>11*pitch+31*i)%1009-504) / 512
	}
	return x
}

// inOrder is the tokens x [T, C] of a grid, row by row; places says where each lies.
func inOrder(x *tensor.Tensor, places []int32) []float32 {
	c, n := x.Dim(-1), 0
	for _, place := range places {
		n = max(n, int(place)+1)
	}
	out := make([]float32, n*c)
	for row, place := range places {
		if place >= 0 {
			copy(out[int(place)*c:], x.Floats()[row*c:][:c])
		}
	}
	return out
}

// picture is a stretched spectrogram [Images, Frames, F] as the reference lays it out.
func (s *Sound) picture(mel []float32) []float32 {
	size, f := s.config.Size, s.config.Bands
	out := make([]float32, len(mel))
	for i := range out {
		image, y, x := i/(size*size), i/size%size, i%size
		out[i] = mel[image*size*size+(y/f*size+x)*f+y%f]
	}
	return out
}

// tolerances are how far the picture of a sound and what is made of it may be off. On arm64, where Go fuses multiplications and additions,
// features are off by almost the 1e-4 that they may be.
func tolerances() (picture, rest float64) {
	if runtime.GOARCH == "arm64" {
		return 3e-4, 1e-4
	}
	return 2e-5, 2e-5
}

func TestStages(t *testing.T) {
	for _, name := range []string{"unfused", "fused"} {
		t.Run(name, func(t *testing.T) {
			_, tolerance := tolerances()
			b, g := open(t, name), golden.Open(t, filepath.Join("testdata", name, "golden.safetensors"))
			a, w := b.sounds(t, g), b.texts(t, g)
			p := tensor.NewPass(context.Background(), 2)
			x := p.Input(slices.Concat(a...), len(a), b.Dimension()).Normalize(1e-12)
			y := p.Input(slices.Concat(w...), len(w), b.Dimension()).Normalize(1e-12)
			perSound, perText := x.Dots(y, b.Scale()).Floats(), y.Dots(x, b.ScaleOfTexts()).Floats()
			g.Near("logits_per_audio", perSound, tolerance)
			g.Near("logits_per_text", perText, tolerance)
		})
	}
}

// sounds compares the stages of each sound, and returns the vectors.
func (b *Bundle) sounds(t *testing.T, g *golden.Set) (vectors [][]float32) {
	loose, tolerance := tolerances()
	for i, sound := range sounds {
		p := tensor.NewPass(context.Background(), 2)
		v, err := b.EmbedAudio(p, [][]float32{sound})
		if err != nil {
			t.Fatal(err)
		}
		vectors = append(vectors, v.Floats())
		features := p.Empty(1, b.front.Images(), 1001, 64)
		b.front.Features(features.Floats(), sound[:min(len(sound), b.AudioLimit())])
		g.Near(fmt.Sprint(i, ".features"), features.Floats(), 1e-4)
		g.Near(fmt.Sprint(i, ".image"), b.Sound.picture(b.Sound.stretch(features).Floats()), loose)
		x := b.Sound.Embed(features)
		g.Near(fmt.Sprint(i, ".patches"), inOrder(x, b.Sound.Swin.Places(0)), tolerance)
		for j, s := range b.Sound.Swin.Stages {
			x = s.Forward(x, 1)
			g.Near(fmt.Sprint(i, ".stage", j), inOrder(x, b.Sound.Swin.Places(j+1)), tolerance)
		}
		g.Near(fmt.Sprint(i, ".pooled"), b.Sound.Forward(features).Floats(), tolerance)
		g.Near(fmt.Sprint(i, ".vector"), v.Floats(), tolerance)
	}
	return vectors
}

func (b *Bundle) texts(t *testing.T, g *golden.Set) (vectors [][]float32) {
	p := tensor.NewPass(context.Background(), 2)
	var ids [][]int32
	for i, text := range texts {
		fitted, cut := b.Fit(b.Encode(text).IDs)
		if cut != (i == 2) {
			t.Errorf("text %d: cut is %v", i, cut)
		}
		if want := g.IDs(fmt.Sprint("text", i, ".ids")); !slices.Equal(fitted, want) {
			t.Errorf("text %d: ids are %v, want %v", i, fitted, want)
		}
		ids = append(ids, fitted)
	}
	words, err := b.EmbedText(p, ids)
	if err != nil {
		t.Fatal(err)
	}
	for i := range texts {
		v := words.Floats()[i*b.Dimension():][:b.Dimension()]
		g.Near(fmt.Sprint("text", i, ".vector"), v, 2e-5)
		vectors = append(vectors, v)
	}
	return vectors
}
