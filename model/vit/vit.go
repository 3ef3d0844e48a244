package vit

import (
	"fmt"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Pool says which vector stands for the whole picture.
type Pool string

// The ways to pool.
const (
	PoolToken Pool = "token" // the class token
	PoolMean  Pool = "mean"  // the mean of the patches, without the class token
	PoolProbe Pool = "probe" // attention of a learnt query over the normalised tokens
)

// A Config is the shape of a tower.
type Config struct {
	Width, Layers, Heads, Hidden int
	Height, Wide                 int // pixels of the picture
	Patch                        int // pixels along the side of a patch
	Act                          tensor.Activation
	Eps                          float32 // of the layer norms
	ClassToken                   bool
	PatchBias                    bool
	NoQKVBias                    bool // query, key and value have no bias
	PreNorm                      bool // a layer norm before the first layer
	Pool                         Pool
	NormPooled                   bool // the last norm applies to the mean rather than to the tokens
	BarePositions                bool // the class token has no position
	// AnySize is for pictures of any whole number of patches: Height and Wide are those of the one whose patches have the positions, a
	// square, and others have them resized. A patch is laid out with the channels of a pixel together.
	AnySize bool
}

// Validate says what makes c impossible.
func (c *Config) Validate() error {
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"width", c.Width, 1 << 14}, {"layers", c.Layers, 1 << 10}, {"heads", c.Heads, 1 << 10}, {"hidden width", c.Hidden, 1 << 17},
		{"image height", c.Height, 1 << 13}, {"image width", c.Wide, 1 << 13}, {"patch size", c.Patch, 1 << 10},
	} {
		if f.value < 1 || f.value > f.max {
			return fmt.Errorf("vit: %s is %d, want 1 to %d", f.name, f.value, f.max)
		}
	}
	switch {
	case c.Width%c.Heads != 0:
		return fmt.Errorf("vit: width %d is not a multiple of %d heads", c.Width, c.Heads)
	case c.Patch > min(c.Height, c.Wide):
		return fmt.Errorf("vit: patch size %d is larger than the picture %dx%d", c.Patch, c.Wide, c.Height)
	case c.AnySize && (c.ClassToken || c.Height != c.Wide):
		return fmt.Errorf("vit: pictures of any size with a class token or positions of %dx%d pixels, want a square and none", c.Wide, c.Height)
	case c.Pool == PoolToken && !c.ClassToken:
		return fmt.Errorf("vit: pooling at the class token, but the tower has none")
	case c.Pool != PoolToken && c.Pool != PoolMean && c.Pool != PoolProbe:
		return fmt.Errorf("vit: pooling %q, want %q, %q or %q", c.Pool, PoolToken, PoolMean, PoolProbe)
	}
	return nil
}

// Patches is the number of patches of a picture, of Height by Wide pixels.
func (c *Config) Patches() int { return (c.Height / c.Patch) * (c.Wide / c.Patch) }

// Tokens is the length of its sequence.
func (c *Config) Tokens() int {
	if c.ClassToken {
		return c.Patches() + 1
	}
	return c.Patches()
}

// TokensOf is the length of the sequence of a picture of w by h pixels.
func (c *Config) TokensOf(w, h int) int {
	if c.AnySize {
		return (w / c.Patch) * (h / c.Patch)
	}
	return c.Tokens()
}

// A Tower maps pictures to vectors. Its keys are those of transformers' CLIPVisionModel.
type Tower struct {
	Class    *tensor.Tensor `weight:"embeddings.class_embedding"`           // [C]
	Patch    *nn.Linear     `weight:"embeddings.patch_embedding"`           // [C, 3, P, P]; with AnySize [C, P·P·3]
	Position *tensor.Tensor `weight:"embeddings.position_embedding.weight"` // [T, C]
	PreNorm  *nn.LayerNorm  `weight:"pre_layrnorm"`                         // the published key is spelt so
	Blocks   []*nn.Block    `weight:"encoder.layers"`
	PostNorm *nn.LayerNorm  `weight:"post_layernorm"`
	Head     *Probe         `weight:"head"` // nil but for PoolProbe
	Config   Config
}

