package main

import (
	"context"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/tensor"
)

// read is the meaning that the text tower of a model gives to texts, each of which it reads once.
func read(ctx context.Context, path string) (mini.Meaning, error) {
	m, err := chiasm.Open(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	known := map[string][]float32{}
	return func(p *tensor.Pass, texts []string) (*tensor.Tensor, error) {
		var fresh []string
		for _, t := range texts {
			if _, ok := known[t]; !ok {
				known[t] = nil
				fresh = append(fresh, t)
			}
		}
		if len(fresh) > 0 {
			list, err := m.EmbedTexts(ctx, fresh)
			if err != nil {
				return nil, err
			}
			for i, e := range list {
				known[fresh[i]] = e.Values
			}
		}
		y := p.Empty(len(texts), len(known[texts[0]]))
		for i, t := range texts {
			copy(y.Floats()[i*y.Dim(1):], known[t])
		}
		return y, nil
	}, nil
}
