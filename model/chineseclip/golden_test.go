package chineseclip

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/tensor"
)

// models are the folders that tools/golden/chineseclip.py makes.
var models = []string{"vocab", "old"}

// texts are its list of texts in Chinese, of which the first four go through the towers.
func texts(t *testing.T) []string { return golden.Strings(t, "testdata/texts.json.gz") }

func TestStages(t *testing.T) {
	for _, name := range models {
		t.Run(name, func(t *testing.T) {
			b, err := Open(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			reference := golden.Open(t, filepath.Join("testdata", name, "golden.safetensors"))
			want := reference.Lists("ids", "lengths")
			var ids [][]int32
			cut := false
			for i, text := range texts(t)[:len(want)] {
				fitted, truncated := b.Fit(b.Encode(text).IDs)
				ids, cut = append(ids, fitted), cut || truncated
				if !slices.Equal(fitted, want[i]) {
					t.Errorf("%q: got %v, want %v", text, fitted, want[i])
				}
			}
			if !cut {
				t.Error("no text was cut")
			}
			p := tensor.NewPass(context.Background(), 2)
			for layers := range b.Config.Text.Layers + 1 {
				first := *b.Text
				first.Blocks = first.Blocks[:layers]
				x, seq, err := first.Forward(p, ids)
				if err != nil {
					t.Fatal(err)
				}
				c := b.Config.Text.Width
				for i := range ids {
					reference.Near(fmt.Sprint(i, ".hidden.", layers), x.Floats()[int(seq[i])*c:int(seq[i+1])*c], 2e-5)
				}
			}
			words, err := b.EmbedText(p, ids)
			if err != nil {
				t.Fatal(err)
			}
			reference.Near("text", words.Floats(), 2e-5)
			size := b.Config.Vision.Wide
			pixels := reference.Floats("pixels")
			input := p.Input(pixels, 2, 3, size, size)
			seq := p.Spans(2, b.Config.Vision.Tokens())
			x := b.Vision.Embed(input, seq)
			reference.Near("vision.hidden.0", x.Floats(), 2e-5)
			for i, block := range b.Vision.Blocks {
				x = block.Forward(x, seq)
				reference.Near(fmt.Sprint("vision.hidden.", i+1), x.Floats(), 2e-5)
			}
			images := b.EmbedImage(input)
			reference.Near("vision", images.Floats(), 2e-5)
			logits := images.Normalize(1e-12).Dots(words.Normalize(1e-12), b.Scale())
			reference.Near("logits_per_image", logits.Floats(), 1e-4)
			reference.Near("probs", logits.Softmax().Floats(), 1e-5)
			// the picture that the script makes, through the processor
			made := make([]float32, 3*size*size)
			ramp := image.NewRGB(37, 23)
			for i := range ramp.Pix {
				ramp.Pix[i] = byte(i * 7)
			}
			b.Pixels().Apply(made, ramp)
			for i, v := range made {
				if d := math.Abs(float64(v) - float64(pixels[i])); d > 1e-6 {
					t.Fatalf("pixel %d is %v, want %v", i, v, pixels[i])
				}
			}
			alone, err := b.EmbedText(p, ids[2:3])
			if d := b.Dimension(); err != nil || !slices.Equal(alone.Floats(), words.Floats()[2*d:3*d]) {
				t.Errorf("a text alone gives other bits than in the batch (%v)", err)
			}
			one := b.EmbedImage(p.Input(pixels[3*size*size:], 1, 3, size, size))
			if d := b.Dimension(); !slices.Equal(one.Floats(), images.Floats()[d:]) {
				t.Error("a picture alone gives other bits than in the batch")
			}
		})
	}
}

// Texts of Chinese and the torture list become the reference's ids, by vocab.txt and by tokenizer.json.
func TestTokenizers(t *testing.T) {
	for _, name := range models {
		b, err := Open(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		reference := golden.Open(t, filepath.Join("testdata", name, "golden.safetensors"))
		for list, strings := range map[string][]string{"chinese": texts(t), "torture": golden.Strings(t, "../../token/testdata/strings.json.gz")} {
			want := reference.Lists(list+".ids", list+".lengths")
			if len(want) != len(strings) {
				t.Fatalf("%s: %d strings, want %d", list, len(strings), len(want))
			}
			for i, s := range strings {
				if got := b.Encode(s).IDs; !slices.Equal(got, want[i]) {
					t.Errorf("%s: %q: got %v, want %v", name, s, got, want[i])
				}
			}
		}
	}
}

func TestBadConfigs(t *testing.T) {
	for config, want := range map[string]string{
		`{`:                       "unexpected end of JSON input",
		`{"projection_dim": 0}`:   "projection_dim is 0, want 1 to 16384",
		`{"projection_dim": 1e9}`: "cannot unmarshal number",
		`{"text_config": 7}`:      "text_config: bert: config.json: json: cannot unmarshal number",
		`{"text_config": {"hidden_act": "maxout"}}`:      `unknown activation "maxout"`,
		`{"text_config": {"vocab_size": 99999999}}`:      "vocab_size is 99999999",
		`{"text_config_dict": {"hidden_size": 25}}`:      "hidden_size 25 is not a multiple of 12 heads",
		`{"vision_config": {"num_channels": 1}}`:         "num_channels is 1, want 3",
		`{"vision_config": {"num_attention_heads": 7}}`:  "not a multiple of 7 heads",
		`{"vision_config_dict": {"patch_size": -1}}`:     "patch size is -1",
		`{"vision_config": {"image_size": [1, 2]}}`:      "vision_config: json: cannot unmarshal array",
		`{"vision_config": {"hidden_size": 1073741824}}`: "width is 1073741824",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "chineseclip: config.json: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", config, err, want)
		}
	}
	c, err := ParseConfig([]byte(`{"text_config": null}`))
	if err != nil || c.D != 512 || c.Text.Vocab != 30522 || c.Text.Act != tensor.GELU || c.Vision.Patch != 32 || c.Vision.Act != tensor.QuickGELU {
		t.Errorf("defaults: got %+v, %v", c, err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/vocab")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "preprocessor_config.json"), []byte(`{"do_center_crop": false, "size": {"height": 24, "width": 32}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || err.Error() != "chineseclip: image: the processor makes pictures of 32x24, but the model takes 24x24" {
		t.Errorf("got %v", err)
	}
	for _, file := range []string{"model.safetensors", "preprocessor_config.json", "vocab.txt", "config.json"} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
		if b, err := Open(dir); err == nil {
			b.Close()
			t.Errorf("opened without %s", file)
		}
	}
}

// Whatever a config says, reading it and making the model that it describes neither panics nor takes memory for values.
func FuzzConfig(f *testing.F) {
	for _, name := range models {
		data, err := os.ReadFile(filepath.Join("testdata", name, "config.json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseConfig(data); err == nil {
			New(*c)
		}
	})
}

func ExampleOpen() {
	m, err := Open("testdata/vocab")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	p := tensor.NewPass(context.Background(), 0)
	x, err := m.EmbedText(p, [][]int32{m.Encode("一只可爱的小猫").IDs})
	fmt.Println(x.Shape(), err)
	// Output: [1 14] <nil>
}
