package siglip

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/tensor"
)

const naflex = "testdata/naflex"

// naflexTexts are those of tools/golden/siglip_naflex.py.
var naflexTexts = []string{
	"a photo of two cats", "", "A Photo of TWO  Cats in \u0130stanbul: \u00c9T\u00c9, \u03a3\u03a3 <EOS> <eos> \u65e5\u672c!",
	strings.Repeat("A sunset over the Mountains, ", 20),
}

// openNaFlex is the model and what the reference computes with it.
func openNaFlex(t *testing.T) (*Bundle, *golden.Set) {
	t.Helper()
	b, err := Open(naflex)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b, golden.Open(t, filepath.Join(naflex, "golden.safetensors"))
}

// naflexPixels is picture i as the model's processor makes it.
func naflexPixels(t *testing.T, b *Bundle, p *tensor.Pass, i int) *tensor.Tensor {
	t.Helper()
	img, err := image.Open(filepath.Join(naflex, fmt.Sprintf("picture%d.png", i)), nil)
	if err != nil {
		t.Fatal(err)
	}
	w, h := b.Processor.SizeOf(img.W, img.H)
	pixels := p.Empty(1, 3, h, w)
	b.Processor.Apply(pixels.Floats(), img)
	return pixels
}

// Pictures of several shapes, which the reference pads and masks in one batch.
func TestNaFlexStages(t *testing.T) {
	b, g := openNaFlex(t)
	shapes, pooled, d := g.IDs("shapes"), g.Floats("vision.pooled"), b.Dimension()
	p := tensor.NewPass(context.Background(), 2)
	var images []float32
	for i := range len(shapes) / 2 {
		pixels := naflexPixels(t, b, p, i)
		rows, cols := pixels.Dim(2)/b.Config.Vision.Patch, pixels.Dim(3)/b.Config.Vision.Patch
		if rows != int(shapes[2*i]) || cols != int(shapes[2*i+1]) {
			t.Fatalf("picture %d: %d rows of %d patches, want %v", i, rows, cols, shapes[2*i:2*i+2])
		}
		for j, want := range g.Floats(fmt.Sprintf("pixels.%d", i)) {
			if got := math.Round((float64(pixels.Floats()[j])*0.5 + 0.5) * 255); got != float64(want) {
				t.Fatalf("picture %d: pixel %d is %v, want %v", i, j, got, want)
			}
		}
		seq := p.Spans(1, b.ImageTokens(pixels.Dim(3), pixels.Dim(2)))
		x := b.Vision.Embed(pixels, seq)
		g.Near(fmt.Sprintf("vision.%d.layer0", i), x.Floats(), 2e-6)
		for j, block := range b.Vision.Blocks {
			x = block.Forward(x, seq)
			g.Near(fmt.Sprintf("vision.%d.layer%d", i, j+1), x.Floats(), 2e-5)
		}
		g.Near(fmt.Sprintf("vision.%d.last", i), b.Vision.PostNorm.Forward(x).Floats(), 2e-5)
		y := b.EmbedImage(pixels)
		for j, want := range pooled[i*d:][:d] {
			if got := y.Floats()[j]; !(math.Abs(float64(got-want)) <= 2e-5) {
				t.Fatalf("picture %d: value %d is %v, want %v", i, j, got, want)
			}
		}
		images = append(images, y.Floats()...)
	}
	texts := naflexVectors(t, b, g, p)
	logits := p.Input(images, len(images)/d, d).Normalize(1e-12).Dots(texts.Normalize(1e-12), b.Scale()).Floats()
	probs := make([]float32, len(logits))
	for i := range logits {
		logits[i] += b.Bias()
		probs[i] = float32(1 / (1 + math.Exp(-float64(logits[i]))))
	}
	g.Near("logits_per_image", logits, 1e-4)
	g.Near("probs", probs, 1e-5)
}

// naflexVectors checks the ids of the texts, which the tokenizer puts into lower case and the tower fills up, and gives their vectors.
func naflexVectors(t *testing.T, b *Bundle, g *golden.Set, p *tensor.Pass) *tensor.Tensor {
	t.Helper()
	n := b.Context()
	var ids [][]int32
	for i, text := range naflexTexts {
		fitted, cut := b.Fit(b.Encode(text).IDs)
		if cut != (i == 3) {
			t.Errorf("text %d: cut is %v", i, cut)
		}
		ids = append(ids, fitted)
		want := g.IDs("ids")[i*n:][:n]
		if got := append(slices.Clone(fitted), slices.Repeat([]int32{b.Config.Text.Pad}, n-len(fitted))...); b.Config.Text.PadLeft || !slices.Equal(got, want) {
			t.Errorf("text %d: got %v, want %v", i, got, want)
		}
	}
	vectors, err := b.EmbedText(p, ids)
	if err != nil {
		t.Fatal(err)
	}
	g.Near("text.pooled", vectors.Floats(), 2e-5)
	return vectors
}

