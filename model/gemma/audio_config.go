package gemma

import (
	"encoding/json"
	"fmt"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// An AudioConfig is the shape of an [Audio].
type AudioConfig struct {
	Width, Layers, Heads int
	Bands                int    // features of a frame
	Channels             [2]int // of the convolutions that halve time and frequency
	Taps                 int    // of the convolutions of each channel
	Chunk, Left, Right   int    // tokens of the reference's blocks, and what they see of their neighbours
	Cap                  float32
	Part                 float32 // of an MLP that is added
	Output               int
	Act                  tensor.Activation
	Eps                  float32
	Clipped              bool // layers with bounds
}

// ParseAudioConfig reads the audio_config of a Gemma 4. What a file leaves out has the reference's default.
func ParseAudioConfig(data []byte) (*AudioConfig, error) {
	file := struct {
		Type     string  `json:"model_type"`
		Width    int     `json:"hidden_size"`
		Layers   int     `json:"num_hidden_layers"`
		Heads    int     `json:"num_attention_heads"`
		Channels []int   `json:"subsampling_conv_channels"`
		Taps     int     `json:"conv_kernel_size"`
		Chunk    int     `json:"attention_chunk_size"`
		Left     int     `json:"attention_context_left"`
		Right    int     `json:"attention_context_right"`
		Cap      float32 `json:"attention_logit_cap"`
		Part     float32 `json:"residual_weight"`
		Output   int     `json:"output_proj_dims"`
		Act      string  `json:"hidden_act"`
		Eps      float32 `json:"rms_norm_eps"`
		Clipping float64 `json:"gradient_clipping"`
		Clipped  bool    `json:"use_clipped_linears"`
	}{
		Type: "gemma4_audio", Width: 1024, Layers: 12, Heads: 8, Taps: 5, Chunk: 12, Left: 13, Cap: 50, Part: 0.5, Output: 1536,
		Act: "silu", Eps: 1e-6, Clipping: 1e10, Clipped: true,
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("gemma: audio_config: %w", err)
	}
	if file.Channels == nil {
		file.Channels = []int{128, 32}
	}
	if file.Type != "gemma4_audio" || len(file.Channels) != 2 || file.Clipping < 1e9 || !(file.Cap > 0) {
		return nil, fmt.Errorf("gemma: audio_config: model_type %q, subsampling_conv_channels %v, gradient_clipping %v, attention_logit_cap %v, want gemma4_audio, two, 1e9 or more and a positive one",
			file.Type, file.Channels, file.Clipping, file.Cap)
	}
	c := &AudioConfig{
		Width: file.Width, Layers: file.Layers, Heads: file.Heads, Bands: file.Channels[0], // so the reference counts
		Channels: [2]int{file.Channels[0], file.Channels[1]}, Taps: file.Taps, Chunk: file.Chunk, Left: file.Left, Right: file.Right,
		Cap: file.Cap, Part: file.Part, Output: file.Output, Eps: file.Eps, Clipped: file.Clipped,
	}
	var err error
	if c.Act, err = nn.Activation(file.Act); err != nil {
		return nil, fmt.Errorf("gemma: audio_config: %w", err)
	}
	if err := within("audio_config", []bound{
		{"hidden_size", c.Width, 1 << 14}, {"num_hidden_layers", c.Layers, maxLayers}, {"num_attention_heads", c.Heads, 1 << 10},
		{"subsampling_conv_channels", c.Channels[0], 1 << 12}, {"subsampling_conv_channels", c.Channels[1], 1 << 12},
		{"conv_kernel_size", c.Taps, 1 << 10}, {"attention_chunk_size", c.Chunk, 1 << 12}, {"attention_context_left", c.Left, 1 << 12},
		{"attention_context_right", c.Right + 1, 1 << 12}, {"output_proj_dims", c.Output, 1 << 16},
	}); err != nil {
		return nil, err
	}
	if c.Width%c.Heads != 0 || c.Width%2 != 0 || c.Bands%4 != 0 || c.Left < 2 {
		return nil, fmt.Errorf("gemma: audio_config: %d heads in %d, %d bands and attention_context_left %d, want a divisor of an even number, a multiple of 4 and 2 or more", c.Heads, c.Width, c.Bands, c.Left)
	}
	return c, nil
}
