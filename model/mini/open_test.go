package mini_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/tensor"
)

const tiny = "testdata/tiny"

// files reads a model's files.
func files(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range []string{mini.ConfigFile, mini.WeightsFile, mini.TokenizerFile, mini.LexiconFile} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	return files
}

// vectors is what a model makes of two texts, a picture and two sounds, of length 1.
func vectors(t testing.TB, b *mini.Bundle, workers int) (all []float32) {
	t.Helper()
	p := tensor.NewPass(context.Background(), workers)
	add := func(x *tensor.Tensor, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if x.Dim(-1) != b.Dimension() {
			t.Fatalf("vectors of %d, want %d", x.Dim(-1), b.Dimension())
		}
		all = append(all, x.Normalize(1e-12).Floats()...)
	}
	add(b.EmbedText(p, [][]int32{b.Encode("a cat").IDs, b.Encode("").IDs}))
	w, h := b.Pixels().Size()
	pixels := p.Empty(1, 3, h, w)
	for i := range pixels.Floats() {
		pixels.Floats()[i] = float32(i%97)/50 - 1
	}
	add(b.EmbedImage(pixels), nil)
	add(b.EmbedAudio(p, tones()[1:3]))
	return all
}

// A folder and the same files in memory are one model, for any number of workers.
func TestOpenAndParse(t *testing.T) {
	folder, err := mini.Open(tiny)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	memory, err := mini.Parse(files(t, tiny))
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	want := vectors(t, folder, 1)
	if len(want) != 5*24 {
		t.Fatalf("got %d values, want 5 vectors of 24", len(want))
	}
	if got := vectors(t, memory, 3); !slices.Equal(got, want) {
		t.Errorf("in memory the model makes other vectors than in its folder")
	}
	if len(folder.Files()) != 1 || len(memory.Files()) != 0 {
		t.Errorf("the files are %v and %v", folder.Files(), memory.Files())
	}
	if memory.Image.Stages[1][0].Point.Weight.DType() != tensor.I8 {
		t.Errorf("the weights are not those stored")
	}
}

// What is wrong with each file is said.
func TestBadFiles(t *testing.T) {
	good := files(t, tiny)
	config := func(key string, value any) string {
		c := map[string]any{}
		if err := json.Unmarshal(good[mini.ConfigFile], &c); err != nil {
			t.Fatal(err)
		}
		c[key] = value
		text, _ := json.Marshal(c)
		return string(text)
	}
	for _, c := range []struct{ file, text, want string }{
		{mini.ConfigFile, "{", "config.json: unexpected end"},
		{mini.ConfigFile, "{}", `model_type "", want chiasm_mini`},
		{mini.ConfigFile, config("dimension", 0), "dimension is 0, want 2 to 4096"},
		{mini.ConfigFile, config("image", "resnet50"), `unknown architecture "resnet50"`},
		{mini.ConfigFile, config("image_width", 99), "factors are 99"},
		{mini.ConfigFile, config("ear", map[string]int{"width": 12, "layers": 2, "heads": 5, "hidden": 3, "key": 2}), "in equal heads"},
		{mini.ConfigFile, config("vocabulary", 5), "the tokenizer has 36 pieces, but the model has vectors of 5"},
		{mini.ConfigFile, config("text_width", 21), "text.pieces is [36 20], want [36 21]"},
		{mini.WeightsFile, "", "expected at least 8 bytes"},
		{mini.TokenizerFile, "[]", "tokenizer.json"},
		{mini.LexiconFile, "a\n\nb\n", "word 2 of 3 of the lexicon is empty"},
		{mini.LexiconFile, "a\nb\n", "sound.lexicon.keys.weight is [8 10], want [2 10]"},
	} {
		bad := map[string][]byte{}
		for name, data := range good {
			bad[name] = data
		}
		bad[c.file] = []byte(c.text)
		if _, err := mini.Parse(bad); err == nil || !strings.HasPrefix(err.Error(), "mini: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %.40q: got %v, want %q", c.file, c.text, err, c.want)
		}
	}
	if _, err := mini.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("an empty folder: %v", err)
	}
}

// The weights that ship, if any do, are read where they lie.
func TestShippedOpens(t *testing.T) {
	shipped := mini.Shipped()
	if shipped == nil {
		t.Skip("no model ships with this build")
	}
	b, err := mini.Parse(shipped)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if n := len(vectors(t, b, 2)); n != 5*b.Dimension() {
		t.Errorf("got %d values", n)
	}
}

func FuzzParse(f *testing.F) {
	good := files(f, tiny)
	f.Add(good[mini.ConfigFile], good[mini.LexiconFile])
	f.Fuzz(func(t *testing.T, config, lexicon []byte) {
		b, err := mini.Parse(map[string][]byte{
			mini.ConfigFile: config, mini.LexiconFile: lexicon, mini.WeightsFile: good[mini.WeightsFile], mini.TokenizerFile: good[mini.TokenizerFile],
		})
		if err == nil {
			b.Close()
		}
	})
}

func BenchmarkShipped(b *testing.B) {
	shipped := mini.Shipped()
	if shipped == nil {
		b.Skip("no model ships with this build")
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			m, err := mini.Parse(shipped)
			if err != nil {
				b.Fatal(err)
			}
			m.Close()
		}
	})
}
