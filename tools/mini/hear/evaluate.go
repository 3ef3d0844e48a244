package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// lexicon is the lexicon of the words that it shall know, with the keys that the pronouncer gives them.
func (l *learner) lexicon(ctx context.Context, words []word) *mini.Lexicon {
	var texts, sounds []string
	for _, w := range words {
		if w.known {
			texts, sounds = append(texts, w.text), append(sounds, w.sounds)
		}
	}
	lexicon := mini.NewLexicon(texts, key)
	nn.Init(lexicon, seed) // room for the values
	values := lexicon.Keys.Weight.Own()
	scale := float32(math.Exp(float64(l.Scale.Floats()[0])))
	p := tensor.NewPass(ctx, 0)
	for first := 0; first < len(sounds); first += 1000 {
		p.Reset(ctx)
		y := l.Pronouncer.keys(p, sounds[first:min(first+1000, len(sounds))])
		copy(values[first*key:], y.Scale(scale).Floats())
	}
	lexicon.Keys.Weight.Changed()
	return lexicon
}

const gallerySize = 600

// An examination has sounds that nothing was learnt from, and the words that each is to be told from.
type examination struct {
	name    string
	clips   []clip
	gallery []string // texts
}

// spoken examines a voice: its clips, each of another word, among their words and others of the language, gallerySize together.
func spoken(name, code string, clips []clip, words []word) *examination {
	e := &examination{name: name}
	seen := map[string]bool{}
	for _, c := range clips {
		if t := words[c.word].text; words[c.word].known && !seen[t] && len(e.gallery) < gallerySize {
			seen[t] = true
			e.clips, e.gallery = append(e.clips, c), append(e.gallery, t)
		}
	}
	for _, i := range random(8, 9).Perm(len(words)) {
		if w := words[i]; w.known && w.language == code && !seen[w.text] && len(e.gallery) < gallerySize {
			seen[w.text] = true
			e.gallery = append(e.gallery, w.text)
		}
	}
	return e
}

// played examines a sound font: its notes among the names of all instruments.
func played(name string, clips []clip) *examination {
	return &examination{name, clips, instrumentNames()}
}

// take prints how often the right word is the first, and among the first five, with intervals of 95 %.
func (e *examination) take(ctx context.Context, out io.Writer, s *mini.Sound, words []word, meaning mini.Meaning) error {
	p := tensor.NewPass(ctx, 0)
	gallery, err := vectors(ctx, p, e.gallery, meaning)
	if err != nil {
		return err
	}
	heard, err := e.hear(ctx, p, s, meaning)
	if err != nil {
		return err
	}
	labels := make([]int32, len(e.clips))
	for i, c := range e.clips {
		labels[i] = int32(slices.Index(e.gallery, words[c.word].text))
	}
	var ranks [2][]int // of trained words, of others
	for i, rank := range metric.Ranks(metric.Dots(heard, gallery, len(gallery)/len(e.gallery), 0), metric.One(labels)) {
		kind := 0
		if words[e.clips[i].word].test {
			kind = 1
		}
		ranks[kind] = append(ranks[kind], rank)
	}
	for kind, name := range []string{"trained", "untrained"} {
		if len(ranks[kind]) == 0 {
			continue
		}
		r := metric.Summarize(ranks[kind])
		bounds := metric.Bootstrap{}.Ranking(ranks[kind])
		fmt.Fprintf(out, "%-16s %-9s %4d of %3d: R@1 %5.1f (%.1f-%.1f)  R@5 %5.1f (%.1f-%.1f)\n", e.name, name, len(ranks[kind]), len(e.gallery),
			100*r.R1, 100*bounds.R1.Low, 100*bounds.R1.High, 100*r.R5, 100*bounds.R5.Low, 100*bounds.R5.High)
	}
	return nil
}

// hear is what the clips mean, [n, D].
func (e *examination) hear(ctx context.Context, p *tensor.Pass, s *mini.Sound, meaning mini.Meaning) (list []float32, err error) {
	for first := 0; first < len(e.clips); first += 100 {
		p.Reset(ctx)
		var spectra [][]float32
		for _, c := range e.clips[first:min(first+100, len(e.clips))] {
			spectra = append(spectra, plainly(nil, c.x))
		}
		y, err := s.Lexicon.Forward(s.Ear.Keys(p, spectra), meaning)
		if err != nil {
			return nil, err
		}
		list = append(list, y.Floats()...)
	}
	return list, nil
}

// vectors is what texts mean, [n, D].
func vectors(ctx context.Context, p *tensor.Pass, texts []string, meaning mini.Meaning) (list []float32, err error) {
	for first := 0; first < len(texts); first += 100 {
		p.Reset(ctx)
		y, err := meaning(p, texts[first:min(first+100, len(texts))])
		if err != nil {
			return nil, err
		}
		list = append(list, y.Floats()...)
	}
	return list, nil
}

// apart is a meaning that stands in for a text tower: a direction for each text, as good as at right angles to all others.
func apart(p *tensor.Pass, texts []string) (*tensor.Tensor, error) {
	const d = 256
	y := p.Empty(len(texts), d)
	for i, t := range texts {
		h := uint64(14695981039346656037)
		for _, c := range []byte(t) {
			h = (h ^ uint64(c)) * 1099511628211
		}
		r := random(h, 1)
		for j := range d {
			y.Floats()[i*d+j] = float32(r.NormFloat64())
		}
	}
	return y.Normalize(1e-12), nil
}
