package siglip

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/chiasm/chiasm/model/text"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
)

// A Config is the shape of a model.
type Config struct {
	Text   text.Config
	Vision vit.Config
}

// D is the dimension of the space.
func (c *Config) D() int { return c.Vision.Width }

// tower is what config.json says of either tower. The values set before decoding are the defaults of transformers' SiglipTextConfig and
// SiglipVisionConfig, and of their namesakes for Siglip2: files leave out what equals them.
type tower struct {
	Width      int     `json:"hidden_size"`
	Hidden     int     `json:"intermediate_size"`
	Layers     int     `json:"num_hidden_layers"`
	Heads      int     `json:"num_attention_heads"`
	Act        string  `json:"hidden_act"`
	Eps        float32 `json:"layer_norm_eps"`
	Vocab      int     `json:"vocab_size"`
	Positions  int     `json:"max_position_embeddings"`
	Projection *int    `json:"projection_size"`
	Pad        int32   `json:"pad_token_id"`
	Image      int     `json:"image_size"`
	Patch      int     `json:"patch_size"`
	Channels   int     `json:"num_channels"`
	Patches    int     `json:"num_patches"`
	Head       *bool   `json:"vision_use_head"`
}

// typeNaFlex is the model_type of a model for pictures of any size.
const typeNaFlex = "siglip2"

// ParseConfig reads transformers' config.json of a SiglipModel or a Siglip2Model.
func ParseConfig(data []byte) (*Config, error) {
	base := tower{Width: 768, Hidden: 3072, Layers: 12, Heads: 12, Act: "gelu_pytorch_tanh", Eps: 1e-6}
	file := struct {
		Type   string `json:"model_type"`
		Text   tower  `json:"text_config"`
		Vision tower  `json:"vision_config"`
	}{Text: base, Vision: base}
	file.Text.Vocab, file.Text.Positions, file.Text.Pad = 32000, 64, 1
	file.Vision.Image, file.Vision.Patch, file.Vision.Channels, file.Vision.Patches = 224, 16, 3, 256
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("siglip: config.json: %w", err)
	}
	t, v := &file.Text, &file.Vision
	anySize := file.Type == typeNaFlex
	if anySize {
		side := int(math.Sqrt(float64(v.Patches)))
		if side < 1 || side*side != v.Patches {
			return nil, fmt.Errorf("siglip: config.json: num_patches is %d, want those of a square", v.Patches)
		}
		v.Image = side * v.Patch
	}
	switch {
	case v.Channels != 3:
		return nil, fmt.Errorf("siglip: config.json: num_channels is %d, want 3", v.Channels)
	case v.Head != nil && !*v.Head:
		return nil, fmt.Errorf("siglip: config.json: vision_use_head is false, want a tower with its pooling head")
	case t.Projection != nil && *t.Projection != v.Width || t.Projection == nil && t.Width != v.Width:
		return nil, fmt.Errorf("siglip: config.json: the text tower does not end in the %d dimensions of the image tower", v.Width)
	}
	textAct, err := nn.Activation(t.Act)
	if err != nil {
		return nil, fmt.Errorf("siglip: config.json: text: %w", err)
	}
	visionAct, err := nn.Activation(v.Act)
	if err != nil {
		return nil, fmt.Errorf("siglip: config.json: vision: %w", err)
	}
	c := &Config{
		Text: text.Config{
			Width: t.Width, Layers: t.Layers, Heads: t.Heads, Hidden: t.Hidden, Vocab: t.Vocab, Context: t.Positions,
			Act: textAct, Eps: t.Eps, Pool: text.PoolLast, Pad: t.Pad,
		},
		Vision: vit.Config{
			Width: v.Width, Layers: v.Layers, Heads: v.Heads, Hidden: v.Hidden, Height: v.Image, Wide: v.Image, Patch: v.Patch,
			Act: visionAct, Eps: v.Eps, PatchBias: true, Pool: vit.PoolProbe, AnySize: anySize,
		},
	}
	if err := c.Text.Validate(); err != nil {
		return nil, fmt.Errorf("siglip: config.json: %w", err)
	}
	if err := c.Vision.Validate(); err != nil {
		return nil, fmt.Errorf("siglip: config.json: %w", err)
	}
	return c, nil
}
