package chineseclip

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/weights"
)

// A Bundle is a model with its tokenizer, its image processor, and the files they came from.
type Bundle struct {
	*Model
	Tokenizer *token.Tokenizer
	Processor *image.Processor
	Weights   *weights.Set
}

// Close gives back the memory of the weights. No pass may be using them.
func (b *Bundle) Close() error {
	nn.Release(b.Model)
	return b.Weights.Close()
}

// Open reads a model from a folder in transformers' layout.
func Open(dir string) (*Bundle, error) {
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, fmt.Errorf("chineseclip: %w", err)
	}
	config, err := ParseConfig(data)
	if err != nil {
		return nil, err
	}
	b := &Bundle{}
	if b.Tokenizer, err = token.OpenFolder(dir); err != nil {
		return nil, fmt.Errorf("chineseclip: %w", err)
	}
	if b.Processor, err = image.OpenProcessor(dir); err != nil {
		return nil, fmt.Errorf("chineseclip: %w", err)
	}
	if err := b.Processor.Fits(config.Vision.Wide, config.Vision.Height); err != nil {
		return nil, fmt.Errorf("chineseclip: %w", err)
	}
	file := weights.Find(dir, weights.TransformersFiles)
	if file == "" {
		return nil, fmt.Errorf("chineseclip: %s has no weights, want one of %v", dir, weights.TransformersFiles)
	}
	if b.Weights, err = weights.Open(file); err != nil {
		return nil, fmt.Errorf("chineseclip: %w", err)
	}
	b.Model = New(*config)
	if err := nn.Bind(b.Model, Entries(b.Weights), b.Weights.Forget); err != nil {
		b.Weights.Close()
		return nil, fmt.Errorf("chineseclip: %s: %w", file, err)
	}
	return b, nil
}

// Encode turns a text into ids with special tokens, neither padded nor cut.
func (b *Bundle) Encode(text string) *token.Encoding { return b.Tokenizer.Encode(text, true) }

// Fit cuts ids to what the text tower reads, keeping the end token, in place.
func (b *Bundle) Fit(ids []int32) (fitted []int32, truncated bool) {
	return token.Fit(ids, b.Context())
}

// Pixels is the processor that makes pictures into the image tower's input.
func (b *Bundle) Pixels() *image.Processor { return b.Processor }

// Context is the length of the longest text in tokens.
func (b *Bundle) Context() int { return b.Config.Text.Context() }

// ImageTokens is the length of a picture in tokens, whatever its size is said to be: the processor makes one size only.
func (b *Bundle) ImageTokens(_, _ int) int { return b.Config.Vision.Tokens() }

// Dimension is the size of the space.
func (b *Bundle) Dimension() int { return b.Config.D }

// Layout is whose form the files have.
func (b *Bundle) Layout() string { return "transformers" }

// Params is the model whose parameters nn.Params walks over.
func (b *Bundle) Params() any { return b.Model }

// Files are the paths of the weights.
func (b *Bundle) Files() []string { return b.Weights.Files() }
