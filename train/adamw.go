package train

import (
	"fmt"
	"math"
	"strings"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/tensor"
)

// An AdamW is the optimiser of Loshchilov & Hutter 2019: Adam, with weights that decay apart from it. Its moments are float32. The zero
// values of its fields mean what the comments say.
type AdamW struct {
	Beta1, Beta2 float64 // how slowly the moments forget; 0 for 0.9 and 0.98, CLIP's
	Eps          float64 // added to the root of the second moment; 0 for 1e-6, CLIP's
	Decay        float64 // of the parameters that decay, times the rate
	Groups       []Group // of parameters that learn in another way; the first that matches counts
	Clip         float64 // gradients longer than this, all together, are shortened to it; 0 for never
	Partial      bool    // parameters that no loss has reached in a step stay as they are; else that is an error
	Workers      int     // 0 for all cores; the result does not depend on it

	gradients *tensor.Gradients
	moments   [][2][]float32
	ways      []way
	steps     int
	task      adamTask
}

// A Group is parameters that learn in another way than the rest.
type Group struct {
	Pattern string  // of their names, as [Matches] takes it
	Rate    float64 // times the learning rate; 0 for 1
	Decay   Decay
}

// Decay says whether a parameter decays.
type Decay uint8

// The rules of decay.
const (
	DecayByShape Decay = iota // as [Decays] says
	DecayAlways
	DecayNever
)

// A way is how a parameter learns.
type way struct {
	rate   float64 // times the learning rate
	decays bool
}

// A GradientError is a gradient that holds something that is not a finite number.
type GradientError struct {
	Parameter string
	Steps     int // that were made before
}

// Error names the parameter.
func (e *GradientError) Error() string {
	return fmt.Sprintf("train: the gradient of %s is not finite after %d steps", e.Parameter, e.Steps)
}

// Minimize tells the optimiser which parameters to learn, and takes memory for their moments. It forgets what it learnt before.
func (a *AdamW) Minimize(g *tensor.Gradients) *AdamW {
	for _, f := range []struct {
		value    *float64
		standard float64
	}{{&a.Beta1, 0.9}, {&a.Beta2, 0.98}, {&a.Eps, 1e-6}} {
		if *f.value == 0 {
			*f.value = f.standard
		}
	}
	a.gradients, a.moments, a.ways, a.steps = g, nil, nil, 0
	for _, l := range g.All() {
		n := len(l.Gradient)
		a.moments = append(a.moments, [2][]float32{make([]float32, n), make([]float32, n)})
		a.ways = append(a.ways, a.way(l))
	}
	return a
}

// way is how the groups let a parameter learn.
func (a *AdamW) way(l tensor.Learnt) way {
	for _, g := range a.Groups {
		if !Matches(g.Pattern, l.Name) {
			continue
		}
		w := way{g.Rate, g.Decay == DecayAlways || g.Decay == DecayByShape && Decays(l.Param)}
		if w.rate == 0 {
			w.rate = 1
		}
		return w
	}
	return way{1, Decays(l.Param)}
}

// Decays reports whether a parameter is one of those that decay: the weights of products, which have two dimensions or more; not gains,
// biases and the scale.
func Decays(t *tensor.Tensor) bool { return t.Rank() >= 2 }

// Step changes the parameters by their gradients at a learning rate, and clears these. It returns how long the gradients were, all
// together, before clipping. It is an error, and nothing is changed, if they are not finite or, but for Partial, if no loss has reached some parameter.
func (a *AdamW) Step(rate float64) (norm float64, err error) {
	if names := a.gradients.Unreached(); len(names) > 0 && !a.Partial {
		return 0, fmt.Errorf("train: %d parameters have no gradient, among them %s: freeze them, or make the loss depend on them", len(names), strings.Join(names[:min(4, len(names))], ", "))
	}
	list := a.gradients.All()
	for _, l := range list {
		s := squares(l.Gradient)
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return 0, &GradientError{l.Name, a.steps}
		}
		norm += s
	}
	norm = math.Sqrt(norm)
	shorten := 1.0
	if a.Clip > 0 {
		shorten = min(1, a.Clip/(norm+1e-6)) // as torch.nn.utils.clip_grad_norm_ does
	}
	a.steps++
	for i, l := range list {
		if a.Partial && !a.gradients.Reached(l.Param) {
			continue
		}
		decay, rate := 0.0, rate*a.ways[i].rate
		if a.ways[i].decays {
			decay = a.Decay
		}
		a.task = adamTask{
			values: l.Param.Own(), gradient: l.Gradient, first: a.moments[i][0], second: a.moments[i][1], adam: kernel.Adam{
				Shorten: float32(shorten), Keep1: float32(a.Beta1), Take1: float32(1 - a.Beta1), Keep2: float32(a.Beta2), Take2: float32(1 - a.Beta2),
				Shrink: float32(1 - rate*decay), Rate: float32(rate / (1 - math.Pow(a.Beta1, float64(a.steps)))),
				Correct: float32(1 / math.Sqrt(1-math.Pow(a.Beta2, float64(a.steps)))), Eps: float32(a.Eps),
			},
		}
		par.Do(&a.task, (len(l.Gradient)+adamStep-1)/adamStep, a.Workers)
		l.Param.Changed()
	}
	a.gradients.Clear()
	return norm, nil
}

// squares is the sum of the squares of x, in float64 over blocks.
func squares(x []float32) (sum float64) {
	for len(x) > 0 {
		n := min(len(x), 256)
		sum += float64(kernel.Dot(x[:n], x[:n]))
		x = x[n:]
	}
	return sum
}

const adamStep = 1 << 14 // values a chunk

// An adamTask is a step of one parameter.
type adamTask struct {
	values, gradient, first, second []float32
	adam                            kernel.Adam
}

// Run does chunk i.
func (t *adamTask) Run(i int) {
	from := i * adamStep
	to := min(from+adamStep, len(t.values))
	t.adam.Step(t.values[from:to], t.gradient[from:to], t.first[from:to], t.second[from:to])
}
