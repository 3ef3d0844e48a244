package fusion

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/nn"
)

// Limits is what a fused decision must keep to.
type Limits struct {
	Latency time.Duration    // of 99 of 100 decisions at most, with the time that the encoders take; 0 for any
	Without []string         // modalities that may be missing, one at a time: decisions must then still be better than guessing
	Encode  map[string]Times // how long the encoder of each modality takes; they work one after the other
}

// Times is how long something takes: half of the times at most, and 99 of 100.
type Times struct{ P50, P99 time.Duration }

// An Advisor finds out which way of fusing is the right one for some data: it teaches each candidate on the same parts of them, with the
// same number of steps, and measures it on the others. But for times, the advice is the same for any number of workers.
type Advisor struct {
	Methods  []Method  // the candidates; nil for all
	Rules    []Rule    // of late fusion; nil for all that fit
	Model    Config    // sizes; method, task and modalities are filled in
	Training Training  // the budget; where Drop is 0 it is 0.2, but for Match, so that each candidate knows what it is to miss a modality
	Folds    int       // of cross-validation; 0 for 3
	Noise    []float64 // levels of noise that each modality is tried with, as in Model.Noise; nil for none
	Limits   Limits
	Boot     metric.Bootstrap
	Progress func(done, all int, method Method) // before each training; or nil
}

// A Candidate is a way of fusing, and how it did. Its figures are of all samples, each answered by a model that has not seen its group.
type Candidate struct {
	How      How
	Method   string // of the method, and for late fusion its rule: "late/average"
	Features string // the [View]
	Figures  Figures
	Subsets  []Subset // with some modalities only
	Noisy    []Noisy  // with noise in the features of a modality, at each level of [Advisor.Noise]
	Params   int      // values that it keeps
	P50      time.Duration
	P99      time.Duration // of a decision from features, one at a time
	Breaks   string        // which limit it does not keep to, in words; "" for none
	First    time.Duration // from the beginning to the first decision that is better than guessing, encoder included, as modalities arrive; 0 if there is none

	encode  time.Duration // of its view, p99
	scores  []float64
	answers [][]float64
	parts   map[int][][]float64 // answers by set of modalities
	blurred map[blur][][]float64
}

// Noisy is how good answers are where a modality is noisy.
type Noisy struct {
	Modality string
	Level    float64
	Figures
}

// A blur is noise in a modality.
type blur struct {
	modality int
	level    float64
}

// A Recommendation is what to do and why.
type Recommendation struct {
	How      string // "early", "late", "interactive", or "undecided"
	Method   string
	Features string // the [View]
	Why      string
}

// An Advice is what an Advisor has found.
type Advice struct {
	Recommendation Recommendation
	Candidates     []Candidate
	Guess          float64     // the score of always giving the same, best answer
	Information    Information // about the answer
	Twins          int         // samples with the features of another one
}

// A View is data as one kind of features shows them.
type View struct {
	Name   string // of the features; "" where there is one view
	Data   *Data
	Encode map[string]Times // how long these take, as in [Limits.Encode]
}

// Advise compares the candidates on d.
func (a Advisor) Advise(ctx context.Context, d *Data) (*Advice, error) {
	return a.Compare(ctx, View{Data: d, Encode: a.Limits.Encode})
}

