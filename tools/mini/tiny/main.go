// Command tiny writes a mini model with random weights, small enough for tests: go run ./tools/mini/tiny model/mini/testdata/tiny.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/weights"
)

const card = `---
license: cc0-1.0
---
# A mini with random weights

For tests. tools/mini/tiny makes it.
`

// words are the whole words of the vocabulary, and the lexicon's: as many as a sound may mean at once, so that its vector is a smooth
// function of the weights.
var words = []string{"cat", "dog", "sunset", "apple", "piano", "violin", "猫", "狗"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: tiny FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "tiny:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	pieces := vocabulary()
	config := mini.Config{
		ModelType: mini.Kind, Dimension: 24, Image: "tf_efficientnet_lite0", ImageWidth: 0.1, ImageHead: 48, Classes: 7, HeadHidden: 20,
		Sight:      mini.SightConfig{Likeliest: 3, Temperature: 1.5, Weight: 1},
		Vocabulary: len(pieces), TextWidth: 20, TextHidden: 28, Context: 16, Scale: 10, Bias: -2, SoundScale: 8, SoundBias: -3,
		Ear: &mini.EarConfig{Width: 12, Layers: 2, Heads: 3, Hidden: 20, Key: 10},
	}
	model, err := mini.New(&config, words)
	if err != nil {
		return err
	}
	nn.Init(model, 7)
	entries := nn.Entries(model)
	for i, e := range entries {
		if len(e.Shape) > 1 && !strings.HasPrefix(e.Name, "sound.ear.") {
			entries[i] = weights.Quantise(e)
		} else if len(e.Shape) > 1 {
			entries[i] = weights.Narrow(e)
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := weights.Save(filepath.Join(dir, mini.WeightsFile), entries, nil); err != nil {
		return err
	}
	files := map[string]any{mini.ConfigFile: config, mini.TokenizerFile: tokenizer(pieces)}
	for name, value := range files {
		text, err := json.MarshalIndent(value, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{mini.LexiconFile: strings.Join(words, "\n") + "\n", mini.CardFile: card} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// A piece is a string and the logarithm of its probability.
type piece [2]any

// vocabulary is single letters, and the words.
func vocabulary() []piece {
	pieces := []piece{{"<unk>", 0}, {"▁", -3}}
	for c := 'a'; c <= 'z'; c++ {
		pieces = append(pieces, piece{string(c), -6})
	}
	for _, w := range words {
		pieces = append(pieces, piece{"▁" + w, -8})
	}
	return pieces
}

// tokenizer is a tokenizer.json of a unigram model.
func tokenizer(pieces []piece) any {
	type object = map[string]any
	return object{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": []any{}, "post_processor": nil,
		"normalizer":    object{"type": "Sequence", "normalizers": []any{object{"type": "NFKC"}, object{"type": "Lowercase"}}},
		"pre_tokenizer": object{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
		"decoder":       object{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
		"model":         object{"type": "Unigram", "unk_id": 0, "byte_fallback": false, "vocab": pieces},
	}
}
