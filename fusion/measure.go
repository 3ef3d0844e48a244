package fusion

import (
	"context"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/chiasm/chiasm/metric"
)

// Figures is how good answers are. What a task does not have is NaN.
type Figures struct {
	N           int             // samples whose truth is known
	Score       float64         // the mean of the scores of samples: the accuracy; for Multi, of all classes; for Regression, less the mean squared error
	Interval    metric.Interval // of the score, by groups of samples
	MacroF1     float64         // the F1 of each class, averaged: one class of several, or any number of them
	F1Interval  metric.Interval // of that
	Error       float64         // the root of the mean squared error, of numbers
	Calibration float64         // expected calibration error, of 15 stretches of confidence
}

// Scores is how right each answer is: 1 or 0 for a class or a match, the share of right ones for several classes, less the mean square
// of the errors for numbers; NaN where the truth is not known.
func Scores(d *Data, answers [][]float64) []float64 {
	scores := make([]float64, len(answers))
	for i, a := range answers {
		scores[i] = d.Task.score(a, &d.Samples[i])
	}
	return scores
}

func (t Task) score(answer []float64, s *Sample) float64 {
	if t.Kind == Single {
		switch {
		case s.Class < 0:
			return math.NaN()
		case best(answer) == int(s.Class):
			return 1
		}
		return 0
	}
	sum, n := 0.0, 0.0
	for j, v := range s.Values {
		switch {
		case t.Kind == Regression:
			d := answer[j] - float64(v)
			sum -= d * d
		case v < 0:
			continue
		case (v > 0) == (answer[j] > 0.5):
			sum++
		}
		n++
	}
	return sum / n
}

// best is the index of the largest value, the first of equals.
func best(x []float64) int {
	at := 0
	for i, v := range x {
		if v > x[at] {
			at = i
		}
	}
	return at
}

// Measure is how good answers to the samples of d are.
func Measure(d *Data, answers [][]float64, b metric.Bootstrap) Figures {
	scores := Scores(d, answers)
	known := slices.DeleteFunc(slices.Clone(scores), math.IsNaN)
	f := Figures{N: len(known), Score: average(known), Interval: d.interval(b, scores), MacroF1: math.NaN(), Error: math.NaN(), Calibration: math.NaN()}
	if d.Task.Kind == Regression {
		f.Error = math.Sqrt(-f.Score)
		return f
	}
	f.MacroF1 = macroF1(d, answers, nil)
	f.F1Interval = d.f1Interval(b, answers)
	var confidence []float64
	var right []bool
	for i, a := range answers {
		s := &d.Samples[i]
		if d.Task.Kind == Single {
			if s.Class >= 0 {
				confidence, right = append(confidence, a[best(a)]), append(right, best(a) == int(s.Class))
			}
			continue
		}
		for j, v := range s.Values {
			if v >= 0 {
				confidence, right = append(confidence, max(a[j], 1-a[j])), append(right, (v > 0) == (a[j] > 0.5))
			}
		}
	}
	f.Calibration = metric.CalibrationError(confidence, right, 15)
	return f
}

// interval is that of the mean of a number of each sample, NaN where it has none. Samples of one group are drawn together: what a model makes of
// one says much about the others (a cluster bootstrap, Davison & Hinkley 1997).
func (d *Data) interval(b metric.Bootstrap, numbers []float64) metric.Interval {
	groups := d.clusters(func(i int) bool { return !math.IsNaN(numbers[i]) })
	return one(b.Intervals(len(groups), func(drawn []int32) []float64 {
		sum, n := 0.0, 0.0
		for _, g := range drawn {
			for _, i := range groups[g] {
				sum += numbers[i]
			}
			n += float64(len(groups[g]))
		}
		return []float64{sum / n}
	}))
}

// f1Interval is that of the macro-F1, likewise.
func (d *Data) f1Interval(b metric.Bootstrap, answers [][]float64) metric.Interval {
	groups := d.clusters(func(int) bool { return true })
	sample := make([]int32, 0, len(answers))
	return one(b.Intervals(len(groups), func(drawn []int32) []float64 {
		sample = sample[:0]
		for _, g := range drawn {
			sample = append(sample, groups[g]...)
		}
		return []float64{macroF1(d, answers, sample)}
	}))
}

// clusters is the samples of each group, without those that keep does not want.
func (d *Data) clusters(keep func(i int) bool) (groups [][]int32) {
	at := map[string]int{}
	for i := range d.Samples {
		if !keep(i) {
			continue
		}
		group := d.Samples[i].Group
		g, ok := at[group]
		if !ok || group == "" {
			g = len(groups)
			at[group] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], int32(i))
	}
	return groups
}

// one is the only interval of a list, or none.
func one(list []metric.Interval) metric.Interval {
	if list == nil {
		return metric.Interval{}
	}
	return list[0]
}

