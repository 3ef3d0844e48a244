package study

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"

	"github.com/go-analyze/charts"

	"github.com/chiasm/chiasm/train"
)

const curveFile = "curve.csv"

// A Point is a step of a training, or a measurement after it.
type Point struct {
	Step  int
	Loss  float64
	Mean  float64 // of the loss, running
	Rate  float64
	Norm  float64 // length of the gradients
	Score float64 // NaN where nothing was measured
}

// A curve is the course of a training, kept in a file so that one that is resumed goes on with it.
type curve struct {
	path   string
	points []Point
	begun  bool
	err    error
}

var curveHead = []string{"step", "loss", "mean_loss", "rate", "gradient_norm", "score"}

// take adds what a run reports.
func (c *curve) take(p train.Progress) {
	if !c.begun { // what an interrupted run did after its last checkpoint is done again
		c.begun = true
		for len(c.points) > 0 && c.points[len(c.points)-1].Step >= p.Step && c.points[len(c.points)-1].Step > 0 {
			c.points = c.points[:len(c.points)-1]
		}
	}
	if p.Evaluated {
		c.score(p.Step, p.Score)
		c.err = errors.Join(c.err, c.save())
		return
	}
	c.points = append(c.points, Point{p.Step, p.Loss, p.Mean, p.Rate, p.Norm, math.NaN()})
}

// score notes a measurement after a step.
func (c *curve) score(step int, score float64) {
	if n := len(c.points); n > 0 && c.points[n-1].Step == step {
		c.points[n-1].Score = score
		return
	}
	nan := math.NaN()
	c.points = append(c.points, Point{step, nan, nan, nan, nan, score})
}

// save writes the file anew.
func (c *curve) save() error {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(curveHead) // a buffer takes everything
	for _, p := range c.points {
		row := []string{strconv.Itoa(p.Step)}
		for _, v := range []float64{p.Loss, p.Mean, p.Rate, p.Norm, p.Score} {
			if math.IsNaN(v) {
				row = append(row, "")
			} else {
				row = append(row, strconv.FormatFloat(v, 'g', 8, 64))
			}
		}
		_ = w.Write(row)
	}
	w.Flush()
	return writeFile(c.path, out.Bytes())
}

// load reads the file of an earlier part of the run. A damaged one is as good as none: it decides nothing.
func (c *curve) load() error {
	f, err := os.Open(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil
	}
	for _, row := range rows[1:] {
		var v [6]float64
		for i := range min(len(row), len(v)) {
			if v[i], err = strconv.ParseFloat(row[i], 64); err != nil {
				v[i] = math.NaN()
			}
		}
		c.points = append(c.points, Point{int(v[0]), v[1], v[2], v[3], v[4], v[5]})
	}
	return nil
}

// drawn is how many points of a curve are drawn.
const drawn = 400

// draw makes a PNG of one line over the steps. Values that are NaN have no point.
func draw(title string, points []Point, value func(Point) float64) ([]byte, error) {
	var steps []string
	var values []float64
	for _, p := range points {
		if v := value(p); !math.IsNaN(v) {
			steps, values = append(steps, strconv.Itoa(p.Step)), append(values, v)
		}
	}
	if len(values) == 0 {
		return nil, nil
	}
	if every := (len(values) + drawn - 1) / drawn; every > 1 {
		kept := 0
		for i := 0; i < len(values); i += every {
			steps[kept], values[kept] = steps[i], values[i]
			kept++
		}
		steps, values = steps[:kept], values[:kept]
	}
	o := charts.NewLineChartOptionWithData([][]float64{values})
	o.Title.Text, o.XAxis.Labels = title, steps
	o.XAxis.LabelCount = min(len(steps), 10)
	if len(values) > 40 {
		o.Symbol.Shape = charts.SymbolNone
	}
	o.ValueFormatter = func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputPNG, Width: 720, Height: 300})
	if err := p.LineChart(o); err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	data, err := p.Bytes()
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	return data, nil
}

// A picture is a curve as a PNG.
type drawing struct {
	Name, Title string
	PNG         []byte
}

// drawings are the curves of a training.
func drawings(points []Point) (list []drawing, err error) {
	for _, d := range []struct {
		name, title string
		value       func(Point) float64
	}{
		{"loss.png", "loss (running mean)", func(p Point) float64 { return p.Mean }},
		{"score.png", "score on the validation", func(p Point) float64 { return p.Score }},
		{"rate.png", "learning rate", func(p Point) float64 { return p.Rate }},
		{"norm.png", "length of the gradients", func(p Point) float64 { return p.Norm }},
	} {
		data, err := draw(d.title, points, d.value)
		if err != nil {
			return nil, err
		}
		if data != nil {
			list = append(list, drawing{d.name, d.title, data})
		}
	}
	return list, nil
}
