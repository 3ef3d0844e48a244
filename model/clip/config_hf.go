package clip

import (
	"encoding/json"
	"fmt"

	"github.com/chiasm/chiasm/model/text"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
)

// ParseConfig reads transformers' config.json of a CLIPModel.
func ParseConfig(data []byte) (*Config, error) {
	file := struct {
		ProjectionDim int              `json:"projection_dim"`
		Text          *json.RawMessage `json:"text_config"`
		Vision        *json.RawMessage `json:"vision_config"`
		TextOld       *json.RawMessage `json:"text_config_dict"`
		VisionOld     *json.RawMessage `json:"vision_config_dict"`
	}{ProjectionDim: 512}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("clip: config.json: %w", err)
	}
	words := struct {
		Width     int     `json:"hidden_size"`
		Hidden    int     `json:"intermediate_size"`
		Layers    int     `json:"num_hidden_layers"`
		Heads     int     `json:"num_attention_heads"`
		Act       string  `json:"hidden_act"`
		Eps       float32 `json:"layer_norm_eps"`
		Vocab     int     `json:"vocab_size"`
		Positions int     `json:"max_position_embeddings"`
		End       *int32  `json:"eos_token_id"`
	}{Width: 512, Hidden: 2048, Layers: 12, Heads: 8, Act: "quick_gelu", Eps: 1e-5, Vocab: 49408, Positions: 77} // CLIPTextConfig's defaults
	if file.TextOld != nil { // the spellings of the first files count where there are both
		file.Text = file.TextOld
	}
	if file.VisionOld != nil {
		file.Vision = file.VisionOld
	}
	if file.Text != nil {
		if err := json.Unmarshal(*file.Text, &words); err != nil {
			return nil, fmt.Errorf("clip: config.json: text_config: %w", err)
		}
	}
	act, err := nn.Activation(words.Act)
	if err != nil {
		return nil, fmt.Errorf("clip: config.json: %w", err)
	}
	vision, err := vit.ParseCLIP(file.Vision)
	if err != nil {
		return nil, fmt.Errorf("clip: config.json: %w", err)
	}
	end := int32(49407) // the default of CLIPTextConfig
	if words.End != nil {
		end = *words.End
	}
	pool := text.PoolEnd
	if end == 2 { // files from before the end token was recorded correctly
		pool = text.PoolHighest
	}
	c := &Config{
		Layout: Transformers, Head: HeadLinear, D: file.ProjectionDim,
		Text: text.Config{
			Width: words.Width, Layers: words.Layers, Heads: words.Heads, Hidden: words.Hidden, Vocab: words.Vocab,
			Context: words.Positions, Act: act, Eps: words.Eps, Causal: true, Pool: pool, End: end,
		},
		Vision: vision,
	}
	return c, c.Validate()
}
