package study

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

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

// A curve is the course of a training. It is kept in a file, to which each point is added as it comes, so that one that is resumed, even
// after it was killed, goes on with it.
type curve struct {
	path   string
	points []Point
	file   *os.File // open for adding; nil before the first point
	err    error    // the first
}

const curveHead = "step,loss,mean_loss,rate,gradient_norm,score\n"

// take adds what a run reports: a step, or a measurement after it.
func (c *curve) take(p train.Progress) {
	if c.file == nil { // what an interrupted run did after its last checkpoint is done again
		for n := len(c.points); n > 0; n = len(c.points) {
			last := c.points[n-1]
			if last.Step < p.Step || p.Evaluated && last.Step == p.Step && math.IsNaN(last.Score) {
				break
			}
			c.points = c.points[:n-1]
		}
	}
	if nan := math.NaN(); p.Evaluated {
		c.add(Point{p.Step, nan, nan, nan, nan, p.Score})
	} else {
		c.add(Point{p.Step, p.Loss, p.Mean, p.Rate, p.Norm, nan})
	}
}

// add adds a point to the curve and the file.
func (c *curve) add(p Point) {
	if c.points = append(c.points, p); c.err != nil {
		return
	}
	if c.file != nil {
		_, c.err = c.file.WriteString(p.row())
		return
	}
	var all strings.Builder
	all.WriteString(curveHead)
	for _, p := range c.points {
		all.WriteString(p.row())
	}
	if c.err = writeFile(c.path, []byte(all.String())); c.err == nil {
		c.file, c.err = os.OpenFile(c.path, os.O_WRONLY|os.O_APPEND, 0)
	}
}

// row is the point as a line of the file.
func (p Point) row() string {
	cells := []string{strconv.Itoa(p.Step)}
	for _, v := range []float64{p.Loss, p.Mean, p.Rate, p.Norm, p.Score} {
		if math.IsNaN(v) {
			cells = append(cells, "")
		} else {
			cells = append(cells, strconv.FormatFloat(v, 'g', 8, 64))
		}
	}
	return strings.Join(cells, ",") + "\n"
}

// close closes the file and returns what went wrong with it.
func (c *curve) close() error {
	if c.file != nil {
		c.err = errors.Join(c.err, c.file.Close())
	}
	if c.err != nil {
		return fmt.Errorf("study: %w", c.err)
	}
	return nil
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
	rows := csv.NewReader(f)
	rows.FieldsPerRecord = 6
	for line := 0; ; line++ {
		row, err := rows.Read()
		if err != nil { // the end, or half a line of what was killed
			return nil
		}
		if line == 0 {
			continue
		}
		var v [6]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i], 64); err != nil {
				v[i] = math.NaN()
			}
		}
		c.points = append(c.points, Point{int(v[0]), v[1], v[2], v[3], v[4], v[5]})
	}
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

// A drawing is a curve as a PNG.
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