// Compare compares the candidates on each of some views of the same samples, in the same order. Of views that are equally good the first is
// recommended.
func (a Advisor) Compare(ctx context.Context, views ...View) (*Advice, error) {
	if len(views) == 0 {
		return nil, errors.New("fusion: no data")
	}
	d := views[0].Data
	for _, v := range views {
		if len(v.Data.Samples) != len(d.Samples) {
			return nil, fmt.Errorf("fusion: views of %d and %d samples, want the same ones", len(d.Samples), len(v.Data.Samples))
		}
		if err := a.check(v.Data); err != nil {
			return nil, err
		}
	}
	if a.Methods == nil {
		a.Methods = Methods
	}
	if a.Folds == 0 {
		a.Folds = 3
	}
	if a.Training.Drop == 0 && d.Task.Kind != Match { // without one side nothing matches
		a.Training.Drop = 0.2
	}
	all := together(views)
	fold, twins, err := all.Folds(a.Folds, a.Training.Seed)
	if err != nil {
		return nil, err
	}
	advice := &Advice{Twins: twins, Guess: guess(d)}
	for k, v := range views {
		for i, method := range a.Methods {
			if method == Pairwise && len(d.Modalities) < 2 {
				continue
			}
			list := a.candidates(v.Data, method)
			for f := range a.Folds {
				if a.Progress != nil {
					a.Progress((k*len(a.Methods)+i)*a.Folds+f, len(views)*len(a.Methods)*a.Folds, method)
				}
				if err := a.try(ctx, v.Data, all, fold, f, method, list); err != nil {
					return nil, err
				}
			}
			for k := range list {
				c := &list[k]
				a.measure(v.Data, c)
				c.Features = v.Name
				c.first(advice.Guess, v.Encode)
				c.Breaks = a.breaks(c, v, advice.Guess)
			}
			advice.Candidates = append(advice.Candidates, list...)
		}
	}
	advice.Information = inform(d, advice.Candidates)
	advice.Recommendation = a.recommend(d, advice)
	return advice, nil
}

// together is samples with the features of all views, so that only what is alike in each of them counts as the same.
func together(views []View) *Data {
	if len(views) == 1 {
		return views[0].Data
	}
	all := views[0].Data.Without()
	for _, v := range views[1:] {
		for i := range all.Samples {
			s := &all.Samples[i]
			s.Features = append(s.Features, v.Data.Samples[i].Features...)
		}
	}
	return all
}

func (a Advisor) check(d *Data) error {
	if err := d.Check(); err != nil {
		return err
	}
	for _, name := range a.Limits.Without {
		if !slices.ContainsFunc(d.Modalities, func(m Modality) bool { return m.Name == name }) {
			return fmt.Errorf("fusion: a limit names modality %q, which the data do not have", name)
		}
	}
	if n := len(d.Modalities); n > 6 {
		return fmt.Errorf("fusion: advice about %d modalities, want 6 at most: each set of them is measured", n)
	}
	return nil
}

// candidates is those of a method: of late fusion one for each rule.
func (a Advisor) candidates(d *Data, method Method) (list []Candidate) {
	add := func(name string) {
		c := Candidate{How: method.How(), Method: name, parts: map[int][][]float64{}, blurred: map[blur][][]float64{}}
		for m := range d.Modalities {
			for _, level := range a.Noise {
				c.blurred[blur{m, level}] = make([][]float64, len(d.Samples))
			}
		}
		for _, set := range subsets(len(d.Modalities)) {
			c.parts[set] = make([][]float64, len(d.Samples))
		}
		list = append(list, c)
	}
	if method != Late {
		add(string(method))
		return list
	}
	for _, r := range a.rules(d.Task.Kind) {
		add(string(method) + "/" + string(r))
	}
	return list
}

func (a Advisor) rules(k Kind) []Rule {
	rules := a.Rules
	if rules == nil {
		rules = Rules
	}
	return slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return !r.Fits(k) })
}

// try teaches a method on all folds but one, and lets its candidates answer that one. all is what the folds are of.
func (a Advisor) try(ctx context.Context, d, all *Data, fold []int, f int, method Method, list []Candidate) error {
	rest, _ := d.part(func(i int) bool { return fold[i] != f })
	test, of := d.part(func(i int) bool { return fold[i] == f })
	outer, _ := all.part(func(i int) bool { return fold[i] != f })
	inner, _, err := outer.Folds(4, a.Training.Seed+uint64(f)+1)
	if err != nil {
		return err
	}
	learn, _ := rest.part(func(i int) bool { return inner[i] != 0 })
	valid, _ := rest.part(func(i int) bool { return inner[i] == 0 })
	config := a.Model
	config.Method, config.Task, config.Modalities = method, d.Task, d.Modalities
	m, err := New(config)
	if err != nil {
		return err
	}
	if _, err := a.Training.Fit(ctx, m, learn, valid); err != nil {
		return err
	}
	rules := a.rules(d.Task.Kind)
	for k := range list {
		one := *m
		if method == Late {
			one.Rule = rules[k]
		}
		c := &list[k]
		for set, answers := range c.parts {
			_, gone := d.showing(set)
			said, err := one.Predict(ctx, test.Without(gone...).Samples, a.Training.Workers)
			if err != nil {
				return err
			}
			for i, x := range said {
				answers[of[i]] = x
			}
		}
		for b, answers := range c.blurred {
			said, err := one.Predict(ctx, test.disturbed(a.Training.Seed, b.level, one.blur(b.modality)).Samples, a.Training.Workers)
			if err != nil {
				return err
			}
			for i, x := range said {
				answers[of[i]] = x
			}
		}
		if f == 0 {
			c.Params = nn.Count(&one)
			if c.P50, c.P99, err = one.time(ctx, test.Samples, a.Training.Workers); err != nil {
				return err
			}
		}
	}
	nn.Release(m)
	return nil
}

