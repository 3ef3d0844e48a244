package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/weights"
)

func vectorsOf(lines []vectorLine) (out [][]float32) {
	for _, l := range lines {
		out = append(out, l.Embedding)
	}
	return out
}

func TestEmbedEqualsTheReference(t *testing.T) {
	c, texts, images := readCases(t, tiny)
	r := runChiasm(t, "", append([]string{"embed", "-m", tiny, "--texts", texts, "--batch-size", "2"}, images...)...)
	r.want(t, 0, "1 text was cut to 77 tokens")
	lines := objects[vectorLine](t, r)
	if got := keys(t, r.out[:strings.IndexByte(r.out, '\n')]); got != "input kind space embedding" {
		t.Errorf("fields are %s", got)
	}
	var inputs []string
	for i, l := range lines {
		inputs = append(inputs, l.Input)
		kind := "text"
		if i >= len(c.Texts) {
			kind = "image"
		}
		if l.Kind != kind || l.Truncated != (i < len(c.Texts) && c.Truncated[i]) || !strings.HasSuffix(l.Space, "/32") || l.Space != lines[0].Space {
			t.Errorf("line %d is %+v", i, l)
		}
	}
	if want := append(slices.Clone(c.Texts), images...); !slices.Equal(inputs, want) {
		t.Errorf("inputs are %q, want %q", inputs, want)
	}
	n := len(c.Texts)
	near(t, "texts", vectorsOf(lines[:n]), golden(t, tiny, "e2e.text_embeds"))
	near(t, "images", vectorsOf(lines[n:]), golden(t, tiny, "e2e.image_embeds"))
	if again := runChiasm(t, "", append([]string{"embed", "--json", "-m", tiny, "--texts", texts, "--batch-size", "100", "--threads", "1"}, images...)...); again.out != r.out {
		t.Error("another batch size and number of threads gave other vectors")
	}
}

func TestEmbedDimensions(t *testing.T) {
	norm := func(x []float32) float64 {
		sum := 0.0
		for _, v := range x {
			sum += float64(v) * float64(v)
		}
		return math.Sqrt(sum)
	}
	whole := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", tiny, "-t", "cat").want(t, 0))[0]
	part := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", tiny, "-t", "cat", "--dimensions", "8").want(t, 0))[0]
	raw := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", tiny, "-t", "cat", "--normalize=false").want(t, 0))[0]
	rawPart := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", tiny, "-t", "cat", "--normalize=false", "--dimensions", "8").want(t, 0))[0]
	if d := math.Abs(norm(whole.Embedding) - 1); d > 1e-6 {
		t.Errorf("the vector's length is off by %v", d)
	}
	if len(part.Embedding) != 8 || math.Abs(norm(part.Embedding)-1) > 1e-6 || !strings.HasSuffix(part.Space, "/8") {
		t.Errorf("8 dimensions gave %+v", part)
	}
	if math.Abs(norm(raw.Embedding)-1) < 1e-3 || !slices.Equal(rawPart.Embedding, raw.Embedding[:8]) {
		t.Errorf("not normalised: %v and %v", raw.Embedding, rawPart.Embedding)
	}
	scale := raw.Embedding[0] / whole.Embedding[0]
	for i := range raw.Embedding {
		if math.Abs(float64(raw.Embedding[i]-scale*whole.Embedding[i])) > 1e-5 {
			t.Errorf("the raw vector points elsewhere")
		}
	}
}

// embedTo writes vectors to a file beside and gives the lines that stdout would have had.
func embedTo(t *testing.T, name string) (path string, lines []vectorLine) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	args := []string{"embed", "-m", tiny, "-t", "cat", "missing.png", gallery}
	r := runChiasm(t, "", append(args, "-o", path)...).want(t, 1, "missing.png", "1 of 8 inputs failed")
	if r.out != "" {
		t.Errorf("stdout has %q", r.out)
	}
	for _, line := range strings.Split(strings.TrimSpace(runChiasm(t, "", args...).out), "\n") {
		var l vectorLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.Embedding != nil {
			lines = append(lines, l)
		}
	}
	if len(lines) != 7 {
		t.Fatalf("got %d vectors", len(lines))
	}
	return path, lines
}

func same(t *testing.T, got [][]float32, lines []vectorLine) {
	t.Helper()
	for i, l := range lines {
		if i >= len(got) || !slices.Equal(got[i], l.Embedding) {
			t.Fatalf("row %d is not what JSON has", i)
		}
	}
}

// onlyFiles checks that a folder holds nothing else, such as a temporary file.
func onlyFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if path != dir {
			got = append(got, d.Name())
		}
		return nil
	})
	if !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func TestEmbedNPY(t *testing.T) {
	path, lines := embedTo(t, "x.npy")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header := "{'descr': '<f4', 'fortran_order': False, 'shape': (7, 32), }"
	if !bytes.HasPrefix(data, []byte("\x93NUMPY\x01\x00\x76\x00"+header)) || data[127] != '\n' || len(data) != 128+7*32*4 {
		t.Fatalf("header is %q, %d bytes in all", data[:128], len(data))
	}
	same(t, floats(data[128:], 32), lines)
	var beside struct {
		Space  string
		Inputs []string
		Errors []failure
	}
	if data, err = os.ReadFile(path + ".json"); err == nil {
		err = json.Unmarshal(data, &beside)
	}
	if err != nil || beside.Space != lines[0].Space || len(beside.Inputs) != 7 || beside.Inputs[0] != "cat" || beside.Errors[0].Input != "missing.png" {
		t.Errorf("beside it: %s (%v)", data, err)
	}
	onlyFiles(t, filepath.Dir(path), "x.npy", "x.npy.json")
}

