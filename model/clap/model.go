package clap

import (
	"fmt"
	"math"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/bert"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Model is both towers. Its keys are those of transformers' ClapModel, with the names of blocks as [nn.Block] has them.
type Model struct {
	Text       *bert.Encoder  `weight:"text_model"`
	TextPool   *nn.Linear     `weight:"text_model.pooler.dense"`
	TextHead   *Head          `weight:"text_projection"`
	Sound      *Sound         `weight:"audio_model.audio_encoder"`
	SoundHead  *Head          `weight:"audio_projection"`
	SoundScale *tensor.Tensor `weight:"logit_scale_a"` // scalar: the logarithm of what cosines are multiplied by, over texts
	TextScale  *tensor.Tensor `weight:"logit_scale_t"` // scalar: likewise, over sounds
	Config     Config
	front      *audio.CLAP
}

// A Head leads from a tower into the space.
type Head struct {
	In  *nn.Linear `weight:"linear1"`
	Out *nn.Linear `weight:"linear2"`
	Act tensor.Activation
}

func newHead(c *Config, width int) *Head {
	return &Head{nn.NewLinear(width, c.D, true), nn.NewLinear(c.D, c.D, true), c.Act}
}

// Forward maps x [B, C] to [B, D].
func (h *Head) Forward(x *tensor.Tensor) *tensor.Tensor {
	return h.Out.Forward(x.Linear(h.In.Weight, h.In.Bias, h.Act))
}

// New makes a model without values. c must be valid.
func New(c Config) *Model {
	return &Model{
		Text: bert.New(c.Text), TextPool: nn.NewLinear(c.Text.Width, c.Text.Width, true), TextHead: newHead(&c, c.Text.Width),
		Sound: newSound(&c), SoundHead: newHead(&c, c.Swin.Last()),
		SoundScale: tensor.Param(), TextScale: tensor.Param(), Config: c, front: audio.NewCLAP(c.Fusion, c.Low),
	}
}

// EmbedText maps texts, given as ids with their special tokens and without padding, to vectors [B, D], not normalised.
func (m *Model) EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	x, err := m.Text.First(p, texts)
	if err != nil {
		return nil, err
	}
	return m.TextHead.Forward(m.TextPool.Forward(x).Tanh()), nil
}

// EmbedAudio maps sounds, one channel at AudioRate, to vectors [B, D], not normalised. What follows after AudioLimit samples is left
// out. Each sound's vector is the one that the reference gives it alone: with fusion the reference takes a short sound for a long one if
// none of its batch is long, and one that is alone therefore always.
func (m *Model) EmbedAudio(p *tensor.Pass, sounds [][]float32) (*tensor.Tensor, error) {
	if len(sounds) == 0 {
		return p.Empty(0, m.Config.D), nil
	}
	features := p.Empty(len(sounds), m.front.Images(), audio.CLAPFrames, audio.CLAPBands)
	size := features.Len() / len(sounds)
	for i, sound := range sounds {
		if len(sound) == 0 {
			return nil, fmt.Errorf("clap: sound %d has no samples", i)
		}
		if p.Err() == nil {
			m.front.Features(features.Floats()[i*size:][:size], sound[:min(len(sound), m.AudioLimit())])
		}
	}
	return m.SoundHead.Forward(m.Sound.Forward(features)), nil
}

// AudioRate is the samples a second that sounds must have.
func (m *Model) AudioRate() int { return audio.CLAPRate }

// AudioLimit is how many samples of a sound its vector hears: ten seconds, or ten minutes with fusion, which shrinks the whole in time.
func (m *Model) AudioLimit() int {
	if m.Config.Fusion {
		return 600 * audio.CLAPRate
	}
	return audio.CLAPSamples
}

// AudioTokens is how many tokens a sound is, whatever its length: shorter ones are repeated.
func (m *Model) AudioTokens(int) int { return m.Config.Swin.Rows * m.Config.Swin.Cols }

// Scale is what cosines are multiplied by to give the logits of texts for a sound (the reference's logits_per_audio).
func (m *Model) Scale() float32 { return exp(m.SoundScale) }

// ScaleOfTexts is what cosines are multiplied by to give the logits of sounds for a text (the reference's logits_per_text).
func (m *Model) ScaleOfTexts() float32 { return exp(m.TextScale) }

func exp(t *tensor.Tensor) float32 { return float32(math.Exp(float64(t.Floats()[0]))) }

// Bias is what is added to the scaled cosines: nothing.
func (m *Model) Bias() float32 { return 0 }

// Sigmoid reports that a logit stands for a probability among several, not for one of its own.
func (m *Model) Sigmoid() bool { return false }
