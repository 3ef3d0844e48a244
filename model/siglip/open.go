package siglip

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/model/vit"
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
func Open(dir string) (_ *Bundle, err error) {
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, fmt.Errorf("siglip: %w", err)
	}
	config, err := ParseConfig(data)
	if err != nil {
		return nil, err
	}
	b := &Bundle{}
	class := "" // of the tokenizer
	if config.Vision.AnySize {
		class = token.ClassSigLIP2 // whatever the files say, as in the reference: those published name Gemma's
	}
	if b.Tokenizer, err = token.OpenFolderAs(dir, class); err != nil {
		return nil, fmt.Errorf("siglip: %w", err)
	}
	if err := b.readPadding(dir, config); err != nil {
		return nil, fmt.Errorf("siglip: %w", err)
	}
	if b.Processor, err = image.OpenProcessor(dir); err != nil {
		return nil, fmt.Errorf("siglip: %w", err)
	}
	if err := fits(b.Processor, &config.Vision); err != nil {
		return nil, fmt.Errorf("siglip: %w", err)
	}
	file := weights.Find(dir, weights.TransformersFiles)
	if file == "" {
		return nil, fmt.Errorf("siglip: %s has no weights, want one of %v", dir, weights.TransformersFiles)
	}
	if b.Weights, err = weights.Open(file); err != nil {
		return nil, fmt.Errorf("siglip: %w", err)
	}
	b.Model = New(*config)
	entries, err := Entries(b.Weights)
	if err == nil {
		err = nn.Bind(b.Model, entries, b.Weights.Forget)
	}
	if err != nil {
		b.Weights.Close()
		return nil, fmt.Errorf("siglip: %s: %w", file, err)
	}
	return b, nil
}

// readPadding finds out what a text is filled up with and on which side, of which the tokenizer's files know more than config.json.
func (b *Bundle) readPadding(dir string, c *Config) error {
	var file struct {
		Side string `json:"padding_side"`
	}
	if c.Vision.AnySize {
		file.Side = "left" // unless a file says otherwise, as those published do
	}
	if p := b.Tokenizer.Padding(); p != nil {
		c.Text.Pad, file.Side = p.ID, "right"
		if p.Left {
			file.Side = "left"
		}
	}
	if pad, ok := b.Tokenizer.Special("pad"); ok {
		if c.Text.Pad, ok = b.Tokenizer.ID(pad); !ok {
			return fmt.Errorf("texts are padded with %q, which the tokenizer lacks", pad)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "tokenizer_config.json"))
	if err == nil { // there need not be one
		if err := json.Unmarshal(data, &file); err != nil {
			return fmt.Errorf("tokenizer_config.json: %w", err)
		}
	}
	c.Text.PadLeft = file.Side == "left"
	return nil
}

// fits checks that a processor makes pictures that a tower takes.
func fits(p *image.Processor, c *vit.Config) error {
	if !c.AnySize {
		return p.Fits(c.Wide, c.Height)
	}
	if w, _ := p.Size(); p.Fit != image.FitPatches || p.Tile != c.Patch || w != 0 {
		return fmt.Errorf("the processor does not make pictures of any whole number of patches of %d pixels, which the model takes", c.Patch)
	}
	return nil
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
func (b *Bundle) Context() int { return b.Config.Text.Context }

// ImageTokens is the length in tokens of a picture of w by h pixels, as the processor makes it.
func (b *Bundle) ImageTokens(w, h int) int { return b.Config.Vision.TokensOf(w, h) }

// Dimension is the size of the space.
func (b *Bundle) Dimension() int { return b.Config.D() }

// Layout is whose form the files have.
func (b *Bundle) Layout() string { return "transformers" }

// Params is the model whose parameters nn.Params walks over.
func (b *Bundle) Params() any { return b.Model }

// Files are the paths of the weights.
func (b *Bundle) Files() []string { return b.Weights.Files() }
