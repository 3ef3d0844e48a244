package study

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
	"github.com/chiasm/chiasm/tunable"
)

// A learner makes the steps of a training.
type learner struct {
	m         *trainee
	kinds     []string // that are compared: text first
	lessons   *lessons
	contrast  *train.Contrast
	gradients *tensor.Gradients
	adapters  *train.Adapters
	parts     train.Parts
	pass      *tensor.Pass
	part      int
	steps     int // in all
	batch     []lesson
	pixels    []float32
}

// newLearner prepares the steps of a training.
func (t *Training) newLearner(m *trainee, x *Material) (*learner, error) {
	r := t.Recipe
	l := &learner{m: m, kinds: kindsOf(x), part: r.Learning.Part}
	pairs := 0
	for _, s := range x.Train {
		pairs += s.Usable
	}
	batch := r.Learning.Batch
	if batch > pairs {
		t.note("there are %d pairs: the batch of %d becomes %d", pairs, batch, pairs)
		batch = pairs
	}
	l.lessons = &lessons{loader: &dataset.Loader[lesson]{
		Plan: &dataset.Plan{Sets: x.train, Batch: batch, Seed: r.Learning.Seed}, Workers: r.Data.Readers, Broken: &dataset.Report{},
		Make: func(ctx context.Context, e dataset.Example) (lesson, error) { return t.make(ctx, m, x.train, e) },
	}}
	if l.steps = r.Learning.Steps; l.steps == 0 {
		l.steps = max(1, int(math.Ceil(r.Learning.Epochs*float64(pairs)/float64(batch))))
	}
	l.parts.Size = l.part
	if err := l.learnBy(t); err != nil {
		return nil, err
	}
	if r.Learning.Precision == "bf16" || r.Learning.Precision == "auto" && tensor.Native(tensor.FormatBF16) {
		nn.SetFormat(m.Params(), tensor.FormatBF16)
	}
	l.pass = tensor.NewPass(context.Background(), r.Learning.Threads).Record(l.gradients).Recompute(r.Learning.Recompute)
	return l, nil
}

// kindsOf is the kinds that the data have, text first.
func kindsOf(x *Material) []string {
	texts, images, sounds := 0, 0, 0
	for _, s := range x.Train {
		images, sounds, texts = images+s.Images, sounds+s.Sounds, texts+s.Named
	}
	var kinds []string
	for _, k := range []struct {
		kind string
		n    int
	}{{text, texts}, {image, images}, {sound, sounds}} {
		if k.n > 0 {
			kinds = append(kinds, k.kind)
		}
	}
	return kinds
}

// learnBy sets the loss up, and what learns.
func (l *learner) learnBy(t *Training) error {
	r, m := t.Recipe, l.m
	l.contrast = &train.Contrast{LogScale: m.LogScale, Between: train.Anchored(len(l.kinds), 0)}
	if r.Loss.Pairs == "all" {
		l.contrast.Between = train.AllPairs(len(l.kinds))
	}
	switch {
	case t.sigmoid(m):
		l.contrast.Loss, l.contrast.Bias = train.Sigmoid, m.LogBias
	case r.Loss.Hard > 0:
		l.contrast.Loss = train.Hard(r.Loss.Hard)
	}
	if len(r.Loss.Prefixes) > 0 {
		l.contrast.Prefixes = []train.Prefix{{}}
		for _, width := range r.Loss.Prefixes {
			if width >= m.Dimension() {
				return fmt.Errorf("study: loss.prefixes has %d, want less than the %d dimensions of the space", width, m.Dimension())
			}
			l.contrast.Prefixes = append(l.contrast.Prefixes, train.Prefix{Width: width})
		}
	}
	params, err := t.learns(m)
	if err != nil {
		return err
	}
	if r.Model.Way != wayLoRA {
		l.gradients = tensor.NewGradients(params)
		if len(l.gradients.All()) == 0 {
			return errors.New("study: nothing learns: every parameter is frozen")
		}
		return nil
	}
	targets := r.Model.Targets
	if len(targets) == 0 {
		targets = tunable.Attention
	}
	l.adapters, err = train.LoRA{Rank: r.Model.Rank, Alpha: r.Model.Alpha, Patterns: targets}.Adapt(params, r.Learning.Seed, r.Learning.Threads)
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	l.gradients = l.adapters.Gradients(func(yield func(string, *tensor.Tensor) bool) { yield("logit_scale", m.LogScale) })
	return nil
}

// learnt is how many values learn.
func (l *learner) learnt() (n int) {
	for _, p := range l.gradients.All() {
		n += p.Param.Len()
	}
	return n
}

