package train_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

const (
	items = 6  // of the golden batches
	width = 12 // of their vectors
)

// scalar is a parameter [] of a value.
func scalar(v float32) *tensor.Tensor {
	t := tensor.Param()
	t.Store(tensor.F32, tensor.EntryOf("", []float32{v}).Data, nil)
	t.Own()
	return t
}

// A bench is what an objective is tried on.
type bench struct {
	t    *testing.T
	want *golden.Set
	p    *tensor.Pass
	g    *tensor.Gradients
}

func newBench(t *testing.T, params ...*tensor.Tensor) *bench {
	g := tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) {
		for _, p := range params {
			if !yield("parameter", p) {
				return
			}
		}
	})
	return &bench{t, golden.Open(t, "testdata/objectives.safetensors"), tensor.NewPass(context.Background(), 2).Record(g), g}
}

// vectors are those of a name, watched.
func (b *bench) vectors(name string) *tensor.Tensor {
	v := b.want.Floats(name)
	return b.p.Input(v, len(v)/width, width).Watch()
}

// learn compares the loss of a case and the derivatives by what is watched.
func (b *bench) learn(name string, o train.Objective, batch train.Batch, by map[string]*tensor.Tensor) {
	b.t.Helper()
	alone, err := o.Learn(batch, 1, nil) // without the way back, the same
	if err != nil {
		b.t.Fatal(err)
	}
	loss, err := o.Learn(batch, 1, b.g)
	if err != nil {
		b.t.Fatal(err)
	}
	if alone != loss {
		b.t.Errorf("%s: the loss is %v, without the way back %v", name, loss, alone)
	}
	b.p.Backward()
	b.want.Near(name+".loss", []float32{float32(loss)}, 2e-6)
	for k, x := range by {
		got := x.Gradient()
		if x.Pass() == nil {
			got = b.g.Of(x)
		}
		b.want.Near(name+".d"+k, got, 2e-6)
	}
}

// Contrastive losses of two modalities, their derivatives by vectors and scale, are PyTorch's.
func TestContrasts(t *testing.T) {
	type setup struct {
		contrast train.Contrast
		keys     []uint64
		extra    bool
	}
	keys := []uint64{4, 1, 4, 2, 1, 4}
	for name, c := range map[string]setup{
		"hard":       {contrast: train.Contrast{Loss: train.Hard(0.8)}},
		"matryoshka": {contrast: train.Contrast{Prefixes: []train.Prefix{{}, {Width: 6, Weight: 0.5}, {Width: 3, Weight: 0.25}}}},
		"extra":      {contrast: train.Contrast{Between: []train.Between{{A: 0, B: 1, Extra: []int{2}}}}, extra: true},
		"masked":     {keys: keys},
		"together":   {contrast: train.Contrast{Together: true}, keys: keys},
	} {
		t.Run(name, func(t *testing.T) {
			c.contrast.LogScale = scalar(2.3)
			b := newBench(t, c.contrast.LogScale)
			x, y := b.vectors("a"), b.vectors("b")
			batch := train.Batch{{X: x, Keys: c.keys}, {X: y, Keys: c.keys}}
			by := map[string]*tensor.Tensor{"a": x, "b": y, "s": c.contrast.LogScale}
			if c.extra {
				by["e"] = b.vectors("extra.e")
				batch = append(batch, train.Vectors{X: by["e"]})
			}
			b.learn(name, &c.contrast, batch, by)
		})
	}
}

// Three modalities, of which items lack some.
func TestModalities(t *testing.T) {
	for name, between := range map[string][]train.Between{
		"every": train.AllPairs(3), "anchored": {{A: 0, B: 1}, {A: 2, B: 1, Weight: 2}},
	} {
		c := &train.Contrast{LogScale: scalar(2), Between: between}
		b := newBench(t, c.LogScale)
		x, y, z := b.vectors("every.a"), b.vectors("every.b"), b.vectors("every.c")
		batch := train.Batch{{X: x}, {X: y, Of: []int32{0, 2, 3, 5}}, {X: z, Of: []int32{1, 2, 4, 5}}}
		b.learn(name, c, batch, map[string]*tensor.Tensor{"a": x, "b": y, "c": z, "s": c.LogScale})
	}
	if got := train.Anchored(3, 1); !slices.EqualFunc(got, []train.Between{{A: 0, B: 1}, {A: 2, B: 1}}, func(a, b train.Between) bool { return a.A == b.A && a.B == b.B }) {
		t.Errorf("got %v", got)
	}
}

