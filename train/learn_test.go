package train_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// toy is twelve pictures and their texts: a quarter of the picture, one of four, in one of three colours.
func toy() *pairs {
	const side = 20
	b := &pairs{side: side}
	for colour := range 3 {
		for quarter := range 4 {
			picture := make([]float32, 3*side*side)
			for i := range picture {
				picture[i] = -1
				if i/(side*side) == colour && i/side%side/(side/2) == quarter/2 && i%side/(side/2) == quarter%2 {
					picture[i] = 1
				}
			}
			b.pixels = append(b.pixels, picture...)
			b.texts = append(b.texts, []int32{38, int32(2 + colour), int32(10 + quarter), 39})
		}
	}
	return b
}

// untaught is the model of testdata with new values, small as those of a model before training are.
func untaught(t *testing.T) *clip.Model {
	m := tiny(t)
	nn.Init(m, 5)
	for _, p := range []*tensor.Tensor{m.Text.Token, m.Text.Position, m.Vision.Position} {
		for i, v := range p.Own() {
			p.Own()[i] = v / 4
		}
	}
	m.LogitScale.Own()[0] = float32(math.Log(1 / 0.07))
	return m
}

// teach trains a new model for some steps and returns it with its last loss.
func teach(t *testing.T, workers, steps int) (*clip.Model, float64) {
	m, batch, ctx := untaught(t), toy(), context.Background()
	g := tensor.NewGradients(nn.Params(m))
	contrast := &train.Contrast{LogScale: m.LogitScale}
	optimiser := (&train.AdamW{Decay: 0.01, Clip: 1, Workers: workers}).Minimize(g)
	schedule := train.Schedule{Rate: 3e-3, Warmup: 10, Steps: steps}
	p, loss := tensor.NewPass(ctx, workers).Record(g), 0.0
	for i := range steps {
		p.Reset(ctx)
		var err error
		if loss, err = learn(p, m, contrast, batch, g); err != nil {
			t.Fatal(err)
		}
		if _, err = optimiser.Step(schedule.At(i)); err != nil {
			t.Fatal(err)
		}
		contrast.Clamp()
	}
	return m, loss
}

// hits counts the pictures whose own text is nearest, and the texts whose own picture is.
func hits(t *testing.T, m *clip.Model, b *pairs) (pictures, texts int) {
	p := tensor.NewPass(context.Background(), 1)
	n := len(b.texts)
	image := m.EmbedImage(p.Input(b.pixels, n, 3, b.side, b.side)).Normalize(1e-12)
	text, err := m.EmbedText(p, b.texts)
	if err != nil {
		t.Fatal(err)
	}
	cosines := image.Dots(text.Normalize(1e-12), 1)
	for _, x := range []*tensor.Tensor{cosines, cosines.Transpose()} {
		for i := range n {
			row, best := x.Floats()[i*n:][:n], 0
			for j, v := range row {
				if v > row[best] {
					best = j
				}
			}
			if best == i && x == cosines {
				pictures++
			} else if best == i {
				texts++
			}
		}
	}
	return pictures, texts
}

// A tiny model learns a toy set until everything finds its partner, and becomes the same to the bit on one worker and on two.
func TestLearnsToRetrieve(t *testing.T) {
	const steps = 120
	if pictures, texts := hits(t, untaught(t), toy()); pictures+texts > 12 {
		t.Fatalf("a model that learnt nothing finds %d and %d of 12", pictures, texts)
	}
	m, loss := teach(t, 1, steps)
	if pictures, texts := hits(t, m, toy()); pictures+texts != 24 {
		t.Errorf("after %d steps %d pictures and %d texts of 12 find their partner, loss %v", steps, pictures, texts, loss)
	}
	t.Logf("loss %.4f", loss)
	other, _ := teach(t, 2, steps)
	values := map[string][]float32{}
	for name, p := range nn.Params(m) {
		values[name] = p.Floats()
	}
	for name, p := range nn.Params(other) {
		for i, v := range p.Floats() {
			if math.Float32bits(v) != math.Float32bits(values[name][i]) {
				t.Fatalf("%s: value %d is %v on two workers, %v on one", name, i, v, values[name][i])
			}
		}
	}
}

