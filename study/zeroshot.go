package study

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/metric"
)

// classification measures how well pictures and sounds find the names of their classes.
func (e *Evaluation) classification(ctx context.Context, m embedder, set *dataset.Set, g *gathering) (list []Classification, err error) {
	names, templates := e.Classes, e.Templates
	if names == nil {
		names = set.Classes
	}
	if names, err = g.number(names, set.Name); err != nil {
		return nil, err
	}
	if templates == nil {
		templates = set.Templates
	}
	if len(templates) == 0 {
		templates = []string{"{}"}
	}
	if len(names) == 0 || !slices.ContainsFunc(g.labels, func(l []int32) bool { return len(l) > 0 }) {
		if e.Task == dataset.Classification || e.Task == dataset.MultiLabel {
			return nil, fmt.Errorf("study: %s has no classes to tell apart: want labels, and the names of classes", set.Name)
		}
		return nil, nil
	}
	for i, labels := range g.labels {
		for _, l := range labels {
			if int(l) >= len(names) || l < 0 {
				return nil, fmt.Errorf("study: item %d of %s has the class %d, want 0 to %d: there are %d names", i, set.Name, l, len(names)-1, len(names))
			}
		}
	}
	classes, err := classVectors(ctx, m, names, templates)
	if err != nil {
		return nil, err
	}
	for _, media := range []*side{g.images, g.sounds} {
		labelled := media.only(func(row int) bool { return len(g.labels[media.items[row][0]]) > 0 })
		if labelled.rows() == 0 {
			continue
		}
		for _, domain := range append([]string{""}, g.domains()...) {
			part := labelled
			if domain != "" {
				part = labelled.only(func(row int) bool { return g.groups[labelled.items[row][0]] == domain })
			}
			if part.rows() > 0 {
				c := e.classify(m, part, g, classes)
				c.Domain, c.Templates = domain, len(templates)
				list = append(list, c)
			}
		}
	}
	return list, nil
}

// number gives items that name a class and have no number the one of its name. Where there are no names, they are those of the items' classes, sorted.
func (g *gathering) number(names []string, data string) ([]string, error) {
	number := map[string]int32{}
	if len(names) == 0 {
		for i, class := range g.classes {
			if class != "" && len(g.labels[i]) == 0 {
				number[class] = 0
			}
		}
		names = sortedKeys(number)
	}
	for i, name := range names {
		number[name] = int32(i)
	}
	for i, class := range g.classes {
		if class == "" || len(g.labels[i]) > 0 {
			continue
		}
		n, ok := number[class]
		if !ok {
			return nil, fmt.Errorf("study: item %d of %s is of the class %q, which is not among the %d names", i, data, class, len(names))
		}
		g.labels[i] = []int32{n}
	}
	return names, nil
}

// classVectors is the mean direction of the vectors of each name within all templates, [classes, d] (Radford et al. 2021).
func classVectors(ctx context.Context, m embedder, names, templates []string) ([]float32, error) {
	for _, t := range templates {
		if !strings.Contains(t, "{}") && !strings.Contains(t, "{c}") {
			return nil, fmt.Errorf("study: the template %q has no {} for the name of the class", t)
		}
	}
	d := m.dimension()
	out := make([]float32, 0, len(names)*d)
	prompts := make([]string, len(templates))
	for _, name := range names {
		for i, t := range templates {
			prompts[i] = strings.NewReplacer("{c}", name, "{}", name).Replace(t)
		}
		sum := make([]float64, d)
		for first := 0; first < len(prompts); first += textBatch {
			vectors, err := m.embedTexts(ctx, prompts[first:min(first+textBatch, len(prompts))])
			if err != nil {
				return nil, fmt.Errorf("study: %w", err)
			}
			for _, v := range vectors {
				for i, x := range v {
					sum[i] += float64(x)
				}
			}
		}
		length := 0.0
		for _, x := range sum {
			length += x * x
		}
		for _, x := range sum {
			out = append(out, float32(x/max(math.Sqrt(length), 1e-12)))
		}
	}
	return out, nil
}

// classify measures one kind.
func (e *Evaluation) classify(m embedder, media *side, g *gathering, classes []float32) Classification {
	d := media.d
	labels := make([][]int32, media.rows())
	single := true
	for row := range labels {
		labels[row] = g.labels[media.items[row][0]]
		single = single && len(labels[row]) == 1
	}
	scores := metric.Dots(media.values, classes, d, e.Workers)
	ranks := metric.Ranks(scores, labels)
	sum := metric.Summarize(ranks)
	intervals := e.Bootstrap.Ranking(ranks)
	c := Classification{
		Of: media.kind, Classes: len(classes) / d, Queries: sum.Queries,
		Top1: sum.R1, Top5: sum.R5, Interval1: intervals.R1, Interval5: intervals.R5,
	}
	right := make([]bool, len(ranks))
	for i, r := range ranks {
		right[i] = r == 1
	}
	if single {
		of := make([]int32, len(labels))
		for i, l := range labels {
			of[i] = l[0]
		}
		perClass := metric.MeanPerClass(right, of)
		ece := metric.CalibrationError(confidences(m, scores), right, 15)
		c.PerClass, c.ECE = &perClass, &ece
		return c
	}
	members := make([][]int32, c.Classes)
	for row, list := range labels {
		for _, l := range list {
			members[l] = append(members[l], int32(row))
		}
	}
	precision := metric.MeanAveragePrecision(metric.Dots(classes, media.values, d, e.Workers), members)
	c.MAP = &precision
	return c
}

// confidences is the probability that the model gives its best class: of the softmax of its logits, or the sigmoid of the best.
func confidences(m embedder, s metric.Scores) []float64 {
	scale, bias, sigmoid := m.scale()
	out, row := make([]float64, s.Queries), make([]float32, s.Items)
	for i := range out {
		s.Rows(i, i+1, row)
		top, sum := float64(slices.Max(row)), 0.0
		if sigmoid {
			out[i] = 1 / (1 + math.Exp(-scale*top-bias))
			continue
		}
		for _, v := range row {
			sum += math.Exp(scale * (float64(v) - top))
		}
		out[i] = 1 / sum
	}
	return out
}
