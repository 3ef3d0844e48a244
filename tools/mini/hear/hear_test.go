package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

func TestPiecesAreCutAtPauses(t *testing.T) {
	var x []float32
	for _, part := range []struct {
		n     int
		level float32
	}{{3000, 0}, {2000, 0.5}, {500, 0}, {1000, -0.5}, {4000, 0.001}, {1500, 0.2}, {3000, 0}} {
		for range part.n {
			x = append(x, part.level)
		}
	}
	got := pieces(x, 0.01, 3000, 2)
	if len(got) != 2 || len(got[0]) != 3500+2*mini.SoundRate/50 || len(got[1]) != 1500+2*mini.SoundRate/50 {
		t.Errorf("%d pieces, want one of 3500 samples and one of 1500, with margins", len(got))
	}
	if pieces(x, 0.01, 3000, 3) != nil {
		t.Error("two pieces for three words")
	}
}

func TestNamesOfInstruments(t *testing.T) {
	names := instrumentNames()
	if len(programNames()) != 128 || len(names) != 107 || len(slices.Compact(slices.Sorted(slices.Values(names)))) != 107 {
		t.Errorf("%d programs of %d names, want 128 and 107 that differ", len(programNames()), len(names))
	}
	if b := midi(40, 3, random(1, 2)); !bytes.HasPrefix(b, []byte("MThd\x00\x00\x00\x06")) || bytes.Count(b, []byte{0x90}) < 3 {
		t.Errorf("no file of three notes: %x", b)
	}
}

func TestCaptionsWithoutArticles(t *testing.T) {
	for caption, want := range map[string]string{"A frog.": "frog", "The polar bear!": "polar bear", "Thelma": "thelma", "A": "a"} {
		if got := bare(caption, tongue("en").before); got != want {
			t.Errorf("%q: got %q, want %q", caption, got, want)
		}
	}
}

// Variations depend on the random source alone and are spectra: the loudest level is 0.
func TestVariations(t *testing.T) {
	x := make([]byte, 30*bands)
	for i := range x {
		x[i] = byte(i * 7)
	}
	for seed := range uint64(50) {
		a, b := vary(nil, x, rand.New(rand.NewPCG(seed, 1))), vary([]float32{1}, x, rand.New(rand.NewPCG(seed, 1)))
		if !slices.Equal(a, b[1:]) {
			t.Fatalf("seed %d gives two sounds", seed)
		}
		if top := slices.Max(a); len(a)%bands != 0 || top > 0 || slices.Min(a) < quiet || top < -0.5 {
			t.Fatalf("seed %d: %d levels of %v to %v", seed, len(a), slices.Min(a), top)
		}
	}
}

func TestWordsAreKept(t *testing.T) {
	dir := t.TempDir()
	want := []word{
		{"apple", "en", "apple", "'ap@L", true, held("apple")}, {"church organ", "", "", "\ue013", true, false},
		{"大象", "zh", "da4 xiang4", "t'A51_| S;'iA51N_|", false, held("大象")},
	}
	if err := saveWords(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := loadWords(dir)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

// A word's key has much in common with those of words that sound alike, already before anything is learnt.
func TestKeysOfPronunciations(t *testing.T) {
	p := newPronouncer(64)
	p.start(1)
	y := p.keys(tensor.NewPass(context.Background(), 1), []string{"'El@f@nt", "El@fant", "st'0p", "\ue000"})
	cosine := func(i, j int) (sum float32) {
		for k := range 64 {
			sum += y.Floats()[i*64+k] * y.Floats()[j*64+k]
		}
		return sum
	}
	if near, far := cosine(0, 1), max(cosine(0, 2), cosine(0, 3)); near < 0.5 || far > 0.4 {
		t.Errorf("cosines %v and %v, want the first near 1", near, far)
	}
}

// The ear learns the phonemes that it is taught patch by patch: the seeded derivative is that of the loss.
func TestAlignerSlopes(t *testing.T) {
	a := newAligner(3)
	nn.Init(a, 4)
	values := []float32{0.3, -1, 0.5, 0.2, 0.9, -0.4, 1, 0.1, 0.7}
	said := []string{"k'a", "\ue000"}
	seq := tensor.Spans{0, 2, 3}
	loss := func() (float64, []float32) {
		g := tensor.NewGradients(nn.Params(a))
		p := tensor.NewPass(context.Background(), 1).Record(g)
		x := p.Input(values, 3, 3).Watch()
		v := a.learn(x, seq, said, 1)
		p.Backward()
		return v, slices.Clone(x.Gradient())
	}
	_, slopes := loss()
	for i := range values {
		const h = 1e-2
		was := values[i]
		values[i] = was + h
		up, _ := loss()
		values[i] = was - h
		down, _ := loss()
		values[i] = was
		if d := (up-down)/(2*h) - float64(slopes[i]); d > 1e-3 || d < -1e-3 {
			t.Errorf("value %d: slope %v, differences give %v", i, slopes[i], (up-down)/(2*h))
		}
	}
	if slices.Max(slopes[6:]) != 0 || slices.Min(slopes[6:]) != 0 {
		t.Error("an instrument has no phonemes, but a derivative")
	}
}
