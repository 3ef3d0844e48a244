package embeddinggemma

import (
	"fmt"

	"github.com/chiasm/chiasm/model/gemma"
	"github.com/chiasm/chiasm/tensor"
)

// A Model is the towers. Its keys are those of transformers' EmbeddingGemma2Model, but for what [Entries] changes.
type Model struct {
	Text   *gemma.Text `weight:"language_model"`
	Config *Config
}

// New makes a model without values. c must be valid.
func New(c *Config) *Model {
	return &Model{Text: gemma.NewText(*c.Text), Config: c}
}

// EmbedText maps texts, given as ids with their special tokens and without padding, to vectors [B, D], not normalised.
func (m *Model) EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	seq := p.Spans(len(texts), 0)
	for i, ids := range texts {
		if len(ids) == 0 || len(ids) > m.Config.Context() {
			return nil, fmt.Errorf("embeddinggemma: sequence %d has %d tokens, want 1 to %d", i, len(ids), m.Config.Context())
		}
		seq[i+1] = seq[i] + int32(len(ids))
	}
	flat := p.Integers(seq.Rows())
	for i, ids := range texts {
		for j, id := range ids {
			if id == m.Config.Image || id == m.Config.Audio || id == m.Config.Video {
				id = m.Config.Text.Pad // these need not be in the table
			}
			flat[int(seq[i])+j] = id
		}
	}
	x, err := m.Text.Embed(p, flat)
	if err != nil {
		return nil, err
	}
	return m.Text.Pool(m.Text.Forward(x, seq), seq), nil
}
