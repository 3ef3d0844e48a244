package gemma

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A VisionConfig is the shape of a [Vision].
type VisionConfig struct {
	Width, Hidden, Layers, Heads, Keys, D int
	Patch                                 int // pixels along the side of a patch
	Pool                                  int // patches along the side of what becomes one token
	Positions                             int // patches along the longest side
	Act                                   tensor.Activation
	Eps                                   float32
	Theta                                 float64
	Clipped, Standard                     bool // layers with bounds; tokens shifted and scaled at the end
}

// ParseVisionConfig reads the vision_config of a Gemma 4. What a file leaves out has the reference's default.
func ParseVisionConfig(data []byte) (*VisionConfig, error) {
	file := struct {
		Type      string  `json:"model_type"`
		Width     int     `json:"hidden_size"`
		Hidden    int     `json:"intermediate_size"`
		Layers    int     `json:"num_hidden_layers"`
		Heads     int     `json:"num_attention_heads"`
		Keys      int     `json:"num_key_value_heads"`
		D         int     `json:"head_dim"`
		Patch     int     `json:"patch_size"`
		Pool      int     `json:"pooling_kernel_size"`
		Positions int     `json:"position_embedding_size"`
		Act       string  `json:"hidden_activation"`
		Eps       float32 `json:"rms_norm_eps"`
		Rope      rope    `json:"rope_parameters"`
		Clipped   bool    `json:"use_clipped_linears"`
		Standard  bool    `json:"standardize"`
	}{
		Type: "gemma4_vision", Width: 768, Hidden: 3072, Layers: 16, Heads: 12, Keys: 12, D: 64, Patch: 16, Pool: 3, Positions: 10240,
		Act: "gelu_pytorch_tanh", Eps: 1e-6, Rope: rope{100, "axial"},
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("gemma: vision_config: %w", err)
	}
	c := &VisionConfig{
		Width: file.Width, Hidden: file.Hidden, Layers: file.Layers, Heads: file.Heads, Keys: file.Keys, D: file.D, Patch: file.Patch,
		Pool: file.Pool, Positions: file.Positions, Eps: file.Eps, Theta: file.Rope.Theta, Clipped: file.Clipped, Standard: file.Standard,
	}
	if file.Type != "gemma4_vision" || file.Rope.Type != "axial" || !(c.Theta > 1) {
		return nil, fmt.Errorf("gemma: vision_config: model_type %q with rope_parameters %v, want gemma4_vision with rope_type axial", file.Type, file.Rope)
	}
	var err error
	if c.Act, err = nn.Activation(file.Act); err != nil {
		return nil, fmt.Errorf("gemma: vision_config: %w", err)
	}
	if err := within("vision_config", []bound{
		{"hidden_size", c.Width, 1 << 14}, {"intermediate_size", c.Hidden, 1 << 17}, {"num_hidden_layers", c.Layers, maxLayers},
		{"num_attention_heads", c.Heads, 1 << 10}, {"num_key_value_heads", c.Keys, 1 << 10}, {"head_dim", c.D, 1 << 12},
		{"patch_size", c.Patch, 1 << 10}, {"pooling_kernel_size", c.Pool, 1 << 6}, {"position_embedding_size", c.Positions, 1 << 20},
	}); err != nil {
		return nil, err
	}
	if c.Heads%c.Keys != 0 || c.D%4 != 0 {
		return nil, fmt.Errorf("gemma: vision_config: %d heads of %d and %d of keys, want a width that 4 divides and a divisor", c.Heads, c.D, c.Keys)
	}
	return c, nil
}

// Tile is how many pixels of each side become one token: pictures are whole numbers of it wide and high.
func (c *VisionConfig) Tile() int { return c.Patch * c.Pool }

// Tokens is how many tokens a picture of w by h pixels becomes.
func (c *VisionConfig) Tokens(w, h int) int { return (w / c.Tile()) * (h / c.Tile()) }

// A Vision turns pictures of any shape into tokens. Its keys are those of transformers' Gemma4VisionModel, without the ".linear" of
// layers that may have bounds.
type Vision struct {
	Patch    *nn.Linear     `weight:"patch_embedder.input_proj"`               // [C, P·P·3]
	Position *tensor.Tensor `weight:"patch_embedder.position_embedding_table"` // [2, positions, C]: of columns, of rows
	Blocks   []*Block       `weight:"encoder.layers"`
	Bias     *tensor.Tensor `weight:"std_bias"`  // [C], nil for none
	Scale    *tensor.Tensor `weight:"std_scale"` // likewise
	Config   VisionConfig
}

