package chiasm

import (
	"context"
	stdimage "image"
	"math"
)

// Scores says how well each of several texts fits each of several pictures or sounds.
type Scores struct {
	Logits [][]float32 // [image or sound][text]: temperature-scaled cosines
	// Sigmoid: each pair has a probability of its own (SigLIP), instead of one among others.
	Sigmoid bool
	ofTexts float32 // logits of sounds for a text (CLAP's logits_per_text) are so many times these; 0 for the same
}

// Similarity compares every text with every picture, as CLIP's logits_per_image does.
func (m *Model) Similarity(ctx context.Context, texts []string, imgs []stdimage.Image) (*Scores, error) {
	t, err := m.EmbedTexts(ctx, texts)
	if err != nil {
		return nil, err
	}
	i, err := m.EmbedImages(ctx, imgs)
	if err != nil {
		return nil, err
	}
	return m.Score(t, i), nil
}

// SimilarityAudio compares every text with every sound, as CLAP's logits_per_audio does.
func (m *Model) SimilarityAudio(ctx context.Context, texts []string, sounds []Sound) (*Scores, error) {
	t, err := m.EmbedTexts(ctx, texts)
	if err != nil {
		return nil, err
	}
	s, err := m.EmbedAudios(ctx, sounds)
	if err != nil {
		return nil, err
	}
	return m.ScoreAudio(t, s), nil
}

// Score is [Model.Similarity] for embeddings that are there already, of whatever kinds the model takes. It panics with a *SpaceError if
// they are not the model's.
func (m *Model) Score(texts, others []Embedding) *Scores {
	scale, bias := float32(1), float32(0) // of a model that was not trained on pairs: plain cosines
	if m.pairs != nil {
		scale, bias = m.pairs.Scale(), m.pairs.Bias()
	}
	return m.score(texts, others, scale, bias)
}

// ScoreAudio is [Model.Score] for sounds: another thing for a model whose cosines of texts with sounds and with pictures differ.
func (m *Model) ScoreAudio(texts, sounds []Embedding) *Scores {
	if f, ok := m.family.(calibrated); ok {
		if scale, bias, ok := f.Calibration("audio"); ok {
			return m.score(texts, sounds, scale, bias)
		}
	}
	return m.Score(texts, sounds)
}

func (m *Model) score(texts, others []Embedding, scale, bias float32) *Scores {
	s := &Scores{Logits: make([][]float32, len(others))}
	if m.pairs != nil {
		s.Sigmoid = m.pairs.Sigmoid()
	}
	if family, ok := m.family.(scalesTexts); ok {
		s.ofTexts = family.ScaleOfTexts() / scale
	}
	for i, other := range others {
		s.Logits[i] = make([]float32, len(texts))
		for j, text := range texts {
			s.Logits[i][j] = scale*other.Cosine(text) + bias
		}
	}
	return s
}

// PerAudio is [Scores.PerImage], by the name that fits sounds.
func (s *Scores) PerAudio() [][]float32 { return s.PerImage() }

// PerImage is the probabilities [image][text] of the texts given each picture: a softmax over its texts, or the sigmoid of each.
func (s *Scores) PerImage() [][]float32 {
	if s.Sigmoid {
		return s.sigmoids()
	}
	out := make([][]float32, len(s.Logits))
	for i, row := range s.Logits {
		out[i] = softmax(row)
	}
	return out
}

// PerText is the probabilities [image][text] of the pictures (or sounds) given each text: a softmax over them, or the sigmoid of each.
func (s *Scores) PerText() [][]float32 {
	if s.Sigmoid {
		return s.sigmoids()
	}
	out := make([][]float32, len(s.Logits))
	for i, row := range s.Logits {
		out[i] = make([]float32, len(row))
	}
	if len(s.Logits) == 0 {
		return out
	}
	column := make([]float32, len(s.Logits))
	for j := range s.Logits[0] {
		for i := range s.Logits {
			column[i] = s.Logits[i][j]
			if s.ofTexts > 0 {
				column[i] *= s.ofTexts
			}
		}
		for i, v := range softmax(column) {
			out[i][j] = v
		}
	}
	return out
}

func (s *Scores) sigmoids() [][]float32 {
	out := make([][]float32, len(s.Logits))
	for i, row := range s.Logits {
		out[i] = make([]float32, len(row))
		for j, v := range row {
			out[i][j] = float32(1 / (1 + math.Exp(-float64(v))))
		}
	}
	return out
}

func softmax(x []float32) []float32 {
	highest := math.Inf(-1)
	for _, v := range x {
		highest = max(highest, float64(v))
	}
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - highest)
	}
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(math.Exp(float64(v)-highest) / sum)
	}
	return out
}

func length(x []float32) float32 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return float32(math.Sqrt(sum))
}

func finite(x float32) bool { return !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0) }