func average(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// macroF1 is 2·hits/(2·hits + misses + false alarms) of each class that occurs or is answered, averaged, over some of the samples; nil is all.
func macroF1(d *Data, answers [][]float64, sample []int32) float64 {
	hits, wrong := make([]float64, d.Task.Outputs), make([]float64, d.Task.Outputs)
	n := len(sample)
	if sample == nil {
		n = len(answers)
	}
	for i := range n {
		if sample != nil {
			i = int(sample[i])
		}
		a, s := answers[i], &d.Samples[i]
		if d.Task.Kind == Single {
			if c := best(a); s.Class == int32(c) {
				hits[c]++
			} else if s.Class >= 0 {
				wrong[c]++
				wrong[s.Class]++
			}
			continue
		}
		for j, v := range s.Values {
			switch said := a[j] > 0.5; {
			case v > 0 && said:
				hits[j]++
			case v >= 0 && said != (v > 0):
				wrong[j]++
			}
		}
	}
	sum, classes := 0.0, 0.0
	for j, h := range hits {
		if h+wrong[j] > 0 {
			sum += 2 * h / (2*h + wrong[j])
			classes++
		}
	}
	return sum / max(classes, 1)
}

// A Subset is how good the answers are to samples that show some modalities only.
type Subset struct {
	Modalities []string
	Figures
}

// Subsets measures a model with every set of modalities but the empty one, the single ones first.
func (m *Model) Subsets(ctx context.Context, d *Data, b metric.Bootstrap, workers int) (list []Subset, err error) {
	for _, set := range subsets(len(d.Modalities)) {
		names, gone := d.showing(set)
		some := d.Without(gone...)
		answers, err := m.Predict(ctx, some.Samples, workers)
		if err != nil {
			return nil, err
		}
		list = append(list, Subset{names, Measure(some, answers, b)})
	}
	return list, nil
}

// showing is the names of the modalities of a set of bits, and which are not in it.
func (d *Data) showing(set int) (names []string, gone []bool) {
	for k, m := range d.Modalities {
		out := set&(1<<k) == 0
		if gone = append(gone, out); !out {
			names = append(names, m.Name)
		}
	}
	return names, gone
}

// subsets is the sets of n things as bits, small ones first, without the empty one.
func subsets(n int) (list []int) {
	for size := 1; size <= n; size++ {
		for set := 1; set < 1<<n; set++ {
			if bits.OnesCount(uint(set)) == size {
				list = append(list, set)
			}
		}
	}
	return list
}

// A Point is how good answers are at a level of disturbance.
type Point struct {
	Level float64
	Figures
}

// Noise measures a model when noise is added to the features of a modality, or of all for -1: at each level, normally distributed
// and so many times as large as the feature varied where the model learnt.
func (m *Model) Noise(ctx context.Context, d *Data, modality int, levels []float64, b metric.Bootstrap, seed uint64, workers int) ([]Point, error) {
	return m.curve(ctx, d, levels, b, seed, workers, m.blur(modality))
}

// blur adds noise of a level to the features of a modality, or of each for -1.
func (m *Model) blur(modality int) disturbance {
	return func(r *rand.Rand, level float64, k int, x []float32) []float32 {
		if modality >= 0 && k != modality {
			return x
		}
		y, spread := slices.Clone(x), m.Inputs[k].Var.Floats()
		for i := range y {
			y[i] += float32(level * r.NormFloat64() * math.Sqrt(float64(spread[i%len(spread)])))
		}
		return y
	}
}

// Dropped measures a model when a modality, or each for -1, is missing from some samples: at each level, with that probability.
func (m *Model) Dropped(ctx context.Context, d *Data, modality int, levels []float64, b metric.Bootstrap, seed uint64, workers int) ([]Point, error) {
	return m.curve(ctx, d, levels, b, seed, workers, func(r *rand.Rand, level float64, k int, x []float32) []float32 {
		if gone := r.Float64() < level; gone && (modality < 0 || k == modality) {
			return nil
		}
		return x
	})
}

// A disturbance makes other features of those of modality k, of which it changes none, at a level.
type disturbance func(r *rand.Rand, level float64, k int, x []float32) []float32

// disturbed is d with all features changed at a level.
func (d *Data) disturbed(seed uint64, level float64, by disturbance) *Data {
	r := rand.New(rand.NewPCG(seed, 0x2545f4914f6cdd1d))
	some := d.Without()
	for i := range some.Samples {
		for k, x := range some.Samples[i].Features {
			if x != nil {
				some.Samples[i].Features[k] = by(r, level, k, x)
			}
		}
	}
	return some
}

// curve measures a model at levels of a disturbance.
func (m *Model) curve(ctx context.Context, d *Data, levels []float64, b metric.Bootstrap, seed uint64, workers int, by disturbance) (points []Point, err error) {
	for _, level := range levels {
		some := d.disturbed(seed, level, by)
		answers, err := m.Predict(ctx, some.Samples, workers)
		if err != nil {
			return nil, err
		}
		points = append(points, Point{level, Measure(some, answers, b)})
	}
	return points, nil
}
