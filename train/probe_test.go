package train_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// Probes are scikit-learn's: weights, biases and probabilities, to the precision of float32 sums; the same bits for any number of workers.
func TestProbe(t *testing.T) {
	want := golden.Open(t, "testdata/probe.safetensors")
	e := train.Examples{Features: want.Floats("x"), Width: 10, Labels: want.IDs("labels"), Classes: 4}
	ctx := context.Background()
	for _, c := range []string{"0.1", "1.0", "30.0"} {
		var strength float64
		fmt.Sscan(c, &strength)
		strength = 1 / (strength * float64(len(e.Labels)))
		l, err := train.Probe{Strength: strength, Workers: 1}.Fit(ctx, e)
		if err != nil {
			t.Fatal(err)
		}
		want.Near(c+".weight", l.Weight.Floats(), 1e-3)
		want.Near(c+".bias", l.Bias.Floats(), 1e-3)
		p := tensor.NewPass(ctx, 1)
		want.Near(c+".probability", l.Forward(p.Input(e.Features, len(e.Labels), 10)).Softmax().Floats(), 2e-4)
		other, err := train.Probe{Strength: strength, Workers: 2}.Fit(ctx, e)
		if err != nil || !slices.Equal(l.Weight.Floats(), other.Weight.Floats()) {
			t.Errorf("two workers give another probe, %v", err)
		}
	}
}

