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
	Dimension  int         `json:"dimension"`
	Image      string      `json:"image"` // the architecture of the image tower, as efficientnet.Named knows it
	Classes    int         `json:"classes"`
	ImageWidth float64     `json:"image_width,omitempty"` // in place of the architecture's factor of channels
	ImageHead  int         `json:"image_head,omitempty"`  // in place of the architecture's features
	HeadHidden int         `json:"head_hidden"`
	Sight      SightConfig `json:"sight"`
	Vocabulary int         `json:"vocabulary"`
	TextWidth  int         `json:"text_width"`
	TextHidden int         `json:"text_hidden"`
	Context    int         `json:"context"`       // pieces that are read of a text
	Ear        *EarConfig  `json:"ear,omitempty"` // of a model that hears
	// A cosine c of a text and a picture says that the two belong together with the probability sigmoid(Scale·c + Bias). Of texts that mean
	// none of some thirty photographs, two in five have one at even odds or above.
	Scale float32 `json:"scale"`
	Bias  float32 `json:"bias"`
	// The same of a text and a sound; a scale of 0 says nothing of them.
	SoundScale float32 `json:"sound_scale,omitempty"`
	SoundBias  float32 `json:"sound_bias,omitempty"`
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
		{"dimension", c.Dimension, 2, 1 << 12}, {"classes", c.Classes, 1, 1 << 16}, {"head_hidden", c.HeadHidden, 1, 1 << 14},
		{"vocabulary", c.Vocabulary, 1, 1 << 20}, {"text_width", c.TextWidth, 1, 1 << 12}, {"text_hidden", c.TextHidden, 1, 1 << 14},
		{"context", c.Context, 1, 1 << 16}, {"sight.likeliest", c.Sight.Likeliest, 1, c.Classes},
	} {
		if f.value < f.min || f.value > f.max {
			return fmt.Errorf("mini: config.json: %s is %d, want %d to %d", f.name, f.value, f.min, f.max)
		}
	}
	if e := c.Ear; e != nil {
		if e.Width < 1 || e.Width > 1<<12 || e.Layers < 1 || e.Layers > 64 || e.Heads < 1 || e.Width%e.Heads != 0 || e.Hidden < 1 || e.Hidden > 1<<14 || e.Key < 1 || e.Key > 1<<12 {
			return fmt.Errorf("mini: config.json: ear is %+v, want layers of a width of up to 4096 in equal heads", *e)
		}
	}
	if !(c.Sight.Temperature > 0) {
		return fmt.Errorf("mini: config.json: sight.temperature is %v, want more than 0", c.Sight.Temperature)
	}
	if !(c.Sight.Centre >= 0 && c.Sight.Centre <= 1) {
		return fmt.Errorf("mini: config.json: sight.centre is %v, want 0 to 1", c.Sight.Centre)
	}
	return nil
}

// A Model is the towers of a model.
type Model struct {
	Image  *efficientnet.Tower `weight:"image"`
	Sight  *Sight              `weight:"sight"`
	Text   *Text               `weight:"text"`
	Sound  *Sound              `weight:"sound"` // nil if it does not hear
	Config Config
}

// New makes a model without values, which may hear the words of a lexicon if its configuration has an ear.
func New(c *Config, lexicon []string) (*Model, error) {
	shape, err := c.imageShape()
	if err != nil {
		return nil, err
	}
	m := &Model{Image: folded(shape), Sight: NewSight(c, shape.Head), Text: NewText(c), Config: *c}
	if c.Ear != nil {
		m.Sound = &Sound{Ear: NewEar(*c.Ear), Lexicon: NewLexicon(lexicon, c.Ear.Key)}
	}
	return m, nil
}

// imageShape is that of the image tower.
func (c *Config) imageShape() (efficientnet.Config, error) {
	shape, err := efficientnet.Named(c.Image)
	if err != nil {
		return shape, fmt.Errorf("mini: config.json: image: %w", err)
	}
	shape.Classes = c.Classes
	if c.ImageWidth != 0 {
		shape.Width = c.ImageWidth
	}
	if c.ImageHead != 0 {
		shape.Head = c.ImageHead
	}
	if err := shape.Validate(); err != nil {
		return shape, fmt.Errorf("mini: config.json: image: %w", err)
	}
	return shape, nil
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
