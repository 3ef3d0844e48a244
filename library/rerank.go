package library

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// A Ranker says how likely it is that each of some files belongs to a text, from 0 to 1; below 0 of files that it cannot read. It looks at
// a text and a file together, which takes longer than comparing vectors and tells more: models that `chiasm fuse train --task match`
// teaches are Rankers.
type Ranker interface {
	Rank(ctx context.Context, text string, paths []string) ([]float64, error)
}

// Reranked is how many hits a Ranker puts in order.
const Reranked = 100

// rerank is a search whose first hits are put in the order of the query's Ranker. What it cannot read keeps its place.
func (l *Library) rerank(ctx context.Context, m Model, q Query) (Results, error) {
	limit, offset := q.Limit, max(q.Offset, 0)
	if limit <= 0 {
		limit = defaultLimit
	}
	wide := q
	wide.Ranker, wide.Offset, wide.Limit = nil, 0, max(Reranked, offset+limit)
	r, err := l.Search(ctx, m, wide)
	if err != nil {
		return r, err
	}
	var words []string
	for _, t := range q.Terms {
		if t.Weight > 0 {
			words = append(words, t.Text)
		}
	}
	if len(words) > 0 {
		if err := reorder(ctx, q.Ranker, strings.Join(words, " "), r.Hits[:min(Reranked, len(r.Hits))]); err != nil {
			return r, err
		}
	}
	r.More = r.More || len(r.Hits) > offset+limit
	r.Hits = r.Hits[min(offset, len(r.Hits)):]
	r.Hits = r.Hits[:min(limit, len(r.Hits))]
	return r, nil
}

// reorder puts hits in the order of a ranker.
func reorder(ctx context.Context, by Ranker, text string, hits []Hit) error {
	paths := make([]string, len(hits))
	for i, h := range hits {
		paths[i] = h.Path
	}
	scores, err := by.Rank(ctx, text, paths)
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	var at []int
	for i, s := range scores {
		if s >= 0 {
			at = append(at, i)
		}
	}
	order := slices.Clone(at)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	old := slices.Clone(hits)
	for i, k := range at {
		hits[k] = old[order[i]]
	}
	return nil
}
