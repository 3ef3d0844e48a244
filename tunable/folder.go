package tunable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
)

// The files of a model's folder in transformers' layout.
const (
	ConfigFile    = "config.json"
	ProcessorFile = "preprocessor_config.json"
	WeightsFile   = "model.safetensors"
)

var (
	tokenizerFiles = []string{
		"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "vocab.txt",
		"spiece.model", "sentencepiece.bpe.model",
	}
	processorFiles = []string{ProcessorFile, "processor_config.json"}
)

// Furnish writes everything but the weights and the card into a model's folder.
func (m *Model) Furnish(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("tunable: %w", err)
	}
	if m.config == nil {
		if err := m.copyConfig(folder); err != nil {
			return err
		}
		return copyFiles(m.Folder, folder, slices.Concat(tokenizerFiles, processorFiles))
	}
	config, err := m.config()
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	if m.Tokenizer == token.CLIP() {
		files = token.CLIPFiles()
	} else if err := copyFiles(m.Folder, folder, tokenizerFiles); err != nil {
		return err
	}
	files[ConfigFile], files[ProcessorFile] = config, processorOf(m.Image.Pixels())
	return writeFiles(folder, files)
}

// copyConfig copies config.json, which says in what numbers the weights are stored: float32 now.
func (m *Model) copyConfig(folder string) error {
	data, err := os.ReadFile(filepath.Join(m.Folder, ConfigFile))
	if err != nil {
		return fmt.Errorf("tunable: %w", err)
	}
	var config map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // 1.0 must not become 1
	if err := d.Decode(&config); err != nil {
		return fmt.Errorf("tunable: %s: %w", ConfigFile, err)
	}
	for _, part := range []any{config, config["text_config"], config["vision_config"], config["audio_config"]} {
		at, ok := part.(map[string]any)
		for _, key := range []string{"dtype", "torch_dtype"} {
			if _, has := at[key]; ok && has {
				at[key] = "float32"
			}
		}
	}
	return writeFiles(folder, map[string][]byte{ConfigFile: whole.JSON(config)})
}

// CopyTokenizer copies the files of a tokenizer from one folder into another.
func CopyTokenizer(from, to string) error { return copyFiles(from, to, tokenizerFiles) }

// copyFiles copies those of the files that there are.
func copyFiles(from, to string, names []string) error {
	if same, err := SameFolder(from, to); same || err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("tunable: %w", err)
		}
		if err == nil {
			files[name] = data
		}
	}
	return writeFiles(to, files)
}

// SameFolder reports whether two paths are of one folder.
func SameFolder(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if err != nil {
		return false, fmt.Errorf("tunable: %w", err)
	}
	y, err := os.Stat(b)
	if err != nil {
		return false, fmt.Errorf("tunable: %w", err)
	}
	return os.SameFile(x, y), nil
}

// writeFiles writes small files into a folder.
func writeFiles(folder string, files map[string][]byte) error {
	if err := whole.WriteFiles(folder, files); err != nil {
		return fmt.Errorf("tunable: %w", err)
	}
	return nil
}

// activations are transformers' names of those that published towers have.
var activations = map[tensor.Activation]string{tensor.QuickGELU: "quick_gelu", tensor.GELU: "gelu", tensor.GELUTanh: "gelu_pytorch_tanh"}

// configOfCLIP is the config.json of a model whose files have none, because they are open_clip's or OpenAI's. It is an error if
// transformers' CLIPModel has no such shape.
func configOfCLIP(c *clip.Config) ([]byte, error) {
	v, t := &c.Vision, &c.Text
	plain := v.ClassToken && v.PreNorm && v.Pool == vit.PoolToken && !v.PatchBias && !v.NoQKVBias && v.Height == v.Wide && !t.ProjectionBias && !c.HeadBias && t.Causal
	if !plain || c.Head != clip.HeadLinear || c.Bias || activations[v.Act] == "" || activations[t.Act] == "" {
		return nil, errors.New("tunable: transformers' CLIPModel has no place for a model of this shape (a timm tower, or a bias of the logits): begin with one of OpenAI's shapes")
	}
	return CLIPConfig(c), nil
}

// CLIPConfig is transformers' config.json of a CLIPModel.
func CLIPConfig(c *clip.Config) []byte {
	v, t := &c.Vision, &c.Text
	return whole.JSON(map[string]any{
		"architectures": []string{"CLIPModel"}, "model_type": "clip", "projection_dim": c.D, "logit_scale_init_value": 2.6592, "dtype": "float32",
		"text_config": map[string]any{
			"model_type": "clip_text_model", "hidden_size": t.Width, "intermediate_size": t.Hidden, "num_hidden_layers": t.Layers, "num_attention_heads": t.Heads,
			"vocab_size": t.Vocab, "max_position_embeddings": t.Context, "hidden_act": activations[t.Act], "layer_norm_eps": shortest32(t.Eps),
			"projection_dim": c.D, "eos_token_id": t.End, "bos_token_id": t.End - 1, "pad_token_id": t.Pad,
		},
		"vision_config": map[string]any{
			"model_type": "clip_vision_model", "hidden_size": v.Width, "intermediate_size": v.Hidden, "num_hidden_layers": v.Layers, "num_attention_heads": v.Heads,
			"image_size": v.Height, "patch_size": v.Patch, "num_channels": 3, "hidden_act": activations[v.Act], "layer_norm_eps": shortest32(v.Eps), "projection_dim": c.D,
		},
	})
}

// shortest32 is a number with as few digits as tell it from other float32.
func shortest32(v float32) json.Number {
	return json.Number(strconv.FormatFloat(float64(v), 'g', -1, 32))
}

// CLIPProcessor is the preprocessor_config.json of a model for square pictures.
func CLIPProcessor(size int, mean, std [3]float32) []byte {
	short := func(v [3]float32) (list []json.Number) {
		for _, x := range v {
			list = append(list, shortest32(x))
		}
		return list
	}
	return whole.JSON(map[string]any{
		"image_processor_type": "CLIPImageProcessor", "do_resize": true, "size": map[string]int{"shortest_edge": size}, "resample": 3,
		"do_center_crop": true, "crop_size": map[string]int{"height": size, "width": size},
		"do_rescale": true, "rescale_factor": 1.0 / 255, "do_normalize": true, "do_convert_rgb": true,
		"image_mean": short(mean), "image_std": short(std),
	})
}

// processorOf is that of a model whose files have none.
func processorOf(p *image.Processor) []byte {
	_, h := p.Size()
	return CLIPProcessor(h, p.Mean, p.Std)
}
