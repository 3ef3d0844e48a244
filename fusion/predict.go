package fusion

import (
	"context"
	"fmt"
	"slices"

	"github.com/chiasm/chiasm/tensor"
)

// Predict answers samples: probabilities of the classes of a Single task, of each class of Multi, of a Match; the numbers of a Regression.
// Any modalities may be missing. A sample that has none at all is answered by what the model knows of all.
func (m *Model) Predict(ctx context.Context, samples []Sample, workers int) ([][]float64, error) {
	if m.Config.Method == Late {
		all, err := m.opinions(ctx, samples, workers)
		if err != nil {
			return nil, err
		}
		answers, s := make([][]float64, len(all)), joining{}
		for i, o := range all {
			answers[i] = slices.Clone(m.join(o, &s))
		}
		return answers, nil
	}
	answers := make([][]float64, 0, len(samples))
	err := m.each(ctx, samples, workers, func(n int, fused *tensor.Tensor, _ []Set) {
		k := m.Config.Task.Outputs
		for i := range n {
			answers = append(answers, m.Config.Task.answer(m.numbers(nil, fused.Floats()[i*k:][:k])))
		}
	})
	return answers, err
}

// opinions is what each modality's head says by itself.
func (m *Model) opinions(ctx context.Context, samples []Sample, workers int) ([]opinions, error) {
	all := make([]opinions, 0, len(samples))
	err := m.each(ctx, samples, workers, func(n int, _ *tensor.Tensor, alone []Set) { all = m.hear(all, n, alone) })
	return all, err
}

// numbers is outputs as they are meant: those of a Regression are learnt as so many spreads from the mean. They lie in the memory of out, if
// there is enough.
func (m *Model) numbers(out []float64, x []float32) []float64 {
	out = out[:0]
	for j, v := range x {
		if m.Answers != nil {
			v = v*m.Answers.Spread.Floats()[j] + m.Answers.Mean.Floats()[j]
		}
		out = append(out, float64(v))
	}
	return out
}

// each runs the model on samples, some at a time.
func (m *Model) each(ctx context.Context, samples []Sample, workers int, do func(n int, fused *tensor.Tensor, alone []Set)) error {
	p, b := tensor.NewPass(ctx, workers), batcher{}
	var list []*Sample
	for first := 0; first < len(samples); first += chunk {
		list = list[:0]
		for i := first; i < min(first+chunk, len(samples)); i++ {
			if len(samples[i].Features) != len(m.Config.Modalities) {
				return fmt.Errorf("fusion: sample %d has features of %d modalities, want %d", i, len(samples[i].Features), len(m.Config.Modalities))
			}
			list = append(list, &samples[i])
		}
		p.Reset(ctx)
		fused, alone := m.Forward(p, b.load(p, m.Config.Modalities, list, nil))
		if err := p.Err(); err != nil {
			return fmt.Errorf("fusion: %w", err)
		}
		do(len(list), fused, alone)
	}
	return nil
}

// A Decision is one that is made as the modalities arrive: there is an answer after the first, and a better one after each other. One
// goroutine uses it; it keeps its memory from decision to decision, that of its answers too: each is there until the next is made.
type Decision struct {
	model   *Model
	pass    *tensor.Pass
	batcher batcher
	sample  Sample
	said    opinions
	kept    opinions // the memory of what is said
	joining joining
	one     [1]*Sample
}

// Decide makes a decision maker. No modality has arrived yet.
func (m *Model) Decide(workers int) *Decision {
	n := len(m.Config.Modalities)
	d := &Decision{model: m, pass: tensor.NewPass(context.Background(), workers), sample: Sample{Features: make([][]float32, n)}, said: make(opinions, n), kept: make(opinions, n)}
	d.one[0] = &d.sample
	return d
}

// Forget begins another decision.
func (d *Decision) Forget() {
	clear(d.sample.Features)
	clear(d.said)
}

// Add is the answer once the features of a modality have arrived, as [Model.Predict] gives it for a sample of all that have. Late
// fusion computes the expert of this modality alone; other methods everything anew.
func (d *Decision) Add(ctx context.Context, modality int, features []float32) ([]float64, error) {
	k := d.model.Config.Modalities
	if modality < 0 || modality >= len(k) {
		return nil, fmt.Errorf("fusion: modality %d of %d", modality, len(k))
	}
	if n := len(features); n == 0 || n%k[modality].Width != 0 || n/k[modality].Width > k[modality].Tokens {
		return nil, fmt.Errorf("fusion: %d values of modality %q, want 1 to %d tokens of %d", n, k[modality].Name, k[modality].Tokens, k[modality].Width)
	}
	d.sample.Features[modality] = features
	return d.answer(ctx, modality)
}

// answer computes what has arrived: of late fusion only the expert of one modality, or for -1 of all.
func (d *Decision) answer(ctx context.Context, modality int) ([]float64, error) {
	m, late := d.model, d.model.Config.Method == Late
	d.pass.Reset(ctx)
	fused, alone := m.Forward(d.pass, d.batcher.load(d.pass, m.Config.Modalities, d.one[:], func(_, k int) bool { return late && modality >= 0 && k != modality }))
	if err := d.pass.Err(); err != nil {
		return nil, fmt.Errorf("fusion: %w", err)
	}
	if !late {
		d.joining.out = m.numbers(d.joining.out, fused.Floats())
		return m.Config.Task.answer(d.joining.out), nil
	}
	for k, s := range alone {
		if s.X != nil {
			d.kept[k] = m.numbers(d.kept[k], s.X.Floats())
			d.said[k] = d.kept[k]
		}
	}
	return m.join(d.said, &d.joining), nil
}

// All is the answer once all features of a sample are there, nil for a modality that is missing: as [Model.Predict] gives it.
func (d *Decision) All(ctx context.Context, features [][]float32) ([]float64, error) {
	d.Forget()
	if len(features) != len(d.sample.Features) {
		return nil, fmt.Errorf("fusion: features of %d modalities, want %d", len(features), len(d.sample.Features))
	}
	copy(d.sample.Features, features)
	return d.answer(ctx, -1)
}
