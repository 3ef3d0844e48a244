package chiasm_test

import (
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chiasm/chiasm"
)

const tiny = "model/clip/testdata/transformers"

func open(t *testing.T, name string, o *chiasm.Options) *chiasm.Model {
	t.Helper()
	m, err := chiasm.Open(context.Background(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func pictures(t *testing.T) (out []image.Image) {
	files, _ := filepath.Glob("model/clip/testdata/pictures/*.png")
	for _, f := range files {
		img, err := chiasm.OpenImage(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, img)
	}
	if len(out) < 5 {
		t.Fatalf("only %d pictures", len(out))
	}
	return out
}

var texts = []string{"a photo of a cat", "", "two dogs", "A beautiful sunset over the mountains"}

// Alone, in a batch, and with any number of workers, an input gives the same bits.
func TestBatchEqualsParts(t *testing.T) {
	ctx := context.Background()
	imgs := pictures(t)
	var want [][]float32
	for workers := range 4 {
		m := open(t, tiny, &chiasm.Options{Workers: workers})
		i, err := m.EmbedImages(ctx, imgs)
		if err != nil {
			t.Fatal(err)
		}
		w, err := m.EmbedTexts(ctx, texts)
		if err != nil {
			t.Fatal(err)
		}
		var got [][]float32
		for _, e := range append(i, w...) {
			got = append(got, e.Values)
		}
		for j, img := range imgs {
			alone, err := m.EmbedImage(ctx, img)
			if err != nil || !slices.Equal(alone.Values, got[j]) {
				t.Errorf("picture %d alone: %v, other bits than in the batch", j, err)
			}
		}
		for j, text := range texts {
			alone, err := m.EmbedText(ctx, text)
			if err != nil || !slices.Equal(alone.Values, w[j].Values) {
				t.Errorf("text %d alone: %v, other bits than in the batch", j, err)
			}
		}
		if want != nil && !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%d workers give other bits", workers)
		}
		want = got
	}
}

func TestConcurrentUse(t *testing.T) {
	m, imgs := open(t, tiny, nil), pictures(t)
	want, err := m.Similarity(context.Background(), texts, imgs)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := m.Similarity(context.Background(), texts, imgs)
			if err != nil || !slices.EqualFunc(got.Logits, want.Logits, slices.Equal) {
				t.Errorf("another answer: %v", err)
			}
		})
	}
	wg.Wait()
}

func TestProbabilities(t *testing.T) {
	s := chiasm.Scores{Logits: [][]float32{{1, 2, 3}, {1000, 0, -1000}}}
	for i, row := range s.PerImage() {
		if sum := row[0] + row[1] + row[2]; math.Abs(float64(sum-1)) > 1e-6 {
			t.Errorf("the probabilities of picture %d sum to %v", i, sum)
		}
	}
	for j := range 3 {
		p := s.PerText()
		if sum := p[0][j] + p[1][j]; math.Abs(float64(sum-1)) > 1e-6 {
			t.Errorf("the probabilities of text %d sum to %v", j, sum)
		}
	}
	if p := s.PerImage()[0][2]; math.Abs(float64(p)-0.66524096) > 1e-7 {
		t.Errorf("softmax gives %v", p)
	}
}

func TestTruncation(t *testing.T) {
	long := strings.Repeat("many words ", 60)
	m := open(t, tiny, nil)
	if tok := m.Tokenize(long); !tok.Truncated || len(tok.IDs) < 100 || tok.Pieces[0] != "<|startoftext|>" {
		t.Errorf("got %d ids, truncated %v", len(tok.IDs), tok.Truncated)
	}
	if m.Tokenize("short").Truncated {
		t.Error("a short text is said to be cut")
	}
	if _, err := m.EmbedText(context.Background(), long); err != nil {
		t.Error(err)
	}
	strict := open(t, tiny, &chiasm.Options{Truncate: chiasm.TruncateError})
	_, err := strict.EmbedText(context.Background(), long)
	if !chiasm.IsTooLong(err) {
		t.Errorf("got %v, want an error about the length", err)
	}
}