// Gemma's tokenizer with lower case in front does with the torture list what the reference does.
func TestNaFlexTokenizer(t *testing.T) {
	b, g := openNaFlex(t)
	torture := golden.Strings(t, "../../token/testdata/strings.json.gz")
	want := g.Lists("torture.ids", "torture.lengths")
	if len(want) != len(torture) {
		t.Fatalf("%d strings, want %d", len(torture), len(want))
	}
	for i, s := range torture {
		if got := b.Encode(s).IDs; !slices.Equal(got, want[i]) {
			t.Errorf("%q: got %v, want %v", s, got, want[i])
		}
	}
}

// A picture has the same bits alone, in a batch of its size, and with any number of workers.
func TestNaFlexBatchEqualsParts(t *testing.T) {
	b, _ := openNaFlex(t)
	ctx := context.Background()
	for i := range 5 {
		var want []float32
		for workers := 1; workers <= 3; workers++ {
			p := tensor.NewPass(ctx, workers)
			one := naflexPixels(t, b, p, i)
			n, h, w := one.Len(), one.Dim(2), one.Dim(3)
			three := p.Empty(3, 3, h, w)
			for j := range three.Floats() {
				three.Floats()[j] = one.Floats()[j%n] * float32(1-j/n%2*2) // the one between has its colours turned round
			}
			if want == nil {
				want = slices.Clone(b.EmbedImage(one).Floats())
			}
			got, d := b.EmbedImage(three).Floats(), b.Dimension()
			if !slices.Equal(got[:d], want) || !slices.Equal(got[2*d:], want) || slices.Equal(got[d:2*d], want) {
				t.Errorf("picture %d in a batch, %d workers: other bits than alone", i, workers)
			}
		}
	}
}

// edit changes a JSON file of a model's folder.
func edit(name string, change func(map[string]any)) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file map[string]any
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		change(file)
		if data, err = json.Marshal(file); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Texts are filled up before their beginning unless a file says otherwise.
func TestNaFlexPadding(t *testing.T) {
	for what, c := range map[string]struct {
		json any // padding of tokenizer.json
		left bool
	}{
		"nothing said":           {nil, true},
		"tokenizer.json's right": {map[string]any{"strategy": map[string]any{"Fixed": 64}, "direction": "Right", "pad_id": 0, "pad_type_id": 0, "pad_token": "<pad>"}, false},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(naflex)); err != nil {
			t.Fatal(err)
		}
		edit("tokenizer_config.json", func(file map[string]any) { delete(file, "padding_side"); delete(file, "pad_token") })(t, dir)
		edit("tokenizer.json", func(file map[string]any) { file["padding"] = c.json })(t, dir)
		b, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Config.Text; got.PadLeft != c.left || got.Pad != 0 {
			t.Errorf("%s: left is %v with the token %d, want %v with 0", what, got.PadLeft, got.Pad, c.left)
		}
		b.Close()
	}
}

func TestNaFlexBadFiles(t *testing.T) {
	set := func(name, key string, value any) func(*testing.T, string) {
		return edit(name, func(file map[string]any) { file[key] = value })
	}
	vision := func(key string, value any) func(*testing.T, string) {
		return edit("config.json", func(file map[string]any) { file["vision_config"].(map[string]any)[key] = value })
	}
	const processor = "preprocessor_config.json"
	for want, spoil := range map[string]func(*testing.T, string){
		"num_patches is 24, want those of a square": vision("num_patches", 24),
		"num_patches is -1,":                        vision("num_patches", -1),
		"[25 24], want [36 24]":                     vision("num_patches", 36),
		"patches of 5 pixels, which the model":      vision("patch_size", 5),
		"cannot unmarshal array":                    vision("patch_size", []int{4, 4}),
		"is 0, want 1 to":                           vision("patch_size", 0),
		"vision_use_head is false":                  vision("vision_use_head", false),
		"of 0x0, but the model takes 224x224":       set("config.json", "model_type", "siglip"),
		"patches of 4 pixels, which the model":      set(processor, "image_processor_type", "SiglipImageProcessor"),
		"does not make pictures of any whole":       set(processor, "do_resize", false),
		"does not make pictures":                    edit(processor, func(file map[string]any) { file["do_center_crop"], file["crop_size"] = true, 8 }),
		"max_num_patches: expected 1 to 4096":       set(processor, "max_num_patches", 0),
		`padded with "<fill>"`:                      set("tokenizer_config.json", "pad_token", "<fill>"),
		"pad_token: expected an object":             set("tokenizer_config.json", "pad_token", 7),
		`expected a token for "eos"`:                set("tokenizer_config.json", "eos_token", "<end>"),
	} {
		t.Run(want, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(naflex)); err != nil {
				t.Fatal(err)
			}
			spoil(t, dir)
			b, err := Open(dir)
			if err == nil {
				b.Close()
				t.Fatal("opened")
			}
			if !strings.HasPrefix(err.Error(), "siglip: ") || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
	b, _ := openNaFlex(t)
	defer func() {
		if _, ok := recover().(*tensor.ShapeError); !ok {
			t.Error("half a patch: no *tensor.ShapeError")
		}
	}()
	b.EmbedImage(tensor.NewPass(context.Background(), 1).Empty(1, 3, 8, 10))
}
