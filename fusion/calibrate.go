package fusion

import (
	"math"

	"github.com/chiasm/chiasm/tensor"
)

// A truth is what logits of heads are held against: the samples, and how much their classes count.
type truth struct {
	task    Task
	samples []Sample
	classes []float64 // weights; nil where all count alike
}

// surprise is how little a head expects what is true, at a temperature: less the mean logarithm of its belief. The truth is smoothed by as much as one
// sample of another kind would, without which a head that errs nowhere would be made as sure as one likes. Samples of which it says nothing do not count.
func (t truth) surprise(all []opinions, head int, temperature float64) float64 {
	sum, total, smooth := 0.0, 0.0, 1/float64(len(all)+1)
	for i, o := range all {
		s, weight := &t.samples[i], 1.0
		if o[head] == nil || t.task.Kind == Single && s.Class < 0 {
			continue
		}
		if t.classes != nil {
			weight = t.classes[s.Class]
		}
		sum += weight * t.task.cross(o[head], s, temperature, smooth)
		total += weight
	}
	if total == 0 {
		return 0
	}
	return sum / total
}

// cross is the cross-entropy of logits, divided by a temperature, and what is true of a sample, over all outputs; smooth is how much of that goes to all
// classes alike.
func (t Task) cross(logits []float64, s *Sample, temperature, smooth float64) (sum float64) {
	if t.Kind == Single {
		top, mean := math.Inf(-1), 0.0
		for _, v := range logits {
			top = max(top, v)
			mean += v / float64(len(logits))
		}
		for _, v := range logits {
			sum += math.Exp((v - top) / temperature)
		}
		return math.Log(sum) + (top-(1-smooth)*logits[s.Class]-smooth*mean)/temperature
	}
	for j, v := range s.Values {
		if v < 0 {
			continue // not known
		}
		target, x := smooth/2, logits[j]/temperature
		if v > 0 {
			target = 1 - target
		}
		sum += max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) - target*x
	}
	return sum
}

// temperature is the one with the least surprise, by golden section on its logarithm, and that surprise.
func (t truth) temperature(all []opinions, head int) (temperature, least float64) {
	const golden = 0.6180339887498949
	at := func(x float64) float64 { return t.surprise(all, head, math.Exp(x)) }
	low, high := -3.0, 3.0
	a, b := high-golden*(high-low), low+golden*(high-low)
	atA, atB := at(a), at(b)
	for range 24 {
		if atA <= atB {
			high, b, atB = b, a, atA
			a = high - golden*(high-low)
			atA = at(a)
		} else {
			low, a, atA = a, b, atB
			b = low + golden*(high-low)
			atB = at(b)
		}
	}
	return math.Exp((low + high) / 2), min(atA, atB)
}

// said is what the heads say of samples as the model is: those of the modalities, then the fused one.
func (l *learner) said(d *Data) ([]opinions, error) {
	all := make([]opinions, 0, len(d.Samples))
	for first := 0; first < len(d.Samples); first = len(all) {
		b, err := l.show(d, first)
		if err != nil {
			return nil, err
		}
		fused, alone := l.model.Forward(l.pass, b)
		if err := l.pass.Err(); err != nil {
			return nil, err
		}
		heads := make([]Set, len(l.data.Modalities)+1)
		copy(heads, alone)
		heads[len(heads)-1] = Set{X: fused}
		all = l.model.hear(all, b.N, heads)
	}
	return all, nil
}

// hear adds what heads say of n more samples; a head without X says nothing, one without Of something of each.
func (m *Model) hear(all []opinions, n int, heads []Set) []opinions {
	first, k := len(all), m.Config.Task.Outputs
	for range n {
		all = append(all, make(opinions, len(heads)))
	}
	for j, s := range heads {
		if s.X == nil {
			continue
		}
		for i := range s.X.Rows() {
			of := i
			if s.Of != nil {
				of = int(s.Of[i])
			}
			all[first+of][j] = m.numbers(nil, s.X.Floats()[i*k:][:k])
		}
	}
	return all
}

// calm is the least surprise of the heads at other samples, each at the temperature that suits it: weights that err less but are too sure are not passed
// over for that, since they do not stay so.
func (l *learner) calm(valid *Data) (sum float64, err error) {
	all, err := l.said(valid)
	if err != nil {
		return 0, err
	}
	t := truth{valid.Task, valid.Samples, l.loss.classes}
	fused := len(l.data.Modalities)
	for head := range fused + 1 {
		weight := 1.0
		if head < fused && l.model.Head != nil {
			weight = l.Auxiliary
		}
		_, least := t.temperature(all, head)
		sum += weight * least
	}
	return sum, nil
}

// temper divides the logits of the fused head by the temperature that suits other samples.
func (l *learner) temper(valid *Data) error {
	all, err := l.said(valid)
	if err != nil {
		return err
	}
	temperature, _ := truth{valid.Task, valid.Samples, nil}.temperature(all, len(l.data.Modalities))
	l.model.scale(1/temperature, 0)
	return nil
}

// scale multiplies what the fused head says, and adds to it.
func (m *Model) scale(by, add float64) {
	scaled := []*tensor.Tensor{m.Head.Weight, m.Head.Bias}
	if m.Similarity != nil {
		for _, p := range m.Similarity.Pairs {
			scaled = append(scaled, p.Weight, p.Bias)
		}
	}
	for _, p := range scaled {
		for i := range p.Own() {
			p.Own()[i] *= float32(by)
		}
		p.Changed()
	}
	for i := range m.Head.Bias.Own() {
		m.Head.Bias.Own()[i] += float32(add)
	}
	m.Head.Bias.Changed()
}
