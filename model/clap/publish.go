package clap

import (
	"fmt"

	"github.com/chiasm/chiasm/model/bert"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// Fixed are patterns of the parameters that are made of batch norms, whose statistics are fixed: [Publish] leaves them as the checkpoint
// has them, so that they must not be learnt.
var Fixed = []string{melNorm + ".*", fusion + "*"}

// Publish is the model's values as the checkpoint that it came from has them: what [Entries] reads.
func Publish(b *Bundle) (entries []tensor.Entry, err error) {
	values := map[string]tensor.Entry{}
	for _, e := range nn.Entries(b.Model) {
		values[e.Name] = e
	}
	for _, name := range b.Weights.Names() {
		stored, _ := b.Weights.Get(name)
		if e, ok := values[norms.Replace(bert.Rename(name))]; ok && !kept(name) {
			if len(e.Data)/e.DType.Size() != len(stored.Data)/stored.DType.Size() {
				return nil, fmt.Errorf("clap: %s has %v values, want those of %v", name, e.Shape, stored.Shape)
			}
			stored = tensor.EntryOf(name, e.Floats(), stored.Shape...)
		}
		entries = append(entries, stored)
	}
	return entries, nil
}

// kept reports whether a tensor of a checkpoint is published as it was.
func kept(name string) bool {
	return buffer(name) || len(name) > len(melNorm) && name[:len(melNorm)+1] == melNorm+"." || len(name) > len(fusion) && name[:len(fusion)] == fusion
}
