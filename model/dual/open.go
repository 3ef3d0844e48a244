package dual

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/weights"
)

// A Bundle is a model with its tokenizer, and the files they came from.
type Bundle struct {
	*Model
	Tokenizer *token.Tokenizer
	Weights   *weights.Set
	processor *image.Processor
}

// Open reads a model from a folder: config.json, model.safetensors with the names of the parameters, and a tokenizer's files.
func Open(dir string) (*Bundle, error) {
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, fmt.Errorf("dual: %w", err)
	}
	config, err := ParseConfig(data)
	if err != nil {
		return nil, err
	}
	b := &Bundle{processor: config.Image.Processor()}
	if b.Tokenizer, err = token.OpenFolder(dir); err != nil {
		return nil, fmt.Errorf("dual: %w", err)
	}
	file := weights.Find(dir, weights.TransformersFiles)
	if file == "" {
		return nil, fmt.Errorf("dual: %s has no weights, want one of %v", dir, weights.TransformersFiles)
	}
	if b.Weights, err = weights.Open(file); err != nil {
		return nil, fmt.Errorf("dual: %w", err)
	}
	var entries []tensor.Entry
	for _, name := range b.Weights.Names() {
		e, _ := b.Weights.Get(name)
		entries = append(entries, e)
	}
	b.Model = New(*config)
	if err := nn.Bind(b.Model, entries, b.Weights.Forget); err != nil {
		b.Weights.Close()
		return nil, fmt.Errorf("dual: %s: %w", file, err)
	}
	return b, nil
}

// Close gives back the memory of the weights. No pass may be using them.
func (b *Bundle) Close() error {
	nn.Release(b.Model)
	return b.Weights.Close()
}

// Encode turns a text into ids with special tokens, neither padded nor cut.
func (b *Bundle) Encode(text string) *token.Encoding { return b.Tokenizer.Encode(text, true) }

// Fit cuts ids to what the text tower reads, keeping the end token, in place.
func (b *Bundle) Fit(ids []int32) (fitted []int32, truncated bool) {
	return token.Fit(ids, b.Config.Context)
}

// Pixels is the processor that makes pictures into the image tower's input.
func (b *Bundle) Pixels() *image.Processor { return b.processor }

// Context is the length of the longest text in tokens.
func (b *Bundle) Context() int { return b.Config.Context }

// ImageTokens is a measure of the work for a picture, in tokens of a transformer: the places of the last layers, whatever its size is said to
// be.
func (b *Bundle) ImageTokens(_, _ int) int {
	side := b.Config.Image.Size / 16
	return max(1, side*side)
}

// Dimension is the size of the space.
func (b *Bundle) Dimension() int { return b.Config.D }

// Layout is whose form the files have.
func (b *Bundle) Layout() string { return "chiasm" }

// Files are the paths of the files that hold the weights.
func (b *Bundle) Files() []string { return b.Weights.Files() }

// Params is the model whose parameters nn.Params walks over.
func (b *Bundle) Params() any { return b.Model }
