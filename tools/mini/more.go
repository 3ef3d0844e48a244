package main

import (
	"context"
	"slices"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
)

// more is how far the weights of the head go towards what was learnt from more pictures; 0.7 and 1 were tried too.
const more = 0.5

// seeMore goes on teaching the head of a model that is there, from the pictures as they are now: names mean what the model's own tower of
// texts says, and everything but the head stays to the byte as it was.
func seeMore(ctx context.Context, dir, real, out string) error {
	corpus, err := readCorpus(dir)
	if err != nil {
		return err
	}
	e, err := openEyes(ctx, dir, real)
	if err != nil {
		return err
	}
	b, err := mini.Open(out)
	if err != nil {
		return err
	}
	defer b.Close()
	for _, t := range nn.Params(b.Sight) {
		t.Own()
		t.Changed()
	}
	l, err := corpus.lesson(e)
	if err != nil {
		return err
	}
	before := valuesOf(b.Sight.Head)
	if _, err := l.learn(ctx, moreCourse, b.Sight, e, meant(readerOf(b))); err != nil {
		return err
	}
	partWay(b.Sight.Head, before, more)
	return replace(b, "sight.head.", b.Sight.Head, out)
}

// valuesOf is a copy of the values of all parameters of a part.
func valuesOf(part any) map[string][]float32 {
	values := map[string][]float32{}
	for name, t := range nn.Params(part) {
		values[name] = slices.Clone(t.Floats())
	}
	return values
}

// partWay brings the parameters of a part to share of what they are and the rest of what they were before, which keeps more of what was known
// and loses little of what was learnt (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
func partWay(part any, before map[string][]float32, share float32) {
	for name, t := range nn.Params(part) {
		v := t.Own()
		for i, x := range before[name] {
			v[i] = share*v[i] + (1-share)*x
		}
		t.Changed()
	}
}

// meant reads without doubt: what a text means, of length 1.
func meant(read reader) reader {
	return func(ctx context.Context, texts []said) ([]float32, error) {
		v, err := read(ctx, texts)
		for i := meaning; i < len(v); i += dimension {
			v[i] = 0
		}
		return unit(v, dimension), err
	}
}
