package clip

import (
	"fmt"

	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/tensor"
)

// A Layout is a publisher's way to name and arrange a checkpoint.
type Layout string

// The layouts.
const (
	Transformers Layout = "transformers"
	OpenCLIP     Layout = "open_clip"
	OpenAI       Layout = "openai"
)

// A Pool says which token's vector stands for the whole text.
type Pool string

// The ways to pool a text.
const (
	PoolEnd     Pool = "end"     // at the first end token; at the first token where there is none
	PoolHighest Pool = "highest" // at the first of the highest ids: the rule of the old files, whose end token is the highest
	PoolLast    Pool = "last"    // at the last position, also when it is padding
)

// A TextConfig is the shape of the text tower.
type TextConfig struct {
	Width, Layers, Heads, Hidden int
	Vocab, Context               int // tokens
	Act                          tensor.Activation
	Eps                          float32
	Causal                       bool
	Pool                         Pool
	End, Pad                     int32 // ids
	ProjectionBias               bool
}

// A Config is the shape of a model.
type Config struct {
	Layout   Layout
	D        int // dimension of the space
	Text     TextConfig
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
	t := &c.Text
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"projection_dim", c.D, 1 << 14}, {"text width", t.Width, 1 << 14}, {"text layers", t.Layers, 1 << 10}, {"text heads", t.Heads, 1 << 10},
		{"text hidden width", t.Hidden, 1 << 17}, {"vocabulary size", t.Vocab, 1 << 24}, {"text length", t.Context, 1 << 20},
	} {
		if f.value < 1 || f.value > f.max {
			return fmt.Errorf("clip: config: %s is %d, want 1 to %d", f.name, f.value, f.max)
		}
	}
	if t.Width%t.Heads != 0 {
		return fmt.Errorf("clip: config: text width %d is not a multiple of %d heads", t.Width, t.Heads)
	}
	if err := c.Vision.Validate(); err != nil {
		return fmt.Errorf("clip: config: %w", err)
	}
	return nil
}
