package fusion

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

const goldenFile = "testdata/golden.safetensors"

// goldenConfig is that of the models in the file.
func goldenConfig(method Method) Config {
	return Config{
		Method: method, Task: Task{Single, 3}, Modalities: []Modality{{Name: "a", Width: 5, Tokens: 4}, {Name: "b", Width: 4, Tokens: 3}, {Name: "c", Width: 3, Tokens: 1}},
		Width: 6, Heads: 2, Layers: 2, Rank: 3, Bottlenecks: 2, Auxiliary: true,
	}
}

// goldenSamples is the samples of the file.
func goldenSamples(g *golden.Set) (samples []Sample) {
	lengths := g.IDs("lengths")
	for i := range len(lengths) / 3 {
		s := Sample{Features: make([][]float32, 3)}
		for m := range 3 {
			if lengths[3*i+m] > 0 {
				s.Features[m] = g.Floats(fmt.Sprintf("x.%d.%d", i, m))
			}
		}
		samples = append(samples, s)
	}
	return samples
}

// goldenModel is a model of the file.
func goldenModel(t *testing.T, method Method) *Model {
	t.Helper()
	m, err := New(goldenConfig(method))
	if err != nil {
		t.Fatal(err)
	}
	set, err := weights.Open(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	var entries []tensor.Entry
	for _, full := range set.Names() {
		if name, ok := strings.CutPrefix(full, string(method)+".param."); ok {
			e, _ := set.Get(full)
			e.Name = name
			entries = append(entries, e)
		}
	}
	if err := nn.Bind(m, entries, nil); err != nil {
		t.Fatal(err)
	}
	return m
}

func pointers(samples []Sample) (list []*Sample) {
	for i := range samples {
		list = append(list, &samples[i])
	}
	return list
}

func TestMethodsEqualPyTorch(t *testing.T) {
	g := golden.Open(t, goldenFile)
	samples := goldenSamples(g)
	for _, method := range Methods {
		t.Run(string(method), func(t *testing.T) {
			g := golden.Open(t, goldenFile)
			m := goldenModel(t, method)
			gradients := tensor.NewGradients(nn.Params(m))
			p := tensor.NewPass(context.Background(), 0).Record(gradients)
			var b batcher
			fused, alone := m.Forward(p, b.load(p, m.Config.Modalities, pointers(samples), nil))
			seed := func(i int32, by float32) []float32 {
				w := by * (0.3 + 0.1*float32(i))
				return []float32{w, 2 * w, 3 * w}
			}
			var seeds []float32
			for i := range samples {
				if fused != nil {
					g.Near(fmt.Sprintf("%s.out.%d", method, i), fused.Floats()[3*i:][:3], 2e-5)
				}
				seeds = append(seeds, seed(int32(i), 1)...)
			}
			if fused != nil {
				fused.Seed(seeds)
			}
			for k, s := range alone {
				seeds = seeds[:0]
				for j, i := range s.Of {
					g.Near(fmt.Sprintf("%s.alone.%d.%d", method, i, k), s.X.Floats()[3*j:][:3], 2e-5)
					seeds = append(seeds, seed(i, 0.5)...)
				}
				s.X.Seed(seeds)
			}
			p.Backward()
			for _, l := range gradients.All() {
				g.Near(fmt.Sprintf("%s.grad.%s", method, l.Name), l.Gradient, 2e-4)
			}
		})
	}
}

func TestRulesEqualPyTorch(t *testing.T) {
	g := golden.Open(t, goldenFile)
	samples, m := goldenSamples(g), goldenModel(t, Late)
	for _, m.Rule = range Rules {
		answers, err := m.Predict(context.Background(), samples, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range answers {
			var got []float32
			for _, v := range a {
				got = append(got, float32(v))
			}
			g.Near(fmt.Sprintf("late.join.%s.%d", m.Rule, i), got, 1e-5)
		}
	}
}

// The weights that stacking is drawn to are those of the product, whoever is missing.
func TestStackingBeginsAsTheProduct(t *testing.T) {
	m := goldenModel(t, Late)
	copy(m.Late.Stack.Weight.Own(), m.Late.product())
	clear(m.Late.Stack.Bias.Own())
	var answers [2][][]float64
	for k, rule := range []Rule{Stack, Product} {
		var err error
		m.Rule = rule
		if answers[k], err = m.Predict(context.Background(), goldenSamples(golden.Open(t, goldenFile)), 0); err != nil {
			t.Fatal(err)
		}
	}
	for i, a := range answers[0] {
		for j, v := range a {
			if want := answers[1][i][j]; math.Abs(v-want) > 1e-4 {
				t.Errorf("sample %d: %v, want %v", i, a, answers[1][i])
			}
		}
	}
}

func TestModulationEqualsItsAuthors(t *testing.T) {
	g := golden.Open(t, goldenFile)
	labels := g.IDs("modulation.labels")
	scores := make([]float64, 2)
	for k, name := range []string{"modulation.a", "modulation.b"} {
		x := g.Floats(name)
		for i, label := range labels {
			row := make([]float64, 4)
			for j := range row {
				row[j] = float64(x[4*i+j])
			}
			scores[k] += (Task{Single, 4}).answer(row)[label]
		}
	}
	factors := Modulation(scores, 0.7)
	g.Near("modulation.factors", []float32{float32(factors[0]), float32(factors[1])}, 1e-6)
	if factors[0] == 1 && factors[1] == 1 {
		t.Error("nothing is slowed down")
	}
}
