package study

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
	"github.com/chiasm/chiasm/weights"
)

// headFile holds what is learnt on top of a model that stays as it is.
const headFile = "head.safetensors"

// heldBack is the share of the examples that a probe's strength and a cache's sharpness are chosen on.
const heldBack = 0.2

// few learns to tell classes apart from few examples, by their vectors: a linear probe or a cache. What is chosen, as the strength of the
// probe, is chosen on a part of the training data, so that the figures on the validation are honest.
func (t *Training) few(ctx context.Context) (*Taught, error) {
	opened, err := t.openFrozen(ctx)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	x, err := t.gatherMaterial(ctx, opened)
	if err != nil {
		return nil, err
	}
	defer x.Close()
	names, err := classNames(x.train)
	if err != nil {
		return nil, err
	}
	f := &fewShot{t: t, m: opened, names: names}
	if f.all, err = f.examples(ctx, x.train, "reading examples"); err != nil {
		return nil, err
	}
	if f.zero, err = classVectors(ctx, opened, names, templatesOr(templatesFor(t.Recipe))); err != nil {
		return nil, err
	}
	if err := f.learn(ctx); err != nil {
		return nil, err
	}
	taught := &Taught{Folder: t.Recipe.Output, Learnt: f.learnt, Parameters: f.learnt, Material: x}
	for i, set := range x.check {
		e, err := f.examples(ctx, []*dataset.Set{set}, "measuring")
		if err != nil {
			return nil, err
		}
		c, err := f.measure(e)
		if err != nil {
			return nil, err
		}
		taught.After = append(taught.After, &Figures{Data: x.Validation[i].Name, Items: set.Len(), Classification: []Classification{*c}, Level: 0.95, Draws: 1000})
	}
	if err := weights.Save(filepath.Join(t.Recipe.Output, headFile), f.entries, map[string]string{
		"format": "pt", "kind": t.Recipe.Model.Way, "model": t.Recipe.beginning(), "classes": strings.TrimSpace(string(whole.JSON(names))),
	}); err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	return taught, t.report(taught)
}

func templatesOr(templates []string) []string {
	if len(templates) == 0 {
		return []string{"{}"}
	}
	return templates
}

// classNames is the names of all classes of sets, in one order.
func classNames(sets []*dataset.Set) ([]string, error) {
	seen := map[string]bool{}
	for _, set := range sets {
		for i := range set.Len() {
			if item, err := set.Item(i); err == nil && item.Class != "" {
				seen[item.Class] = true
			}
		}
	}
	if len(seen) < 2 {
		return nil, fmt.Errorf("study: the data name %d classes, want 2 at least to tell apart", len(seen))
	}
	return sortedKeys(seen), nil
}

// A fewShot is a classifier on the vectors of a model.
type fewShot struct {
	t       *Training
	m       embedder
	names   []string
	kind    string // of what is told apart
	all     train.Examples
	zero    []float32 // [classes, D]: the vectors of the names
	logits  func(e train.Examples) ([]float32, error)
	entries []tensor.Entry
	learnt  int
}

// examples is the vectors of the pictures, or else of the sounds, of sets, with their classes.
func (f *fewShot) examples(ctx context.Context, sets []*dataset.Set, what string) (e train.Examples, err error) {
	e.Width, e.Classes = f.m.dimension(), len(f.names)
	number := map[string]int32{}
	for i, name := range f.names {
		number[name] = int32(i)
	}
	for _, set := range sets {
		how := &Evaluation{By: "class", Progress: func(done, of int) { f.t.stage(what, done, of) }}
		g, err := how.gather(ctx, f.m, set)
		if err != nil {
			return e, err
		}
		media := g.images
		if media.rows() == 0 {
			media = g.sounds
		}
		f.kind = media.kind
		for row, items := range media.items {
			class, ok := number[g.groups[items[0]]]
			if !ok {
				return e, fmt.Errorf("study: item %d of %s is of the class %q, of which there is no example to learn from", items[0], set.Name, g.groups[items[0]])
			}
			e.Features, e.Labels = append(e.Features, media.values[row*e.Width:(row+1)*e.Width]...), append(e.Labels, class)
		}
	}
	if len(e.Labels) == 0 {
		return e, errors.New("study: there are no pictures and no sounds to learn classes from")
	}
	return e, nil
}

