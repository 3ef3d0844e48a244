package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/server"
)

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
