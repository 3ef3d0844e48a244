package whisper

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// golden is what tools/golden/whisper.py kept of a model.
type golden struct {
	*testing.T
	*Bundle
	set *weights.Set
}

func open(t *testing.T, name string) golden {
	t.Helper()
	b, err := Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return openGolden(t, b, name)
}

func openGolden(t *testing.T, b *Bundle, name string) golden {
	t.Helper()
	set, err := weights.Open(filepath.Join("testdata", name, "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return golden{t, b, set}
}

func (g golden) stage(name string) *tensor.Tensor {
	g.Helper()
	e, ok := g.set.Get(name)
	if !ok {
		g.Fatalf("no golden stage %s", name)
	}
	p := tensor.Param(e.Shape...)
	p.Store(e.DType, e.Data, nil)
	return p
}

func (g golden) ints(name string) (ids []int32) {
	for _, v := range g.stage(name).Floats() {
		ids = append(ids, int32(v))
	}
	return ids
}

func (g golden) near(what string, got, want []float32, tolerance float64) {
	g.Helper()
	if len(got) != len(want) {
		g.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= tolerance) {
			g.Fatalf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func (g golden) mel(p *tensor.Pass) *tensor.Tensor {
	mel := g.stage("mel")
	return p.Input(mel.Floats(), mel.Shape()...)
}

func (g golden) texts() (windows []int32, texts [][]int32) {
	windows = g.ints("windows")
	for i := range windows {
		texts = append(texts, g.ints(fmt.Sprintf("text%d.ids", i)))
	}
	return windows, texts
}

// every lists n rows.
func every(n int) (rows []int32) {
	for i := range n {
		rows = append(rows, int32(i))
	}
	return rows
}

var models = []string{"tiny", "english"}

func TestStages(t *testing.T) {
	for _, name := range models {
		t.Run(name, func(t *testing.T) {
			g := open(t, name)
			p := tensor.NewPass(context.Background(), 2)
			x := g.mel(p).Transpose().Conv1D(g.Encoder.Conv1.Weight, g.Encoder.Conv1.Bias, 1, 1, g.Config.Act)
			g.near("conv1", x.Floats(), g.stage("conv1").Floats(), 2e-5)
			seq := p.Spans(2, g.Config.Frames)
			x = x.Conv1D(g.Encoder.Conv2.Weight, g.Encoder.Conv2.Bias, 2, 1, g.Config.Act).AddPositions(g.Encoder.Positions, seq)
			for i, b := range g.Encoder.Blocks {
				g.near(fmt.Sprint("encoder layer ", i), x.Floats(), g.stage(fmt.Sprint("encoder.", i)).Floats(), 5e-5)
				x = b.Forward(x, seq)
			}
			heard := g.Encode(g.mel(p))
			g.near("encoder", heard.Floats(), g.stage("encoder").Floats(), 5e-5)
			d := g.NewDecoder()
			d.Hear(heard)
			windows, texts := g.texts()
			var want []float32
			for i, ids := range texts {
				logits := g.stage(fmt.Sprintf("text%d.logits", i)).Floats()
				want = append(want, logits...)
				weights, got := d.Align(p, int(windows[i]), ids, every(len(ids)))
				g.near(fmt.Sprint("logits of text ", i), got.Floats(), logits, 1e-4)
				heads := g.stage(fmt.Sprintf("text%d.heads", i))
				if !slices.Equal(weights.Shape(), heads.Shape()) {
					t.Fatalf("alignment heads are %v, want %v", weights, heads)
				}
				g.near(fmt.Sprint("heads of text ", i), weights.Floats(), heads.Floats(), 2e-6)
			}
			all := d.Start(p, windows, texts, every(len(want)/g.Config.Vocab))
			g.near("logits of all texts", all.Floats(), want, 1e-4)
		})
	}
}

// Texts read step by step, of several windows, of different lengths, kept, dropped and copied on the way, give the very bits of a text
// that is read at once.
func TestStepsEqualWhole(t *testing.T) {
	for _, name := range models {
		t.Run(name, func(t *testing.T) {
			g := open(t, name)
			p := tensor.NewPass(context.Background(), 2)
			d := g.NewDecoder()
			d.Hear(g.Encode(g.mel(p)))
			windows, texts := g.texts()
			whole := func(window int32, ids []int32) []float32 {
				return slices.Clone(d.Start(p, []int32{window}, [][]int32{ids}, nil).Floats())
			}
			// Each line is a text that grows; lines are made of one another.
			lines := [][]int32{slices.Clone(texts[0][:3]), slices.Clone(texts[1][:2]), slices.Clone(texts[2][:4])}
			last := d.Start(p, windows, lines, nil).Floats()
			type said struct {
				window int32
				ids    []int32
				logits []float32
			}
			var seen []said
			note := func(logits []float32) {
				for i, ids := range lines {
					seen = append(seen, said{windows[i], slices.Clone(ids), slices.Clone(logits[i*g.Config.Vocab:][:g.Config.Vocab])})
				}
			}
			note(last)
			for step, from := range [][]int32{{0, 0, 1, 2, 2}, {1, 0, 2, 4, 3}, {3, 3, 3, 0, 1, 2}, {5, 0, 4}, {2, 1, 0, 0, 1, 2}, {0}, {0, 0}, {1, 0, 1}} {
				d.Keep(from)
				var next [][]int32
				var at, ids []int32
				for i, f := range from {
					id := int32((step*37 + i*11) % g.Config.Vocab)
					next, at, ids = append(next, append(slices.Clone(lines[f]), id)), append(at, windows[f]), append(ids, id)
				}
				lines, windows = next, at
				note(d.Step(p, ids).Floats())
				if d.Hypotheses() != len(from) || d.Len(0) != len(lines[0]) {
					t.Fatalf("%d hypotheses of %d positions, want %d of %d", d.Hypotheses(), d.Len(0), len(from), len(lines[0]))
				}
			}
			for _, s := range seen {
				if want := whole(s.window, s.ids); !slices.Equal(s.logits, want) {
					g.near(fmt.Sprint("logits behind ", s.ids), s.logits, want, 1e-5)
					t.Fatalf("logits behind %v of window %d are other bits than those of the whole text", s.ids, s.window)
				}
			}
		})
	}
}

// A window alone is heard with the same bits as in a batch, with any number of workers.
func TestBatchEqualsParts(t *testing.T) {
	g := open(t, "tiny")
	size := g.Config.Frames * g.Config.Width
	for workers := 1; workers <= 3; workers++ {
		p := tensor.NewPass(context.Background(), workers)
		both := g.Encode(g.mel(p))
		mel := g.stage("mel")
		one := g.Encode(p.Input(mel.Floats()[mel.Len()/2:], 1, mel.Dim(1), mel.Dim(2)))
		if !slices.Equal(one.Floats(), both.Floats()[size:]) {
			t.Errorf("%d workers: a window alone gives other bits than in the batch", workers)
		}
	}
}

func TestStepsAllocateNothing(t *testing.T) {
	g := open(t, "tiny")
	ctx := context.Background()
	p := tensor.NewPass(ctx, 2)
	d := g.NewDecoder()
	heard := slices.Clone(g.Encode(g.mel(p)).Floats())
	prompts, windows, from, ids := [][]int32{{261, 40}, {261, 41}}, []int32{0, 1}, []int32{1, 1, 0}, []int32{5, 6, 7}
	run := func() {
		p.Reset(ctx)
		d.Hear(p.Input(heard, 2, g.Config.Frames, g.Config.Width))
		p.Reset(ctx)
		d.Start(p, windows, prompts, nil)
		d.Keep(from)
		for range 5 {
			p.Reset(ctx)
			d.Step(p, ids)
			d.Keep(from)
		}
	}
	run()
	run()
	if n := testing.AllocsPerRun(10, run); n > 0 {
		t.Errorf("decoding a window allocates %v times", n)
	}
}
