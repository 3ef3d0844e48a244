package train

import (
	"context"
	"fmt"
	"math"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// Examples are features with labels.
type Examples struct {
	Features []float32 // [n, Width]
	Width    int
	Labels   []int32 // n, from 0 to Classes-1
	Classes  int
}

func (e Examples) check() error {
	if n := len(e.Labels); n == 0 || e.Width < 1 || len(e.Features) != n*e.Width {
		return fmt.Errorf("train: %d labels and %d features of width %d, want as many, and some", n, len(e.Features), e.Width)
	}
	for i, l := range e.Labels {
		if l < 0 || int(l) >= e.Classes {
			return fmt.Errorf("train: example %d has label %d, want 0 to %d", i, l, e.Classes-1)
		}
	}
	return nil
}

// A Probe learns to classify features by logistic regression, with which CLIP and open_clip measure how good these are (Radford et al. 2021,
// §3.2): it minimises the mean cross-entropy plus Strength/2·Σ (weight - Toward)², by L-BFGS. The C of scikit-learn is 1/(Strength·n).
type Probe struct {
	Strength  float64
	Toward    []float32 // weights, [Classes, Width], that learning begins at and is drawn to; nil for 0
	Steps     int       // at most; 0 for 1000, as CLIP
	Tolerance float64   // of the largest derivative; 0 for 1e-7
	Workers   int       // 0 for all cores; the result does not depend on it
}

// probeRows is how many rows go through a pass at once.
const probeRows = 1024

// Fit learns a layer that makes the logits of classes from features.
func (o Probe) Fit(ctx context.Context, e Examples) (*nn.Linear, error) {
	l := &nn.Linear{Weight: zeros(max(e.Classes, 0), e.Width), Bias: zeros(max(e.Classes, 0))}
	copy(l.Weight.Own(), o.Toward)
	return l, o.fit(ctx, e, l)
}

// fit goes on from what the layer is.
func (o Probe) fit(ctx context.Context, e Examples, l *nn.Linear) error {
	if err := e.check(); err != nil {
		return err
	}
	if o.Toward != nil && len(o.Toward) != e.Classes*e.Width {
		return fmt.Errorf("train: probe drawn to %d weights, want %d for %d classes and features of width %d", len(o.Toward), e.Classes*e.Width, e.Classes, e.Width)
	}
	if o.Steps == 0 {
		o.Steps = 1000
	}
	if o.Tolerance == 0 {
		o.Tolerance = 1e-7
	}
	g := tensor.NewGradients(nn.Params(l))
	p, c := tensor.NewPass(ctx, o.Workers), &Classify{}
	weights := l.Weight.Len()
	x := make([]float64, weights+e.Classes)
	each := func(do func(v []float32, gradient []float32, first int)) {
		first := 0
		for _, k := range g.All() {
			do(k.Param.Own(), k.Gradient, first)
			first += k.Param.Len()
		}
	}
	each(func(v, _ []float32, first int) {
		for i := range v {
			x[first+i] = float64(v[i])
		}
	})
	far := make([]float64, weights) // weights less those of Toward
	set := func(x []float64) {
		each(func(v, _ []float32, first int) {
			for i := range v {
				v[i] = float32(x[first+i])
			}
		})
		l.Weight.Changed()
		l.Bias.Changed()
	}
	err := lbfgs(x, func(x, slopes []float64) (float64, error) {
		set(x)
		g.Clear()
		loss, err := descend(ctx, p, c, e, l, g)
		each(func(_, gradient []float32, first int) {
			for i, v := range gradient {
				slopes[first+i] = float64(v)
			}
		})
		copy(far, x)
		for i, v := range o.Toward {
			far[i] -= float64(v)
		}
		along(slopes[:weights], o.Strength, far)
		return loss + o.Strength/2*dot(far, far), err
	}, o.Steps, o.Tolerance)
	set(x)
	if err != nil {
		return fmt.Errorf("train: probe: %w", err)
	}
	return nil
}

// descend is the mean cross-entropy of all examples and its derivatives.
func descend(ctx context.Context, p *tensor.Pass, c *Classify, e Examples, l *nn.Linear, g *tensor.Gradients) (loss float64, err error) {
	n := len(e.Labels)
	batch := make(Batch, 1)
	for first := 0; first < n; first += probeRows {
		last := min(n, first+probeRows)
		share := float64(last-first) / float64(n)
		p.Reset(ctx)
		p.Record(g)
		c.Labels = e.Labels[first:last]
		batch[0].X = l.Forward(p.Input(e.Features[first*e.Width:last*e.Width], last-first, e.Width))
		part, err := c.Learn(batch, share, g)
		if err != nil {
			return 0, err
		}
		p.Backward()
		if err := p.Err(); err != nil {
			return 0, err
		}
		loss += share * part
	}
	return loss, nil
}

// Accuracy is the share of examples whose label has the largest logit.
func Accuracy(ctx context.Context, l *nn.Linear, e Examples, workers int) (float64, error) {
	if err := e.check(); err != nil {
		return 0, err
	}
	p, c, right := tensor.NewPass(ctx, workers), &Classify{}, 0
	for first := 0; first < len(e.Labels); first += probeRows {
		last := min(len(e.Labels), first+probeRows)
		p.Reset(ctx)
		c.Labels = e.Labels[first:last]
		logits := l.Forward(p.Input(e.Features[first*e.Width:last*e.Width], last-first, e.Width))
		if _, err := c.Learn(Batch{{X: logits}}, 1, nil); err != nil {
			return 0, err
		}
		right += c.Right
	}
	return float64(right) / float64(len(e.Labels)), p.Err()
}

// Strengths are n strengths for [Sweep] from the largest to the least, evenly by their logarithms.
func Strengths(most, least float64, n int) (list []float64) {
	for i := range n {
		list = append(list, most*math.Pow(least/most, float64(i)/float64(max(n-1, 1))))
	}
	return list
}

// Sweep fits a probe of each strength, each from the one before, and returns that which classifies other examples best: the first of them, if
// there are several, so strengths are best given from the largest on.
func (o Probe) Sweep(ctx context.Context, e, valid Examples, strengths []float64) (best *nn.Linear, strength, accuracy float64, err error) {
	l, err := &nn.Linear{Weight: zeros(max(e.Classes, 0), e.Width), Bias: zeros(max(e.Classes, 0))}, error(nil)
	accuracy = -1
	for _, o.Strength = range strengths {
		if err := o.fit(ctx, e, l); err != nil {
			return nil, 0, 0, err
		}
		a, err := Accuracy(ctx, l, valid, o.Workers)
		if err != nil {
			return nil, 0, 0, err
		}
		if a > accuracy {
			accuracy, strength = a, o.Strength
			best = &nn.Linear{Weight: zeros(e.Classes, e.Width), Bias: zeros(e.Classes)}
			copy(best.Weight.Own(), l.Weight.Own())
			copy(best.Bias.Own(), l.Bias.Own())
		}
	}
	return best, strength, accuracy, err
}
