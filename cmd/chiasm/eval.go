package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/study"
)

const evalLong = `Measures a model on data: how well texts, pictures and sounds find one another, in
every direction that the data and the model have, and how well pictures and
sounds find the names of their classes.

DATA is a table (.csv, .tsv, .jsonl, .parquet), webdataset shards (.tar), a
folder of media with texts beside them, a folder for every class, or a data set
in CLIP_benchmark's layout.

R@5 is the share of queries that have something of theirs among the first five
of the gallery; ties count against the model. Beside every figure stands the
interval that other queries of the same kind would leave it in, with 95 %
confidence, by a bootstrap over the queries. Where the texts are in several
languages each is measured against its own, and where items name a domain (or
what --by says) the queries of each domain count by themselves, against the
whole gallery. Items that cannot be read are named and left out.`

const evalExample = `  chiasm eval openai/clip-vit-base-patch32 captions.csv
  chiasm eval openai/clip-vit-base-patch32 wds_cifar10/ --json
  chiasm eval -m ./my-model --split validation pairs.jsonl -o figures.csv
  chiasm eval -m ./my-model --labels @names.txt --templates imagenet photos-by-class/`

// eval is the verb that measures a model on data.
func (a *app) eval() *cobra.Command {
	v := &evalVerb{app: a}
	cmd := &cobra.Command{
		Use: "eval [flags] [MODEL] DATA", Short: "Measure a model on data: retrieval and classification", Long: evalLong, Example: evalExample,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args) },
	}
	v.model = a.modelFlags(cmd)
	flags := cmd.Flags()
	v.data = dataFlags(flags)
	flags.StringVar((*string)(&v.how.Task), "task", "", "retrieval or classification alone (default: what the data have)")
	flags.StringSliceVar(&v.how.Languages, "languages", nil, "only texts in these, as en,zh")
	flags.StringVar(&v.how.By, "by", "", "what tells domains apart: group, class or a column of the data (default: a column domain)")
	flags.BoolVar(&v.how.Merge, "merge-texts", false, "equal texts are one query, to which all their items belong")
	flags.StringArrayVarP(&v.labels, "labels", "l", nil, "names of the classes by number, separated by commas, or @FILE; repeats (default: the data's own)")
	flags.StringArrayVar(&v.how.Templates, "template", nil, `prompt with {} where the name of a class goes; repeats (default: the data's own)`)
	flags.StringVar(&v.templates, "templates", "", "published prompts: "+strings.Join(chiasm.TemplateNames, " or "))
	flags.IntVar(&v.how.Batch, "batch-size", 0, "items at once (default 16)")
	flags.IntVar(&v.how.Bootstrap.Draws, "draws", 1000, "of the bootstrap")
	flags.Float64Var(&v.how.Bootstrap.Level, "confidence", 0.95, "of the intervals")
	flags.Uint64Var(&v.how.Bootstrap.Seed, "seed", 0, "of the bootstrap")
	flags.StringVarP(&v.output, "output", "o", "", "file to write besides: .json or .csv")
	flags.BoolVar(&v.json, "json", false, "one JSON object")
	complete(cmd, "task", string(dataset.Retrieval), string(dataset.Classification))
	complete(cmd, "templates", chiasm.TemplateNames...)
	return cmd
}

type evalVerb struct {
	app               *app
	model             *modelFlags
	data              *dataset.Options
	how               study.Evaluation
	labels            []string
	templates, output string
	json              bool
}

func (v *evalVerb) check(args []string) error {
	b := &v.how.Bootstrap
	switch {
	case len(args) == 0:
		return usagef("there are no data to measure on: want a table, shards or a folder")
	case len(args) > 2:
		return usagef("got %d arguments, want a model and data", len(args))
	case v.how.Task != "" && v.how.Task != dataset.Retrieval && v.how.Task != dataset.Classification:
		return usagef("--task %s: want retrieval or classification", v.how.Task)
	case v.how.Batch < 0:
		return usagef("--batch-size %d: want a positive number", v.how.Batch)
	case b.Draws < 1:
		return usagef("--draws %d: want a positive number", b.Draws)
	case !(b.Level > 0 && b.Level < 1):
		return usagef("--confidence %v: want more than 0 and less than 1", b.Level)
	}
	if v.output != "" && !strings.HasSuffix(v.output, ".json") && !strings.HasSuffix(v.output, ".csv") {
		return usagef("-o %s: want a .json or a .csv file", v.output)
	}
	if v.output != "" {
		if err := writable(v.output); err != nil {
			return err
		}
	}
	for _, t := range v.how.Templates {
		if !strings.Contains(t, "{}") {
			return usagef("--template %q has no {} for the name of the class", t)
		}
	}
	if v.templates != "" {
		set, err := chiasm.Templates(v.templates)
		if err != nil {
			return &usageError{err}
		}
		v.how.Templates = append(v.how.Templates, set...)
	}
	if len(args) == 2 {
		if v.model.name != "" {
			return usagef("two models are given, %s and --model %s", args[0], v.model.name)
		}
		v.model.name = args[0]
	}
	return nil
}

