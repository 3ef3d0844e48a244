package tensor_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/tensor"
)

// A gradientCase is a function of computed inputs and parameters, whose derivatives by all of them are checked.
type gradientCase struct {
	name   string
	shapes [][]int // of inputs
	sizes  [][]int // of parameters
	run    func(p *tensor.Pass, x, w []*tensor.Tensor) *tensor.Tensor
	kinked bool // made of straight lines
	batch  bool // only a recording pass measures the batch
}

var (
	bias4 = []int{4}
	spans = tensor.Spans{0, 3, 4, 9}
	many  = tensor.Spans{0, 8000, 8200}
)

// copied is x as a new tensor that the tape does not hold, so that what follows may be done in place.
func copied(x *tensor.Tensor) *tensor.Tensor { return x.Scaled(1) }

func gradientCases() []gradientCase {
	type T = *tensor.Tensor
	var list []gradientCase
	add := func(name string, inputs, params [][]int, run func(p *tensor.Pass, x, w []T) T) {
		list = append(list, gradientCase{name, inputs, params, run, strings.HasSuffix(name, " relu") || strings.HasSuffix(name, " relu6") || name == "clamp", strings.Contains(name, "batch norm") && !strings.Contains(name, "frozen true")})
	}
	one := func(name string, shape []int, run func(x T) T) {
		add(name, [][]int{shape}, nil, func(_ *tensor.Pass, x, _ []T) T { return run(x[0]) })
	}
	for name, act := range map[string]tensor.Activation{
		"none": tensor.None, "relu": tensor.ReLU, "gelu": tensor.GELU, "gelu tanh": tensor.GELUTanh, "quick gelu": tensor.QuickGELU, "silu": tensor.SiLU,
		"relu6": tensor.ReLU6, "hard swish": tensor.HardSwish,
	} {
		add("linear "+name, [][]int{{2, 3, 5}}, [][]int{{4, 5}, bias4}, func(_ *tensor.Pass, x, w []T) T { return x[0].Linear(w[0], w[1], act) })
		one("activate "+name, []int{3, 19}, func(x T) T { return copied(x).Activate(act) })
	}
	add("linear without bias", [][]int{{37, 18}}, [][]int{{35, 3, 3, 2}}, func(_ *tensor.Pass, x, w []T) T { return x[0].Linear(w[0], nil, tensor.None) })
	add("linear of many rows", nil, [][]int{{3, 2}, {4, 2}, bias4}, func(p *tensor.Pass, _, w []T) T {
		ids := make([]int32, many.Rows())
		for i := range ids {
			ids[i] = int32(i % 7 % 3)
		}
		return p.Ints(ids, len(ids)).Lookup(w[0]).Linear(w[1], w[2], tensor.GELU).MeanRows(many, 0)
	})
	add("linear add", [][]int{{3, 5}, {3, 4}}, [][]int{{4, 5}, bias4}, func(_ *tensor.Pass, x, w []T) T { return x[0].LinearAdd(w[0], w[1], x[1]) })
	add("linear add to itself", [][]int{{3, 4}}, [][]int{{4, 4}, bias4}, func(_ *tensor.Pass, x, w []T) T { return x[0].LinearAdd(w[0], w[1], x[0]) })
	add("residual of a norm", [][]int{{3, 4}}, [][]int{{4, 4}, bias4, bias4}, func(_ *tensor.Pass, x, w []T) T {
		return x[0].LayerNorm(w[1], w[2], 1e-5).LinearAdd(w[0], nil, x[0])
	})
	add("linear cat", [][]int{{6, 5}}, [][]int{{4, 5}, bias4, {3, 5}, {2, 5}, {2}}, func(_ *tensor.Pass, x, w []T) T {
		return x[0].LinearCat(w[0], w[1], w[2], nil, w[3], w[4])
	})
	add("layer norm", [][]int{{3, 4}}, [][]int{bias4, bias4}, func(_ *tensor.Pass, x, w []T) T { return x[0].LayerNorm(w[0], w[1], 1e-5) })
	one("layer norm without gain", []int{3, 4}, func(x T) T { return x.LayerNorm(nil, nil, 1e-5) })
	add("rms norm of parts", [][]int{{3, 6}}, [][]int{{3}}, func(_ *tensor.Pass, x, w []T) T { return x[0].RMSNorm(w[0], 3, 1e-5) })
	add("rms norm add", [][]int{{3, 4}, {3, 4}}, [][]int{bias4}, func(_ *tensor.Pass, x, w []T) T { return copied(x[0]).RMSNormAdd(x[1], w[0], 1e-5) })
	one("normalize", []int{3, 4}, func(x T) T { return x.Normalize(1e-12) })
	one("normalize short rows", []int{3, 4}, func(x T) T { return x.Normalize(10) })
	one("softmax", []int{3, 4}, func(x T) T { return x.Softmax() })
	add("lookup and positions", nil, [][]int{{5, 4}, {6, 4}}, func(p *tensor.Pass, _, w []T) T {
		return p.Ints([]int32{0, 3, 3, 1, 4, 0, 0, 2, 3}, 9).Lookup(w[0]).AddPositions(w[1], spans)
	})
	add("computed positions", [][]int{{9, 4}, {6, 4}}, nil, func(_ *tensor.Pass, x, _ []T) T { return copied(x[0]).AddPositions(x[1], spans) })
	one("select", []int{4, 3}, func(x T) T { return x.Select([]int32{3, 0, 3}) })
	add("add rows", [][]int{{4, 3}, {3, 3}}, nil, func(_ *tensor.Pass, x, _ []T) T { return copied(x[0]).AddRows(x[1], []int32{3, 0, 3}) })
	add("add rows of what is held", [][]int{{4, 3}, {2, 3}}, nil, func(_ *tensor.Pass, x, _ []T) T {
		y := x[0].Softmax()
		return y.AddRows(x[1], []int32{1, 2})
	})
	add("add", [][]int{{3, 4}, {3, 4}}, nil, func(_ *tensor.Pass, x, _ []T) T { return copied(x[0]).Add(x[1]) })
	one("add to itself", []int{3, 4}, func(x T) T { y := copied(x); return y.Add(y) })
	add("add row", [][]int{{3, 4}}, [][]int{{2, 4}}, func(_ *tensor.Pass, x, w []T) T { return copied(x[0]).AddRow(w[0], 1) })
	add("mul", [][]int{{3, 4}, {3, 4}}, nil, func(_ *tensor.Pass, x, _ []T) T { return copied(x[0]).Mul(x[1]) })
	one("square", []int{3, 4}, func(x T) T { y := copied(x); return y.Mul(y) })
	one("mean rows", []int{9, 4}, func(x T) T { return x.MeanRows(spans, 1) })
	add("dots", [][]int{{3, 4}, {2, 4}}, nil, func(_ *tensor.Pass, x, _ []T) T { return x[0].Dots(x[1], 2.5) })
	one("dots with itself", []int{3, 4}, func(x T) T { return x.Dots(x, 1) })
	for _, k := range []int{3, 5} {
		for _, stride := range []int{1, 2} {
			for _, act := range []tensor.Activation{tensor.None, tensor.ReLU6} {
				name := fmt.Sprintf("depthwise %d, stride %d", k, stride)
				if act != tensor.None {
					name += " relu6"
				}
				add(name, [][]int{{2, 6, 5, 3}}, [][]int{{3, 1, k, k}, {3}}, func(_ *tensor.Pass, x, w []T) T {
					return x[0].Depthwise(w[0], w[1], stride, tensor.Same, act)
				})
			}
		}
	}
	add("depthwise without bias", [][]int{{1, 4, 5, 9}}, [][]int{{9, 1, 3, 3}}, func(_ *tensor.Pass, x, w []T) T {
		return x[0].Depthwise(w[0], nil, 2, 1, tensor.HardSwish)
	})
	add("depthwise twice", [][]int{{1, 4, 5, 9}}, [][]int{{9, 1, 3, 3}}, func(_ *tensor.Pass, x, w []T) T {
		return x[0].Depthwise(w[0], nil, 1, 1, tensor.None).Add(x[0].Depthwise(w[0], nil, 1, 1, tensor.None))
	})
	for _, frozen := range []bool{false, true} {
		for _, act := range []tensor.Activation{tensor.None, tensor.SiLU, tensor.ReLU6} {
			name, shape := fmt.Sprintf("batch norm %d, frozen %v", act, frozen), []int{2, 3, 4, 5}
			if act == tensor.ReLU6 {
				name, shape = name+" relu6", []int{1, 2, 3, 5} // few, that small differences tell
			}
			add(name, [][]int{shape}, [][]int{{5}, {5}}, func(p *tensor.Pass, x, w []T) T {
				return x[0].BatchNorm(statistics(w[0], w[1], frozen), act)
			})
		}
	}
	add("residual of a batch norm", [][]int{{30, 5}}, [][]int{{5}, {5}}, func(p *tensor.Pass, x, w []T) T {
		return copied(x[0]).BatchNorm(statistics(w[0], w[1], false), tensor.None).Add(x[0])
	})
	one("windows", []int{2, 2, 5, 6}, func(x T) T { return x.Windows(3, 2, tensor.Same) })
	one("windows, symmetric", []int{1, 3, 5, 7}, func(x T) T { return x.Windows(5, 1, 2) })
	one("patches", []int{2, 2, 7, 6}, func(x T) T { return x.Patches(3) })
	add("prepend", [][]int{{6, 4}}, [][]int{bias4}, func(_ *tensor.Pass, x, w []T) T { return x[0].Prepend(w[0], 2) })
	one("clamp", []int{3, 4}, func(x T) T { return x.Clamp(-0.4, 0.45) })
	one("tanh", []int{3, 4}, func(x T) T { return copied(x).Tanh() })
	one("scale", []int{3, 4}, func(x T) T { return copied(x).Scale(-3).Scaled(0.5) })
	one("columns", []int{2, 3, 4}, func(x T) T { return x.Columns(1, 2) })
	one("leading", []int{3, 4}, func(x T) T { return x.Leading(3) })
	one("reshaped", []int{2, 6}, func(x T) T { return x.Scaled(2).Reshaped(3, 4).Scale(3).Normalize(1e-12) })
	one("blank", []int{4, 3}, func(x T) T { y := copied(x); return y.Normalize(1e-12).Blank([]int32{1, 3}).Mul(y) })
	one("transpose", []int{2, 3, 4}, func(x T) T { return x.Transpose() })
	one("rotate", []int{3, 16}, func(x T) T {
		cos, sin := make([]float32, 10), make([]float32, 10)
		for i := range cos {
			s, c := math.Sincos(float64(i))
			cos[i], sin[i] = float32(c), float32(s)
		}
		return copied(x).Rotate(cos, sin, 8, []int32{0, 1, 4, 2, 3, 3})
	})
	for _, causal := range []bool{false, true} {
		one(fmt.Sprintf("attend, causal %v", causal), []int{9, 18}, func(x T) T { return x.Attend(spans, 2, causal) })
	}
	one("attend long", []int{70, 24}, func(x T) T { return x.Attend(tensor.Spans{0, 1, 70}, 1, true) })
	for _, n := range []int{1, 2} {
		bias := [][]int{{n, 2, 5, 6}}
		add(fmt.Sprintf("attend with %d biases", n), [][]int{{9, 18}}, bias, func(_ *tensor.Pass, x, w []T) T { return x[0].AttendBiased(spans, 2, true, w[0]) })
		add(fmt.Sprintf("attend with %d computed biases", n), [][]int{{9, 18}, bias[0]}, nil, func(_ *tensor.Pass, x, _ []T) T {
			return x[0].AttendBiased(spans, 2, false, copied(x[1]))
		})
	}
	for _, act := range []tensor.Activation{tensor.None, tensor.GELU} {
		add(fmt.Sprintf("conv %d", act), [][]int{{2, 7, 3}}, [][]int{{4, 3, 3}, bias4}, func(_ *tensor.Pass, x, w []T) T { return x[0].Conv1D(w[0], w[1], 1, 1, act) })
	}
	add("conv with steps", [][]int{{1, 8, 5}}, [][]int{{4, 3, 5}}, func(_ *tensor.Pass, x, w []T) T { return x[0].Conv1D(w[0], nil, 2, 1, tensor.None) })
	add("conv depth", [][]int{{9, 4}}, [][]int{{4, 1, 3}}, func(_ *tensor.Pass, x, w []T) T { return x[0].ConvDepth(w[0], spans) })
	add("conv depth of a sum", [][]int{{9, 4}}, [][]int{{4, 1, 2}}, func(_ *tensor.Pass, x, w []T) T { return x[0].ConvDepth(w[0], spans).Add(x[0].ConvDepth(w[0], spans)) })
	one("glu", []int{4, 6}, func(x T) T { return x.GLU() })
	add("attend to", [][]int{{5, 6}, {9, 12}}, nil, func(_ *tensor.Pass, x, _ []T) T {
		return x[0].AttendTo(x[1], tensor.Spans{0, 1, 1, 5}, spans, 2)
	})
	add("attend heads", [][]int{{9, 12}, {9, 6}, {9, 6}}, nil, func(_ *tensor.Pass, x, _ []T) T {
		return x[0].AttendHeads(x[1], x[2], spans, tensor.Heads{Queries: 4, Keys: 2, D: 3, Scale: 0.7, Window: 2})
	})
	return list
}

