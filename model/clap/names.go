package clap

import (
	"fmt"
	"math"
	"strings"

	"github.com/chiasm/chiasm/model/bert"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// norms turn the names of norms within the sound tower's blocks, which differ from BERT's, into those of [nn.Block].
var norms = strings.NewReplacer(".layernorm_before.", ".layer_norm1.", ".layernorm_after.", ".layer_norm2.",
	".attention.self.relative_position_bias_table", ".self_attn.relative_position_bias_table")

const (
	melNorm = "audio_model.audio_encoder.batch_norm"
	fusion  = "audio_model.audio_encoder.patch_embed.fusion_model."
	normEps = 1e-5 // of batch norms
)

// folds are the pairs of a convolution of 1 × 1 and the batch norm after it that become one linear layer.
var folds = []struct{ conv, norm, linear string }{
	{"local_att.0", "local_att.1", "local_att.down"}, {"local_att.3", "local_att.4", "local_att.up"},
	{"global_att.1", "global_att.2", "global_att.down"}, {"global_att.4", "global_att.5", "global_att.up"},
}

// Entries is a checkpoint in the form that a [Model] binds. Buffers are left out, and batch norms, whose statistics are fixed, are
// folded: that of the mel bands into a scale and a shift, those of a fusion into the convolutions before them.
func Entries(set *weights.Set) (entries []tensor.Entry, err error) {
	folded := map[string]bool{}
	add := func(norm, conv, to string) error {
		made, used, err := fold(set, norm, conv, to)
		for _, name := range used {
			folded[name] = true
		}
		entries = append(entries, made...)
		return err
	}
	if err := add(melNorm, "", melNorm); err != nil {
		return nil, err
	}
	for _, f := range folds {
		if _, ok := set.Get(fusion + f.conv + ".weight"); ok {
			if err := add(fusion+f.norm, fusion+f.conv, fusion+f.linear); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range set.Names() {
		if folded[name] || buffer(name) {
			continue
		}
		e, _ := set.Get(name)
		e.Name = norms.Replace(bert.Rename(name))
		entries = append(entries, e)
	}
	return entries, nil
}

// buffer reports whether a name is of a tensor that follows from the config.
func buffer(name string) bool {
	for _, suffix := range []string{"position_ids", "token_type_ids", "relative_position_index", "num_batches_tracked"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// fold makes a scale and a shift of a batch norm, or a linear layer of it and the convolution before it, if one is named.
func fold(set *weights.Set, norm, conv, to string) (made []tensor.Entry, used []string, err error) {
	get := func(name string) []float32 {
		used = append(used, name)
		e, ok := set.Get(name)
		if !ok && err == nil {
			err = fmt.Errorf("clap: weights: %s is missing", name)
		}
		if err != nil {
			return nil
		}
		return e.Floats()
	}
	gain, bias := get(norm+".weight"), get(norm+".bias")
	mean, variance := get(norm+".running_mean"), get(norm+".running_var")
	n := len(gain)
	if err == nil && (n == 0 || len(bias) != n || len(mean) != n || len(variance) != n) {
		err = fmt.Errorf("clap: weights: %s has %d, %d, %d and %d values, want as many of each", norm, n, len(bias), len(mean), len(variance))
	}
	if err != nil {
		return nil, used, err
	}
	scale, shift := make([]float32, n), make([]float32, n)
	for i := range n {
		s := float64(gain[i]) / math.Sqrt(float64(variance[i])+normEps)
		scale[i], shift[i] = float32(s), float32(float64(bias[i])-float64(mean[i])*s)
	}
	if conv == "" {
		return []tensor.Entry{tensor.EntryOf(to+".weight", scale, n), tensor.EntryOf(to+".bias", shift, n)}, used, nil
	}
	weight, offset := get(conv+".weight"), get(conv+".bias")
	if err == nil && (len(weight)%n != 0 || len(weight) == 0 || len(offset) != n) {
		err = fmt.Errorf("clap: weights: %s has %d and %d values, want a multiple of %d and %d", conv, len(weight), len(offset), n, n)
	}
	if err != nil {
		return nil, used, err
	}
	k := len(weight) / n
	w, b := make([]float32, len(weight)), make([]float32, n)
	for i := range w {
		w[i] = weight[i] * scale[i/k]
	}
	for i := range b {
		b[i] = offset[i]*scale[i] + shift[i]
	}
	return []tensor.Entry{tensor.EntryOf(to+".weight", w, n, k), tensor.EntryOf(to+".bias", b, n)}, used, nil
}
