package study

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// identity tells trainings apart whose weights differ: by the recipe but for what changes no weight, the data and the model.
func (t *Training) identity(x *Material) string {
	r := *t.Recipe
	r.Name, r.Output, r.Card = "", "", CardRecipe{}
	r.Learning.Threads, r.Learning.Checkpoint, r.Data.Readers = 0, 0, 0
	h := sha256.New()
	h.Write(r.YAML())
	for _, set := range slices.Concat(x.train, x.check) {
		fmt.Fprintln(h, set.Len())
		for i := range set.Len() {
			if item, err := set.Item(i); err == nil {
				fmt.Fprintln(h, item.Key, len(item.Texts))
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// learns is the parameters that learn by gradient.
func (t *Training) learns(m *trainee) (iter.Seq2[string, *tensor.Tensor], error) {
	r := t.Recipe
	frozen := slices.Clone(m.Spare)
	frozen = append(frozen, r.Model.Freeze...)
	if r.Model.Way == wayLiT {
		frozen = append(frozen, m.Backbone...)
	}
	if m.LogBias != nil && !t.sigmoid(m) {
		frozen = append(frozen, "logit_bias")
	}
	params := train.Except(nn.Params(m.Params()), frozen...)
	return func(yield func(string, *tensor.Tensor) bool) {
		for name, p := range params {
			if len(r.Model.Learn) > 0 && !slices.ContainsFunc(r.Model.Learn, func(pattern string) bool { return train.Matches(pattern, name) }) {
				continue
			}
			if !yield(name, p) {
				return
			}
		}
	}, t.checkPatterns(m)
}

// checkPatterns is an error if a pattern of the recipe matches nothing.
func (t *Training) checkPatterns(m *trainee) error {
	var names []string
	for name := range nn.Params(m.Params()) {
		names = append(names, name)
	}
	for field, patterns := range map[string][]string{"model.freeze": t.Recipe.Model.Freeze, "model.learn": t.Recipe.Model.Learn, "model.targets": t.Recipe.Model.Targets} {
		for _, pattern := range patterns {
			if !slices.ContainsFunc(names, func(name string) bool { return train.Matches(pattern, name) }) {
				return fmt.Errorf("study: %s: no parameter matches %q; the nearest is %s", field, pattern, nearestTo(strings.Trim(pattern, "*."), names))
			}
		}
	}
	return nil
}

func (t *Training) sigmoid(m *trainee) bool {
	return t.Recipe.Loss.Kind == "sigmoid" || t.Recipe.Loss.Kind == "" && m.Sigmoid()
}