// A probe that is drawn strongly to weights stays there; a weak pull changes nothing.
func TestProbeIsDrawn(t *testing.T) {
	ctx, e := context.Background(), clusters(48, 3, 2, 1)
	toward := []float32{1, -2, 0.5, 0, 3, -1}
	tied, err := train.Probe{Strength: 1e4, Toward: toward}.Fit(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	free, err := train.Probe{Strength: 1e-7, Toward: toward}.Fit(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := train.Probe{Strength: 1e-7}.Fit(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range toward {
		if got := tied.Weight.Floats()[i]; math.Abs(float64(got-want)) > 1e-3 {
			t.Errorf("weight %d is %v, want %v", i, got, want)
		}
		// Of two classes only the difference of their weights matters.
		if j := i % 3; math.Abs(float64(free.Weight.Floats()[j]-free.Weight.Floats()[j+3]-plain.Weight.Floats()[j]+plain.Weight.Floats()[j+3])) > 1e-2 {
			t.Errorf("a weak pull changes weights %d: %v, want %v", j, free.Weight.Floats(), plain.Weight.Floats())
		}
	}
	if _, err := (train.Probe{Toward: toward[:5]}).Fit(ctx, e); err == nil || !strings.Contains(err.Error(), "5 weights, want 6") {
		t.Errorf("got %v", err)
	}
}

// clusters are n examples around the centres of classes, noisy.
func clusters(n, width, classes, seed int) train.Examples {
	e := train.Examples{Width: width, Classes: classes}
	r := train.Random(uint64(seed), 0)
	centre := train.Random(99, 0)
	centres := make([]float32, classes*width)
	for i := range centres {
		centres[i] = float32(centre.NormFloat64())
	}
	for i := range n {
		e.Labels = append(e.Labels, int32(i%classes))
		for j := range width {
			e.Features = append(e.Features, centres[i%classes*width+j]+2*float32(r.NormFloat64()))
		}
	}
	return e
}

// With few examples and much noise a middling strength is best; more rows than go through a pass at once are all learnt from.
func TestSweep(t *testing.T) {
	ctx, few, valid := context.Background(), clusters(48, 24, 6, 1), clusters(1500, 24, 6, 2)
	l, strength, accuracy, err := train.Probe{}.Sweep(ctx, few, valid, train.Strengths(1e3, 1e-6, 10))
	if err != nil {
		t.Fatal(err)
	}
	if a, err := train.Accuracy(ctx, l, valid, 0); err != nil || a != accuracy {
		t.Errorf("the best probe has accuracy %v, %v, said to have %v", a, err, accuracy)
	}
	loose, err := train.Probe{Strength: 1e-6}.Fit(ctx, few)
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := train.Accuracy(ctx, loose, valid, 0); a >= accuracy || strength >= 1e3 || strength <= 1e-6 {
		t.Errorf("strength %v has accuracy %v, the least one %v", strength, accuracy, a)
	}
	all, err := train.Probe{Strength: 1e-2}.Fit(ctx, valid)
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := train.Accuracy(ctx, all, valid, 0); a <= accuracy {
		t.Errorf("learnt on what it is asked, the accuracy is %v", a)
	}
	t.Logf("strength %.3g: %.3f of unseen examples", strength, accuracy)
	few.Labels[3] = 9
	if _, err := (train.Probe{}).Fit(ctx, few); err == nil || !strings.Contains(err.Error(), "example 3 has label 9, want 0 to 5") {
		t.Errorf("got %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := (train.Probe{}).Fit(cancelled, valid); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A cache of examples is Tip-Adapter's: its logits, the loss, the derivatives by the keys.
func TestCache(t *testing.T) {
	b := newBench(t)
	c, err := train.NewCache(train.Examples{Features: b.want.Floats("cache.keys"), Width: width, Labels: b.want.IDs("cache.labels"), Classes: 5})
	if err != nil {
		t.Fatal(err)
	}
	c.Alpha, c.Beta, c.Targets = 1.7, 4.5, b.want.IDs("cache.targets")
	b.g = tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) { yield("keys", c.Keys) })
	b.p.Record(b.g)
	f, zero := b.p.Input(b.want.Floats("cache.f"), items, width), b.p.Input(b.want.Floats("cache.zero"), items, 5)
	logits, err := c.Logits(f, zero)
	if err != nil {
		t.Fatal(err)
	}
	b.want.Near("cache.logits", logits, 1e-5)
	b.learn("cache", c, train.Pairs(f, zero), map[string]*tensor.Tensor{"k": c.Keys})
	if _, err := c.Logits(zero, f); err == nil {
		t.Error("features of another width were taken")
	}
}

// A few examples help where texts say nothing; tuned and learnt they help more.
func TestCacheLearns(t *testing.T) {
	ctx, few, valid := context.Background(), clusters(18, 16, 6, 3), clusters(300, 16, 6, 4)
	c, err := train.NewCache(few)
	if err != nil {
		t.Fatal(err)
	}
	unit := func(e train.Examples) train.Examples {
		p := tensor.NewPass(ctx, 1)
		e.Features = slices.Clone(p.Input(e.Features, len(e.Labels), e.Width).Normalize(1e-12).Floats())
		return e
	}
	few, valid = unit(few), unit(valid)
	zero := make([]float32, len(valid.Labels)*6)
	tuned, err := c.Tune(tensor.NewPass(ctx, 1), valid, zero, []float64{0.5, 1, 3}, []float64{1, 5.5, 20})
	if err != nil || tuned < 0.4 {
		t.Errorf("tuned, %v of answers are right, %v; by chance a sixth", tuned, err)
	}
	g := tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) { yield("keys", c.Keys) })
	p := tensor.NewPass(ctx, 1)
	c.Targets = few.Labels
	first, last := 0.0, 0.0
	run := &train.Run{
		Gradients: g, Optimiser: (&train.AdamW{Eps: 1e-4}).Minimize(g), Schedule: train.Schedule{Rate: 1e-2, Steps: 60},
		Step: func(ctx context.Context, _ int) (train.Outcome, error) {
			p.Reset(ctx)
			p.Record(g)
			loss, err := c.Learn(train.Pairs(p.Input(few.Features, 18, 16), p.Input(zero[:18*6], 18, 6)), 1, g)
			if err == nil {
				p.Backward()
			}
			return train.Outcome{Loss: loss, Items: 18}, err
		},
		Progress: func(p train.Progress) {
			if last = p.Loss; p.Step == 1 {
				first = p.Loss
			}
		},
	}
	if _, err := run.Learn(ctx); err != nil {
		t.Fatal(err)
	}
	if !(last < first) || math.IsNaN(last) || c.Right != 18 {
		t.Errorf("the loss went from %v to %v, %d of 18 right", first, last, c.Right)
	}
	if nn.Finite(&struct {
		K *tensor.Tensor `weight:"k"`
	}{c.Keys}) != nil {
		t.Error("keys are not finite")
	}
}