func (v *evalVerb) run(ctx context.Context, args []string) error {
	if err := v.check(args); err != nil {
		return err
	}
	if _, err := v.model.options(); err != nil {
		return err
	}
	if len(v.labels) > 0 {
		var err error
		if v.how.Classes, err = v.app.readLabels(v.labels); err != nil {
			return err
		}
	}
	set, err := dataset.Open(args[len(args)-1], v.data)
	if err != nil {
		return err
	}
	defer set.Close()
	m, err := v.app.open(ctx, v.model)
	if err != nil {
		return err
	}
	bar := v.app.progress("measuring", int64(set.Len()), inItems)
	defer v.app.done(bar)
	v.how.Workers, v.how.Shrink = v.model.threads, v.model.fast
	v.how.Progress = func(done, of int) { bar.set("measuring", int64(done), int64(of)) }
	f, err := study.Evaluate(ctx, m, set, &v.how)
	if err != nil {
		return err
	}
	v.app.done(bar)
	for _, e := range slices.Concat(f.Damage, f.Errors) {
		v.app.say("%s", e)
	}
	if err := v.save(f); err != nil {
		return err
	}
	if v.json {
		err = v.app.writeJSON(f)
	} else {
		v.write(f)
	}
	switch {
	case err != nil:
	case len(f.Damage) > 0:
		err = fmt.Errorf("of %s only the beginning could be read", plural(len(f.Damage), "file", "files"))
	case f.Broken > 0:
		err = fmt.Errorf("%d of %s could not be read", f.Broken, plural(f.Items, "item", "items"))
	}
	return err
}

// save writes the file that was asked for.
func (v *evalVerb) save(f *study.Figures) error {
	if v.output == "" {
		return nil
	}
	file, err := create(v.output)
	if err != nil {
		return err
	}
	defer file.Abort()
	if strings.HasSuffix(v.output, ".csv") {
		err = f.WriteCSV(file.w)
	} else {
		err = encode(file.w, f)
	}
	if err != nil {
		return err
	}
	return file.commit()
}

// write lays the figures out as tables.
func (v *evalVerb) write(f *study.Figures) {
	out := v.app.stdout
	fmt.Fprintf(out, "%s on %s: %s\n", clean(f.Model), clean(f.Data), v.counts(f))
	if f.CutTexts+f.CutSounds > 0 {
		fmt.Fprintf(out, "of %s and %s the model reads or hears the beginning only\n", plural(f.CutTexts, "text", "texts"), plural(f.CutSounds, "sound", "sounds"))
	}
	if len(f.Retrieval) > 0 && f.Repeated > 0 {
		fmt.Fprintf(out, "repeated texts: %d; a text is wrong for the other items that have it, unless --merge-texts makes one query of it\n", f.Repeated)
	}
	if len(f.Retrieval) > 0 {
		fmt.Fprintln(out)
		retrievalTable(f).write(out, v.app.width)
	}
	if len(f.Classification) > 0 {
		fmt.Fprintln(out)
		classTable(f).write(out, v.app.width)
	}
	fmt.Fprintf(out, "\n(in percent, with intervals of %g %% confidence by %d draws)\n", 100*f.Level, f.Draws)
}

// counts says what there is in the data.
func (v *evalVerb) counts(f *study.Figures) string {
	list := []string{plural(f.Items, "item", "items")}
	if f.Images > 0 {
		list = append(list, plural(f.Images, "picture", "pictures"))
	}
	if f.Sounds > 0 {
		list = append(list, plural(f.Sounds, "sound", "sounds"))
	}
	texts, languages := 0, []string{}
	for l, n := range f.Texts {
		texts += n
		if l != "" {
			languages = append(languages, fmt.Sprintf("%s %d", l, n))
		}
	}
	if texts > 0 {
		list = append(list, plural(texts, "text", "texts"))
	}
	slices.Sort(languages)
	if len(languages) > 0 {
		list[len(list)-1] += " (" + strings.Join(languages, ", ") + ")"
	}
	return strings.Join(list, ", ")
}

func retrievalTable(f *study.Figures) *grid {
	t := &grid{columns: []column{
		{title: "retrieval"}, {title: "language"}, {title: "domain", cut: shorten}, {title: "queries", right: true}, {title: "gallery", right: true},
		{title: "R@1", right: true}, {title: "R@5", right: true}, {title: "R@10", right: true}, {title: "median", right: true}, {title: "MRR", right: true},
	}}
	for _, r := range f.Retrieval {
		t.add(r.From+" → "+r.To, r.Language, r.Domain, fmt.Sprint(r.Queries), fmt.Sprint(r.Gallery),
			share(r.R1, r.Intervals.R1), share(r.R5, r.Intervals.R5), share(r.R10, r.Intervals.R10), fmt.Sprintf("%g", r.Median), fmt.Sprintf("%.3f", r.MRR))
	}
	return t.dense()
}

func classTable(f *study.Figures) *grid {
	t := &grid{columns: []column{
		{title: "classes of"}, {title: "domain", cut: shorten}, {title: "queries", right: true}, {title: "classes", right: true},
		{title: "top 1", right: true}, {title: "top 5", right: true}, {title: "per class", right: true}, {title: "mAP", right: true}, {title: "ECE", right: true},
	}}
	percent := func(v *float64) string {
		if v == nil {
			return ""
		}
		return fmt.Sprintf("%.1f", 100**v)
	}
	for _, c := range f.Classification {
		t.add(c.Of, c.Domain, fmt.Sprint(c.Queries), fmt.Sprint(c.Classes), share(c.Top1, c.Interval1), share(c.Top5, c.Interval5),
			percent(c.PerClass), percent(c.MAP), percent(c.ECE))
	}
	return t.dense()
}

// share is a figure in percent with its interval.
func share(v float64, i metric.Interval) string {
	return fmt.Sprintf("%.1f (%.1f–%.1f)", 100*v, 100*i.Low, 100*i.High)
}

// dense leaves out the columns in which nothing stands.
func (t *grid) dense() *grid {
	for i := len(t.columns) - 1; i >= 0; i-- {
		if slices.ContainsFunc(t.rows, func(row []string) bool { return row[i] != "" }) {
			continue
		}
		t.columns = slices.Delete(t.columns, i, i+1)
		for j := range t.rows {
			t.rows[j] = slices.Delete(t.rows[j], i, i+1)
		}
	}
	return t
}
