package decision

import (
	"context"
	"fmt"
	"math"

	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/metric"
)

// Figures is how good answers are. What a task does not have is nil.
type Figures struct {
	Items      int              `json:"items"`
	Accuracy   *float64         `json:"accuracy,omitempty"` // of a multi task, of all classes
	Interval   *metric.Interval `json:"accuracy_interval,omitempty"`
	MacroF1    *float64         `json:"macro_f1,omitempty"`
	F1Interval *metric.Interval `json:"macro_f1_interval,omitempty"`
	RMSE       *float64         `json:"rmse,omitempty"` // of numbers
	RMSEBounds *metric.Interval `json:"rmse_interval,omitempty"`
	ECE        *float64         `json:"calibration_error,omitempty"`
}

// figures are f in a form that JSON has.
func figures(f fusion.Figures) (out Figures) {
	out.Items = f.N
	some := func(v float64) *float64 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	if e := some(f.Error); e != nil {
		out.RMSE, out.RMSEBounds = e, &metric.Interval{Low: math.Sqrt(max(0, -f.Interval.High)), High: math.Sqrt(max(0, -f.Interval.Low))}
		return out
	}
	out.Accuracy, out.MacroF1, out.ECE = some(f.Score), some(f.MacroF1), some(f.Calibration)
	if out.Accuracy != nil {
		out.Interval = &f.Interval
	}
	if out.MacroF1 != nil {
		out.F1Interval = &f.F1Interval
	}
	return out
}

// Main is the figure that counts, in words: the accuracy in percent, or the error, with its interval.
func (f Figures) Main() string {
	switch {
	case f.Accuracy != nil:
		return fmt.Sprintf("%.1f (%.1f–%.1f)", 100**f.Accuracy, 100*f.Interval.Low, 100*f.Interval.High)
	case f.RMSE != nil:
		return fmt.Sprintf("%.4g (%.4g–%.4g)", *f.RMSE, f.RMSEBounds.Low, f.RMSEBounds.High)
	}
	return "—"
}

// A Report is how good a model is, and what it makes of less than all.
type Report struct {
	All       Figures     `json:"all"`
	Subsets   []Subset    `json:"subsets"` // with some modalities only
	Noise     []Curve     `json:"noise"`   // normally distributed, so many times as large as the features vary
	Dropout   []Curve     `json:"dropout"` // a modality is missing with some probability
	Classes   []string    `json:"classes,omitempty"`
	Confusion [][]float64 `json:"confusion,omitempty"` // true class, answered class: how many
}

// A Subset is how good answers are to things that show some modalities only.
type Subset struct {
	Modalities []string `json:"modalities"`
	Figures
}

// A Curve is how good answers are at levels of a disturbance of a modality.
type Curve struct {
	Modality string  `json:"modality"` // "all" for each
	Points   []Point `json:"points"`
}

// A Point is a level of disturbance.
type Point struct {
	Level float64 `json:"level"`
	Figures
}

// Levels of the curves.
var (
	noiseLevels   = []float64{0, 0.25, 0.5, 1, 1.5, 2, 3}
	dropoutLevels = []float64{0, 0.2, 0.4, 0.6, 0.8, 1}
)

// report measures a model.
func (m *Model) report(ctx context.Context, d *fusion.Data, b metric.Bootstrap, seed uint64) (*Report, error) {
	subsets, err := m.fused.Subsets(ctx, d, b, m.workers)
	if err != nil {
		return nil, err
	}
	r := &Report{}
	for _, s := range subsets {
		r.Subsets = append(r.Subsets, Subset{s.Modalities, figures(s.Figures)})
	}
	r.All = r.Subsets[len(r.Subsets)-1].Figures
	for k := -1; k < len(m.Columns); k++ {
		if k == -1 && len(m.Columns) == 1 {
			continue
		}
		name := "all"
		if k >= 0 {
			name = m.Columns[k].Name
		}
		noise, err := m.fused.Noise(ctx, d, k, noiseLevels, b, seed, m.workers)
		if err != nil {
			return nil, err
		}
		dropped, err := m.fused.Dropped(ctx, d, k, dropoutLevels, b, seed, m.workers)
		if err != nil {
			return nil, err
		}
		r.Noise, r.Dropout = append(r.Noise, curve(name, noise)), append(r.Dropout, curve(name, dropped))
	}
	if m.Task == "single" {
		r.Classes = m.Classes
		r.Confusion, err = m.confusion(ctx, d)
	}
	return r, err
}

func curve(name string, points []fusion.Point) Curve {
	c := Curve{Modality: name}
	for _, p := range points {
		c.Points = append(c.Points, Point{p.Level, figures(p.Figures)})
	}
	return c
}

// confusion counts what is answered to each class.
func (m *Model) confusion(ctx context.Context, d *fusion.Data) ([][]float64, error) {
	answers, err := m.fused.Predict(ctx, d.Samples, m.workers)
	if err != nil {
		return nil, err
	}
	counts := make([][]float64, len(m.Classes))
	for i := range counts {
		counts[i] = make([]float64, len(m.Classes))
	}
	for i, x := range answers {
		if c := d.Samples[i].Class; c >= 0 {
			best := 0
			for j, v := range x {
				if v > x[best] {
					best = j
				}
			}
			counts[c][best]++
		}
	}
	return counts, nil
}

// Evaluate measures the model on a table whose columns are its own: see [Options.Columns].
func (m *Model) Evaluate(ctx context.Context, t *Table, b metric.Bootstrap, seed uint64, progress func(done, of int)) (*Report, *Seen, error) {
	seen := &Seen{}
	samples, contents, err := m.samples(ctx, t, seen, progress)
	if err != nil {
		return nil, nil, err
	}
	x := &material{target: m.Target, encoder: m.encoder, seen: seen}
	if m.Task == "single" || m.Task == "multi" {
		if err := m.known(t); err != nil {
			return nil, nil, err
		}
	}
	x.label(t, samples)
	for _, i := range x.rows { // others are not measured
		if m.learnt[fingerprint(contents[i])] {
			if seen.Leaks++; seen.Leaks == 1 {
				seen.First = t.Rows[i].Key
			}
		}
	}
	if m.Task == "match" {
		x.part = make([]string, len(x.rows))
		for i := range x.part {
			x.part[i] = testPart
		}
		if err := x.match(seed, testPart); err != nil {
			return nil, nil, err
		}
	}
	if len(x.data.Samples) == 0 {
		return nil, nil, fmt.Errorf("decision: %s: none of %d rows has a label in column %q and something to tell it by", t.Name, len(t.Rows), m.Label)
	}
	r, err := m.report(ctx, x.data, b, seed)
	return r, seen, err
}

// known wants labels that the model can answer.
func (m *Model) known(t *Table) error {
	names := map[string]bool{}
	for _, c := range m.Classes {
		names[c] = true
	}
	var strange []string
	for _, r := range t.Rows {
		list := []string{r.Label}
		if m.Task == "multi" {
			list = labelled(r.Label)
		}
		for _, name := range list {
			if name != "" && !names[name] {
				names[name] = true
				strange = append(strange, name)
			}
		}
	}
	if len(strange) > 0 {
		return fmt.Errorf("decision: %s: labels that are no classes of the model: %s: it knows %s", t.Name, shown(strange), shown(m.Classes))
	}
	return nil
}
