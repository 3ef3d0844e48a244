package chineseclip

import (
	"math"
	"strings"

	"github.com/chiasm/chiasm/model/bert"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// A Model is both towers and the projections into their common space. Its keys are those of transformers' ChineseCLIPModel, those within
// the text tower as package bert has them.
type Model struct {
	Text             *bert.Encoder  `weight:"text_model"`
	Vision           *vit.Tower     `weight:"vision_model"`
	TextProjection   *nn.Linear     `weight:"text_projection"`
	VisionProjection *nn.Linear     `weight:"visual_projection"`
	LogitScale       *tensor.Tensor `weight:"logit_scale"` // [], its logarithm
	Config           Config
}

// New makes a model without values. c must be valid.
func New(c Config) *Model {
	return &Model{
		Text: bert.New(c.Text), Vision: vit.New(c.Vision),
		TextProjection: nn.NewLinear(c.Text.Width, c.D, false), VisionProjection: nn.NewLinear(c.Vision.Width, c.D, false),
		LogitScale: tensor.Param(), Config: c,
	}
}

// EmbedText maps texts, given as ids with their special tokens and without padding, to vectors [B, D], not normalised. A text's first
// token stands for it.
func (m *Model) EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	x, err := m.Text.First(p, texts)
	if err != nil {
		return nil, err
	}
	return m.TextProjection.Forward(x), nil
}

// EmbedTextTokens is [Model.EmbedText] with the tokens of each text beside the vectors, special ones too, brought into the space by the
// projection of the vectors: [T, D], and where each text's lie.
func (m *Model) EmbedTextTokens(p *tensor.Pass, texts [][]int32) (x, tokens *tensor.Tensor, seq tensor.Spans, err error) {
	tokens, seq, err = m.Text.Forward(p, texts)
	if err != nil {
		return nil, nil, nil, err
	}
	return m.TextProjection.Forward(tokens.Select(seq[:len(texts)])), m.TextProjection.Forward(tokens), seq, nil
}

// EmbedImageTokens is [Model.EmbedImage] with tokens beside the vectors: those of the patches, on a grid of side by side places, brought into
// the space by the projection of the vectors, [B·side·side, D].
func (m *Model) EmbedImageTokens(pixels *tensor.Tensor, side int) (x, tokens *tensor.Tensor) {
	x, tokens = m.Vision.ForwardTokens(pixels, side)
	return m.VisionProjection.Forward(x), m.VisionProjection.Forward(tokens)
}

// EmbedImage maps pictures [B, 3, H, W], as the model's processor makes them, to vectors [B, D], not normalised.
func (m *Model) EmbedImage(pixels *tensor.Tensor) *tensor.Tensor {
	return m.VisionProjection.Forward(m.Vision.Forward(pixels))
}

// Scale is what cosines are multiplied by to give logits.
func (m *Model) Scale() float32 { return float32(math.Exp(float64(m.LogitScale.Floats()[0]))) }

// Bias is what is added to the scaled cosines: nothing.
func (m *Model) Bias() float32 { return 0 }

// Sigmoid reports that a logit stands for a probability of its own: never here, where logits are of alternatives.
func (m *Model) Sigmoid() bool { return false }

// Entries is a checkpoint in the form that a [Model] binds, without buffers.
func Entries(set *weights.Set) (entries []tensor.Entry) {
	const text = "text_model."
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		rest, ok := strings.CutPrefix(name, text)
		switch {
		case strings.HasSuffix(name, "position_ids"), strings.HasSuffix(name, "token_type_ids"), ok && strings.HasPrefix(rest, "pooler."):
			continue
		case ok:
			e.Name = text + bert.Rename(rest)
		}
		entries = append(entries, e)
	}
	return entries
}
