package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/decision"
	"github.com/chiasm/chiasm/server"
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

// shapesTable writes rows with pictures and sounds of the shapes, some of them changed.
func shapesTable(t *testing.T, name string, row func(i int, picture, sound, label string) string) string {
	t.Helper()
	shapes, err := filepath.Abs("../../recipes/shapes")
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob(filepath.Join(shapes, "train-*.png"))
	if err != nil || len(all) != 60 {
		t.Fatalf("%d pictures, %v", len(all), err)
	}
	var b strings.Builder
	for i, p := range all {
		b.WriteString(row(i, p, filepath.Join(filepath.Dir(shapes), "beeps", fmt.Sprintf("%02d.wav", i)), strings.Split(filepath.Base(p), "-")[2]) + "\n")
	}
	return write(t, name, b.String())
}

// What is wrong with data is said in one line before hours are spent, by the program itself.
func TestFuseRefuses(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the program fifteen times and reads many broken files")
	}
	csv := func(head string, row func(i int, p, s, l string) string) string {
		return shapesTable(t, "t.csv", func(i int, p, s, l string) string {
			if i == 0 {
				return head + "\n" + row(i, p, s, l)
			}
			return row(i, p, s, l)
		})
	}
	text := write(t, "texts.csv", "words,label\n"+strings.Repeat("a cat,cat\na dog,dog\n", 10))
	for name, c := range map[string]struct {
		data string
		args []string
		want string
	}{
		"a class with one example": {csv("p,s,label", func(i int, p, s, l string) string {
			if i == 7 {
				l = "lonely"
			}
			return p + "," + s + "," + l
		}), nil, `1 of 4 classes have one example: ["lonely"]: want 2 or more`},
		"a column of missing files": {csv("p,s,label", func(i int, p, s, l string) string { return p + ",nowhere-" + filepath.Base(s) + "," + l }), nil,
			`none of the 60 files in column "s" is there`},
		"a modality that nothing has": {csv("p,s,label", func(i int, p, s, l string) string { return p + ",," + l }), []string{"--image", "p", "--audio", "s"},
			`none of 60 rows has "s"`},
		"labels in two types": {csv("p,s,label", func(i int, p, s, l string) string {
			if i%2 == 0 {
				l = "3"
			}
			return p + "," + s + "," + l
		}), nil, `labels are of two types: 30 words, as "bar" (row 2), and 30 numbers, as "3" (row 1)`},
		"a modality that the encoder cannot read": {csv("p,s,label", func(i int, p, s, l string) string { return p + "," + s + "," + l }), []string{"--model", tiny},
			`column "s" is of kind audio, which the model`},
		"no label":     {csv("p,s,kind", func(i int, p, s, l string) string { return p + "," + s + "," + l }), nil, `no column "label" for the label: there are ["p" "s" "kind"]`},
		"one group":    {csv("p,s,label,group", func(i int, p, s, l string) string { return p + "," + s + "," + l + ",all" }), nil, `nothing can be held out`},
		"broken files": {csv("p,s,label", func(i int, p, s, l string) string { return p + "," + s + "," + l }), []string{"--image", "s", "--audio", "p"}, `files in column "s" can be read`},
		"half a split": {csv("p,s,label,split", func(i int, p, s, l string) string { return p + "," + s + "," + l + ",train" }), nil, `column "split" puts 60 rows in train and 0 in test`},
		"a part misspelt": {csv("p,s,label,split", func(i int, p, s, l string) string {
			return p + "," + s + "," + l + "," + []string{"train", "tset"}[i%2]
		}), nil,
			`row 2: column "split" says "tset": want train, valid or test`},
		"two columns of a name":   {csv("p,p,label", func(i int, p, s, l string) string { return p + "," + s + "," + l }), nil, `two columns are called "p"`},
		"a column named twice":    {text, []string{"--text", "words", "--text", "words"}, `column "words (text)" is named twice`},
		"a label in another code": {write(t, "latin.csv", "words,label\nx,caf\xe9\n"), nil, `row 1: the label or the group is no UTF-8: "caf\xe9"`},
		"a text in another code":  {write(t, "latin.csv", "words,label\ncaf\xe9,x\n"), nil, `row 1: column "words" is no UTF-8`},
		"one class":               {csv("p,s,label", func(i int, p, s, l string) string { return p + "," + s + ",x" }), nil, `all labels are "x"`},
		"the label as a text":     {text, []string{"--text", "label"}, `column "label" is the label`},
		"no tokens of numbers":    {write(t, "n.csv", "n,label\n"+strings.Repeat("1,a\n2,b\n", 10)), []string{"--number", "n", "--features", "tokens"}, `gives no tokens of n (number): want features vectors`},
		"words as numbers":        {text, []string{"--number", "words"}, `want 1 number, got "a cat"`},
		"nothing to match":        {text, []string{"--task", "match", "--text", "words"}, `nothing to match`},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "model")
			cmd := program(t, append([]string{"fuse", "train", c.data, "-o", out, "--cache", "off", "-q"}, c.args...)...)
			var errs bytes.Buffer
			cmd.Stderr = &errs
			err := cmd.Run()
			if exit := new(exec.ExitError); err == nil || !asExit(err, &exit) || exit.ExitCode() != 1 {
				t.Fatalf("got %v, stderr %s", err, &errs)
			}
			if strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), c.want) {
				t.Errorf("got %q, want %q", &errs, c.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("a folder was written")
			}
		})
	}
}

