package fusion

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chiasm/chiasm/metric"
)

// quick is an advisor that takes a moment: one or two candidates of each kind that do without attention.
func quick(seed uint64) Advisor {
	return Advisor{
		Methods: []Method{Late, EarlyConcat, LowRank}, Model: Config{Width: 16}, Training: Training{Steps: 100, Seed: seed, Workers: 1},
		Boot: metric.Bootstrap{Draws: 500},
	}
}

func TestAdviceFollowsTheData(t *testing.T) {
	seeds := 10
	if testing.Short() {
		seeds = 2
	}
	for relation, want := range map[Relation]How{Redundant: LateFusion, Unique: LateFusion, Synergistic: InteractiveFusion} {
		right := 0
		for seed := range uint64(seeds) {
			advice, err := quick(seed).Advise(context.Background(), Generate(relation, 400, seed))
			if err != nil {
				t.Fatal(err)
			}
			r, i := advice.Recommendation, advice.Information
			if r.How == string(want) {
				right++
			} else {
				t.Logf("%s, seed %d: %s %s: %s", relation, seed, r.How, r.Method, r.Why)
			}
			scores := map[How]float64{}
			for _, c := range advice.Candidates {
				scores[c.How] = max(scores[c.How], c.Figures.Score)
			}
			if margin := scores[InteractiveFusion] - scores[LateFusion]; relation == Synergistic && margin < 0.2 {
				t.Errorf("seed %d: interactive fusion beats late by %.3f on synergy, want 0.2 or more", seed, margin)
			}
			parts := map[Relation]float64{Redundant: i.Redundant, Unique: i.Unique[0], Synergistic: i.Synergistic}
			if parts[relation] < i.All/2 || i.All < 0.2 {
				t.Errorf("%s, seed %d: %+v", relation, seed, i)
			}
		}
		if t.Logf("%s: %d of %d seeds", relation, right, seeds); 10*right < 9*seeds {
			t.Errorf("%s: %s fusion recommended for %d of %d seeds, want 9 of 10 or more", relation, want, right, seeds)
		}
	}
}

func TestEveryInteractiveMethodLearnsSynergy(t *testing.T) {
	d := Generate(Synergistic, 700, 3)
	learn, valid, test := d.With(d.Samples[:300]), d.With(d.Samples[300:400]), d.With(d.Samples[400:])
	for _, method := range Methods {
		m, err := New(Config{Method: method, Task: d.Task, Modalities: d.Modalities, Width: 16})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (Training{Steps: 150, Seed: 1}).Fit(context.Background(), m, learn, valid); err != nil {
			t.Fatal(err)
		}
		answers, err := m.Predict(context.Background(), test.Samples, 0)
		if err != nil {
			t.Fatal(err)
		}
		score := Measure(test, answers, metric.Bootstrap{Draws: 10}).Score
		t.Logf("%s: %.3f", method, score)
		if method == Late && score > 0.6 || method != Late && score < 0.75 {
			t.Errorf("%s has %.3f right of what only both modalities tell", method, score)
		}
	}
}

func TestAdviceKeepsToLimits(t *testing.T) {
	d := Generate(Unique, 240, 1)
	a := quick(1)
	a.Limits.Without = []string{"second"}
	advice, err := a.Advise(context.Background(), d)
	if err != nil || advice.Recommendation.How != "late" || advice.Candidates[0].First == 0 {
		t.Errorf("%+v, %v, want late fusion, which can do without what says nothing", advice, err)
	}
	if why := advice.Recommendation.Why; !strings.Contains(why, "; first alone: ") || strings.Contains(why, "second alone") {
		t.Errorf("%s, want it to say that the first is enough", why)
	}
	a.Limits.Without = []string{"first"}
	advice, err = a.Advise(context.Background(), d)
	if err != nil || advice.Recommendation.How != "undecided" || !strings.Contains(advice.Recommendation.Why, "without first") {
		t.Errorf("%+v, %v, want none that can do without all that is known", advice, err)
	}
	a.Limits = Limits{Latency: time.Second, Encode: map[string]Times{"first": {P99: time.Hour}}}
	advice, err = a.Advise(context.Background(), d)
	if err != nil || advice.Recommendation.How != "undecided" || !strings.Contains(advice.Recommendation.Why, "longer than 1s") {
		t.Errorf("%+v, %v, want none that is so fast", advice, err)
	}
	a.Limits = Limits{Without: []string{"third"}}
	if _, err := a.Advise(context.Background(), d); err == nil || !strings.Contains(err.Error(), `"third"`) {
		t.Errorf("error %v, want one about the third modality", err)
	}
}

