package text

import (
	"fmt"

	"github.com/chiasm/chiasm/tensor"
)

// A Pool says which token's vector stands for the whole text.
type Pool string

// The ways to pool a text.
const (
	PoolEnd     Pool = "end"     // at the first end token; at the first token where there is none
	PoolHighest Pool = "highest" // at the first of the highest ids: the rule of the old files, whose end token is the highest
	PoolLast    Pool = "last"    // at the last position, also when it is padding
)

// A Config is the shape of a tower.
type Config struct {
	Width, Layers, Heads, Hidden int
	Vocab, Context               int // tokens
	Act                          tensor.Activation
	Eps                          float32
	Causal                       bool
	Pool                         Pool
	End, Pad                     int32 // ids
	PadLeft                      bool  // padding comes before the text
	ProjectionBias               bool  // of what leads from the tower into the space
}

// Validate says what makes c impossible.
func (c *Config) Validate() error {
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"width", c.Width, 1 << 14}, {"layers", c.Layers, 1 << 10}, {"heads", c.Heads, 1 << 10},
		{"hidden width", c.Hidden, 1 << 17}, {"vocabulary size", c.Vocab, 1 << 24}, {"length", c.Context, 1 << 20},
	} {
		if f.value < 1 || f.value > f.max {
			return fmt.Errorf("text: %s is %d, want 1 to %d", f.name, f.value, f.max)
		}
	}
	if c.Width%c.Heads != 0 {
		return fmt.Errorf("text: width %d is not a multiple of %d heads", c.Width, c.Heads)
	}
	return nil
}
