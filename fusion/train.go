package fusion

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// A Training says how a model learns. The zero values of its fields mean what the comments say. The result is the same for any number of
// workers.
type Training struct {
	Steps         int     // 0 for 300
	BatchSize     int     // samples of a step; 0 for 32
	Rate          float64 // of learning, at its highest; 0 for 0.003
	Decay         float64 // of weights; 0 for 0.01
	Drop          float64 // how often a modality of a sample is hidden from a step; the last one never is
	Auxiliary     float64 // how much the loss of each modality alone counts beside that of the fused answer; 0 for 0.3. It is for models with such heads
	Modulate      float64 // the α of gradient modulation (Peng et al. 2022): modalities that lead are slowed down; 0 for none. It is for models with heads of single modalities
	Enhance       bool    // with Modulate: noise in the gradients of modalities, as large as they vary (the paper's GE)
	Balance       bool    // classes count alike, whatever their number of samples
	EvaluateEvery int     // steps from one look at other samples to the next; 0 for a tenth of Steps
	Patience      int     // looks without a better one that end it; 0 for any number
	Seed          uint64
	Workers       int                  // 0 for all cores
	Tuning        *Tuning              // of what makes the features; nil where that stays as it is
	Progress      func(train.Progress) // or nil
}

func (t Training) filled() Training {
	if t.Steps == 0 {
		t.Steps = 300
	}
	if t.BatchSize == 0 {
		t.BatchSize = 32
	}
	if t.Rate == 0 {
		t.Rate = 0.003
	}
	if t.Decay == 0 {
		t.Decay = 0.01
	}
	if t.Auxiliary == 0 {
		t.Auxiliary = 0.3
	}
	if t.EvaluateEvery == 0 {
		t.EvaluateEvery = max(1, t.Steps/10)
	}
	return t
}

// A learner is a training under way.
type learner struct {
	Training
	ctx       context.Context
	model     *Model
	data      *Data
	gradients *tensor.Gradients
	pass      *tensor.Pass
	batcher   batcher
	loss      loss
	order     []int // of the samples in an epoch
	epoch     int
	samples   []*Sample
	hidden    []bool
	there     []int // modalities of a sample
	gains     []float64

	unit   int         // samples that are drawn together: a list of a Match, else one
	lists  *lists      // of a Match
	parts  train.Parts // where encoders are tuned
	unseen func(sample, modality int) bool
	seed   uint64 // of what the fusion draws in a step
}

// Fit teaches a model from nothing. It looks at valid as it goes, and ends with the weights that had the least loss there, those of single
// modalities counted in, and probabilities after temperature scaling (Guo et al. 2017) taken. The model that remains has its logits divided by the
// temperature that suits valid; late fusion learns from valid how to join the experts (see [Combination]).
func (t Training) Fit(ctx context.Context, m *Model, d, valid *Data) (train.Result, error) {
	t = t.filled()
	for _, data := range []*Data{d, valid} {
		if data.Task != m.Config.Task || len(data.Modalities) != len(m.Config.Modalities) || len(data.Samples) == 0 {
			return train.Result{}, fmt.Errorf("fusion: %d samples of task %v and %d modalities for a model of %v and %d, want some of the same",
				len(data.Samples), data.Task, len(data.Modalities), m.Config.Task, len(m.Config.Modalities))
		}
		if err := t.Tuning.check(data); err != nil {
			return train.Result{}, err
		}
	}
	if !(t.Drop >= 0 && t.Drop < 1) || (t.Modulate != 0 && m.Alone == nil) {
		return train.Result{}, fmt.Errorf("fusion: modalities hidden with probability %v, modulation %v, %d heads of modalities: want 0 to below 1, and heads where gradients are modulated",
			t.Drop, t.Modulate, len(m.Alone))
	}
	nn.Init(m, t.Seed)
	m.measure(d.Samples)
	if m.LMF != nil {
		m.LMF.begin()
	}
	l := &learner{Training: t, ctx: ctx, model: m, data: d, unit: 1, gradients: t.Tuning.gradients(nn.Params(m)), pass: tensor.NewPass(ctx, t.Workers), epoch: -1}
	l.loss = m.newLoss()
	if t.Balance && d.Task.Kind == Single {
		l.loss.classes = balanced(d)
	}
	optimiser := (&train.AdamW{Decay: t.Decay, Clip: 1, Partial: true, Workers: t.Workers, Beta2: 0.99, Groups: t.Tuning.groups(t.Rate)}).Minimize(l.gradients)
	best := map[*tensor.Tensor][]float32{}
	keep := func() {
		for _, g := range l.gradients.All() {
			best[g.Param] = append(best[g.Param][:0], g.Param.Floats()...)
		}
	}
	var adapters *train.Adapters
	if t.Tuning != nil {
		adapters = t.Tuning.Adapters
		l.pass.Recompute(t.Tuning.Recompute)
	}
	run := &train.Run{
		Gradients: l.gradients, Adapters: adapters, Optimiser: optimiser, Schedule: train.Schedule{Rate: t.Rate, Warmup: t.Steps / 20, Steps: t.Steps},
		Step: l.step, Seed: t.Seed, EvaluateEvery: t.EvaluateEvery, Patience: t.Patience, Progress: t.Progress, Limit: -1,
		Evaluate: func(context.Context, int) (float64, error) { return l.evaluate(valid) },
		Best:     func(int, float64) error { keep(); return nil },
	}
	kept := 0
	if m.Similarity != nil {
		if err := l.match(run, valid, keep, &kept); err != nil {
			return train.Result{}, err
		}
	}
	result, err := run.Learn(ctx)
	if err != nil {
		return result, fmt.Errorf("fusion: %s: %w", m.Config.Method, err)
	}
	for p, values := range best {
		copy(p.Own(), values)
		p.Changed()
	}
	if adapters != nil {
		adapters.Apply()
	}
	if l.unit > 1 {
		result.Best = kept
		return result, l.calibrate(valid)
	}
	if m.Config.Method == Late && t.Tuning != nil {
		if valid, err = l.anew(ctx, valid); err != nil {
			return result, err
		}
	}
	switch {
	case m.Config.Method == Late:
		err = m.fitLate(ctx, valid, t.Workers)
	case m.Config.Task.Kind != Regression:
		err = l.temper(valid)
	}
	return result, err
}

