package study

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/media/audio"
	pictures "github.com/chiasm/chiasm/media/image"
)

// A gathering is the vectors of a data set and what is known of its items.
type gathering struct {
	texts, images, sounds *side
	words                 []string  // of the rows of texts
	labels                [][]int32 // of each item
	classes               []string  // likewise; "" for those that name none
	groups                []string  // likewise
	cut                   int       // texts that were longer than what is read of them
	heard                 int       // sounds likewise
	broken                *dataset.Report
}

// A sample is an item that has been read.
type sample struct {
	item    *dataset.Item
	index   int32
	picture *pictures.RGB
	samples []float32
	longer  bool // there was more to hear
}

// read reads what a model takes of an item.
func read(ctx context.Context, m embedder, item *dataset.Item, index int32) (s sample, err error) {
	s = sample{item: item, index: index}
	if item.Image != nil && m.sees() {
		if s.picture, err = item.Image.Picture(m.options()); err != nil {
			return s, err
		}
	}
	if rate, limit := m.hears(); item.Sound != nil && rate > 0 {
		if s.samples, err = item.Sound.Samples(ctx, rate, limit); errors.Is(err, audio.ErrLimit) {
			s.longer, err = true, nil
		}
		if err == nil {
			err = audible(item.Sound, s.samples, rate)
		}
	}
	return s, err
}

// audible says by name what keeps a sound from having a vector.
func audible(media *dataset.Media, samples []float32, rate int) error {
	if err := (chiasm.Sound{Samples: samples, Rate: rate}).Check(); err != nil {
		return fmt.Errorf("study: %s: %w", media.Name(), err)
	}
	return nil
}

// gather reads a data set and embeds it, batch items at once.
func (e *Evaluation) gather(ctx context.Context, m embedder, set *dataset.Set) (*gathering, error) {
	g := &gathering{
		texts: &side{kind: text, d: m.dimension()}, images: &side{kind: image, d: m.dimension()}, sounds: &side{kind: sound, d: m.dimension()},
		labels: make([][]int32, set.Len()), classes: make([]string, set.Len()), groups: make([]string, set.Len()), broken: &dataset.Report{},
	}
	batch := e.Batch
	if batch == 0 {
		batch = 16
	}
	loader := &dataset.Loader[sample]{
		Plan: &dataset.Plan{Sets: []*dataset.Set{set}, Batch: batch, InOrder: true, KeepShort: true}, Broken: g.broken,
		Make: func(ctx context.Context, x dataset.Example) (sample, error) { return read(ctx, m, x.Item, x.Ref.Index) },
	}
	waiting := waitingTexts{m: m, g: g}
	for b, err := range loader.Once(ctx) {
		if err != nil {
			return nil, err
		}
		if err := g.media(ctx, m, b.Items); err != nil {
			return nil, err
		}
		for _, s := range b.Items {
			g.note(s, e)
			for _, t := range s.item.Texts {
				if len(e.Languages) == 0 || slices.Contains(e.Languages, t.Language) {
					waiting.add(t, s.index)
				}
			}
		}
		if err := waiting.flush(ctx, textBatch); err != nil {
			return nil, err
		}
		if e.Progress != nil {
			e.Progress(min((b.Place.Step+1)*batch, set.Len()), set.Len())
		}
	}
	return g, waiting.flush(ctx, 1)
}

// note keeps what is known of an item.
func (g *gathering) note(s sample, e *Evaluation) {
	for _, l := range s.item.Labels {
		g.labels[s.index] = append(g.labels[s.index], int32(l))
	}
	g.classes[s.index] = s.item.Class
	switch e.By {
	case "":
		g.groups[s.index] = s.item.Extra["domain"]
	case "group":
		g.groups[s.index] = s.item.Group
	case "class":
		g.groups[s.index] = s.item.Class
	default:
		g.groups[s.index] = s.item.Extra[e.By]
	}
}

// media embeds the pictures and sounds of a batch.
func (g *gathering) media(ctx context.Context, m embedder, batch []sample) error {
	var seen, heard []int32
	var list []*pictures.RGB
	var samples [][]float32
	for _, s := range batch {
		if s.picture != nil {
			seen, list = append(seen, s.index), append(list, s.picture)
		}
		if s.samples != nil {
			heard, samples = append(heard, s.index), append(samples, s.samples)
			if s.longer {
				g.heard++
			}
		}
	}
	if len(list) > 0 {
		vectors, err := m.embedImages(ctx, list)
		if err != nil {
			return fmt.Errorf("study: %w", err)
		}
		for i, v := range vectors {
			g.images.add(v, "", seen[i])
		}
	}
	if len(samples) > 0 {
		vectors, err := m.embedSounds(ctx, samples)
		if err != nil {
			return fmt.Errorf("study: %w", err)
		}
		for i, v := range vectors {
			g.sounds.add(v, "", heard[i])
		}
	}
	return nil
}

// textBatch is how many texts are embedded at once: they are short.
const textBatch = 256

// waitingTexts collects texts until there are enough for a batch.
type waitingTexts struct {
	m     embedder
	g     *gathering
	texts []dataset.Text
	of    []int32
}

func (w *waitingTexts) add(t dataset.Text, item int32) {
	w.texts, w.of = append(w.texts, t), append(w.of, item)
}

// flush embeds the texts if there are least or more.
func (w *waitingTexts) flush(ctx context.Context, least int) error {
	if len(w.texts) < least || len(w.texts) == 0 {
		return nil
	}
	words := make([]string, len(w.texts))
	for i, t := range w.texts {
		words[i] = t.Text
		if w.m.cuts(t.Text) {
			w.g.cut++
		}
	}
	vectors, err := w.m.embedTexts(ctx, words)
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	for i, v := range vectors {
		w.g.texts.add(v, w.texts[i].Language, w.of[i])
	}
	w.g.words = append(w.g.words, words...)
	w.texts, w.of = w.texts[:0], w.of[:0]
	return nil
}
