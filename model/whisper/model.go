package whisper

import (
	"fmt"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// eps is that of all layer norms.
const eps = 1e-5

// A Model is the network, with the keys of transformers' WhisperModel. The matrix of the embeddings is also the one that gives logits.
type Model struct {
	Encoder *Encoder `weight:"encoder"`
	Text    *Text    `weight:"decoder"`
	Config  Config
}

// New makes a model without values. c must be valid.
func New(c Config) *Model {
	return &Model{Encoder: newEncoder(&c), Text: newText(&c), Config: c}
}

// Encode hears windows: log-mel features [B, bands, 2·Frames], as package audio's Whisper makes them, to [B, Frames, C].
func (m *Model) Encode(mel *tensor.Tensor) *tensor.Tensor {
	c := &m.Config
	if mel.Rank() != 3 || mel.Dim(1) != c.Bands || mel.Dim(2) != 2*c.Frames {
		panic(&tensor.ShapeError{Op: "whisper: encode", Want: fmt.Sprintf("features [B, %d, %d]", c.Bands, 2*c.Frames), Got: mel.String()})
	}
	return m.Encoder.Forward(mel)
}

// SetFormat makes products read their weights in format f. The matrix of the embeddings, by which logits are made, is as large as all
// layers of the decoder of a small model, and takes the int8 formats as they do. With float32, weights of the decoder that are stored in
// half precision are read in it, to the same result: a step of the decoder takes as long as reading them. No pass may be using the model.
func (m *Model) SetFormat(f tensor.Format) {
	nn.SetFormat(m.Encoder, f)
	nn.SetFormat(m.Text, f)
	m.Text.Embed.SetFormat(f)
	if f != tensor.FormatF32 || !tensor.Native(tensor.FormatF16) {
		return
	}
	halve := func(ts ...*tensor.Tensor) {
		for _, t := range ts {
			if t.DType() == tensor.F16 && t.RowScales() == nil {
				t.SetFormat(tensor.FormatF16)
			}
		}
	}
	halve(m.Text.Embed)
	for _, b := range m.Text.Blocks { // but keys and values of what is heard, which many rows at once make
		halve(b.Self.Query.Weight, b.Self.Key.Weight, b.Self.Value.Weight, b.Self.Out.Weight)
		halve(b.Cross.Query.Weight, b.Cross.Out.Weight, b.MLP.Up.Weight, b.MLP.Down.Weight)
	}
}

// A Text is the network of the decoder: what it has said, and what it hears, to what it says next.
type Text struct {
	Embed     *tensor.Tensor `weight:"embed_tokens.weight"`    // [V, C]
	Positions *tensor.Tensor `weight:"embed_positions.weight"` // [Context, C]
	Blocks    []*TextBlock   `weight:"layers"`
	Norm      *nn.LayerNorm  `weight:"layer_norm"`
}

// A TextBlock is one layer of the decoder: it looks at what was said, then at what is heard.
type TextBlock struct {
	Norm1 *nn.LayerNorm `weight:"self_attn_layer_norm"`
	Self  *nn.Attention `weight:"self_attn"`
	Norm2 *nn.LayerNorm `weight:"encoder_attn_layer_norm"`
	Cross *nn.Attention `weight:"encoder_attn"`
	Norm3 *nn.LayerNorm `weight:"final_layer_norm"`
	MLP   *nn.MLP       `weight:""`
}

func newText(c *Config) *Text {
	t := &Text{Embed: tensor.Param(c.Vocab, c.Width), Positions: tensor.Param(c.Context, c.Width), Norm: nn.NewLayerNorm(c.Width, eps)}
	for range c.Decoder.Layers {
		b := &TextBlock{
			Norm1: nn.NewLayerNorm(c.Width, eps), Self: nn.NewAttention(c.Width, c.Decoder.Heads, true),
			Norm2: nn.NewLayerNorm(c.Width, eps), Cross: nn.NewAttention(c.Width, c.Decoder.Heads, false),
			Norm3: nn.NewLayerNorm(c.Width, eps), MLP: nn.NewMLP(c.Width, c.Decoder.Hidden, c.Act),
		}
		b.Self.Key.Bias, b.Cross.Key.Bias = nil, nil
		t.Blocks = append(t.Blocks, b)
	}
	return t
}

// logits maps the rows x [n, C] behind the last layer to [n, V].
func (t *Text) logits(x *tensor.Tensor) *tensor.Tensor {
	return t.Norm.Forward(x).Linear(t.Embed, nil, tensor.None)
}