// run is the loop over the learner's steps.
func (l *learner) run(t *Training, c *curve, x *Material, check *dataset.Set) *train.Run {
	r := t.Recipe
	every := r.Measure.Every
	if every == 0 {
		every = max(1, l.steps/10)
	}
	save := r.Learning.Checkpoint
	if save == 0 {
		save = every
	}
	warmup := r.Learning.Warmup
	if warmup == 0 {
		warmup = l.steps / 10
	}
	run := &train.Run{
		Gradients: l.gradients, Adapters: l.adapters, Step: l.learn, After: l.contrast.Clamp, Data: l.lessons,
		Optimiser: (&train.AdamW{Beta2: r.Learning.Beta2, Decay: r.Learning.Decay, Clip: r.Learning.Clip, Workers: r.Learning.Threads}).Minimize(l.gradients),
		Schedule:  train.Schedule{Shape: shapes[r.Learning.Schedule], Rate: r.Learning.Rate, Warmup: warmup, Steps: l.steps},
		Seed:      r.Learning.Seed, Identity: t.identity(x),
		Checkpoint: t.work(checkpointFile), SaveEvery: save,
		Progress: func(p train.Progress) {
			c.take(p)
			if t.Progress != nil {
				t.Progress(p)
			}
		},
	}
	if r.Learning.Average > 0 {
		run.Average = train.NewAverage(l.gradients, r.Learning.Average)
	}
	if check == nil {
		return run
	}
	run.EvaluateEvery, run.Patience = every, r.Measure.Patience
	run.Evaluate = func(ctx context.Context, step int) (float64, error) {
		e := t.evaluation()
		e.Bootstrap.Draws = 1 // nobody looks at the intervals
		f, err := e.measure(ctx, l.m, check)
		if err != nil {
			return 0, err
		}
		return score(f), nil
	}
	run.Best = func(int, float64) error { return l.m.Publish(r.Output) }
	return run
}

var shapes = map[string]train.Shape{"cosine": train.Cosine, "linear": train.Linear, "constant": train.Constant}

// saveLast writes the last weights, where nothing was measured to choose by: their average, if there is one.
func (l *learner) saveLast(run *train.Run, folder string) error {
	if run.Average == nil {
		return l.m.Publish(folder)
	}
	run.Average.Swap()
	defer run.Average.Swap()
	return l.m.Publish(folder)
}

// learn goes forward and back for one batch.
func (l *learner) learn(ctx context.Context, _ int) (train.Outcome, error) {
	b, err := l.lessons.take(ctx)
	if err != nil {
		return train.Outcome{}, err
	}
	l.batch = b.Items
	out := train.Outcome{Items: len(b.Items), Keys: make([]string, len(b.Items))}
	for i, x := range b.Items {
		out.Keys[i] = x.key
	}
	if len(b.Items) < 2 {
		return out, errors.Join(fmt.Errorf("study: a batch of %d pairs has nothing to tell them from: the others are broken", len(b.Items)), l.lessons.loader.Broken.Err())
	}
	if l.part > 0 && l.part < len(b.Items) {
		out.Loss, err = l.parts.Learn(ctx, l.contrast, l.pass, len(b.Items), l.embed, l.gradients)
		return out, err
	}
	l.pass.Reset(ctx)
	vectors, err := l.embed(l.pass, 0, len(b.Items))
	if err == nil {
		out.Loss, err = l.contrast.Learn(vectors, 1, l.gradients)
	}
	if err != nil {
		return out, err
	}
	l.pass.Backward()
	return out, l.pass.Err()
}

// embed makes the vectors of lessons first to last-1 of the batch.
func (l *learner) embed(p *tensor.Pass, first, last int) (train.Batch, error) {
	out := make(train.Batch, len(l.kinds))
	for i, kind := range l.kinds {
		v := &out[i]
		var ids [][]int32
		var sounds [][]float32
		l.pixels = l.pixels[:0]
		for at := first; at < last; at++ {
			x := &l.batch[at]
			switch {
			case kind == text && x.ids != nil:
				ids = append(ids, x.ids)
			case kind == image && x.pixels != nil:
				l.pixels = append(l.pixels, x.pixels...)
			case kind == sound && x.sound != nil:
				sounds = append(sounds, x.sound)
			default:
				continue
			}
			v.Of = append(v.Of, int32(at))
			v.Keys = append(v.Keys, keyOf(x, at))
		}
		n := len(v.Of)
		if n == 0 {
			continue
		}
		var err error
		switch kind {
		case text:
			v.X, err = l.m.EmbedText(p, ids)
		case image:
			w, h := l.m.Image.Pixels().Size()
			v.X = l.m.Image.EmbedImage(p.Input(l.pixels, n, 3, h, w))
		case sound:
			v.X, err = l.m.Sound.EmbedAudio(p, sounds)
		}
		if err != nil {
			return nil, fmt.Errorf("study: %w", err)
		}
		v.X = v.X.Normalize(tunable.Shortest)
	}
	return out, nil
}

// keyOf is what items of which the same is said share: they are not told from each other.
func keyOf(x *lesson, at int) uint64 {
	if x.text != 0 {
		return x.text
	}
	return uint64(at) << 1 // hashes of texts are odd
}
