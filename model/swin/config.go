package swin

import (
	"fmt"

	"github.com/chiasm/chiasm/tensor"
)

// A Config is the shape of a tower.
type Config struct {
	Width      int     // channels of the first stage; each further one has twice as many
	Depths     []int   // blocks of each stage
	Heads      []int   // of each stage
	Rows, Cols int     // the grid of the first stage's tokens; each further one halves it
	Window     int     // tokens along the side of a window
	Ratio      float64 // hidden width of the MLPs over their width
	Act        tensor.Activation
	Eps        float32 // of the norms within blocks
	NoQKVBias  bool    // query, key and value have no bias
}

// Last is the width of the last stage.
func (c *Config) Last() int { return c.Width << (len(c.Depths) - 1) }

// Operations is how many multiplications and additions the products and the attention of a grid take.
func (c *Config) Operations() (n float64) {
	for i, depth := range c.Depths {
		g := newGrid(c.Rows>>i, c.Cols>>i, c.Window, 0)
		rows, width := float64(len(g.places)), float64(c.Width<<i)
		n += float64(depth) * rows * (2*width*width*(4+2*c.Ratio) + 4*width*float64(c.Window*c.Window))
		if i+1 < len(c.Depths) {
			n += rows / 4 * 2 * 4 * width * 2 * width
		}
	}
	return n
}

// Validate says what makes c impossible.
func (c *Config) Validate() error {
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"width", c.Width, 1 << 12}, {"number of stages", len(c.Depths), 8}, {"rows", c.Rows, 1 << 11}, {"columns", c.Cols, 1 << 11},
		{"window", c.Window, 1 << 5},
	} {
		if f.value < 1 || f.value > f.max {
			return fmt.Errorf("swin: %s is %d, want 1 to %d", f.name, f.value, f.max)
		}
	}
	if len(c.Heads) != len(c.Depths) {
		return fmt.Errorf("swin: heads of %d stages, want those of %d", len(c.Heads), len(c.Depths))
	}
	if !(c.Ratio*float64(c.Width) >= 1 && c.Ratio <= 64) {
		return fmt.Errorf("swin: the ratio of the hidden width is %v, want up to 64", c.Ratio)
	}
	biases := 0
	for i, depth := range c.Depths {
		rows, cols := c.Rows>>i, c.Cols>>i
		biases += depth * (rows + c.Window) * (cols + c.Window) * c.Window * c.Window * max(c.Heads[i], 1) // at most
		switch {
		case depth < 1 || depth > 1<<8:
			return fmt.Errorf("swin: stage %d has %d blocks, want 1 to %d", i, depth, 1<<8)
		case c.Heads[i] < 1 || c.Width<<i%c.Heads[i] != 0:
			return fmt.Errorf("swin: stage %d: width %d is not a multiple of %d heads", i, c.Width<<i, c.Heads[i])
		case min(rows, cols) < c.Window:
			return fmt.Errorf("swin: stage %d is a grid of %d x %d tokens, smaller than its windows of %d x %d", i, rows, cols, c.Window, c.Window)
		case i+1 < len(c.Depths) && (rows%2 != 0 || cols%2 != 0):
			return fmt.Errorf("swin: stage %d is a grid of %d x %d tokens, which cannot be halved", i, rows, cols)
		case biases > 1<<27:
			return fmt.Errorf("swin: the windows of %d x %d have more than %d pairs of tokens", c.Window, c.Window, 1<<27)
		}
	}
	return nil
}
