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
}

// Fit teaches a model from nothing. It looks at valid as it goes, and ends with the weights that had the least loss there, those of single
// modalities counted in. Late fusion then learns from valid how to join the experts (see [Combination]).
func (t Training) Fit(ctx context.Context, m *Model, d, valid *Data) (train.Result, error) {
	t = t.filled()
	for _, data := range []*Data{d, valid} {
		if data.Task != m.Config.Task || len(data.Modalities) != len(m.Config.Modalities) || len(data.Samples) == 0 {
			return train.Result{}, fmt.Errorf("fusion: %d samples of task %v and %d modalities for a model of %v and %d, want some of the same",
				len(data.Samples), data.Task, len(data.Modalities), m.Config.Task, len(m.Config.Modalities))
		}
	}
	if !(t.Drop >= 0 && t.Drop < 1) || (t.Modulate != 0 && m.Alone == nil) {
		return train.Result{}, fmt.Errorf("fusion: modalities hidden with probability %v, modulation %v, %d heads of modalities: want 0 to below 1, and heads where gradients are modulated",
			t.Drop, t.Modulate, len(m.Alone))
	}
	nn.Init(m, t.Seed)
	m.measure(d.Samples)
	l := &learner{Training: t, ctx: ctx, model: m, data: d, gradients: tensor.NewGradients(nn.Params(m)), pass: tensor.NewPass(ctx, t.Workers), epoch: -1}
	l.loss = m.newLoss()
	if t.Balance && d.Task.Kind == Single {
		l.loss.classes = balanced(d)
	}
	optimiser := (&train.AdamW{Decay: t.Decay, Clip: 1, Partial: true, Workers: t.Workers, Beta2: 0.99}).Minimize(l.gradients)
	best := map[*tensor.Tensor][]float32{}
	run := &train.Run{
		Gradients: l.gradients, Optimiser: optimiser, Schedule: train.Schedule{Rate: t.Rate, Warmup: t.Steps / 20, Steps: t.Steps},
		Step: l.step, Seed: t.Seed, EvaluateEvery: t.EvaluateEvery, Patience: t.Patience, Progress: t.Progress, Limit: -1,
		Evaluate: func(context.Context, int) (float64, error) { return l.evaluate(valid) },
		Best: func(int, float64) error {
			for _, p := range nn.Params(m) {
				best[p] = append(best[p][:0], p.Floats()...)
			}
			return nil
		},
	}
	result, err := run.Learn(ctx)
	if err != nil {
		return result, fmt.Errorf("fusion: %s: %w", m.Config.Method, err)
	}
	for p, values := range best {
		copy(p.Own(), values)
		p.Changed()
	}
	if m.Config.Method == Late {
		err = m.fitLate(ctx, valid, t.Workers)
	}
	return result, err
}

// step goes forward and back once.
func (l *learner) step(ctx context.Context, call int) (train.Outcome, error) {
	r := train.Random(l.Seed, call)
	l.draw(call)
	hidden := l.hide(r)
	l.pass.Reset(ctx)
	l.pass.Record(l.gradients).Random(r.Uint64())
	total, err := l.forward(l.samples, hidden, l.gradients)
	if err != nil {
		return train.Outcome{}, err
	}
	l.pass.Backward()
	if l.Modulate != 0 {
		l.modulate(r)
	}
	return train.Outcome{Loss: total, Items: len(l.samples)}, nil
}

// forward is the loss of some samples in the pass.
func (l *learner) forward(samples []*Sample, hidden func(int, int) bool, into *tensor.Gradients) (total float64, err error) {
	fused, alone := l.model.Forward(l.pass, l.batcher.load(l.pass, l.data.Modalities, samples, hidden))
	weight := 1.0
	if fused != nil {
		if total, err = l.loss.learn(fused, nil, samples, 1, into); err != nil {
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
		one, err := l.loss.learn(s.X, s.Of, samples, weight, into)
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

// evaluate is how well the model does on other samples: less its loss.
func (l *learner) evaluate(valid *Data) (float64, error) {
	sum := 0.0
	for first := 0; first < len(valid.Samples); first += chunk {
		last := min(first+chunk, len(valid.Samples))
		l.samples = l.samples[:0]
		for i := first; i < last; i++ {
			l.samples = append(l.samples, &valid.Samples[i])
		}
		l.pass.Reset(l.ctx)
		l.pass.Record(nil)
		part, err := l.forward(l.samples, nil, nil)
		if err != nil {
			return 0, err
		}
		sum += part * float64(last-first)
	}
	return -sum / float64(len(valid.Samples)), nil
}

// chunk is how many samples go through a pass at once where nothing is learnt.
const chunk = 256

// draw picks the samples of a step: those of each epoch in an order of its own.
func (l *learner) draw(call int) {
	n := len(l.data.Samples)
	l.samples = l.samples[:0]
	for i := range min(l.BatchSize, n) {
		at := call*min(l.BatchSize, n) + i
		if epoch := at / n; epoch != l.epoch {
			l.epoch, l.order = epoch, train.Random(l.Seed+1, epoch).Perm(n)
		}
		l.samples = append(l.samples, &l.data.Samples[l.order[at%n]])
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
