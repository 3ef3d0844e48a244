package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
)

// vocabularyOf is a tokenizer of the letters, some more pieces, and the beginning of a word.
func vocabularyOf(t *testing.T, more ...string) (pieces []string, scores []float64, tokenizer *token.Tokenizer, data []byte) {
	t.Helper()
	pieces, scores = []string{unknown, wordMark}, []float64{0, -3}
	for _, c := range latinLetters {
		pieces, scores = append(pieces, string(c)), append(scores, -5)
	}
	for _, p := range more {
		pieces, scores = append(pieces, p), append(scores, -6)
	}
	data, err := tokenizerJSON(pieces, scores)
	if err != nil {
		t.Fatal(err)
	}
	if tokenizer, err = token.Parse(data); err != nil {
		t.Fatal(err)
	}
	return pieces, scores, tokenizer, data
}

// Words that are cut become pieces: things and plurals of things by frequency, some frequent words, then usual and often mentioned things; not
// what is whole already, is in capitals, or is a word of another language.
func TestWhole(t *testing.T) {
	_, _, own, _ := vocabularyOf(t, "▁cat")
	_, _, english, _ := vocabularyOf(t, "said", "plums", "cat", "plum", "pain")
	c := &corpus{words: []thing{
		{Names: map[string][]string{"en": {"plum", "Prunus"}}}, {Names: map[string][]string{"en": {"cat"}}}, {Names: map[string][]string{"en": {"pain"}}},
		{Names: map[string][]string{"en": {"quoit", "red quoll"}}}, {Usual: true, Names: map[string][]string{"en": {"zebu"}}},
		{Names: map[string][]string{"en": {"quoll"}}},
	}}
	known := []said{{"du pain", "fr"}, {"Zebu", "en"}}
	for most, want := range map[int]string{100: "plums plum said zebu quoll quoit", 2: "plums plum"} {
		if got := strings.Join(c.whole(english, own, known, most), " "); got != want {
			t.Errorf("of %d: %s, want %s", most, got, want)
		}
	}
}

// A word that becomes a piece is read whole, also where another one is its beginning, and says what it is to mean; what has parts of it is read as
// it was.
func TestWordsBecomePieces(t *testing.T) {
	pieces, scores, tokenizer, data := vocabularyOf(t, "▁pl", "um", "▁ram")
	l := &widening{steps: 150, tokenizer: tokenizer, tower: mini.NewText(&mini.Config{Dimension: dimension, Vocabulary: len(pieces), TextWidth: dimension, TextHidden: 16})}
	nn.Init(l.tower, 7)
	words := []string{"plum", "plums", "rum"}
	if err := checkWhole(data, words); err == nil || !strings.Contains(err.Error(), `"plum"`) {
		t.Errorf("a word in two pieces: %v", err)
	}
	before := slices.Clone(l.tower.Pieces.Floats())
	targets := make([]float32, len(words)*meaning)
	for i := range words {
		targets[i*meaning+3*i] = 1
	}
	rows, _, err := l.learnRows(context.Background(), words, targets)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, l.tower.Pieces.Floats()) {
		t.Error("other pieces are changed")
	}
	grown, worths := slices.Clone(pieces), slices.Clone(scores)
	for _, w := range words {
		grown, worths = append(grown, wordMark+w), append(worths, l.worth(scores, w))
	}
	if data, err = tokenizerJSON(grown, worths); err != nil {
		t.Fatal(err)
	}
	if err := checkWhole(data, words); err != nil {
		t.Error(err)
	}
	if l.tokenizer, err = token.Parse(data); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"ram", "plot", "album"} {
		if got, want := l.encode(text), tokenizer.Encode(text, true).IDs; !slices.Equal(got, want) {
			t.Errorf("%s is read as %v, was %v", text, got, want)
		}
	}
	l.tower.Pieces = rows
	for i := range words {
		v := l.tower.Meaning(tensor.NewPass(context.Background(), 0), [][]int32{{int32(i)}}).Floats()
		if cosine := dot(v, targets[i*meaning:][:meaning]) / magnitude(v); cosine < 0.9 {
			t.Errorf("%s: a cosine of %.3f with what it is to mean", words[i], cosine)
		}
	}
}
