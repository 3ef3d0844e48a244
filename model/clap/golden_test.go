package clap

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
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

// A golden is what the reference computed.
type golden struct {
	*testing.T
	set *weights.Set
}

func (g golden) values(name string) []float32 {
	g.Helper()
	e, ok := g.set.Get(name)
	if !ok {
		g.Fatalf("no golden stage %s", name)
	}
	return e.Floats()
}

// near compares every value, or those that the reference sampled.
func (g golden) near(name string, got []float32, tolerance float64) {
	g.Helper()
	want, step := g.values(name), 1
	if _, ok := g.set.Get(name + ".step"); ok {
		step = int(g.values(name + ".step")[0])
	}
	if n := (len(got) + step - 1) / step; n != len(want) {
		g.Fatalf("%s: %d values, want %d", name, n, len(want))
	}
	worst, at := 0.0, 0
	for i := range want {
		if d := math.Abs(float64(got[i*step]) - float64(want[i])); !(d <= worst) {
			worst, at = d, i
		}
	}
	if !(worst <= tolerance) {
		g.Errorf("%s: value %d is %v, want %v", name, at*step, got[at*step], want[at])
	}
	g.Logf("%s is off by %.1g", name, worst)
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

func TestStages(t *testing.T) {
	for _, name := range []string{"unfused", "fused"} {
		t.Run(name, func(t *testing.T) {
			b, err := Open(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			set, err := weights.Open(filepath.Join("testdata", name, "golden.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			g := golden{t, set}
			a := b.sounds(g)
			w := b.texts(g)
			p := tensor.NewPass(context.Background(), 2)
			x := p.Input(slices.Concat(a...), len(a), b.Dimension()).Normalize(1e-12)
			y := p.Input(slices.Concat(w...), len(w), b.Dimension()).Normalize(1e-12)
			perSound, perText := x.Dots(y, b.Scale()).Floats(), y.Dots(x, b.ScaleOfTexts()).Floats()
			g.near("logits_per_audio", perSound, 2e-5)
			g.near("logits_per_text", perText, 2e-5)
		})
	}
}

// sounds compares the stages of each sound, and returns the vectors.
func (b *Bundle) sounds(g golden) (vectors [][]float32) {
	for i, sound := range sounds {
		p := tensor.NewPass(context.Background(), 2)
		v, err := b.EmbedAudio(p, [][]float32{sound})
		if err != nil {
			g.Fatal(err)
		}
		vectors = append(vectors, v.Floats())
		features := p.Empty(1, b.front.Images(), 1001, 64)
		b.front.Features(features.Floats(), sound[:min(len(sound), b.AudioLimit())])
		g.near(fmt.Sprint(i, ".features"), features.Floats(), 1e-4)
		g.near(fmt.Sprint(i, ".image"), b.Sound.picture(b.Sound.stretch(features).Floats()), 2e-5)
		x := b.Sound.Embed(features)
		g.near(fmt.Sprint(i, ".patches"), inOrder(x, b.Sound.Swin.Places(0)), 2e-5)
		for j, s := range b.Sound.Swin.Stages {
			x = s.Forward(x, 1)
			g.near(fmt.Sprint(i, ".stage", j), inOrder(x, b.Sound.Swin.Places(j+1)), 2e-5)
		}
		g.near(fmt.Sprint(i, ".pooled"), b.Sound.Forward(features).Floats(), 2e-5)
		g.near(fmt.Sprint(i, ".vector"), v.Floats(), 2e-5)
	}
	return vectors
}

func (b *Bundle) texts(g golden) (vectors [][]float32) {
	p := tensor.NewPass(context.Background(), 2)
	var ids [][]int32
	for i, text := range texts {
		fitted, cut := b.Fit(b.Encode(text).IDs)
		if cut != (i == 2) {
			g.Errorf("text %d: cut is %v", i, cut)
		}
		got := make([]float32, len(fitted))
		for j, id := range fitted {
			got[j] = float32(id)
		}
		g.near(fmt.Sprint("text", i, ".ids"), got, 0)
		ids = append(ids, fitted)
	}
	words, err := b.EmbedText(p, ids)
	if err != nil {
		g.Fatal(err)
	}
	for i := range texts {
		v := words.Floats()[i*b.Dimension():][:b.Dimension()]
		g.near(fmt.Sprint("text", i, ".vector"), v, 2e-5)
		vectors = append(vectors, v)
	}
	return vectors
}