func TestSpaces(t *testing.T) {
	ctx := context.Background()
	a, err := open(t, tiny, nil).EmbedText(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := open(t, tiny, nil).EmbedText(ctx, "x")
	if c := a.Cosine(again); math.Abs(float64(c-1)) > 1e-6 {
		t.Errorf("the same text has cosine %v", c)
	}
	if half := a.Truncate(16); len(half.Values) != 16 || half.Space.Dimension != 16 || math.Abs(float64(half.Cosine(half)-1)) > 1e-6 {
		t.Errorf("truncated to %v", half)
	}
	other, err := open(t, "model/clip/testdata/transformers-old", nil).EmbedText(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, ok := recover().(*chiasm.SpaceError); !ok {
			t.Error("vectors of two spaces were compared")
		}
	}()
	a.Cosine(other)
}

func TestClassify(t *testing.T) {
	ctx, m := context.Background(), open(t, tiny, nil)
	templates, err := chiasm.Templates("imagenet")
	if err != nil || len(templates) != 80 {
		t.Fatalf("%d templates, %v", len(templates), err)
	}
	c, err := m.Classifier(ctx, []string{"cat", "dog", "bird"}, templates)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Classify(ctx, pictures(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, labels := range got {
		if len(labels) != 2 || labels[0].Prob < labels[1].Prob {
			t.Errorf("got %v", labels)
		}
	}
	for _, bad := range []struct{ labels, templates []string }{{nil, nil}, {[]string{"x"}, []string{"no place"}}, {[]string{"x", "y", "x"}, nil}} {
		if _, err := m.Classifier(ctx, bad.labels, bad.templates); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
	if _, err := chiasm.Templates("../doc"); err == nil {
		t.Error("a template set that is none was found")
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := open(t, tiny, nil).EmbedText(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestInfo(t *testing.T) {
	i := open(t, tiny, nil).Info()
	if i.Layout != "transformers" || i.Dimension != 32 || i.Context != 77 || i.ImageSize != [2]int{32, 32} || i.DTypes["F32"] != i.Parameters || len(i.Files) < 4 {
		t.Errorf("got %+v", i)
	}
}

// A program's own picture is taken as it is, over white where it is transparent.
func TestTransparentPicture(t *testing.T) {
	m := open(t, tiny, nil)
	clear, white := image.NewNRGBA(image.Rect(0, 0, 40, 30)), image.NewGray(image.Rect(0, 0, 40, 30))
	for i := range white.Pix {
		white.Pix[i] = 255
	}
	clear.Set(3, 3, color.NRGBA{1, 2, 3, 0})
	a, err := m.EmbedImage(context.Background(), clear)
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.EmbedImage(context.Background(), white)
	if err != nil || !slices.Equal(a.Values, b.Values) {
		t.Errorf("nothing at all is not white: %v", err)
	}
}

// model copies the tiny model, with changes to its files, to a folder.
func model(t *testing.T, change map[string]func([]byte) []byte) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors", "processor_config.json", "tokenizer.json", "tokenizer_config.json"} {
		data, err := os.ReadFile(filepath.Join(tiny, name))
		if err != nil {
			t.Fatal(err)
		}
		if f := change[name]; f != nil {
			data = f(data)
		}
		if data == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func replace(old, new string) func([]byte) []byte {
	return func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), old, new)) }
}

func TestBadModels(t *testing.T) {
	gone := func([]byte) []byte { return nil }
	for name, c := range map[string]struct {
		change map[string]func([]byte) []byte
		want   string
	}{
		"wrong architecture": {map[string]func([]byte) []byte{"config.json": replace("CLIPModel", "BertModel")}, ""},
		"unknown":            {map[string]func([]byte) []byte{"config.json": func([]byte) []byte { return []byte(`{"architectures":["GPT9"],"model_type":"gpt9"}`) }}, "is of the architecture GPT9, gpt9, want one of"},
		"no config":          {map[string]func([]byte) []byte{"config.json": gone}, "is not a model"},
		"config is no JSON":  {map[string]func([]byte) []byte{"config.json": func([]byte) []byte { return []byte("{") }}, "config.json"},
		"huge config":        {map[string]func([]byte) []byte{"config.json": replace(`"hidden_size": 32`, `"hidden_size": 999999999`)}, "width is 999999999, want 1 to"},
		"heads":              {map[string]func([]byte) []byte{"config.json": replace(`"num_attention_heads": 4`, `"num_attention_heads": 5`)}, "not a multiple of 5 heads"},
		"other size":         {map[string]func([]byte) []byte{"config.json": replace(`"intermediate_size": 64`, `"intermediate_size": 65`)}, "mlp.fc1.weight is [64 32], want [65 32]"},
		"fewer layers":       {map[string]func([]byte) []byte{"config.json": replace(`"num_hidden_layers": 2`, `"num_hidden_layers": 1`)}, "left over"},
		"no weights":         {map[string]func([]byte) []byte{"model.safetensors": gone}, "has no weights"},
		"cut weights":        {map[string]func([]byte) []byte{"model.safetensors": func(b []byte) []byte { return b[:len(b)/2] }}, "cut off or damaged"},
		"flipped header":     {map[string]func([]byte) []byte{"model.safetensors": func(b []byte) []byte { b[200] ^= 1; return b }}, ""},
		"no tokenizer":       {map[string]func([]byte) []byte{"tokenizer.json": gone}, "token"},
		"broken tokenizer":   {map[string]func([]byte) []byte{"tokenizer.json": func(b []byte) []byte { return b[:500] }}, "token"},
		"broken processor":   {map[string]func([]byte) []byte{"processor_config.json": func([]byte) []byte { return []byte("[") }}, "processor_config.json"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := chiasm.Open(context.Background(), model(t, c.change), nil)
			if err == nil {
				m.Close()
				if c.want != "" {
					t.Fatal("it was opened")
				}
				return // a flipped bit may be harmless; model_type decides where the architecture is unknown
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "chiasm: ") {
				t.Errorf("got %q, want one line with %q", err, c.want)
			}
		})
	}
}

// NaN in the weights gives an error that names them, never numbers.
func TestNaNWeights(t *testing.T) {
	dir := model(t, map[string]func([]byte) []byte{"model.safetensors": func(b []byte) []byte {
		body := 8 + int(binary.LittleEndian.Uint64(b))
		for i := body; i < len(b); i += 4 * 997 {
			copy(b[i&^3:], []byte{0, 0, 0xc0, 0x7f})
		}
		return b
	}})
	m := open(t, dir, nil)
	_, err := m.EmbedImages(context.Background(), pictures(t))
	if err == nil || !strings.Contains(err.Error(), "holds NaN at index") {
		t.Errorf("got %v", err)
	}
}

// The READMEs show the example that the tests run.
func TestReadmes(t *testing.T) {
	code, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(code), "func Example() {\n")
	body, _, _ = strings.Cut(body, "\t// Output:")
	want := strings.TrimSpace(strings.ReplaceAll("\n"+body, "\n\t", "\n"))
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		text, err := os.ReadFile(name)
		if err != nil || len(want) < 500 || !strings.Contains(string(text), want) {
			t.Errorf("%s does not show the example: %v", name, err)
		}
	}
}

