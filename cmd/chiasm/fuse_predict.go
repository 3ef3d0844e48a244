package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/decision"
)

const fusePredictLong = `Decides about a thing, or about all rows of a table. Any modality may be missing.

ITEMS are the parts of one thing: files, which go to the column of their kind, or
COLUMN=VALUE where there are several of a kind, and for texts and numbers; --text
is short for the only column of texts. Or they are tables (.csv, .tsv, .jsonl).`

// fusePredict is the verb that decides.
func (a *app) fusePredict() *cobra.Command {
	v := &fusePredictVerb{app: a}
	cmd := &cobra.Command{
		Use: "predict [flags] MODEL ITEMS", Short: "Decide about things by a fused model", Long: fusePredictLong,
		Example: "  chiasm fuse predict kinds photo.jpg bark.wav\n  chiasm fuse predict kinds left=a.png right=b.png --text \"a dog\"\n  chiasm fuse predict kinds new.csv --json",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args[0], args[1:]) },
	}
	flags := cmd.Flags()
	v.model = a.taughtWith(cmd)
	v.table.keep(flags)
	flags.StringVarP(&v.text, "text", "t", "", "a text, of the only column of texts")
	flags.IntVar(&v.top, "top", 5, "how many classes to show, the likeliest first; 0 for all")
	flags.BoolVar(&v.json, "json", false, "JSON lines")
	return cmd
}

type fusePredictVerb struct {
	app   *app
	model *modelFlags
	table tableFlags
	text  string
	top   int
	json  bool
}

// fuseAnswer is a line of the output.
type fuseAnswer struct {
	Item string `json:"item"`
	*decision.Answer
}

func (v *fusePredictVerb) run(ctx context.Context, dir string, items []string) error {
	if len(items) == 0 && v.text == "" {
		return usagef("there is nothing to decide about: want files, COLUMN=VALUE, --text or a table")
	}
	if v.top < 0 {
		return usagef("--top %d: want a positive number, or 0 for all", v.top)
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
	var parts []string
	for _, it := range items {
		if !isTable(it) {
			parts = append(parts, it)
			continue
		}
		if err := v.rows(ctx, m, it); err != nil {
			return err
		}
	}
	if len(parts) == 0 && v.text == "" {
		return nil
	}
	return v.thing(ctx, m, parts)
}

// rows decides about a table.
func (v *fusePredictVerb) rows(ctx context.Context, m *decision.Model, path string) error {
	t, err := decision.OpenTable(path, &decision.Options{Columns: m.Columns, Unlabelled: true})
	if err != nil {
		return err
	}
	watch := &watch{app: v.app}
	answers, seen, err := m.Answers(ctx, t, func(done, of int) { watch.stage("deciding", done, of) })
	watch.close()
	if err != nil {
		return err
	}
	v.app.seen(seen, false)
	empty := 0
	for i, a := range answers {
		if len(a.Present) == 0 {
			empty++
			v.app.say("%s: nothing of it can be read", t.Rows[i].Key)
			continue
		}
		if err := v.write(t.Rows[i].Key, a); err != nil {
			return err
		}
	}
	if empty > 0 {
		return fmt.Errorf("%d of %s failed", empty, plural(len(answers), "row", "rows"))
	}
	return nil
}

// thing decides about the parts of one.
func (v *fusePredictVerb) thing(ctx context.Context, m *decision.Model, items []string) error {
	if v.text != "" {
		name, err := columnOf(m, decision.Text, nil)
		if err != nil {
			return err
		}
		items = append(items, name+"="+v.text)
	}
	thing := map[string]chiasm.Part{}
	var taken []string
	for _, it := range items {
		name, value, ok := strings.Cut(it, "=")
		if ok = ok && slices.ContainsFunc(m.Columns, func(c decision.Column) bool { return c.Name == name }); !ok {
			var err error
			if name, err = columnOf(m, dataset.Kind(it), taken); err != nil {
				return fmt.Errorf("%s: %w", it, err)
			}
			value = it
		}
		if slices.Contains(taken, name) {
			return usagef("two values for %s", name)
		}
		taken = append(taken, name)
		p, err := m.Read(ctx, name, value)
		if err != nil {
			return fmt.Errorf("%s: %s", value, reason(value, err))
		}
		thing[name] = p
		for _, also := range beside(m, name) {
			if p, err := m.Read(ctx, also, value); err != nil {
				v.app.note("%s: nothing for %s: %s", value, also, reason(value, err))
			} else {
				thing[also] = p
			}
			taken = append(taken, also)
		}
	}
	a, err := m.Decide(ctx, thing)
	if err != nil {
		return err
	}
	return v.write(strings.Join(items, " "), a)
}

// beside is the other columns that are of the same files: the sound of videos.
func beside(m *decision.Model, column string) (names []string) {
	of := m.Columns[slices.IndexFunc(m.Columns, func(c decision.Column) bool { return c.Name == column })]
	for _, c := range m.Columns {
		if c.Name != column && c.Kind != decision.Number && of.Kind != decision.Number && c.Fields[0] == of.Fields[0] {
			names = append(names, c.Name)
		}
	}
	return names
}

// columnOf is the only column of a kind that nothing is known of yet.
func columnOf(m *decision.Model, kind string, taken []string) (string, error) {
	var free, all []string
	for _, c := range m.Columns {
		all = append(all, c.String())
		if c.Kind == kind && !slices.Contains(taken, c.Name) {
			free = append(free, c.Name)
		}
	}
	switch {
	case len(free) == 1:
		return free[0], nil
	case len(free) > 1:
		return "", usagef("of which column is it, %s? want COLUMN=VALUE", strings.Join(free, " or "))
	case kind == "":
		return "", usagef("want a file of a known kind, or COLUMN=VALUE of %s", strings.Join(all, ", "))
	}
	if slices.ContainsFunc(m.Columns, func(c decision.Column) bool { return c.Kind == kind }) {
		return "", usagef("another %s than the one there is a column for: the parts of one thing are %s; for several things want a table", kind, strings.Join(all, ", "))
	}
	return "", usagef("no column for what is of kind %s: there are %s", kind, strings.Join(all, ", "))
}

// write says an answer.
func (v *fusePredictVerb) write(item string, a *decision.Answer) error {
	if v.json {
		return v.app.writeJSON(fuseAnswer{item, a})
	}
	out := v.app.stdout
	fmt.Fprintf(out, "%s", clean(item))
	if len(a.Missing) > 0 {
		fmt.Fprintf(out, "  (without %s)", clean(strings.Join(a.Missing, ", ")))
	}
	fmt.Fprintln(out)
	switch {
	case a.Number != nil:
		fmt.Fprintf(out, "  %.6g\n", *a.Number)
	case len(a.Labels) == 0:
		fmt.Fprintf(out, "  %5.1f %%  that it belongs together\n", 100**a.Probability)
	}
	for i, l := range a.Labels {
		if v.top > 0 && i == v.top {
			break
		}
		fmt.Fprintf(out, "  %5.1f %%  %s\n", 100*l.Probability, clean(l.Name))
	}
	return nil
}