// time is how long decisions take, one at a time: half of them at most, and 99 of 100.
func (m *Model) time(ctx context.Context, samples []Sample, workers int) (p50, p99 time.Duration, err error) {
	d := m.Decide(workers)
	var times []float64
	const decisions = 50
	for i := range decisions + 5 {
		s := &samples[i%len(samples)]
		begin := time.Now()
		if _, err := d.All(ctx, s.Features); err != nil {
			return 0, 0, err
		}
		if i >= 5 {
			times = append(times, float64(time.Since(begin)))
		}
	}
	slices.Sort(times)
	return time.Duration(metric.Percentile(times, 0.5)), time.Duration(metric.Percentile(times, 0.99)), nil
}

// measure makes figures of answers.
func (a Advisor) measure(d *Data, c *Candidate) {
	sets := subsets(len(d.Modalities))
	for _, set := range sets {
		names, _ := d.showing(set)
		c.Subsets = append(c.Subsets, Subset{names, Measure(d, c.parts[set], a.Boot)})
	}
	for m, k := range d.Modalities {
		for _, level := range a.Noise {
			c.Noisy = append(c.Noisy, Noisy{k.Name, level, Measure(d, c.blurred[blur{m, level}], a.Boot)})
		}
	}
	c.answers = c.parts[sets[len(sets)-1]]
	c.Figures, c.scores = c.Subsets[len(sets)-1].Figures, Scores(d, c.answers)
}

// first finds the time of the first decision that is better than a guess: late fusion answers whatever arrives first, others too if they have
// learnt to do without the rest.
func (c *Candidate) first(guess float64, encode map[string]Times) {
	for _, s := range c.Subsets {
		if s.Interval.Low <= guess {
			continue
		}
		t := c.P50
		for _, name := range s.Modalities {
			t += encode[name].P50
		}
		if c.First == 0 || t < c.First {
			c.First = t
		}
	}
}

// guess is the score of the one answer that is best for all samples.
func guess(d *Data) float64 {
	t, n := d.Task, 0.0
	sums, squares, known := make([]float64, t.Outputs), make([]float64, t.Outputs), make([]float64, t.Outputs)
	for i := range d.Samples {
		s := &d.Samples[i]
		if t.Kind == Single {
			if s.Class >= 0 {
				sums[s.Class]++
				n++
			}
			continue
		}
		for j, v := range s.Values {
			if t.Kind == Regression || v >= 0 {
				sums[j] += float64(v)
				squares[j] += float64(v) * float64(v)
				known[j]++
				n++
			}
		}
	}
	score := 0.0
	for j, sum := range sums {
		switch t.Kind {
		case Single:
			score = max(score, sum/n)
		case Regression:
			mean := sum / known[j]
			score -= (squares[j]/known[j] - mean*mean) / float64(t.Outputs)
		default:
			score += max(sum, known[j]-sum) / n
		}
	}
	return score
}

// percent is a score in words.
func percent(t Task, score float64) string {
	if t.Kind == Regression {
		return fmt.Sprintf("a root mean squared error of %.4g", math.Sqrt(max(0, -score)))
	}
	return fmt.Sprintf("%.1f %%", 100*score)
}
