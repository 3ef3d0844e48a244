package study

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
)

// The files of a model's folder in transformers' layout.
const configFile, processorFile = "config.json", "preprocessor_config.json"

var (
	tokenizerFiles = []string{
		"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "vocab.txt",
		"spiece.model", "sentencepiece.bpe.model",
	}
	processorFiles = []string{processorFile, "processor_config.json"}
)

// furnish writes everything but the weights and the card into a model's folder.
func (t *trainee) furnish(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	if t.config == nil {
		if err := t.copyConfig(folder); err != nil {
			return err
		}
		return copyFiles(t.folder, folder, append(tokenizerFiles, processorFiles...))
	}
	config, err := t.config()
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	if t.tokenizer == token.CLIP() {
		files = token.CLIPFiles()
	} else if err := copyFiles(t.folder, folder, tokenizerFiles); err != nil {
		return err
	}
	files[configFile], files[processorFile] = config, processorOf(t)
	return writeFiles(folder, files)
}

// copyConfig copies config.json, which says in what numbers the weights are stored: float32 now.
func (t *trainee) copyConfig(folder string) error {
	data, err := os.ReadFile(filepath.Join(t.folder, configFile))
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	var config map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // 1.0 must not become 1
	if err := d.Decode(&config); err != nil {
		return fmt.Errorf("study: %s: %w", configFile, err)
	}
	for _, part := range []any{config, config["text_config"], config["vision_config"], config["audio_config"]} {
		m, ok := part.(map[string]any)
		for _, key := range []string{"dtype", "torch_dtype"} {
			if _, has := m[key]; ok && has {
				m[key] = "float32"
			}
		}
	}
	return writeFiles(folder, map[string][]byte{configFile: asJSON(config)})
}

// copyFiles copies those of the files that there are.
func copyFiles(from, to string, names []string) error {
	if same, err := sameFolder(from, to); same || err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("study: %w", err)
		}
		if err == nil {
			files[name] = data
		}
	}
	return writeFiles(to, files)
}

func sameFolder(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if err != nil {
		return false, fmt.Errorf("study: %w", err)
	}
	y, err := os.Stat(b)
	if err != nil {
		return false, fmt.Errorf("study: %w", err)
	}
	return os.SameFile(x, y), nil
}

// writeFiles writes small files into a folder, each whole or not at all.
func writeFiles(folder string, files map[string][]byte) error {
	for _, name := range sortedKeys(files) {
		if err := writeFile(filepath.Join(folder, name), files[name]); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, data []byte) error {
	if err := whole.WriteBytes(path, data); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return nil
}

func asJSON(v any) []byte {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // strings and numbers can be written
	}
	return append(data, '\n')
}

// activations are transformers' names of those that published towers have.
var activations = map[tensor.Activation]string{tensor.QuickGELU: "quick_gelu", tensor.GELU: "gelu", tensor.GELUTanh: "gelu_pytorch_tanh"}

// configOfCLIP is the config.json of a model whose files have none, because they are open_clip's or OpenAI's. It is an error if
// transformers' CLIPModel has no such shape.
func configOfCLIP(c *clip.Config) ([]byte, error) {
	v, t := &c.Vision, &c.Text
	plain := v.ClassToken && v.PreNorm && v.Pool == vit.PoolToken && !v.PatchBias && !v.NoQKVBias && v.Height == v.Wide && !t.ProjectionBias && !c.HeadBias && t.Causal
	if !plain || c.Head != clip.HeadLinear || c.Bias || activations[v.Act] == "" || activations[t.Act] == "" {
		return nil, errors.New("study: transformers' CLIPModel has no place for a model of this shape (a timm tower, or a bias of the logits): begin with one of OpenAI's shapes")
	}
	return clipConfig(c), nil
}

// clipConfig is transformers' config.json of a CLIPModel.
func clipConfig(c *clip.Config) []byte {
	v, t := &c.Vision, &c.Text
	return asJSON(map[string]any{
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

// processorOf is the preprocessor_config.json of a model for square pictures of CLIP's colours.
func processorOf(t *trainee) []byte {
	_, h := t.image.Pixels().Size()
	p := t.image.Pixels()
	return clipProcessor(h, p.Mean, p.Std)
}

func clipProcessor(size int, mean, std [3]float32) []byte {
	short := func(v [3]float32) (list []json.Number) {
		for _, x := range v {
			list = append(list, shortest32(x))
		}
		return list
	}
	return asJSON(map[string]any{
		"image_processor_type": "CLIPImageProcessor", "do_resize": true, "size": map[string]int{"shortest_edge": size}, "resample": 3,
		"do_center_crop": true, "crop_size": map[string]int{"height": size, "width": size},
		"do_rescale": true, "rescale_factor": 1.0 / 255, "do_normalize": true, "do_convert_rgb": true,
		"image_mean": short(mean), "image_std": short(std),
	})
}

// clipMean and clipStd are CLIP's, of its training pictures (Radford et al. 2021).
var clipMean, clipStd = [3]float32{0.48145466, 0.4578275, 0.40821073}, [3]float32{0.26862954, 0.26130258, 0.27577711}