func asExit(err error, to **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*to = e
	return ok
}

// A picture on both sides of the table's own split is found by its content, whatever its name, and not learnt from.
func TestFuseLeaks(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches")
	}
	copied := filepath.Join(t.TempDir(), "copy.png")
	path := shapesTable(t, "t.csv", func(i int, p, s, l string) string {
		head, split := "", "train"
		if i == 0 {
			head = "p,s,label,split\n"
		}
		if i%3 == 0 {
			split = "test"
		}
		if i == 1 {
			b, err := os.ReadFile(p)
			if err == nil {
				err = os.WriteFile(copied, b, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if i == 3 {
			p = copied
		}
		return head + p + "," + s + "," + l + "," + split
	})
	r := runChiasm(t, "", "fuse", "train", path, "-o", filepath.Join(t.TempDir(), "m"), "--method", "concat", "--steps", "10", "--draws", "50", "--json", "-q", "--cache", "off").want(t, 0)
	var got struct {
		Split decision.Split
		Seen  decision.Seen
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Seen.Leaks != 1 || !got.Seen.Dropped || got.Seen.First != "row 2 (train) and row 4 (test)" || got.Split.Test != 20 || got.Split.Train+got.Split.Valid != 39 {
		t.Errorf("got %+v", got)
	}
}

// What can be said at once is said at once.
func TestFuseAdviseRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--latency", "-5ms"}, 2, "--latency -5ms: want a positive time"},
		{[]string{"--methods", "late,concat,late"}, 2, "--methods names late twice"},
		{[]string{"-o", filepath.Join(t.TempDir(), "nowhere", "report.html")}, 1, "no such file or directory"},
	} {
		start := runChiasm(t, "", append([]string{"fuse", "advise", things, "--cache", "off"}, c.args...)...).want(t, c.code, c.want)
		if strings.Contains(start.err, "trying") || start.out != "" {
			t.Errorf("%v: %s%s", c.args, start.out, start.err)
		}
	}
}

// What is recommended follows from the data and from the limits; as JSON it has the shape that is promised.
func TestFuseAdvise(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches")
	}
	page, cache := filepath.Join(t.TempDir(), "r.html"), filepath.Join(t.TempDir(), "cache")
	args := []string{"fuse", "advise", things, "-q", "--methods", "late,concat", "--steps", "60", "--draws", "50", "--cache", cache, "--json"}
	r := runChiasm(t, "", append(args, "-o", page, "--latency", "1h", "--must-work-without", "sound")...).want(t, 0)
	var top map[string]json.RawMessage
	if err := json.Unmarshal([]byte(r.out), &top); err != nil || len(top) != 2 || keys(t, string(top["recommendation"])) != "how method why" {
		t.Fatalf("%v: %s", err, r.out)
	}
	advice := objects[decision.Advice](t, r)[0]
	if advice.Recommendation.How != "late" || len(advice.Candidates) != 6 {
		t.Errorf("recommended %+v of %d candidates", advice.Recommendation, len(advice.Candidates))
	}
	for _, c := range advice.Candidates {
		if c.Accuracy == nil || len(c.Subsets) != 3 || len(c.Noisy) != 2 || len(c.Noisy[0].Points) != 4 || c.Latency.P99 < c.Latency.P50 || c.Latency.P50 < c.Fusing.P50 {
			t.Errorf("got %+v", c)
		}
	}
	html, err := os.ReadFile(page)
	if err != nil || !bytes.Contains(html, []byte("prefers-color-scheme: dark")) || bytes.Contains(html, []byte("://")) || bytes.Count(html, []byte("<svg")) != 4 || bytes.Contains(html, []byte("NaN")) {
		t.Errorf("%v, the report: %.300s", err, html)
	}
	none := objects[decision.Advice](t, runChiasm(t, "", append(args, "--latency", "1ns")...).want(t, 0))[0].Recommendation
	if none.How != "undecided" || !strings.Contains(none.Why, "take longer than 1ns") {
		t.Errorf("got %+v", none)
	}
	runChiasm(t, "", append(args, "--must-work-without", "smell")...).want(t, 2, "there is no such column")
	runChiasm(t, "", append(args, "--methods", "majority")...).want(t, 2, "want some of late")
	runChiasm(t, "", append(args, "--features", "pixels")...).want(t, 2, "want vectors, tokens, or vectors,tokens")
}