func TestEmbedSafetensors(t *testing.T) {
	path, lines := embedTo(t, "x.safetensors")
	same(t, rows(t, path, "embeddings"), lines)
	set, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var inputs []string
	if err := json.Unmarshal([]byte(set.Metadata()["inputs"]), &inputs); err != nil || len(inputs) != 7 || inputs[6] != lines[6].Input || set.Metadata()["space"] != lines[0].Space {
		t.Errorf("metadata is %v (%v)", set.Metadata(), err)
	}
	onlyFiles(t, filepath.Dir(path), "x.safetensors")
}

func TestEmbedLinesToFile(t *testing.T) {
	path, lines := embedTo(t, "x.jsonl")
	data, err := os.ReadFile(path)
	if err != nil || bytes.Count(data, []byte("\n")) != len(lines)+1 {
		t.Errorf("%d lines (%v)", bytes.Count(data, []byte("\n")), err)
	}
	onlyFiles(t, filepath.Dir(path), "x.jsonl")
}

func TestEmbedKeepsTheOldFileOnFailure(t *testing.T) {
	path := write(t, "x.npy", "old")
	runChiasm(t, "", "embed", "-m", models+"no-such-model", "-t", "cat", "-o", path).want(t, 1, "no-such-model")
	if data, _ := os.ReadFile(path); string(data) != "old" {
		t.Errorf("the file holds %q", data)
	}
	onlyFiles(t, filepath.Dir(path), "x.npy")
}

func TestEmbedStdin(t *testing.T) {
	plain := runChiasm(t, "", "embed", "-m", tiny, "-t", "a cat", "-t", "[not] json", "-t", "[\"x").want(t, 0)
	for name, stdin := range map[string]string{
		"lines": "a cat\n\n[not] json\n[\"x", "CRLF": "\ufeffa cat\r\n[not] json\r\n[\"x\r\n", "JSON": " [\"a cat\",\n\"[not] json\", \"[\\\"x\"]",
	} {
		if r := runChiasm(t, stdin, "embed", "-m", tiny, "--kind", "text", "-").want(t, 0); r.out != plain.out {
			t.Errorf("%s: got other vectors", name)
		}
		if r := runChiasm(t, stdin, "embed", "-m", tiny, "--texts", "-").want(t, 0); r.out != plain.out {
			t.Errorf("%s: got other vectors by --texts", name)
		}
	}
	data, err := os.ReadFile(tinyWide)
	if err != nil {
		t.Fatal(err)
	}
	piped := objects[vectorLine](t, runChiasm(t, string(data), "embed", "-m", tiny, "--kind", "image", "-").want(t, 0))
	named := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", tiny, tinyWide).want(t, 0))
	if piped[0].Input != "-" || !slices.Equal(piped[0].Embedding, named[0].Embedding) {
		t.Errorf("got %+v, want %+v", piped, named)
	}
	runChiasm(t, "caf\xe9\n", "embed", "-m", tiny, "--texts", "-").want(t, 1, "line 1 is not UTF-8", "1 of 1 input failed")
	runChiasm(t, "a\n"+strings.Repeat("b", 17<<20), "embed", "-m", tiny, "--texts", "-").want(t, 1, "line 2: longer than 16 MiB", "1 of 2 inputs failed")
	runChiasm(t, "", "tokenize", "-m", tiny, "--texts", write(t, "x.json", `{"a": 1}`)).want(t, 1, "want a JSON array of strings")
}

func TestEmbedFoldersAndPatterns(t *testing.T) {
	dir := t.TempDir()
	picture, err := os.ReadFile(tinyWide)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b.png", "a/deep/x.PNG", "a/no-extension", "a/.hidden.png", ".git/y.png", "notes.txt", "a/notes"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		content := picture
		if strings.Contains(name, "notes") {
			content = []byte("not a picture")
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	names := func(args ...string) (out []string) {
		for _, l := range objects[vectorLine](t, runChiasm(t, "", append([]string{"embed", "-m", tiny}, args...)...).want(t, 0)) {
			rel, err := filepath.Rel(dir, l.Input)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, filepath.ToSlash(rel))
		}
		return out
	}
	if got, want := names(dir), []string{"a/deep/x.PNG", "a/no-extension", "b.png"}; !slices.Equal(got, want) {
		t.Errorf("the folder gave %q, want %q", got, want)
	}
	if got, want := names(filepath.Join(dir, "*.png"), filepath.Join(dir, "a", "d*")), []string{"b.png", "a/deep/x.PNG"}; !slices.Equal(got, want) {
		t.Errorf("the pattern gave %q, want %q", got, want)
	}
	runChiasm(t, "", "embed", "-m", tiny, t.TempDir()).want(t, 1, "no pictures in this folder", "1 of 1 input failed")
	runChiasm(t, "", "embed", "-m", tiny, filepath.Join(dir, "*.gif")).want(t, 1, "no such file", "1 of 1 input failed")
	runChiasm(t, "", "embed", "-m", tiny, filepath.Join(dir, "notes.txt")).want(t, 1, "notes.txt: ", "1 of 1 input failed")
}