func TestBadNames(t *testing.T) {
	t.Setenv("HF_HUB_OFFLINE", "1")
	t.Setenv("HF_HOME", t.TempDir())
	for _, name := range []string{"", "no such/thing at all", "org/not-in-the-cache"} {
		if m, err := chiasm.Open(context.Background(), name, nil); err == nil {
			m.Close()
			t.Errorf("%q was opened", name)
		}
	}
	if _, err := chiasm.Open(context.Background(), tiny, &chiasm.Options{Precision: "fp4"}); err == nil || !strings.Contains(err.Error(), "want auto, f32, bf16, w8 or int8") {
		t.Errorf("got %v", err)
	}
}

// A model of texts alone embeds them, and says of pictures that it cannot.
func TestTextsAlone(t *testing.T) {
	m, err := chiasm.Open(context.Background(), "model/sentence/testdata/bert", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if e, err := m.EmbedText(context.Background(), "two dogs"); err != nil || len(e.Values) != 24 {
		t.Errorf("got %d values, %v", len(e.Values), err)
	}
	_, err = m.EmbedImage(context.Background(), image.NewRGBA(image.Rect(0, 0, 8, 8)))
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "cannot embed pictures, it takes text") {
		t.Errorf("got %v", err)
	}
	if info := m.Info(); len(info.Modalities) != 1 || info.ImageSize[0] != 0 || info.Context != 16 {
		t.Errorf("got %+v", info)
	}
	if a, err := m.Measure(context.Background(), "int8"); err != nil || a.Images.Count != 0 || a.Texts.Mean < 0.99 || a.Rank == 0 {
		t.Errorf("got %v, %v", a, err)
	}
}

// SigLIP's probabilities are sigmoids of each pair, whatever else is compared.
func TestSigmoids(t *testing.T) {
	m, err := chiasm.Open(context.Background(), "model/siglip/testdata/siglip", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	imgs := []image.Image{image.NewGray(image.Rect(0, 0, 30, 20)), image.NewRGBA(image.Rect(0, 0, 9, 9))}
	s, err := m.Similarity(context.Background(), []string{"a cat", "a dog on a mat"}, imgs)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range s.PerImage() {
		for j, p := range row {
			if want := 1 / (1 + math.Exp(-float64(s.Logits[i][j]))); math.Abs(float64(p)-want) > 1e-6 || s.PerText()[i][j] != p {
				t.Errorf("picture %d, text %d: %v, want %v", i, j, p, want)
			}
		}
	}
}
