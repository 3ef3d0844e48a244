package train_test

import (
	"context"
	"math"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// apart is how far b is from a, by the lengths of the difference and of a.
func apart(a, b []float32) float64 {
	var d, n float64
	for i, v := range a {
		d += (float64(v) - float64(b[i])) * (float64(v) - float64(b[i]))
		n += float64(v) * float64(v)
	}
	return math.Sqrt(d / n)
}

// With products in bfloat16 the gradients of a whole model are at most as far from the exact ones as PyTorch's autocast has them, which
// rounds more, for each parameter but for a little; and they are within 2 % of the exact ones all together.
func TestGradientsInBF16(t *testing.T) {
	m, exact, autocast := tiny(t), golden.Open(t, "testdata/gradients.safetensors"), golden.Open(t, "testdata/autocast.safetensors")
	nn.SetFormat(m, tensor.FormatBF16)
	batch := &pairs{pixels: exact.Floats("pixels"), side: 20, texts: exact.Lists("ids", "lengths")}
	g := tensor.NewGradients(nn.Params(m))
	loss, err := learn(tensor.NewPass(context.Background(), 2).Record(g), m, &train.Contrast{LogScale: m.LogitScale}, batch, g)
	if err != nil {
		t.Fatal(err)
	}
	if l := float64(exact.Floats("infonce.loss")[0]); math.Abs(loss-l) > 0.02*l {
		t.Errorf("the loss is %v, exact is %v", loss, l)
	}
	var all, ours, theirs []float32
	for _, l := range g.All() {
		want, cast := exact.Floats("infonce."+l.Name), autocast.Floats(l.Name)
		size := 0.0
		for _, v := range want {
			size = max(size, math.Abs(float64(v)))
		}
		if size < 1e-6 { // the bias of keys has none: a softmax does not feel it
			continue
		}
		if d, bound := apart(want, l.Gradient), apart(want, cast); d > 1.5*bound+0.005 {
			t.Errorf("%s: %.4f away from the exact gradient, PyTorch's autocast %.4f", l.Name, d, bound)
		}
		all, ours, theirs = append(all, want...), append(ours, l.Gradient...), append(theirs, cast...)
	}
	d := apart(all, ours)
	if t.Logf("all together %.4f away from the exact gradients, PyTorch's autocast %.4f; native: %v", d, apart(all, theirs), tensor.Native(tensor.FormatBF16)); !(d < 0.02) {
		t.Error("more than 2 %")
	}
	if d < 1e-4 {
		t.Error("as exact as in float32: nothing was rounded")
	}
}

// A toy set is learnt in bfloat16 as in float32: over 200 steps the losses, averaged over ten steps, differ by at most 2 % of the first,
// where they fall fastest, and by 5 % of themselves in the end.
func TestLossCurveInBF16(t *testing.T) {
	const steps, each = 200, 10
	curve := func(f tensor.Format) (losses [steps / each]float64) {
		m, batch, ctx := untaught(t), toy(), context.Background()
		nn.SetFormat(m, f)
		g := tensor.NewGradients(nn.Params(m))
		contrast := &train.Contrast{LogScale: m.LogitScale}
		optimiser := (&train.AdamW{Decay: 0.01, Clip: 1, Workers: 1}).Minimize(g)
		schedule := train.Schedule{Rate: 1e-3, Warmup: 20, Steps: steps}
		p := tensor.NewPass(ctx, 1).Record(g)
		for i := range steps {
			p.Reset(ctx)
			loss, err := learn(p, m, contrast, batch, g)
			if err == nil {
				_, err = optimiser.Step(schedule.At(i))
			}
			if err != nil {
				t.Fatal(err)
			}
			contrast.Clamp()
			losses[i/each] += loss / each
		}
		return losses
	}
	exact, rounded := curve(tensor.FormatF32), curve(tensor.FormatBF16)
	worst := 0.0
	for i, v := range exact {
		worst = max(worst, math.Abs(v-rounded[i])/exact[0])
	}
	a, b := exact[len(exact)-1], rounded[len(rounded)-1]
	t.Logf("from %.3f to %.5f, in bf16 from %.3f to %.5f; at most %.1f %% of the first apart", exact[0], a, rounded[0], b, 100*worst)
	if exact == rounded || !(worst < 0.02) || !(math.Abs(a-b) < 0.05*a) {
		t.Errorf("losses are %v, in bf16 %v", exact, rounded)
	}
}
