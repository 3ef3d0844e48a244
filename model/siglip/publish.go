package siglip

import (
	"slices"
	"strings"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// Publish is the model's values as transformers' checkpoints have them: what [Entries] reads.
func Publish(m *Model) (entries []tensor.Entry) {
	const head = "vision_model.head.attention."
	parts := map[string]tensor.Entry{} // of the fused projection of the pooling head
	for _, e := range nn.Entries(m) {
		rest, ok := strings.CutPrefix(e.Name, head)
		if which, kind, found := strings.Cut(rest, "."); ok && found && which != "out_proj" {
			parts[which[:1]+kind] = e
			continue
		}
		entries = append(entries, e)
	}
	for _, kind := range []string{"weight", "bias"} {
		q, k, v := parts["q"+kind], parts["k"+kind], parts["v"+kind]
		if q.Shape == nil {
			continue // a tower without such a head
		}
		shape := slices.Clone(q.Shape)
		shape[0] *= 3
		entries = append(entries, tensor.EntryOf(head+"in_proj_"+kind, slices.Concat(q.Floats(), k.Floats(), v.Floats()), shape...))
	}
	return entries
}
