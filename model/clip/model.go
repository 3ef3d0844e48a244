package clip

import (
	"fmt"
	"math"

	"github.com/chiasm/chiasm/model/text"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Model is both towers and the projections into their common space. Its keys are those of transformers' CLIPModel.
type Model struct {
	Text             *text.Tower    `weight:"text_model"`
	Vision           *vit.Tower     `weight:"vision_model"`
	TextProjection   *nn.Linear     `weight:"text_projection"`
	VisionProjection *nn.Linear     `weight:"visual_projection"` // nil where the tower's own width is that of the space, or Head is set
	Head             *nn.MLP        `weight:"head"`              // of some timm towers
	LogitScale       *tensor.Tensor `weight:"logit_scale"`       // [], its logarithm
	LogitBias        *tensor.Tensor `weight:"logit_bias"`        // [], sigmoid-trained checkpoints only
	Config           Config
}

// New makes a model without values. It fails if c is impossible.
func New(c Config) (*Model, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m := &Model{
		Text: text.New(c.Text), Vision: vit.New(c.Vision),
		TextProjection: nn.NewLinear(c.Text.Width, c.D, c.Text.ProjectionBias), LogitScale: tensor.Param(), Config: c,
	}
	switch c.Head {
	case HeadLinear:
		m.VisionProjection = nn.NewLinear(c.Vision.Width, c.D, c.HeadBias)
	case HeadMLP:
		m.Head = nn.NewMLP(c.Vision.Width, 2*c.D, tensor.GELU)
		m.Head.Down = nn.NewLinear(2*c.D, c.D, c.HeadBias)
	case HeadNone:
		if c.Vision.Width != c.D {
			return nil, fmt.Errorf("clip: config: the image tower is %d wide and has no projection, want the space's %d", c.Vision.Width, c.D)
		}
	}
	if c.Bias {
		m.LogitBias = tensor.Param()
	}
	return m, nil
}

// EmbedText maps texts, given as ids with their special tokens, to vectors [B, D], not normalised.
func (m *Model) EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	x, err := m.Text.Forward(p, texts)
	if err != nil {
		return nil, err
	}
	return m.TextProjection.Forward(x), nil
}

// EmbedTextTokens is [Model.EmbedText] with the tokens of each text beside the vectors, special ones too, brought into the space by the
// projection of the vectors: [T, D], and where each text's lie.
func (m *Model) EmbedTextTokens(p *tensor.Pass, texts [][]int32) (x, tokens *tensor.Tensor, seq tensor.Spans, err error) {
	x, tokens, seq, err = m.Text.ForwardTokens(p, texts)
	if err != nil {
		return nil, nil, nil, err
	}
	return m.TextProjection.Forward(x), m.TextProjection.Forward(tokens), seq, nil
}

// EmbedImage maps pictures [B, 3, H, W], as the model's processor makes them, to vectors [B, D], not normalised.
func (m *Model) EmbedImage(pixels *tensor.Tensor) *tensor.Tensor {
	return m.project(m.Vision.Forward(pixels))
}

// EmbedImageTokens is [Model.EmbedImage] with tokens beside the vectors: those of the patches, on a grid of side by side places, brought into
// the space by the projection of the vectors, [B·side·side, D].
func (m *Model) EmbedImageTokens(pixels *tensor.Tensor, side int) (x, tokens *tensor.Tensor) {
	x, tokens = m.Vision.ForwardTokens(pixels, side)
	return m.project(x), m.project(tokens)
}

// project brings what the image tower makes into the space.
func (m *Model) project(x *tensor.Tensor) *tensor.Tensor {
	switch {
	case m.VisionProjection != nil:
		return m.VisionProjection.Forward(x)
	case m.Head != nil:
		return m.Head.Down.Forward(x.Linear(m.Head.Up.Weight, m.Head.Up.Bias, m.Head.Act))
	}
	return x
}

// Scale is what cosines are multiplied by to give logits.
func (m *Model) Scale() float32 {
	return float32(math.Exp(float64(m.LogitScale.Floats()[0])))
}

// Bias is what is added to the scaled cosines: 0 but for sigmoid-trained checkpoints.
func (m *Model) Bias() float32 {
	if m.LogitBias == nil {
		return 0
	}
	return m.LogitBias.Floats()[0]
}

// Sigmoid reports that a logit stands for a probability of its own: never, for CLIP, whose logits are of alternatives.
func (m *Model) Sigmoid() bool { return false }
