package fusion

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
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
				scores = append(scores, m.Similarity.within(&pairs[i]))
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
