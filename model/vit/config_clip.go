package vit

import (
	"encoding/json"
	"fmt"

	"github.com/chiasm/chiasm/nn"
)

// ParseCLIP reads the vision_config that transformers has for CLIP and its kin. What it leaves out has the reference's default, and so
// has a nil one: ViT-B/32.
func ParseCLIP(config *json.RawMessage) (Config, error) {
	file := struct {
		Width    int     `json:"hidden_size"`
		Hidden   int     `json:"intermediate_size"`
		Layers   int     `json:"num_hidden_layers"`
		Heads    int     `json:"num_attention_heads"`
		Act      string  `json:"hidden_act"`
		Eps      float32 `json:"layer_norm_eps"`
		Image    int     `json:"image_size"`
		Patch    int     `json:"patch_size"`
		Channels int     `json:"num_channels"`
	}{Width: 768, Hidden: 3072, Layers: 12, Heads: 12, Act: "quick_gelu", Eps: 1e-5, Image: 224, Patch: 32, Channels: 3}
	if config != nil {
		if err := json.Unmarshal(*config, &file); err != nil {
			return Config{}, fmt.Errorf("vit: vision_config: %w", err)
		}
	}
	if file.Channels != 3 {
		return Config{}, fmt.Errorf("vit: num_channels is %d, want 3", file.Channels)
	}
	act, err := nn.Activation(file.Act)
	if err != nil {
		return Config{}, fmt.Errorf("vit: %w", err)
	}
	c := Config{
		Width: file.Width, Layers: file.Layers, Heads: file.Heads, Hidden: file.Hidden, Height: file.Image, Wide: file.Image,
		Patch: file.Patch, Act: act, Eps: file.Eps, ClassToken: true, PreNorm: true, Pool: PoolToken,
	}
	return c, c.Validate()
}
