package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/nn"
)

// How all methods are taught, and how often.
var (
	lesson = fusion.Training{Steps: 750, BatchSize: 32, Drop: 0.2}
	sizes  = fusion.Config{Width: 32, Heads: 4, Layers: 2, Dropout: 0.1}
)

const seeds = 3

// A row is how a method did on the samples of a set to test on. Scores are means of models of all seeds.
type row struct {
	how, method string
	params      int
	took        time.Duration // of processor, to learn once
	score       float64
	interval    metric.Interval // by samples, of the mean of the models
	f1          float64
	calibration float64
	alone       []float64 // with one modality only
	noisy       [2]float64
	dropped     float64
}

// The disturbances of a row: noise in all modalities, in spreads of their features, and how often each modality is missing.
var (
	noises = []float64{1, 2}
	drops  = []float64{0.5}
)

// rows teaches every method on a set and measures it.
func (s *set) rows(ctx context.Context, say func(string, ...any)) (all []row, err error) {
	for _, method := range fusion.Methods {
		rules := []fusion.Rule{""}
		if method == fusion.Late {
			rules = fusion.Rules
		}
		list, answers := make([]row, len(rules)), make([][][]float64, len(rules))
		for seed := range uint64(seeds) {
			m, took, err := s.teach(ctx, method, seed)
			if err != nil {
				return nil, err
			}
			for k, rule := range rules {
				one, r := *m, &list[k]
				one.Rule = rule
				r.how, r.method = string(method.How()), strings.TrimSuffix(string(method)+"/"+string(rule), "/")
				r.params, r.took = nn.Count(&one), r.took+took/seeds
				said, err := r.add(ctx, &one, s.side(test))
				if err != nil {
					return nil, err
				}
				answers[k] = append(answers[k], said...)
			}
			nn.Release(m)
		}
		for k := range list {
			list[k].sum(s.side(test), answers[k])
			say("%s: %s: %.1f %%, %.1f s of processor to learn", s.name, list[k].method, 100*list[k].score, list[k].took.Seconds())
		}
		all = append(all, list...)
	}
	return all, nil
}

// teach makes a model of a method.
func (s *set) teach(ctx context.Context, method fusion.Method, seed uint64) (*fusion.Model, time.Duration, error) {
	c := sizes
	c.Method, c.Task, c.Modalities = method, s.data.Task, s.data.Modalities
	m, err := fusion.New(c)
	if err != nil {
		return nil, 0, err
	}
	t := lesson
	t.Seed = seed
	begin := processor()
	_, err = t.Fit(ctx, m, s.side(learn), s.side(valid))
	return m, processor() - begin, err
}

// add counts in what a model of one seed makes of samples in every condition, and gives its answers.
func (r *row) add(ctx context.Context, m *fusion.Model, d *fusion.Data) ([][]float64, error) {
	few := metric.Bootstrap{Draws: 1}
	sets, err := m.Subsets(ctx, d, few, 0)
	if err != nil {
		return nil, err
	}
	if r.alone == nil {
		r.alone = make([]float64, len(d.Modalities))
	}
	for k := range r.alone {
		r.alone[k] += sets[k].Score / seeds
	}
	noisy, err := m.Noise(ctx, d, -1, noises, few, 1, 0)
	if err != nil {
		return nil, err
	}
	for k, p := range noisy {
		r.noisy[k] += p.Score / seeds
	}
	dropped, err := m.Dropped(ctx, d, -1, drops, few, 1, 0)
	if err != nil {
		return nil, err
	}
	r.dropped += dropped[0].Score / seeds
	return m.Predict(ctx, d.Samples, 0)
}

// sum is what the answers of all seeds are worth: a model's samples are in the groups of the others' ones.
func (r *row) sum(d *fusion.Data, answers [][]float64) {
	var samples []fusion.Sample
	for range seeds {
		samples = append(samples, d.Samples...)
	}
	f := fusion.Measure(d.With(samples), answers, metric.Bootstrap{})
	r.score, r.interval, r.f1, r.calibration = f.Score, f.Interval, f.MacroF1, f.Calibration
}

// write writes the table of a set.
func (s *set) write(w io.Writer, rows []row) {
	fmt.Fprintf(w, "### %s\n\n%d samples to learn from, %d to look at, %d to test on; no two sides share %s.\n\n", s.name,
		len(s.side(learn).Samples), len(s.side(valid).Samples), len(s.side(test).Samples), s.about)
	fmt.Fprint(w, "| method | accuracy | 95 % | macro-F1 | ECE |")
	for _, m := range s.data.Modalities {
		fmt.Fprintf(w, " %s only |", m.Name)
	}
	fmt.Fprintf(w, " each missing half the time | noise %g | noise %g | values | CPU s |\n|%s\n", noises[0], noises[1], strings.Repeat("---|", 10+len(s.data.Modalities)))
	for _, r := range rows {
		fmt.Fprintf(w, "| `%s` | **%.1f** | %.1f to %.1f | %.1f | %.3f |", r.method, 100*r.score, 100*r.interval.Low, 100*r.interval.High, 100*r.f1, r.calibration)
		for _, v := range r.alone {
			fmt.Fprintf(w, " %.1f |", 100*v)
		}
		fmt.Fprintf(w, " %.1f | %.1f | %.1f | %d | %.1f |\n", 100*r.dropped, 100*r.noisy[0], 100*r.noisy[1], r.params, r.took.Seconds())
	}
	fmt.Fprintln(w)
}
