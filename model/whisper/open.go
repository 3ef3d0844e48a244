package whisper

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/weights"
)

// A Bundle is a model with its tokenizer and the files they came from.
type Bundle struct {
	*Model
	Tokenizer *token.Tokenizer
	Weights   *weights.Set
}

// Close gives back the memory of the weights. No pass may be using them.
func (b *Bundle) Close() error {
	nn.Release(b.Model)
	return b.Weights.Close()
}

// Open reads a model from a folder in transformers' layout.
func Open(dir string) (_ *Bundle, err error) {
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, fmt.Errorf("whisper: %w", err)
	}
	config, err := ParseConfig(data)
	if err != nil {
		return nil, err
	}
	b := &Bundle{}
	if b.Tokenizer, err = token.OpenFolder(dir); err != nil {
		return nil, fmt.Errorf("whisper: %w", err)
	}
	files := [][]byte{data}
	switch generation, err := os.ReadFile(filepath.Join(dir, "generation_config.json")); {
	case err == nil:
		files = [][]byte{generation, data}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("whisper: %w", err)
	}
	if err := config.ReadTokens(b.Tokenizer, files...); err != nil {
		return nil, err
	}
	file := weights.Find(dir, weights.TransformersFiles)
	if file == "" {
		return nil, fmt.Errorf("whisper: %s has no weights, want one of %v", dir, weights.TransformersFiles)
	}
	if b.Weights, err = weights.Open(file); err != nil {
		return nil, fmt.Errorf("whisper: %w", err)
	}
	b.Model = New(*config)
	entries, err := Entries(b.Weights)
	if err == nil {
		err = nn.Bind(b.Model, entries, b.Weights.Forget)
	}
	if err != nil {
		b.Weights.Close()
		return nil, fmt.Errorf("whisper: %s: %w", file, err)
	}
	return b, nil
}

// Layout is whose form the files have.
func (b *Bundle) Layout() string { return "transformers" }

// Params is the model whose parameters nn.Params walks over.
func (b *Bundle) Params() any { return b.Model }

// Files are the paths of the weights.
func (b *Bundle) Files() []string { return b.Weights.Files() }
