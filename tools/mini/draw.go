package main

import (
	"context"
	"fmt"
	stdimage "image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-analyze/charts"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/metric"
)

// drawAll makes the pictures of docs/mini.md: how the parts learnt, and what the model takes for what. The latter shows pictures of the
// validation gallery alone, whose licence allows it.
func drawAll(ctx context.Context, dir, folder, docs string) error {
	if err := os.MkdirAll(docs, 0o755); err != nil {
		return err
	}
	f, err := readFigures(folder)
	if err != nil {
		return err
	}
	for _, part := range []string{"adapter", "head", "text"} {
		if err := drawCurve(filepath.Join(docs, part+".png"), part, f.Curves[part]); err != nil {
			return err
		}
	}
	return drawConfusions(ctx, dir, folder, filepath.Join(docs, "confusions.png"))
}

// drawCurve draws a loss, each point the mean of a hundredth of the course.
func drawCurve(path, what string, losses []float64) error {
	step := max(1, len(losses)/100)
	var means []float64
	var labels []string
	for first := 0; first+step <= len(losses); first += step {
		sum := 0.0
		for _, v := range losses[first : first+step] {
			sum += v / float64(step)
		}
		means, labels = append(means, sum), append(labels, fmt.Sprint(first+step))
	}
	options := charts.NewLineChartOptionWithData([][]float64{means})
	options.Title.Text = what + ": loss by step"
	options.XAxis.Labels = labels
	options.XAxis.LabelCount = 6
	options.Symbol.Shape = charts.SymbolNone
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputPNG, Width: 600, Height: 300})
	if err := p.LineChart(options); err != nil {
		return err
	}
	b, err := p.Bytes()
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}

// drawConfusions draws queries that were not answered right, with the five pictures that came first and the one that should have.
func drawConfusions(ctx context.Context, dir, folder, path string) error {
	const rows, side, label = 12, 96, 190
	c, err := readCorpus(dir)
	if err != nil {
		return err
	}
	b, err := openModel(folder)
	if err != nil {
		return err
	}
	defer b.Close()
	e := &eyes{dir: dir, processor: b.Processor, embed: b.EmbedImage}
	pictures := c.gallery(validation)
	var names []string
	for i := range pictures {
		names = append(names, pictures[i].name())
	}
	v, err := e.look(ctx, "plain", names)
	if err != nil {
		return err
	}
	queries := validation.ask(pictures, "en")
	var texts []said
	var relevant [][]int32
	for _, q := range queries {
		texts, relevant = append(texts, said{q.text, "en"}), append(relevant, q.relevant)
	}
	t, err := readerOf(b)(ctx, texts)
	if err != nil {
		return err
	}
	ranks := metric.Ranks(metric.Dots(t, unit(v, dimension), dimension, 0), relevant)
	canvas := stdimage.NewRGBA(stdimage.Rect(0, 0, label+6*(side+8)+24, rows*(side+8)+24))
	draw.Draw(canvas, canvas.Bounds(), stdimage.White, stdimage.Point{}, draw.Src)
	write(canvas, label, 15, "what came first")
	write(canvas, label+5*(side+8)+24, 15, "what was meant")
	step, row := max(1, len(queries)/(4*rows)), 0
	for i := 0; i < len(queries) && row < rows; i += step {
		if ranks[i] <= 1 {
			continue
		}
		y := 24 + row*(side+8)
		write(canvas, 4, y+side/2-6, queries[i].text)
		write(canvas, 4, y+side/2+10, fmt.Sprintf("right one at %d", ranks[i]))
		shown := append(nearest(t[i*dimension:][:dimension], v, 5), int(relevant[i][0]))
		for k, p := range shown {
			img, err := image.Open(filepath.Join(dir, pictures[p].Path), &image.Options{White: true})
			if err != nil {
				return err
			}
			x := label + k*(side+8)
			if k == 5 {
				x += 24
			}
			paint(canvas, image.Resize(img, side, side, image.Bicubic), x, y)
		}
		row++
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return png.Encode(f, canvas)
}

// nearest are the n vectors with the highest cosines to v, best first.
func nearest(v, vectors []float32, n int) []int {
	dots := make([]float64, len(vectors)/dimension)
	order := make([]int, len(dots))
	for i := range dots {
		order[i] = i
		dots[i] = dot(v, vectors[i*dimension:])
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if dots[a] > dots[b] {
			return -1
		}
		return 1
	})
	return order[:n]
}

func write(canvas draw.Image, x, y int, text string) {
	d := font.Drawer{Dst: canvas, Src: stdimage.NewUniform(color.Black), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	d.DrawString(text)
}

func paint(canvas *stdimage.RGBA, img *image.RGB, x, y int) {
	for row := range img.H {
		for col := range img.W {
			p := img.Pix[3*(row*img.W+col):]
			canvas.SetRGBA(x+col, y+row, color.RGBA{p[0], p[1], p[2], 255})
		}
	}
}
