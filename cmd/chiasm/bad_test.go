package main

import (
	"encoding/binary"
	"encoding/json"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/weights"
)

// copyOf is a copy of the tiny model, for a test to spoil.
func copyOf(t *testing.T, model string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := os.CopyFS(dir, os.DirFS(models+model)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// change rewrites a file.
func change(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, f(data), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// answerless runs the verbs on a model that is not in order: one line that says what and where, and no answer.
func answerless(t *testing.T, model string, want ...string) {
	t.Helper()
	for _, args := range [][]string{
		{"similarity", "-t", "cat", tinyWide}, {"classify", "--labels", "cat,dog", tinyWide}, {"embed", tinyWide, "-t", "cat"},
	} {
		r := runChiasm(t, "", append(args, "-m", model)...)
		if r.code != 1 || r.out != "" || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", args[0], r.code, r.out, r.err)
		}
		for _, w := range want {
			if !strings.Contains(r.err, w) {
				t.Errorf("%s: stderr is %q, want it to say %q", args[0], r.err, w)
			}
		}
	}
}

func TestTruncatedWeights(t *testing.T) {
	for _, c := range []struct{ model, file string }{
		{"transformers", "model.safetensors"}, {"transformers-old", "pytorch_model.bin"}, {"openclip-gelu", "open_clip_pytorch_model.bin"},
	} {
		for _, keep := range []int{0, 1, 7, 100, 5000, -1} {
			dir := copyOf(t, c.model)
			change(t, filepath.Join(dir, c.file), func(b []byte) []byte {
				if keep < 0 {
					return b[:len(b)-1]
				}
				return b[:keep]
			})
			answerless(t, dir, c.file)
		}
	}
}

func TestFlippedBits(t *testing.T) {
	for _, at := range []int{2, 7, 8, 9, 20} { // in the header's length and text
		dir := copyOf(t, "transformers")
		change(t, filepath.Join(dir, "model.safetensors"), func(b []byte) []byte {
			b[at] ^= 0x80
			return b
		})
		answerless(t, dir, "model.safetensors")
	}
}

func TestNotANumberInWeights(t *testing.T) {
	dir := copyOf(t, "transformers")
	path := filepath.Join(dir, "model.safetensors")
	set, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	set.Close()
	change(t, path, func(b []byte) []byte { // one value of each tensor
		var header map[string]json.RawMessage
		n := 8 + int(binary.LittleEndian.Uint64(b))
		if err := json.Unmarshal(b[8:n], &header); err != nil {
			t.Fatal(err)
		}
		for name, raw := range header {
			var e struct {
				DType   string `json:"dtype"`
				Offsets [2]int `json:"data_offsets"`
			}
			if json.Unmarshal(raw, &e) == nil && e.DType == "F32" && strings.HasSuffix(name, "_projection.weight") {
				binary.LittleEndian.PutUint32(b[n+e.Offsets[0]:], math.Float32bits(float32(math.NaN())))
			}
		}
		return b
	})
	answerless(t, dir, "projection", "NaN")
}

func TestWrongModel(t *testing.T) {
	for what, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"another architecture": {map[string]string{"config.json": `{"architectures": ["GPT2Model"], "model_type": "gpt2"}`}, []string{"GPT2Model", "CLIPModel"}},
		"an empty folder":      {map[string]string{"x": ""}, []string{"config.json"}},
		"config is no JSON":    {map[string]string{"config.json": `{"archi`}, []string{"config.json"}},
		"config is of a list":  {map[string]string{"config.json": `[]`}, []string{"config.json"}},
		"no weights":           {map[string]string{"config.json": `{"architectures": ["CLIPModel"], "model_type": "clip", "text_config": {}}`}, []string{"weights"}},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range c.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			answerless(t, dir, c.want...)
		})
	}
	answerless(t, filepath.Join(t.TempDir(), "nothing"), "nothing")
	answerless(t, tinyWide, "wide.png")
	t.Run("a weight too few", func(t *testing.T) {
		dir := copyOf(t, "transformers")
		change(t, filepath.Join(dir, "config.json"), func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"num_hidden_layers": 2`, `"num_hidden_layers": 3`, 1))
		})
		answerless(t, dir, "model.safetensors", "missing")
	})
}

func TestBadPictures(t *testing.T) {
	var bomb strings.Builder
	if err := png.Encode(&bomb, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	huge := []byte(bomb.String())
	binary.BigEndian.PutUint32(huge[16:], 60000)
	binary.BigEndian.PutUint32(huge[20:], 60000)
	good, err := os.ReadFile(tinyWide)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"bomb.png": string(huge), "cut.png": string(good[:len(good)/2]), "empty.png": "", "good.png": string(good), "page.png": "<!doctype html>", "zeros.jpg": strings.Repeat("\x00", 5000),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bad := []string{"bomb.png: ", "cut.png: ", "empty.png: ", "page.png: ", "zeros.jpg: "}
	r := runChiasm(t, "", "embed", "-m", tiny, dir).want(t, 1, append(bad, "5 of 6 inputs failed")...)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if len(lines) != 6 {
		t.Fatalf("got %d lines", len(lines))
	}
	for i, line := range lines {
		want := "input error"
		if strings.Contains(line, "good.png") {
			want = "input kind space embedding"
		}
		if keys(t, line) != want {
			t.Errorf("line %d is %s", i, line)
		}
	}
	runChiasm(t, "", "classify", "--labels", "a,b", "-m", tiny, dir).want(t, 1, append(bad, "5 of 6 images failed")...)
	runChiasm(t, "", "similarity", "-t", "a", "-m", tiny, dir).want(t, 1, append(bad, "5 of 6 images failed")...)
}

func TestUnknownCPU(t *testing.T) {
	cmd := program(t, "tokenize", "-m", tiny, "a")
	cmd.Env = append(cmd.Env, "CHIASM_CPU=pentium")
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(string(out), "pentium") {
		t.Errorf("exit code %d, %v: %s", code, err, out)
	}
}
