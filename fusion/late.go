package fusion

import (
	"context"
	"fmt"
	"math"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// A Rule says how late fusion joins what the experts of the modalities say. Experts whose modality is missing do not take part.
type Rule string

// The rules. Those that have something to learn do so from the samples that a training looks at but does not learn from.
const (
	Average Rule = "average" // the mean of their probabilities
	Product Rule = "product" // of their probabilities after temperature scaling (Guo et al. 2017), brought to a sum of 1 (Hinton 2002); numbers weighted by one over their mean squared error
	Learned Rule = "weights" // a mean with the weights that make what is true most likely, by expectation-maximisation
	Gate    Rule = "gate"    // a mean in which each weighs as much as it is sure, by its probabilities after temperature scaling; not for numbers
	Stack   Rule = "stack"   // logistic regression on their log probabilities after temperature scaling, and on who takes part (Wolpert 1992), drawn to the product; for one class of several
)

// Rules is all rules.
var Rules = []Rule{Average, Product, Learned, Gate, Stack}

// Fits reports whether a rule is for tasks of a kind.
func (r Rule) Fits(k Kind) bool {
	return r == Average || r == Product || r == Learned || r == Gate && k != Regression || r == Stack && k == Single
}

// A Combination is what late fusion has learnt about its experts.
type Combination struct {
	Temperature *tensor.Tensor `weight:"temperature"` // of each modality, [M]: logits are divided by it
	Error       *tensor.Tensor `weight:"error"`       // mean squared, of the numbers of each modality, [M]
	Weights     *tensor.Tensor `weight:"weights"`     // of each modality, [M], with a sum of 1
	Stack       *nn.Linear     `weight:"stack"`       // of log probabilities and who takes part, [classes, M·(classes+1)]; nil but for one class of several
}

func newCombination(t Task, m int) *Combination {
	c := &Combination{tensor.Statistic(m), tensor.Statistic(m), tensor.Statistic(m), nil}
	if t.Kind == Single {
		c.Stack = &nn.Linear{Weight: tensor.Statistic(t.Outputs, m*(t.Outputs+1)), Bias: tensor.Statistic(t.Outputs)}
	}
	return c
}

// temperature is that of an expert, 1 before there is one.
func (c *Combination) temperature(m int) float64 {
	if t := c.Temperature.Floats()[m]; t > 0 {
		return float64(t)
	}
	return 1
}

// opinions is what the experts say of a sample: logits, or numbers, of each modality; nil where it is missing.
type opinions [][]float64

// fitLate learns how to join the experts from samples that they have not seen.
func (m *Model) fitLate(ctx context.Context, valid *Data, workers int) error {
	all, err := m.opinions(ctx, valid.Samples, workers)
	if err != nil {
		return err
	}
	c, t := m.Late, valid.Task
	for k := range m.Config.Modalities {
		temperature := 1.0
		if t.Kind != Regression {
			temperature, _ = truth{t, valid.Samples, nil}.temperature(all, k)
		}
		c.Temperature.Own()[k] = float32(temperature)
		c.Error.Own()[k] = float32(squared(all, valid, k))
	}
	m.expect(all, valid)
	if t.Kind != Single {
		return nil
	}
	e := train.Examples{Classes: t.Outputs, Width: c.Stack.Weight.Dim(1)}
	for i, o := range all {
		for some := range o.parts() {
			if s := &valid.Samples[i]; s.Class >= 0 {
				e.Features = m.stacked(e.Features, some)
				e.Labels = append(e.Labels, s.Class)
			}
		}
	}
	learnt, err := train.Probe{Strength: 0.1, Toward: c.product(), Steps: 200, Tolerance: 1e-5, Workers: workers}.Fit(ctx, e)
	if err != nil {
		return fmt.Errorf("fusion: stacking: %w", err)
	}
	copy(c.Stack.Weight.Own(), learnt.Weight.Floats())
	copy(c.Stack.Bias.Own(), learnt.Bias.Floats())
	return nil
}

// logBelief is the logarithm of the probability that an answer gives to what is true, over all outputs.
func (t Task) logBelief(answer []float64, s *Sample) (sum float64) {
	const least = 1e-12
	if t.Kind == Single {
		if s.Class < 0 {
			return 0
		}
		return math.Log(max(answer[s.Class], least))
	}
	for j, v := range s.Values {
		if v > 0 {
			sum += math.Log(max(answer[j], least))
		} else if v == 0 {
			sum += math.Log(max(1-answer[j], least))
		}
	}
	return sum
}

// calibrated is probabilities from logits, in the memory of p if there is enough.
func calibrated(p []float64, t Task, logits []float64, temperature float64) []float64 {
	p = append(p[:0], logits...)
	for i := range p {
		p[i] /= temperature
	}
	return t.answer(p)
}

// squared is the mean squared error of the expert of a modality, for numbers.
func squared(all []opinions, d *Data, m int) float64 {
	sum, n := 0.0, 0.0
	for i, o := range all {
		if o[m] == nil || d.Task.Kind != Regression {
			continue
		}
		for j, v := range o[m] {
			diff := v - float64(d.Samples[i].Values[j])
			sum += diff * diff
			n++
		}
	}
	return max(sum/max(n, 1), 1e-9)
}

// expect finds weights under which the experts' mixture makes what is true most likely.
func (m *Model) expect(all []opinions, d *Data) {
	c, k := m.Late, len(m.Config.Modalities)
	weights := make([]float64, k)
	for i := range weights {
		weights[i] = 1 / float64(k)
	}
	beliefs := make([][]float64, len(all)) // NaN where an expert takes no part
	for i, o := range all {
		beliefs[i] = make([]float64, k)
		for j := range k {
			switch {
			case o[j] == nil:
				beliefs[i][j] = math.NaN()
			case d.Task.Kind == Regression:
				e := float64(c.Error.Floats()[j])
				beliefs[i][j] = 1e-12
				for x, v := range o[j] {
					diff := v - float64(d.Samples[i].Values[x])
					beliefs[i][j] += math.Exp(-diff*diff/2/e) / math.Sqrt(e)
				}
			default:
				beliefs[i][j] = d.Task.belief(d.Task.answer(append([]float64(nil), o[j]...)), &d.Samples[i]) + 1e-12
			}
		}
	}
	for range 50 {
		next, n := make([]float64, k), 0.0
		for _, b := range beliefs {
			sum := 0.0
			for j, v := range b {
				if !math.IsNaN(v) {
					sum += weights[j] * v
				}
			}
			if sum == 0 {
				continue
			}
			n++
			for j, v := range b {
				if !math.IsNaN(v) {
					next[j] += weights[j] * v / sum
				}
			}
		}
		for j := range weights {
			weights[j] = (next[j] + 1e-3) / (n + 1e-3*float64(k))
		}
	}
	for j, w := range weights {
		c.Weights.Own()[j] = float32(w)
	}
}

// A joining is the memory in which opinions are joined.
type joining struct {
	out, p  []float64
	stacked []float32
}

// zeros is out, n zeros.
func (s *joining) zeros(n int) []float64 {
	if cap(s.out) < n {
		s.out = make([]float64, n)
	}
	s.out = s.out[:n]
	clear(s.out)
	return s.out
}

// join is the answer of late fusion by its rule. Where no expert takes part it knows nothing: all classes are as likely, and a number is the mean of those learnt.
// The answer lies in s, until that is used again.
func (m *Model) join(o opinions, s *joining) []float64 {
	t, c := m.Config.Task, m.Late
	out := s.zeros(t.Outputs)
	if m.Rule == Stack {
		s.stacked = m.stacked(s.stacked[:0], o)
		x := s.stacked
		w, b := c.Stack.Weight.Floats(), c.Stack.Bias.Floats()
		for j := range out {
			out[j] = float64(b[j])
			for i, v := range x {
				out[j] += float64(w[j*len(x)+i]) * float64(v)
			}
		}
		return t.answer(out)
	}
	total := 0.0
	for i, logits := range o {
		if logits == nil {
			continue
		}
		s.p = append(s.p[:0], logits...)
		p, w := s.p, 1.0
		switch {
		case m.Rule == Product && t.Kind == Regression:
			w = 1 / float64(c.Error.Floats()[i])
		case m.Rule == Product: // logits are added, each expert's divided by its temperature
			w = 1 / c.temperature(i)
		case m.Rule == Gate:
			p = calibrated(p, t, logits, c.temperature(i))
			w = t.sureness(p) + 1e-6
		default:
			p = t.answer(p)
			if m.Rule == Learned {
				w = float64(c.Weights.Floats()[i])
			}
		}
		for j, v := range p {
			out[j] += w * v
		}
		total += w
	}
	if total == 0 && t.Kind == Regression {
		for j := range out {
			out[j] = float64(m.Answers.Mean.Floats()[j])
		}
		return out
	}
	if total == 0 || m.Rule == Product && t.Kind != Regression {
		return t.answer(out)
	}
	for j := range out {
		out[j] /= total
	}
	return out
}

// sureness is 0 for probabilities that say nothing, 1 for certainty: one less the entropy over the largest that it can be.
func (t Task) sureness(p []float64) float64 {
	if t.Kind == Single {
		return 1 - entropy(p)/math.Log(float64(len(p)))
	}
	sum := 0.0
	for _, v := range p {
		sum += 1 - entropy([]float64{v, 1 - v})/math.Ln2
	}
	return sum / float64(len(p))
}

func entropy(p []float64) (sum float64) {
	for _, v := range p {
		if v > 0 {
			sum -= v * math.Log(v)
		}
	}
	return sum
}
