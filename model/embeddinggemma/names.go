package embeddinggemma

import (
	"fmt"
	"strings"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// inputs is the projection of the per-layer inputs of all layers in one.
const inputs = "language_model.ple.per_layer_model_projection.weight"

// encoders say of the beginnings of names whether the model has their tower; the files may hold one all the same.
var encoders = map[string]func(m *Model) bool{
	"vision_tower": sees, "embed_vision": sees, "audio_tower": hears, "embed_audio": hears,
}

func sees(m *Model) bool  { return m.Vision != nil }
func hears(m *Model) bool { return m.Hearing != nil }

// Entries is a checkpoint in the form that m binds. Towers that m lacks are left out.
func Entries(set *weights.Set, m *Model) (entries []tensor.Entry, err error) {
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		e.Name = strings.TrimPrefix(name, "model.")
		tower, _, _ := strings.Cut(e.Name, ".")
		if has := encoders[tower]; has != nil {
			if !has(m) {
				continue
			}
			e.Name = strings.Replace(e.Name, ".linear.weight", ".weight", 1)
		}
		if e.Name != inputs {
			entries = append(entries, e)
			continue
		}
		var names []string
		for i := range m.Text.Layers {
			names = append(names, fmt.Sprintf("language_model.layers.%d.ple_input.weight", i))
		}
		split, err := nn.SplitRows(e, names...)
		if err != nil {
			return nil, err
		}
		entries = append(entries, split...)
	}
	return entries, nil
}