// Of one modality there is nothing to fuse, and the advice says so.
func TestAdviceOnOneModality(t *testing.T) {
	d := Generate(Redundant, 100, 1)
	d.Modalities = d.Modalities[:1]
	for i := range d.Samples {
		d.Samples[i].Features, d.Samples[i].Origins = d.Samples[i].Features[:1], nil
	}
	a := quick(1)
	a.Methods, a.Training.Steps = []Method{Late}, 20
	if advice, err := a.Advise(context.Background(), d); err != nil || !strings.Contains(advice.Recommendation.Why, "nothing to fuse") {
		t.Errorf("%+v, %v", advice, err)
	}
}

func TestAdviceSaysWhenDataCannotTell(t *testing.T) {
	d := Generate(Redundant, 200, 2)
	for i := range d.Samples {
		d.Samples[i].Class = int32(i * 7 % 11 % 2)
	}
	advice, err := quick(2).Advise(context.Background(), d)
	if err != nil || advice.Recommendation.How != "undecided" || !strings.Contains(advice.Recommendation.Why, "cannot tell") {
		t.Errorf("%+v, %v, want undecided", advice, err)
	}
}

// marked is samples of four tokens behind one that is the same for all; one of the four is marked, and another modality says which, or not.
func marked(n int, seed uint64) *Data {
	r := rand.New(rand.NewPCG(seed, 3))
	d := &Data{Task: Task{Single, 2}, Modalities: []Modality{{Name: "picture", Width: 3, Tokens: 5}, {Name: "text", Width: 4, Tokens: 1}}}
	for range n {
		features, said := make([]float32, 15), make([]float32, 4)
		for i := range features[3:] {
			features[3+i] = float32(0.2 * r.NormFloat64())
		}
		features[0] = 1
		place, says := r.IntN(4), r.IntN(4)
		if r.IntN(2) == 0 {
			says = place
		}
		features[3*(1+place)+1] += 1
		said[says] = 1
		class := int32(0)
		if says == place {
			class = 1
		}
		d.Samples = append(d.Samples, Sample{Features: [][]float32{features, said}, Class: class})
	}
	return d
}

// Of two views the one that can tell is recommended, and of two that can the first.
func TestCompareViews(t *testing.T) {
	d := marked(400, 1)
	a := Advisor{Methods: []Method{CoAttentive}, Model: Config{Width: 16}, Training: Training{Steps: 150, Seed: 2}, Folds: 2, Boot: metric.Bootstrap{Draws: 200}}
	pooled := d.Pooled()
	if n := len(pooled.Samples[0].Features[0]); n != 3 || pooled.Modalities[0].Tokens != 1 || d.Modalities[0].Tokens != 5 || len(d.Samples[0].Features[0]) != 15 {
		t.Fatalf("pooled has %d values of %+v", n, pooled.Modalities)
	}
	advice, err := a.Compare(t.Context(), View{Name: "vectors", Data: pooled}, View{Name: "tokens", Data: d})
	if err != nil {
		t.Fatal(err)
	}
	if r := advice.Recommendation; r.Features != "tokens" || !strings.Contains(r.Why, "coattention on tokens scores") {
		t.Errorf("got %+v", r)
	}
	same, err := a.Compare(t.Context(), View{Name: "one", Data: d}, View{Name: "other", Data: d})
	if err != nil {
		t.Fatal(err)
	}
	if r := same.Recommendation; r.Features != "one" {
		t.Errorf("of two views of the same data: got %+v", r)
	}
	if _, err := a.Compare(t.Context(), View{Data: d}, View{Data: marked(10, 1)}); err == nil || !strings.Contains(err.Error(), "400 and 10 samples") {
		t.Errorf("got %v", err)
	}
}

// The parts of information add up to all of it, for any number of modalities: what a second modality knows less of than the best is nobody's own.
func TestInformationAddsUp(t *testing.T) {
	for _, c := range []struct {
		single              []float64
		all                 float64
		redundant, together float64
		unique              []float64
	}{
		{[]float64{0.5, 0.2}, 1, 0.2, 0.5, []float64{0.3, 0}},
		{[]float64{1.5, 0, 0.25}, 1.75, 0.25, 0.25, []float64{1.25, 0, 0}},
		{[]float64{0.5}, 0.5, 0, 0, []float64{0.5}},
		{[]float64{0, 0}, 1, 0, 1, []float64{0, 0}},
	} {
		i := Information{Single: c.single, All: c.all}.divided()
		if i.Redundant != c.redundant || i.Synergistic != c.together || !slices.Equal(i.Unique, c.unique) {
			t.Errorf("%v of %v: redundant %v, unique %v, synergistic %v", c.single, c.all, i.Redundant, i.Unique, i.Synergistic)
		}
	}
}
