package train_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// A net is three linear layers.
type net struct {
	Up   *nn.Linear `weight:"up"`
	Mid  *nn.Linear `weight:"mid"`
	Down *nn.Linear `weight:"down"`
}

func (n *net) forward(x *tensor.Tensor) *tensor.Tensor {
	x = x.Linear(n.Up.Weight, n.Up.Bias, tensor.GELU).Linear(n.Mid.Weight, nil, tensor.GELU)
	return n.Down.Forward(x)
}

// netOf is the net of testdata with its adapters.
func netOf(t *testing.T, want *golden.Set) (*net, *train.Adapters) {
	t.Helper()
	m := &net{nn.NewLinear(7, 10, true), nn.NewLinear(10, 10, false), nn.NewLinear(10, 4, true)}
	for name, p := range nn.Params(m) {
		p.Store(tensor.F32, tensor.EntryOf("", want.Floats("base."+name)).Data, nil)
	}
	adapters, err := train.LoRA{Rank: 3, Alpha: 6, Patterns: []string{"up.weight", "mid.*"}}.Adapt(nn.Params(m), 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	return m, adapters
}

// Adapters compute, learn and merge as peft's do.
func TestLoRA(t *testing.T) {
	want := golden.Open(t, "testdata/lora.safetensors")
	m, adapters := netOf(t, want)
	x := want.Floats("x")
	ctx := context.Background()
	plain := tensor.NewPass(ctx, 1)
	before := slices.Clone(m.forward(plain.Input(x, 8, 7)).Floats())
	adapters.Apply()
	plain.Reset(ctx)
	if !slices.Equal(before, m.forward(plain.Input(x, 8, 7)).Floats()) {
		t.Error("new adapters change the result")
	}
	for name, p := range adapters.Params() {
		copy(p.Own(), want.Floats("first."+name))
		p.Changed()
	}
	adapters.Apply()
	g := adapters.Gradients(nil)
	if n := len(g.All()); n != 4 {
		t.Fatalf("%d parameters learn, want 4", n)
	}
	p := tensor.NewPass(ctx, 2).Record(g)
	for step := range 3 {
		p.Reset(ctx)
		y := m.forward(p.Input(x, 8, 7))
		want.Near(fmt.Sprint(step, ".y"), y.Floats(), 1e-5)
		y.Seed(want.Floats("seed"))
		p.Backward()
		adapters.Back(g)
		if names := g.Unreached(); len(names) > 0 {
			t.Errorf("no gradient came to %v", names)
		}
		for _, l := range g.All() {
			want.Near(fmt.Sprint(step, ".grad.", l.Name), l.Gradient, 1e-5)
			for i, v := range l.Gradient {
				l.Param.Own()[i] -= 0.01 * v
			}
			l.Param.Changed()
		}
		g.Clear()
		adapters.Apply()
	}
	for name, p := range nn.Params(m) { // the model is the merged one
		want.Near("merged."+name, p.Floats(), 1e-6)
	}
	plain.Reset(ctx)
	want.Near("merged.y", m.forward(plain.Input(x, 8, 7)).Floats(), 1e-5)
}

// A run learns adapters alone, beside a scale: what is not adapted stays, no moments are kept of the adapted weights, and it resumes.
func TestRunOfAdapters(t *testing.T) {
	dir := t.TempDir()
	make := func(workers int, path string) (*pupil, *train.Run) {
		m, run := newPupil(workers)
		adapters, err := train.LoRA{Rank: 2, Patterns: []string{"image.weight", "text.weight"}}.Adapt(nn.Params(m), 3, workers)
		if err != nil {
			t.Fatal(err)
		}
		m.gradients = adapters.Gradients(train.Except(nn.Params(m), "*.bias"))
		m.pass = tensor.NewPass(context.Background(), workers).Record(m.gradients)
		run.Gradients, run.Optimiser, run.Adapters = m.gradients, (&train.AdamW{Workers: workers}).Minimize(m.gradients), adapters
		run.Average, run.Checkpoint = train.NewAverage(m.gradients, 0.9), filepath.Join(dir, path)
		return m, run
	}
	whole, run := make(1, "whole")
	if n := len(run.Gradients.All()); n != 5 {
		t.Fatalf("%d parameters learn, want two pairs and the scale", n)
	}
	bias, weight := slices.Clone(whole.Image.Bias.Floats()), slices.Clone(whole.Image.Weight.Floats())
	var first, last float64
	run.Progress = func(p train.Progress) {
		if last = p.Mean; p.Step == 1 {
			first = p.Loss
		}
	}
	if _, err := run.Learn(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(bias, whole.Image.Bias.Floats()) || slices.Equal(weight, whole.Image.Weight.Floats()) {
		t.Error("the bias learnt, or the adapted weight did not")
	}
	if last >= first*0.9 {
		t.Errorf("the loss went from %v to %v", first, last)
	}
	_, part := make(2, "part")
	ctx, cancel := context.WithCancel(context.Background())
	part.Progress = func(p train.Progress) {
		if p.Step == 11 {
			cancel()
		}
	}
	part.Learn(ctx)
	again, rest := make(2, "part")
	if ok, err := rest.Resume(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, err := rest.Learn(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bits(whole), bits(again)) {
		t.Error("a resumed run of adapters ends elsewhere")
	}
}

func TestLoRARefuses(t *testing.T) {
	m, _ := newPupil(1)
	for part, l := range map[string]train.LoRA{
		"rank 0": {}, `"other.*" matches no parameter`: {Rank: 1, Patterns: []string{"image.weight", "other.*"}},
		"want a matrix": {Rank: 1, Patterns: []string{"*"}},
	} {
		if _, err := l.Adapt(nn.Params(m), 1, 1); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("want an error about %q, got %v", part, err)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a.b", "a.b", true}, {"a.b", "a.bc", false}, {"a.*", "a.b.c", true}, {"*.bias", "x.0.bias", true}, {"*.bias", "x.bias.y", false}, {"*", "", true},
		{"a*b*c", "a.b.b.c", true}, {"a*b*c", "a.c.b", false}, {"*q_proj*", "t.0.q_proj.weight", true}, {"ab*ba", "aba", false}, {"", "", true}, {"", "a", false},
	} {
		if got := train.Matches(c.pattern, c.name); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.name, got)
		}
	}
}

// Groups learn at their own rates, and decay by their own rules; layers more slowly the deeper they lie.
func TestGroups(t *testing.T) {
	names := []string{"text.embed", "text.layers.0.w", "text.layers.1.w", "text.norm", "head"}
	params := map[string]*tensor.Tensor{}
	walk := func(yield func(string, *tensor.Tensor) bool) {
		for _, n := range names {
			if !yield(n, params[n]) {
				return
			}
		}
	}
	for _, n := range names {
		params[n] = tensor.Param(2)
		params[n].Store(tensor.F32, tensor.EntryOf("", []float32{1, 1}).Data, nil)
	}
	groups := train.LayerDecay(walk, 0.5)
	for i, want := range []float64{0.125, 0.25, 0.5, 1, 1} {
		if groups[i].Pattern != names[i] || groups[i].Rate != want {
			t.Errorf("got %+v, want %v of %s", groups[i], want, names[i])
		}
	}
	groups[1].Decay = train.DecayAlways
	g := tensor.NewGradients(walk)
	optimiser := (&train.AdamW{Decay: 0.5, Eps: 1e-30, Groups: groups}).Minimize(g)
	for _, l := range g.All() {
		copy(g.Of(l.Param), []float32{3, -2})
	}
	if _, err := optimiser.Step(0.1); err != nil {
		t.Fatal(err)
	}
	for i, l := range g.All() { // the first step of Adam is the rate, whatever the gradient
		rate := 0.1 * groups[i].Rate
		want := 1 - rate
		if i == 1 {
			want -= rate * 0.5
		}
		if d := float64(l.Param.Own()[0]) - want; d > 1e-6 || d < -1e-6 {
			t.Errorf("%s is %v, want %v", l.Name, l.Param.Own()[0], want)
		}
	}
}

// Schedules are open_clip's: cosine_lr, const_lr, const_lr_cooldown.
func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		s    train.Schedule
		want []float64
	}{
		{train.Schedule{Shape: train.Constant, Rate: 2, Warmup: 2, Steps: 5}, []float64{1, 2, 2, 2, 2}},
		{train.Schedule{Shape: train.Constant, Rate: 2, Warmup: 1, Steps: 6, Cooldown: 4, Floor: 1}, []float64{2, 2, 2, 1.75, 1.5, 1.25, 1}},
		{train.Schedule{Shape: train.Linear, Rate: 4, Warmup: 2, Steps: 6}, []float64{2, 4, 4, 3, 2, 1, 0}},
		{train.Schedule{Rate: 4, Steps: 4, Floor: 2}, []float64{4, 3.7071067811865475, 3, 2.2928932188134525, 2}},
	} {
		for i, want := range c.want {
			if got := c.s.At(i); got-want > 1e-12 || want-got > 1e-12 {
				t.Errorf("%+v: step %d: %v, want %v", c.s, i, got, want)
			}
		}
	}
}
