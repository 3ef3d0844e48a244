package fusion

import (
	"math"

	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// A loss is that of a task, its memory kept from batch to batch.
type loss struct {
	task    Task
	classes []float64 // weights of classes; nil for none
	mean    []float32 // and spread of the numbers of a Regression, which are learnt as so many spreads from the mean
	spread  []float32

	classify train.Classify
	logits   []float64
	targets  []float64
	slopes   []float64
	seed     []float32
}

// learn is the mean loss of outputs [n, Outputs], those of the samples at of, or of all for nil. Unless into is nil it seeds the way back
// with weight times its derivatives.
func (l *loss) learn(x *tensor.Tensor, of []int32, samples []*Sample, weight float64, into *tensor.Gradients) (float64, error) {
	if l.task.Kind == Single {
		l.classify.Weights, l.classify.Labels = l.classes, l.classify.Labels[:0]
		for _, s := range samples {
			l.classify.Labels = append(l.classify.Labels, s.Class)
		}
		return l.classify.Learn(train.Batch{{X: x, Of: of}}, weight, into)
	}
	n, k := x.Rows(), l.task.Outputs
	l.logits, l.targets, l.slopes = l.logits[:0], l.targets[:0], l.slopes[:0]
	for i := range n {
		s := samples[i]
		if of != nil {
			s = samples[of[i]]
		}
		for j, v := range s.Values {
			l.logits, l.slopes = append(l.logits, float64(x.Floats()[i*k+j])), append(l.slopes, 0)
			if l.task.Kind == Regression {
				v = (v - l.mean[j]) / l.spread[j]
			}
			l.targets = append(l.targets, float64(v))
		}
	}
	sum := 0.0
	if l.task.Kind == Regression {
		for i, v := range l.logits {
			d := v - l.targets[i]
			sum += d * d / float64(n*k)
			l.slopes[i] = 2 * d / float64(n*k)
		}
	} else {
		sum = train.Sigmoid(l.slopes, l.logits, l.targets, n, k)
	}
	if into != nil && x.Learns() {
		l.seed = l.seed[:0]
		for _, v := range l.slopes {
			l.seed = append(l.seed, float32(weight*v))
		}
		x.Seed(l.seed)
	}
	return sum, nil
}

// balanced is weights that make all classes count alike: n/(classes·count).
func balanced(d *Data) []float64 {
	weights, n := make([]float64, d.Task.Outputs), 0.0
	for i := range d.Samples {
		if c := d.Samples[i].Class; c >= 0 {
			weights[c]++
			n++
		}
	}
	for c, count := range weights {
		weights[c] = n / (float64(len(weights)) * max(count, 1))
	}
	return weights
}

// answer turns the outputs for a sample into probabilities, in place; the numbers of a Regression stay what they are.
func (t Task) answer(x []float64) []float64 {
	switch t.Kind {
	case Single:
		top, sum := math.Inf(-1), 0.0
		for _, v := range x {
			top = max(top, v)
		}
		for i, v := range x {
			x[i] = math.Exp(v - top)
			sum += x[i]
		}
		for i := range x {
			x[i] /= sum
		}
	case Multi, Match:
		for i, v := range x {
			x[i] = 1 / (1 + math.Exp(-v))
		}
	}
	return x
}
