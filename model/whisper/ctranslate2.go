package whisper

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// ctranslate2Names turn the names of CTranslate2 into those of transformers. They are tried in order.
var ctranslate2Names = strings.NewReplacer(
	"/ffn/layer_norm/", ".final_layer_norm.", "/ffn/linear_0/", ".fc1.", "/ffn/linear_1/", ".fc2.",
	"/self_attention/layer_norm/", ".self_attn_layer_norm.", "/self_attention/linear_1/", ".self_attn.out_proj.",
	"/attention/layer_norm/", ".encoder_attn_layer_norm.", "/attention/linear_0/", ".encoder_attn.q_proj.", "/attention/linear_2/", ".encoder_attn.out_proj.",
	"/position_encodings/encodings", ".embed_positions.weight", "/embeddings/", ".embed_tokens.",
	"/layer_norm/", ".layer_norm.", "/layer_", ".layers.", "/conv1/", ".conv1.", "/conv2/", ".conv2.",
)

// ctranslate2Entries is a checkpoint of CTranslate2's by the names of transformers. What holds no weights is left out.
func ctranslate2Entries(set *weights.Set) (entries []tensor.Entry, err error) {
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		if len(e.Shape) == 0 || strings.HasPrefix(name, "decoder/projection/") {
			continue
		}
		e.Name = ctranslate2Names.Replace(name)
		e.Name = strings.NewReplacer(".gamma", ".weight", "/gamma", ".weight", ".beta", ".bias").Replace(e.Name)
		before, key, fused := strings.Cut(e.Name, "/self_attention/linear_0/")
		parts, to := []string{"q_proj", "k_proj", "v_proj"}, ".self_attn."
		if !fused {
			before, key, fused = strings.Cut(e.Name, "/attention/linear_1/")
			parts, to = []string{"k_proj", "v_proj"}, ".encoder_attn."
		}
		if !fused {
			entries = append(entries, e)
			continue
		}
		names := make([]string, len(parts))
		for i, part := range parts {
			names[i] = before + to + part + "." + key
		}
		split, err := nn.SplitRows(e, names...)
		if err != nil {
			return nil, err
		}
		for _, part := range split {
			if !strings.HasSuffix(part.Name, ".k_proj.bias") {
				entries = append(entries, part)
			} else if len(bytes.Trim(part.Data, "\x00")) > 0 {
				return nil, fmt.Errorf("%s: expected keys without a bias, got one in %s", name, part.Name)
			}
		}
	}
	return entries, nil
}

// ctranslate2Activations are the activations of CTranslate2 by their number.
var ctranslate2Activations = []tensor.Activation{tensor.ReLU, tensor.GELUTanh, tensor.SiLU, tensor.GELU, tensor.QuickGELU}

// ctranslate2Config reads the shape of a model from its variables.
func ctranslate2Config(set *weights.Set) (*Config, error) {
	if got := set.Metadata()["spec"]; got != "WhisperSpec" {
		return nil, fmt.Errorf("whisper: model.bin: expected a WhisperSpec, got a %q", got)
	}
	v := variables{set: set}
	c := &Config{
		Width: v.dim("decoder/embeddings/weight", 2, 1), Vocab: v.dim("decoder/embeddings/weight", 2, 0),
		Bands: v.dim("encoder/conv1/weight", 3, 1), Frames: v.dim("encoder/position_encodings/encodings", 2, 0),
		Context: v.dim("decoder/position_encodings/encodings", 2, 0), Encoder: v.layers("encoder"), Decoder: v.layers("decoder"),
	}
	if act := v.scalar("decoder/activation"); act >= 0 && act < len(ctranslate2Activations) {
		c.Act = ctranslate2Activations[act]
	} else {
		v.fail("decoder/activation: expected a number below %d, got %d", len(ctranslate2Activations), act)
	}
	for name, want := range map[string]int{"decoder/pre_norm": 1, "decoder/scale_embeddings": 0, "decoder/alibi": 0} {
		if got := v.scalar(name); got != want {
			v.fail("%s: expected %d, got %d", name, want, got)
		}
	}
	if v.err != nil {
		return nil, fmt.Errorf("whisper: model.bin: %w", v.err)
	}
	return c, c.Validate()
}

// variables reads the variables of a set; its first error sticks.
type variables struct {
	set *weights.Set
	err error
}

func (v *variables) fail(format string, args ...any) {
	if v.err == nil {
		v.err = fmt.Errorf(format, args...)
	}
}

// dim is dimension i of a variable of a rank.
func (v *variables) dim(name string, rank, i int) int {
	e, ok := v.set.Get(name)
	if !ok || len(e.Shape) != rank {
		v.fail("%s: expected %d dimensions, got %v", name, rank, e.Shape)
		return 0
	}
	return e.Shape[i]
}

// scalar is the value of a variable that is one integer.
func (v *variables) scalar(name string) int {
	e, ok := v.set.Get(name)
	if !ok || len(e.Shape) > 0 || e.DType.Float() {
		v.fail("%s: expected an integer, got %v%v", name, e.DType, e.Shape)
		return 0
	}
	n := 0
	for i, b := range e.Data { // none of those read is negative
		n |= int(b) << (8 * i)
	}
	return n
}

// layers is the shape of a tower's layers.
func (v *variables) layers(tower string) Layers {
	l := Layers{Heads: v.scalar(tower + "/num_heads"), Hidden: v.dim(tower+"/layer_0/ffn/linear_0/weight", 2, 0)}
	for ; ; l.Layers++ {
		if _, ok := v.set.Get(fmt.Sprintf("%s/layer_%d/ffn/linear_0/weight", tower, l.Layers)); !ok {
			return l
		}
	}
}
