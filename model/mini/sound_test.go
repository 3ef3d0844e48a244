package mini_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// smallSound is a tower with random weights.
func smallSound() *mini.Sound {
	s := &mini.Sound{
		Ear:     mini.NewEar(mini.EarConfig{Width: 12, Layers: 2, Heads: 3, Hidden: 20, Key: 10}),
		Lexicon: mini.NewLexicon(strings.Split("abcdefghijk", ""), 10),
	}
	nn.Init(s, 5)
	return s
}

// letter is a meaning: the vector of a letter is 1 in its place, of seven.
func letter(p *tensor.Pass, texts []string) (*tensor.Tensor, error) {
	y := p.Empty(len(texts), 7)
	clear(y.Floats())
	for i, t := range texts {
		y.Floats()[i*7+int(t[0]-'a')%7] = 1
	}
	return y, nil
}

// tones is sounds of several lengths, one too short for a frame, one longer than is heard, one silent.
func tones() (list [][]float32) {
	r := rand.New(rand.NewPCG(1, 2))
	for i, n := range []int{100, 1600, 9000, mini.SoundLimit + 5000, 3000} {
		x := make([]float32, n)
		for t := range x {
			if i < 4 {
				x[t] = float32(0.3*math.Sin(float64(t)*0.05*float64(i+1))*math.Exp(-float64(t)/8000) + 0.01*r.NormFloat64())
			}
		}
		list = append(list, x)
	}
	return list
}

func embedded(s *mini.Sound, workers int, sounds ...[]float32) []float32 {
	y, err := s.Embed(tensor.NewPass(context.Background(), workers), sounds, letter)
	if err != nil {
		panic(err)
	}
	return slices.Clone(y.Floats())
}

// A batch equals its parts, for any number of workers, and every vector has length 1.
func TestSoundsOfABatch(t *testing.T) {
	s, sounds := smallSound(), tones()
	all := embedded(s, 1, sounds...)
	if !slices.Equal(all, embedded(s, 3, sounds...)) {
		t.Error("more workers give other vectors")
	}
	for i, x := range sounds {
		one := embedded(s, 1, x)
		length := 0.0
		for j, v := range one {
			length += float64(v) * float64(v)
			if d := math.Abs(float64(v - all[i*7+j])); d > 1e-6 {
				t.Errorf("sound %d: value %d is %v alone and %v in the batch", i, j, v, all[i*7+j])
			}
		}
		if math.Abs(length-1) > 1e-5 {
			t.Errorf("sound %d: squared length %v", i, length)
		}
	}
	if !slices.Equal(embedded(s, 1, sounds[3]), embedded(s, 1, sounds[3][:mini.SoundLimit])) {
		t.Error("what lies beyond the limit is heard")
	}
}

// How loud a sound is changes nothing, nor does digital silence around it.
func TestLoudnessAndSilence(t *testing.T) {
	var plain, other mini.Spectrum
	x := tones()[2]
	n := plain.Hear(x)
	soft := make([]float32, len(x))
	for i, v := range x {
		soft[i] = v / 16
	}
	if m := other.Hear(soft); m != n || furthest(plain.Frames, other.Frames) > 1e-4 {
		t.Errorf("%d frames, softer %d; furthest apart %v", n, m, furthest(plain.Frames, other.Frames))
	}
	for _, v := range plain.Frames {
		if v > 0 || v < -6 {
			t.Fatalf("a level of %v, want -6 to 0", v)
		}
	}
	padded := slices.Concat(make([]float32, 8000), x, make([]float32, 4800))
	if m := other.Hear(padded); m < n-8 || m > n+8 {
		t.Errorf("%d frames, with silence around it %d", n, m)
	}
}

func furthest(a, b []float32) (d float64) {
	for i := range a {
		d = max(d, math.Abs(float64(a[i]-b[i])))
	}
	return d
}

