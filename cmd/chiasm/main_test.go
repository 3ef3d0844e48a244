package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// asProgram makes the test binary behave as the program, for tests that need a process.
const asProgram = "CHIASM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	for _, name := range []string{modelEnv, "HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		os.Unsetenv(name)
	}
	home, err := os.MkdirTemp("", "chiasm-test")
	if err != nil {
		panic(err)
	}
	os.Setenv("HF_HOME", home) // nobody's real cache is touched
	code := m.Run()
	os.RemoveAll(home)
	os.Exit(code)
}

const (
	models   = "../../model/clip/testdata/"
	tiny     = models + "transformers"
	gallery  = models + "pictures/"
	tinyWide = gallery + "wide.png"
)

// A result is what one command line gave.
type result struct {
	code     int
	out, err string
}

// runChiasm runs a command line in this process.
func runChiasm(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	for line := range strings.Lines(errs.String()) {
		if !strings.HasPrefix(line, "chiasm: ") || strings.Contains(line, "goroutine") {
			t.Errorf("chiasm %s: odd line on stderr: %q", strings.Join(args, " "), line)
		}
	}
	if strings.Contains(out.String(), "NaN") {
		t.Errorf("chiasm %s: NaN on stdout", strings.Join(args, " "))
	}
	return result{code, out.String(), errs.String()}
}

// want checks the exit code and that each line of stderr holds one of the texts, in order.
func (r result) want(t *testing.T, code int, stderr ...string) result {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(r.err, "\n"), "\n")
	if r.err == "" {
		lines = nil
	}
	ok := r.code == code && len(lines) == len(stderr)
	for i := 0; ok && i < len(lines); i++ {
		ok = strings.Contains(lines[i], stderr[i])
	}
	if !ok {
		t.Fatalf("exit code %d, stderr:\n%s\nwant exit code %d, stderr with %q", r.code, r.err, code, stderr)
	}
	return r
}

// objects decodes the JSON lines of stdout.
func objects[T any](t *testing.T, r result) []T {
	t.Helper()
	var all []T
	d := json.NewDecoder(strings.NewReader(r.out))
	d.DisallowUnknownFields()
	for {
		var v T
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("stdout is not what it should be: %v\n%s", err, r.out)
		}
		all = append(all, v)
	}
}

