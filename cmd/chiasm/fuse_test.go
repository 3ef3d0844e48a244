package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/decision"
)

const things = "../../recipes/beeps/things.csv"

// taught is a model of pictures and sounds, and the folder that its features are kept in.
func taught(t *testing.T, args ...string) (dir, cache string) {
	t.Helper()
	dir, cache = filepath.Join(t.TempDir(), "model"), filepath.Join(t.TempDir(), "cache")
	runChiasm(t, "", append([]string{"fuse", "train", things, "-q", "--method", "late/product", "--steps", "60", "--draws", "50", "-o", dir, "--cache", cache}, args...)...).want(t, 0)
	return dir, cache
}

// From a table to answers: what is taught is saved, measured, and decides about files, whatever there is of them.
func TestFuse(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches")
	}
	dir, cache := taught(t)
	onlyFiles(t, filepath.Dir(dir), "model", "README.md", "config.json", "model.safetensors", "training",
		"confusion.png", "dropout.png", "learning.csv", "learning.png", "learnt.txt", "noise.png", "result.json")
	r := runChiasm(t, "", "fuse", "eval", dir, things, "--json", "--cache", cache, "-q", "--draws", "50").want(t, 0, "a leak: 67 of 84 rows were learnt from, the first row")
	report := objects[decision.Report](t, r)[0]
	if *report.All.Accuracy < 0.9 || len(report.Subsets) != 3 || len(report.Noise) != 3 || len(report.Dropout) != 3 || len(report.Confusion) != 3 {
		t.Errorf("got %s", r.out)
	}
	if one := report.Subsets[0]; !(*one.Accuracy < *report.All.Accuracy) {
		t.Errorf("with %v alone %v, with all %v", one.Modalities, *one.Accuracy, *report.All.Accuracy)
	}
	type line struct {
		Item, Class      string
		Probability      float64
		Labels           []decision.Label
		Present, Missing []string
	}
	picture, sound := "../../recipes/shapes/train-red-disc-0.png", "../../recipes/beeps/40.wav" // of a square
	for _, c := range []struct {
		args    []string
		class   string
		missing int
	}{{[]string{picture}, "disc", 1}, {[]string{sound}, "square", 1}, {[]string{"sound=" + sound, "picture=../../recipes/shapes/train-red-square-0.png"}, "square", 0}} {
		got := objects[line](t, runChiasm(t, "", append([]string{"fuse", "predict", dir, "--json", "-q"}, c.args...)...).want(t, 0))[0]
		if got.Class != c.class || len(got.Missing) != c.missing || len(got.Labels) != 3 {
			t.Errorf("%v: %+v", c.args, got)
		}
	}
	all := objects[line](t, runChiasm(t, "", "fuse", "predict", dir, things, "--json", "-q", "--cache", cache).want(t, 0))
	if len(all) != 84 || all[3].Class != "bar" || len(all[3].Missing) != 1 {
		t.Errorf("%d rows, the fourth is %+v", len(all), all[3])
	}
	out := t.TempDir()
	runChiasm(t, "", "fuse", "eval", dir, things, "-q", "-o", out, "--cache", cache, "--draws", "50").want(t, 0, "a leak")
	onlyFiles(t, out, "confusion.png", "dropout.png", "figures.csv", "figures.json", "noise.png")
	runChiasm(t, "", "fuse", "train", things, "-q", "-o", dir).want(t, 1, "is there already")
	runChiasm(t, "", "fuse", "predict", dir, "x.mp4").want(t, 2, "no column for what is of kind video: there are picture (image), sound (audio)")
	runChiasm(t, "", "fuse", "predict", dir).want(t, 2, "there is nothing to decide about")
	runChiasm(t, "", "fuse", "predict", dir, picture, picture).want(t, 2, "another image than the one there is a column for")
	runChiasm(t, "", "fuse", "eval", dir, write(t, "others.csv", "photo,label\nx.png,disc\n")).want(t, 1, `none of the model's columns picture (image), sound (audio): there are ["photo" "label"]`)
}

// The same data and seed make the same weights for any number of threads, with features from the cache or made anew, or where what the
// cache holds is damaged.
func TestFuseRepeats(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches")
	}
	path := shapesTable(t, "t.csv", func(i int, p, s, l string) string {
		switch {
		case i == 0:
			return "p,s,label"
		case i%3 == 0:
			return p + "," + s + "," + l
		}
		return ""
	})
	cache := filepath.Join(t.TempDir(), "cache")
	var first []byte
	for i, args := range [][]string{{"--threads", "1"}, {"--threads", "2", "--cache", "off"}, {}, {}} {
		if i == 3 {
			damage(t, cache)
		}
		dir := filepath.Join(t.TempDir(), "model")
		runChiasm(t, "", append([]string{"fuse", "train", path, "-q", "--method", "mbt", "--steps", "10", "--draws", "10", "-o", dir, "--cache", cache}, args...)...).want(t, 0)
		if got := weightsOf(t, dir); i == 0 {
			first = got
		} else if !bytes.Equal(first, got) {
			t.Errorf("run %d made other weights than the first", i)
		}
	}
	runChiasm(t, "", "fuse", "train", path, "-q", "--method", "late", "--steps", "10", "--draws", "10", "-o", cache, "--overwrite").want(t, 1, "holds no model of this kind")
}

// damage changes a byte of every file in a folder.
func damage(t *testing.T, dir string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		b[len(b)/2] ^= 1
		n++
		return os.WriteFile(path, b, 0o644)
	})
	if err != nil || n == 0 {
		t.Fatalf("%d files, %v", n, err)
	}
}

func weightsOf(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Ctrl-C leaves nothing half made.
func TestFuseStops(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches")
	}
	parent := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	stderr := stopping{stop: cancel}
	args := []string{"fuse", "train", things, "--method", "concat", "--steps", "200", "--cache", "off", "-o", filepath.Join(parent, "model")}
	if code := run(ctx, args, strings.NewReader(""), &strings.Builder{}, &stderr); code != exitInterrupted {
		t.Fatalf("exit code %d: %s", code, stderr.all.String())
	}
	onlyFiles(t, parent)
}
