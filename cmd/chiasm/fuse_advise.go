package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm/decision"
	"github.com/chiasm/chiasm/fusion"
)

const fuseAdviseLong = `Says which way of fusing is the right one for your data, and why: each candidate
learns with the same number of steps on the same parts of the data, and answers
what it has not learnt from (cross-validation).

Of those that keep to --latency and --must-work-without, all that are not surely
worse than the best count as equal; of the equal ones late fusion is recommended
before early, and early before interactive, unless most of what the modalities say
is only said together. Where the best is no better than always giving the same
answer, the data cannot tell, and the answer is undecided.

--features vectors,tokens tries each candidate on the one vector of each thing, and on
its parts too (chiasm fuse train --help): of equally good ones that on vectors comes first.

-o FILE.html is a report with charts in one file. Times are those of the clock on
the wall, of one decision after another on this machine, with reading the files
and the encoders.`

// fuseAdvise is the verb that recommends a way of fusing.
func (a *app) fuseAdvise() *cobra.Command {
	v := &fuseAdviseVerb{app: a}
	cmd := &cobra.Command{
		Use: "advise [flags] DATA", Short: "Measure all ways of fusing on your data and recommend one", Long: fuseAdviseLong,
		Example: `  chiasm fuse advise things.csv --label kind -o report.html
  chiasm fuse advise things.csv --label kind --latency 50ms --must-work-without sound
  chiasm fuse advise things.csv --label kind --json | jq .recommendation`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args[0]) },
	}
	flags := cmd.Flags()
	v.table.add(flags)
	v.limits.add(flags)
	v.model = a.anyModelFlags(cmd)
	flags.StringSliceVar(&v.methods, "methods", nil, "the candidates (default: all): late, concat, joint, lmf, gmu, mbt, coattention, mult")
	v.how.budget(flags)
	flags.StringVarP(&v.output, "output", "o", "", "file to write the report to: .html")
	flags.BoolVar(&v.json, "json", false, "one JSON object: the recommendation and the candidates")
	complete(cmd, "task", "single", "multi", "regression", "match")
	complete(cmd, "features", "vectors", "tokens", "vectors,tokens")
	return cmd
}

type fuseAdviseVerb struct {
	app     *app
	table   tableFlags
	limits  limitFlags
	model   *modelFlags
	how     budgetFlags
	methods []string
	output  string
	json    bool
}

func (v *fuseAdviseVerb) run(ctx context.Context, path string) error {
	if err := v.how.check(); err != nil {
		return err
	}
	if err := v.limits.check(); err != nil {
		return err
	}
	if v.output != "" {
		if !strings.HasSuffix(v.output, ".html") {
			return usagef("-o %s: want a .html file", v.output)
		}
		if err := writable(v.output); err != nil {
			return err
		}
	}
	var methods []fusion.Method
	for _, m := range v.methods {
		if fusion.Method(m).How() == fusion.InteractiveFusion && !strings.Contains("|"+strings.Join(decision.Methods("interactive"), "|")+"|", "|"+m+"|") {
			return usagef("--methods %s: want some of late, concat, joint, lmf, gmu, mbt, coattention, mult", m)
		}
		if slices.Contains(methods, fusion.Method(m)) {
			return usagef("--methods names %s twice", m)
		}
		methods = append(methods, fusion.Method(m))
	}
	watch := &watch{app: v.app}
	defer watch.close()
	study, err := v.app.study(&v.table, v.model, path, watch.stage)
	if err != nil {
		return err
	}
	if err := v.limits.named(study.Table); err != nil {
		return err
	}
	advising := decision.Advising{Study: study, Methods: methods, Model: v.how.Model, Learning: v.how.Learning, Folds: v.how.Folds, Limits: v.limits.Limits, Boot: v.table.boot}
	advice, err := advising.Run(ctx)
	watch.close()
	if err != nil {
		return err
	}
	v.app.seen(advice.Seen, true)
	if v.output != "" {
		if err := v.save(advice, path); err != nil {
			return err
		}
	}
	if v.json {
		return v.app.writeJSON(advice)
	}
	v.write(advice)
	return nil
}

// save writes the report.
func (v *fuseAdviseVerb) save(a *decision.Advice, data string) error {
	page, err := a.HTML(filepath.Base(data))
	if err != nil {
		return err
	}
	f, err := create(v.output)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.w.Write(page); err != nil {
		return err
	}
	return f.commit()
}

// write says what was found.
func (v *fuseAdviseVerb) write(a *decision.Advice) {
	out := v.app.stdout
	t := &grid{columns: []column{
		{title: "candidate"}, {title: "how"}, {title: "accuracy", right: true}, {title: "RMSE", right: true}, {title: "macro-F1", right: true}, {title: "ECE", right: true},
		{title: "values", right: true}, {title: "p50 ms", right: true}, {title: "p99 ms", right: true}, {title: "first ms", right: true},
	}}
	n := len(a.Columns)
	if n > 1 {
		for _, c := range a.Columns {
			t.columns = append(t.columns, column{title: "without " + clean(c.Name), right: true})
		}
	}
	t.columns = append(t.columns, column{title: "limits"})
	for _, c := range a.Candidates {
		cells := []string{a.Name(c), c.How, "", "", "", "", fmt.Sprint(c.Parameters), decision.Milliseconds(c.Latency.P50), decision.Milliseconds(c.Latency.P99), ""}
		if c.Accuracy != nil {
			cells[2] = c.Main()
		}
		if c.RMSE != nil {
			cells[3] = c.Main()
		}
		if c.MacroF1 != nil {
			cells[4] = fmt.Sprintf("%.1f", 100**c.MacroF1)
		}
		if c.ECE != nil {
			cells[5] = fmt.Sprintf("%.1f", 100**c.ECE)
		}
		if c.First > 0 {
			cells[9] = decision.Milliseconds(c.First)
		}
		for i := 0; n > 1 && i < n; i++ { // sets of all but one come in the order of the one that is left out, the last first
			cells = append(cells, short(c.Subsets[len(c.Subsets)-2-i].Figures))
		}
		t.add(append(cells, c.Breaks)...)
	}
	t.dense().write(out, v.app.width)
	fmt.Fprintf(out, "\ninformation in bits: %s\n", clean(a.Bits()))
	how := a.Recommendation.How
	if name := a.Recommended(); name != "" {
		how += " (" + name + ")"
	}
	fmt.Fprintf(out, "\n%s: %s\n", how, clean(a.Recommendation.Why))
}