// NewVision makes a tower without values. c must be valid.
func NewVision(c VisionConfig) *Vision {
	v := &Vision{
		Patch: nn.NewLinear(3*c.Patch*c.Patch, c.Width, false), Position: tensor.Param(2, c.Positions, c.Width), Config: c,
	}
	if c.Standard {
		v.Bias, v.Scale = tensor.Param(c.Width), tensor.Param(c.Width)
	}
	turns := &nn.Rotary{Theta: c.Theta, Width: c.D, Axes: 2}
	for range c.Layers {
		b := newBlock(c.Width, c.Hidden, tensor.Heads{Queries: c.Heads, Keys: c.Keys, D: c.D}, c.Act, c.Eps, c.Clipped, turns)
		v.Blocks = append(v.Blocks, &b)
	}
	return v
}

// Embed turns pictures [B, 3, H, W] with values from 0 to 1 into the patches [B·N, C] that the first layer sees, and their places.
func (v *Vision) Embed(pixels *tensor.Tensor) (*tensor.Tensor, Places) {
	p, c := pixels.Pass(), &v.Config
	b, h, w := pixels.Dim(0), pixels.Dim(2), pixels.Dim(3)
	rows, cols := h/c.Patch, w/c.Patch
	if h%c.Tile() != 0 || w%c.Tile() != 0 || max(rows, cols) > c.Positions {
		panic(&tensor.ShapeError{Op: "gemma: vision", Want: fmt.Sprintf("pictures of multiples of %d up to %d pixels", c.Tile(), c.Positions*c.Patch), Got: fmt.Sprint(pixels)})
	}
	at := Places{Seq: p.Spans(b, rows*cols), At: p.Integers(2 * b * rows * cols), Limit: max(rows, cols)}
	right, down := p.Integers(b*rows*cols), p.Integers(b*rows*cols)
	for i := range right {
		col, row := int32(i%cols), int32(i/cols%rows)
		at.At[2*i], at.At[2*i+1] = col, row
		right[i], down[i] = col, int32(c.Positions)+row
	}
	m := p.Mark()
	x := v.Patch.Forward(pixels.PatchesLast(c.Patch, 2, -1))
	x.Add(p.Ints(right, len(right)).Lookup(v.Position).Add(p.Ints(down, len(down)).Lookup(v.Position)))
	return p.Keep(m, x), at
}

// Forward maps pictures [B, 3, H, W] with values from 0 to 1 to their tokens [B·n, C], row by row.
func (v *Vision) Forward(pixels *tensor.Tensor) *tensor.Tensor {
	p := pixels.Pass()
	m := p.Mark()
	x, at := v.Embed(pixels)
	for _, b := range v.Blocks {
		x = b.Forward(x, at)
	}
	return p.Keep(m, v.pool(x, pixels.Dim(0), pixels.Dim(2)/v.Config.Patch, pixels.Dim(3)/v.Config.Patch))
}

// pool takes the mean of the patches of each token and brings it to the size of the text's tokens.
func (v *Vision) pool(x *tensor.Tensor, b, rows, cols int) *tensor.Tensor {
	c, k := v.Config.Width, v.Config.Pool
	wide := cols / k
	y := x.Pass().Empty(b*(rows/k)*wide, c)
	clear(y.Floats())
	for i := range x.Rows() {
		image, row, col := i/(rows*cols), i/cols%rows, i%cols
		out := y.Floats()[((image*(rows/k)+row/k)*wide+col/k)*c:][:c]
		for j, value := range x.Floats()[i*c:][:c] {
			out[j] += value
		}
	}
	y.Scale(float32(math.Sqrt(float64(c)) / float64(k*k)))
	if v.Bias != nil {
		bias, scale := v.Bias.Floats(), v.Scale.Floats()
		for i := range y.Floats() {
			y.Floats()[i] = (y.Floats()[i] - bias[i%c]) * scale[i%c]
		}
	}
	return y
}

// An Embedder brings the tokens of a tower into the text's tower.
type Embedder struct {
	Projection *nn.Linear `weight:"embedding_projection"`
	Eps        float32
}

// NewEmbedder makes a layer from tokens of width c to those of width text, without values.
func NewEmbedder(c, text int, eps float32) *Embedder {
	return &Embedder{Projection: nn.NewLinear(c, text, false), Eps: eps}
}

// Forward maps x [T, C] to [T, text].
func (e *Embedder) Forward(x *tensor.Tensor) *tensor.Tensor {
	return e.Projection.Forward(x.RMSNorm(nil, x.Dim(-1), e.Eps))
}
