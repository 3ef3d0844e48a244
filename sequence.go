package chiasm

import (
	"context"
	"fmt"
	stdimage "image"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Sequence is what a tower makes of a thing: its embedding, and its tokens, for models that attend over them. A picture's are a grid of
// [ImageSide] by [ImageSide] places, row by row; a text's its tokens or words, in their order; a sound's in the order of time.
type Sequence struct {
	Embedding
	Tokens []float32 // [T, D], each of length 1, or 0: the tower's last hidden states, in the embedding's space where a projection leads there
}

// The bounds of [Sequence.Tokens]. Longer texts and sounds have the means of neighbours.
const (
	ImageSide       = 4
	MostTextTokens  = 32
	MostAudioTokens = 16
)

// givesTextTokens is a family whose text tower has tokens: [T, D], and where each text's lie.
type givesTextTokens interface {
	EmbedTextTokens(p *tensor.Pass, texts [][]int32) (x, tokens *tensor.Tensor, seq tensor.Spans, err error)
}

// givesImageTokens is a family whose image tower has tokens: on a grid of side by side places of each picture, [B·side·side, D].
type givesImageTokens interface {
	EmbedImageTokens(pixels *tensor.Tensor, side int) (x, tokens *tensor.Tensor)
}

// givesAudioTokens is a family whose sound tower has tokens, in the order of time.
type givesAudioTokens interface {
	EmbedAudioTokens(p *tensor.Pass, sounds [][]float32) (x, tokens *tensor.Tensor, seq tensor.Spans, err error)
}

// GivesTokens says of which things the model gives [Sequence]s.
func (m *Model) GivesTokens() (text, image, audio bool) {
	_, text = m.reader().text.(givesTextTokens)
	_, image = m.image.(givesImageTokens)
	_, audio = m.sound.(givesAudioTokens)
	return text, image, audio
}

// EmbedTextTokens is [Model.EmbedTexts] with the tokens of the texts.
func (m *Model) EmbedTextTokens(ctx context.Context, texts []string) ([]Sequence, error) {
	r := m.reader()
	tower, ok := r.text.(givesTextTokens)
	if !ok {
		return nil, m.lacks("give the tokens of texts")
	}
	out := make([]Sequence, 0, len(texts))
	err := r.inTexts(ctx, m.DefaultPrompt(), texts, func(p *tensor.Pass, ids [][]int32) error {
		x, tokens, seq, err := tower.EmbedTextTokens(p, ids)
		return r.sequences(p, x, tokens, seq, MostTextTokens, err, &out)
	})
	for i := range out {
		out[i].Space = m.space
	}
	return out, err
}

// EmbedImageTokens is [Model.EmbedImages] with the tokens of the pictures.
func (m *Model) EmbedImageTokens(ctx context.Context, imgs []stdimage.Image) ([]Sequence, error) {
	tower, ok := m.image.(givesImageTokens)
	if !ok {
		return nil, m.lacks("give the tokens of pictures")
	}
	out := make([]Sequence, 0, len(imgs))
	err := m.inImages(ctx, imgs, func(pixels *tensor.Tensor) error {
		const n = ImageSide * ImageSide
		x, tokens := tower.EmbedImageTokens(pixels, ImageSide)
		return m.sequences(pixels.Pass(), x, tokens, pixels.Pass().Spans(x.Rows(), n), n, nil, &out)
	})
	return out, err
}

// EmbedAudioTokens is [Model.EmbedAudios] with the tokens of the sounds.
func (m *Model) EmbedAudioTokens(ctx context.Context, sounds []Sound) ([]Sequence, error) {
	tower, ok := m.sound.(givesAudioTokens)
	if !ok {
		return nil, m.lacks("give the tokens of sounds")
	}
	out := make([]Sequence, 0, len(sounds))
	err := m.inSounds(ctx, sounds, func(p *tensor.Pass, samples [][]float32) error {
		x, tokens, seq, err := tower.EmbedAudioTokens(p, samples)
		return m.sequences(p, x, tokens, seq, MostAudioTokens, err, &out)
	})
	return out, err
}

// sequences appends vectors [B, D] and tokens [T, D], at most so many of each, to out, scaled to length 1, unless there was an error.
func (m *Model) sequences(p *tensor.Pass, x, tokens *tensor.Tensor, seq tensor.Spans, most int, err error, out *[]Sequence) error {
	var whole []Embedding
	if err := m.vectors(p, x, err, &whole); err != nil {
		return err
	}
	if seq.Longest() > most {
		tokens, seq = nn.RunMeans(tokens, seq, 1, most)
	}
	tokens = m.leading(tokens)
	values, d := tokens.Normalize(1e-12).Floats(), tokens.Dim(-1)
	if err := p.Err(); err != nil {
		return fmt.Errorf("chiasm: %s: %w", m.name, err)
	}
	for i, e := range whole {
		own := append([]float32(nil), values[int(seq[i])*d:int(seq[i+1])*d]...)
		for _, v := range own {
			if !finite(v) {
				return m.explain()
			}
		}
		*out = append(*out, Sequence{e, own})
	}
	return nil
}
