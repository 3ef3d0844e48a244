package fusion

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

func TestTemperatureCalibrates(t *testing.T) {
	d, r := &Data{Task: Task{Single, 3}}, rand.New(rand.NewPCG(5, 5))
	var all []opinions
	for range 4000 {
		logits := []float64{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}
		p, at, class := d.Task.answer(slices.Clone(logits)), r.Float64(), int32(0)
		for ; class < 2 && at > p[class]; class++ {
			at -= p[class]
		}
		for j := range logits {
			logits[j] *= 4 // four times as sure as it is right
		}
		d.Samples = append(d.Samples, Sample{Class: class})
		all = append(all, opinions{logits})
	}
	got, _ := truth{d.Task, d.Samples, nil}.temperature(all, 0)
	if math.Abs(got-4) > 0.4 {
		t.Errorf("temperature %v, want 4", got)
	}
}

// TestFusedLogitsAreCalibrated learns from labels of which every third is wrong: at the temperature that suits what was looked at, the logits are as they are.
func TestFusedLogitsAreCalibrated(t *testing.T) {
	single := Generate(Redundant, 300, 4)
	several := &Data{Task{Multi, 2}, single.Modalities, slices.Clone(single.Samples)}
	for i := range single.Samples {
		s := &single.Samples[i]
		several.Samples[i].Values = []float32{float32(s.Class), float32(i % 2)}
		if i%3 == 0 {
			s.Class = 1 - s.Class
		}
	}
	for _, d := range []*Data{single, several} {
		m, _, _ := fitted(t, Config{Method: EarlyConcat}, Training{Steps: 60}, d)
		var all []opinions
		looked := d.Samples[len(d.Samples)/2 : 2*len(d.Samples)/3]
		err := m.each(context.Background(), looked, 0, func(n int, fused *tensor.Tensor, _ []Set) { all = m.hear(all, n, []Set{{X: fused}}) })
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := (truth{d.Task, looked, nil}).temperature(all, 0); math.Abs(got-1) > 1e-3 {
			t.Errorf("%v: temperature %v, want 1", d.Task.Kind, got)
		}
	}
}

// TestNothingIsEverCertain asks for the temperature of a head that errs nowhere.
func TestNothingIsEverCertain(t *testing.T) {
	d := truth{task: Task{Single, 2}}
	var all []opinions
	for i := range 20 {
		d.samples, all = append(d.samples, Sample{Class: int32(i % 2)}), append(all, opinions{{float64(1 - i%2), float64(i % 2)}})
	}
	got, _ := d.temperature(all, 0)
	if p := 1 / (1 + math.Exp(-1/got)); math.Abs(p-41.0/42) > 1e-3 {
		t.Errorf("the probability of what is true is %v at temperature %v, want 41/42", p, got)
	}
}

// TestLowRankBeginsAsASum compares what two small vectors say together with the sum of what they say alone.
func TestLowRankBeginsAsASum(t *testing.T) {
	const small = 0.01
	l := NewLMF(2, 8, 4)
	nn.Init(l, 3)
	l.begin()
	p, r := tensor.NewPass(context.Background(), 1), rand.New(rand.NewPCG(1, 2))
	var x [2][]float32
	for m := range x {
		for range 8 {
			x[m] = append(x[m], small*float32(r.NormFloat64()))
		}
	}
	say := func(a, b []float32) []float32 {
		return slices.Clone(l.Forward(p, 1, []Set{{X: p.Input(a, 1, 8), Of: []int32{0}}, {X: p.Input(b, 1, 8), Of: []int32{0}}}).Floats())
	}
	none := make([]float32, 8)
	both, first, second, nothing := say(x[0], x[1]), say(x[0], none), say(none, x[1]), say(none, none)
	for i := range both {
		alone, together := math.Abs(float64(first[i]-nothing[i])), math.Abs(float64(both[i]-first[i]-second[i]+nothing[i]))
		if together > 10*small*alone+1e-6 || alone < small/100 {
			t.Errorf("value %d: %v from one vector, %v from the product of two", i, alone, together)
		}
	}
}
