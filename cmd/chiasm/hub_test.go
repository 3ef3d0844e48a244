package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chiasm/chiasm"
)

const (
	hubModel  = "tester/tiny-clip"
	hubCommit = "0123456789abcdef0123456789abcdef01234567"
)

// testHub serves the tiny model as the hub would, and points the environment at itself and at an empty cache. It counts requests.
func testHub(t *testing.T) *atomic.Int64 {
	t.Helper()
	var requests atomic.Int64
	files := map[string][]byte{"README.md": []byte("---\nlicense: apache-2.0\n---\n# Tiny\n"), "flax_model.msgpack": []byte("not wanted")}
	for _, name := range []string{"config.json", "model.safetensors", "processor_config.json", "tokenizer.json", "tokenizer_config.json"} {
		data, err := os.ReadFile(filepath.Join(tiny, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	hash := func(data []byte) string {
		sum := sha256.Sum256(data)
		return hex.EncodeToString(sum[:])
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/models/"+hubModel+"/revision/{revision}", func(w http.ResponseWriter, r *http.Request) {
		var siblings []map[string]any
		for name, data := range files {
			siblings = append(siblings, map[string]any{"rfilename": name, "size": len(data), "lfs": map[string]any{"sha256": hash(data), "size": len(data)}})
		}
		json.NewEncoder(w).Encode(map[string]any{"id": hubModel, "sha": hubCommit, "siblings": siblings})
	})
	mux.HandleFunc("/"+hubModel+"/resolve/"+hubCommit+"/{file}", func(w http.ResponseWriter, r *http.Request) {
		data, ok := files[r.PathValue("file")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", `"`+hash(data)+`"`)
		w.Header().Set("X-Repo-Commit", hubCommit)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Error-Code", "RepoNotFound")
		http.Error(w, "Repository not found", http.StatusNotFound)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Setenv("HF_ENDPOINT", server.URL)
	t.Setenv("HF_HOME", t.TempDir())
	return &requests
}

func TestHubVerbs(t *testing.T) {
	requests := testHub(t)

	own := len(listing(t)) // what is inside the program
	if own == 0 {
		runChiasm(t, "", "list").want(t, 0, "there is no model in the cache yet")
	}
	runChiasm(t, "", "show", hubModel).want(t, 1, "tiny-clip")
	runChiasm(t, "", "pull", "--offline", hubModel).want(t, 1, "tiny-clip")
	if n := requests.Load(); n != 0 {
		t.Errorf("the network was used %d times", n)
	}

	r := runChiasm(t, "", "pull", hubModel).want(t, 0)
	dir := strings.TrimSuffix(r.out, "\n")
	if filepath.Base(dir) != hubCommit {
		t.Errorf("pull gave %q", r.out)
	}
	if _, err := os.Stat(filepath.Join(dir, "flax_model.msgpack")); err == nil {
		t.Error("a file that chiasm does not need was downloaded")
	}
	line := objects[pullLine](t, runChiasm(t, "", "pull", "--json", "--offline", hubModel).want(t, 0))[0]
	if line != (pullLine{hubModel, hubCommit, dir}) {
		t.Errorf("pull --json gave %+v", line)
	}
	runChiasm(t, "", "pull", "tester/none").want(t, 1, "tester/none")

	// A stranger in the same cache.
	other := filepath.Join(os.Getenv("HF_HOME"), "hub", "models--tester--bert", "snapshots", strings.Repeat("ab", 20))
	if err := os.MkdirAll(other, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other, "config.json"), []byte(`{"architectures": ["BertModel"]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	listed := listing(t)[own:]
	if len(listed) != 2 || listed[0].Runs || !strings.Contains(listed[0].Why, "BertModel") || !listed[1].Runs || listed[1].Name != hubModel ||
		listed[1].Revision != hubCommit || listed[1].Path != dir || listed[1].Size < 100_000 || listed[1].Modified.IsZero() {
		t.Errorf("list --json gave %+v", listed)
	}
	table := runChiasm(t, "", "list").want(t, 0).out
	if !strings.Contains(table, hubModel+"  0123456789ab (main)") || !strings.Contains(table, "no: is of the architecture BertModel") {
		t.Errorf("list gave\n%s", table)
	}

	before := requests.Load()
	shown := runChiasm(t, "", "show", hubModel).want(t, 0).out
	if !strings.Contains(shown, "licence       apache-2.0\n") || !strings.Contains(shown, hubModel+"@0123456789ab/32") {
		t.Errorf("show gave\n%s", shown)
	}
	a := objects[similarityAnswer](t, runChiasm(t, "", "similarity", "--json", "-m", hubModel, "-t", "cat", tinyWide).want(t, 0))[0]
	b := objects[similarityAnswer](t, runChiasm(t, "", "similarity", "--json", "-m", tiny, "-t", "cat", tinyWide).want(t, 0))[0]
	if a.Model != hubModel || a.PerImage[0][0] != b.PerImage[0][0] {
		t.Errorf("the model from the hub gave %+v, the folder %+v", a, b)
	}
	var out bytes.Buffer
	for _, line := range []string{"embed --model ", "rm ", "show "} {
		out.Reset()
		args := append([]string{"__complete"}, strings.Split(line, " ")...)
		if code := run(t.Context(), args, nil, &out, io.Discard); code != 0 || !strings.Contains(out.String(), hubModel+"\n") || strings.Contains(out.String(), "bert") {
			t.Errorf("completion of %q: %q", line, &out)
		}
	}
	if n := requests.Load(); n != before {
		t.Errorf("the network was used %d times for a model that is there", n-before)
	}
}

func TestOpenDownloads(t *testing.T) {
	testHub(t)
	r := runChiasm(t, "", "tokenize", "--offline", "-m", hubModel, "a cat").want(t, 1, "tiny-clip")
	if r.out != "" {
		t.Error(r.out)
	}
	runChiasm(t, "", "tokenize", "-m", hubModel, "a cat").want(t, 0)
	t.Setenv("HF_HUB_OFFLINE", "1")
	runChiasm(t, "", "tokenize", "-m", hubModel, "a cat").want(t, 0)
}

func TestRemove(t *testing.T) {
	testHub(t)
	runChiasm(t, "", "rm", hubModel).want(t, 1, hubModel+" is not in the cache")
	runChiasm(t, "", "pull", hubModel).want(t, 0)
	for _, answer := range []string{"", "n\n", "what?\n"} {
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"rm", hubModel}, strings.NewReader(answer), &out, &errs)
		if code != 1 || out.Len() > 0 || !strings.HasPrefix(errs.String(), "remove "+hubModel+", ") || !strings.Contains(errs.String(), "is kept") {
			t.Errorf("answer %q: exit code %d, %q", answer, code, errs.String())
		}
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"rm", hubModel}, strings.NewReader("y\n"), &out, &errs); code != 0 || !strings.HasPrefix(out.String(), "removed "+hubModel+", freed ") {
		t.Errorf("exit code %d, %q, %q", code, &out, &errs)
	}
	runChiasm(t, "", "pull", hubModel).want(t, 0)
	l := objects[rmLine](t, runChiasm(t, "", "rm", "--yes", "--json", hubModel+"@"+hubCommit).want(t, 0))[0]
	if l.Name != hubModel || l.Revision != hubCommit || l.Freed < 100_000 {
		t.Errorf("got %+v", l)
	}
	runChiasm(t, "", "list", "-q").want(t, 0)
	if left := inCache(t); len(left) > 0 {
		t.Errorf("the cache still has %+v", left)
	}
}

// listing is what list --json says.
func listing(t *testing.T) []cachedModel {
	t.Helper()
	all := runChiasm(t, "", "list", "--json")
	if !chiasm.Ships() && all.out == "" {
		return nil
	}
	return objects[cachedModel](t, all.want(t, 0))
}

// inCache is that without the model inside the program.
func inCache(t *testing.T) []cachedModel {
	t.Helper()
	return slices.DeleteFunc(listing(t), func(m cachedModel) bool { return m.Shipped })
}
