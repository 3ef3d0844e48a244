package study_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/study"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
	"github.com/chiasm/chiasm/weights"
)

var nan = math.NaN()

// table writes a table beside some pictures.
func table(t *testing.T, lines ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"wide.png", "tall.png", "square.png", "gray.png"} {
		if err := os.WriteFile(filepath.Join(dir, name), read(t, "../model/clip/testdata/pictures/"+name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "pairs.tsv")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func small(t *testing.T, train, check string) *study.Recipe {
	r := study.NewRecipe()
	r.Model.From, r.Output, r.Data.Train, r.Learning.Steps = tinyCLIP, filepath.Join(t.TempDir(), "out"), []string{train}, 2
	if check != "" {
		r.Data.Validation = []string{check}
	}
	return r
}

// What is wrong with the data is said before anything is learnt.
func TestBadData(t *testing.T) {
	onesided := table(t, "filepath\ttitle", "wide.png\t", "\ta text alone", "tall.png\t")
	fails(t, &study.Training{Recipe: small(t, onesided, ""), Offline: true}, "0 pairs to learn from", "3 have one side", "the first: item 0")
	one := table(t, "filepath\ttitle", "wide.png\ta wide one", "\ta text alone")
	fails(t, &study.Training{Recipe: small(t, one, ""), Offline: true}, "1 pairs to learn from")
	good := table(t, "filepath\ttitle", "wide.png\ta wide one", "tall.png\ta tall one", "square.png\ta square one")
	fails(t, &study.Training{Recipe: small(t, good, onesided), Offline: true}, "0 pairs to measure on")
	fails(t, &study.Training{Recipe: small(t, "no-such.csv", ""), Offline: true}, "no-such.csv")
	fails(t, &study.Training{Recipe: small(t, table(t, "filepath\ttitle"), ""), Offline: true}, "no items")
	patterns := small(t, good, "")
	patterns.Model.Freeze = []string{"vison_model.*"}
	fails(t, &study.Training{Recipe: patterns, Offline: true}, `no parameter matches "vison_model.*"`, "the nearest is vision_model")
	frozen := small(t, good, "")
	frozen.Model.Freeze = []string{"*"}
	fails(t, &study.Training{Recipe: frozen, Offline: true}, "nothing learns")
	missing := small(t, good, "")
	missing.Model.From = "no-such-folder"
	fails(t, &study.Training{Recipe: missing, Offline: true}, "no-such-folder")
	sentence := small(t, good, "")
	sentence.Model.From = "../model/sentence/testdata/minilm"
	if _, err := (&study.Training{Recipe: sentence, Offline: true}).Run(context.Background()); err == nil {
		t.Error("a model of texts alone was taught pictures")
	}
}

// Media that would be learnt from and measured on are found by their content, under whatever name.
func TestDuplicates(t *testing.T) {
	train := table(t, "filepath\ttitle", "wide.png\ta wide one", "tall.png\ta tall one", "square.png\ta square one")
	check := table(t, "filepath\ttitle", "gray.png\ta gray one", "wide.png\tanother name")
	for _, what := range []string{"drop", "keep", "refuse"} {
		r := small(t, train, check)
		r.Data.Duplicates = what
		var notes []string
		taught, err := (&study.Training{Recipe: r, Offline: true, Note: func(s string) { notes = append(notes, s) }}).Run(context.Background())
		said := strings.Join(notes, "\n")
		switch {
		case what == "refuse":
			if err == nil || !strings.Contains(err.Error(), "1 items of the training data are also in the validation") {
				t.Errorf("got %v", err)
			}
		case err != nil:
			t.Errorf("%s: %v", what, err)
		case taught.Material.Duplicates != 1 || taught.Material.Dropped != (what == "drop") || !strings.Contains(said, "also in the validation") || !strings.Contains(said, "the first: 0 of"):
			t.Errorf("%s: %+v, notes %q", what, taught.Material, said)
		case !strings.Contains(string(read(t, filepath.Join(r.Output, "README.md"))), "1 items of the training data"):
			t.Errorf("%s: the card does not say so", what)
		}
	}
}

// A language of which the tokenizer knows nothing is found before an hour is spent on it. A tokenizer of bytes knows them all.
func TestUnreadLanguage(t *testing.T) {
	data := table(t, "filepath\ttitle\ttitle_th", "wide.png\ta wide one\tกว้าง", "tall.png\ta tall one\tสูง", "square.png\ta square one\tสี่เหลี่ยม")
	r := small(t, data, "")
	r.Model.From = "../model/siglip/testdata/siglip"
	fails(t, &study.Training{Recipe: r, Offline: true}, "knows no token of any text in th")
	r.Data.Languages = []string{"fr"}
	fails(t, &study.Training{Recipe: r, Offline: true}, "one side of a pair alone, for this model (texts in fr alone)")
	r.Data.Languages = []string{""}
	r.Output = filepath.Join(t.TempDir(), "english")
	if _, err := (&study.Training{Recipe: r, Offline: true}).Run(context.Background()); err != nil && strings.Contains(err.Error(), "knows no token") {
		t.Error(err)
	}
}

// Weights that are no numbers stop a training with the step, the batch and the last good checkpoint.
func TestDiverges(t *testing.T) {
	from := filepath.Join(t.TempDir(), "broken")
	if err := os.CopyFS(from, os.DirFS(tinyCLIP)); err != nil {
		t.Fatal(err)
	}
	set, err := weights.Open(filepath.Join(tinyCLIP, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var entries []tensor.Entry
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		if name == "visual_projection.weight" {
			values := e.Floats()
			values[3] = float32(nan)
			e = tensor.EntryOf(name, values, e.Shape...)
		}
		entries = append(entries, e)
	}
	if err := weights.Save(filepath.Join(from, "model.safetensors"), entries, nil); err != nil {
		t.Fatal(err)
	}
	good := table(t, "filepath\ttitle", "wide.png\ta wide one", "tall.png\ta tall one", "square.png\ta square one")
	r := small(t, good, "")
	r.Model.From = from
	_, err = (&study.Training{Recipe: r, Offline: true}).Run(context.Background())
	var diverged *train.DivergedError
	if !errors.As(err, &diverged) || len(diverged.Keys) != 3 || !strings.Contains(err.Error(), "wide.png") {
		t.Errorf("got %v, want a *train.DivergedError that names the batch", err)
	}
}

// A picture that cannot be read is named, and the rest is learnt from.
func TestBrokenPicture(t *testing.T) {
	data := table(t, "filepath\ttitle", "wide.png\ta wide one", "tall.png\ta tall one", "square.png\ta square one", "pairs.tsv\tno picture at all")
	r := small(t, data, "")
	r.Learning.Batch = 4
	taught, err := (&study.Training{Recipe: r, Offline: true}).Run(context.Background())
	if err != nil || taught.BrokenSeen == 0 || len(taught.Broken) == 0 || !strings.Contains(taught.Broken[0], "pairs.tsv") {
		t.Errorf("%v, %+v", err, taught)
	}
}

// What is lost of a shard that is cut off is told, by training and by measuring.
func TestCutShard(t *testing.T) {
	var shard bytes.Buffer
	w := tar.NewWriter(&shard)
	for _, name := range []string{"wide", "tall", "square"} {
		for i, data := range [][]byte{[]byte("a " + name + " one"), read(t, "../model/clip/testdata/pictures/"+name+".png")} {
			if err := w.WriteHeader(&tar.Header{Name: name + []string{".txt", ".png"}[i], Size: int64(len(data)), Mode: 0o644}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(data); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "cut.tar")
	if err := os.WriteFile(path, shard.Bytes()[:shard.Len()-600], 0o644); err != nil {
		t.Fatal(err)
	}
	var notes []string
	taught, err := (&study.Training{Recipe: small(t, path, ""), Offline: true, Note: func(s string) { notes = append(notes, s) }}).Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(taught.Material.Train[0].Damage) != 1 || !strings.Contains(strings.Join(notes, "\n"), "only the beginning of a file can be read") {
		t.Errorf("told %q", notes)
	}
	set, err := dataset.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if f, err := study.Evaluate(context.Background(), model(t, tinyCLIP), set, nil); err != nil || len(f.Damage) != 1 {
		t.Errorf("%v, %+v", err, f)
	}
}
