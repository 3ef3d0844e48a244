package clip

import (
	"fmt"
	"strings"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// prefixes and parts turn the names of open_clip and OpenAI, which are the same, and of timm towers in open_clip's files, into those
// of transformers. The first prefix that fits is taken; every part of the rest is replaced.
var prefixes = [][2]string{
	{"text.", ""}, // open_clip's CustomTextCLIP keeps the text tower in a module of its own
	{"visual.transformer.resblocks.", "vision_model.encoder.layers."},
	{"visual.trunk.blocks.", "vision_model.encoder.layers."},
	{"visual.trunk.cls_token", "vision_model.embeddings.class_embedding"},
	{"visual.trunk.pos_embed", "vision_model.embeddings.position_embedding.weight"},
	{"visual.trunk.patch_embed.proj.", "vision_model.embeddings.patch_embedding."},
	{"visual.trunk.norm_pre.", "vision_model.pre_layrnorm."},
	{"visual.trunk.norm.", "vision_model.post_layernorm."},
	{"visual.trunk.fc_norm.", "vision_model.post_layernorm."},
	{"visual.trunk.head.", "visual_projection."},
	{"visual.head.proj.", "visual_projection."},
	{"visual.head.mlp.", "head."},
	{"visual.class_embedding", "vision_model.embeddings.class_embedding"},
	{"visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"},
	{"visual.conv1.", "vision_model.embeddings.patch_embedding."},
	{"visual.ln_pre.", "vision_model.pre_layrnorm."},
	{"visual.ln_post.", "vision_model.post_layernorm."},
	{"visual.proj", "visual_projection.weight"},
	{"transformer.resblocks.", "text_model.encoder.layers."},
	{"token_embedding.", "text_model.embeddings.token_embedding."},
	{"positional_embedding", "text_model.embeddings.position_embedding.weight"},
	{"ln_final.", "text_model.final_layer_norm."},
}

var parts = strings.NewReplacer(
	".ln_1.", ".layer_norm1.", ".ln_2.", ".layer_norm2.", ".mlp.c_fc.", ".mlp.fc1.", ".mlp.c_proj.", ".mlp.fc2.",
	".norm1.", ".layer_norm1.", ".norm2.", ".layer_norm2.", ".attn.proj.", ".self_attn.out_proj.",
	".attn.in_proj_", ".self_attn.qkv.", ".attn.qkv.", ".self_attn.qkv.", ".attn.", ".self_attn.",
	".ls_1.gamma", ".ls1", ".ls_2.gamma", ".ls2", ".ls1.gamma", ".ls1", ".ls2.gamma", ".ls2",
)

func rename(name string) string {
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(name, p[0]); ok {
			if p[1] == "" {
				return rename(rest)
			}
			return parts.Replace(p[1] + rest)
		}
	}
	return name
}

// Entries is a checkpoint of any layout in the form that a [Model] binds: transformers' names, one entry per parameter, without the
// buffers that hold no weights.
func Entries(set *weights.Set, layout Layout) ([]tensor.Entry, error) {
	var entries []tensor.Entry
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		switch {
		case strings.HasSuffix(name, "position_ids"), name == "attn_mask", name == "input_resolution", name == "context_length", name == "vocab_size":
			continue
		case layout == Transformers:
			entries = append(entries, e)
			continue
		}
		e.Name = rename(name)
		switch {
		case strings.Contains(e.Name, ".self_attn.qkv."):
			split, err := nn.SplitQKV(e)
			if err != nil {
				return nil, err
			}
			entries = append(entries, split...)
			continue
		case name == "visual.proj", e.Name == "text_projection": // stored [C, D], applied as x·P
			e.Name = strings.TrimSuffix(e.Name, ".weight") + ".weight"
			e = transpose(e)
		case name == "visual.trunk.cls_token", name == "visual.trunk.pos_embed":
			for len(e.Shape) > 1 && e.Shape[0] == 1 { // [1, T, C] → [T, C], [1, 1, C] → [C]
				e.Shape = e.Shape[1:]
			}
		case name == "logit_scale" || name == "logit_bias":
			if len(e.Shape) == 1 && e.Shape[0] == 1 {
				e.Shape = nil
			}
		}
		entries = append(entries, e)
	}
	return foldScales(entries)
}

// transpose is a copy of a matrix with its dimensions exchanged; other entries stay as they are, for Bind to complain of.
func transpose(e tensor.Entry) tensor.Entry {
	if len(e.Shape) != 2 {
		return e
	}
	rows, cols, size := e.Shape[0], e.Shape[1], e.DType.Size()
	data := make([]byte, len(e.Data))
	for r := range rows {
		for c := range cols {
			copy(data[(c*rows+r)*size:][:size], e.Data[(r*cols+c)*size:][:size])
		}
	}
	return tensor.Entry{Name: e.Name, DType: e.DType, Shape: []int{cols, rows}, Data: data}
}

// foldScales multiplies each layer scale into the projection before it: γ·(Wx + b) = (γW)x + γb.
func foldScales(entries []tensor.Entry) ([]tensor.Entry, error) {
	gammas := map[string][]float32{}
	kept := entries[:0]
	for _, e := range entries {
		if base, ok := strings.CutSuffix(e.Name, ".ls1"); ok {
			gammas[base+".self_attn.out_proj."] = e.Floats()
		} else if base, ok := strings.CutSuffix(e.Name, ".ls2"); ok {
			gammas[base+".mlp.fc2."] = e.Floats()
		} else {
			kept = append(kept, e)
		}
	}
	for i, e := range kept {
		gamma, ok := gammas[e.Name[:strings.LastIndexByte(e.Name, '.')+1]]
		if !ok || len(e.Shape) == 0 {
			continue
		}
		if len(gamma) != e.Shape[0] {
			return nil, fmt.Errorf("clip: weights: the layer scale of %s has %d values, want %d", e.Name, len(gamma), e.Shape[0])
		}
		v := e.Floats()
		row := len(v) / max(len(gamma), 1)
		for j := range v {
			v[j] *= gamma[j/row]
		}
		kept[i] = tensor.EntryOf(e.Name, v, e.Shape...)
	}
	return kept, nil
}
