package gemma

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A TextConfig is the shape of a [Text].
type TextConfig struct {
	Width, Hidden, Heads, Vocab int
	Input                       int // width of what each layer takes of the tower's input
	Dimension                   int // of the space
	Positions                   int
	Act                         tensor.Activation
	Eps                         float32
	Pad                         int32
	Layers                      []LayerConfig
}

// A LayerConfig is what layers differ in.
type LayerConfig struct {
	Keys, D int     // heads of keys, and the width of a head
	Window  int     // how far a token sees to either side; 0 for as far as there is
	Theta   float64 // of the rotary positions
}

// rope is the rotary positions of a kind of layers.
type rope struct {
	Theta float64 `json:"rope_theta"`
	Type  string  `json:"rope_type"`
}

// The kinds of layers.
const (
	sliding = "sliding_attention"
	full    = "full_attention"
)

// ParseTextConfig reads the text_config of transformers' EmbeddingGemma2Config. What a file leaves out has the reference's default.
func ParseTextConfig(data []byte) (*TextConfig, error) {
	file := struct {
		Width     int             `json:"hidden_size"`
		Hidden    int             `json:"intermediate_size"`
		Layers    int             `json:"num_hidden_layers"`
		Heads     int             `json:"num_attention_heads"`
		Keys      int             `json:"num_key_value_heads"`
		D         int             `json:"head_dim"`
		Vocab     int             `json:"vocab_size"`
		Positions int             `json:"max_position_embeddings"`
		Window    int             `json:"sliding_window"`
		Input     int             `json:"hidden_size_per_layer_input"`
		Dimension int             `json:"embedding_dim"`
		Act       string          `json:"hidden_activation"`
		Eps       float32         `json:"rms_norm_eps"`
		Pad       int32           `json:"pad_token_id"`
		Bias      bool            `json:"attention_bias"`
		Types     []string        `json:"layer_types"`
		Ropes     map[string]rope `json:"rope_parameters"`
		Pattern   int             `json:"sliding_window_pattern"`
		PerLayer  map[string]struct {
			D    int `json:"head_dim"`
			Keys int `json:"num_key_value_heads"`
		} `json:"per_layer_config"`
		FullD    int `json:"global_head_dim"`
		FullKeys int `json:"num_global_key_value_heads"`
	}{
		Width: 512, Hidden: 2048, Layers: 24, Heads: 4, Keys: 2, D: 256, Vocab: 262144, Positions: 262144, Window: 512, Input: 512, Dimension: 768,
		Act: "gelu_pytorch_tanh", Eps: 1e-6, Pattern: 6, FullD: 512, FullKeys: 1,
		Ropes: map[string]rope{sliding: {1e4, "default"}, full: {1e6, "default"}},
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("gemma: text_config: %w", err)
	}
	c := &TextConfig{
		Width: file.Width, Hidden: file.Hidden, Heads: file.Heads, Vocab: file.Vocab, Input: file.Input, Dimension: file.Dimension,
		Positions: file.Positions, Eps: file.Eps, Pad: file.Pad,
	}
	if file.Bias {
		return nil, fmt.Errorf("gemma: text_config: attention_bias is true, want none")
	}
	var err error
	if c.Act, err = nn.Activation(file.Act); err != nil {
		return nil, fmt.Errorf("gemma: text_config: %w", err)
	}
	if file.Layers < 1 || file.Layers > maxLayers || file.Types != nil && len(file.Types) != file.Layers {
		return nil, fmt.Errorf("gemma: text_config: %d layers of %d types, want as many, 1 to %d", file.Layers, len(file.Types), maxLayers)
	}
	if file.Pattern < 1 {
		return nil, fmt.Errorf("gemma: text_config: sliding_window_pattern is %d, want 1 or more", file.Pattern)
	}
	for i := range file.Layers {
		kind := sliding
		switch {
		case i == file.Layers-1: // the reference insists
			kind = full
		case file.Types != nil:
			kind = file.Types[i]
		case (i+1)%file.Pattern == 0:
			kind = full
		}
		r, ok := file.Ropes[kind]
		if !ok || r.Type != "default" || !(r.Theta > 1) {
			return nil, fmt.Errorf("gemma: text_config: rope_parameters of %s are %v, want rope_type default", kind, r)
		}
		l := LayerConfig{Keys: file.Keys, D: file.D, Theta: r.Theta}
		if kind == sliding {
			l.Window = file.Window
		} else if kind == full && file.PerLayer == nil {
			l.D, l.Keys = file.FullD, file.FullKeys
		}
		c.Layers = append(c.Layers, l)
	}
	for key, own := range file.PerLayer {
		i, err := strconv.Atoi(key) // files spell 5 as 05 as well
		if err != nil || i < 0 || i >= len(c.Layers) {
			return nil, fmt.Errorf("gemma: text_config: per_layer_config of layer %q, want 0 to %d", key, len(c.Layers)-1)
		}
		if own.D != 0 {
			c.Layers[i].D = own.D
		}
		if own.Keys != 0 {
			c.Layers[i].Keys = own.Keys
		}
	}
	return c, c.validate(file.Window)
}

const maxLayers = 1 << 10

func (c *TextConfig) validate(window int) error {
	if err := within("text_config", []bound{
		{"hidden_size", c.Width, 1 << 14}, {"intermediate_size", c.Hidden, 1 << 17}, {"num_attention_heads", c.Heads, 1 << 10},
		{"vocab_size", c.Vocab, 1 << 24}, {"hidden_size_per_layer_input", c.Input, 1 << 14}, {"embedding_dim", c.Dimension, 1 << 16},
		{"max_position_embeddings", c.Positions, 1 << 24}, {"sliding_window", window, 1 << 24},
	}); err != nil {
		return err
	}
	for i, l := range c.Layers {
		if l.D < 1 || l.D > 1<<12 || l.D%2 != 0 || l.Keys < 1 || c.Heads%l.Keys != 0 {
			return fmt.Errorf("gemma: text_config: layer %d has heads of %d and %d of keys, want an even width and a divisor of %d", i, l.D, l.Keys, c.Heads)
		}
	}
	if c.Pad < 0 || int(c.Pad) >= c.Vocab {
		return fmt.Errorf("gemma: text_config: pad_token_id is %d, want 0 to %d", c.Pad, c.Vocab-1)
	}
	return nil
}

// A bound is the range of a number in a configuration, from 1 on.
type bound struct {
	name       string
	value, max int
}

func within(section string, bounds []bound) error {
	for _, b := range bounds {
		if b.value < 1 || b.value > b.max {
			return fmt.Errorf("gemma: %s: %s is %d, want 1 to %d", section, b.name, b.value, b.max)
		}
	}
	return nil
}