// A batch in parts, one of them shorter, gives the loss and the gradients of the whole.
func TestParts(t *testing.T) {
	m, batch, ctx := untaught(t), toy(), context.Background()
	contrast := &train.Contrast{LogScale: m.LogitScale}
	whole, parts := tensor.NewGradients(nn.Params(m)), tensor.NewGradients(nn.Params(m))
	want, err := learn(tensor.NewPass(ctx, 1).Record(whole), m, contrast, batch, whole)
	if err != nil {
		t.Fatal(err)
	}
	p := tensor.NewPass(ctx, 1)
	embed := func(p *tensor.Pass, first, last int) (train.Batch, error) {
		size := 3 * batch.side * batch.side
		a := m.EmbedImage(p.Input(batch.pixels[first*size:last*size], last-first, 3, batch.side, batch.side)).Normalize(1e-12)
		b, err := m.EmbedText(p, batch.texts[first:last])
		if err != nil {
			return nil, err
		}
		return train.Pairs(a, b.Normalize(1e-12)), nil
	}
	inParts := &train.Parts{Size: 5}
	for range 2 { // the second time over what the first has left
		parts.Clear()
		got, err := inParts.Learn(ctx, contrast, p, len(batch.texts), embed, parts)
		if err != nil {
			t.Fatal(err)
		}
		if math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("the loss is %v, of the whole batch %v", got, want)
		}
		for i, l := range whole.All() {
			top := 0.0
			for _, v := range l.Gradient {
				top = max(top, math.Abs(float64(v)))
			}
			for j, v := range parts.All()[i].Gradient {
				if d := math.Abs(float64(v) - float64(l.Gradient[j])); !(d <= 1e-5*top+1e-7) {
					t.Fatalf("%s: value %d is %v, of the whole batch %v", l.Name, j, v, l.Gradient[j])
				}
			}
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := inParts.Learn(cancelled, contrast, p, len(batch.texts), embed, parts); err == nil {
		t.Error("a cancelled step gave gradients")
	}
}

// A frozen tower stays as it is, and the other one learns.
func TestFrozenTower(t *testing.T) {
	m, batch := untaught(t), toy()
	g := tensor.NewGradients(train.Except(nn.Params(m), "vision_model.*"))
	before := append([]float32(nil), m.Vision.Blocks[0].MLP.Up.Weight.Floats()...)
	text := append([]float32(nil), m.Text.Blocks[0].MLP.Up.Weight.Floats()...)
	optimiser := (&train.AdamW{}).Minimize(g)
	if _, err := learn(tensor.NewPass(context.Background(), 1).Record(g), m, &train.Contrast{LogScale: m.LogitScale}, batch, g); err != nil {
		t.Fatal(err)
	}
	if _, err := optimiser.Step(1e-3); err != nil {
		t.Fatal(err)
	}
	frozen := tensor.NewGradients(train.Except(nn.Params(m), "vision_model.*", "visual_projection.weight"))
	p := tensor.NewPass(context.Background(), 1).Record(frozen)
	if m.EmbedImage(p.Input(batch.pixels, len(batch.texts), 3, batch.side, batch.side)).Learns() {
		t.Error("the vectors of a frozen tower are recorded")
	}
	if now := m.Vision.Blocks[0].MLP.Up.Weight.Floats(); now[0] != before[0] || now[7] != before[7] {
		t.Error("a frozen weight moved")
	}
	if now := m.Text.Blocks[0].MLP.Up.Weight.Floats(); now[0] == text[0] {
		t.Error("a weight that learns did not move")
	}
}

func TestRefuses(t *testing.T) {
	m := untaught(t)
	g := tensor.NewGradients(nn.Params(m))
	batch := toy()
	batch.pixels, batch.texts = batch.pixels[:3*20*20], batch.texts[:1]
	contrast := &train.Contrast{LogScale: m.LogitScale}
	want := func(err error, part string) {
		t.Helper()
		if err == nil || !strings.HasPrefix(err.Error(), "train: ") || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want an error about %q", err, part)
		}
	}
	p := tensor.NewPass(context.Background(), 1).Record(g)
	_, err := learn(p, m, contrast, batch, g)
	want(err, "over 1 pairs")
	_, err = contrast.Learn(train.Pairs(p.Empty(2, 3), p.Empty(3, 3)), 1, g)
	want(err, "2 vectors of one kind and 3")
	optimiser := (&train.AdamW{}).Minimize(g)
	_, err = optimiser.Step(1e-3)
	want(err, "text_model.embeddings.token_embedding.weight")
	for _, l := range g.All() {
		g.Of(l.Param)[0] = float32(math.Inf(1))
	}
	_, err = optimiser.Step(1e-3)
	want(err, "token_embedding.weight is not finite after 0 steps")
}

func TestClamp(t *testing.T) {
	c := train.Contrast{LogScale: tensor.Param()}
	c.LogScale.Store(tensor.F32, tensor.EntryOf("", []float32{9}).Data, nil)
	for value, want := range map[float32]float64{9: math.Log(train.MaxScale), -2: 0, 1.5: 1.5} {
		c.LogScale.Own()[0] = value
		if c.Clamp(); math.Abs(float64(c.LogScale.Floats()[0])-want) > 1e-6 {
			t.Errorf("%v becomes %v, want %v", value, c.LogScale.Floats()[0], want)
		}
	}
}

// A step of a whole model allocates nothing, once the pass knows its size.
func TestStepAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools forget on purpose")
	}
	m, batch, ctx := untaught(t), toy(), context.Background()
	g := tensor.NewGradients(nn.Params(m))
	contrast := &train.Contrast{LogScale: m.LogitScale}
	optimiser := (&train.AdamW{Decay: 0.01, Clip: 1}).Minimize(g)
	p := tensor.NewPass(ctx, 2).Record(g)
	step := func() {
		p.Reset(ctx)
		_, err := learn(p, m, contrast, batch, g)
		if err == nil {
			_, err = optimiser.Step(1e-3)
		}
		if err != nil {
			t.Error(err)
		}
		contrast.Clamp()
	}
	for range 3 {
		step()
	}
	if n := testing.AllocsPerRun(10, step); n > 0 {
		t.Errorf("a step allocates %v times", n)
	}
}

func TestAverage(t *testing.T) {
	w := tensor.Param(1, 2)
	w.Store(tensor.F32, tensor.EntryOf("", []float32{4, 8}).Data, nil)
	a := train.NewAverage(tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) { yield("w", w) }), 0.75)
	product := func() float32 {
		return tensor.NewPass(context.Background(), 1).Input([]float32{1, 1}, 1, 2).Linear(w, nil, tensor.None).Floats()[0]
	}
	product()
	w.Own()[0] = 0 // the average becomes 3, then 2.25
	w.Changed()
	a.Update()
	a.Update()
	for i, want := range []float32{8, 10.25, 8} {
		if got := product(); got != want {
			t.Errorf("after %d swaps: got %v, want %v", i, got, want)
		}
		a.Swap()
	}
}