// statistics is a batch norm that has seen something.
func statistics(gain, bias *tensor.Tensor, frozen bool) tensor.BatchNorm {
	n := tensor.BatchNorm{Gain: gain, Bias: bias, Mean: tensor.Statistic(gain.Len()), Var: tensor.Statistic(gain.Len()), Eps: 1e-3, Momentum: 0.1, Frozen: frozen}
	mean, variance := make([]float32, gain.Len()), make([]float32, gain.Len())
	for i := range mean {
		mean[i], variance[i] = float32(i)/8-0.25, float32(i+1)/4
	}
	n.Mean.Store(tensor.F32, tensor.EntryOf("", mean).Data, nil)
	n.Var.Store(tensor.F32, tensor.EntryOf("", variance).Data, nil)
	return n
}

// all yields parameters with their numbers for names.
func all(params []*tensor.Tensor) iter.Seq2[string, *tensor.Tensor] {
	return func(yield func(string, *tensor.Tensor) bool) {
		for i, t := range params {
			if !yield(fmt.Sprint(i), t) {
				return
			}
		}
	}
}

// A trial is a case with values.
type trial struct {
	gradientCase
	inputs [][]float32
	params []*tensor.Tensor
}

func (c gradientCase) trial() *trial {
	t := &trial{gradientCase: c}
	p := tensor.NewPass(context.Background(), 1)
	for i, shape := range c.shapes {
		t.inputs = append(t.inputs, noise(p, i+3, shape...).Floats())
	}
	for i, shape := range c.sizes {
		w := param(nil, shape...)
		copy(w.Own(), noise(p, i+11, shape...).Floats())
		t.params = append(t.params, w)
	}
	return t
}

