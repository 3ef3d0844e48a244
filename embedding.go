package chiasm

import (
	"fmt"
	"math"
	"slices"
)

// A Space is what makes vectors comparable: vectors of one space may meet, those of two never.
type Space struct {
	Model     string // hub id or name of the folder
	Revision  string // commit on the hub, or a fingerprint of the files
	Dimension int
	Text      string // id and revision of the model that reads the texts, "" where it is the same
}

// String is the form that is stored beside vectors, as in "openai/clip-vit-base-patch32@3d74acf9f4a2/512". Where another model reads the
// texts its id and revision follow after a plus sign.
func (s Space) String() string {
	text := ""
	if s.Text != "" {
		text = "+" + s.Text
	}
	return fmt.Sprintf("%s@%.12s%s/%d", s.Model, s.Revision, text, s.Dimension)
}

// An Embedding is a vector of length 1 in a space.
type Embedding struct {
	Values []float32 // [D]
	Length float32   // Euclidean length before it was scaled to 1
	Space  Space
}

// Vectors is the values of embeddings, without a copy. It takes what [Model.EmbedTexts] and its like return.
func Vectors(list []Embedding, err error) ([][]float32, error) {
	if err != nil {
		return nil, err
	}
	out := make([][]float32, len(list))
	for i, e := range list {
		out[i] = e.Values
	}
	return out, nil
}

// Dimensions are the lengths that the model's vectors were trained to be cut to, the whole first, by [Embedding.Truncate] or
// [Options.Dimension]; nil if it was not.
func (m *Model) Dimensions() []int {
	if cuts, ok := m.family.(cutsVectors); ok {
		return cuts.Dimensions()
	}
	return nil
}

// makesByTowers is a family that knows what its vectors of each modality are made by.
type makesByTowers interface {
	Fingerprint(modality string) string
}

// Fingerprint tells what the model's vectors of pictures ("image") or sounds ("audio") are made by: models that share it make the same
// vectors of the same files, into one space, however they read texts. So vectors that are stored need not be made anew where only the reading
// of texts has changed, by [Options.TextModel] or by a model that was trained on. It is "" for what the model does not take. Models whose
// parts are not told apart have their revision's.
func (m *Model) Fingerprint(modality string) string {
	if modality == "text" || !slices.Contains(m.modalities(), modality) {
		return ""
	}
	if towers, ok := m.family.(makesByTowers); ok {
		return towers.Fingerprint(modality)
	}
	return m.space.Model + "@" + m.space.Revision
}

// A SpaceError is the caller's bug of comparing vectors of two spaces. It is always a panic value.
type SpaceError struct{ A, B Space }

// Error names the two spaces.
func (e *SpaceError) Error() string {
	return fmt.Sprintf("chiasm: vectors of different spaces cannot be compared: %v and %v", e.A, e.B)
}

// Cosine is the similarity of two embeddings, from -1 to 1. It panics with a *SpaceError if they belong to different spaces.
func (e Embedding) Cosine(other Embedding) float32 {
	if e.Space != other.Space {
		panic(&SpaceError{e.Space, other.Space})
	}
	var sum float64
	for i, v := range e.Values {
		sum += float64(v) * float64(other.Values[i])
	}
	return float32(sum)
}

// Truncate is the first n values, scaled to length 1 again: a vector of a smaller space. Models trained for it (Kusupati et al. 2022,
// Matryoshka) lose little. An n of 0, or not below the dimension, changes nothing.
func (e Embedding) Truncate(n int) Embedding {
	if n <= 0 || n >= len(e.Values) {
		return e
	}
	var sum float64
	for _, v := range e.Values[:n] {
		sum += float64(v) * float64(v)
	}
	length := math.Sqrt(sum)
	out := Embedding{Values: make([]float32, n), Length: e.Length * float32(length), Space: e.Space}
	out.Space.Dimension = n
	for i, v := range e.Values[:n] {
		out.Values[i] = float32(float64(v) / max(length, 1e-12))
	}
	return out
}

// Raw is the vector as the model made it, before it was scaled to length 1.
func (e Embedding) Raw() []float32 {
	out := make([]float32, len(e.Values))
	for i, v := range e.Values {
		out[i] = v * e.Length
	}
	return out
}
