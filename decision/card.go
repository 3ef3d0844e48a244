package decision

import (
	"fmt"
	"strings"
)

// card is the model's README: what it decides, what it learnt from, how well it does, what it makes of less than all.
func (t *Training) card(m *Model, taught *Taught) string {
	var b strings.Builder
	b.WriteString("---\ntags:\n- chiasm\n- multimodal\n---\n\n")
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", cell(baseName(taught.Folder)), m.about())
	fmt.Fprintf(&b, "Fusion: **%s** (%s). Why: %s.\n\n", taught.Method, taught.How, cell(taught.Why))
	what := "which stayed as it is"
	if m.Encoder.Tuned != "" {
		what = fmt.Sprintf("of which %d values were tuned with the fusion (%s): it is in the folder `%s`", taught.Tuned, m.Encoder.Tuned, encoderFolder)
	}
	fmt.Fprintf(&b, "Features: %s of `%s` (%s), %s. The fusion keeps %d values and learnt in %d steps; the weights are those of step %d, which did best on the part that was only looked at.\n\n",
		m.features(), m.Encoder.Model, m.Encoder.Space, what, taught.Parameters, taught.Steps, taught.Best)
	t.cardData(&b, taught)
	r := taught.Report
	fmt.Fprintf(&b, "## How well it does\n\nOn %d things that nothing was learnt from and nothing was chosen by, with intervals of %g %% confidence by a bootstrap over them:\n\n", r.All.Items, 100*t.Boot.Confidence())
	b.WriteString("| shown | " + heads(r.All) + " |\n|---|" + strings.Repeat("---|", strings.Count(heads(r.All), "|")+1) + "\n")
	for _, s := range r.Subsets {
		fmt.Fprintf(&b, "| %s | %s |\n", cell(strings.Join(s.Modalities, " + ")), row(s.Figures))
	}
	fmt.Fprintf(&b, "\n%s Curves under noise and missing modalities, the confusion matrix and the course of the learning are in the folder `training`.\n\n", m.Missing())
	b.WriteString("## What it cannot do\n\n- It knows what its data show. Measure it on your own before you rely on it: `chiasm fuse eval`.\n- Its probabilities are as good as the calibration error above says, on things like these.\n")
	return b.String()
}

// about says what is decided.
func (m *Model) about() string {
	var from []string
	for _, c := range m.Columns {
		from = append(from, c.String())
	}
	list := cell(strings.Join(from, ", "))
	switch m.Task {
	case "single":
		return fmt.Sprintf("Tells which of %d classes a thing is of, by %s. The classes: %s.", len(m.Classes), list, cell(strings.Join(m.Classes, ", ")))
	case "multi":
		return fmt.Sprintf("Tells which of %d classes a thing is of, any number of them, by %s. The classes: %s.", len(m.Classes), list, cell(strings.Join(m.Classes, ", ")))
	case "regression":
		return fmt.Sprintf("Tells the number %s of a thing, by %s.", cell(m.Label), list)
	}
	return fmt.Sprintf("Tells whether %s belongs to the rest, by %s.", cell(m.Match), list)
}

func (t *Training) cardData(b *strings.Builder, taught *Taught) {
	s := taught.Seen
	fmt.Fprintf(b, "## Data\n\n`%s`, %d rows, of which %d were learnt from, %d looked at on the way, %d measured on (seed %d).\n\n", cell(t.Table.Name), s.Rows, taught.Split.Train, taught.Split.Valid, taught.Split.Test, t.Seed)
	b.WriteString("| column | kind | rows that have it | files not there | files not readable |\n|---|---|---|---|---|\n")
	for _, c := range s.Columns {
		fmt.Fprintf(b, "| %s | %s | %d | %d | %d |\n", cell(c.Name), c.Kind, c.Present, c.Missing, c.Broken)
	}
	b.WriteString("\n" + s.Leak() + "\n\n")
}

// Leak says what was found of files on both sides of a split.
func (s *Seen) Leak() string {
	switch {
	case s.Leaks > 0:
		return fmt.Sprintf("A leak: %s to learn from had a group or the content of a file in common with what is measured on, and did not count. The first: %s.", many(s.Leaks, "row"), s.First)
	case s.Bound > 0:
		return fmt.Sprintf("%s had the content of a file in common with a row of another group, and stayed on its side of the split. The first: %s.", many(s.Bound, "row"), s.First)
	}
	return "No file is on two sides of the split, by the hash of its content."
}

// heads and row are figures in a table of Markdown.
func heads(f Figures) string {
	if f.RMSE != nil {
		return "root mean squared error"
	}
	return "accuracy, percent | macro-F1, percent | calibration error, percent"
}

func row(f Figures) string {
	if f.RMSE != nil {
		return f.Main()
	}
	out := f.Main()
	if f.MacroF1 != nil {
		out += fmt.Sprintf(" | %.1f (%.1f–%.1f)", 100**f.MacroF1, 100*f.F1Interval.Low, 100*f.F1Interval.High)
	}
	if f.ECE != nil {
		out += fmt.Sprintf(" | %.1f", 100**f.ECE)
	}
	return out
}

// cell is a text for one line of Markdown.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}

func baseName(path string) string {
	path = strings.TrimRight(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}
