package fusion

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// twins are samples whose two vectors of one space point the same way, but for noise. Where masked is set, half of the values are noise of
// their own, larger than the rest: similarity counts them, a model can learn not to.
func twins(n, width int, masked bool, seed uint64) *Data {
	r := rand.New(rand.NewPCG(seed, 1))
	d := &Data{Task{Match, 1}, []Modality{{Name: "text", Width: width, Tokens: 1, Space: "s"}, {Name: "picture", Width: width, Tokens: 1, Space: "s"}}, nil}
	for i := range n {
		a, b := make([]float32, width), make([]float32, width)
		for j := range width {
			v := r.NormFloat64()
			a[j], b[j] = float32(v+0.3*r.NormFloat64()), float32(v+0.3*r.NormFloat64())
			if masked && j%2 == 1 {
				a[j], b[j] = float32(2*r.NormFloat64()), float32(2*r.NormFloat64())
			}
		}
		d.Samples = append(d.Samples, Sample{Features: [][]float32{a, b}, Group: fmt.Sprint(i)})
	}
	return d
}

// found is the mean reciprocal rank of each text's picture among those of all, by what score says of pairs.
func found(t *testing.T, d *Data, score func([]Sample) []float64) (mean float64) {
	t.Helper()
	for i := range d.Samples {
		var pairs []Sample
		for k := range d.Samples {
			pairs = append(pairs, d.Samples[k].with(&d.Samples[i], 0))
		}
		place := 0.0
		all := score(pairs)
		for _, v := range all {
			if v >= all[i] {
				place++
			}
		}
		mean += 1 / place / float64(len(d.Samples))
	}
	return mean
}

// A model of pairs begins as the similarity: it learns more where there is more to learn, and never falls below it where there is not.
func TestMatchAddsToSimilarity(t *testing.T) {
	for _, masked := range []bool{true, false} {
		var parts []*Data
		for seed, n := range []int{300, 100, 60} {
			pairs := twins(n, 8, masked, uint64(seed))
			if seed < 2 {
				var err error
				if pairs, err = Matching(pairs, 0, uint64(seed)); err != nil {
					t.Fatal(err)
				}
			}
			parts = append(parts, pairs)
		}
		m, err := New(Config{Method: LowRank, Task: Task{Match, 1}, Modalities: parts[0].Modalities, Width: 16})
		if err != nil {
			t.Fatal(err)
		}
		result, err := Training{Steps: 150, Seed: 3, Rate: 0.01}.Fit(context.Background(), m, parts[0], parts[1])
		if err != nil {
			t.Fatal(err)
		}
		alone := found(t, parts[2], func(pairs []Sample) (scores []float64) {
			for i := range pairs {
				scores = append(scores, m.Similarity.within(pairs[i].Features, pairs[i].Features, 0))
			}
			return scores
		})
		learnt := found(t, parts[2], func(pairs []Sample) (scores []float64) {
			answers, err := m.Predict(context.Background(), pairs, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range answers {
				scores = append(scores, a[0])
			}
			return scores
		})
		t.Logf("masked %v: similarity %.3f, learnt %.3f at step %d", masked, alone, learnt, result.Best)
		if masked && learnt < alone+0.1 || learnt < alone-0.01 {
			t.Errorf("masked %v: mean reciprocal rank %.3f by similarity, %.3f learnt, step %d", masked, alone, learnt, result.Best)
		}
	}
}

// A match of tokens begins with the similarity of the first ones, as that of vectors does.
func TestSimilarityOfFirstTokens(t *testing.T) {
	d := twins(40, 6, false, 3)
	longer := d.With(nil)
	longer.Modalities = []Modality{d.Modalities[0], d.Modalities[1]}
	longer.Modalities[0].Tokens, longer.Modalities[1].Tokens = 3, 2
	for i, s := range d.Samples {
		s.Values = []float32{float32(i % 2)}
		d.Samples[i] = s
		noise := []float32{9, float32(i), -3, 2, 1, 7}
		s.Features = [][]float32{append(append([]float32{}, s.Features[0]...), noise...), s.Features[1]}
		if i%3 == 0 {
			s.Features[1] = append(append([]float32{}, s.Features[1]...), noise...)
		}
		longer.Samples = append(longer.Samples, s)
	}
	forward := func(d *Data) []float32 {
		l := newSimilarity(d.Modalities)
		nn.Init(l, 1)
		l.begin(d.Samples)
		var list []*Sample
		for i := range d.Samples {
			list = append(list, &d.Samples[i])
		}
		p, b := tensor.NewPass(context.Background(), 1), batcher{}
		return l.Forward(p, len(list), b.load(p, d.Modalities, list, nil).Sets).Floats()
	}
	if a, b := forward(d), forward(longer); !slices.Equal(a, b) {
		t.Errorf("of vectors %v, with tokens behind them %v", a[:3], b[:3])
	}
}