// A word whose key the sound has is what it means; between two words it means both.
func TestLexiconFindsTheWord(t *testing.T) {
	l := mini.NewLexicon([]string{"a", "b", "c"}, 2)
	nn.Init(l, 1)
	copy(l.Keys.Weight.Own(), []float32{50, 0, 0, 50, -50, 0})
	l.Keys.Weight.Changed()
	p := tensor.NewPass(context.Background(), 1)
	got, err := l.Forward(p.Input([]float32{0, 1, 0.6, 0.6}, 2, 2), letter)
	if err != nil {
		t.Fatal(err)
	}
	want := []float32{0, 1, 0, 0, 0, 0, 0, math.Sqrt2 / 2, math.Sqrt2 / 2, 0, 0, 0, 0, 0}
	if furthest(got.Floats(), want) > 1e-5 {
		t.Errorf("got %v, want %v", got.Floats(), want)
	}
}

// The likeliest words count, wherever they stand in the lexicon.
func TestLexiconTakesTheLikeliest(t *testing.T) {
	var words []string
	for i := range 200 {
		words = append(words, string(rune('a'+i%2)))
	}
	l := mini.NewLexicon(words, 1)
	nn.Init(l, 1)
	for i := range 200 {
		l.Keys.Weight.Own()[i] = float32((i*37+5)%200) / 2 // the greatest is where i·37+5 is 199 mod 200: an even i
		if i%2 == 1 {
			l.Keys.Weight.Own()[i] -= 20
		}
	}
	l.Keys.Weight.Changed()
	p := tensor.NewPass(context.Background(), 1)
	got, err := l.Forward(p.Input([]float32{1}, 1, 1), letter)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{1, 0, 0, 0, 0, 0, 0}; furthest(got.Floats(), want) > 1e-3 {
		t.Errorf("got %v, want %v", got.Floats(), want)
	}
}

func TestWordsOfALexicon(t *testing.T) {
	words, err := mini.Words("cat\npolar bear\n", 2)
	if err != nil || !slices.Equal(words, []string{"cat", "polar bear"}) {
		t.Errorf("got %q, %v", words, err)
	}
	for _, file := range []string{"", "a\n\nb", "a\nb\nc"} {
		if words, err := mini.Words(file, 2); err == nil {
			t.Errorf("%q: got %q, want an error", file, words)
		}
	}
}

// Each parameter's gradient along a random direction is what differences of the result give.
func TestGradientsOfTheEar(t *testing.T) {
	ctx := context.Background()
	m := smallSound()
	r := rand.New(rand.NewPCG(3, 4))
	for _, w := range nn.Params(m.Ear) {
		for i := range w.Own() {
			w.Own()[i] += float32(r.NormFloat64()) / 10
		}
		w.Changed()
	}
	var spectra [][]float32
	for _, x := range tones()[:3] {
		var s mini.Spectrum
		s.Hear(x)
		spectra = append(spectra, s.Frames)
	}
	g := tensor.NewGradients(nn.Params(m.Ear))
	p := tensor.NewPass(ctx, 2).Record(g)
	run := func(p *tensor.Pass) *tensor.Tensor { return m.Ear.Keys(p, spectra) }
	y := run(p)
	seed := make([]float32, y.Len())
	for i := range seed {
		seed[i] = float32(r.NormFloat64())
	}
	plain := tensor.NewPass(ctx, 1)
	if !slices.Equal(run(plain).Floats(), y.Floats()) {
		t.Error("recording changes the result")
	}
	y.Seed(seed)
	p.Backward()
	if names := g.Unreached(); len(names) > 0 {
		t.Errorf("no gradient came to %v", names)
	}
	for _, l := range g.All() {
		was := slices.Clone(l.Param.Own())
		direction := make([]float64, len(was))
		along, length := 0.0, 0.0
		for i := range was {
			direction[i] = r.NormFloat64()
			along += direction[i] * float64(l.Gradient[i])
			length += direction[i] * direction[i]
		}
		length = math.Sqrt(length)
		at := func(h float64) (sum float64) {
			for i := range was {
				l.Param.Own()[i] = was[i] + float32(h*direction[i]/length)
			}
			l.Param.Changed()
			plain.Reset(ctx)
			for i, v := range run(plain).Floats() {
				sum += float64(v) * float64(seed[i])
			}
			return sum
		}
		const h = 1.0 / 64
		want := (8*(at(h/2)-at(-h/2)) - (at(h) - at(-h))) / (6 * h)
		copy(l.Param.Own(), was)
		l.Param.Changed()
		if d := math.Abs(along/length - want); !(d <= 1e-3*(1+math.Abs(want))) {
			t.Errorf("%s: got %v, differences give %v", l.Name, along/length, want)
		}
	}
}
