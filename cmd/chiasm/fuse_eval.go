package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm/decision"
	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/metric"
)

const fuseEvalLong = `Measures a model that chiasm fuse train wrote: accuracy, macro-F1 or error with
bootstrap intervals, calibration, every set of modalities, and how it holds out
against noise in the features and against missing modalities.

-o FOLDER gets the figures as JSON and CSV, and pictures: the confusion matrix,
and the curves of noise and of missing modalities.`

// fuseEval is the verb that measures a fused model.
func (a *app) fuseEval() *cobra.Command {
	v := &fuseEvalVerb{app: a}
	cmd := &cobra.Command{
		Use: "eval [flags] MODEL DATA", Short: "Measure a fused model: figures, every set of modalities, robustness", Long: fuseEvalLong,
		Example: "  chiasm fuse eval kinds more.csv\n  chiasm fuse eval kinds more.csv -o figures --json",
		Args:    cobra.ExactArgs(2),
		RunE:    func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args[0], args[1]) },
	}
	flags := cmd.Flags()
	v.table.labels(flags)
	v.model = a.taughtWith(cmd)
	flags.StringVarP(&v.output, "output", "o", "", "folder to write figures and pictures to")
	flags.BoolVar(&v.json, "json", false, "one JSON object")
	return cmd
}

type fuseEvalVerb struct {
	app    *app
	table  tableFlags
	model  *modelFlags
	output string
	json   bool
}

func (v *fuseEvalVerb) run(ctx context.Context, dir, data string) error {
	if err := v.table.check(); err != nil {
		return err
	}
	cache, err := v.table.folder()
	if err != nil {
		return err
	}
	m, err := v.app.fused(ctx, dir, v.model, cache)
	if err != nil {
		return err
	}
	defer m.Close()
	o := v.table.Options
	if o.Columns = m.Columns; o.Label == "" {
		o.Label = m.Label
	}
	o.Unlabelled = m.Task == "match"
	table, err := decision.OpenTable(data, &o)
	if err != nil {
		return err
	}
	watch := &watch{app: v.app}
	r, seen, err := m.Evaluate(ctx, table, v.table.boot, v.table.seed, func(done, of int) { watch.stage("measuring", done, of) })
	watch.close()
	if err != nil {
		return err
	}
	v.app.seen(seen, false)
	if seen.Leaks > 0 {
		v.app.say("a leak: %d of %s were learnt from, the first %s: the figures are too good", seen.Leaks, plural(len(table.Rows), "row", "rows"), seen.First)
	}
	if v.output != "" {
		if err := v.save(r); err != nil {
			return err
		}
	}
	if v.json {
		return v.app.writeJSON(r)
	}
	out := v.app.stdout
	fmt.Fprintf(out, "%s on %s\n\n", clean(dir), clean(data))
	subsetTable(r).write(out, v.app.width)
	for _, c := range []struct {
		title, unit string
		curves      []decision.Curve
	}{{"with noise, so many times as large as features vary", "×", r.Noise}, {"with a modality missing from a share of the items", "", r.Dropout}} {
		fmt.Fprintf(out, "\n%s:\n", c.title)
		curveTable(c.curves, c.unit).write(out, v.app.width)
	}
	fmt.Fprintf(out, "\n(intervals of %g %% confidence by %d draws)\n", 100*v.table.boot.Level, v.table.boot.Draws)
	return nil
}

// curveTable is the figure that counts by level.
func curveTable(curves []decision.Curve, unit string) *grid {
	t := &grid{columns: []column{{title: "modality", cut: shorten}}}
	for _, p := range curves[0].Points {
		t.columns = append(t.columns, column{title: fmt.Sprintf("%g%s", p.Level, unit), right: true})
	}
	for _, c := range curves {
		cells := []string{clean(c.Modality)}
		for _, p := range c.Points {
			cells = append(cells, short(p.Figures))
		}
		t.add(cells...)
	}
	return t
}

// short is the figure that counts without its interval.
func short(f decision.Figures) string {
	switch {
	case f.Accuracy != nil:
		return fmt.Sprintf("%.1f", 100**f.Accuracy)
	case f.RMSE != nil:
		return fmt.Sprintf("%.4g", *f.RMSE)
	}
	return ""
}

// save writes figures and pictures.
func (v *fuseEvalVerb) save(r *decision.Report) error {
	files, err := r.Pictures()
	if err != nil {
		return err
	}
	if err := whole.WriteFiles(v.output, files); err != nil {
		return err
	}
	for name, write := range map[string]func(*atomicFile) error{
		"figures.json": func(f *atomicFile) error { return encode(f.w, r) },
		"figures.csv":  func(f *atomicFile) error { return writeFigures(csv.NewWriter(f.w), r) },
	} {
		f, err := create(filepath.Join(v.output, name))
		if err != nil {
			return err
		}
		defer f.Abort()
		if err := write(f); err != nil {
			return err
		}
		if err := f.commit(); err != nil {
			return err
		}
	}
	return nil
}

// writeFigures writes a line for every figure.
func writeFigures(w *csv.Writer, r *decision.Report) error {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	_ = w.Write([]string{"what", "modality", "level", "items", "figure", "value", "low", "high"}) // Flush has the error
	line := func(what, modality, level string, f decision.Figures) {
		for _, x := range []struct {
			name  string
			value *float64
			in    *metric.Interval
		}{{"accuracy", f.Accuracy, f.Interval}, {"macro-F1", f.MacroF1, f.F1Interval}, {"RMSE", f.RMSE, f.RMSEBounds}, {"calibration error", f.ECE, nil}} {
			if x.value == nil {
				continue
			}
			low, high := "", ""
			if x.in != nil {
				low, high = number(x.in.Low), number(x.in.High)
			}
			_ = w.Write([]string{what, modality, level, strconv.Itoa(f.Items), x.name, number(*x.value), low, high})
		}
	}
	for _, s := range r.Subsets {
		line("shown", strings.Join(s.Modalities, "+"), "", s.Figures)
	}
	for what, curves := range map[string][]decision.Curve{"noise": r.Noise, "missing": r.Dropout} {
		for _, c := range curves {
			for _, p := range c.Points {
				line(what, c.Modality, number(p.Level), p.Figures)
			}
		}
	}
	w.Flush()
	return w.Error()
}
