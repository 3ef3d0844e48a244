package fusion

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// noise is n random values.
func noise(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// patchy is samples of the golden shapes that lack modalities; the last one has none.
func patchy(seed uint64, n int) (samples []Sample) {
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		s := Sample{Features: make([][]float32, 3), Class: int32(i % 3)}
		for m, k := range goldenConfig(Late).Modalities {
			if x := noise(r, k.Width*(1+r.IntN(k.Tokens))); r.IntN(3) > 0 && i < n-1 {
				s.Features[m] = x
			}
		}
		samples = append(samples, s)
	}
	return samples
}

// outputs is the fused outputs of samples, or those of experts, one behind the other.
func outputs(m *Model, samples []Sample, hidden func(int, int) bool) (all []float32) {
	p := tensor.NewPass(context.Background(), 0)
	var b batcher
	fused, alone := m.Forward(p, b.load(p, m.Config.Modalities, pointers(samples), hidden))
	if fused != nil {
		return slices.Clone(fused.Floats())
	}
	all = make([]float32, len(samples)*3*3)
	for k, s := range alone {
		for i, o := range s.Of {
			copy(all[int(o)*9+k*3:], s.X.Floats()[i*3:][:3])
		}
	}
	return all
}

func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= tolerance) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestBatchEqualsItsParts(t *testing.T) {
	samples := patchy(3, 9)
	for _, method := range Methods {
		m := goldenModel(t, method)
		whole := outputs(m, samples, nil)
		n := len(whole) / len(samples)
		for i := range samples {
			near(t, fmt.Sprintf("%s, sample %d", method, i), outputs(m, samples[i:i+1], nil), whole[i*n:][:n], 1e-5)
		}
	}
}

func TestMaskedModalityChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 2))
	samples := patchy(4, 9)
	filled := slices.Clone(samples)
	missing := func(i, m int) bool { return !samples[i].Has(m) }
	for i := range filled {
		filled[i].Features = slices.Clone(samples[i].Features)
		for m, k := range goldenConfig(Late).Modalities {
			if missing(i, m) {
				filled[i].Features[m] = noise(r, k.Width)
			}
		}
	}
	for _, method := range Methods {
		m := goldenModel(t, method)
		near(t, string(method), outputs(m, filled, missing), outputs(m, samples, nil), 0)
		if slices.Equal(outputs(m, filled, nil), outputs(m, samples, nil)) {
			t.Errorf("%s: what is shown changes nothing", method)
		}
	}
}

func TestOrderOfModalitiesDoesNotMatter(t *testing.T) {
	samples := patchy(5, 9)
	turned := slices.Clone(samples)
	for i := range turned {
		turned[i].Features = slices.Clone(samples[i].Features)
		slices.Reverse(turned[i].Features)
	}
	for _, method := range []Method{EarlyJoint, LowRank, Bottlenecks} { // the others have parameters for places side by side
		m := goldenModel(t, method)
		want := outputs(m, samples, nil)
		slices.Reverse(m.Inputs)
		slices.Reverse(m.Config.Modalities)
		slices.Reverse(m.Solo)
		switch method {
		case LowRank:
			slices.Reverse(m.LMF.Factors)
		case Bottlenecks:
			for _, layer := range m.MBT.Layers {
				slices.Reverse(layer)
			}
			slices.Reverse(m.MBT.Norms)
		}
		near(t, string(method), outputs(m, turned, nil), want, 1e-5)
	}
}

