package study

import (
	"context"
	stdimage "image"

	"github.com/chiasm/chiasm"
	pictures "github.com/chiasm/chiasm/media/image"
)

// An embedder is what can be examined: an opened model, or one that is being taught. Vectors have length 1.
type embedder interface {
	dimension() int
	sees() bool
	hears() (rate, limit int)                   // 0 if it does not
	cuts(text string) bool                      // whether a text is longer than what is read of it
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
}

func (o opened) dimension() int           { return o.Space().Dimension }
func (o opened) sees() bool               { return o.Processor() != nil }
func (o opened) hears() (rate, limit int) { return o.Hears() }
func (o opened) cuts(text string) bool    { return o.Tokenize(text).Truncated }

func (o opened) options() *pictures.Options {
	read := o.Processor().Options()
	if o.shrink {
		read.Shrink = o.Processor()
	}
	return &read
}

// scale is found by two comparisons, which a model's own scores of itself are.
func (o opened) scale() (scale, bias float64, sigmoid bool) {
	unit := func(v ...float32) chiasm.Embedding {
		e := chiasm.Embedding{Values: make([]float32, o.Space().Dimension), Length: 1, Space: o.Space()}
		copy(e.Values, v)
		return e
	}
	s := o.Score([]chiasm.Embedding{unit(1), unit(-1)}, []chiasm.Embedding{unit(1)})
	up, down := float64(s.Logits[0][0]), float64(s.Logits[0][1])
	return (up - down) / 2, (up + down) / 2, s.Sigmoid
}

func (o opened) embedTexts(ctx context.Context, texts []string) ([][]float32, error) {
	return chiasm.Vectors(o.EmbedTexts(ctx, texts))
}

func (o opened) embedImages(ctx context.Context, images []*pictures.RGB) ([][]float32, error) {
	list := make([]stdimage.Image, len(images))
	for i, img := range images {
		list[i] = img
	}
	return chiasm.Vectors(o.EmbedImages(ctx, list))
}

func (o opened) embedSounds(ctx context.Context, sounds [][]float32) ([][]float32, error) {
	rate, _ := o.Hears()
	list := make([]chiasm.Sound, len(sounds))
	for i, samples := range sounds {
		list[i] = chiasm.Sound{Samples: samples, Rate: rate}
	}
	return chiasm.Vectors(o.EmbedAudios(ctx, list))
}