// Labels that nothing tells are said to be so.
func TestFuseCannotTell(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches")
	}
	r := rand.New(rand.NewPCG(8, 8))
	path := shapesTable(t, "t.csv", func(i int, p, s, l string) string {
		head := ""
		if i == 0 {
			head = "p,label\n"
		}
		return head + p + "," + []string{"yes", "no"}[r.IntN(2)]
	})
	out := runChiasm(t, "", "fuse", "advise", path, "-q", "--methods", "late,concat", "--steps", "20", "--draws", "100", "--cache", "off", "--json").want(t, 0)
	if got := objects[decision.Advice](t, out)[0].Recommendation; got.How != "undecided" || got.Method != "" || !strings.Contains(got.Why, "cannot tell") {
		t.Errorf("got %+v", got)
	}
}

// A model that tells whether a text belongs to a picture puts the hits of a search in order.
func TestFuseMatch(t *testing.T) {
	if testing.Short() {
		t.Skip("it indexes and teaches")
	}
	dir, cache := filepath.Join(t.TempDir(), "belongs"), filepath.Join(t.TempDir(), "cache")
	r := runChiasm(t, "", "fuse", "train", "../../recipes/shapes/train.tsv", "--task", "match", "--image", "filepath", "--text", "title",
		"--method", "mult", "--steps", "150", "-o", dir, "--draws", "20", "--cache", cache, "-q", "--json").want(t, 0)
	t.Logf("%.300s", r.out)
	type line struct {
		Item             string
		Probability      float64
		Present, Missing []string
	}
	picture := "../../recipes/shapes/validation-red-disc-0.png"
	belongs := func(text string) float64 {
		return objects[line](t, runChiasm(t, "", "fuse", "predict", dir, picture, "--text", text, "--json", "-q").want(t, 0))[0].Probability
	}
	if yes, no := belongs("a red disc"), belongs("a green bar"); !(yes > no) {
		t.Errorf("it belongs with %.2f, and something else with %.2f", yes, no)
	}
	runChiasm(t, "", "fuse", "eval", dir, "../../recipes/shapes/validation.tsv", "-q", "--json", "--draws", "20", "--cache", cache).want(t, 0)
	l := "--library=" + filepath.Join(t.TempDir(), "library")
	t.Setenv("XDG_CACHE_HOME", cache)
	runChiasm(t, "", "index", l, "-m", "mini", "-q", "../../recipes/shapes").want(t, 0)
	type hit struct{ Path string }
	args := []string{"search", l, "a red disc", "--no-words", "--strictness", "0", "--limit", "12", "--json", "-q"}
	var share [2]int
	for i, more := range [][]string{nil, {"--rerank", dir}} {
		for _, line := range strings.Split(strings.TrimSpace(runChiasm(t, "", append(args, more...)...).want(t, 0).out), "\n") {
			var h hit
			if err := json.Unmarshal([]byte(line), &h); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(h.Path, "red-disc") {
				share[i]++
			}
		}
	}
	t.Logf("of the first 12, %d are meant without, %d with the ranker", share[0], share[1])
	if share[1] < share[0] {
		t.Errorf("the ranker makes it worse: %v", share)
	}
	other, _ := taught(t)
	runChiasm(t, "", append(args, "--rerank", other)...).want(t, 1, "cannot rank: want one of task match")
}

