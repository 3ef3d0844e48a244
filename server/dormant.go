package server

import (
	"context"
	stdimage "image"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/library"
	"github.com/chiasm/chiasm/media/image"
)

// A dormant model is the first one of the server as the library needs it, which is opened when there is something to embed: looking for
// changes, which find nothing most of the time, leaves a model closed that nobody uses.
type dormant struct {
	server       *Server
	name         string
	space        chiasm.Space
	processor    *image.Processor
	rate, length int
	fits         map[string]chiasm.Relevance
	towers       map[string]string // fingerprints
}

var (
	_ library.Model      = (*dormant)(nil)
	_ library.Calibrated = (*dormant)(nil)
)

// dormant opens the model if that never happened yet, to see what it is.
func (s *Server) dormant(ctx context.Context) (*dormant, error) {
	if d := s.sleeper.Load(); d != nil {
		return d, nil
	}
	m, release, err := s.shelf.take(ctx, "")
	if err != nil {
		return nil, err
	}
	defer release()
	d := &dormant{server: s, name: m.Name(), space: m.Space(), fits: map[string]chiasm.Relevance{}, towers: map[string]string{}}
	if p := m.Processor(); p != nil {
		own := *p
		d.processor = &own
	}
	d.rate, d.length = m.Hears()
	for _, modality := range []string{library.Image, library.Audio} {
		d.towers[modality] = m.Fingerprint(modality)
		if r, ok := m.Relevance(modality); ok {
			d.fits[modality] = r
		}
	}
	s.sleeper.Store(d)
	return d, nil
}

// Name is the model's.
func (d *dormant) Name() string { return d.name }

// Space is the model's.
func (d *dormant) Space() chiasm.Space { return d.space }

// Fingerprint is the model's.
func (d *dormant) Fingerprint(modality string) string { return d.towers[modality] }

// Processor is the model's.
func (d *dormant) Processor() *image.Processor { return d.processor }

// Hears is the model's.
func (d *dormant) Hears() (rate, samples int) { return d.rate, d.length }

// Relevance is the model's.
func (d *dormant) Relevance(modality string) (r chiasm.Relevance, ok bool) {
	r, ok = d.fits[modality]
	return r, ok
}

// awake has f use the open model.
func awake[T any](ctx context.Context, d *dormant, inputs []T, f func(*loaded) *batcher[T]) ([]chiasm.Embedding, error) {
	m, release, err := d.server.shelf.take(ctx, "")
	if err != nil {
		return nil, err
	}
	defer release()
	return f(m).do(ctx, inputs)
}

// EmbedQueries is the model's, by its batcher.
func (d *dormant) EmbedQueries(ctx context.Context, texts []string) ([]chiasm.Embedding, error) {
	return awake(ctx, d, texts, func(m *loaded) *batcher[string] { return &m.queries })
}

// EmbedImages is the model's, by its batcher.
func (d *dormant) EmbedImages(ctx context.Context, imgs []stdimage.Image) ([]chiasm.Embedding, error) {
	return awake(ctx, d, imgs, func(m *loaded) *batcher[stdimage.Image] { return &m.images })
}

// EmbedAudios is the model's, by its batcher.
func (d *dormant) EmbedAudios(ctx context.Context, sounds []chiasm.Sound) ([]chiasm.Embedding, error) {
	return awake(ctx, d, sounds, func(m *loaded) *batcher[chiasm.Sound] { return &m.sounds })
}