// keys is the names of an object's fields in the order in which they are written.
func keys(t *testing.T, line string) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(line))
	var names []string
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return strings.Join(names, " ")
		}
		switch v := token.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				depth++
			} else {
				depth--
			}
		case string:
			if depth == 1 {
				names = append(names, v)
				var skip json.RawMessage
				if err := d.Decode(&skip); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// cases are the inputs of the reference's run over the tiny model, and its ids.
type cases struct {
	Texts     []string   `json:"texts"`
	Images    []string   `json:"images"`
	IDs       [][]int32  `json:"ids"`
	Tokens    [][]string `json:"tokens"`
	Truncated []bool     `json:"truncated"`
}

func readCases(t *testing.T, model string) (c cases, texts string, images []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(model, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	for _, name := range c.Images {
		images = append(images, gallery+name)
	}
	list, err := json.Marshal(c.Texts)
	if err != nil {
		t.Fatal(err)
	}
	return c, write(t, "texts.json", string(list)), images
}

// golden reads one of the reference's outputs as rows.
func golden(t *testing.T, model, name string) [][]float32 {
	t.Helper()
	return rows(t, filepath.Join(model, "golden.safetensors"), name)
}

// rows reads a float32 matrix of a safetensors file.
func rows(t *testing.T, path, name string) [][]float32 {
	t.Helper()
	set, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	e, ok := set.Get(name)
	if !ok || e.DType != tensor.F32 || len(e.Shape) != 2 {
		t.Fatalf("%s: no float32 matrix %s", path, name)
	}
	return floats(e.Data, e.Shape[1])
}

// floats cuts little endian numbers into rows of d.
func floats(data []byte, d int) (out [][]float32) {
	for len(data) > 0 {
		row := make([]float32, d)
		for i := range row {
			row[i] = math.Float32frombits(uint32(data[0]) | uint32(data[1])<<8 | uint32(data[2])<<16 | uint32(data[3])<<24)
			data = data[4:]
		}
		out = append(out, row)
	}
	return out
}

// near compares matrices within the tolerance that the project promises.
func near(t *testing.T, what string, got, want [][]float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d rows, want %d", what, len(got), len(want))
	}
	for i := range want {
		if len(got[i]) != len(want[i]) {
			t.Fatalf("%s: row %d has %d values, want %d", what, i, len(got[i]), len(want[i]))
		}
		for j := range want[i] {
			if d := math.Abs(float64(got[i][j] - want[i][j])); !(d <= 1e-4) {
				t.Fatalf("%s[%d][%d] is %v, want %v", what, i, j, got[i][j], want[i][j])
			}
		}
	}
}

// write makes a file for a test.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExitCodes(t *testing.T) {
	t.Setenv(modelEnv, tiny)
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"nonsense", 2, `there is no verb "nonsense"`},
		{"simlarity", 2, "did you mean similarity?"},
		{"help nonsense", 2, `there is no verb "nonsense"`},
		{"completion nonsense", 2, "nonsense"},
		{"similarity --nonsense", 2, "unknown flag: --nonsense (see chiasm similarity --help)"},
		{"similarity --text", 2, "flag needs an argument"},
		{"similarity --text a", 2, "no picture or sound is given"},
		{"similarity a.png", 2, "no text is given"},
		{"similarity --text a --per row a.png", 2, "--per row: want image, audio or text"},
		{"similarity --text a --precision fp4 a.png", 2, "--precision fp4: want f32, bf16, w8, int8 or auto"},
		{"similarity --text a --truncate start a.png", 2, "--truncate start: want end or error"},
		{"similarity --text a --threads x a.png", 2, "invalid argument"},
		{"similarity --text a --threads -1 a.png", 2, "--threads -1"},
		{"similarity --texts - -", 2, "standard input (-) can be read only once"},
		{"similarity --text a - -", 2, "standard input (-) can be read only once"},
		{"classify a.png", 2, "no labels are given"},
		{"classify --labels , a.png", 2, "--labels names none"},
		{"classify --labels a", 2, "no picture or sound is given"},
		{"classify --labels a --template photo a.png", 2, `--template "photo" has no {}`},
		{"classify --labels a --templates coco a.png", 2, `unknown template set "coco"`},
		{"classify --labels a --top -1 a.png", 2, "--top -1"},
		{"embed", 2, "there is nothing to embed"},
		{"embed -", 2, "want --kind text, image or audio"},
		{"embed --kind sound a.wav", 2, "--kind sound"},
		{"embed --format npy a.png", 2, "--format npy needs -o FILE"},
		{"embed --format csv a.png", 2, "--format csv: want one of jsonl, npy, safetensors"},
		{"embed -o vectors.txt a.png", 2, "which format is that?"},
		{"embed --text a --dimensions 1000", 2, "--dimensions 1000: the model has 32"},
		{"embed --text a --dimensions -1", 2, "--dimensions -1"},
		{"tokenize", 2, "no text is given"},
		{"bench --precision fp4", 2, "--precision fp4: want f32, bf16, w8 or int8"},
		{"bench --shape cube", 2, `--shape "cube" is unknown`},
		{"bench --shape clip-text --model a", 2, "want one of them"},
		{"bench --batch 0", 2, "--batch is 0, want 1 to 4096"},
		{"pull", 2, "want chiasm pull [flags] NAME..., got no arguments"},
		{"pull a/b/c", 2, "org/name"},
		{"rm", 2, "want chiasm rm [flags] NAME..., got no arguments"},
		{"show a b", 2, `want chiasm show [flags] [NAME], got 2 arguments, first "a"`},
		{"list a", 2, `want chiasm list [flags], got 1 argument, first "a"`},
		{"library import", 2, "want chiasm library import [flags] FILE, got no arguments"},
		{"search --limt 3 cat", 2, "unknown flag: --limt; did you mean --limit?"},
		{"library info --libary x", 2, "did you mean --library?"},
		{"search beach -people", 2, "arguments that begin with a dash come after --"},
		{"similarity --text a --model no/such/model " + tinyWide, 1, "no/such/model"},
		{"embed --text a -o no/such/folder/x.npy", 1, "no such file or directory"},
		{"tokenize --texts no-such-file", 1, "no-such-file"},
	} {
		t.Run(c.args, func(t *testing.T) {
			runChiasm(t, "", strings.Fields(c.args)...).want(t, c.code, c.stderr)
		})
	}
}

