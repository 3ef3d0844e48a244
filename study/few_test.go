package study_test

import (
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/study"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// A probe and a cache tell colours and shapes apart that the model's own texts do not, and leave their weights beside the card. The model may
// be one that no recipe teaches.
func TestFewExamples(t *testing.T) {
	for _, c := range []struct{ from, way string }{{tinyCLIP, "probe"}, {tinyCLIP, "cache"}, {"../model/mini/testdata/tiny", "probe"}, {"../model/mini/testdata/tiny", "cache"}} {
		way, r := c.way, study.NewRecipe()
		r.Model.From, r.Model.Way, r.Output = c.from, way, filepath.Join(t.TempDir(), way)
		r.Data.Train, r.Data.Validation = []string{classTree(t, 10, 1)}, []string{classTree(t, 3, 2)}
		r.Data.Templates, r.Learning.Batch = []string{"a {c}"}, 1
		taught, err := (&study.Training{Recipe: r, Offline: true, Note: func(s string) { t.Log(s) }}).Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		c := taught.After[0].Classification[0]
		t.Logf("%s: top 1 %.2f, top 5 %.2f of %d classes, %d queries", way, c.Top1, c.Top5, c.Classes, c.Queries)
		if c.Top1 < 0.2 || c.Top5 < 0.7 { // by chance 0.08 and 0.42
			t.Errorf("%s: top 1 is %v, top 5 %v", way, c.Top1, c.Top5)
		}
		if right := classified(t, r.Output, r.Data.Validation[0]); math.Abs(right-c.Top1) > 0.03 { // a tie apart
			t.Errorf("%s: the head that was saved is right in %v, the figures say %v", way, right, c.Top1)
		}
		if card := string(read(t, filepath.Join(r.Output, "README.md"))); strings.Contains(card, "library_name: transformers") {
			t.Error("the card says that transformers opens it")
		} else if strings.Contains(card, "learnt in") || !strings.Contains(card, "on top of its vectors, from 120 examples") {
			t.Errorf("the card says %.600s", card)
		}
		if page := string(read(t, taught.Report)); strings.Contains(page, "loss was") || strings.Contains(page, "Course") {
			t.Error("the report tells of a loss and a course, and there were none")
		}
	}
}

// classified is how often a head is right about the pictures of a class tree.
func classified(t *testing.T, folder, tree string) float64 {
	head, err := study.OpenHead(folder)
	if err != nil {
		t.Fatal(err)
	}
	m, err := chiasm.Open(context.Background(), head.Model, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	c, err := head.Classifier(m)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(tree, "*", "*.png"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d pictures, %v", len(files), err)
	}
	right := 0.0
	for _, file := range files {
		picture, err := m.OpenImage(file)
		if err != nil {
			t.Fatal(err)
		}
		labels, err := c.Classify(context.Background(), []image.Image{picture}, 0)
		if err != nil || len(labels[0]) != len(head.Classes) {
			t.Fatalf("%d labels, %v", len(labels), err)
		}
		sum := 0.0
		for _, l := range labels[0] {
			sum += float64(l.Prob)
		}
		if math.Abs(sum-1) > 1e-4 {
			t.Errorf("probabilities have a sum of %v", sum)
		}
		if labels[0][0].Name == filepath.Base(filepath.Dir(file)) {
			right++
		}
	}
	return right / float64(len(files))
}

func TestHeadThatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "head.safetensors")
	for what, meta := range map[string]map[string]string{
		"names 0 classes":      {"kind": "probe"},
		"of kind":              {"kind": "other", "classes": `["a","b"]`},
		"weight has the shape": {"kind": "probe", "classes": `["a","b","c"]`},
		"bias holds NaN":       {"kind": "probe", "classes": `["a","b"]`},
		"names has the shape":  {"kind": "cache", "classes": `["a","b"]`},
	} {
		entries := []tensor.Entry{tensor.EntryOf("weight", []float32{1, 2}, 2, 1), tensor.EntryOf("bias", []float32{0, float32(math.NaN())}, 2)}
		if err := weights.Save(file, entries, meta); err != nil {
			t.Fatal(err)
		}
		if _, err := study.OpenHead(file); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v: %v, want %q", meta, err, what)
		}
	}
}

// classTree is a folder of pictures for every colour and shape.
func classTree(t *testing.T, each int, seed uint64) string {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(seed, 3))
	for _, name := range []string{"red", "green", "blue", "yellow"} {
		for _, s := range shapes {
			folder := filepath.Join(dir, name+" "+s)
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			for i := range each {
				writePicture(t, filepath.Join(folder, fmt.Sprintf("%d.png", i)), draw(r, colours[name], s))
			}
		}
	}
	return dir
}
