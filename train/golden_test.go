package train_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
	"github.com/chiasm/chiasm/weights"
)

// tiny is the model of testdata.
func tiny(t *testing.T) *clip.Model {
	t.Helper()
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clip.ParseConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	m, err := clip.New(*config)
	if err != nil {
		t.Fatal(err)
	}
	set, err := weights.Open("testdata/model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nn.Release(m); set.Close() })
	entries, err := clip.Entries(set, clip.Transformers)
	if err != nil {
		t.Fatal(err)
	}
	if err := nn.Bind(m, entries, nil); err != nil {
		t.Fatal(err)
	}
	return m
}

// pairs is pictures [n, 3, H, W] and texts.
type pairs struct {
	pixels []float32
	side   int
	texts  [][]int32
	made   train.Batch // kept, so that a step allocates nothing
}

// learn goes forward and back once.
func learn(p *tensor.Pass, m *clip.Model, c train.Objective, b *pairs, g *tensor.Gradients) (float64, error) {
	images := m.EmbedImage(p.Input(b.pixels, len(b.texts), 3, b.side, b.side)).Normalize(1e-12)
	texts, err := m.EmbedText(p, b.texts)
	if err != nil {
		return 0, err
	}
	b.made = append(b.made[:0], train.Vectors{X: images}, train.Vectors{X: texts.Normalize(1e-12)})
	value, err := c.Learn(b.made, 1, g)
	if err != nil {
		return 0, err
	}
	p.Backward()
	return value, nil
}

// Every gradient of a whole model is PyTorch's, to 1e-4 of the largest of its parameter and some 1e-6 of all.
func TestGradientsOfCLIP(t *testing.T) {
	m, want := tiny(t), golden.Open(t, "testdata/gradients.safetensors")
	batch := &pairs{pixels: want.Floats("pixels"), side: 20, texts: want.Lists("ids", "lengths")}
	for workers := 1; workers <= 2; workers++ {
		g := tensor.NewGradients(nn.Params(m))
		p := tensor.NewPass(context.Background(), workers).Record(g)
		loss, err := learn(p, m, &train.Contrast{LogScale: m.LogitScale}, batch, g)
		if err != nil {
			t.Fatal(err)
		}
		if l := float64(want.Floats("infonce.loss")[0]); math.Abs(loss-l) > 1e-5*l {
			t.Errorf("the loss is %v, want %v", loss, l)
		}
		if names := g.Unreached(); len(names) > 0 {
			t.Errorf("no gradient came to %v", names)
		}
		worst := 0.0
		for _, l := range g.All() {
			expected, top := want.Floats("infonce."+l.Name), 0.0
			for _, v := range expected {
				top = max(top, math.Abs(float64(v)))
			}
			for i, v := range expected {
				d := math.Abs(float64(v) - float64(l.Gradient[i]))
				if top > 1e-6 { // the bias of keys has none: a softmax does not feel it
					worst = max(worst, d/top)
				}
				if !(d <= 1e-4*top+1e-6) {
					t.Fatalf("%s: value %d is %v, want %v", l.Name, i, l.Gradient[i], v)
				}
			}
		}
		t.Logf("worst difference %.2g of the largest value of a parameter", worst)
	}
}

func TestSigmoidLoss(t *testing.T) {
	want := golden.Open(t, "testdata/gradients.safetensors")
	c := &train.Contrast{LogScale: tensor.Param(), Bias: tensor.Param(), Loss: train.Sigmoid}
	c.LogScale.Store(tensor.F32, tensor.EntryOf("", []float32{1.3}).Data, nil)
	c.Bias.Store(tensor.F32, tensor.EntryOf("", []float32{-2.5}).Data, nil)
	g := tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) {
		_ = yield("scale", c.LogScale) && yield("bias", c.Bias)
	})
	p := tensor.NewPass(context.Background(), 1).Record(g)
	a := p.Input(want.Floats("sigmoid.a"), 5, 20).Watch()
	b := p.Input(want.Floats("sigmoid.b"), 5, 20).Watch()
	loss, err := c.Learn(train.Pairs(a, b), 1, g)
	if err != nil {
		t.Fatal(err)
	}
	p.Backward()
	want.Near("sigmoid.loss", []float32{float32(loss)}, 1e-5)
	want.Near("sigmoid.da", a.Gradient(), 1e-6)
	want.Near("sigmoid.db", b.Gradient(), 1e-6)
	want.Near("sigmoid.dscale", g.Of(c.LogScale), 1e-6)
	want.Near("sigmoid.dbias", g.Of(c.Bias), 1e-6)
}

func TestAdamW(t *testing.T) {
	want := golden.Open(t, "testdata/adamw.safetensors")
	w, b := tensor.Param(3, 5), tensor.Param(4)
	w.Store(tensor.F32, tensor.EntryOf("", want.Floats("weight")).Data, nil)
	b.Store(tensor.F32, tensor.EntryOf("", want.Floats("bias")).Data, nil)
	g := tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) {
		_ = yield("weight", w) && yield("bias", b)
	})
	optimiser := (&train.AdamW{Decay: 0.2, Clip: 1}).Minimize(g)
	schedule := train.Schedule{Rate: 0.1, Warmup: 2, Steps: 6}
	for i, norm := range want.Floats("norms") {
		rate := schedule.At(i)
		if r := float64(want.Floats("rates")[i]); math.Abs(rate-r) > 1e-8 {
			t.Errorf("step %d: rate %v, want %v", i, rate, r)
		}
		copy(g.Of(w), want.Floats(fmt.Sprint(i, ".weight.grad")))
		copy(g.Of(b), want.Floats(fmt.Sprint(i, ".bias.grad")))
		got, err := optimiser.Step(rate)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got-float64(norm)) > 1e-5 {
			t.Errorf("step %d: the gradients are %v long, want %v", i, got, norm)
		}
		want.Near(fmt.Sprint(i, ".weight"), w.Floats(), 1e-6)
		want.Near(fmt.Sprint(i, ".bias"), b.Floats(), 1e-6)
	}
}
