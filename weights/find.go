package weights

import (
	"os"
	"path/filepath"
)

// The names that libraries give to files of weights, best first. A name that ends in .index.json stands for shards.
var (
	TransformersFiles = []string{"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"}
	OpenCLIPFiles     = []string{"open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin", "model.safetensors", "pytorch_model.bin"}
)

// Find is the path of the first of the names that exists in dir, or "".
func Find(dir string, names []string) string {
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return filepath.Join(dir, name)
		}
	}
	return ""
}
