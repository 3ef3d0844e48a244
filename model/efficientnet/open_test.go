package efficientnet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

func Example() {
	c, err := Named("tf_efficientnet_lite0")
	if err != nil {
		panic(err)
	}
	t := New(c)
	nn.Init(t, 1) // in place of Open, which reads weights
	t.Fold()
	p := tensor.NewPass(context.Background(), 0)
	pixels := p.Empty(1, 3, c.Size, c.Size) // c.Processor makes them of a picture
	clear(pixels.Floats())
	features := t.Features(pixels)
	fmt.Println(features.Shape(), t.Logits(features).Shape())
	fmt.Printf("%.1f M multiply-adds\n", c.Operations()/2e6)
	// Output:
	// [1 1280] [1 1000]
	// 383.9 M multiply-adds
}

// saved is a file of a tower's weights by the names that rename gives them.
func saved(t *testing.T, tower *Tower, file string, rename func(string) string) string {
	t.Helper()
	entries := nn.Entries(tower)
	for i := range entries {
		entries[i].Name = rename(entries[i].Name)
	}
	path := filepath.Join(t.TempDir(), file)
	if err := weights.Save(path, entries, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

func variant(t *testing.T, name string) *Tower {
	t.Helper()
	c, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	c.Classes = 3
	tower := New(c)
	nn.Init(tower, 3)
	return tower
}

// What a file is of shows in its name, its shapes, or the folder's config.json.
func TestOpenRecognises(t *testing.T) {
	for _, c := range []struct {
		name, file string
		size       int
		same       bool
	}{
		{"tf_efficientnet_lite2", "weights.safetensors", 260, true}, {"efficientnet_lite1", "efficientnet_lite1-0123.safetensors", 240, false},
		{"tf_efficientnet_lite3", "model.safetensors", 300, true},
	} {
		tower := variant(t, c.name)
		path := saved(t, tower, c.file, func(name string) string { return name })
		if c.file == "model.safetensors" {
			path = filepath.Dir(path)
			config := fmt.Sprintf(`{"architecture": "%s.in1k", "num_classes": 3}`, c.name)
			if err := os.WriteFile(filepath.Join(path, "config.json"), []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if b.Config.Size != c.size || b.Config.Same != c.same || b.Config.Classes != 3 || b.Norm1 == nil {
			t.Errorf("%s: %+v", path, b.Config)
		}
		for i, e := range nn.Entries(b.Tower) {
			if want := nn.Entries(tower)[i]; !slices.Equal(e.Data, want.Data) {
				t.Fatalf("%s came back changed", e.Name)
			}
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The original names lead to timm's, block by block.
func TestOriginalNames(t *testing.T) {
	c, err := Named("efficientnet-lite0")
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]string{
		"_conv_stem.weight": "conv_stem.weight", "_bn0.running_var": "bn1.running_var", "_fc.bias": "classifier.bias", "_bn1.bias": "bn2.bias",
		"_blocks.0._project_conv.weight": "blocks.0.0.conv_pw.weight", "_blocks.0._bn2.weight": "blocks.0.0.bn2.weight",
		"_blocks.2._expand_conv.weight": "blocks.1.1.conv_pw.weight", "_blocks.15._bn2.bias": "blocks.6.0.bn3.bias",
		"_blocks.10._depthwise_conv.weight": "blocks.4.2.conv_dw.weight", "blocks.0.0.bn1.bias": "blocks.0.0.bn1.bias", "_blocks.x._bn0.bias": "_blocks.x._bn0.bias",
	} {
		if got := c.rename(from); got != want {
			t.Errorf("%s is %s, want %s", from, got, want)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	tower := variant(t, "tf_efficientnet_lite0")
	missing := saved(t, tower, "a.safetensors", func(name string) string { return strings.Replace(name, "blocks.4.1.bn2.bias", "stranger", 1) })
	empty, broken := t.TempDir(), t.TempDir()
	for dir, config := range map[string]string{empty: `{"architecture": "tf_efficientnet_lite0"}`, broken: `{"architecture": "resnet50"}`} {
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		missing:                             "missing blocks.4.1.bn2.bias; left over stranger",
		empty:                               "has no weights",
		broken:                              `unknown architecture "resnet50"`,
		filepath.Join(empty, "none.pth"):    "no such file",
		"testdata/same.golden.safetensors":  "12 blocks and a last convolution []",
		filepath.Join(empty, "config.json"): "efficientnet: weights: ",
		"testdata/efficientnet_lite9.safetensors": "no such file",
	} {
		b, err := Open(path)
		if err == nil {
			b.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "efficientnet: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", path, err, want)
		}
	}
	for _, c := range []Config{{Width: 1, Depth: 1, Stem: 32, Head: 1280}, {Width: 1, Depth: 99, Stem: 32, Head: 1280, Size: 224}, {Width: 1, Depth: 1, Stem: -1, Head: 1280, Size: 224}} {
		if c.Validate() == nil {
			t.Errorf("%+v is valid", c)
		}
	}
}

// Many pictures give the bits of each alone, for any number of workers, and a pass that is used again allocates nothing.
func TestBatchEqualsParts(t *testing.T) {
	c := tinies["same"].Config
	tower := New(c)
	nn.Init(tower, 4)
	tower.Fold()
	const b, size = 9, 40
	pixels := make([]float32, b*3*size*size)
	for i := range pixels {
		pixels[i] = float32(i*7919%257)/128 - 1
	}
	for _, f := range []tensor.Format{tensor.FormatF32, tensor.FormatI8} {
		nn.SetFormat(tower, f)
		alone := tensor.NewPass(context.Background(), 1)
		var want []float32
		for i := range b {
			want = append(want, tower.Features(alone.Input(pixels[i*3*size*size:][:3*size*size], 1, 3, size, size)).Floats()...)
		}
		for _, workers := range []int{1, 2, 8} {
			p := tensor.NewPass(context.Background(), workers)
			run := func() {
				p.Reset(context.Background())
				if got := tower.Features(p.Input(pixels, b, 3, size, size)).Floats(); !slices.Equal(got, want) {
					t.Fatalf("%v: %d workers give other bits", f, workers)
				}
			}
			run()
			run()
			if n := testing.AllocsPerRun(5, run); n > 0 {
				t.Errorf("%v, %d workers: a pass that is used again allocates %v times", f, workers, n)
			}
		}
	}
}
