package siglip

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/tensor"
)

// texts are those of tools/golden/siglip.py.
var texts = []string{"a photo of two cats", "", "A sunset over the mountains, seen from far away: with a great many words that the tower does not read"}

func TestStages(t *testing.T) {
	for _, name := range []string{"siglip", "siglip2"} {
		t.Run(name, func(t *testing.T) {
			b, err := Open(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			reference := golden.Open(t, filepath.Join("testdata", name, "golden.safetensors"))
			p := tensor.NewPass(context.Background(), 2)
			var ids [][]int32
			for _, text := range texts {
				fitted, _ := b.Fit(b.Encode(text).IDs)
				ids = append(ids, fitted)
			}
			if _, cut := b.Fit(b.Encode(texts[2]).IDs); !cut {
				t.Error("the long text was not cut")
			}
			words, err := b.EmbedText(p, ids)
			if err != nil {
				t.Fatal(err)
			}
			reference.Near("text.pooled", words.Floats(), 2e-5)
			size := b.Config.Vision.Wide
			pixels := p.Input(reference.Floats("pixels"), 2, 3, size, size)
			images := b.EmbedImage(pixels)
			reference.Near("vision.pooled", images.Floats(), 2e-5)
			logits := images.Normalize(1e-12).Dots(words.Normalize(1e-12), b.Scale()).Floats()
			probs := make([]float32, len(logits))
			for i := range logits {
				logits[i] += b.Bias()
				probs[i] = float32(1 / (1 + math.Exp(-float64(logits[i]))))
			}
			reference.Near("logits_per_image", logits, 1e-4)
			reference.Near("probs", probs, 1e-5)
			one := b.EmbedImage(p.Input(reference.Floats("pixels")[3*size*size:], 1, 3, size, size))
			if d := b.Dimension(); !slices.Equal(one.Floats(), images.Floats()[d:]) {
				t.Error("a picture alone gives other bits than in the batch")
			}
		})
	}
}

func TestBadConfigs(t *testing.T) {
	for config, want := range map[string]string{
		`{"vision_config": {"vision_use_head": false}}`:  "vision_use_head is false",
		`{"text_config": {"projection_size": 9}}`:        "does not end in the 768 dimensions",
		`{"vision_config": {"num_channels": 1}}`:         "num_channels is 1, want 3",
		`{"text_config": {"hidden_act": "maxout"}}`:      `text: unknown activation "maxout"`,
		`{"vision_config": {"num_attention_heads": 7}}`:  "not a multiple of 7 heads",
		`{"text_config": {"max_position_embeddings":0}}`: "length is 0",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "siglip: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", config, err, want)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/siglip")); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"model.safetensors", "preprocessor_config.json", "tokenizer.json"} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
		if b, err := Open(dir); err == nil {
			b.Close()
			t.Errorf("opened without %s", file)
		}
	}
}