func TestDistillation(t *testing.T) {
	teacher := func(b *bench, name string) *tensor.Tensor {
		v := b.want.Floats(name)
		return b.p.Input(v, items, len(v)/items)
	}
	t.Run("cosine", func(t *testing.T) {
		b := newBench(t)
		x := b.vectors("distil.a")
		b.learn("cosine", &train.Match{Teacher: 1}, train.Pairs(x.Normalize(1e-12), teacher(b, "distil.t")), map[string]*tensor.Tensor{"a": x})
	})
	t.Run("squared", func(t *testing.T) {
		b := newBench(t)
		x := b.vectors("distil.a")
		b.learn("squared", &train.Match{Teacher: 1, Squared: true}, train.Pairs(x, teacher(b, "distil.t")), map[string]*tensor.Tensor{"a": x})
	})
	t.Run("projected", func(t *testing.T) {
		project := nn.NewLinear(width, 9, true)
		b := newBench(t, project.Weight, project.Bias)
		project.Weight.Store(tensor.F32, tensor.EntryOf("", b.want.Floats("distil.w")).Data, nil)
		project.Bias.Store(tensor.F32, tensor.EntryOf("", b.want.Floats("distil.bias")).Data, nil)
		x := b.vectors("distil.a")
		batch := train.Pairs(project.Forward(x).Normalize(1e-12), teacher(b, "distil.u"))
		b.learn("projected", &train.Match{Teacher: 1}, batch, map[string]*tensor.Tensor{"a": x, "w": project.Weight, "bias": project.Bias})
	})
	t.Run("relate", func(t *testing.T) {
		for _, stored := range []bool{false, true} {
			b := newBench(t)
			x, y := b.vectors("distil.a"), b.vectors("distil.b")
			o := &train.Relate{Student: [2]int{0, 1}, Teacher: [2]int{2, 3}, StudentScale: 20, TeacherScale: 10}
			batch := train.Batch{{X: x}, {X: y}, {X: teacher(b, "distil.u")}, {X: teacher(b, "distil.v")}}
			if stored {
				for _, v := range batch[2].X.Dots(batch[3].X, 1).Floats() {
					o.Matrix = append(o.Matrix, float64(v))
				}
				batch = batch[:2]
			}
			b.learn("relate", o, batch, map[string]*tensor.Tensor{"a": x, "b": y})
		}
	})
}

func TestClassify(t *testing.T) {
	for name, smoothing := range map[string]float64{"classify": 0, "smoothed": 0.1} {
		b := newBench(t)
		x := b.p.Input(b.want.Floats("logits"), items, 5).Watch()
		o := &train.Classify{Labels: b.want.IDs("labels"), Smoothing: smoothing}
		b.learn(name, o, train.Batch{{X: x}}, map[string]*tensor.Tensor{"x": x})
		right := 0
		for i, l := range o.Labels {
			row := x.Floats()[i*5:][:5]
			if l >= 0 && row[l] == slices.Max(row) {
				right++
			}
		}
		if o.Seen != 5 || o.Right != right {
			t.Errorf("%d of %d right, want %d of 5", o.Right, o.Seen, right)
		}
	}
}

