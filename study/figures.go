package study

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/chiasm/chiasm/metric"
)

// WriteCSV writes a line for every figure: what was measured, of which part of the data, its value and its interval. Shares are from 0
// to 1.
func (f *Figures) WriteCSV(to io.Writer) error {
	w := csv.NewWriter(to)
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	line := func(what, language, domain string, queries, gallery int, figure string, v float64, i *metric.Interval) {
		low, high := "", ""
		if i != nil {
			low, high = number(i.Low), number(i.High)
		}
		_ = w.Write([]string{what, language, domain, strconv.Itoa(queries), strconv.Itoa(gallery), figure, number(v), low, high}) // Flush has the error
	}
	_ = w.Write([]string{"task", "language", "domain", "queries", "gallery", "figure", "value", "low", "high"})
	for _, r := range f.Retrieval {
		what := r.From + " to " + r.To
		for _, v := range []struct {
			name  string
			value float64
			in    metric.Interval
		}{
			{"R@1", r.R1, r.Intervals.R1}, {"R@5", r.R5, r.Intervals.R5}, {"R@10", r.R10, r.Intervals.R10},
			{"median rank", r.Median, r.Intervals.Median}, {"mean rank", r.Mean, r.Intervals.Mean}, {"MRR", r.MRR, r.Intervals.MRR},
		} {
			line(what, r.Language, r.Domain, r.Queries, r.Gallery, v.name, v.value, &v.in)
		}
	}
	for _, c := range f.Classification {
		what := "classes of " + c.Of
		line(what, "", c.Domain, c.Queries, c.Classes, "top 1", c.Top1, &c.Interval1)
		line(what, "", c.Domain, c.Queries, c.Classes, "top 5", c.Top5, &c.Interval5)
		if c.PerClass != nil {
			line(what, "", c.Domain, c.Queries, c.Classes, "mean per class", *c.PerClass, nil)
		}
		if c.MAP != nil {
			line(what, "", c.Domain, c.Queries, c.Classes, "mAP", *c.MAP, nil)
		}
		if c.ECE != nil {
			line(what, "", c.Domain, c.Queries, c.Classes, "calibration error", *c.ECE, nil)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return nil
}
