package study

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/model/siglip"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/tunable"
	"github.com/chiasm/chiasm/weights"
)

// The shapes of new models.
const shapeCLIP, shapeSigLIP = "clip", "siglip"

// newModel writes a model of the recipe's shape with random weights into a folder, from which it is opened like any other. tokenizer is
// the folder whose tokenizer it takes, "" for CLIP's own.
func (r *Recipe) newModel(folder, tokenizer string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	var err error
	if tokenizer == "" {
		err = writeFiles(folder, token.CLIPFiles())
	} else {
		err = tunable.CopyTokenizer(tokenizer, folder)
	}
	if err != nil {
		return err
	}
	words, err := token.OpenFolder(folder)
	if err != nil {
		return fmt.Errorf("study: the tokenizer of the new model: %w", err)
	}
	var entries []tensor.Entry
	switch r.Model.Shape {
	case shapeCLIP:
		entries, err = r.newCLIP(folder, words)
	case shapeSigLIP:
		entries, err = r.newSigLIP(folder, words)
	default:
		err = fmt.Errorf("study: model.shape is %q: want %s or %s", r.Model.Shape, shapeCLIP, shapeSigLIP)
	}
	if err != nil {
		return err
	}
	if err := weights.Save(filepath.Join(folder, tunable.WeightsFile), entries, map[string]string{"format": "pt"}); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return nil
}

// ends are the ids that a tokenizer puts at the end of a text and fills it up with.
func ends(words *token.Tokenizer) (end, pad int32, err error) {
	ids := words.Encode("a", true).IDs
	name, ok := words.Special("eos")
	if ok {
		end, ok = words.ID(name)
	}
	if !ok && len(ids) > 0 {
		end, ok = ids[len(ids)-1], true
	}
	if len(ids) == 0 || ids[len(ids)-1] != end {
		return 0, 0, fmt.Errorf("study: the tokenizer does not put its end token behind a text: want one that does, as CLIP's; of \"a\" it makes %v", ids)
	}
	pad = end
	if name, ok := words.Special("pad"); ok {
		if id, ok := words.ID(name); ok {
			pad = id
		}
	}
	return end, pad, nil
}

// vocabulary is one more than the highest id.
func vocabulary(words *token.Tokenizer) int {
	n := words.VocabSize()
	for _, a := range words.Added() {
		n = max(n, int(a.ID)+1)
	}
	return n
}

func (r *Recipe) newCLIP(folder string, words *token.Tokenizer) ([]tensor.Entry, error) {
	end, pad, err := ends(words)
	if err != nil {
		return nil, err
	}
	m := &r.Model
	c := clip.Config{D: m.Dimension}
	t, v := &c.Text, &c.Vision
	t.Width, t.Layers, t.Heads, t.Hidden, t.Context = m.TextWidth, m.TextLayers, m.TextHeads, 4*m.TextWidth, m.Context
	t.Vocab, t.End, t.Pad, t.Act, t.Eps = vocabulary(words), end, pad, tensor.GELU, 1e-5
	v.Width, v.Layers, v.Heads, v.Hidden, v.Height, v.Patch = m.ImageWidth, m.ImageLayers, m.ImageHeads, 4*m.ImageWidth, m.ImageSize, m.Patch
	v.Act, v.Eps = tensor.GELU, 1e-5
	data := tunable.CLIPConfig(&c)
	config, err := clip.ParseConfig(data) // as it will be read
	if err != nil {
		return nil, err
	}
	model, err := clip.New(*config)
	if err != nil {
		return nil, err
	}
	r.draw(model)
	setScalar(model.LogitScale, math.Log(1/0.07))
	return nn.Entries(model), writeFiles(folder, map[string][]byte{tunable.ConfigFile: data, tunable.ProcessorFile: tunable.CLIPProcessor(m.ImageSize, clipMean, clipStd)})
}

func (r *Recipe) newSigLIP(folder string, words *token.Tokenizer) ([]tensor.Entry, error) {
	end, pad, err := ends(words)
	if err != nil {
		return nil, err
	}
	m := &r.Model
	if m.Dimension != m.ImageWidth {
		return nil, fmt.Errorf("study: model.dimension is %d and model.image_width %d: want the same, since SigLIP's image tower ends in the space", m.Dimension, m.ImageWidth)
	}
	data := whole.JSON(map[string]any{
		"architectures": []string{"SiglipModel"}, "model_type": "siglip", "dtype": "float32",
		"text_config": map[string]any{
			"model_type": "siglip_text_model", "hidden_size": m.TextWidth, "intermediate_size": 4 * m.TextWidth, "num_hidden_layers": m.TextLayers,
			"num_attention_heads": m.TextHeads, "vocab_size": vocabulary(words), "max_position_embeddings": m.Context, "projection_size": m.Dimension,
			"bos_token_id": end, "eos_token_id": end, "pad_token_id": pad, "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6,
		},
		"vision_config": map[string]any{
			"model_type": "siglip_vision_model", "hidden_size": m.ImageWidth, "intermediate_size": 4 * m.ImageWidth, "num_hidden_layers": m.ImageLayers,
			"num_attention_heads": m.ImageHeads, "image_size": m.ImageSize, "patch_size": m.Patch, "num_channels": 3,
			"hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6,
		},
	})
	config, err := siglip.ParseConfig(data)
	if err != nil {
		return nil, err
	}
	model := siglip.New(*config)
	r.draw(model)
	setScalar(model.LogitScale, math.Log(10)) // as Zhai et al. 2023 begin
	setScalar(model.LogitBias, -10)
	processor := whole.JSON(map[string]any{
		"image_processor_type": "SiglipImageProcessor", "do_resize": true, "size": map[string]int{"height": m.ImageSize, "width": m.ImageSize}, "resample": 3,
		"do_rescale": true, "rescale_factor": 1.0 / 255, "do_normalize": true, "do_convert_rgb": true, "image_mean": []float64{0.5, 0.5, 0.5}, "image_std": []float64{0.5, 0.5, 0.5},
	})
	return siglip.Publish(model), writeFiles(folder, map[string][]byte{tunable.ConfigFile: data, tunable.ProcessorFile: processor})
}

// draw gives a model random values by the recipe's seed. Embeddings are made small, as they are before training.
func (r *Recipe) draw(model any) {
	nn.Init(model, r.Learning.Seed+1)
	for name, p := range nn.Params(model) {
		if p.Rank() != 2 || !(strings.HasSuffix(name, "position_embedding.weight") || strings.HasSuffix(name, "token_embedding.weight")) {
			continue
		}
		scale := float32(0.02 * math.Sqrt(float64(p.Dim(1)))) // of variance 1/C
		for i, v := range p.Own() {
			p.Own()[i] = v * scale
		}
		p.Changed()
	}
}

// clipMean and clipStd are CLIP's, of its training pictures (Radford et al. 2021).
var clipMean, clipStd = [3]float32{0.48145466, 0.4578275, 0.40821073}, [3]float32{0.26862954, 0.26130258, 0.27577711}

func setScalar(p *tensor.Tensor, v float64) {
	p.Own()[0] = float32(v)
	p.Changed()
}
