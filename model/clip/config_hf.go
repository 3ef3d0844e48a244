package clip

import (
	"encoding/json"
	"fmt"

	"github.com/chiasm/chiasm/model/text"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
)

// tower is what transformers' config.json says of either tower. The values set before decoding are CLIPTextConfig's and
// CLIPVisionConfig's defaults: files leave out what equals them.
type tower struct {
	HiddenSize            int     `json:"hidden_size"`
	IntermediateSize      int     `json:"intermediate_size"`
	NumHiddenLayers       int     `json:"num_hidden_layers"`
	NumAttentionHeads     int     `json:"num_attention_heads"`
	HiddenAct             string  `json:"hidden_act"`
	LayerNormEps          float32 `json:"layer_norm_eps"`
	VocabSize             int     `json:"vocab_size"`
	MaxPositionEmbeddings int     `json:"max_position_embeddings"`
	EOSTokenID            *int32  `json:"eos_token_id"`
	PadTokenID            *int32  `json:"pad_token_id"`
	ImageSize             int     `json:"image_size"`
	PatchSize             int     `json:"patch_size"`
	NumChannels           int     `json:"num_channels"`
}

// ParseConfig reads transformers' config.json of a CLIPModel.
func ParseConfig(data []byte) (*Config, error) {
	file := struct {
		ProjectionDim int             `json:"projection_dim"`
		Text          json.RawMessage `json:"text_config"`
		Vision        json.RawMessage `json:"vision_config"`
		TextOld       json.RawMessage `json:"text_config_dict"`
		VisionOld     json.RawMessage `json:"vision_config_dict"`
	}{ProjectionDim: 512}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("clip: config.json: %w", err)
	}
	words := tower{
		HiddenSize: 512, IntermediateSize: 2048, NumHiddenLayers: 12, NumAttentionHeads: 8, HiddenAct: "quick_gelu",
		LayerNormEps: 1e-5, VocabSize: 49408, MaxPositionEmbeddings: 77,
	}
	vision := tower{
		HiddenSize: 768, IntermediateSize: 3072, NumHiddenLayers: 12, NumAttentionHeads: 12, HiddenAct: "quick_gelu",
		LayerNormEps: 1e-5, ImageSize: 224, PatchSize: 32, NumChannels: 3,
	}
	for _, part := range []struct {
		name string
		data json.RawMessage
		into *tower
	}{
		// The _dict spellings of the first files win over the others where both are present.
		{"text_config", file.Text, &words}, {"text_config_dict", file.TextOld, &words},
		{"vision_config", file.Vision, &vision}, {"vision_config_dict", file.VisionOld, &vision},
	} {
		if len(part.data) > 0 {
			if err := json.Unmarshal(part.data, part.into); err != nil {
				return nil, fmt.Errorf("clip: config.json: %s: %w", part.name, err)
			}
		}
	}
	if vision.NumChannels != 3 {
		return nil, fmt.Errorf("clip: config.json: num_channels is %d, want 3", vision.NumChannels)
	}
	textAct, err := nn.Activation(words.HiddenAct)
	if err != nil {
		return nil, fmt.Errorf("clip: config: %w", err)
	}
	visionAct, err := nn.Activation(vision.HiddenAct)
	if err != nil {
		return nil, fmt.Errorf("clip: config: %w", err)
	}
	end := int32(49407) // the default of CLIPTextConfig
	if words.EOSTokenID != nil {
		end = *words.EOSTokenID
	}
	pool := text.PoolEnd
	if end == 2 { // files from before the end token was recorded correctly
		pool = text.PoolHighest
	}
	c := &Config{
		Layout: Transformers, Head: HeadLinear, D: file.ProjectionDim,
		Text: text.Config{
			Width: words.HiddenSize, Layers: words.NumHiddenLayers, Heads: words.NumAttentionHeads, Hidden: words.IntermediateSize,
			Vocab: words.VocabSize, Context: words.MaxPositionEmbeddings, Act: textAct, Eps: words.LayerNormEps,
			Causal: true, Pool: pool, End: end,
		},
		Vision: vit.Config{
			Width: vision.HiddenSize, Layers: vision.NumHiddenLayers, Heads: vision.NumAttentionHeads, Hidden: vision.IntermediateSize,
			Height: vision.ImageSize, Wide: vision.ImageSize, Patch: vision.PatchSize, Act: visionAct, Eps: vision.LayerNormEps,
			ClassToken: true, PreNorm: true, Pool: vit.PoolToken,
		},
	}
	return c, c.Validate()
}
