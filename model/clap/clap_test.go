package clap

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

func open(t *testing.T, name string) *Bundle {
	t.Helper()
	b, err := Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// Sounds and texts have the very bits in a batch that they have alone, with any number of workers.
func TestBatchEqualsParts(t *testing.T) {
	for _, name := range []string{"unfused", "fused"} {
		b := open(t, name)
		var whole []float32
		for workers := 1; workers <= 3; workers++ {
			p := tensor.NewPass(context.Background(), workers)
			x, err := b.EmbedAudio(p, sounds)
			if err != nil {
				t.Fatal(err)
			}
			if whole == nil {
				whole = x.Floats()
			} else if !slices.Equal(whole, x.Floats()) {
				t.Errorf("%s: %d workers give other bits than one", name, workers)
			}
		}
		for i, sound := range sounds {
			x, err := b.EmbedAudio(tensor.NewPass(context.Background(), 2), [][]float32{sound})
			if err != nil {
				t.Fatal(err)
			}
			if d := b.Dimension(); !slices.Equal(x.Floats(), whole[i*d:(i+1)*d]) {
				t.Errorf("%s: sound %d alone gives other bits than in the batch", name, i)
			}
		}
	}
}

// What lies beyond the limit is not heard; without fusion that is what follows ten seconds.
func TestLimit(t *testing.T) {
	b := open(t, "unfused")
	p := tensor.NewPass(context.Background(), 0)
	long, err := b.EmbedAudio(p, [][]float32{sounds[2], sounds[2][:b.AudioLimit()]})
	if err != nil {
		t.Fatal(err)
	}
	d := b.Dimension()
	if !slices.Equal(long.Floats()[:d], long.Floats()[d:]) {
		t.Error("what follows ten seconds was heard")
	}
	if f := open(t, "fused"); b.AudioLimit() != 480000 || f.AudioLimit() != 28800000 || b.AudioRate() != 48000 {
		t.Errorf("limits are %d and %d samples", b.AudioLimit(), f.AudioLimit())
	}
	if n := b.AudioTokens(7); n != 32*32 {
		t.Errorf("a sound has %d tokens, want %d", n, 32*32)
	}
	if x, err := b.EmbedAudio(p, nil); err != nil || x.Len() > 0 {
		t.Errorf("no sounds: %v, %v", x, err)
	}
	if _, err := b.EmbedAudio(p, [][]float32{nil}); err == nil || err.Error() != "clap: sound 0 has no samples" {
		t.Errorf("an empty sound: %v", err)
	}
}

// Every format of weights can be chosen, and stays near float32.
func TestFormats(t *testing.T) {
	for _, name := range []string{"unfused", "fused"} {
		b := open(t, name)
		embed := func(f tensor.Format) []float32 {
			nn.SetFormat(b.Params(), f)
			x, err := b.EmbedAudio(tensor.NewPass(context.Background(), 0), sounds[:1])
			if err != nil {
				t.Fatal(err)
			}
			return x.Normalize(1e-12).Floats()
		}
		exact := slices.Clone(embed(tensor.FormatF32))
		for f, least := range map[tensor.Format]float64{tensor.FormatBF16: 0.9995, tensor.FormatW8: 0.99, tensor.FormatI8: 0.99} {
			cosine := 0.0
			for i, v := range embed(f) {
				cosine += float64(v) * float64(exact[i])
			}
			t.Logf("%s %v: cosine %.6f", name, f, cosine)
			if !(cosine >= least) {
				t.Errorf("%s: %v comes as near as %v to f32, want %v", name, f, cosine, least)
			}
		}
	}
}

func TestBadConfigs(t *testing.T) {
	for config, want := range map[string]string{
		`{"audio_config": {"num_mel_bins": 80}}`:                                   "num_mel_bins is 80, want 64",
		`{"audio_config": {"spec_size": 250}}`:                                     "spec_size is 250",
		`{"audio_config": {"spec_size": 128, "patch_size": 2, "patch_stride": 2}}`: "holds 256 frames, want 1001",
		`{"audio_config": {"patch_stride": 2}}`:                                    "patches of 4 every 2",
		`{"audio_config": {"patch_size": [4, 2]}}`:                                 "two of one length",
		`{"audio_config": {"patch_size": "4"}}`:                                    "cannot unmarshal",
		`{"audio_config": {"depths": [2, 2]}}`:                                     "heads of 4 stages, want those of 2",
		`{"audio_config": {"depths": [2, 2, 6, 0]}}`:                               "stage 3 has 0 blocks",
		`{"audio_config": {"num_attention_heads": [4, 8, 16, 31]}}`:                "not a multiple of 31 heads",
		`{"audio_config": {"window_size": 9}}`:                                     "smaller than its windows of 9 x 9",
		`{"audio_config": {"mlp_ratio": -1}}`:                                      "the ratio of the hidden width is -1",
		`{"audio_config": {"hidden_size": 700}}`:                                   "want that of the last stage, 768",
		`{"audio_config": {"enable_fusion": true, "fusion_type": "channel_map"}}`:  "want aff_2d",
		`{"audio_config": {"enable_fusion": true, "aff_block_r": 0}}`:              "aff_block_r 0",
		`{"audio_config": {"patch_embed_input_channels": 3}}`:                      "patch_embed_input_channels 1",
		`{"audio_config": {"hidden_act": "maxout"}}`:                               `unknown activation "maxout"`,
		`{"text_config": {"num_attention_heads": 7}}`:                              "not a multiple of 7 heads",
		`{"projection_dim": 0}`:                                                    "projection_dim is 0",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "clap: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", config, err, want)
		}
	}
	if c, err := ParseConfig([]byte(`{"audio_config": {"enable_fusion": true}}`)); err != nil || !c.Fusion || c.Swin.Rows != 64 || c.D != 512 {
		t.Errorf("the defaults are %+v, %v", c, err)
	}
}

