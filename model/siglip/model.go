package siglip

import (
	"math"
	"strings"

	"github.com/chiasm/chiasm/model/text"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// A Model is both towers. Its keys are those of transformers' SiglipModel, with the fused projection of the pooling head apart.
type Model struct {
	Text       *text.Tower    `weight:"text_model"`
	TextHead   *nn.Linear     `weight:"text_model.head"`
	Vision     *vit.Tower     `weight:"vision_model"`
	LogitScale *tensor.Tensor `weight:"logit_scale"` // [1], its logarithm
	LogitBias  *tensor.Tensor `weight:"logit_bias"`  // [1]
	Config     Config
}

// New makes a model without values. c must be valid.
func New(c Config) *Model {
	return &Model{
		Text: text.New(c.Text), TextHead: nn.NewLinear(c.Text.Width, c.D(), true), Vision: vit.New(c.Vision),
		LogitScale: tensor.Param(1), LogitBias: tensor.Param(1), Config: c,
	}
}

// EmbedText maps texts, given as ids with their special tokens, to vectors [B, D], not normalised.
func (m *Model) EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	x, err := m.Text.Forward(p, texts)
	if err != nil {
		return nil, err
	}
	return m.TextHead.Forward(x), nil
}

// EmbedTextTokens is [Model.EmbedText] with the tokens of each text beside the vectors, special ones too but no padding, brought into the
// space by the head of the vectors: [T, D], and where each text's lie.
func (m *Model) EmbedTextTokens(p *tensor.Pass, texts [][]int32) (x, tokens *tensor.Tensor, seq tensor.Spans, err error) {
	x, tokens, seq, err = m.Text.ForwardTokens(p, texts)
	if err != nil {
		return nil, nil, nil, err
	}
	return m.TextHead.Forward(x), m.TextHead.Forward(tokens), seq, nil
}

// EmbedImageTokens is [Model.EmbedImage] with tokens beside the vectors: those of the patches that the pooling head sees, on a grid of side
// by side places, [B·side·side, D]. That head is no projection, so they are no vectors of the space.
func (m *Model) EmbedImageTokens(pixels *tensor.Tensor, side int) (x, tokens *tensor.Tensor) {
	return m.Vision.ForwardTokens(pixels, side)
}

// EmbedImage maps pictures [B, 3, H, W], as the model's processor makes them, to vectors [B, D], not normalised.
func (m *Model) EmbedImage(pixels *tensor.Tensor) *tensor.Tensor { return m.Vision.Forward(pixels) }

// Scale is what cosines are multiplied by to give logits.
func (m *Model) Scale() float32 { return float32(math.Exp(float64(m.LogitScale.Floats()[0]))) }

// Bias is what is added to the scaled cosines.
func (m *Model) Bias() float32 { return m.LogitBias.Floats()[0] }

// Sigmoid reports that a logit stands for a probability of its own, its sigmoid, rather than for one among others.
func (m *Model) Sigmoid() bool { return true }

// Entries is a checkpoint in the form that a [Model] binds.
func Entries(set *weights.Set) (entries []tensor.Entry, err error) {
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		switch {
		case strings.HasSuffix(name, "position_ids"):
		case strings.Contains(name, ".in_proj_"):
			e.Name = strings.Replace(name, ".in_proj_", ".qkv.", 1)
			split, err := nn.SplitQKV(e)
			if err != nil {
				return nil, err
			}
			entries = append(entries, split...)
		default:
			entries = append(entries, e)
		}
	}
	return entries, nil
}
