package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/tools/internal/things"
	"github.com/chiasm/chiasm/train"
)

const (
	wholeWords = 10000 // English words that become pieces of their own
	frequent   = 1000  // of these are frequent words, whatever they mean
	wordSteps  = 300
)

// growWords makes pieces of the vocabulary of English words that it cuts, in the folder out: a bag of "▁pl", "um" and "s" hardly knows a plum.
// Each is to mean what a layer makes of both teachers' vectors, which has learnt that from the English of whole words that the tower knows.
// Only the vectors of these pieces are learnt: a text that has none of them means what it meant.
func growWords(ctx context.Context, c *corpus, t *teacher, real string, u pupil, out string) ([]float64, error) {
	b, err := mini.Open(out)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if err := t.openMiniLM(real); err != nil {
		return nil, err
	}
	known := slices.Concat(u.names, u.other)
	words := c.whole(t.model.Tokenizer, b.Tokenizer, known, wholeWords)
	path := filepath.Join(out, mini.TokenizerFile)
	pieces, scores, err := readPieces(path)
	if err != nil {
		return nil, err
	}
	w := &widening{tower: b.Text, tokenizer: b.Tokenizer, steps: wordSteps}
	english := slices.DeleteFunc(slices.Clone(known), func(s said) bool {
		return s.language != "en" || len(w.encode(s.text)) > len(strings.Fields(s.text))
	})
	texts := make([]said, len(words))
	for i, word := range words {
		texts[i] = said{word, "en"}
	}
	if err := t.need(slices.Concat(english, texts)); err != nil {
		return nil, err
	}
	say("%d words become pieces, %d known texts of whole words", len(words), len(english))
	var e5 []float32
	for _, s := range english {
		e5 = append(e5, t.e5.vectors[s.text]...)
	}
	t.middle = mean(e5, teacherWidth)
	bridge, err := w.learnBridge(ctx, course{what: "bridge from both", steps: 600, rate: 2e-3, decay: 0.05, seed: 61}, t.both(english), english)
	if err != nil {
		return nil, err
	}
	targets, err := apply(ctx, t.both(texts), jointWidth, func(x *tensor.Tensor) *tensor.Tensor { return bridge.forward(x, 0).Normalize(1e-12) })
	if err != nil {
		return nil, err
	}
	rows, curve, err := w.learnRows(ctx, words, targets)
	if err != nil {
		return nil, err
	}
	for _, word := range words {
		pieces, scores = append(pieces, wordMark+word), append(scores, w.worth(scores, word))
	}
	data, err := tokenizerJSON(pieces, scores)
	if err != nil {
		return nil, err
	}
	if err := checkWhole(data, words); err != nil {
		return nil, err
	}
	b.Text.Pieces, b.Config.Vocabulary = filled(slices.Concat(b.Text.Pieces.Floats(), rows.Floats()), len(pieces), b.Config.TextWidth), len(pieces)
	if err := replace(b, "text.", b.Text, out); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return nil, err
	}
	return curve, saveConfig(out, b.Config)
}

// both is the teachers' vectors of English texts side by side, [n, jointWidth].
func (t *teacher) both(texts []said) []float32 {
	minilm, e5 := t.ofMiniLM(texts), t.ofE5(texts)
	out := make([]float32, 0, len(texts)*jointWidth)
	for i := range texts {
		out = append(append(out, minilm[i*teacherWidth:][:teacherWidth]...), e5[i*teacherWidth:][:teacherWidth]...)
	}
	return out
}