// split keeps some of the examples of each class back, every fifth.
func (f *fewShot) split() (fit, valid train.Examples) {
	fit.Width, fit.Classes = f.all.Width, f.all.Classes
	valid.Width, valid.Classes = f.all.Width, f.all.Classes
	seen := make([]int, f.all.Classes)
	for i, l := range f.all.Labels {
		to := &fit
		if seen[l]++; seen[l]%int(1/heldBack) == 0 {
			to = &valid
		}
		to.Features = append(to.Features, f.all.Features[i*f.all.Width:(i+1)*f.all.Width]...)
		to.Labels = append(to.Labels, l)
	}
	if len(valid.Labels) == 0 { // too few to keep any back
		return f.all, f.all
	}
	return fit, valid
}

// learn learns the head of the recipe.
func (f *fewShot) learn(ctx context.Context) error {
	workers := f.t.Recipe.Learning.Threads
	fit, valid := f.split()
	if f.t.Recipe.Model.Way == wayProbe {
		o := train.Probe{Workers: workers}
		_, strength, _, err := o.Sweep(ctx, fit, valid, train.Strengths(1e3, 1e-6, 20))
		if err != nil {
			return err
		}
		o.Strength = strength
		layer, err := o.Fit(ctx, f.all)
		if err != nil {
			return err
		}
		f.t.note("the strength of the probe is %.3g, chosen on %d examples", strength, len(valid.Labels))
		f.entries = []tensor.Entry{tensor.EntryOf("weight", layer.Weight.Floats(), layer.Weight.Shape()...), tensor.EntryOf("bias", layer.Bias.Floats(), layer.Bias.Len())}
		f.learnt = layer.Weight.Len() + layer.Bias.Len()
		f.logits = func(e train.Examples) ([]float32, error) {
			p := tensor.NewPass(ctx, workers)
			y := layer.Forward(p.Input(e.Features, len(e.Labels), e.Width))
			return y.Floats(), p.Err()
		}
		return nil
	}
	cache, err := train.NewCache(fit)
	if err != nil {
		return err
	}
	if _, err := cache.Tune(tensor.NewPass(ctx, workers), valid, f.zeroShot(valid), []float64{0.1, 0.3, 1, 3, 10, 30, 100}, []float64{1, 2, 3, 5.5, 8, 12, 20}); err != nil {
		return err
	}
	alpha, beta := cache.Alpha, cache.Beta
	if cache, err = train.NewCache(f.all); err != nil {
		return err
	}
	cache.Alpha, cache.Beta = alpha, beta
	f.t.note("the cache counts %.3g times, with a sharpness of %.3g, chosen on %d examples", alpha, beta, len(valid.Labels))
	labels := make([]float32, len(cache.Labels))
	for i, l := range cache.Labels {
		labels[i] = float32(l)
	}
	f.entries = []tensor.Entry{
		tensor.EntryOf("keys", cache.Keys.Floats(), cache.Keys.Shape()...), tensor.EntryOf("labels", labels, len(labels)),
		tensor.EntryOf("names", f.zero, len(f.names), f.all.Width), tensor.EntryOf("alpha_beta", []float32{float32(alpha), float32(beta)}, 2),
	}
	f.learnt = cache.Keys.Len()
	f.logits = func(e train.Examples) ([]float32, error) {
		p := tensor.NewPass(ctx, workers)
		return cache.Logits(p.Input(e.Features, len(e.Labels), e.Width), p.Input(f.zeroShot(e), len(e.Labels), e.Classes))
	}
	return nil
}

// zeroShot is the logits [n, classes] that the model's texts give.
func (f *fewShot) zeroShot(e train.Examples) []float32 {
	scale, bias, _ := f.m.scale()
	out := make([]float32, len(e.Labels)*e.Classes)
	s := metric.Dots(e.Features, f.zero, e.Width, f.t.Recipe.Learning.Threads)
	s.Rows(0, s.Queries, out)
	for i, v := range out {
		out[i] = float32(scale*float64(v) + bias)
	}
	return out
}

// measure is how well the head tells other examples apart.
func (f *fewShot) measure(e train.Examples) (*Classification, error) {
	logits, err := f.logits(e)
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	ranks := metric.Ranks(metric.Matrix(logits, len(e.Labels), e.Classes), metric.One(e.Labels))
	sum, in := metric.Summarize(ranks), metric.Bootstrap{}.Ranking(ranks)
	right := make([]bool, len(ranks))
	for i, r := range ranks {
		right[i] = r == 1
	}
	perClass := metric.MeanPerClass(right, e.Labels)
	return &Classification{
		Of: f.kind, Classes: e.Classes, Templates: len(templatesOr(templatesFor(f.t.Recipe))), Queries: sum.Queries,
		Top1: sum.R1, Top5: sum.R5, Interval1: in.R1, Interval5: in.R5, PerClass: &perClass,
	}, nil
}
