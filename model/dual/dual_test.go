package dual

import (
	"strings"
	"testing"
)

const good = `{"model_type": "chiasm_dual", "projection_dim": 8, "max_length": 10,
 "image_config": {"Width": 0.25, "Depth": 0.5, "Stem": 8, "Head": 24, "Classes": 0, "Size": 32, "Eps": 1e-3, "Momentum": 0.1},
 "text_config": {"model_type": "bert", "hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 30, "max_position_embeddings": 12}}`

func TestParseConfig(t *testing.T) {
	c, err := ParseConfig([]byte(good))
	if err != nil || c.D != 8 || c.text.Width != 12 || c.Image.Head != 24 {
		t.Fatalf("%v, %+v", err, c)
	}
	for change, want := range map[string]string{
		`chiasm_dual>clip`:                "model_type",
		`dim": 8>dim": 0`:                 "projection_dim is 0",
		`max_length": 10>max_length": 13`: "max_length is 13",
		`"Size": 32>"Size": -1`:           "dual: config.json",
		`"Classes": 0>"Classes": 5`:       "5 classes",
		`"bert">"gpt2"`:                   "gpt2",
		`{>[`:                             "dual: config.json",
	} {
		old, new, _ := strings.Cut(change, ">")
		if _, err := ParseConfig([]byte(strings.Replace(good, old, new, 1))); err == nil || !strings.HasPrefix(err.Error(), "dual: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", change, err, want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = ParseConfig(data) })
}
