package bert

import (
	"regexp"
	"strings"

	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// Checkpoints of a model with a head keep the encoder under the name of its kind.
var prefix = regexp.MustCompile(`^(bert|roberta|distilbert|xlm_roberta|mpnet)\.`)

// parts turn the names of BERT, DistilBERT and MPNet into those of the layers here.
var parts = strings.NewReplacer(
	"encoder.layer.", "encoder.layers.", "transformer.layer.", "encoder.layers.",
	".attention.self.query.", ".self_attn.q_proj.", ".attention.self.key.", ".self_attn.k_proj.", ".attention.self.value.", ".self_attn.v_proj.",
	".attention.output.dense.", ".self_attn.out_proj.", ".attention.output.LayerNorm.", ".layer_norm1.",
	".intermediate.dense.", ".mlp.fc1.", ".output.dense.", ".mlp.fc2.", ".output.LayerNorm.", ".layer_norm2.",
	".attention.q_lin.", ".self_attn.q_proj.", ".attention.k_lin.", ".self_attn.k_proj.", ".attention.v_lin.", ".self_attn.v_proj.",
	".attention.out_lin.", ".self_attn.out_proj.", ".sa_layer_norm.", ".layer_norm1.", ".ffn.lin1.", ".mlp.fc1.", ".ffn.lin2.", ".mlp.fc2.",
	".attention.attn.q.", ".self_attn.q_proj.", ".attention.attn.k.", ".self_attn.k_proj.", ".attention.attn.v.", ".self_attn.v_proj.",
	".attention.attn.o.", ".self_attn.out_proj.", ".attention.LayerNorm.", ".layer_norm1.",
	".output_layer_norm.", ".layer_norm2.", ".LayerNorm.gamma", ".LayerNorm.weight", ".LayerNorm.beta", ".LayerNorm.bias",
)

// Entries is the entries of a checkpoint that belong to an encoder, by the names that it binds. Buffers, the pooler and heads, which
// make no part of a sentence's vector, are left out.
func Entries(set *weights.Set) (entries []tensor.Entry) {
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		bare := prefix.ReplaceAllString(name, "")
		if !strings.HasPrefix(bare, "embeddings.") && !strings.HasPrefix(bare, "encoder.") && !strings.HasPrefix(bare, "transformer.") ||
			strings.HasSuffix(bare, "position_ids") || strings.HasSuffix(bare, "token_type_ids") {
			continue
		}
		e.Name = Rename(bare)
		entries = append(entries, e)
	}
	return entries
}

// Rename turns the name of a weight within an encoder of transformers into the one that it has here.
func Rename(name string) string {
	renamed := parts.Replace(name)
	// The old spelling of norms hides the rest of the name from a single pass.
	return parts.Replace(renamed)
}
