package study_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/study"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// folders are models that trainings have made: fine-tuned ones and new ones of either shape, at the size of the tiny published ones.
func folders(t *testing.T) map[string]*study.Recipe {
	list := map[string]*study.Recipe{}
	for name, from := range map[string]string{"clip": tinyCLIP, "siglip": "../model/siglip/testdata/siglip", "siglip2": "../model/siglip/testdata/siglip2"} {
		r := recipe(t, from)
		r.Learning.Steps, r.Loss.Temperature = 3, 0
		list[name] = r
	}
	lora := recipe(t, tinyCLIP)
	lora.Learning.Steps, lora.Model.Way = 3, "lora"
	list["clip by lora"] = lora
	other := recipe(t, "../model/clip/testdata/openclip-quickgelu")
	other.Learning.Steps, other.Model.Way = 2, "lit"
	list["clip from open_clip"] = other
	for _, shape := range []string{"clip", "siglip"} {
		r := recipe(t, "")
		r.Learning.Steps = 2
		m := &r.Model
		m.Shape, m.Tokenizer, m.Dimension, m.ImageSize, m.Patch = shape, tinyCLIP, 32, 32, 8
		m.ImageWidth, m.ImageLayers, m.ImageHeads, m.TextWidth, m.TextLayers, m.TextHeads, m.Context = 32, 2, 2, 24, 1, 3, 16
		list["new "+shape] = r
	}
	own := recipe(t, "") // with CLIP's own tokenizer
	own.Learning.Steps = 1
	m := &own.Model
	m.Dimension, m.ImageSize, m.Patch, m.ImageWidth, m.ImageLayers, m.ImageHeads, m.TextWidth, m.TextLayers, m.TextHeads, m.Context = 8, 16, 8, 8, 1, 2, 8, 1, 2, 20
	list["new clip with its own words"] = own
	return list
}

// A model that was taught lies in a folder that transformers loads unchanged, to the same vectors; where Python is not to be had, its
// names, shapes and configuration are still those of the models that transformers has written.
func TestFoldersAreTransformers(t *testing.T) {
	var made []string
	for name, r := range folders(t) {
		t.Run(name, func(t *testing.T) {
			if _, err := (&study.Training{Recipe: r, Offline: true, Note: func(s string) { t.Log(s) }}).Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			if r.Model.From != "" && !strings.Contains(r.Model.From, "openclip") {
				sameForm(t, r.Model.From, r.Output)
			}
			card := string(read(t, filepath.Join(r.Output, "README.md")))
			for _, part := range []string{"library_name: transformers", "## Data", "## Figures", "What it cannot do", "train.tsv"} {
				if !strings.Contains(card, part) {
					t.Errorf("the card has no %q", part)
				}
			}
			made = append(made, r.Output)
		})
	}
	if python := pythonWith(t, "transformers"); python != "" {
		sameVectors(t, python, made)
	}
}

// pythonWith is a Python that has a module: $CHIASM_PYTHON or the one in the path; "" if there is none.
func pythonWith(t *testing.T, module string) string {
	python := os.Getenv("CHIASM_PYTHON")
	if python == "" {
		python = "python3"
	}
	if exec.Command(python, "-c", "import "+module).Run() != nil {
		t.Logf("%s has no %s: nothing is compared with the reference", python, module)
		return ""
	}
	return python
}

// sameForm compares the tensors and the configuration of two folders, but for values.
func sameForm(t *testing.T, want, got string) {
	t.Helper()
	forms := map[string]map[string]string{want: {}, got: {}}
	for dir, form := range forms {
		set, err := weights.Open(filepath.Join(dir, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range set.Names() {
			e, _ := set.Get(name)
			form[name] = fmt.Sprint(e.DType, e.Shape)
			if e.DType.Float() { // what was stored in less is stored in float32 once it has learnt
				form[name] = fmt.Sprint(tensor.F32, e.Shape)
			}
		}
		set.Close()
		var config map[string]any
		if err := json.Unmarshal(read(t, filepath.Join(dir, "config.json")), &config); err != nil {
			t.Fatal(err)
		}
		form["config"] = strings.ReplaceAll(fmt.Sprint(config), "bfloat16", "float32")
	}
	names := slices.Sorted(maps.Keys(forms[want]))
	for name := range forms[got] {
		if _, ok := forms[want][name]; !ok {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if forms[want][name] != forms[got][name] {
			t.Errorf("%s is %q, want %q", name, forms[got][name], forms[want][name])
		}
	}
}

// A reference is what transformers makes of a folder.
type reference struct {
	Wrong map[string][]string
	Texts [][]float32
	Image []float32
	DType string
}

// sameVectors compares the vectors of chiasm and of the reference.
func sameVectors(t *testing.T, python string, folders []string) {
	picture, texts := "../model/clip/testdata/pictures/wide.png", []string{"a red bar", "two blue discs and a very long text about nothing at all that is cut somewhere", "x"}
	list, _ := json.Marshal(texts)
	cmd := exec.Command(python, append([]string{"testdata/load.py", picture, string(list)}, folders...)...)
	cmd.Env = append(os.Environ(), "HF_HUB_OFFLINE=1", "OMP_NUM_THREADS=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("the reference: %v: %s", err, stderr.String())
	}
	var all map[string]reference
	if err := json.Unmarshal(stdout.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	img, err := chiasm.OpenImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		want := all[folder]
		if len(want.Wrong) > 0 || want.DType != "torch.float32" {
			t.Errorf("the reference loads %v in %s", want.Wrong, want.DType)
		}
		m := model(t, folder)
		v, err := m.EmbedImage(context.Background(), img)
		if err != nil {
			t.Fatal(err)
		}
		near(t, folder+": the picture", v.Raw(), want.Image)
		vectors, err := m.EmbedTexts(context.Background(), texts)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range vectors {
			near(t, folder+": "+texts[i], v.Raw(), want.Texts[i])
		}
	}
}

func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	top := 0.0
	for _, v := range want {
		top = max(top, math.Abs(float64(v)))
	}
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= 2e-5*top) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}