// forward runs the case and returns its inputs and its result.
func (t *trial) forward(p *tensor.Pass, watch bool) (x []*tensor.Tensor, y *tensor.Tensor) {
	for i, v := range t.inputs {
		in := p.Input(slices.Clone(v), t.shapes[i]...)
		if watch {
			in.Watch()
		}
		x = append(x, in)
	}
	return x, t.run(p, slices.Clone(x), t.params)
}

// plain is a pass that records only if the case would be another one without.
func (t *trial) plain(workers int) *tensor.Pass {
	p := tensor.NewPass(context.Background(), workers)
	if t.batch {
		p.Record(tensor.NewGradients(all(t.params)))
	}
	return p
}

// weighted is a scalar function of a result: the sum of its values times fixed weights, in float64.
func weighted(y []float32) (loss float64) {
	for i, v := range y {
		loss += float64(v) * float64(weight(i))
	}
	return loss
}

func weight(i int) float32 { return float32((i+3)*(i+7)%17)/8 - 1 }

func weights(n int) []float32 {
	w := make([]float32, n)
	for i := range w {
		w[i] = weight(i)
	}
	return w
}

// slope is the derivative of loss by *v from differences, whose leading error Richardson's extrapolation takes away.
func slope(v *float32, h float32, changed func(), loss func() float64) float64 {
	was := *v
	central := func(h float32) float64 {
		hi, lo := was+h, was-h
		*v = hi
		changed()
		up := loss()
		*v = lo
		changed()
		down := loss()
		*v = was
		changed()
		return (up - down) / (float64(hi) - float64(lo))
	}
	return (4*central(h/2) - central(h)) / 3
}

