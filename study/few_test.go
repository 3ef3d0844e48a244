package study_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/study"
	"github.com/chiasm/chiasm/weights"
)

// A probe and a cache tell colours and shapes apart that the model's own texts do not, and leave their weights beside the card.
func TestFewExamples(t *testing.T) {
	for _, way := range []string{"probe", "cache"} {
		r := study.NewRecipe()
		r.Model.From, r.Model.Way, r.Output = tinyCLIP, way, filepath.Join(t.TempDir(), way)
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
		set, err := weights.Open(filepath.Join(r.Output, "head.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		set.Close()
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
