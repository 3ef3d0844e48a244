package clap

import (
	"encoding/json"
	"fmt"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/bert"
	"github.com/chiasm/chiasm/model/swin"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Config is the shape of a model.
type Config struct {
	Text bert.Config
	Swin swin.Config
	D    int               // dimension of the space
	Act  tensor.Activation // of the projections

	// The spectrogram of Frames, stretched to Size·Size/Bands, is cut in time into parts that lie one below the other in a picture of
	// Size × Size, which is cut into squares of Patch × Patch.
	Size, Bands, Patch int
	Fusion             bool    // a sound is seen as a whole and, more sharply, in three stretches
	Shrink             int     // width of a fusion over that of its bottleneck
	Low                float64 // hertz at which the lowest band begins
}

// Frames is how many frames of a spectrogram the picture holds.
func (c *Config) Frames() int { return c.Size * (c.Size / c.Bands) }

// A side is a number, or the same number twice.
type side int

// UnmarshalJSON reads 4 or [4, 4].
func (s *side) UnmarshalJSON(data []byte) error {
	var one int
	if json.Unmarshal(data, &one) == nil {
		*s = side(one)
		return nil
	}
	var two []int
	if err := json.Unmarshal(data, &two); err != nil {
		return err
	}
	if len(two) != 2 || two[0] != two[1] {
		return fmt.Errorf("sides %v, want two of one length", two)
	}
	*s = side(two[0])
	return nil
}

// soundConfig is the audio_config of config.json.
type soundConfig struct {
	Window     int     `json:"window_size"`
	Bands      int     `json:"num_mel_bins"`
	Size       int     `json:"spec_size"`
	Act        string  `json:"hidden_act"`
	Patch      side    `json:"patch_size"`
	Stride     side    `json:"patch_stride"`
	Hidden     int     `json:"hidden_size"`
	Depths     []int   `json:"depths"`
	Heads      []int   `json:"num_attention_heads"`
	Fusion     bool    `json:"enable_fusion"`
	FusionType string  `json:"fusion_type"`
	Channels   int     `json:"patch_embed_input_channels"`
	Flatten    bool    `json:"flatten_patch_embeds"`
	Width      int     `json:"patch_embeds_hidden_size"`
	PatchNorm  bool    `json:"enable_patch_layer_norm"`
	QKVBias    bool    `json:"qkv_bias"`
	Ratio      float64 `json:"mlp_ratio"`
	Shrink     int     `json:"aff_block_r"`
	Eps        float32 `json:"layer_norm_eps"`
}

// ParseConfig reads transformers' config.json of a ClapModel. What a file leaves out has transformers' default.
func ParseConfig(data []byte) (*Config, error) {
	type textConfig struct {
		Width     int     `json:"hidden_size"`
		Layers    int     `json:"num_hidden_layers"`
		Heads     int     `json:"num_attention_heads"`
		Hidden    int     `json:"intermediate_size"`
		Vocab     int     `json:"vocab_size"`
		Positions int     `json:"max_position_embeddings"`
		Types     int     `json:"type_vocab_size"`
		Act       string  `json:"hidden_act"`
		Eps       float32 `json:"layer_norm_eps"`
		Pad       int32   `json:"pad_token_id"`
	}
	file := struct {
		Text  textConfig  `json:"text_config"`
		Sound soundConfig `json:"audio_config"`
		D     int         `json:"projection_dim"`
		Act   string      `json:"projection_hidden_act"`
	}{
		textConfig{Width: 768, Layers: 12, Heads: 12, Hidden: 3072, Vocab: 50265, Positions: 514, Types: 1, Act: "gelu", Eps: 1e-12, Pad: 1},
		soundConfig{
			Window: 8, Bands: audio.CLAPBands, Size: 256, Act: "gelu", Patch: 4, Stride: 4, Hidden: 768, Channels: 1, Flatten: true,
			Width: 96, PatchNorm: true, QKVBias: true, Ratio: 4, Shrink: 4, Eps: 1e-5,
		},
		512, "relu",
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("clap: config.json: %w", err)
	}
	s, t := &file.Sound, &file.Text
	if s.Depths == nil {
		s.Depths = []int{2, 2, 6, 2}
	}
	if s.Heads == nil {
		s.Heads = []int{4, 8, 16, 32}
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("clap: config.json: %w", err)
	}
	var acts [3]tensor.Activation
	for i, name := range []string{t.Act, s.Act, file.Act} {
		var err error
		if acts[i], err = nn.Activation(name); err != nil {
			return nil, fmt.Errorf("clap: config.json: %w", err)
		}
	}
	side := s.Size / int(s.Patch)
	c := &Config{
		Text: bert.Config{
			Width: t.Width, Layers: t.Layers, Heads: t.Heads, Hidden: t.Hidden, Vocab: t.Vocab, Positions: t.Positions, Types: t.Types,
			First: int(t.Pad) + 1, Act: acts[0], Eps: t.Eps, Pad: t.Pad,
		},
		Swin: swin.Config{
			Width: s.Width, Depths: s.Depths, Heads: s.Heads, Rows: side, Cols: side, Window: s.Window, Ratio: s.Ratio, Act: acts[1],
			Eps: s.Eps, NoQKVBias: !s.QKVBias,
		},
		D: file.D, Act: acts[2], Size: s.Size, Bands: s.Bands, Patch: int(s.Patch), Fusion: s.Fusion, Shrink: s.Shrink,
	}
	return c, c.validate(s.Hidden)
}

// check refuses what no published model has.
func (s *soundConfig) check() error {
	switch {
	case s.Bands != audio.CLAPBands:
		return fmt.Errorf("num_mel_bins is %d, want %d", s.Bands, audio.CLAPBands)
	case s.Size < s.Bands || s.Size > 1<<12 || s.Size%s.Bands != 0:
		return fmt.Errorf("spec_size is %d, want a multiple of num_mel_bins, %d", s.Size, s.Bands)
	case s.Patch < 1 || s.Size%int(s.Patch) != 0 || s.Stride != s.Patch:
		return fmt.Errorf("patches of %d every %d in a picture of %d, want some that fill it side by side", s.Patch, s.Stride, s.Size)
	case s.Channels != 1 || !s.Flatten || !s.PatchNorm:
		return fmt.Errorf("want patch_embed_input_channels 1, flatten_patch_embeds and enable_patch_layer_norm")
	case s.Fusion && s.FusionType == "channel_map":
		return fmt.Errorf("fusion_type is channel_map, want aff_2d")
	case s.Fusion && (s.Shrink < 1 || s.Shrink > s.Width || s.Size < 3*int(s.Patch)):
		return fmt.Errorf("fusion with aff_block_r %d and patches of %d, want a bottleneck of %d or less and three patches side by side", s.Shrink, s.Patch, s.Width)
	}
	return nil
}

// validate says what makes c impossible. hidden is what the files say of the width that the sound tower ends in.
func (c *Config) validate(hidden int) error {
	if err := c.Text.Validate(); err != nil {
		return fmt.Errorf("clap: config.json: %w", err)
	}
	if err := c.Swin.Validate(); err != nil {
		return fmt.Errorf("clap: config.json: %w", err)
	}
	switch {
	case c.D < 1 || c.D > 1<<14:
		return fmt.Errorf("clap: config.json: projection_dim is %d, want 1 to %d", c.D, 1<<14)
	case hidden != c.Swin.Last():
		return fmt.Errorf("clap: config.json: hidden_size of the sounds is %d, want that of the last stage, %d", hidden, c.Swin.Last())
	case c.Frames() < audio.CLAPFrames:
		return fmt.Errorf("clap: config.json: a picture of %d holds %d frames, want %d or more", c.Size, c.Frames(), audio.CLAPFrames)
	}
	return nil
}
