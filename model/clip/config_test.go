package clip

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/model/text"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

func TestDefaultsOfTransformers(t *testing.T) {
	c, err := ParseConfig([]byte(`{"architectures":["CLIPModel"]}`))
	if err != nil {
		t.Fatal(err)
	}
	// An empty config is ViT-B/32, as CLIPConfig() is.
	if c.D != 512 || c.Text.Context != 77 || c.Text.Vocab != 49408 || c.Vision.Patch != 32 || c.Vision.Width != 768 || c.Text.Act != tensor.QuickGELU || c.Text.Pool != text.PoolEnd {
		t.Errorf("got %+v", c)
	}
	c, err = ParseConfig([]byte(`{"text_config":{"hidden_size":64},"text_config_dict":{"hidden_size":128,"eos_token_id":2,"hidden_act":"gelu"}}`))
	if err != nil || c.Text.Width != 128 || c.Text.Pool != text.PoolHighest || c.Text.Act != tensor.GELU {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestRefusedOpenConfigs(t *testing.T) {
	for config, want := range map[string]string{
		`{"embed_dim":512,"vision_cfg":{"layers":[3,4,6,3]},"text_cfg":{}}`:                "a ResNet",
		`{"embed_dim":512,"vision_cfg":{"attentional_pool":true},"text_cfg":{}}`:           "attentional_pool",
		`{"embed_dim":512,"vision_cfg":{"qk_norm":true},"text_cfg":{}}`:                    "vision_cfg: qk_norm",
		`{"embed_dim":512,"vision_cfg":{},"text_cfg":{"hf_model_name":"roberta-base"}}`:    `"roberta-base"`,
		`{"embed_dim":512,"vision_cfg":{},"text_cfg":{"embed_cls":true}}`:                  "embed_cls",
		`{"embed_dim":512,"vision_cfg":{},"text_cfg":{"pool_type":"none"}}`:                `"none"`,
		`{"embed_dim":512,"multimodal_cfg":{"width":512},"vision_cfg":{},"text_cfg":{}}`:   "CoCa",
		`{"embed_dim":512,"vision_cfg":{"timm_model_name":"convnext_base"},"text_cfg":{}}`: `"convnext_base"`,
		`{"embed_dim":512,"vision_cfg":{"image_size":"big"},"text_cfg":{}}`:                "image_size",
		`{"embed_dim":0,"vision_cfg":{},"text_cfg":{}}`:                                    "projection_dim is 0",
		`{"embed_dim":512,"vision_cfg":{"patch_size":500},"text_cfg":{}}`:                  "patch size 500",
		`[]`: "open_clip config",
	} {
		_, err := ParseOpenConfig([]byte(config), &weights.Set{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %s", config, err, want)
		}
	}
}

func TestValidateVision(t *testing.T) {
	good := vit.Config{Width: 8, Layers: 1, Heads: 2, Hidden: 8, Height: 8, Wide: 8, Patch: 4, Pool: vit.PoolMean}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for _, f := range []func(*vit.Config){
		func(c *vit.Config) { c.Heads = 3 }, func(c *vit.Config) { c.Patch = 9 }, func(c *vit.Config) { c.Pool = vit.PoolToken },
		func(c *vit.Config) { c.Pool = "x" }, func(c *vit.Config) { c.Layers = -1 }, func(c *vit.Config) { c.Width = 1 << 30 },
	} {
		c := good
		f(&c)
		if c.Validate() == nil {
			t.Errorf("%+v is valid", c)
		}
	}
}

// Whatever a config says, reading it and making the model that it describes neither panics nor takes memory for values.
func FuzzConfig(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*config.json")
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseConfig(data); err == nil {
			if _, err := New(*c); err != nil {
				t.Errorf("a config that was read is refused: %v", err)
			}
		}
		if c, err := ParseOpenConfig(data, &weights.Set{}); err == nil {
			_, _ = New(*c)
		}
	})
}
