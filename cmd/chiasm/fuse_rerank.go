package main

import (
	"context"

	"github.com/chiasm/chiasm/decision"
)

// ranker opens the model that puts hits in order. What it sees of files is kept, as everywhere.
func (v *searchVerb) ranker(ctx context.Context) (*decision.Model, error) {
	cache, err := decision.CacheFolder()
	if err != nil {
		return nil, err
	}
	o, err := v.model.encoder()
	if err != nil {
		return nil, err
	}
	return await(ctx, func() (*decision.Model, error) {
		return decision.Open(ctx, v.rerank, &decision.OpenOptions{Options: o, Cache: cache})
	})
}
