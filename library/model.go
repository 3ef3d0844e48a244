package library

import (
	"context"
	stdimage "image"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/image"
)

// A Model is what a library needs of a [chiasm.Model].
type Model interface {
	Name() string
	Space() chiasm.Space
	Fingerprint(modality string) string // what vectors of "image" or "audio" are made by: see [chiasm.Model.Fingerprint]
	Processor() *image.Processor        // nil if it sees nothing
	Hears() (rate, samples int)         // 0 if it hears nothing
	EmbedQueries(ctx context.Context, texts []string) ([]chiasm.Embedding, error)
	EmbedImages(ctx context.Context, imgs []stdimage.Image) ([]chiasm.Embedding, error)
	EmbedAudios(ctx context.Context, sounds []chiasm.Sound) ([]chiasm.Embedding, error)
}

// A Calibrated model knows which cosine tells what is meant from what is merely nearest, for pictures ("image") and sounds ("audio").
// What a model without calibration answers is not cut off.
type Calibrated interface {
	Relevance(modality string) (r chiasm.Relevance, ok bool)
}

var (
	_ Model      = (*chiasm.Model)(nil)
	_ Calibrated = (*chiasm.Model)(nil)
)

// takes lists the kinds of files that a model makes vectors of.
func takes(m Model) (kinds []string) {
	rate, _ := m.Hears()
	if m.Processor() != nil {
		kinds = append(kinds, Image)
	}
	if rate > 0 {
		kinds = append(kinds, Audio)
	}
	return append(kinds, Video) // by its pictures or by its sound
}