// A served model answers beside the others and says what it makes of things of which something is missing.
func TestFuseServe(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches")
	}
	dir, _ := taught(t)
	v := &serveVerb{app: &app{}, model: &modelFlags{precision: "f32", truncate: "end"}, fused: []string{"kinds=" + dir}}
	fused, err := v.decisions()
	if err != nil {
		t.Fatal(err)
	}
	sources, err := v.sources(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Options{Models: sources, Fused: fused})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ask := func(method, path, body string, status int) string {
		t.Helper()
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		s.Handler().ServeHTTP(w, r)
		if w.Code != status {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	if list := ask("GET", "/v1/models", "", 200); !strings.Contains(list, `"id":"kinds"`) || !strings.Contains(list, `"missing":"Any modality may be missing`) || !strings.Contains(list, `"inputs":{"picture":"image","sound":"audio"}`) {
		t.Errorf("got %s", list)
	}
	data, err := os.ReadFile("../../recipes/beeps/40.wav")
	if err != nil {
		t.Fatal(err)
	}
	sound := "data:audio/wav;base64," + base64.StdEncoding.EncodeToString(data)
	if got := ask("POST", "/v1/fuse", `{"model":"kinds","input":{"sound":"`+sound+`"}}`, 200); !strings.Contains(got, `"class":"square"`) || !strings.Contains(got, `"missing":["picture"]`) {
		t.Errorf("got %s", got)
	}
	for body, want := range map[string]string{
		`{"model":"kinds","input":{}}`:                          "nothing is given",
		`{"model":"kinds","input":{"smell":"x"}}`:               "there is no input",
		`{"model":"kinds","input":{"sound":"hm"}}`:              "of kind audio",
		`{"model":"kinds","input":{"picture":"` + sound + `"}}`: "of kind image",
		`{"model":"kinds","input":{"sound":7}}`:                 "of kind audio",
	} {
		if got := ask("POST", "/v1/fuse", body, 400); !strings.Contains(got, want) {
			t.Errorf("%.80s: %s", body, got)
		}
	}
	ask("POST", "/v1/fuse", `{"model":"none","input":{"sound":"x"}}`, 404)
	runChiasm(t, "", "serve", "--library", t.TempDir(), "--fused", tiny, "--addr", "127.0.0.1:0").want(t, 1, "model_type")
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

// An encoder that is tuned lies in the model's folder, and whatever takes that folder uses it.
func TestFuseTuned(t *testing.T) {
	path := shapesTable(t, "t.csv", func(i int, p, s, l string) string {
		switch {
		case i == 0:
			return "p,label"
		case i%3 == 0:
			return p + "," + l
		}
		return ""
	})
	dir := filepath.Join(t.TempDir(), "model")
	args := []string{"fuse", "train", path, "--model", tiny, "--method", "concat", "--steps", "2", "--draws", "10", "-o", dir, "--cache", "off", "-q"}
	r := runChiasm(t, "", append(args, "--encoder", "lora", "--encoder-rank", "2", "--part", "3")...).want(t, 0)
	if !strings.Contains(r.out, "encoder: tuned by lora, 512 values") {
		t.Errorf("got %s", r.out)
	}
	if _, err := os.Stat(filepath.Join(dir, "encoder", "model.safetensors")); err != nil {
		t.Error(err)
	}
	runChiasm(t, "", "fuse", "eval", dir, path, "--draws", "10", "--cache", "off", "-q").want(t, 0, "a leak")
	picture := "../../recipes/shapes/train-red-disc-0.png"
	runChiasm(t, "", "fuse", "predict", dir, picture, "-q").want(t, 0)
	runChiasm(t, "", "fuse", "predict", dir, picture, "-q", "--model", tiny).want(t, 1, "it was taught on features of encoder@")
	for flag, reason := range map[string]string{"--encoder some": "want frozen, lora or all", "--encoder-rank 0": "a rank of 1 or more", "--part -1": "no negative numbers"} {
		runChiasm(t, "", append(args, strings.Fields(flag)...)...).want(t, 2, reason)
	}
	if chiasm.Ships() {
		runChiasm(t, "", "fuse", "train", path, "--encoder", "all", "-o", dir+"2", "-q").want(t, 1, "the encoder mini, which is inside the program, cannot be tuned")
	}
}

// A method that there is not is refused before any data are looked for.
func TestFuseMethodFirst(t *testing.T) {
	runChiasm(t, "", "fuse", "train", "nowhere.csv", "--method", "foo").want(t, 2, "--method foo: want late or one of late/average")
}
