package chineseclip

import (
	"encoding/json"
	"fmt"

	"github.com/chiasm/chiasm/model/bert"
	"github.com/chiasm/chiasm/model/vit"
)

// A Config is the shape of a model.
type Config struct {
	D      int // dimension of the space
	Text   bert.Config
	Vision vit.Config
}

// ParseConfig reads transformers' config.json of a ChineseCLIPModel. What a file leaves out has transformers' default.
func ParseConfig(data []byte) (*Config, error) {
	file := struct {
		D         int              `json:"projection_dim"`
		Text      *json.RawMessage `json:"text_config"`
		Vision    *json.RawMessage `json:"vision_config"`
		TextOld   *json.RawMessage `json:"text_config_dict"`
		VisionOld *json.RawMessage `json:"vision_config_dict"`
	}{D: 512}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("chineseclip: config.json: %w", err)
	}
	if file.TextOld != nil { // the spellings of the first files count where there are both
		file.Text = file.TextOld
	}
	if file.VisionOld != nil {
		file.Vision = file.VisionOld
	}
	if file.D < 1 || file.D > 1<<14 {
		return nil, fmt.Errorf("chineseclip: config.json: projection_dim is %d, want 1 to %d", file.D, 1<<14)
	}
	vision, err := vit.ParseCLIP(file.Vision)
	if err != nil {
		return nil, fmt.Errorf("chineseclip: config.json: %w", err)
	}
	words := json.RawMessage("{}")
	if file.Text != nil {
		words = *file.Text
	}
	text, err := bert.ParseKind("bert", words)
	if err != nil {
		return nil, fmt.Errorf("chineseclip: config.json: text_config: %w", err)
	}
	return &Config{D: file.D, Text: *text, Vision: vision}, nil
}
