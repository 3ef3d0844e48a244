package whisper

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	reference "github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/tensor"
)

// golden is what tools/golden/whisper.py kept of a model.
type golden struct {
	*testing.T
	*Bundle
	set *reference.Set
}

func open(t *testing.T, name string) golden {
	t.Helper()
	b, err := Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return golden{t, b, reference.Open(t, filepath.Join("testdata", name, "golden.safetensors"))}
}

// mel is two windows.
func (g golden) mel(p *tensor.Pass) *tensor.Tensor {
	return p.Input(g.set.Floats("mel"), 2, g.Config.Bands, 2*g.Config.Frames)
}

func (g golden) texts() (windows []int32, texts [][]int32) {
	windows = g.set.IDs("windows")
	for i := range windows {
		texts = append(texts, g.set.IDs(fmt.Sprintf("text%d.ids", i)))
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
			g.set.Near("conv1", x.Floats(), 2e-5)
			seq := p.Spans(2, g.Config.Frames)
			x = x.Conv1D(g.Encoder.Conv2.Weight, g.Encoder.Conv2.Bias, 2, 1, g.Config.Act).AddPositions(g.Encoder.Positions, seq)
			for i, b := range g.Encoder.Blocks {
				g.set.Near(fmt.Sprint("encoder.", i), x.Floats(), 5e-5)
				x = b.Forward(x, seq)
			}
			heard := g.Encode(g.mel(p))
			g.set.Near("encoder", heard.Floats(), 5e-5)
			d := g.NewDecoder()
			d.Hear(heard)
			windows, texts := g.texts()
			for i, ids := range texts {
				weights, logits := d.Align(p, int(windows[i]), ids, every(len(ids)))
				g.set.Near(fmt.Sprintf("text%d.logits", i), logits.Floats(), 1e-4)
				g.set.Near(fmt.Sprintf("text%d.heads", i), weights.Floats(), 2e-6)
				if want := []int{len(g.Config.Alignment), len(ids), g.Config.Frames}; !slices.Equal(weights.Shape(), want) {
					t.Errorf("alignment heads are %v, want %v", weights, want)
				}
			}
			all := d.Start(p, windows, texts, every(len(slices.Concat(texts...)))).Floats()
			for i, ids := range texts {
				n := len(ids) * g.Config.Vocab
				g.set.Near(fmt.Sprintf("text%d.logits", i), all[:n], 1e-4)
				all = all[n:]
			}
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
				if !slices.Equal(s.logits, whole(s.window, s.ids)) {
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
		mel := g.set.Floats("mel")
		one := g.Encode(p.Input(mel[len(mel)/2:], 1, g.Config.Bands, 2*g.Config.Frames))
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