// step goes forward and back once.
func (l *learner) step(ctx context.Context, call int) (train.Outcome, error) {
	r := train.Random(l.Seed, call)
	l.draw(call)
	l.unseen = l.hide(r)
	l.seed = r.Uint64()
	total, err := l.back(ctx)
	if err != nil {
		return train.Outcome{}, err
	}
	if l.Modulate != 0 {
		l.modulate(r)
	}
	return train.Outcome{Loss: total, Items: len(l.samples)}, nil
}

// back goes forward and back for the samples of a step.
func (l *learner) back(ctx context.Context) (float64, error) {
	if l.Tuning != nil {
		return l.tune(ctx)
	}
	l.pass.Reset(ctx)
	l.pass.Record(l.gradients).Random(l.seed)
	loss, err := l.lossOf(l.batcher.load(l.pass, l.data.Modalities, l.samples, l.unseen), l.samples, 1, l.gradients)
	if err == nil {
		l.pass.Backward()
	}
	return loss, err
}

// lossOf is the loss of the samples of a batch. Unless into is nil it seeds the way back with by times its derivatives.
func (l *learner) lossOf(b Batch, samples []*Sample, by float64, into *tensor.Gradients) (total float64, err error) {
	fused, alone := l.model.Forward(l.pass, b)
	weight := 1.0
	if fused != nil && l.unit > 1 {
		total, weight = l.loss.list(fused, by, into), l.Auxiliary
	} else if fused != nil {
		if total, err = l.loss.learn(fused, nil, samples, by, into); err != nil {
			return 0, err
		}
		weight = l.Auxiliary
	}
	l.gains = l.gains[:0]
	for m, s := range alone {
		l.gains = append(l.gains, math.NaN())
		if s.X == nil {
			continue
		}
		one, err := l.loss.learn(s.X, s.Of, samples, by*weight, into)
		if err != nil {
			return 0, err
		}
		total += weight * one
		if l.Modulate != 0 && into != nil {
			l.gains[m] = l.gain(s, samples)
		}
	}
	return total, nil
}

// evaluate is how well the model does on other samples: less its loss, that of probabilities after temperature scaling.
func (l *learner) evaluate(valid *Data) (float64, error) {
	if l.unit == 1 && valid.Task.Kind != Regression {
		sum, err := l.calm(valid)
		return -sum, err
	}
	sum := 0.0
	for first := 0; first < len(valid.Samples); first += len(l.samples) {
		part, err := l.peek(valid, first)
		if err != nil {
			return 0, err
		}
		sum += part * float64(len(l.samples))
	}
	return -sum / float64(len(valid.Samples)), nil
}

// peek is the loss of some samples of valid, those from first on.
func (l *learner) peek(valid *Data, first int) (float64, error) {
	b, err := l.show(valid, first)
	if err != nil {
		return 0, err
	}
	return l.lossOf(b, l.samples, 1, nil)
}

// show brings some samples of d, those from first on, into the pass, which records nothing.
func (l *learner) show(d *Data, first int) (b Batch, err error) {
	if l.Tuning != nil {
		sets, err := l.look(l.ctx, d, first)
		return l.batch(sets), err
	}
	return l.lay(d, first), nil
}

// lay is that by the features that d has.
func (l *learner) lay(d *Data, first int) Batch {
	l.samples = l.samples[:0]
	for i := first; i < min(first+chunk, len(d.Samples)); i++ {
		l.samples = append(l.samples, &d.Samples[i])
	}
	l.pass.Reset(l.ctx)
	l.pass.Record(nil)
	return l.batcher.load(l.pass, l.data.Modalities, l.samples, nil)
}

