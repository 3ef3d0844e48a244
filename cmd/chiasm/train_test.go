package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/study"
)

// inRoot goes to the repository's folder, where the paths of its recipes begin.
func inRoot(t *testing.T) {
	t.Helper()
	t.Chdir("../..")
}

// The recipe that the documentation shows runs from the command line to a model that has learnt, which eval measures to the same figures.
func TestTrainShapes(t *testing.T) {
	inRoot(t)
	out := filepath.Join(t.TempDir(), "shapes")
	r := runChiasm(t, "", "train", "recipes/shapes.yaml", "--output", out, "--learning.threads", "2", "--json", "-q").want(t, 0)
	var taught struct {
		Steps      int
		Before     study.Figures
		After      []study.Figures
		Learnt     int `json:"learnt_parameters"`
		Parameters int
	}
	if err := json.Unmarshal([]byte(r.out), &taught); err != nil {
		t.Fatal(err)
	}
	before, after := taught.Before.Retrieval[0], taught.After[0].Retrieval[0]
	t.Logf("R@1 %.2f to %.2f", before.R1, after.R1)
	if taught.Steps != 120 || taught.Learnt != taught.Parameters || !(after.R1 > before.R1+0.2) || after.R5 < 0.9 {
		t.Errorf("%d steps; R@1 %v to %v, R@5 %v", taught.Steps, before.R1, after.R1, after.R5)
	}
	curve, err := os.ReadFile(filepath.Join(out, "training", "curve.csv"))
	if err != nil || strings.Count(string(curve), "\n") != 1+1+120+6 {
		t.Errorf("%v, curve %q", err, curve)
	}
	f := objects[study.Figures](t, runChiasm(t, "", "eval", out, "recipes/shapes/validation.tsv", "--language", "en", "--merge-texts", "--json").want(t, 0))[0]
	if got := f.Retrieval[0]; got.Ranking != after.Ranking {
		t.Errorf("eval finds %+v, train %+v", got.Ranking, after.Ranking)
	}
	runChiasm(t, "", "train", "recipes/shapes.yaml", "--output", out).want(t, 1, "has begun")
	runChiasm(t, "", "similarity", "-m", out, "-t", "a red disc", "recipes/shapes/validation-red-disc-0.png").want(t, 0)
}

func TestTrainByFlags(t *testing.T) {
	runChiasm(t, "", "train").want(t, exitUsage, "want a recipe")
	r := runChiasm(t, "", "train", "--show-recipe", "--learning.rate", "0.25", "--data.train", "a.csv", "--data.train", "b.csv", "--model.image-size", "96", "--augment.flip").want(t, 0)
	recipe, err := study.ParseRecipe("shown", []byte(r.out))
	if err != nil || recipe.Learning.Rate != 0.25 || strings.Join(recipe.Data.Train, " ") != "a.csv b.csv" || recipe.Model.ImageSize != 96 || !recipe.Augment.Flip {
		t.Errorf("%v: %s", err, r.out)
	}
	path := write(t, "recipe.yaml", "learning: {rate: 0.5, batch: 7}\nname: file\n")
	r = runChiasm(t, "", "train", path, "--show-recipe", "--learning.rate", "0.25").want(t, 0)
	if recipe, err = study.ParseRecipe("shown", []byte(r.out)); err != nil || recipe.Learning.Rate != 0.25 || recipe.Learning.Batch != 7 || recipe.Name != "file" {
		t.Errorf("%v: %s", err, r.out)
	}
	for _, recipe := range []string{"clip-finetune", "siglip-lora", "shapes"} {
		runChiasm(t, "", "train", "../../recipes/"+recipe+".yaml", "--show-recipe").want(t, 0)
	}
}

// A picture that is not there is named, and the rest is learnt from.
func TestTrainNamesWhatIsBroken(t *testing.T) {
	pictures, err := filepath.Abs(gallery)
	if err != nil {
		t.Fatal(err)
	}
	table := write(t, "pairs.csv", "image,title\nmissing.png,nothing\n"+filepath.Join(pictures, "wide.png")+",a wide one\n"+filepath.Join(pictures, "tall.png")+",a tall one\n")
	runChiasm(t, "", "train", "--model.from", tiny, "--data.train", table, "--learning.steps", "1", "--output", filepath.Join(t.TempDir(), "o")).want(t, 0, "the batch of 64 becomes 3", "counted each time: 1; the first: ")
}

func TestTrainRefuses(t *testing.T) {
	dir := t.TempDir()
	runChiasm(t, "", "train", write(t, "r.yaml", "learning: {rat: 1}"), "--output", dir).want(t, 1, "there is no field learning.rat; did you mean learning.rate?")
	runChiasm(t, "", "train", "a", "b").want(t, 2, "got 2 recipes")
	runChiasm(t, "", "train", "--learning.rat", "1").want(t, 2, "learning.rat")
	runChiasm(t, "", "train", "--output", dir, "--learning.batch", "1").want(t, 1, "of one there are none")
	runChiasm(t, "", "train", "--output", dir, "--model.from", tinyEyes).want(t, 1, "names no data")
	runChiasm(t, "", "train", "no-such.yaml").want(t, 1, "no-such.yaml")
}

// Ctrl-C leaves a checkpoint and says how to go on.
func TestTrainStops(t *testing.T) {
	inRoot(t)
	out := filepath.Join(t.TempDir(), "shapes")
	ctx, cancel := context.WithCancel(context.Background())
	var stderr stopping
	stderr.stop = cancel
	if code := run(ctx, []string{"train", "recipes/shapes.yaml", "--output", out}, strings.NewReader(""), &strings.Builder{}, &stderr); code != exitInterrupted {
		t.Fatalf("exit code %d: %s", code, stderr.all.String())
	}
	if !strings.Contains(stderr.all.String(), "--resume goes on") {
		t.Errorf("got %s", stderr.all.String())
	}
	runChiasm(t, "", "train", "recipes/shapes.yaml", "--output", out, "--resume", "-q").want(t, 0)
}

// stopping cancels when the first measurement is told.
type stopping struct {
	all  strings.Builder
	stop func()
}

func (s *stopping) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "step 20 of") {
		s.stop()
	}
	return s.all.Write(b)
}
