package dual

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/chiasm/chiasm/model/bert"
	"github.com/chiasm/chiasm/model/efficientnet"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// Kind is the model_type that config.json states.
const Kind = "chiasm_dual"

// A Config is the shape of a model, as config.json has it.
type Config struct {
	Architectures []string            `json:"architectures"`
	Type          string              `json:"model_type"`
	D             int                 `json:"projection_dim"` // of the space
	Context       int                 `json:"max_length"`     // tokens of the longest text
	Image         efficientnet.Config `json:"image_config"`
	Text          json.RawMessage     `json:"text_config"` // the config.json of the encoder
	text          *bert.Config
}

// ParseConfig reads a config.json.
func ParseConfig(data []byte) (*Config, error) {
	c := &Config{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("dual: config.json: %w", err)
	}
	if c.Type != Kind {
		return nil, fmt.Errorf("dual: config.json: model_type is %q, want %s", c.Type, Kind)
	}
	if c.D < 1 || c.D > 1<<14 {
		return nil, fmt.Errorf("dual: config.json: projection_dim is %d, want 1 to %d", c.D, 1<<14)
	}
	if err := c.Image.Validate(); err != nil {
		return nil, fmt.Errorf("dual: config.json: %w", err)
	}
	if c.Image.Classes != 0 {
		return nil, fmt.Errorf("dual: config.json: the image tower has %d classes, want none", c.Image.Classes)
	}
	var err error
	if c.text, err = bert.ParseConfig(c.Text); err != nil {
		return nil, fmt.Errorf("dual: %w", err)
	}
	if c.Context < 1 || c.Context > c.text.Context() {
		return nil, fmt.Errorf("dual: config.json: max_length is %d, want 1 to the encoder's %d", c.Context, c.text.Context())
	}
	return c, nil
}

// A Model is both towers, what leads from them into the space, and the scale of the cosines.
type Model struct {
	Image           *efficientnet.Tower `weight:"image_model"`
	ImageProjection *nn.Linear          `weight:"image_projection"`
	Text            *bert.Encoder       `weight:"text_model"`
	TextProjection  *nn.Linear          `weight:"text_projection"`
	LogitScale      *tensor.Tensor      `weight:"logit_scale"` // [], its logarithm
	Config          Config
}

// New makes a model without values. c must come from [ParseConfig].
func New(c Config) *Model {
	return &Model{
		Image: efficientnet.New(c.Image), ImageProjection: nn.NewLinear(c.Image.Head, c.D, false),
		Text: bert.New(*c.text), TextProjection: nn.NewLinear(c.text.Width, c.D, false), LogitScale: tensor.Param(), Config: c,
	}
}

// EmbedImage maps pictures [B, 3, H, W], as the model's processor makes them, to vectors [B, D], not normalised.
func (m *Model) EmbedImage(pixels *tensor.Tensor) *tensor.Tensor {
	return m.ImageProjection.Forward(m.Image.Features(pixels))
}

// EmbedImageTokens is [Model.EmbedImage] with tokens beside the vectors: what the last convolution sees on a grid of side by side places, brought
// into the space by the projection of the vectors, [B·side·side, D].
func (m *Model) EmbedImageTokens(pixels *tensor.Tensor, side int) (x, tokens *tensor.Tensor) {
	features, places := m.Image.FeaturesOn(pixels, side)
	return m.ImageProjection.Forward(features), m.ImageProjection.Forward(places)
}

// EmbedTextTokens is [Model.EmbedText] with the tokens of each text beside the vectors, special ones too, brought into the space by the
// projection of the vectors: [T, D], and where each text's lie.
func (m *Model) EmbedTextTokens(p *tensor.Pass, texts [][]int32) (x, tokens *tensor.Tensor, seq tensor.Spans, err error) {
	tokens, seq, err = m.Text.Forward(p, texts)
	if err != nil {
		return nil, nil, nil, err
	}
	return m.TextProjection.Forward(tokens.MeanRows(seq, 0)), m.TextProjection.Forward(tokens), seq, nil
}

// EmbedText maps texts, given as ids with their special tokens, to vectors [B, D], not normalised: the mean of the encoder's tokens, as
// sentence models take it, projected.
func (m *Model) EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	x, seq, err := m.Text.Forward(p, texts)
	if err != nil {
		return nil, err
	}
	return m.TextProjection.Forward(x.MeanRows(seq, 0)), nil
}

// Scale is what cosines are multiplied by to give logits.
func (m *Model) Scale() float32 { return float32(math.Exp(float64(m.LogitScale.Floats()[0]))) }

// Bias is what is added to the scaled cosines: nothing.
func (m *Model) Bias() float32 { return 0 }

// Sigmoid reports that a logit stands for a probability among several, not for one of its own.
func (m *Model) Sigmoid() bool { return false }
