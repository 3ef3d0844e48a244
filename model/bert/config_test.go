package bert

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chiasm/chiasm/tensor"
)

func TestDefaults(t *testing.T) {
	for kind, want := range map[string]Config{
		"bert":       {Width: 768, Layers: 12, Heads: 12, Hidden: 3072, Vocab: 30522, Positions: 512, Types: 2, Act: tensor.GELU, Eps: 1e-12},
		"roberta":    {Width: 768, Layers: 12, Heads: 12, Hidden: 3072, Vocab: 50265, Positions: 512, Types: 2, Act: tensor.GELU, Eps: 1e-12, Pad: 1, First: 2},
		"distilbert": {Width: 768, Layers: 6, Heads: 12, Hidden: 3072, Vocab: 30522, Positions: 512, Act: tensor.GELU, Eps: 1e-12},
		"mpnet":      {Width: 768, Layers: 12, Heads: 12, Hidden: 3072, Vocab: 30527, Positions: 512, Act: tensor.GELU, Eps: 1e-12, Pad: 1, First: 2, Buckets: 32},
	} {
		got, err := ParseConfig([]byte(`{"model_type": "` + kind + `"}`))
		if err != nil || *got != want {
			t.Errorf("%s: got %+v, %v", kind, got, err)
		}
	}
}

// Whatever a config says, reading it and making the encoder that it describes neither panics nor takes memory for values.
func FuzzConfig(f *testing.F) {
	files, err := filepath.Glob("../sentence/testdata/*/config.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no configs", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
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
