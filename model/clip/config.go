package clip

import (
	"fmt"

	"github.com/chiasm/chiasm/model/text"
	"github.com/chiasm/chiasm/model/vit"
)

// A Layout is a publisher's way to name and arrange a checkpoint.
type Layout string

// The layouts.
const (
	Transformers Layout = "transformers"
	OpenCLIP     Layout = "open_clip"
	OpenAI       Layout = "openai"
)

// A Config is the shape of a model.
type Config struct {
	Layout   Layout
	D        int // dimension of the space
	Text     text.Config
	Vision   vit.Config
	Head     Head
	HeadBias bool // the head's last layer has a bias
	Bias     bool // logit_bias is present (sigmoid-trained checkpoints)
}

// A Head is what leads from the image tower into the space.
type Head string

// The heads.
const (
	HeadLinear Head = "linear"
	HeadMLP    Head = "mlp" // two layers with GELU between them: some timm towers
	HeadNone   Head = "none"
)

// Validate says what makes c impossible.
func (c *Config) Validate() error {
	if c.D < 1 || c.D > 1<<14 {
		return fmt.Errorf("clip: config: projection_dim is %d, want 1 to %d", c.D, 1<<14)
	}
	if err := c.Text.Validate(); err != nil {
		return fmt.Errorf("clip: config: %w", err)
	}
	if err := c.Vision.Validate(); err != nil {
		return fmt.Errorf("clip: config: %w", err)
	}
	return nil
}
