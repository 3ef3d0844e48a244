package decision

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/go-analyze/charts"
)

// line draws lines over the same levels. A NaN has no point.
func line(title, across string, levels []string, names []string, values [][]float64) ([]byte, error) {
	for _, row := range values {
		for i, v := range row {
			if math.IsNaN(v) {
				row[i] = charts.GetNullValue()
			}
		}
	}
	o := charts.NewLineChartOptionWithData(values)
	o.Title.Text, o.XAxis.Labels, o.XAxis.Title = title, levels, across
	o.XAxis.LabelCount = min(len(levels), 10)
	if len(names) > 1 {
		o.Legend.SeriesNames, o.Legend.Offset = names, charts.OffsetStr{Left: charts.PositionRight}
	}
	if len(levels) > 40 {
		o.Symbol.Shape = charts.SymbolNone
	}
	o.ValueFormatter = func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputPNG, Width: 720, Height: 360})
	if err := p.LineChart(o); err != nil {
		return nil, fmt.Errorf("decision: chart: %w", err)
	}
	return painted(p)
}

func painted(p *charts.Painter) ([]byte, error) {
	data, err := p.Bytes()
	if err != nil {
		return nil, fmt.Errorf("decision: chart: %w", err)
	}
	return data, nil
}

// drawn is how many points of a learning curve are drawn.
const drawn = 200

// learning draws the loss of what was learnt, and what was found of what was only looked at: the loss too, or where pairs are matched the mean
// reciprocal rank.
func learning(points []CurvePoint, matched bool) ([]byte, error) {
	var levels []string
	var loss, other []float64
	every := max(1, len(points)/drawn)
	last := math.NaN()
	for i, p := range points {
		if !math.IsNaN(p.Score) {
			last = p.valid(matched)
			continue
		}
		if i%every == 0 {
			levels, loss, other = append(levels, strconv.Itoa(p.Step)), append(loss, p.Loss), append(other, last)
		}
	}
	if len(loss) == 0 {
		return nil, nil
	}
	if matched {
		return line("loss; mean reciprocal rank", "step", levels, []string{"loss, learnt from", "rank, looked at"}, [][]float64{loss, other})
	}
	return line("loss", "step", levels, []string{"learnt from", "looked at"}, [][]float64{loss, other})
}

// value is the figure that counts.
func (f Figures) value() float64 {
	switch {
	case f.Accuracy != nil:
		return 100 * *f.Accuracy
	case f.RMSE != nil:
		return *f.RMSE
	}
	return math.NaN()
}

// robustness draws curves.
func robustness(title, across string, curves []Curve) ([]byte, error) {
	var levels, names []string
	var values [][]float64
	for i, c := range curves {
		var row []float64
		for _, p := range c.Points {
			if row = append(row, p.value()); i == 0 {
				levels = append(levels, strconv.FormatFloat(p.Level, 'g', 3, 64))
			}
		}
		names, values = append(names, c.Modality), append(values, row)
	}
	return line(title, across, levels, names, values)
}

// most classes whose confusion is drawn.
const mostDrawn = 60

// captions are names of classes as a chart can show them, and the length of the longest in letters: the end of long ones is left out, and where
// the font lacks letters, which has Latin, Greek and Cyrillic ones, they are the numbers of the classes.
func captions(classes []string) (list []string, longest int) {
	for i, name := range classes {
		letters := []rune(name)
		if slices.ContainsFunc(letters, func(r rune) bool { return r > '\u04ff' }) {
			letters = []rune(strconv.Itoa(i))
		}
		if len(letters) > 24 {
			letters = append(letters[:23:23], '…')
		}
		list, longest = append(list, string(letters)), max(longest, len(letters))
	}
	return list, longest
}

// confused draws a matrix of shares of each true class.
func confused(r *Report) ([]byte, error) {
	n := len(r.Confusion)
	if n == 0 || n > mostDrawn {
		return nil, nil
	}
	shares := make([][]float64, n)
	for i, row := range r.Confusion {
		sum := 0.0
		for _, v := range row {
			sum += v
		}
		shares[i] = make([]float64, n)
		for j, v := range row {
			shares[i][j] = math.Round(100 * v / max(sum, 1))
			if sum == 0 { // a class that nothing was measured of
				shares[i][j] = charts.GetNullValue()
			}
		}
	}
	o := charts.NewHeatMapOptionWithData(shares)
	names, longest := captions(r.Classes)
	cell := min(48, 1200/n)
	margin := 120 + 7*longest // of names beside and, turned, below
	o.Title.Text, o.Title.Offset.Top = "percent of each true class (down)\nanswered as (across)", "8"
	o.XAxis.Labels, o.YAxis.Labels = names, names
	o.XAxis.LabelCount, o.YAxis.LabelCount = n, n
	if 7*longest > cell {
		o.XAxis.LabelRotation = charts.DegreesToRadians(90)
	}
	o.ScaleMinValue, o.ScaleMaxValue = charts.Ptr(0.0), charts.Ptr(100.0)
	o.ValuesLabel.Show = charts.Ptr(n <= 20)
	o.ValuesLabel.LabelFormatter = func(_ int, _ string, v float64) (string, *charts.LabelStyle) {
		style := &charts.LabelStyle{FontStyle: charts.FontStyle{FontSize: 9, FontColor: charts.ColorBlack}}
		if v > 50 {
			style.FontStyle.FontColor = charts.ColorWhite
		}
		return strconv.FormatFloat(v, 'f', 0, 64), style
	}
	o.ValuesLabel.Offset.Left = -10 // in the middle of the cell
	side := max(margin+n*cell, 300)
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputPNG, Width: side, Height: side})
	if err := p.HeatMapChart(o); err != nil {
		return nil, fmt.Errorf("decision: chart: %w", err)
	}
	return painted(p)
}

// Pictures draws the report: robustness curves and the confusion matrix, by the names of files.
func (r *Report) Pictures() (map[string][]byte, error) {
	what := "accuracy in percent"
	if r.All.RMSE != nil {
		what = "root mean squared error"
	}
	all := map[string][]byte{}
	for _, d := range []struct {
		name string
		draw func() ([]byte, error)
	}{
		{"noise.png", func() ([]byte, error) { return robustness(what, "noise, in spreads of the features", r.Noise) }},
		{"dropout.png", func() ([]byte, error) { return robustness(what, "share of things that lack the modality", r.Dropout) }},
		{"confusion.png", func() ([]byte, error) { return confused(r) }},
	} {
		png, err := d.draw()
		if err != nil {
			return nil, err
		}
		if png != nil {
			all[d.name] = png
		}
	}
	return all, nil
}