// TestGradients holds the derivatives of every operation by every operand against differences. The tolerance is that of the
// differences of float32 results.
func TestGradients(t *testing.T) {
	const tolerance = 1e-3
	worst := 0.0
	for _, c := range gradientCases() {
		t.Run(c.name, func(t *testing.T) {
			trial := c.trial()
			g := tensor.NewGradients(all(trial.params))
			p := tensor.NewPass(context.Background(), 2).Record(g)
			x, y := trial.forward(p, true)
			y.Seed(weights(y.Len()))
			p.Backward()
			if names := g.Unreached(); len(names) > 0 {
				t.Errorf("parameters %v were not reached", names)
			}
			plain := trial.plain(2)
			loss := func() float64 {
				plain.Reset(context.Background())
				_, y := trial.forward(plain, false)
				return weighted(y.Floats())
			}
			compare := func(what string, got, v []float32, changed func()) {
				h := float32(1.0 / 32)
				if c.kinked {
					h = 1.0 / 2048
				}
				for i := range v {
					want := slope(&v[i], h, changed, loss)
					d := math.Abs(float64(got[i])-want) / (1 + math.Abs(want))
					worst = max(worst, d)
					if !(d <= tolerance) {
						t.Fatalf("by %s, value %d: got %v, differences give %v", what, i, got[i], want)
					}
				}
			}
			for i := range x {
				compare(fmt.Sprint("input ", i), x[i].Gradient(), trial.inputs[i], func() {})
			}
			for i, w := range trial.params {
				compare(fmt.Sprint("parameter ", i), g.Of(w), w.Own(), w.Changed)
			}
		})
	}
	t.Logf("worst difference %.2g", worst)
}

