package mini

import (
	"encoding/json"
	"fmt"

	"github.com/chiasm/chiasm/model/efficientnet"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Config is the shape of a model and the numbers that were found beside its weights.
type Config struct {
	ModelType  string      `json:"model_type"` // "chiasm_mini"
	Revision   string      `json:"revision"`   // tells these weights from others
	Dimension  int         `json:"dimension"`
	Image      string      `json:"image"` // the architecture of the image tower, as efficientnet.Named knows it
	Classes    int         `json:"classes"`
	HeadHidden int         `json:"head_hidden"`
	Sight      SightConfig `json:"sight"`
	Vocabulary int         `json:"vocabulary"`
	TextWidth  int         `json:"text_width"`
	TextHidden int         `json:"text_hidden"`
	Context    int         `json:"context"` // pieces that are read of a text
	// A cosine c of a text and a picture is that of a pair that belongs together with the probability sigmoid(Scale·c + Bias), if as many
	// do as don't.
	Scale float32 `json:"scale"`
	Bias  float32 `json:"bias"`
}

// Kind is what config.json calls the architecture.
const Kind = "chiasm_mini"

// ParseConfig reads a config.json.
func ParseConfig(data []byte) (*Config, error) {
	c := &Config{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("mini: config.json: %w", err)
	}
	return c, c.validate()
}

// validate says what makes c impossible.
func (c *Config) validate() error {
	if c.ModelType != Kind {
		return fmt.Errorf("mini: config.json: model_type %q, want %s", c.ModelType, Kind)
	}
	for _, f := range []struct {
		name            string
		value, min, max int
	}{
		{"dimension", c.Dimension, 1, 1 << 12}, {"classes", c.Classes, 1, 1 << 16}, {"head_hidden", c.HeadHidden, 1, 1 << 14},
		{"vocabulary", c.Vocabulary, 1, 1 << 20}, {"text_width", c.TextWidth, 1, 1 << 12}, {"text_hidden", c.TextHidden, 1, 1 << 14},
		{"context", c.Context, 1, 1 << 16}, {"sight.likeliest", c.Sight.Likeliest, 1, c.Classes},
	} {
		if f.value < f.min || f.value > f.max {
			return fmt.Errorf("mini: config.json: %s is %d, want %d to %d", f.name, f.value, f.min, f.max)
		}
	}
	if !(c.Sight.Temperature > 0) {
		return fmt.Errorf("mini: config.json: sight.temperature is %v, want more than 0", c.Sight.Temperature)
	}
	return nil
}

// A Model is the towers of a model.
type Model struct {
	Image  *efficientnet.Tower `weight:"image"`
	Sight  *Sight              `weight:"sight"`
	Text   *Text               `weight:"text"`
	Config Config
}

// New makes a model without values.
func New(c *Config) (*Model, error) {
	shape, err := efficientnet.Named(c.Image)
	if err != nil {
		return nil, fmt.Errorf("mini: config.json: image: %w", err)
	}
	shape.Classes = c.Classes
	return &Model{Image: folded(shape), Sight: NewSight(c), Text: NewText(c), Config: *c}, nil
}

// folded is a tower without values whose norms are in its convolutions already.
func folded(c efficientnet.Config) *efficientnet.Tower {
	t := efficientnet.New(c)
	fold := func(l *nn.Linear, n **nn.BatchNorm) {
		l.Bias, *n = tensor.Param(l.Weight.Dim(0)), nil
	}
	fold(t.Stem, &t.Norm1)
	fold(t.Head, &t.Norm2)
	for _, stage := range t.Stages {
		for _, b := range stage {
			if b.Narrow == nil {
				fold(b.Depth, &b.Norm1)
				fold(b.Point, &b.Norm2)
				continue
			}
			fold(b.Point, &b.Norm1)
			fold(b.Depth, &b.Norm2)
			fold(b.Narrow, &b.Norm3)
		}
	}
	return t
}
