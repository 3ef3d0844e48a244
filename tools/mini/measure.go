package main

import (
	"context"
	"fmt"
	"math"

	"github.com/chiasm/chiasm/metric"
)

// A Score is how well the queries of a gallery in a language were answered.
type score struct {
	Gallery   string           `json:"gallery"`
	Pictures  int              `json:"pictures"`
	Language  string           `json:"language"`
	Ranking   metric.Ranking   `json:"ranking"`
	Intervals metric.Intervals `json:"intervals"` // 95 %, over other queries of the kind
	Nothing   float64          `json:"nothing_relevant_auc,omitempty"`
	Foreign   int              `json:"foreign_queries,omitempty"`
	Kept      float64          `json:"kept_at_10_percent_false,omitempty"`
}

// A reader tells where texts lie, [n, dimension], of length 1.
type reader func(ctx context.Context, texts []said) ([]float32, error)

// A seen is a gallery with the vectors of its pictures.
type seen struct {
	gallery
	pictures []picture
	vectors  []float32
}

var bootstrap = metric.Bootstrap{Draws: 2000, Seed: 1}

// measure asks every gallery its queries.
func measure(ctx context.Context, list []seen, read reader) (scores []score, err error) {
	for _, s := range list {
		for _, language := range s.language {
			queries := s.ask(s.pictures, language)
			if len(queries) == 0 {
				continue
			}
			var texts []said
			var relevant [][]int32
			for _, q := range queries {
				texts, relevant = append(texts, said{q.text, language}), append(relevant, q.relevant)
			}
			v, err := read(ctx, texts)
			if err != nil {
				return nil, err
			}
			cosines := metric.Dots(v, s.vectors, dimension, 0)
			ranks := metric.Ranks(cosines, relevant)
			one := score{Gallery: s.name, Pictures: len(s.pictures), Language: language, Ranking: metric.Summarize(ranks), Intervals: bootstrap.Ranking(ranks)}
			if s.name == "photos" {
				if err := one.nothing(ctx, s, list, language, v, read); err != nil {
					return nil, err
				}
			}
			scores = append(scores, one)
		}
	}
	return scores, nil
}

// nothing measures whether the best cosine tells queries that have something to find from names of things that the gallery lacks: those
// of the other galleries whose concept it does not have.
func (o *score) nothing(ctx context.Context, s seen, list []seen, language string, own []float32, read reader) error {
	known := map[string]bool{}
	for _, p := range s.pictures {
		known[p.Concept] = true
	}
	var foreign []said
	met := map[string]bool{}
	for _, other := range list {
		if other.name != "cutouts" && other.name != "art4apps" {
			continue
		}
		for _, p := range other.pictures {
			if names := p.Names[language]; len(names) > 0 && !known[p.Concept] && !met[names[0]] {
				met[names[0]] = true
				foreign = append(foreign, said{names[0], language})
			}
		}
	}
	if len(foreign) == 0 {
		return nil
	}
	v, err := read(ctx, foreign)
	if err != nil {
		return err
	}
	var tops []float64
	var right []bool
	for k, vectors := range [][]float32{own, v} {
		for _, top := range best(vectors, s.vectors) {
			tops, right = append(tops, top), append(right, k == 0)
		}
	}
	o.Nothing, o.Foreign = metric.ROCAUC(tops, right), len(foreign)
	o.Kept = keptAt(tops, right, 0.1)
	return nil
}

// best is the cosine of the nearest picture to each text.
func best(texts, pictures []float32) (tops []float64) {
	for i := 0; i < len(texts); i += dimension {
		top := math.Inf(-1)
		for j := 0; j < len(pictures); j += dimension {
			dot := 0.0
			for k, x := range texts[i : i+dimension] {
				dot += float64(x) * float64(pictures[j+k])
			}
			top = max(top, dot)
		}
		tops = append(tops, top)
	}
	return tops
}

// keptAt is the share of the right ones above the threshold that lets so large a share of the wrong ones pass.
func keptAt(scores []float64, right []bool, pass float64) float64 {
	best := 0.0
	for _, t := range scores {
		wrong, wrongs, kept, rights := 0.0, 0.0, 0.0, 0.0
		for i, s := range scores {
			if right[i] {
				rights++
				if s >= t {
					kept++
				}
			} else if wrongs++; s >= t {
				wrong++
			}
		}
		if wrong <= pass*wrongs {
			best = max(best, kept/rights)
		}
	}
	return best
}

// show prints scores as a table.
func show(title string, scores []score) {
	fmt.Printf("%s\n%-10s %8s %4s %7s  %-6s %-22s %-6s %s\n", title, "gallery", "pictures", "lang", "queries", "R@1", "R@5", "R@10", "nothing relevant (AUC)")
	for _, s := range scores {
		auc := ""
		if s.Nothing > 0 {
			auc = fmt.Sprintf("%.3f (%d foreign; keeps %.0f %% at 10 %% false)", s.Nothing, s.Foreign, 100*s.Kept)
		}
		fmt.Printf("%-10s %8d %4s %7d  %5.1f  %5.1f (%.1f to %.1f)  %5.1f  %s\n", s.Gallery, s.Pictures, s.Language, s.Ranking.Queries,
			100*s.Ranking.R1, 100*s.Ranking.R5, 100*s.Intervals.R5.Low, 100*s.Intervals.R5.High, 100*s.Ranking.R10, auc)
	}
}