// Recording changes no result, and the number of workers no gradient: to the bit.
func TestRecordingChangesNoBit(t *testing.T) {
	for _, c := range gradientCases() {
		trial := c.trial()
		_, plain := trial.forward(trial.plain(1), false)
		var first [][]float32
		for workers := 1; workers <= 3; workers++ {
			g := tensor.NewGradients(all(trial.params))
			p := tensor.NewPass(context.Background(), workers).Record(g)
			x, y := trial.forward(p, true)
			sameBits(t, c.name, y.Floats(), plain.Floats())
			y.Seed(weights(y.Len()))
			p.Backward()
			var made [][]float32
			for _, in := range x {
				made = append(made, in.Gradient())
			}
			for _, l := range g.All() {
				made = append(made, l.Gradient)
			}
			if workers == 1 {
				first = made
			}
			for i := range made {
				sameBits(t, c.name, made[i], first[i])
			}
		}
	}
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: value %d is %v, want %v to the bit", what, i, got[i], want[i])
		}
	}
}

var (
	wideSpans = tensor.Spans{0, 100, 300}
	wideSeed  = weights(300 * 96)
)

// wide is a step over operands so large that they fall into many chunks.
func wide(p *tensor.Pass, x []float32, w []*tensor.Tensor) {
	y := p.Input(x, 300, 96).Linear(w[0], w[1], tensor.GELU).LayerNorm(w[1], w[1], 1e-5)
	z := y.LinearCat(w[0], nil, w[0], w[1], w[0], nil).Attend(wideSpans, 4, false).LinearAdd(w[0], w[1], y)
	z.Seed(wideSeed)
	p.Backward()
}

