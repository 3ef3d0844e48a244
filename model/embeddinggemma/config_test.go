package embeddinggemma

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The released model's numbers are the defaults.
func TestDefaults(t *testing.T) {
	c, err := ParseConfig([]byte(`{"vision_config": {}, "audio_config": {}}`))
	if err != nil {
		t.Fatal(err)
	}
	full := 0
	for i, l := range c.Text.Layers {
		if l.Window == 0 {
			full++
			if i%6 != 5 || l.D != 512 || l.Keys != 1 || l.Theta != 1e6 {
				t.Errorf("layer %d is %+v", i, l)
			}
		} else if l.Window != 512 || l.D != 256 || l.Keys != 2 || l.Theta != 1e4 {
			t.Errorf("layer %d is %+v", i, l)
		}
	}
	if len(c.Text.Layers) != 24 || full != 4 || c.Context() != 8192 || c.Text.Dimension != 768 || len(c.Dimensions()) != 4 {
		t.Errorf("%d layers, %d of them full, %d tokens, %v dimensions", len(c.Text.Layers), full, c.Context(), c.Dimensions())
	}
	if got := c.Vision.Tokens(672, 960); got != 280 || c.Hearing.Tokens(2999) != 750 {
		t.Errorf("%d tokens of a picture, %d of a sound", got, c.Hearing.Tokens(2999))
	}
}

func TestBadConfigs(t *testing.T) {
	for config, want := range map[string]string{
		`{`: "unexpected end",
		`{"text_config": {"num_attention_heads": 3}}`:                                          "heads of 256 and 2 of keys",
		`{"text_config": {"layer_types": ["full_attention"]}}`:                                 "24 layers of 1 types",
		`{"text_config": {"num_hidden_layers": 1, "layer_types": [3]}}`:                        "cannot unmarshal",
		`{"text_config": {"num_hidden_layers": 2, "layer_types": ["a", "b"]}}`:                 "rope_parameters of a",
		`{"text_config": {"attention_bias": true}}`:                                            "attention_bias is true",
		`{"text_config": {"per_layer_config": {"x": {"head_dim": 2}}}}`:                        `of layer "x"`,
		`{"text_config": {"per_layer_config": {"24": {"head_dim": 2}}}}`:                       `of layer "24"`,
		`{"text_config": {"hidden_size": 1e9}}`:                                                "cannot unmarshal",
		`{"text_config": {"vocab_size": 100000000}}`:                                           "vocab_size is 100000000",
		`{"text_config": {"rope_parameters": {"full_attention": {"rope_type": "yarn"}}}}`:      "want rope_type default",
		`{"text_config": {"hidden_activation": "maxout"}}`:                                     "unknown activation",
		`{"text_config": {"pad_token_id": -1}}`:                                                "pad_token_id is -1",
		`{"text_config": {"sliding_window_pattern": 0}}`:                                       "sliding_window_pattern is 0",
		`{"vision_config": {"model_type": "siglip_vision_model"}}`:                             "want gemma4_vision",
		`{"vision_config": {"head_dim": 6}}`:                                                   "a width that 4 divides",
		`{"vision_config": {"patch_size": 0}}`:                                                 "patch_size is 0",
		`{"audio_config": {"subsampling_conv_channels": [64, 32]}}`:                            "sounds of 64 bands, want 128",
		`{"audio_config": {"subsampling_conv_channels": [1]}}`:                                 "subsampling_conv_channels [1]",
		`{"audio_config": {"attention_context_left": 1}}`:                                      "attention_context_left 1",
		`{"audio_config": {"gradient_clipping": 5}}`:                                           "gradient_clipping 5",
		`{"audio_config": {"num_attention_heads": 7, "subsampling_conv_channels": [128, 32]}}`: "7 heads in 1024",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "embeddinggemma: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", config, err, want)
		}
	}
}

func TestBadFolders(t *testing.T) {
	for what, c := range map[string]struct{ file, content, want string }{
		"no weights":           {"model.safetensors", "", "model.safetensors"},
		"no processor":         {"processor_config.json", "", "no processor_config.json"},
		"other pictures":       {"processor_config.json", `{"image_processor": {"image_processor_type": "CLIPImageProcessor"}}`, "the model takes tiles of 8"},
		"other patches":        {"processor_config.json", `{"image_processor": {"image_processor_type": "Gemma4ImageProcessor", "patch_size": 16}}`, "tiles of 48 pixels"},
		"frames without limit": {"processor_config.json", `{"image_processor": {"image_processor_type": "Gemma4ImageProcessor", "patch_size": 4, "pooling_kernel_size": 2, "max_soft_tokens": 70}, "video_processor": {"max_frames": null}}`, `overflow_strategy "uniform" without max_frames`},
		"dense module":         {"modules.json", `[{"type": "sentence_transformers.models.Dense"}]`, "a module of the type sentence_transformers.models.Dense"},
		"other pooling":        {"1_Pooling/config.json", `{"pooling_mode": "cls"}`, "want the mean of all tokens"},
		"no default prompt":    {"config_sentence_transformers.json", `{"default_prompt_name": "x"}`, `default_prompt_name is "x"`},
		"no tokenizer":         {"tokenizer.json", "", "tokenizer.json"},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
				t.Fatal(err)
			}
			err := os.Remove(filepath.Join(dir, c.file))
			if c.content != "" {
				err = os.WriteFile(filepath.Join(dir, c.file), []byte(c.content), 0o600)
			}
			if what == "no weights" { // golden data are none
				err = os.Remove(filepath.Join(dir, "golden.safetensors"))
			}
			if err != nil {
				t.Fatal(err)
			}
			b, err := Open(dir)
			if err == nil {
				b.Close()
			}
			if err == nil || !strings.HasPrefix(err.Error(), "embeddinggemma: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

func FuzzParseConfig(f *testing.F) {
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"text_config": {"num_hidden_layers": 1024, "layer_types": null}, "vision_config": null, "audio_config": {}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err == nil && (len(c.Text.Layers) == 0 || c.Context() < 1 || len(c.Dimensions()) == 0) {
			t.Errorf("a model without layers, context or dimension: %+v", c)
		}
	})
}