// learnRows finds the vectors of new pieces, each a word, [n, W], by which the tower as it is says the targets, [n, meaning]. They begin as the
// mean of the parts.
func (l *widening) learnRows(ctx context.Context, words []string, targets []float32) (*tensor.Tensor, []float64, error) {
	width := l.tower.Pieces.Dim(1)
	for _, t := range nn.Params(l.tower) {
		t.Own()
		t.Changed()
	}
	begin := make([]float32, len(words)*width)
	for i, word := range words {
		ids := l.encode(word)
		for _, id := range ids {
			for k, x := range l.tower.Pieces.Floats()[int(id)*width:][:width] {
				begin[i*width+k] += x / float32(len(ids))
			}
		}
	}
	rows := filled(begin, len(words), width)
	tower := &mini.Text{Pieces: rows, Direct: l.tower.Direct, Up: l.tower.Up, Down: l.tower.Down}
	model := &struct {
		Pieces *tensor.Tensor `weight:"pieces"`
	}{rows}
	match := &train.Match{Student: 0, Teacher: 1, Squared: true}
	batch := min(1024, 8*len(words))
	want, ids := make([]float32, batch*meaning), make([][]int32, batch)
	c := course{what: "words", steps: l.steps, rate: 1e-2, seed: 62, groups: []train.Group{{Pattern: "*", Decay: train.DecayNever}}}
	curve, err := learn(ctx, c, model, func(p *tensor.Pass, into *tensor.Gradients, r *rand.Rand) (float64, error) {
		for i := range batch {
			k := r.IntN(len(words))
			ids[i] = []int32{int32(k)}
			copy(want[i*meaning:], targets[k*meaning:][:meaning])
		}
		return match.Learn(train.Pairs(tower.Meaning(p, ids), p.Input(want, batch, meaning)), meaning, into)
	})
	return rows, curve, err
}

// worth is the score of a word as a piece: a little above that of its parts, and the more above the longer it is, so that it is preferred to
// them, and to what it begins with, but to little else.
func (l *widening) worth(scores []float64, word string) float64 {
	sum := 0.1 * float64(len(word))
	for _, id := range l.encode(word) {
		sum += scores[id]
	}
	return sum
}

// checkWhole says whether a tokenizer leaves words whole.
func checkWhole(data []byte, words []string) error {
	tokenizer, err := token.Parse(data)
	if err != nil {
		return err
	}
	for _, word := range words {
		if parts := tokenizer.Encode(word, true).Tokens; len(parts) != 1 {
			return fmt.Errorf("the word %q is cut into %q", word, parts)
		}
	}
	return nil
}

// whole are English words that the vocabulary cuts into parts, those that are to be pieces first: names of things and their plurals by
// frequency, some other frequent words, then rarer names of things, usual ones first, then those that WordNet mentions more often. How frequent
// a word is MiniLM's vocabulary says. A word that other languages have is left out: it would mean what it means in English.
func (c *corpus) whole(english, own *token.Tokenizer, known []said, most int) (words []string) {
	foreign := map[string]bool{}
	for _, s := range known {
		if s.language != "en" && s.language != "" {
			for _, w := range strings.Fields(clean(s.text)) {
				foreign[w] = true
			}
		}
	}
	usual, mentions := map[string]bool{}, map[string]int{} // names of one word: whether they are usual, and how often they are met
	for _, t := range c.words {
		for _, name := range t.Names["en"] {
			if name == strings.ToLower(name) && isEnglish(name) {
				usual[name] = usual[name] || t.Usual
			}
		}
		for _, w := range strings.FieldsFunc(strings.ToLower(strings.Join(append(slices.Clone(t.Names["en"]), t.Sentences["en"]...), " ")), notLetter) {
			mentions[w]++
		}
	}
	met := map[string]bool{}
	add := func(w string, most int) {
		if !met[w] && !foreign[w] && len(words) < most && len(own.Encode(w, true).IDs) > 1 {
			met[w] = true
			words = append(words, w)
		}
	}
	var common []string
	for id := range int32(english.VocabSize()) {
		if w, ok := english.Token(id); ok && isEnglish(w) {
			common = append(common, w)
		}
	}
	for _, w := range common {
		_, one := usual[w]
		if _, many := usual[things.Singular(w)]; one || many {
			add(w, most)
		}
	}
	fewer := min(most, len(words)+frequent)
	for _, w := range common {
		add(w, fewer)
	}
	first := func(w string) int {
		if usual[w] {
			return 0
		}
		return 1
	}
	for _, w := range slices.SortedFunc(maps.Keys(usual), func(a, b string) int {
		return cmp.Or(cmp.Compare(first(a), first(b)), cmp.Compare(mentions[b], mentions[a]), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	}) {
		add(w, most)
	}
	return words
}

// isEnglish reports whether w is three or more letters of English.
func isEnglish(w string) bool {
	return len(w) > 2 && strings.Trim(w, latinLetters) == ""
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }
