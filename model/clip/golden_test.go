package clip

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// golden is what the reference library makes of a model: every stage's output, by name.
type golden struct {
	t   *testing.T
	set *weights.Set
	n   int // stages compared
}

// models lists the tiny models under testdata, each a folder with golden.safetensors.
func models(t *testing.T) []string {
	found, err := filepath.Glob("testdata/*/golden.safetensors")
	if err != nil || len(found) == 0 {
		t.Fatalf("no golden data: %v", err)
	}
	for i := range found {
		found[i] = filepath.Dir(found[i])
	}
	return found
}

// source is the folder or the single file that holds a model's weights.
func source(dir string) string {
	for _, pattern := range []string{"*.pt"} {
		if files, _ := filepath.Glob(filepath.Join(dir, pattern)); len(files) == 1 {
			return files[0]
		}
	}
	return dir
}

func openGolden(t *testing.T, dir string) *golden {
	set, err := weights.Open(filepath.Join(dir, "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return &golden{t: t, set: set}
}

// values is a stage's values and shape; nil where the reference has no such stage.
func (g *golden) values(name string) ([]float32, []int) {
	e, ok := g.set.Get(name)
	if !ok {
		return nil, nil
	}
	p := tensor.Param(len(e.Data) / e.DType.Size())
	p.Store(e.DType, e.Data, nil)
	return p.Floats(), e.Shape
}

// compare holds x against the stage of that name, where there is one.
func (g *golden) compare(name string, x []float32, tolerance float64) {
	g.t.Helper()
	want, shape := g.values(name)
	if want == nil {
		return
	}
	g.n++
	if len(want) != len(x) {
		g.t.Errorf("%s has %d values, want %v", name, len(x), shape)
		return
	}
	worst, at := 0.0, 0
	for i := range want {
		if d := math.Abs(float64(x[i]) - float64(want[i])); d > worst || math.IsNaN(d) {
			worst, at = d, i
		}
	}
	if worst > tolerance || math.IsNaN(worst) {
		g.t.Errorf("%s differs by %.3g at %d (got %v, want %v), tolerance %g", name, worst, at, x[at], want[at], tolerance)
	}
}

const tolerance = 2e-5 // of single stages, in f32; their values are of the order of 1

func TestStages(t *testing.T) {
	for _, dir := range models(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			b, err := Open(source(dir))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			g := openGolden(t, dir)
			text := g.text(b.Model)
			vision := g.vision(b.Model)
			if g.n < 11 {
				t.Errorf("only %d stages were compared", g.n)
			}
			g.logits("", b.Model, text.Pass().Input(vision.Floats(), vision.Shape()...), text)
		})
	}
}

// logits compares what comes of normalised embeddings of one pass.
func (g *golden) logits(prefix string, m *Model, vision, text *tensor.Tensor) {
	x := vision.Dots(text, m.Scale())
	for i := range x.Floats() {
		x.Floats()[i] += m.Bias()
	}
	g.compare(prefix+"logits_per_image", x.Floats(), 1e-4)
	g.compare(prefix+"probs", x.Softmax().Floats(), 1e-4)
}

// text compares the text tower and returns the normalised embeddings.
func (g *golden) text(m *Model) *tensor.Tensor {
	raw, shape := g.values("input_ids")
	n := shape[1]
	seq, texts := tensor.Spans(nil), [][]int32(nil)
	var flat []int32
	for i := 0; i < len(raw); i += n {
		var ids []int32
		for _, v := range raw[i : i+n] {
			ids = append(ids, int32(v))
		}
		seq, texts, flat = seq.Append(n), append(texts, ids), append(flat, ids...)
	}
	p := tensor.NewPass(context.Background(), 0)
	x := m.Text.Embed(p.Ints(flat, len(flat)), seq)
	g.compare("text.embed", x.Floats(), tolerance)
	for i, block := range m.Text.Blocks {
		x = block.Forward(x, seq)
		g.compare(fmt.Sprintf("text.block.%d", i), x.Floats(), tolerance)
	}
	g.compare("text.final_norm", m.Text.FinalNorm.Forward(x).Floats(), tolerance)
	pooled, err := m.Text.Forward(p, texts)
	if err != nil {
		g.t.Fatal(err)
	}
	g.compare("text.pooled", pooled.Floats(), tolerance)
	projected, err := m.EmbedText(p, texts)
	if err != nil {
		g.t.Fatal(err)
	}
	g.compare("text.projected", projected.Floats(), tolerance)
	normalised := projected.Normalize(1e-12)
	g.compare("text.normalized", normalised.Floats(), tolerance)
	return normalised
}

// vision compares the image tower and returns the normalised embeddings.
func (g *golden) vision(m *Model) *tensor.Tensor {
	raw, shape := g.values("pixel_values")
	p := tensor.NewPass(context.Background(), 0)
	pixels := p.Input(raw, shape...)
	seq := p.Spans(shape[0], m.Vision.Config.Tokens())
	patches := m.Vision.Patch.Forward(pixels.Patches(m.Vision.Config.Patch))
	g.compare("vision.patches", patches.Floats(), tolerance)
	x := m.Vision.Embed(pixels, seq)
	if m.Vision.PreNorm != nil {
		g.compare("vision.pre_norm", x.Floats(), tolerance)
	}
	for i, block := range m.Vision.Blocks {
		x = block.Forward(x, seq)
		g.compare(fmt.Sprintf("vision.block.%d", i), x.Floats(), tolerance)
	}
	g.compare("vision.pooled", m.Vision.Forward(pixels).Floats(), tolerance)
	projected := m.EmbedImage(pixels)
	g.compare("vision.projected", projected.Floats(), tolerance)
	normalised := projected.Normalize(1e-12)
	g.compare("vision.normalized", normalised.Floats(), tolerance)
	return normalised
}

// cases is the end-to-end part of the golden data.
type cases struct {
	Texts     []string  `json:"texts"`
	Images    []string  `json:"images"`
	IDs       [][]int32 `json:"ids"`
	Truncated []bool    `json:"truncated"`
}

// The tokenizer's ids and the processor's pixels are those of the reference, and from them come its logits.
func TestEndToEnd(t *testing.T) {
	for _, dir := range models(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			b, err := Open(source(dir))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			data, err := os.ReadFile(filepath.Join(dir, "cases.json"))
			if err != nil {
				t.Fatal(err)
			}
			var c cases
			if err := json.Unmarshal(data, &c); err != nil {
				t.Fatal(err)
			}
			g := openGolden(t, dir)
			texts := make([][]int32, len(c.Texts))
			for i, text := range c.Texts {
				ids := b.Encode(text).IDs
				if !slices.Equal(ids, c.IDs[i]) {
					t.Errorf("ids of %q are %v, want %v", text, ids, c.IDs[i])
				}
				var truncated bool
				if texts[i], truncated = b.Fit(ids); truncated != c.Truncated[i] {
					t.Errorf("truncated of %q is %v, want %v", text, truncated, c.Truncated[i])
				}
			}
			p := tensor.NewPass(context.Background(), 0)
			w, h := b.Processor.Size()
			pixels := p.Empty(len(c.Images), 3, h, w)
			for i, name := range c.Images {
				img, err := image.Open(filepath.Join("testdata/pictures", name), nil)
				if err != nil {
					t.Fatal(err)
				}
				b.Processor.Apply(pixels.Floats()[i*3*h*w:(i+1)*3*h*w], img)
			}
			g.compare("e2e.pixel_values", pixels.Floats(), 1e-6)
			vision := b.EmbedImage(pixels).Normalize(1e-12)
			g.compare("e2e.image_embeds", vision.Floats(), tolerance)
			if len(texts) == 0 { // the vocabulary is cut: it belongs to no tokenizer
				return
			}
			x, err := b.EmbedText(p, texts)
			if err != nil {
				t.Fatal(err)
			}
			text := x.Normalize(1e-12)
			g.compare("e2e.text_embeds", text.Floats(), tolerance)
			g.logits("e2e.", b.Model, vision, text)
			if g.n != 5 {
				t.Errorf("%d results were compared, want 5", g.n)
			}
		})
	}
}

// Saving a model's parameters and binding them again changes nothing.
func TestSaveAndLoad(t *testing.T) {
	b, err := Open(source("testdata/transformers"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	file := filepath.Join(t.TempDir(), "model.safetensors")
	if err := weights.Save(file, nn.Entries(b.Model), nil); err != nil {
		t.Fatal(err)
	}
	set, err := weights.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	again, err := New(b.Config)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := Entries(set, Transformers)
	if err != nil {
		t.Fatal(err)
	}
	if err := nn.Bind(again, entries, nil); err != nil {
		t.Fatal(err)
	}
	want := nn.Entries(b.Model)
	for i, e := range nn.Entries(again) {
		if e.DType != want[i].DType || !slices.Equal(e.Data, want[i].Data) {
			t.Errorf("%s came back changed", e.Name)
		}
	}
}