// A sum of everything, in parts of any size, is that of the whole batch: loss and gradients of the towers, where items lack a modality, have
// several texts, hard negatives, and a teacher.
func TestEverythingInParts(t *testing.T) {
	const n = 7
	var towers struct {
		Image *nn.Linear     `weight:"image"`
		Text  *nn.Linear     `weight:"text"`
		Scale *tensor.Tensor `weight:"scale"`
	}
	towers.Image, towers.Text, towers.Scale = nn.NewLinear(5, 8, true), nn.NewLinear(4, 8, true), tensor.Param()
	nn.Init(&towers, 3)
	towers.Scale.Own()[0] = 1.5
	value := func(kind, i, j int) float32 { return float32(math.Sin(float64(100*kind + 17*i + 5*j*j))) }
	rows := func(p *tensor.Pass, kind int, owners []int32, width int) *tensor.Tensor {
		x := p.Empty(len(owners), width)
		for i, o := range owners {
			for j := range width {
				again := kind
				if i > 0 && owners[i-1] == o { // another text of the same item
					again++
				}
				x.Floats()[i*width+j] = value(again, int(o), j)
			}
		}
		return x
	}
	embed := func(p *tensor.Pass, first, last int) (train.Batch, error) {
		var images, texts, all []int32
		var keys []uint64
		for i := int32(first); i < int32(last); i++ {
			all = append(all, i)
			if i != 3 {
				images = append(images, i)
			}
			for range 1 + i%2 {
				texts, keys = append(texts, i), append(keys, uint64(i%5))
			}
		}
		imageKeys := make([]uint64, len(images))
		for i, o := range images {
			imageKeys[i] = uint64(o % 5)
		}
		b := train.Batch{
			{}, {X: towers.Text.Forward(rows(p, 1, texts, 4)).Normalize(1e-12), Of: texts, Keys: keys},
			{X: towers.Text.Forward(rows(p, 5, all, 4)).Normalize(1e-12)}, {X: rows(p, 9, all, 8).Normalize(1e-12)},
		}
		if len(images) > 0 {
			b[0] = train.Vectors{X: towers.Image.Forward(rows(p, 3, images, 5)).Normalize(1e-12), Of: images, Keys: imageKeys}
		}
		return b, nil
	}
	objective := train.Sum{
		{Weight: 1, Objective: &train.Contrast{LogScale: towers.Scale, Between: []train.Between{{A: 0, B: 1, Extra: []int{2}}}, Prefixes: []train.Prefix{{}, {Width: 4}}, Loss: train.Hard(0.3)}},
		{Weight: 0.5, Objective: &train.Match{Student: 0, Teacher: 3}},
		{Weight: 0.25, Objective: &train.Relate{Student: [2]int{2, 2}, Teacher: [2]int{3, 3}, StudentScale: 5}},
	}
	ctx := context.Background()
	learn := func(size int) (float64, *tensor.Gradients) {
		g := tensor.NewGradients(nn.Params(&towers))
		p := tensor.NewPass(ctx, 2)
		loss, err := (&train.Parts{Size: size}).Learn(ctx, objective, p, n, embed, g)
		if err != nil {
			t.Fatal(err)
		}
		return loss, g
	}
	want := tensor.NewGradients(nn.Params(&towers))
	p := tensor.NewPass(ctx, 1).Record(want)
	batch, _ := embed(p, 0, n)
	loss, err := objective.Learn(batch, 1, want)
	if err != nil {
		t.Fatal(err)
	}
	p.Backward()
	for _, size := range []int{1, 2, 4, 7, 100} {
		got, g := learn(size)
		if math.Abs(got-loss) > 1e-6 {
			t.Errorf("in parts of %d the loss is %v, want %v", size, got, loss)
		}
		for i, l := range want.All() {
			for j, v := range g.All()[i].Gradient {
				if d := math.Abs(float64(v - l.Gradient[j])); !(d <= 1e-6) {
					t.Fatalf("in parts of %d: %s: value %d is %v, want %v", size, l.Name, j, v, l.Gradient[j])
				}
			}
		}
	}
}

