package main

import (
	"context"
	"math/rand/v2"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// A course is how a part of the model is learnt.
type course struct {
	what     string
	steps    int
	rate     float64
	decay    float64
	groups   []train.Group
	contrast *train.Contrast // whose scale is learnt too; or nil
	seed     uint64
}

// learn runs a course over the parameters of a model. step goes forward and back once.
func learn(ctx context.Context, c course, model any, step func(p *tensor.Pass, into *tensor.Gradients, r *rand.Rand) (float64, error)) ([]float64, error) {
	gradients := tensor.NewGradients(nn.Params(model))
	p := tensor.NewPass(ctx, 0).Record(gradients)
	var curve []float64
	run := &train.Run{
		Gradients: gradients,
		Optimiser: (&train.AdamW{Decay: c.decay, Beta2: 0.999, Clip: 5, Groups: c.groups}).Minimize(gradients),
		Schedule:  train.Schedule{Rate: c.rate, Warmup: min(50, c.steps/10), Steps: c.steps},
		Seed:      c.seed,
		Step: func(ctx context.Context, call int) (train.Outcome, error) {
			p.Reset(ctx)
			p.Random(c.seed + uint64(call)*0x9e3779b97f4a7c15)
			loss, err := step(p, gradients, train.Random(c.seed, call))
			if err == nil {
				p.Backward()
			}
			return train.Outcome{Loss: loss, Items: 1}, err
		},
		Progress: func(at train.Progress) {
			curve = append(curve, at.Loss)
			if at.Step%250 == 0 || at.Step == c.steps {
				say("%s: step %d of %d, loss %.4f", c.what, at.Step, c.steps, at.Mean)
			}
		},
	}
	if c.contrast != nil {
		run.After = c.contrast.Clamp
	}
	_, err := run.Learn(ctx)
	return curve, err
}

// A layer is linear with a hidden layer beside it: what every part that is learnt here consists of.
type layer struct {
	Direct *nn.Linear `weight:"direct"`
	Up     *nn.Linear `weight:"up"`
	Down   *nn.Linear `weight:"down"`
}

// newLayer makes a layer with random values whose hidden part says nothing yet.
func newLayer(in, hidden, out int, seed uint64) *layer {
	l := &layer{nn.NewLinear(in, out, true), nn.NewLinear(in, hidden, true), nn.NewLinear(hidden, out, true)}
	nn.Init(l, seed)
	clear(l.Down.Weight.Own())
	l.Down.Weight.Changed()
	return l
}

func (l *layer) forward(x *tensor.Tensor, drop float32) *tensor.Tensor {
	h := x.Linear(l.Up.Weight, l.Up.Bias, tensor.GELU)
	if drop > 0 {
		h = h.Dropout(drop)
	}
	return h.LinearAdd(l.Down.Weight, l.Down.Bias, l.Direct.Forward(x))
}

// apply maps rows of values of length in through f, a part at a time.
func apply(ctx context.Context, values []float32, in int, f func(x *tensor.Tensor) *tensor.Tensor) (out []float32, err error) {
	const part = 1024
	p := tensor.NewPass(ctx, 0)
	for first := 0; first < len(values); first += part * in {
		p.Reset(ctx)
		rows := values[first:min(first+part*in, len(values))]
		out = append(out, f(p.Input(rows, len(rows)/in, in)).Floats()...)
		if err := p.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// filled is a parameter with values.
func filled(values []float32, shape ...int) *tensor.Tensor {
	t := tensor.Param(shape...)
	t.Store(tensor.F32, tensor.EntryOf("", values, shape...).Data, nil)
	return t
}

// newScale is a learnt scale of cosines.
func newScale(log float32) *tensor.Tensor {
	return filled([]float32{log})
}
