package fusion

import (
	"context"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// sheets are an encoder of two modalities, a layer each, and what it makes features of. At first the layers see nothing of the two values by
// which the classes differ.
type sheets struct {
	Layers []*nn.Linear `weight:"layers"`
	raw    [2][][]float32
}

const rawWidth, seenWidth = 6, 4

func newSheets(n int, seed uint64) (*sheets, *Data) {
	r := rand.New(rand.NewPCG(seed, 3))
	s := &sheets{Layers: []*nn.Linear{nn.NewLinear(rawWidth, seenWidth, true), nn.NewLinear(rawWidth, seenWidth, true)}}
	nn.Init(s, seed)
	for _, l := range s.Layers {
		for i := range seenWidth {
			w := l.Weight.Own()
			w[i*rawWidth], w[i*rawWidth+1] = 0, 0
		}
		l.Weight.Changed()
	}
	d := &Data{Task: Task{Single, 2}, Modalities: []Modality{{Name: "a", Width: seenWidth, Tokens: 1}, {Name: "b", Width: seenWidth, Tokens: 1}}}
	for i := range n {
		one := Sample{Class: int32(i % 2), Features: make([][]float32, 2), Origins: []int32{int32(i), int32(i)}}
		for m := range 2 {
			x := make([]float32, rawWidth)
			for j := range x {
				x[j] = float32(r.NormFloat64())
			}
			x[m] += float32(i%2*6 - 3)
			s.raw[m] = append(s.raw[m], x)
		}
		if i%7 == 0 {
			one.Features[1] = nil
		}
		d.Samples = append(d.Samples, one)
	}
	for m := range 2 {
		for i := range d.Samples {
			if m == 1 && i%7 == 0 {
				continue
			}
			p := tensor.NewPass(context.Background(), 1)
			x, _ := s.embed(p, m, []int32{int32(i)})
			d.Samples[i].Features[m] = slices.Clone(x.Floats())
		}
	}
	return s, d
}

func (s *sheets) embed(p *tensor.Pass, modality int, origins []int32) (*tensor.Tensor, error) {
	var values []float32
	for _, o := range origins {
		values = append(values, s.raw[modality][o]...)
	}
	return s.Layers[modality].Forward(p.Input(values, len(origins), rawWidth)), nil
}

// tuning is that of the sheets: all of them, or adapters.
func (s *sheets) tuning(t *testing.T, adapt bool) *Tuning {
	out := &Tuning{Params: nn.Params(s), Rate: 0.02, Embed: s.embed}
	if adapt {
		var err error
		out.Params = nil
		out.Adapters, err = train.LoRA{Rank: 2, Patterns: []string{"*.weight"}}.Adapt(nn.Params(s), 1, 1)
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func right(d *Data, answers [][]float64) float64 {
	n := 0.0
	for i, x := range answers {
		if (x[1] > x[0]) == (d.Samples[i].Class == 1) {
			n++
		}
	}
	return n / float64(len(answers))
}

// TestTuningSees teaches encoders what they did not see, in parts too, and with any number of workers to the same bits.
func TestTuningSees(t *testing.T) {
	for _, method := range []Method{Late, LowRank} {
		for _, how := range []string{"frozen", "all", "adapters"} {
			var first []float64
			for _, workers := range []int{1, 3} {
				s, d := newSheets(150, 5)
				learn, valid, test := d.With(d.Samples[:80]), d.With(d.Samples[80:110]), d.With(d.Samples[110:])
				training := Training{Steps: 40, Rate: 0.02, Drop: 0.2, Seed: 2, Workers: workers}
				if how != "frozen" {
					training.Tuning = s.tuning(t, how == "adapters")
					training.Tuning.Part = 10
				}
				m, err := New(Config{Method: method, Task: d.Task, Modalities: d.Modalities, Width: 8, Dropout: 0.1})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := training.Fit(t.Context(), m, learn, valid); err != nil {
					t.Fatal(err)
				}
				l := &learner{Training: training.filled(), data: d, pass: tensor.NewPass(t.Context(), workers)}
				if how != "frozen" {
					if test, err = l.anew(t.Context(), test); err != nil {
						t.Fatal(err)
					}
				}
				answers, err := m.Predict(t.Context(), test.Samples, workers)
				if err != nil {
					t.Fatal(err)
				}
				if acc := right(test, answers); (how == "frozen") != (acc < 0.75) {
					t.Errorf("%s, %s: accuracy %.2f", method, how, acc)
				}
				flat := slices.Concat(answers...)
				if first == nil {
					first = flat
				}
				if !slices.Equal(flat, first) {
					t.Errorf("%s, %s: %d workers answer otherwise than one", method, how, workers)
				}
			}
		}
	}
}

// TestTuningGradients compares the way back through fusion and encoders with what a small step does, whole and in parts.
func TestTuningGradients(t *testing.T) {
	for _, method := range Methods {
		var whole []float32
		for _, part := range []int{0, 3} {
			s, d := newSheets(8, 9)
			m, err := New(Config{Method: method, Task: d.Task, Modalities: d.Modalities, Width: 8})
			if err != nil {
				t.Fatal(err)
			}
			nn.Init(m, 1)
			m.measure(d.Samples)
			tuning := s.tuning(t, false)
			tuning.Part = part
			training := Training{Tuning: tuning, Auxiliary: 0.5}
			l := &learner{Training: training, ctx: t.Context(), model: m, data: d, pass: tensor.NewPass(t.Context(), 0), samples: pointers(d.Samples),
				gradients: tensor.NewGradients(tuning.Params), loss: m.newLoss()}
			if _, err := l.tune(t.Context()); err != nil {
				t.Fatal(err)
			}
			var all []float32
			square := 0.0
			for _, g := range l.gradients.All() {
				all = append(all, g.Gradient...)
				for _, v := range g.Gradient {
					square += float64(v) * float64(v)
				}
			}
			if whole == nil {
				whole = all
			}
			for i, v := range all {
				if d := math.Abs(float64(v - whole[i])); d > 1e-5*math.Sqrt(square) {
					t.Fatalf("%s: derivative %d in parts is %v, %v of the whole", method, i, v, whole[i])
				}
			}
			step := 1e-3 / math.Sqrt(square)
			loss := func(by float64) float64 {
				at := 0
				for _, p := range paramsOf(tuning.Params) {
					for i := range p.Own() {
						p.Own()[i] += float32(by * float64(all[at]))
						at++
					}
					p.Changed()
				}
				v, err := l.peek(d, 0)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			l.BatchSize = len(d.Samples)
			tuning.Part = 0
			up, down := loss(step), loss(-2*step)
			if got, want := (up-down)/(2*step), square; math.Abs(got-want) > 0.02*want {
				t.Errorf("%s, parts of %d: a step changes the loss by %v, its gradient says %v", method, part, got, want)
			}
		}
	}
}

func paramsOf(all iter.Seq2[string, *tensor.Tensor]) (list []*tensor.Tensor) {
	for _, p := range all {
		list = append(list, p)
	}
	return list
}
