package study_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/study"
)

func model(t *testing.T, folder string) *chiasm.Model {
	t.Helper()
	m, err := chiasm.Open(context.Background(), folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func data(t *testing.T, path string, o *dataset.Options) *dataset.Set {
	t.Helper()
	set, err := dataset.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

const tinyCLIP = "../model/clip/testdata/transformers"

func evaluate(t *testing.T, set *dataset.Set, e *study.Evaluation) *study.Figures {
	t.Helper()
	f, err := study.Evaluate(context.Background(), model(t, tinyCLIP), set, e)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// On data in its layout the figures are CLIP_benchmark's, of one label each, of several, and of captions.
func TestBenchmark(t *testing.T) {
	text, err := os.ReadFile("testdata/benchmark/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]map[string]float64
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	check := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-6) {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	c := evaluate(t, data(t, "testdata/benchmark/classes", nil), nil).Classification
	if len(c) != 1 || c[0].Queries != 36 || c[0].Classes != 12 || c[0].Templates != 3 || c[0].PerClass == nil {
		t.Fatalf("got %+v", c)
	}
	check("top 1", c[0].Top1, want["classes"]["acc1"])
	check("top 5", c[0].Top5, want["classes"]["acc5"])
	check("top 1 per class", *c[0].PerClass, want["classes"]["mean_per_class_recall"])
	if c[0].Interval1.Low > c[0].Top1 || c[0].Interval1.High < c[0].Top1 || c[0].Interval1.Low == c[0].Interval1.High {
		t.Errorf("the interval of %v is %v", c[0].Top1, c[0].Interval1)
	}
	c = evaluate(t, data(t, "testdata/benchmark/parts", nil), nil).Classification
	if len(c) != 1 || c[0].MAP == nil || c[0].PerClass != nil {
		t.Fatalf("got %+v", c)
	}
	check("mAP", *c[0].MAP, want["parts"]["mean_average_precision"])
	r := evaluate(t, data(t, "testdata/benchmark/captions", nil), nil).Retrieval
	if len(r) != 2 || r[0].From != "text" || r[0].Queries != 75 || r[0].Gallery != 30 || r[1].Queries != 30 || r[1].Gallery != 75 {
		t.Fatalf("got %+v", r)
	}
	for i, found := range []string{"image", "text"} {
		check(found+" R@1", r[i].R1, want["captions"][found+"_retrieval_recall@1"])
		check(found+" R@5", r[i].R5, want["captions"][found+"_retrieval_recall@5"])
		check(found+" R@10", r[i].R10, want["captions"][found+"_retrieval_recall@10"])
	}
}

// Data in memory: two languages, two domains, a text that two pictures share, one broken picture.
func mixed(t *testing.T) *dataset.Set {
	picture := func(name string) *dataset.Media {
		return dataset.File("../model/clip/testdata/pictures/" + name + ".png")
	}
	item := func(key, name, domain string, texts ...string) *dataset.Item {
		it := &dataset.Item{Key: key, Image: picture(name), Extra: map[string]string{"domain": domain}}
		for _, s := range texts {
			language, words, _ := strings.Cut(s, ":")
			it.Texts = append(it.Texts, dataset.Text{Language: language, Text: words})
		}
		return it
	}
	return dataset.Of("mixed",
		item("a", "wide", "photo", "en:a wide thing", "de:ein breites Ding", "en:wide"),
		item("b", "tall", "photo", "en:a tall thing", "de:ein hohes Ding"),
		item("c", "missing", "photo", "en:nothing"),
		item("d", "gray", "drawing", "en:a thing"),
		item("e", "square", "drawing", "en:a thing", "de:ein Quadrat"),
	)
}

func TestLanguagesAndDomains(t *testing.T) {
	f := evaluate(t, mixed(t), nil)
	if f.Broken != 1 || len(f.Errors) != 1 || !strings.Contains(f.Errors[0], "item 2 (c)") || !strings.Contains(f.Errors[0], "missing.png") {
		t.Errorf("broken: %d, %q", f.Broken, f.Errors)
	}
	if !reflect.DeepEqual(f.Texts, map[string]int{"en": 5, "de": 3}) || f.Images != 4 || f.Items != 5 {
		t.Errorf("counts: %+v", f)
	}
	type key struct{ from, to, language, domain string }
	queries := map[key][2]int{}
	for _, r := range f.Retrieval {
		queries[key{r.From, r.To, r.Language, r.Domain}] = [2]int{r.Queries, r.Gallery}
	}
	want := map[key][2]int{
		{"text", "image", "", ""}: {8, 4}, {"image", "text", "", ""}: {4, 8},
		{"text", "image", "", "photo"}: {5, 4}, {"image", "text", "", "photo"}: {2, 8},
		{"text", "image", "", "drawing"}: {3, 4}, {"image", "text", "", "drawing"}: {2, 8},
		{"text", "image", "en", ""}: {5, 4}, {"image", "text", "en", ""}: {4, 5},
		{"text", "image", "en", "photo"}: {3, 4}, {"image", "text", "en", "photo"}: {2, 5},
		{"text", "image", "en", "drawing"}: {2, 4}, {"image", "text", "en", "drawing"}: {2, 5},
		{"text", "image", "de", ""}: {3, 4}, {"image", "text", "de", ""}: {3, 3},
		{"text", "image", "de", "photo"}: {2, 4}, {"image", "text", "de", "photo"}: {2, 3},
		{"text", "image", "de", "drawing"}: {1, 4}, {"image", "text", "de", "drawing"}: {1, 3},
	}
	if !reflect.DeepEqual(queries, want) {
		t.Errorf("queries and galleries %v, want %v", queries, want)
	}
	english := evaluate(t, mixed(t), &study.Evaluation{Languages: []string{"en"}, Merge: true, By: "class"})
	if f.Repeated != 1 || english.Repeated != 0 {
		t.Errorf("%d texts come again, merged %d; want 1 and 0", f.Repeated, english.Repeated)
	}
	if r := english.Retrieval; len(r) != 2 || r[0].Queries != 4 || r[1].Gallery != 4 {
		t.Errorf("merged: %+v", r)
	}
}

// The vectors that are compared are those that the model gives, and each text finds its own picture as far down as they say.
func TestRanksAreTheModels(t *testing.T) {
	ctx, m := context.Background(), model(t, tinyCLIP)
	set := mixed(t).Select([]int{0, 1, 4})
	f, err := study.Evaluate(ctx, m, set, &study.Evaluation{Languages: []string{"de"}, Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	ranks := 0.0
	for i := range 3 {
		item, _ := set.Item(i)
		text, err := m.EmbedText(ctx, item.In("de")[0])
		if err != nil {
			t.Fatal(err)
		}
		rank, own := 1.0, float32(0)
		for _, j := range []int{i, 0, 1, 2} {
			other, _ := set.Item(j)
			img, err := other.Image.Picture(nil)
			if err != nil {
				t.Fatal(err)
			}
			v, err := m.EmbedImage(ctx, img)
			if err != nil {
				t.Fatal(err)
			}
			if c := v.Cosine(text); own == 0 {
				own = c
			} else if j != i && c >= own {
				rank++
			}
		}
		ranks += rank / 3
	}
	if got := f.Retrieval[0].Mean; math.Abs(got-ranks) > 1e-9 {
		t.Errorf("mean rank %v, want %v", got, ranks)
	}
}

// A column that names classes gives what a folder for every class gives; names that are given besides have to hold all of the data's.
func TestClassesByName(t *testing.T) {
	tree := classTree(t, 2, 1)
	want := evaluate(t, data(t, tree, nil), nil).Classification
	table := "filepath,label\n"
	files, err := filepath.Glob(filepath.Join(tree, "*", "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		table += file + "," + filepath.Base(filepath.Dir(file)) + "\n"
	}
	path := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(path, []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := evaluate(t, data(t, path, nil), nil).Classification; len(got) != 1 || got[0].Classes != 12 || !reflect.DeepEqual(got, want) {
		t.Errorf("a table gives %+v, a folder %+v", got, want)
	}
	_, err = study.Evaluate(context.Background(), model(t, tinyCLIP), data(t, path, nil), &study.Evaluation{Classes: []string{"red circle", "blue circle"}})
	if err == nil || !strings.Contains(err.Error(), "which is not among the 2 names") {
		t.Errorf("names that lack some: %v", err)
	}
}

func TestNothingToMeasure(t *testing.T) {
	m := model(t, tinyCLIP)
	for _, c := range []struct {
		set  *dataset.Set
		how  study.Evaluation
		want string
	}{
		{dataset.Of("texts", &dataset.Item{Key: "a", Texts: []dataset.Text{{Text: "alone"}}}), study.Evaluation{}, "texts has nothing to measure"},
		{mixed(t), study.Evaluation{Languages: []string{"fr"}}, "texts in fr alone"},
		{mixed(t), study.Evaluation{Task: dataset.Classification}, "no classes to tell apart"},
		{data(t, "testdata/benchmark/classes", nil), study.Evaluation{Classes: []string{"one", "two"}}, "there are 2 names"},
		{data(t, "testdata/benchmark/classes", nil), study.Evaluation{Templates: []string{"a photo"}}, "no {}"},
	} {
		if _, err := study.Evaluate(context.Background(), m, c.set, &c.how); err == nil || !strings.HasPrefix(err.Error(), "study: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.set.Name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := study.Evaluate(ctx, m, mixed(t), nil); err == nil {
		t.Error("a cancelled evaluation gave figures")
	}
}

func TestWriteCSV(t *testing.T) {
	f := evaluate(t, data(t, filepath.Join("testdata", "benchmark", "classes"), nil), nil)
	var out bytes.Buffer
	if err := f.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 5 || rows[1][5] != "top 1" || rows[4][5] != "calibration error" {
		t.Errorf("%v, %v", rows, err)
	}
}