// chunk is how many samples go through a pass at once where nothing is learnt.
const chunk = 256

// draw picks the samples, or lists, of a step: those of each epoch in an order of its own.
func (l *learner) draw(call int) {
	n := len(l.data.Samples)
	var r *rand.Rand
	if l.samples = l.samples[:0]; l.lists != nil {
		n, r = len(l.lists.rights), train.Random(l.Seed+2, call)
		l.lists.begin(min(l.BatchSize, n))
	}
	for i := range min(l.BatchSize, n) {
		at := call*min(l.BatchSize, n) + i
		if epoch := at / n; epoch != l.epoch {
			l.epoch, l.order = epoch, train.Random(l.Seed+1, epoch).Perm(n)
		}
		if l.lists == nil {
			l.samples = append(l.samples, &l.data.Samples[l.order[at%n]])
			continue
		}
		list := l.lists.draw(r, l.order[at%n])
		for k := range list {
			l.samples = append(l.samples, &list[k])
		}
	}
}

// hide chooses the modalities that a step does not see, at least one of each sample that it does; nil for all.
func (l *learner) hide(r *rand.Rand) func(sample, modality int) bool {
	if l.Drop == 0 {
		return nil
	}
	k := len(l.data.Modalities)
	l.hidden = l.hidden[:0]
	for _, s := range l.samples {
		left, there := 0, l.there[:0]
		for m := range k {
			gone := r.Float64() < l.Drop
			l.hidden = append(l.hidden, gone)
			if s.Has(m) {
				there = append(there, m)
				if !gone {
					left++
				}
			}
		}
		if spared := r.Float64(); left == 0 && len(there) > 0 {
			l.hidden[len(l.hidden)-k+there[int(spared*float64(len(there)))]] = false
		}
		l.there = there
	}
	return func(sample, modality int) bool { return l.hidden[sample*k+modality] }
}

// gain is how sure a modality is of what is right: the sum of its probabilities of the labels.
func (l *learner) gain(s Set, samples []*Sample) (sum float64) {
	k := l.data.Task.Outputs
	row := make([]float64, k)
	for i, o := range s.Of {
		for j := range row {
			row[j] = float64(s.X.Floats()[i*k+j])
		}
		sum += l.data.Task.belief(l.data.Task.answer(row), samples[o]) / float64(len(s.Of))
	}
	return sum
}

// belief is the probability that an answer gives to what is true: for several, the mean; for numbers, one that falls with their distance.
func (t Task) belief(answer []float64, s *Sample) (sum float64) {
	if t.Kind == Single {
		if s.Class < 0 {
			return 0
		}
		return answer[s.Class]
	}
	for j, v := range s.Values {
		switch {
		case t.Kind == Regression:
			d := answer[j] - float64(v)
			sum += math.Exp(-d * d / 2)
		case v > 0:
			sum += answer[j]
		case v == 0:
			sum += 1 - answer[j]
		}
	}
	return sum / float64(len(s.Values))
}

// Modulation is by what gradient modulation multiplies the gradients of each modality (OGM, Peng et al. 2022): 1 - tanh(α·ρ) where the
// modality's score is ρ > 1 times that of the others, in the mean, else 1. A score of NaN is that of a modality which a step has not seen.
func Modulation(scores []float64, alpha float64) []float64 {
	factors := make([]float64, len(scores))
	for m, s := range scores {
		factors[m] = 1
		others, n := 0.0, 0.0
		for k, o := range scores {
			if k != m && !math.IsNaN(o) {
				others += o
				n++
			}
		}
		if ratio := s / (others / n); n > 0 && ratio > 1 {
			factors[m] = 1 - math.Tanh(alpha*ratio)
		}
	}
	return factors
}

// modulate slows down the modalities that lead.
func (l *learner) modulate(r *rand.Rand) {
	factors := Modulation(l.gains, l.Modulate)
	for _, g := range l.gradients.All() {
		m, ok := modality(g.Name)
		if !ok || factors[m] == 1 && !l.Enhance {
			continue
		}
		noise := 0.0
		if l.Enhance {
			noise = deviation(g.Gradient)
		}
		for i, v := range g.Gradient {
			g.Gradient[i] = v * float32(factors[m])
			if noise > 0 {
				g.Gradient[i] += float32(noise * r.NormFloat64())
			}
		}
	}
}

// modality is which one a parameter is of.
func modality(name string) (m int, ok bool) {
	rest, ok := strings.CutPrefix(name, "inputs.")
	if !ok {
		return 0, false
	}
	_, err := fmt.Sscanf(rest, "%d.", &m)
	return m, err == nil
}

func deviation(values []float32) float64 {
	sum, square, n := 0.0, 0.0, float64(len(values))
	for _, v := range values {
		sum += float64(v)
		square += float64(v) * float64(v)
	}
	return math.Sqrt(max(0, square/n-sum*sum/n/n))
}