// A step of many chunks gives the same gradients for any number of workers, and another one in the same pass allocates nothing.
func TestStepsInSteadyState(t *testing.T) {
	source := tensor.NewPass(context.Background(), 1)
	x := noise(source, 1, 300, 96).Floats()
	w := []*tensor.Tensor{param(nil, 96, 96), param(nil, 96)}
	for i, v := range w {
		copy(v.Own(), noise(source, 5+i, v.Shape()...).Floats())
	}
	var first *tensor.Gradients
	for workers := 1; workers <= 3; workers++ {
		ctx, g := context.Background(), tensor.NewGradients(all(w))
		p := tensor.NewPass(ctx, workers).Record(g)
		wide(p, x, w)
		if first == nil {
			first = g
		}
		for i, l := range g.All() {
			sameBits(t, l.Name, l.Gradient, first.All()[i].Gradient)
		}
		p = tensor.NewPass(ctx, workers).Record(tensor.NewGradients(all(w)))
		run := func() {
			p.Reset(ctx)
			w[0].Changed()
			wide(p, x, w)
		}
		for range 3 {
			run()
		}
		if n := testing.AllocsPerRun(3, run); n > 0 && !raceEnabled {
			t.Errorf("%d workers: a step allocates %v times", workers, n)
		}
	}
}

// What is frozen is not remembered, and so Keep frees it; products see values that were changed.
func TestFrozenAndChanged(t *testing.T) {
	frozen, learnt := param(nil, 3, 3), param(nil, 2, 3)
	g := tensor.NewGradients(all([]*tensor.Tensor{learnt}))
	p := tensor.NewPass(context.Background(), 1).Record(g)
	x := p.Input([]float32{1, 2, 3}, 1, 3)
	m := p.Mark()
	y := x.Linear(frozen, nil, tensor.GELU)
	if kept := p.Keep(m, x.Linear(frozen, nil, tensor.None)); kept != y {
		t.Error("a frozen layer was remembered")
	}
	y.Linear(learnt, nil, tensor.None).Seed([]float32{1, 2})
	p.Backward()
	if g.Of(frozen) != nil || g.Of(learnt)[0] == 0 {
		t.Errorf("gradients: %v and %v", g.Of(frozen), g.Of(learnt))
	}
	g.Clear()
	if names := g.Unreached(); len(names) != 1 || g.All()[0].Gradient[0] != 0 {
		t.Errorf("cleared: %v, %v", names, g.All())
	}
	plain := tensor.NewPass(context.Background(), 1)
	x = plain.Input([]float32{1, 2, 3}, 1, 3)
	before := slices.Clone(x.Linear(learnt, nil, tensor.None).Floats())
	for i := range learnt.Own() {
		learnt.Own()[i] *= 2
	}
	learnt.Changed()
	for i, v := range x.Linear(learnt, nil, tensor.None).Floats() {
		if v != 2*before[i] {
			t.Errorf("value %d is %v, want %v", i, v, 2*before[i])
		}
	}
}

// What has no gradient says so, and never cuts one in silence.
func TestWithoutGradient(t *testing.T) {
	learnt := param(nil, 4)
	for name, run := range map[string]func(x *tensor.Tensor){
		"unfold":       func(x *tensor.Tensor) { x.Unfold(0, 1) },
		"patches last": func(x *tensor.Tensor) { x.PatchesLast(2, 1, 0) },
		"input":        func(x *tensor.Tensor) { x.Pass().Input(x.Scaled(2).Floats(), 16) },
		"kv": func(x *tensor.Tensor) {
			tensor.NewKV(1, 2, 4, false).Put(x, tensor.Spans{0, 4}, []int32{0}, []int32{0})
		},
		"late":       func(x *tensor.Tensor) { x.Pass().Record(nil) },
		"after back": func(x *tensor.Tensor) { x.Pass().Backward(); x.Scaled(2) },
		"unseeded":   func(x *tensor.Tensor) { x.Pass().Empty(1).Seed([]float32{1}) },
	} {
		t.Run(name, func(t *testing.T) {
			p := tensor.NewPass(context.Background(), 1).Record(tensor.NewGradients(all([]*tensor.Tensor{learnt})))
			x := noise(p, 1, 1, 4, 4).Watch()
			defer func() {
				err, _ := recover().(error)
				var shape *tensor.ShapeError
				if !errors.As(err, &shape) {
					t.Errorf("got %v, want a *tensor.ShapeError", err)
				}
			}()
			run(x)
		})
	}
}
