package fusion

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/nn"
)

var few = metric.Bootstrap{Draws: 50}

// fitted is a model of a method that has learnt the first 2/3 of d, and its answers to the rest.
func fitted(t *testing.T, c Config, training Training, d *Data) (*Model, *Data, [][]float64) {
	t.Helper()
	c.Task, c.Modalities, c.Width = d.Task, d.Modalities, 16
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	n := len(d.Samples)
	test := d.With(d.Samples[2*n/3:])
	if _, err := training.Fit(context.Background(), m, d.With(d.Samples[:n/2]), d.With(d.Samples[n/2:2*n/3])); err != nil {
		t.Fatal(err)
	}
	answers, err := m.Predict(context.Background(), test.Samples, 0)
	if err != nil {
		t.Fatal(err)
	}
	return m, test, answers
}

// TestEqualForAnyWorkers learns with everything that chooses at random.
func TestEqualForAnyWorkers(t *testing.T) {
	d := Generate(Redundant, 150, 1)
	for _, method := range []Method{Late, LowRank, Bottlenecks} {
		var first [][]float64
		for _, workers := range []int{1, 2, 5} {
			training := Training{Steps: 15, Drop: 0.3, Modulate: 0.5, Enhance: true, Balance: true, Seed: 6, Workers: workers}
			_, _, answers := fitted(t, Config{Method: method, Dropout: 0.2, Auxiliary: true}, training, d)
			if first == nil {
				first = answers
			}
			for i := range answers {
				if !slices.Equal(answers[i], first[i]) {
					t.Fatalf("%s: %d workers answer sample %d with %v, one with %v", method, workers, i, answers[i], first[i])
				}
			}
		}
	}
}

func TestEveryKindOfTask(t *testing.T) {
	base := Generate(Redundant, 360, 4)
	several := &Data{Task{Multi, 2}, base.Modalities, slices.Clone(Generate(Synergistic, 360, 4).Samples)}
	numbers := &Data{Task{Regression, 1}, base.Modalities, slices.Clone(base.Samples)}
	for i := range several.Samples {
		s := &several.Samples[i]
		sum := func(m int, d *Data) (x float32) { // along the direction that means something, as it lies in this data
			for j, v := range d.Samples[i].Features[m] {
				x += v * float32(1-2*(j%2))
			}
			return x
		}
		s.Values = []float32{0, 0}
		for m := range 2 {
			if sum(m, several) > 0 {
				s.Values[m] = 1
			}
		}
		numbers.Samples[i].Values = []float32{100 + 3*sum(0, numbers)}
	}
	pairs, err := Matching(base, 1, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		d      *Data
		method Method
		better float64 // of the guess's distance from being right, at least
	}{{several, Late, 0.4}, {several, EarlyConcat, 0.6}, {numbers, Late, 0.5}, {numbers, EarlyConcat, 0.7}, {pairs, LowRank, 0.4}} {
		if err := k.d.Check(); err != nil {
			t.Fatal(err)
		}
		_, test, answers := fitted(t, Config{Method: k.method}, Training{Steps: 200, Seed: 2}, k.d)
		f, idle := Measure(test, answers, few), guess(test)
		most := 1.0
		if k.d.Task.Kind == Regression {
			most = 0
		}
		if share := (f.Score - idle) / (most - idle); !(share > k.better) {
			t.Errorf("%s of kind %s scores %v, a guess %v", k.method, k.d.Task.Kind, f.Score, idle)
		}
		if f.N != len(test.Samples) || !(f.Interval.Low <= f.Score && f.Score <= f.Interval.High) {
			t.Errorf("%+v", f)
		}
	}
}

