package fusion

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/nn"
)

// stood is pairs of pictures of two things, one on the left and one on the right of four places, and texts that name them from left to right; each is followed by its
// twin, in which they have changed places. No thing of one seed is among those of another; the vectors of wholes tell the things, and nothing of their order.
func stood(n int, seed uint64) *Data {
	const width = 24
	r := rand.New(rand.NewPCG(seed, 1))
	d := &Data{Task{Match, 1}, []Modality{{Name: "text", Width: width, Tokens: 3, Space: "s"}, {Name: "picture", Width: width, Tokens: 5, Space: "s"}}, nil}
	for i := range n {
		a, b, empty := noise(r, width), noise(r, width), make([]float32, width)
		whole := make([]float32, width)
		for j := range whole {
			whole[j] = (a[j] + b[j]) / 2
		}
		for twin := range 2 {
			places := [][]float32{empty, empty, empty, empty}
			places[r.IntN(2)], places[2+r.IntN(2)] = a, b
			picture := seen(r, append([][]float32{whole}, places...)...)
			d.Samples = append(d.Samples, Sample{Features: [][]float32{seen(nil, whole, a, b), picture}, Group: fmt.Sprint(2*i + twin)})
			a, b = b, a
		}
	}
	return d
}

// seen is tokens one behind the other, with noise.
func seen(r *rand.Rand, tokens ...[]float32) (out []float32) {
	for _, x := range tokens {
		for _, v := range x {
			if r != nil {
				v += 0.3 * float32(r.NormFloat64())
			}
			out = append(out, v)
		}
	}
	return out
}

// won is how often a text is likelier beside its own picture than beside its twin's.
func won(t *testing.T, m *Model, d *Data) (share float64) {
	t.Helper()
	var pairs []Sample
	for i := range d.Samples {
		pairs = append(pairs, d.Samples[i], d.Samples[i^1].with(&d.Samples[i], 0))
	}
	answers, err := m.Predict(context.Background(), pairs, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(answers); i += 2 {
		if answers[i][0] > answers[i+1][0] {
			share += 2 / float64(len(answers))
		}
	}
	return share
}

// What lacks a modality is told nothing of it, whatever lies behind the mask; each sample by itself is what it is among others.
func TestAlignmentLaws(t *testing.T) {
	d := stood(3, 9)
	for i := range d.Samples {
		if d.Samples[i].Class = -1; i%3 == 0 {
			d.Samples[i].Features[i%2] = nil
		}
		if i == 4 {
			d.Samples[i].Features[0] = d.Samples[i].Features[0][:2*24] // a shorter text
		}
	}
	filled := d.Without()
	hidden := func(i, m int) bool { return !d.Samples[i].Has(m) }
	r := rand.New(rand.NewPCG(3, 3))
	for i := range filled.Samples {
		for m := range d.Modalities {
			if hidden(i, m) {
				filled.Samples[i].Features[m] = noise(r, 2*24)
			}
		}
	}
	for _, task := range []Task{{Match, 1}, {Single, 3}} {
		for _, method := range []Method{EarlyJoint, Bottlenecks, CoAttentive, Pairwise} {
			m, err := New(Config{Method: method, Task: task, Modalities: d.Modalities, Width: 8, Heads: 2, Layers: 1, Aligned: true})
			if err != nil {
				t.Fatal(err)
			}
			nn.Init(m, 4)
			m.measure(d.Samples)
			want := outputs(m, d.Samples, nil)
			near(t, string(method), outputs(m, filled.Samples, hidden), want, 0)
			for i := range d.Samples {
				near(t, fmt.Sprintf("%s, sample %d", method, i), outputs(m, d.Samples[i:i+1], nil), want[i*task.Outputs:][:task.Outputs], 1e-5)
			}
			for _, l := range m.Aligned {
				clear(l.Proj.Weight.Own())
				l.Proj.Weight.Changed()
			}
			if slices.Equal(outputs(m, d.Samples, nil), want) {
				t.Errorf("%s: what is alike changes nothing", method)
			}
		}
	}
}

// Who is where can be learnt for things that no sample had, where tokens are told what they are alike; else no more than chance.
func TestAlignmentHoldsForUnseenThings(t *testing.T) {
	var parts []*Data
	for seed, n := range []int{60, 24} {
		pairs, err := Matching(stood(n, uint64(seed)), 0, uint64(seed))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, pairs)
	}
	for _, aligned := range []bool{true, false} {
		m, err := New(Config{Method: EarlyJoint, Task: Task{Match, 1}, Modalities: parts[0].Modalities, Width: 16, Layers: 1, Aligned: aligned})
		if err != nil {
			t.Fatal(err)
		}
		result, err := Training{Steps: 100, BatchSize: 16, Seed: 1, Rate: 0.01}.Fit(context.Background(), m, parts[0], parts[1])
		if err != nil {
			t.Fatal(err)
		}
		share := won(t, m, stood(24, 2))
		t.Logf("aligned %v: before its twin %.2f, step %d", aligned, share, result.Best)
		if aligned && share < 0.9 || !aligned && share > 0.75 {
			t.Errorf("aligned %v: the right picture is before its twin in %.2f", aligned, share)
		}
	}
}
