package main

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/train"
)

// Nonsense is the same for the same seed, hardly ever twice the same, and in many scripts.
func TestNonsense(t *testing.T) {
	const n = 2000
	r, again := train.Random(1, 0), train.Random(1, 0)
	met, scripts := map[string]bool{}, map[string]int{}
	for range n {
		text := nonsense(r)
		if other := nonsense(again); other != text {
			t.Fatalf("%q and %q of one seed", text, other)
		}
		met[text] = true
		for name, table := range map[string]*unicode.RangeTable{"Latin": unicode.Latin, "Cyrillic": unicode.Cyrillic, "Han": unicode.Han, "Hangul": unicode.Hangul, "Hiragana": unicode.Hiragana} {
			if unicode.Is(table, []rune(text)[1]) {
				scripts[name]++
			}
		}
	}
	if len(met) < n-20 {
		t.Errorf("%d texts differ of %d", len(met), n)
	}
	for name, least := range map[string]int{"Latin": n / 2, "Cyrillic": n / 20, "Han": n / 40, "Hangul": n / 40, "Hiragana": n / 100} {
		if scripts[name] < least {
			t.Errorf("%s: %d of %d, want %d or more", name, scripts[name], n, least)
		}
	}
}

// Rare names are those of WordNet that are not known, without scientific ones; one in twenty is asked only.
func TestRare(t *testing.T) {
	c := &corpus{}
	for i := range 26 {
		c.words = append(c.words, thing{Names: map[string][]string{"en": {"name " + string(rune('a'+i)), "Felis catus", "cat"}}})
	}
	rare, asked := c.rare([]said{{"Cat", "en"}, {"Name B", "en"}})
	if len(rare) != 24 || len(asked) != 1 {
		t.Fatalf("%d rare and %d asked, want 24 and 1", len(rare), len(asked))
	}
	for _, s := range rare {
		if s.language != "en" || s.text == "cat" || s.text == "name b" || s.text == "Felis catus" || slices.Contains(asked, s) {
			t.Errorf("%v among %v", s, rare)
		}
	}
}

// The weights go a share of the way.
func TestBack(t *testing.T) {
	l := &widening{tower: mini.NewText(&mini.Config{Dimension: 4, Vocabulary: 5, TextWidth: 3, TextHidden: 2})}
	nn.Init(l.tower, 5)
	before, want := map[string][]float32{}, map[string][]float32{}
	for name, p := range nn.Params(l.tower) {
		for i, x := range p.Own() {
			before[name] = append(before[name], x)
			want[name] = append(want[name], x+wide)
			p.Own()[i]++
		}
		p.Changed()
	}
	partWay(l.tower, before, wide)
	for name, p := range nn.Params(l.tower) {
		for i, x := range p.Floats() {
			if d := x - want[name][i]; d < -1e-5 || d > 1e-5 {
				t.Fatalf("%s: %v, want %v", name, p.Floats(), want[name])
			}
		}
	}
}

// A tower that is widened learns what it is told, comes to say nothing of nonsense, and goes on saying what it said.
func TestWidening(t *testing.T) {
	known := []said{{"red cat", "en"}, {"blue dog", "en"}, {"green fish", ""}, {"old house", ""}}
	counts := map[string]float64{"tapir": 9}
	for _, s := range known {
		counts[s.text] = 10
	}
	for c := 'a'; c <= 'z'; c++ {
		counts[string(c)] = 5
	}
	pieces, scores := learnPieces(counts, 80)
	data, err := tokenizerJSON(pieces, scores)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), mini.TokenizerFile)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	l := &widening{steps: 200}
	if l.apart, err = partsOf(path); err != nil || !slices.Equal(l.apart, takeApart(pieces, scores)) {
		t.Fatalf("parts %v (%v)", l.apart, err)
	}
	if l.tokenizer, err = token.Parse(data); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	l.tower = mini.NewText(&mini.Config{Dimension: dimension, Vocabulary: len(pieces), TextWidth: 16, TextHidden: 16})
	nn.Init(l.tower, 5)
	for _, w := range []*nn.Linear{l.tower.Direct, l.tower.Down} { // lengths of about 1
		for i := range w.Weight.Own() {
			w.Weight.Own()[i] *= 0.3
		}
		w.Weight.Changed()
	}
	if l.known, err = l.same(ctx, known); err != nil {
		t.Fatal(err)
	}
	l.pairs = l.known
	l.rare = reading{texts: []said{{"tapir", "en"}}, targets: make([]float32, meaning)}
	l.rare.targets[7] = 0.5
	mad := []said{{text: "xqzzvk"}, {text: "jkqwx vbnz"}}
	before, err := l.same(ctx, mad)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.learn(ctx, len(known), func(r *rand.Rand) int { return r.IntN(len(known)) }); err != nil {
		t.Fatal(err)
	}
	after, err := l.same(ctx, mad)
	if err != nil {
		t.Fatal(err)
	}
	now, err := l.same(ctx, append(slices.Clone(known), l.rare.texts...))
	if err != nil {
		t.Fatal(err)
	}
	for i := range mad {
		if a, b := magnitude(before.target(i)), magnitude(after.target(i)); b > 0.7*a {
			t.Errorf("%q: a length of %.3f before, %.3f after", mad[i].text, a, b)
		}
	}
	for i, s := range now.texts {
		want := l.rare.target(0)
		if i < len(known) {
			want = l.known.target(i)
		}
		if cosine := dot(now.target(i), want) / magnitude(now.target(i)) / magnitude(want); cosine < 0.9 {
			t.Errorf("%q: a cosine of %.3f with what it is to mean", s.text, cosine)
		}
	}
}