func TestHelp(t *testing.T) {
	for _, verb := range []string{"similarity", "classify", "embed", "tokenize", "pull", "list", "show", "rm", "version", "bench"} {
		r := runChiasm(t, "", verb, "--help").want(t, 0)
		if !strings.Contains(r.out, "Examples:\n  chiasm "+verb) {
			t.Errorf("chiasm %s --help has no example:\n%s", verb, r.out)
		}
		if again := runChiasm(t, "", "help", verb); again.out != r.out {
			t.Errorf("chiasm help %s differs from chiasm %s --help", verb, verb)
		}
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), nil, nil, &out, &errs); code != 2 || out.Len() > 0 || !strings.Contains(errs.String(), "Available Commands") {
		t.Errorf("chiasm alone gave %d, %q on stdout and %q on stderr", code, &out, &errs)
	}
}

func TestVersion(t *testing.T) {
	if r := runChiasm(t, "", "version").want(t, 0); !strings.HasPrefix(r.out, "chiasm ") {
		t.Error(r.out)
	}
	if b := objects[build](t, runChiasm(t, "", "version", "--json").want(t, 0)); len(b) != 1 || b[0].Cores < 1 {
		t.Error(b)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if r := runChiasm(t, "", "completion", shell).want(t, 0); !strings.Contains(r.out, "chiasm") {
			t.Errorf("%s: %q", shell, r.out)
		}
	}
	for _, c := range []struct{ line, want string }{
		{"similarity --per ", "image\naudio\ntext\n"},
		{"embed --precision ", "f32\nbf16\nw8\nint8\nauto\n"},
		{"classify --templates ", "imagenet\nimagenet-simple\n"},
		{"tokenize --truncate ", "end\nerror\n"},
	} {
		var out bytes.Buffer
		args := append([]string{"__complete"}, strings.Split(c.line, " ")...)
		if code := run(t.Context(), args, nil, &out, io.Discard); code != 0 || !strings.HasPrefix(out.String(), c.want) {
			t.Errorf("completion of %q: %d, %q", c.line, code, &out)
		}
	}
}

// A panicking reader stands for a bug anywhere.
type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("so wrong\nand so on") }

func TestBugIsOneLine(t *testing.T) {
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"tokenize", "--model", tiny, "--texts", "-"}, panicking{}, &out, &errs)
	if code != 1 || strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), "please report it") {
		t.Errorf("%d, %q", code, errs.String())
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{
		{"similarity", "--text", "a", tinyWide}, {"classify", "--labels", "a,b", tinyWide}, {"embed", "--text", "a"}, {"tokenize", "a"},
	} {
		var out, errs bytes.Buffer
		if code := run(ctx, append(args, "--model", tiny), strings.NewReader(""), &out, &errs); code != 130 || errs.String() != "chiasm: stopped\n" || out.Len() > 0 {
			t.Errorf("%v: %d, %q, %q", args, code, &out, &errs)
		}
	}
}