// TestGradients goes a little way along the gradient of all parameters and compares what that does with what the gradient says.
func TestGradients(t *testing.T) {
	samples := patchy(6, 7)
	for _, method := range Methods {
		m := goldenModel(t, method)
		g := tensor.NewGradients(nn.Params(m))
		d := &Data{m.Config.Task, m.Config.Modalities, samples}
		l := &learner{Training: Training{Auxiliary: 0.5, Seed: 4}, ctx: context.Background(), model: m, data: d, gradients: g,
			pass: tensor.NewPass(context.Background(), 0), loss: m.newLoss()}
		loss := func(into *tensor.Gradients) float64 {
			l.pass.Reset(l.ctx)
			l.pass.Record(into)
			v, err := l.lossOf(l.batcher.load(l.pass, d.Modalities, pointers(samples), nil), pointers(samples), 1, into)
			if err != nil {
				t.Fatal(err)
			}
			if into != nil {
				l.pass.Backward()
			}
			return v
		}
		loss(g)
		square := 0.0
		for _, k := range g.All() {
			for _, v := range k.Gradient {
				square += float64(v) * float64(v)
			}
		}
		move := func(by float64) {
			for _, k := range g.All() {
				for i, v := range k.Gradient {
					k.Param.Own()[i] += float32(by * float64(v))
				}
				k.Param.Changed()
			}
		}
		step := 1e-3 / math.Sqrt(square)
		move(step)
		up := loss(nil)
		move(-2 * step)
		down := loss(nil)
		if got := (up - down) / (2 * step); math.Abs(got-square) > 0.01*square {
			t.Errorf("%s: the loss rises by %v along the gradient, want %v", method, got, square)
		}
	}
}

func TestDecisionArrives(t *testing.T) {
	samples := patchy(7, 6)
	for i := range samples[:2] { // nothing is missing
		r := rand.New(rand.NewPCG(9, uint64(i)))
		for m, k := range goldenConfig(Late).Modalities {
			samples[i].Features[m] = noise(r, k.Width)
		}
	}
	ctx := context.Background()
	for _, method := range Methods {
		for _, rule := range Rules {
			if method != Late && rule != Average {
				continue
			}
			m := goldenModel(t, method)
			m.Rule = rule
			d := m.Decide(0)
			for i := range samples[:2] {
				d.Forget()
				shown := Sample{Features: make([][]float32, 3)}
				for _, k := range []int{2, 0, 1} {
					got, err := d.Add(ctx, k, samples[i].Features[k])
					if err != nil {
						t.Fatal(err)
					}
					shown.Features[k] = samples[i].Features[k]
					want, err := m.Predict(ctx, []Sample{shown}, 0)
					if err != nil {
						t.Fatal(err)
					}
					for j, v := range want[0] {
						if math.Abs(got[j]-v) > 1e-6 || math.IsNaN(v) {
							t.Fatalf("%s %s after modality %d: %v, want %v", method, rule, k, got, want[0])
						}
					}
				}
			}
		}
	}
	m := goldenModel(t, Late)
	if _, err := m.Decide(0).Add(ctx, 3, nil); err == nil {
		t.Error("no error for a modality that there is not")
	}
	if _, err := m.Decide(0).Add(ctx, 0, make([]float32, 4)); err == nil {
		t.Error("no error for features of another width")
	}
}

// Decisions of one after the other allocate nothing, where each modality is a vector and is fused as one.
func TestDecisionsAllocateNothing(t *testing.T) {
	d := Generate(Redundant, 60, 1)
	for _, method := range []Method{Late, EarlyConcat, LowRank, Gated} {
		m, err := New(Config{Method: method, Task: d.Task, Modalities: d.Modalities, Width: 16})
		if err != nil {
			t.Fatal(err)
		}
		nn.Init(m, 1)
		rules := Rules
		if method != Late {
			rules = rules[:1]
		}
		for _, m.Rule = range rules {
			decision, i := m.Decide(1), 0
			n := testing.AllocsPerRun(50, func() {
				s := &d.Samples[i%len(d.Samples)]
				i++
				decision.Forget()
				for k, x := range s.Features {
					if _, err := decision.Add(t.Context(), k, x); err != nil {
						t.Fatal(err)
					}
				}
			})
			if n != 0 {
				t.Errorf("%s %s: %v allocations", method, m.Rule, n)
			}
		}
	}
}