// New makes a tower without values. c must be valid.
func New(c Config) *Tower {
	t := &Tower{
		Patch:    &nn.Linear{Weight: tensor.Param(c.Width, 3, c.Patch, c.Patch)},
		Position: tensor.Param(c.Tokens(), c.Width),
		PostNorm: nn.NewLayerNorm(c.Width, c.Eps),
		Config:   c,
	}
	if c.AnySize {
		t.Patch.Weight = tensor.Param(c.Width, c.Patch*c.Patch*3)
	}
	if c.ClassToken {
		t.Class = tensor.Param(c.Width)
	}
	if c.BarePositions {
		t.Position = tensor.Param(c.Patches(), c.Width)
	}
	if c.PatchBias {
		t.Patch.Bias = tensor.Param(c.Width)
	}
	if c.PreNorm {
		t.PreNorm = nn.NewLayerNorm(c.Width, c.Eps)
	}
	if c.Pool == PoolProbe {
		t.Head = newProbe(&c)
	}
	for range c.Layers {
		b := nn.NewBlock(c.Width, c.Heads, c.Hidden, c.Act, c.Eps, false)
		if c.NoQKVBias {
			b.Attn.Query.Bias, b.Attn.Key.Bias, b.Attn.Value.Bias = nil, nil, nil
		}
		t.Blocks = append(t.Blocks, b)
	}
	return t
}

// Embed turns pictures [B, 3, H, W] into the tokens [B·T, C] that the first layer sees.
func (t *Tower) Embed(pixels *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	p := pixels.Pass()
	m := p.Mark()
	b := pixels.Dim(0)
	if t.Config.AnySize {
		return p.Keep(m, t.embedAnySize(pixels, seq))
	}
	x := t.Patch.Forward(pixels.Patches(t.Config.Patch))
	if t.Config.BarePositions {
		x = x.AddPositions(t.Position, p.Spans(b, t.Config.Patches()))
	}
	if t.Class != nil {
		x = x.Prepend(t.Class, b)
	}
	if !t.Config.BarePositions {
		x = x.AddPositions(t.Position, seq)
	}
	if t.PreNorm != nil {
		x = t.PreNorm.Forward(x)
	}
	return p.Keep(m, x)
}

// Forward maps pictures [B, 3, H, W] to their vectors [B, C].
func (t *Tower) Forward(pixels *tensor.Tensor) *tensor.Tensor {
	p := pixels.Pass()
	b, n := pixels.Dim(0), t.Config.TokensOf(pixels.Dim(3), pixels.Dim(2))
	seq, one, first := p.Spans(b, n), p.Spans(b, 1), p.Steps(b, n)
	x := t.Embed(pixels, seq)
	last := len(t.Blocks) - 1
	for _, block := range t.Blocks[:last] {
		x = block.Forward(x, seq)
	}
	if t.Config.Pool == PoolToken {
		return t.PostNorm.Forward(t.Blocks[last].Pool(x, first, one, seq))
	}
	x = t.Blocks[last].Forward(x, seq)
	if t.Head != nil {
		return t.Head.Forward(t.PostNorm.Forward(x), seq)
	}
	return t.pool(x, seq)
}

// ForwardTokens is [Tower.Forward] with the tokens of the patches beside the vectors: after the last norm, brought to a grid of side by side
// places, [B·side·side, C].
func (t *Tower) ForwardTokens(pixels *tensor.Tensor, side int) (pooled, tokens *tensor.Tensor) {
	p, b, h, w := pixels.Pass(), pixels.Dim(0), t.Config.Height, t.Config.Wide
	if t.Config.AnySize {
		h, w = pixels.Dim(2), pixels.Dim(3)
	}
	n, skip := t.Config.TokensOf(w, h), 0
	if t.Class != nil {
		skip = 1
	}
	seq := p.Spans(b, n)
	x := t.Embed(pixels, seq)
	for _, block := range t.Blocks {
		x = block.Forward(x, seq)
	}
	y := t.PostNorm.Forward(x)
	switch {
	case t.Config.Pool == PoolToken:
		pooled = y.Select(p.Steps(b, n))
	case t.Head != nil:
		pooled = t.Head.Forward(y, seq)
	default:
		pooled = t.pool(x, seq)
	}
	return pooled, nn.GridMeans(y, b, skip, h/t.Config.Patch, w/t.Config.Patch, side)
}

// pool is the mean of the patches x [B·T, C], normalised before or after.
func (t *Tower) pool(x *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	skip := 0
	if t.Class != nil {
		skip = 1
	}
	if t.Config.NormPooled {
		return t.PostNorm.Forward(x.MeanRows(seq, skip))
	}
	return t.PostNorm.Forward(x).MeanRows(seq, skip)
}
