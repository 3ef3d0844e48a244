package study

import (
	"fmt"
	"strings"
)

// card is the model's README: a head that the hub reads, what it is, what it learnt from, what it reached, what it cannot do.
func (t *Training) card(taught *Taught) string {
	r := t.Recipe
	var b strings.Builder
	b.WriteString("---\n")
	if r.Card.Licence != "" {
		fmt.Fprintf(&b, "license: %s\n", quoted(r.Card.Licence))
	}
	if len(r.Card.Language) > 0 {
		b.WriteString("language:\n")
		for _, l := range r.Card.Language {
			fmt.Fprintf(&b, "- %s\n", quoted(l))
		}
	}
	if r.Model.From != "" && strings.Count(r.Model.From, "/") == 1 && !strings.HasPrefix(r.Model.From, ".") {
		fmt.Fprintf(&b, "base_model: %s\n", quoted(r.Model.From))
	}
	if r.learnsPairs() && r.Model.Image == "" {
		b.WriteString("library_name: transformers\n")
	}
	b.WriteString("tags:\n- chiasm\n- contrastive\n---\n\n")
	fmt.Fprintf(&b, "# %s\n\n", oneLine(t.name()))
	if r.Card.About != "" {
		fmt.Fprintf(&b, "%s\n\n", r.Card.About)
	}
	b.WriteString(t.origin(taught))
	t.cardData(&b, taught)
	t.cardFigures(&b, taught)
	b.WriteString("## What it cannot do\n\n")
	for _, c := range r.Card.Cautions {
		fmt.Fprintf(&b, "- %s\n", oneLine(c))
	}
	if len(taught.After) == 0 {
		b.WriteString("- Nothing is known of how well it does: it was measured on nothing.\n")
	}
	b.WriteString("- It knows what its data show. On other kinds of pictures, sounds and words than those above, measure it before you rely on it (`chiasm eval`).\n\n")
	b.WriteString("## Recipe\n\n```yaml\n" + string(r.YAML()) + "```\n\nThe course of the training is in `training/report.html`.\n")
	return b.String()
}

// origin says what was learnt, and from where.
func (t *Training) origin(taught *Taught) string {
	r := t.Recipe
	from := "a model of random weights"
	if name := r.beginning(); name != "" {
		from = "`" + name + "`"
	}
	if r.Model.Image != "" {
		from = fmt.Sprintf("`%s` for pictures and `%s` for texts", r.Model.Image, r.Model.Text)
	}
	how := map[string]string{
		wayAll: "all of it", wayLiT: "with the tower of images or sounds left as it was (LiT)", wayLoRA: fmt.Sprintf("by adapters of rank %d, merged", r.Model.Rank),
		wayProbe: "by a linear layer on its vectors", wayCache: "by a cache of examples",
	}[r.Model.Way]
	out := fmt.Sprintf("Trained with chiasm from %s, %s: %s", from, how, taught.Words())
	if taught.Steps > 0 {
		out += fmt.Sprintf(" of %s", many(r.Learning.Batch, "pair"))
	}
	if taught.Best > 0 {
		out += fmt.Sprintf("; the weights are those of step %d, which did best on the validation", taught.Best)
	}
	return out + ".\n\n"
}

func (t *Training) cardData(b *strings.Builder, taught *Taught) {
	r, x := t.Recipe, taught.Material
	b.WriteString("## Data\n\n| used for | data | items | usable | pictures | sounds | texts |\n|---|---|---|---|---|---|---|\n")
	row := func(what string, s Source) {
		fmt.Fprintf(b, "| %s | %s | %d | %d | %d | %d | %s |\n", what, cell(s.Name), s.Items, s.Usable, s.Images, s.Sounds, cell(countTexts(s.Texts)))
	}
	for _, s := range x.Train {
		row("learning", s)
	}
	for _, s := range x.Validation {
		row("measuring", s)
	}
	b.WriteString("\n")
	if len(r.Card.Sources) > 0 {
		b.WriteString("Sources and licences:\n\n")
		for _, s := range r.Card.Sources {
			fmt.Fprintf(b, "- %s\n", oneLine(s))
		}
		b.WriteString("\n")
	}
	switch {
	case len(x.Validation) == 0:
	case r.Data.Fraction > 0:
		fmt.Fprintf(b, "Split: %g of the items, by %s, were kept out of training to measure on.", r.Data.Fraction, r.Data.By)
	default:
		b.WriteString("Split: the data measured on are a set of their own.")
	}
	switch {
	case x.Duplicates > 0 && x.Dropped:
		fmt.Fprintf(b, " %d items of the training data had the same media as some of these and were left out.", x.Duplicates)
	case x.Duplicates > 0:
		fmt.Fprintf(b, " %d items of the training data have the same media as some of these: the figures are too good.", x.Duplicates)
	case len(x.Validation) > 0:
		b.WriteString(" No medium is in both, by the hash of its content.")
	}
	b.WriteString("\n\n")
}

func (t *Training) cardFigures(b *strings.Builder, taught *Taught) {
	if len(taught.After) == 0 {
		return
	}
	b.WriteString("## Figures\n\nIn percent, with intervals of 95 % confidence by a bootstrap over the queries; ties count against the model.\n\n")
	for _, f := range taught.After {
		cardTable(b, f.Data, f)
	}
	if taught.Before != nil {
		cardTable(b, "before training", taught.Before)
	}
}

func cardTable(b *strings.Builder, title string, f *Figures) {
	fmt.Fprintf(b, "%s:\n\n", cell(title))
	if len(f.Retrieval) > 0 {
		b.WriteString("| retrieval | language | domain | queries | gallery | R@1 | R@5 | R@10 | median rank |\n|---|---|---|---|---|---|---|---|---|\n")
		for _, r := range f.Retrieval {
			fmt.Fprintf(b, "| %s → %s | %s | %s | %d | %d | %.1f (%.1f–%.1f) | %.1f (%.1f–%.1f) | %.1f (%.1f–%.1f) | %g |\n", r.From, r.To, cell(r.Language), cell(r.Domain), r.Queries, r.Gallery,
				100*r.R1, 100*r.Intervals.R1.Low, 100*r.Intervals.R1.High, 100*r.R5, 100*r.Intervals.R5.Low, 100*r.Intervals.R5.High,
				100*r.R10, 100*r.Intervals.R10.Low, 100*r.Intervals.R10.High, r.Median)
		}
		b.WriteString("\n")
	}
	if len(f.Classification) > 0 {
		b.WriteString("| classes of | domain | queries | classes | top 1 | top 5 |\n|---|---|---|---|---|---|\n")
		for _, c := range f.Classification {
			fmt.Fprintf(b, "| %s | %s | %d | %d | %.1f (%.1f–%.1f) | %.1f (%.1f–%.1f) |\n", c.Of, cell(c.Domain), c.Queries, c.Classes,
				100*c.Top1, 100*c.Interval1.Low, 100*c.Interval1.High, 100*c.Top5, 100*c.Interval5.Low, 100*c.Interval5.High)
		}
		b.WriteString("\n")
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// cell is a text for a table of Markdown.
func cell(s string) string { return strings.ReplaceAll(oneLine(s), "|", `\|`) }

// quoted is a text for the head, whatever it holds.
func quoted(s string) string { return fmt.Sprintf("%q", oneLine(s)) }