func TestModalityDropoutHelpsWithoutOne(t *testing.T) {
	d := Generate(Redundant, 300, 9)
	without := func(drop float64) float64 {
		m, test, _ := fitted(t, Config{Method: LowRank}, Training{Steps: 150, Drop: drop, Seed: 3}, d)
		points, err := m.Dropped(context.Background(), test, 0, []float64{0, 1}, few, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		noisy, err := m.Noise(context.Background(), test, -1, []float64{0, 5}, few, 1, 0)
		if err != nil || noisy[0].Score != points[0].Score || noisy[1].Score >= noisy[0].Score {
			t.Errorf("with noise %+v, %v, without %v", noisy, err, points[0].Score)
		}
		sets, err := m.Subsets(context.Background(), test, few, 0)
		if err != nil || len(sets) != 3 || sets[1].Score != points[1].Score || sets[2].Score != points[0].Score {
			t.Errorf("subsets %+v, %v, want the scores of %+v", sets, err, points)
		}
		return points[1].Score
	}
	if with, none := without(0.3), without(0); !(with >= none && with > 0.8) {
		t.Errorf("without the first modality %.3f right after modality dropout, %.3f without it", with, none)
	}
}

func TestHideLeavesOne(t *testing.T) {
	samples := patchy(2, 40)
	l := &learner{Training: Training{Drop: 0.95}, data: &Data{Modalities: goldenConfig(Late).Modalities}, samples: pointers(samples)}
	r, gone := rand.New(rand.NewPCG(1, 1)), 0
	hidden := l.hide(r)
	for i := range samples[:len(samples)-1] {
		there, left := 0, 0
		for m := range 3 {
			if samples[i].Has(m) {
				there++
				if !hidden(i, m) {
					left++
				} else {
					gone++
				}
			}
		}
		if there > 0 && left == 0 {
			t.Errorf("nothing is left of sample %d", i)
		}
	}
	if gone == 0 {
		t.Error("nothing is hidden")
	}
}

func TestSavedModelIsTheSame(t *testing.T) {
	for _, method := range []Method{Late, Gated} {
		m, test, want := fitted(t, Config{Method: method}, Training{Steps: 20}, Generate(Redundant, 120, 3))
		again, err := New(m.Config)
		if err != nil {
			t.Fatal(err)
		}
		if err := nn.Bind(again, nn.Entries(m), nil); err != nil {
			t.Fatal(err)
		}
		got, err := again.Predict(context.Background(), test.Samples, 0)
		if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: other answers, %v", method, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d := Generate(Unique, 60, 1)
	m, _ := New(Config{Method: Gated, Task: d.Task, Modalities: d.Modalities})
	if _, err := (Training{}).Fit(ctx, m, d, d); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := quick(1).Advise(ctx, d); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestBadInput(t *testing.T) {
	change := func(f func(d *Data)) *Data {
		d := Generate(Unique, 20, 1)
		f(d)
		return d
	}
	for want, d := range map[string]*Data{
		`none of 20 samples has modality "second"`: change(func(d *Data) { *d = *d.Without(false, true) }),
		"class 2 has 0 samples, want 2":            change(func(d *Data) { d.Task.Outputs = 3 }),
		"sample 3: class 9, want less than 2":      change(func(d *Data) { d.Samples[3].Class = 9 }),
		"sample 4: 7 values of modality":           change(func(d *Data) { d.Samples[4].Features[0] = make([]float32, 7) }),
		"sample 5: a feature of modality":          change(func(d *Data) { d.Samples[5].Features[1][2] = float32(math.NaN()) }),
		"sample 6: features of 1 modalities":       change(func(d *Data) { d.Samples[6].Features = d.Samples[6].Features[:1] }),
		"1 classes, want 2":                        change(func(d *Data) { d.Task.Outputs = 1 }),
		"2 outputs for a task of kind match":       change(func(d *Data) { d.Task = Task{Match, 2} }),
	} {
		if err := d.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, err := quick(1).Advise(context.Background(), d); err == nil {
			t.Errorf("advice about data of which is to be said %q", want)
		}
	}
	for _, c := range []Config{{Method: "tensor"}, {Method: Gated, Width: 10, Heads: 4}, {Method: Gated, Dropout: 1}, {Method: Pairwise, Modalities: []Modality{{Name: "a", Width: 2, Tokens: 1}}}} {
		c.Task = Task{Single, 2}
		if c.Modalities == nil {
			c.Modalities = []Modality{{Name: "a", Width: 2, Tokens: 1}, {Name: "b", Width: 2, Tokens: 1}}
		}
		if m, err := New(c); err == nil {
			t.Errorf("%+v makes %+v", c, m)
		}
	}
}

func TestFoldsKeepGroupsTogether(t *testing.T) {
	d := Generate(Unique, 90, 2)
	for i := range d.Samples {
		d.Samples[i].Group = string(rune('a' + i%17))
	}
	d.Samples[21].Features = d.Samples[3].Features // of another group
	fold, twins, err := d.Folds(3, 1)
	if err != nil || twins != 1 || fold[21] != fold[3] {
		t.Errorf("%d twins, folds %d and %d, %v", twins, fold[21], fold[3], err)
	}
	of, size := map[string]int{}, make([]int, 3)
	for i, s := range d.Samples {
		if f, ok := of[s.Group]; ok && f != fold[i] {
			t.Errorf("group %s is in folds %d and %d", s.Group, f, fold[i])
		}
		of[s.Group] = fold[i]
		size[fold[i]]++
	}
	if slices.Min(size) < 15 {
		t.Errorf("folds of %d samples", size)
	}
	if _, _, err := d.Folds(18, 1); err == nil {
		t.Error("more folds than groups")
	}
}

func TestMeasure(t *testing.T) {
	d := &Data{Task: Task{Single, 3}, Samples: []Sample{{Class: 0}, {Class: 0}, {Class: 1}, {Class: 2}, {Class: -1}}}
	f := Measure(d, [][]float64{{0.8, 0.1, 0.1}, {0.2, 0.7, 0.1}, {0.1, 0.6, 0.3}, {0.1, 0.1, 0.8}, {1, 0, 0}}, few)
	// F1 of the classes: 2/3, 2/3 and 1. Errors of confidence: 0.2 twice in 0.8, together; 0.7 wrong; 0.6 right.
	if f.N != 4 || f.Score != 0.75 || math.Abs(f.MacroF1-7.0/9) > 1e-12 || math.Abs(f.Calibration-(0.4+0.7+0.4)/4) > 1e-12 {
		t.Errorf("%+v", f)
	}
	d = &Data{Task: Task{Regression, 2}, Samples: []Sample{{Values: []float32{1, 2}}, {Values: []float32{0, 0}}}}
	if f := Measure(d, [][]float64{{1, 4}, {0, 2}}, few); f.Error != math.Sqrt2 || f.Score != -2 {
		t.Errorf("%+v", f)
	}
	d = &Data{Task: Task{Multi, 2}, Samples: []Sample{{Values: []float32{1, 0}}, {Values: []float32{-1, 1}}}}
	if f := Measure(d, [][]float64{{0.9, 0.8}, {0.9, 0.7}}, few); f.Score != 0.75 || math.Abs(f.MacroF1-(1+2.0/3)/2) > 1e-12 {
		t.Errorf("%+v", f)
	}
}

// Copies of a sample in its group say nothing new: the interval is that of the samples without them, where it would else be half as wide.
func TestIntervalsGoByGroups(t *testing.T) {
	d := &Data{Task: Task{Single, 2}}
	once, boot := d.With(nil), metric.Bootstrap{}
	var answers, all [][]float64
	for i := range 60 {
		s := Sample{Class: int32(i * 7 % 11 % 2), Group: fmt.Sprint(i)}
		once.Samples, answers = append(once.Samples, s), append(answers, []float64{0.6, 0.4})
		for range 4 {
			d.Samples, all = append(d.Samples, s), append(all, []float64{0.6, 0.4})
		}
	}
	want, got := Measure(once, answers, boot), Measure(d, all, boot)
	if got.Score != want.Score || got.Interval != want.Interval {
		t.Errorf("%+v with copies, %+v without", got, want)
	}
	if plain := boot.Mean(Scores(d, all)); plain.High-plain.Low > 0.6*(got.Interval.High-got.Interval.Low) {
		t.Errorf("%+v as if copies were samples of their own, %+v by groups", plain, got.Interval)
	}
	if plain := boot.Mean(Scores(once, answers)); plain != want.Interval {
		t.Errorf("%+v, want %+v where each sample is a group", want.Interval, plain)
	}
}
