package main

import (
	"context"
	"fmt"
	"math"
	"slices"

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
	Cut       *cut             `json:"at_the_cut,omitempty"`
}

// A cut is what is left of a gallery's answers where only likely ones are shown.
type cut struct {
	Precision float64 `json:"precision"` // of the pictures shown, over queries whose thing is there
	Recall    float64 `json:"recall"`    // of the pictures that bear the name, those shown
	Answered  float64 `json:"answered"`  // of the queries whose thing is there, those that show a right picture
	Silent    float64 `json:"silent"`    // of the queries whose thing is not there, those that show nothing
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

// measure asks every gallery its queries. A cosine of cut, if not 0, is what is shown at least.
func measure(ctx context.Context, list []seen, read reader, least float64) (scores []score, err error) {
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
				if err := one.nothing(ctx, s, list, language, v, read, least, queries); err != nil {
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
func (o *score) nothing(ctx context.Context, s seen, list []seen, language string, own []float32, read reader, least float64, queries []query) error {
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
	if least != 0 {
		o.Cut = s.cut(own, v, queries, least)
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

// cut measures what is left where cosines of least or more are shown, for queries whose vectors are own and foreign.
func (s *seen) cut(own, foreign []float32, queries []query, least float64) *cut {
	c := &cut{}
	shown, right, all := 0.0, 0.0, 0.0
	for i, q := range queries {
		found := false
		for k := range s.pictures {
			is := slices.Contains(q.relevant, int32(k))
			if is {
				all++
			}
			if dot(own[i*dimension:][:dimension], s.vectors[k*dimension:]) >= least {
				if shown++; is {
					right++
					found = true
				}
			}
		}
		if found {
			c.Answered += 1 / float64(len(queries))
		}
	}
	c.Precision, c.Recall = right/max(1, shown), right/max(1, all)
	for _, top := range best(foreign, s.vectors) {
		if top < least {
			c.Silent += float64(dimension) / float64(len(foreign))
		}
	}
	return c
}

// best is the cosine of the nearest picture to each text.
func best(texts, pictures []float32) (tops []float64) {
	for i := 0; i < len(texts); i += dimension {
		top := math.Inf(-1)
		for j := 0; j < len(pictures); j += dimension {
			top = max(top, dot(texts[i:i+dimension], pictures[j:]))
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
			if c := s.Cut; c != nil {
				auc += fmt.Sprintf(" at the cut: precision %.0f, recall %.0f, answered %.0f, silent %.0f", 100*c.Precision, 100*c.Recall, 100*c.Answered, 100*c.Silent)
			}
		}
		fmt.Printf("%-10s %8d %4s %7d  %5.1f  %5.1f (%.1f to %.1f)  %5.1f  %s\n", s.Gallery, s.Pictures, s.Language, s.Ranking.Queries,
			100*s.Ranking.R1, 100*s.Ranking.R5, 100*s.Intervals.R5.Low, 100*s.Intervals.R5.High, 100*s.Ranking.R10, auc)
	}
}