// Dropout in parts: both times a part is embedded the same values are dropped, so that gradients are what differences of the loss give.
func TestDropoutInParts(t *testing.T) {
	const n, k = 9, 24
	l := nn.NewLinear(k, 8, true)
	nn.Init(l, 3)
	ctx := context.Background()
	input := func(kind, i, j int) float32 { return float32(math.Sin(float64(kind + 31*i + 7*j*j))) }
	rows := func(p *tensor.Pass, kind, first, last int) *tensor.Tensor {
		x := p.Empty(last-first, k)
		for i := first; i < last; i++ {
			for j := range k {
				x.Floats()[(i-first)*k+j] = input(kind, i, j)
			}
		}
		return l.Forward(x.Dropout(0.3)).Normalize(1e-12)
	}
	embed := func(p *tensor.Pass, first, last int) (train.Batch, error) {
		p.Random(uint64(100 + first))
		return train.Pairs(rows(p, 0, first, last), rows(p, 5, first, last)), nil
	}
	g := tensor.NewGradients(nn.Params(l))
	objective, parts, p := &train.Contrast{LogScale: scalar(1)}, &train.Parts{Size: 4}, tensor.NewPass(ctx, 1)
	loss := func() float64 {
		g.Clear()
		v, err := parts.Learn(ctx, objective, p, n, embed, g)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	w := l.Weight.Own()
	for _, i := range []int{0, 17, 100, 191} {
		const h = 1e-2
		was := w[i]
		at := func(v float32) float64 {
			w[i] = v
			l.Weight.Changed()
			return loss()
		}
		up, down := at(was+h), at(was-h)
		at(was)
		if got, want := float64(g.Of(l.Weight)[i]), (up-down)/(2*h); math.Abs(got-want) > 1e-3 {
			t.Errorf("by weight %d: got %v, differences give %v", i, got, want)
		}
	}
}

// Hard negatives are the nearest that are not too near.
func TestMine(t *testing.T) {
	pool := []float32{1, 0, 0.8, 0.6, 0.99, 0.141, 0, 1, -1, 0, 0.6, 0.8}
	m := train.Mine{Width: 2, Count: 2}
	check := func(want ...int32) {
		t.Helper()
		if got := m.Find([]float32{1, 0}, pool, []int32{0}, []uint64{1, 2, 3, 4, 5, 6})[0]; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	check(2, 1)
	m.Share = 0.95 // row 2 is too near
	check(1, 5)
	m.Count = 9
	check(1, 5, 3, 4)
	if got := m.Find([]float32{1, 0}, pool, []int32{0}, []uint64{1, 1, 3, 4, 5, 6})[0]; !slices.Equal(got, []int32{5, 3, 4}) {
		t.Errorf("got %v: a row with the key of the query's own is a negative", got)
	}
}

func TestObjectivesRefuse(t *testing.T) {
	p := tensor.NewPass(context.Background(), 1)
	x, y := p.Empty(3, 4), p.Empty(3, 5)
	for _, v := range [][]float32{x.Floats(), y.Floats()} {
		clear(v)
	}
	contrast := func(between ...train.Between) *train.Contrast {
		return &train.Contrast{LogScale: scalar(1), Between: between}
	}
	for part, o := range map[string]func() (train.Objective, train.Batch){
		"has none of number 1": func() (train.Objective, train.Batch) { return contrast(), train.Batch{{X: x}} },
		"of 4 values and of 5": func() (train.Objective, train.Batch) { return contrast(), train.Pairs(x, y) },
		"2 owners and 0 keys for 3": func() (train.Objective, train.Batch) {
			return contrast(), train.Batch{{X: x, Of: []int32{0, 1}}, {X: x}}
		},
		"over 1 pairs": func() (train.Objective, train.Batch) {
			return contrast(), train.Batch{{X: x}, {X: x, Of: []int32{7, 0, 8}}}
		},
		"a prefix of 9 values": func() (train.Objective, train.Batch) {
			c := contrast()
			c.Prefixes = []train.Prefix{{Width: 9}}
			return c, train.Pairs(x, x)
		},
		"project the student's": func() (train.Objective, train.Batch) { return &train.Match{Teacher: 1}, train.Pairs(x, y) },
		"the same items in the same": func() (train.Objective, train.Batch) {
			return &train.Relate{Student: [2]int{0, 1}, Teacher: [2]int{2, 2}}, train.Batch{{X: x}, {X: x}, {X: p.Empty(2, 4)}}
		},
		"similarities are 5, want 3 by 3": func() (train.Objective, train.Batch) {
			return &train.Relate{Student: [2]int{0, 1}, Matrix: make([]float64, 5)}, train.Pairs(x, x)
		},
		"label 4, want less than the 4": func() (train.Objective, train.Batch) {
			return &train.Classify{Labels: []int32{0, 4, 1}}, train.Batch{{X: x}}
		},
	} {
		objective, batch := o()
		if _, err := objective.Learn(batch, 1, nil); err == nil || !strings.HasPrefix(err.Error(), "train: ") || !strings.Contains(err.Error(), part) {
			t.Errorf("want an error about %q, got %v", part, err)
		}
	}
}

// What no item of a batch has counts for nothing: the rest is as without it, and a tower that nothing reached stays as it is.
func TestAbsentModality(t *testing.T) {
	a, b := tensor.Param(2, 3), tensor.Param(2, 3)
	for _, w := range []*tensor.Tensor{a, b} {
		w.Store(tensor.F32, tensor.EntryOf("", []float32{1, 2, 3, 3, 2, 2}).Data, nil)
	}
	g := tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) { _ = yield("a", a) && yield("b", b) })
	p := tensor.NewPass(context.Background(), 1).Record(g)
	x := p.Input([]float32{1, 0, 2, 0, 1, 1}, 2, 3).Linear(a, nil, tensor.None).Normalize(1e-12)
	y := p.Input([]float32{3, 1, 2, 1, 1, 0}, 2, 3).Linear(a, nil, tensor.None).Normalize(1e-12)
	three := &train.Contrast{LogScale: scalar(1), Between: []train.Between{{A: 0, B: 1, Extra: []int{2}}, {A: 1, B: 2}}}
	two := &train.Contrast{LogScale: scalar(1)}
	want, err := two.Learn(train.Pairs(x, y), 0.5, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := train.Sum{{Weight: 1, Objective: three}, {Weight: 1, Objective: &train.Match{Student: 0, Teacher: 2}}, {Weight: 1, Objective: &train.Relate{Student: [2]int{2, 0}}},
		{Weight: 1, Objective: &train.Classify{Logits: 2}}}
	got, err := sum.Learn(train.Batch{{X: x}, {X: y}, {}}, 1, g)
	if err != nil || got != want/2 { // one of two comparisons
		t.Errorf("the loss is %v, %v, want %v", got, err, want/2)
	}
	p.Backward()
	before := slices.Clone(b.Floats())
	if _, err := (&train.AdamW{Decay: 0.5}).Minimize(g).Step(0.1); err == nil || !strings.Contains(err.Error(), "1 parameters have no gradient, among them b") {
		t.Errorf("got %v", err)
	}
	was := slices.Clone(a.Floats())
	if _, err := (&train.AdamW{Decay: 0.5, Partial: true}).Minimize(g).Step(0.1); err != nil || !slices.Equal(before, b.Floats()) || slices.Equal(was, a.Floats()) {
		t.Errorf("got %v; b is %v, was %v", err, b.Floats(), before)
	}
}
