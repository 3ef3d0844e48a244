package fusion

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// A Tuning teaches what makes the features, beside what fuses them. The features of samples are then those from before: what is learnt from is
// made anew at every step, and ends up in the parameters of whoever makes it.
type Tuning struct {
	Params    iter.Seq2[string, *tensor.Tensor] // of the encoders, that learn; nil where only adapters do
	Adapters  *train.Adapters                   // of the encoders; or nil
	Rate      float64                           // of learning of all these, at its highest
	Part      int                               // samples of a step that are in memory at once, 0 for all: the gradients are those of the whole step
	Recompute bool                              // activations are computed again on the way back: less memory, more time

	// Embed makes the features of a modality in the pass, [n, Width], from their origins (see [Sample]); nil for one whose features stay as they
	// are. Made twice they must be the same.
	Embed func(p *tensor.Pass, modality int, origins []int32) (*tensor.Tensor, error)
}

// tuned is the part of names that an optimiser knows the parameters of encoders by.
const tuned = "encoder."

// named puts a name before those of parameters.
func named(before string, params iter.Seq2[string, *tensor.Tensor]) iter.Seq2[string, *tensor.Tensor] {
	return func(yield func(string, *tensor.Tensor) bool) {
		for name, p := range params {
			if !yield(before+name, p) {
				return
			}
		}
	}
}

// gradients is those of a model and of what is tuned with it.
func (t *Tuning) gradients(model iter.Seq2[string, *tensor.Tensor]) *tensor.Gradients {
	if t == nil {
		return tensor.NewGradients(model)
	}
	all := func(yield func(string, *tensor.Tensor) bool) {
		for name, p := range model {
			if !yield(name, p) {
				return
			}
		}
		if t.Params == nil {
			return
		}
		for name, p := range named(tuned, t.Params) {
			if !yield(name, p) {
				return
			}
		}
	}
	if t.Adapters != nil {
		return t.Adapters.Gradients(all)
	}
	return tensor.NewGradients(all)
}

// groups are how the encoders' parameters learn: at their own rate.
func (t *Tuning) groups(rate float64) []train.Group {
	if t == nil {
		return nil
	}
	by := t.Rate / rate
	return []train.Group{{Pattern: tuned + "*", Rate: by}, {Pattern: "*.lora_A.weight", Rate: by}, {Pattern: "*.lora_B.weight", Rate: by}}
}

// check wants origins of all features.
func (t *Tuning) check(d *Data) error {
	if t == nil {
		return nil
	}
	if !(t.Rate > 0) || t.Part < 0 {
		return fmt.Errorf("fusion: encoders learn at a rate of %v, in parts of %d samples: want a positive rate, and 0 or more", t.Rate, t.Part)
	}
	for i := range d.Samples {
		if n := len(d.Samples[i].Origins); n != len(d.Modalities) {
			return fmt.Errorf("fusion: sample %d has origins of %d modalities, want %d to tune encoders by", i, n, len(d.Modalities))
		}
	}
	return nil
}

// Learn is the loss over the features of the samples of a step, as [train.Objective] says.
func (l *learner) Learn(b train.Batch, weight float64, into *tensor.Gradients) (float64, error) {
	if into != nil {
		l.pass.Random(l.seed)
	}
	return l.lossOf(l.batch(b), l.samples, weight, into)
}

// batch is the samples of a step by their features.
func (l *learner) batch(b train.Batch) Batch {
	batch := Batch{N: len(l.samples), Sets: make([]Set, len(b))}
	for m, v := range b {
		if v.X != nil {
			batch.Sets[m] = Set{v.X, v.Of, l.pass.Spans(len(v.Of), 1)}
		}
	}
	return batch
}

// embed makes the features of samples first to last-1 of a step, as [train.Embed] says.
func (l *learner) embed(p *tensor.Pass, first, last int) (train.Batch, error) {
	b := make(train.Batch, len(l.data.Modalities))
	for m, k := range l.data.Modalities {
		var origins []int32
		var values []float32
		for i := first; i < last; i++ {
			if s := l.samples[i]; s.Has(m) && (l.unseen == nil || !l.unseen(i, m)) {
				b[m].Of, origins, values = append(b[m].Of, int32(i)), append(origins, s.Origins[m]), append(values, s.Features[m]...)
			}
		}
		if len(origins) == 0 {
			b[m].Of = nil
			continue
		}
		x, err := l.Tuning.Embed(p, m, origins)
		if err != nil {
			return nil, err
		}
		if x == nil {
			x = p.Input(values, len(origins), k.Width)
		}
		if x.Rows() != len(origins) || x.Dim(-1) != k.Width {
			return nil, fmt.Errorf("fusion: features %v of %d samples of modality %q, want [%d, %d]", x, len(origins), k.Name, len(origins), k.Width)
		}
		b[m].X = x
	}
	return b, nil
}

// tune goes forward and back once, through the encoders.
func (l *learner) tune(ctx context.Context) (float64, error) {
	n := len(l.samples)
	if part := l.Tuning.Part; part > 0 && part < n {
		l.parts.Size = part
		return l.parts.Learn(ctx, l, l.pass, n, l.embed, l.gradients)
	}
	l.pass.Reset(ctx)
	l.pass.Record(l.gradients)
	b, err := l.embed(l.pass, 0, n)
	if err != nil {
		return 0, err
	}
	loss, err := l.Learn(b, 1, l.gradients)
	if err != nil {
		return 0, err
	}
	l.pass.Backward()
	return loss, l.pass.Err()
}

// some is how many samples go through the encoders at once where nothing is learnt.
func (l *learner) some() int {
	if l.Tuning.Part > 0 {
		return l.Tuning.Part
	}
	return l.BatchSize
}

// look makes the features of some samples in the pass, without recording.
func (l *learner) look(ctx context.Context, d *Data, first int) (train.Batch, error) {
	l.unseen, l.samples = nil, l.samples[:0]
	for i := first; i < min(first+l.some(), len(d.Samples)); i++ {
		l.samples = append(l.samples, &d.Samples[i])
	}
	l.pass.Reset(ctx)
	return l.embed(l.pass.Record(nil), 0, len(l.samples))
}

// anew is d with the features that the encoders make of it now, of each origin once.
func (l *learner) anew(ctx context.Context, d *Data) (*Data, error) {
	out := d.Without()
	for m, k := range d.Modalities {
		var origins []int32
		at := map[int32][]int{} // samples
		for i := range d.Samples {
			if s := &d.Samples[i]; s.Has(m) {
				o := s.Origins[m]
				if at[o] == nil {
					origins = append(origins, o)
				}
				at[o] = append(at[o], i)
			}
		}
		for some := range slices.Chunk(origins, l.some()) {
			l.pass.Reset(ctx)
			x, err := l.Tuning.Embed(l.pass.Record(nil), m, some)
			if err == nil {
				err = l.pass.Err()
			}
			if err != nil {
				return nil, err
			}
			if x == nil { // numbers stay what they are
				break
			}
			for row, o := range some {
				features := slices.Clone(x.Floats()[row*k.Width:][:k.Width])
				for _, i := range at[o] {
					out.Samples[i].Features[m] = features
				}
			}
		}
	}
	return out, nil
}
