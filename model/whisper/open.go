package whisper

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/weights"
)

// A Bundle is a model with its tokenizer and the files they came from.
type Bundle struct {
	*Model
	Tokenizer *token.Tokenizer
	Weights   *weights.Set
	layout    string
}

// Close gives back the memory of the weights. No pass may be using them.
func (b *Bundle) Close() error {
	nn.Release(b.Model)
	return b.Weights.Close()
}

// Open reads a model from a folder in the layout of transformers, or in that of CTranslate2 as faster-whisper uses it: a config.json that
// names no model type beside a model.bin.
func Open(dir string) (_ *Bundle, err error) {
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, fmt.Errorf("whisper: %w", err)
	}
	var kind struct {
		Type string `json:"model_type"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return nil, fmt.Errorf("whisper: config.json: %w", err)
	}
	b, names, rename := &Bundle{layout: "transformers"}, weights.TransformersFiles, entriesOf
	if file := weights.Find(dir, weights.CTranslate2Files); kind.Type == "" && file != "" {
		b.layout, names, rename = "ctranslate2", weights.CTranslate2Files, ctranslate2Entries
	}
	file := weights.Find(dir, names)
	if file == "" {
		return nil, fmt.Errorf("whisper: %s has no weights, want one of %v", dir, names)
	}
	if b.Weights, err = weights.Open(file); err != nil {
		return nil, fmt.Errorf("whisper: %w", err)
	}
	defer func() {
		if err != nil {
			b.Weights.Close()
		}
	}()
	config, err := b.config(data)
	if err != nil {
		return nil, err
	}
	if b.Tokenizer, err = openTokenizer(dir); err != nil {
		return nil, fmt.Errorf("whisper: %w", err)
	}
	if err := config.readFiles(b.Tokenizer, dir, data); err != nil {
		return nil, err
	}
	b.Model = New(*config)
	entries, err := rename(b.Weights)
	if err == nil {
		entries, err = Entries(entries)
	}
	if err == nil {
		err = nn.Bind(b.Model, entries, b.Weights.Forget)
	}
	if err != nil {
		return nil, fmt.Errorf("whisper: %s: %w", file, err)
	}
	b.Model.SetFormat(tensor.FormatF32)
	return b, nil
}

func (b *Bundle) config(data []byte) (*Config, error) {
	if b.layout == "ctranslate2" {
		return ctranslate2Config(b.Weights)
	}
	return ParseConfig(data)
}

// readFiles reads the tokens from a folder with that config.json.
func (c *Config) readFiles(t *token.Tokenizer, dir string, config []byte) error {
	generation, err := os.ReadFile(filepath.Join(dir, "generation_config.json"))
	switch {
	case err == nil:
		return c.ReadTokens(t, generation, config)
	case errors.Is(err, fs.ErrNotExist):
		return c.ReadTokens(t, config)
	}
	return fmt.Errorf("whisper: %w", err)
}

func entriesOf(set *weights.Set) (entries []tensor.Entry, err error) {
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		entries = append(entries, e)
	}
	return entries, nil
}

// Layout is whose form the files have.
func (b *Bundle) Layout() string { return b.layout }

// Params is the model whose parameters nn.Params walks over.
func (b *Bundle) Params() any { return b.Model }

// Files are the paths of the weights.
func (b *Bundle) Files() []string { return b.Weights.Files() }
