package study

import (
	"context"
	stdimage "image"
	"maps"
	"slices"

	"github.com/chiasm/chiasm"
	pictures "github.com/chiasm/chiasm/media/image"
)

// An embedder is what can be examined: an opened model, or one that is being taught. Vectors have length 1.
type embedder interface {
	dimension() int
	sees() bool
	hears() (rate, limit int)                   // 0 if it does not
	cuts(text string) bool                      // whether a text is longer than what is read of it
	knows(text string) bool                     // whether there is a token for anything in a text
	options() *pictures.Options                 // how pictures are to be read
	scale() (scale, bias float64, sigmoid bool) // from cosines to logits
	embedTexts(ctx context.Context, texts []string) ([][]float32, error)
	embedImages(ctx context.Context, images []*pictures.RGB) ([][]float32, error)
	embedSounds(ctx context.Context, sounds [][]float32) ([][]float32, error)
}

// opened is a model as an embedder.
type opened struct {
	*chiasm.Model
	shrink bool // JPEG files are decoded at a reduced size where that is enough
	words  known
}

func (o *opened) dimension() int           { return o.Space().Dimension }
func (o *opened) sees() bool               { return o.Processor() != nil }
func (o *opened) hears() (rate, limit int) { return o.Hears() }
func (o *opened) cuts(text string) bool    { return o.Tokenize(text).Truncated }

func (o *opened) knows(text string) bool {
	return o.words.knows(text, func(s string) []int32 { return o.TokenizePrompted("", s).IDs })
}

func (o *opened) options() *pictures.Options {
	read := o.Processor().Options()
	if o.shrink {
		read.Shrink = o.Processor()
	}
	return &read
}

// scale is found by two comparisons, which a model's own scores of itself are.
func (o *opened) scale() (scale, bias float64, sigmoid bool) {
	unit := func(v ...float32) chiasm.Embedding {
		e := chiasm.Embedding{Values: make([]float32, o.Space().Dimension), Length: 1, Space: o.Space()}
		copy(e.Values, v)
		return e
	}
	s := o.Score([]chiasm.Embedding{unit(1), unit(-1)}, []chiasm.Embedding{unit(1)})
	up, down := float64(s.Logits[0][0]), float64(s.Logits[0][1])
	return (up - down) / 2, (up + down) / 2, s.Sigmoid
}

func (o *opened) embedTexts(ctx context.Context, texts []string) ([][]float32, error) {
	return chiasm.Vectors(o.EmbedTexts(ctx, texts))
}

func (o *opened) embedImages(ctx context.Context, images []*pictures.RGB) ([][]float32, error) {
	list := make([]stdimage.Image, len(images))
	for i, img := range images {
		list[i] = img
	}
	return chiasm.Vectors(o.EmbedImages(ctx, list))
}

func (o *opened) embedSounds(ctx context.Context, sounds [][]float32) ([][]float32, error) {
	rate, _ := o.Hears()
	list := make([]chiasm.Sound, len(sounds))
	for i, samples := range sounds {
		list[i] = chiasm.Sound{Samples: samples, Rate: rate}
	}
	return chiasm.Vectors(o.EmbedAudios(ctx, list))
}

// strange is what no vocabulary has: characters that nobody has given a meaning.
const strange = "\U000f0001 \U0010fffd"

// A known remembers which tokens say nothing of a text: those that are around every text, and those that stand for whatever the tokenizer lacks.
type known map[int32]bool

// knows reports whether encode has a token for anything in a text that says something of it. A vocabulary that spells what it lacks in bytes
// knows everything.
func (v *known) knows(text string, encode func(string) []int32) bool {
	if *v == nil {
		*v = known{}
		for _, id := range encode("") {
			(*v)[id] = true
		}
		around := maps.Clone(*v)
		for _, id := range encode(strange) {
			(*v)[id] = true
		}
		if len(*v)-len(around) > 2 { // bytes, rather than one token and what stands for a space
			*v = around
		}
	}
	return slices.ContainsFunc(encode(text), func(id int32) bool { return !(*v)[id] })
}
