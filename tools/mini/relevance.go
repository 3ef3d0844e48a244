package main

import (
	"slices"

	"github.com/chiasm/chiasm/metric"
)

// silent is the share of texts for what is not there that even odds leave without an answer, among some thirty photographs.
const silent = 0.6

// calibrate finds the scale and the bias by which a cosine tells whether a text means a picture. The scale is that of pairs, from cosines of
// pictures with their names and with others'; the bias puts even odds above so many of tops, the cosines of what is nearest in a gallery
// to names of what it does not show.
func calibrate(right, wrong, tops []float64) (scale, bias float64) {
	var weights []float64
	var is []bool
	for _, side := range [][]float64{right, wrong} {
		for range side {
			is, weights = append(is, len(weights) < len(right)), append(weights, 1/float64(len(side)))
		}
	}
	scale, _ = metric.Platt(slices.Concat(right, wrong), is, weights)
	return scale, -scale * metric.Percentile(slices.Sorted(slices.Values(tops)), silent)
}

// cosines are those of pictures with names: with theirs, and with others.
func (s *seen) cosines(texts []float32, queries []query) (right, wrong []float64) {
	for i, q := range queries {
		for k := range s.pictures {
			v := dot(texts[i*dimension:][:dimension], s.vectors[k*dimension:])
			if slices.Contains(q.relevant, int32(k)) {
				right = append(right, v)
			} else {
				wrong = append(wrong, v)
			}
		}
	}
	return right, wrong
}

func dot(a, b []float32) (sum float64) {
	for k, v := range a {
		sum += float64(v) * float64(b[k])
	}
	return sum
}

// absent are names of usual things, of which none of some pictures shows one, about so many.
func (c *corpus) absent(pictures []picture, language string, about int) (texts []said) {
	shown := map[string]bool{}
	for _, p := range pictures {
		shown[p.Concept] = true
	}
	var all []said
	for _, list := range [][]thing{c.everyday, c.classes, c.words} {
		for _, t := range list {
			if names := t.Names[language]; t.Usual && len(names) > 0 && !shown[t.Concept] {
				all = append(all, said{names[0], language})
			}
		}
	}
	for i := 0; i < len(all); i += max(1, len(all)/about) {
		texts = append(texts, all[i])
	}
	return texts
}