// A folder that lacks a file, or has one that doesn't fit, is refused.
func TestBadFolders(t *testing.T) {
	for file, change := range map[string]struct{ old, new, want string }{
		"model.safetensors":        {},
		"tokenizer.json":           {},
		"preprocessor_config.json": {},
		"config.json":              {`"depths": [`, `"depths": [1,`, "heads of 3 stages, want those of 4"},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("testdata/unfused")); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, file)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(path)
		if change.old != "" {
			if err := os.WriteFile(path, []byte(strings.Replace(string(data), change.old, change.new, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := Open(dir)
		if err == nil {
			b.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "clap: ") || !strings.Contains(err.Error(), change.want) {
			t.Errorf("with another %s: got %v", file, err)
		}
	}
	for old, new := range map[string]string{
		"rand_trunc": "fusion", `"hop_length": 480`: `"hop_length": 320`, "repeatpad": "pad", `"top_db": null`: `"top_db": 80`,
		`"frequency_min": 50`: `"frequency_min": 14000`, `"sampling_rate": 48000`: `"sampling_rate": "fast"`,
	} {
		dir := t.TempDir()
		data, err := os.ReadFile("testdata/unfused/preprocessor_config.json")
		if err != nil || !strings.Contains(string(data), old) {
			t.Fatal(err, old)
		}
		if err := os.WriteFile(filepath.Join(dir, "preprocessor_config.json"), []byte(strings.Replace(string(data), old, new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := openFeatures(dir, false); err == nil || !strings.HasPrefix(err.Error(), "clap: preprocessor_config.json: ") {
			t.Errorf("%s: got %v", new, err)
		}
	}
}

// The weight of a place that isn't finite makes vectors that aren't, and is named.
func TestFiniteNamesTheWeight(t *testing.T) {
	b := open(t, "fused")
	v := slices.Clone(b.Sound.Fuse.Local.Up.Bias.Floats())
	v[3] = float32(math.NaN())
	e := tensor.EntryOf("", v, len(v))
	b.Sound.Fuse.Local.Up.Bias.Store(e.DType, e.Data, nil)
	if err := nn.Finite(b.Params()); err == nil || !strings.Contains(err.Error(), "audio_encoder.patch_embed.fusion_model.local_att.up.bias") {
		t.Errorf("got %v", err)
	}
}
